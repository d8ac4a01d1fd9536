"""An export from its start to the file on this machine, wherever the person is by then."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from textual.app import App

from core.client import SovriumError
from core.contract.console import ExportRequest, Job
from screens.presenters.job_center import ACTIVE, JobCenter
from screens.services.context import Context
from screens.services.number import size
from screens.services.text import t


async def export(app: App[Any], context: Context, request: ExportRequest, path: Path) -> None:
    """Run an export as a job and save its file; what stands in the way is told."""
    port = context.port
    if port is None:
        app.notify(t("change.offline"), severity="warning")
        return
    try:
        job = await port.export(request)
    except SovriumError as error:
        app.notify(error.message, title=t("export.failed"), severity="error")
        return
    context.jobs.take(job)
    app.run_worker(_save(app, context, job["id"], path), exit_on_error=False)


async def _save(app: App[Any], context: Context, job_id: str, path: Path) -> None:
    job = await finished(context.jobs, job_id)
    if job is not None and job["state"] == "failed":
        app.notify(str(job["error"]), title=t("export.failed"), severity="error")
    if job is None or job["state"] != "done" or context.port is None:
        return
    try:
        written = await context.port.download(job_id, path)
    except (SovriumError, OSError) as error:
        app.notify(str(error), title=t("export.failed"), severity="error")
        return
    app.notify(t("export.saved", path=str(path), size=size(written)))


async def finished(jobs: JobCenter, job_id: str) -> Job | None:
    """A job when it has ended; None when it was forgotten."""
    ended = asyncio.Event()

    def look(_: Job | None) -> None:
        job = jobs.get(job_id)
        if job is None or job["state"] not in ACTIVE:
            ended.set()

    stop = jobs.changed.listen(look)
    look(None)
    await ended.wait()
    stop()
    return jobs.get(job_id)
