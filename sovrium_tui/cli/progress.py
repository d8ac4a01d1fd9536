"""Waiting for a job of the server, with its progress on stderr."""

import asyncio
import sys

import click

from core.client import Client, SovriumError
from core.contract.console import Job
from sovrium_tui.cli.result import one_line

REJECTED_SHOWN = 20
LOOK_EVERY = 0.1
"""Seconds between two looks at a job."""


class JobFailed(SovriumError):
    """Work of the server that came to no good end; with the rows that did not fit, where that was the reason."""

    code = "JOB_FAILED"


async def finish(client: Client, job: Job) -> Job:
    """The job when it is done. Ctrl+C cancels it. Raises JobFailed."""
    return settled(await ended(client, job))


async def ended(client: Client, job: Job) -> Job:
    """The job when it is over, however it went. Ctrl+C cancels it."""
    shown = sys.stderr.isatty()
    pause = 0.01
    try:
        while job["state"] in ("queued", "running"):
            if shown:
                click.echo(f"\r\x1b[K{progress_line(job)}", err=True, nl=False)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LOOK_EVERY)
            job = await client.job(job["id"])
    except (asyncio.CancelledError, KeyboardInterrupt):
        await stop(client, job["id"])
        raise
    finally:
        if shown:
            click.echo("\r\x1b[K", err=True, nl=False)
    tell_rejected(job)
    return job


def settled(job: Job) -> Job:
    """A job that is over. Raises JobFailed."""
    if job["state"] != "done":
        rows = {"refused": job["refused"], "rejected": job["rejected"]} if job.get("refused") else {}
        raise JobFailed(job["error"] or f"The {job['kind']} was {job['state']}", **rows)
    return job


async def stop(client: Client, id_: str) -> None:
    """Cancel a job, and say so when that came too late: its last step, the commit, is never cut."""
    job = await client.job(id_)
    if job["state"] in ("queued", "running"):
        await client.cancel_job(id_)
        while job["state"] in ("queued", "running"):
            await asyncio.sleep(LOOK_EVERY)
            job = await client.job(id_)
    if job["state"] == "done" and job["kind"] == "import":
        click.echo(f"Too late to stop: {counted(job.get('rows', job['done']))} are in the table", err=True)


def tell_rejected(job: Job) -> None:
    """The rows of an import that did not fit, the first of them."""
    shown = job.get("rejected", [])[:REJECTED_SHOWN]
    for row in shown:
        field = f", {row['field']}" if row.get("field") else ""
        click.echo(one_line(f"line {row.get('line')}{field}: {row.get('message')}"), err=True)
    if (more := job.get("refused", 0) - len({row.get("line") for row in shown})) > 0:
        click.echo(f"… and {counted(more)} more", err=True)


def counted(rows: int) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{rows:,} row{'s'[: rows != 1]}"


def progress_line(job: Job) -> str:
    """`Importing contacts.csv: 120,000 of 336,776 rows`."""
    total = f" of {job['total']:,}" if job["total"] else ""
    return f"{job['title']}: {job['done']:,}{total} {job['unit']}"
