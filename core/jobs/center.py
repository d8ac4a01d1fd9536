"""The jobs of one engine: started, watched, cancelled, kept for a while when they are done.

A job is a coroutine that is given a `Progress`. It works on the database's long lane, so that it never stands in the way
of small requests, and leaves its file, if it makes one, in the exchange folder until the job is forgotten.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

from core.bus import Bus
from core.clock import Clock, to_iso
from core.contract.console import Job
from core.errors import AccessError, Busy, NotFound, SovriumError
from core.ids import short_id
from core.principal import OWNER, Principal
from core.sentence import with_patterns
from core.storage.database import Cancel

FINISHED_KEPT = 50
"""Finished jobs; the oldest is forgotten, with its file, when another one ends."""
RUNNING_MOST = 20
REJECTED_KEPT = 100
LOOK_SECONDS = 1.0
"""How often it is asked whether who began a job may still do what it does."""
REPORT_SECONDS = 0.2
"""Progress is published at most so often."""

log = logging.getLogger("sovrium.jobs")


Still = Callable[[], Awaitable[Principal | None]]
"""Who it is that began a job, as they are by now; None: nobody any more."""


class Cancelled(Exception):
    """Raised inside a job whose end was asked for."""


class Forbidden(AccessError):
    """Who began a job has other rights by now."""

    def __init__(self) -> None:
        super().__init__("Your rights have changed since this began; nothing was written")


class Progress:
    """What a job says about itself. Any thread may call."""

    def __init__(self, job: Job, publish: Callable[[Job], None]) -> None:
        self.cancel = Cancel()
        """Hand it to the database, so that cancelling stops the statement that runs."""
        self.is_forbidden = False
        """It was cancelled because who began it has other rights by now."""
        self.file: Path | None = None
        self.refused: Callable[[dict[str, Any]], None] = lambda rejected: None
        """Told every refused row of an import."""
        self._job = job
        self._publish = publish
        self._reported = 0.0
        self._warning = ""

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """How far the work has come.

        Raises:
            Cancelled: the job is to end.
        """
        if self.cancel.requested:
            raise Cancelled
        self._job["done"] = done
        if total is not None:
            self._job["total"] = total
        if note is not None:
            self._job["note"] = note
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self._publish(self._job)

    def reject(self, rejected: dict[str, Any]) -> None:
        """An import's refused row: `line`, `field`, `message`, `value`. The first hundred are told with the job."""
        self.refused(rejected)
        kept = self._job.setdefault("rejected", [])
        if len(kept) < REJECTED_KEPT:
            kept.append(rejected)

    def warn(self, warning: str) -> None:
        """What is to be known of the result: the note of the finished job."""
        self._warning = warning

    def finish(self, rows: int, file: Path | None = None) -> None:
        """The result: rows written, and an export's file."""
        self._job["done"] = self._job["rows"] = rows
        self._job.update(with_patterns({"note": self._warning}))  # type: ignore[typeddict-item]
        if file is not None:
            self.keep(file, self._job["title"])

    def keep(self, file: Path, name: str, refused: int = 0) -> None:
        """A file to fetch, under that name: an export's, or the refused rows of an import, so many."""
        self.file = file
        self._job["file"] = name
        self._job["size"] = file.stat().st_size
        if refused:
            self._job["refused"] = refused


Work = Callable[[Progress], Awaitable[None]]


class JobCenter:
    """All jobs, on the server's event loop."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._jobs: dict[str, tuple[Job, Progress, Principal]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(
        self,
        kind: Literal["import", "export", "migrate", "backup"],
        title: str,
        work: Work,
        *,
        unit: Literal["rows", "bytes"] = "rows",
        principal: Principal = OWNER,
        still: Still | None = None,
    ) -> Job:
        """Begin a job. `title` is what people see; an export's is its file name. One that writes ends without having done so
        when the rights of `still` are not those of `principal` any more.

        Raises:
            Busy: too many run already.
        """
        if len(self._tasks) >= RUNNING_MOST:
            raise Busy("Too many jobs are running", hint="wait for one to end, or cancel one")
        job: Job = {
            "id": short_id("job"),
            "kind": kind,
            "title": title,
            "state": "running",
            "done": 0,
            "total": None,
            "unit": unit,
            "note": "",
            "startedAt": to_iso(self._clock()),
            "finishedAt": None,
            "error": None,
        }
        progress = Progress(job, self._publish)
        self._jobs[job["id"]] = (job, progress, principal)
        self._tasks[job["id"]] = asyncio.get_running_loop().create_task(self._run(job, progress, work, still))
        self._publish(job)
        return job

    def list(self, principal: Principal = OWNER) -> list[Job]:
        """Those that the caller has started, the owner's all; newest first."""
        return [job for job, _, by in reversed(self._jobs.values()) if is_of(by, principal)]

    def get(self, job: str, principal: Principal = OWNER) -> Job:
        """Raises NotFound, also for a job of somebody else."""
        return self._find(job, principal)[0]

    def is_of(self, job: str, principal: Principal) -> bool:
        """Whether the caller may know of that job."""
        found = self._jobs.get(job)
        return found is not None and is_of(found[2], principal)

    def file(self, job: str, principal: Principal = OWNER) -> Path:
        """The file of a finished export, or of what an import refused; NotFound where there is none, and for who has other
        rights by now."""
        found, progress = self._find(job, principal)
        if not principal.has_rights_of(self._jobs[job][2]):
            raise NotFound("Your rights have changed since", hint="export it again")
        if found["state"] not in ("done", "failed") or progress.file is None:
            raise NotFound
        return progress.file

    def cancel(self, job: str, principal: Principal = OWNER) -> None:
        """End a running job, or forget a finished one."""
        found, progress = self._find(job, principal)
        if found["state"] == "running":
            progress.cancel.cancel()
        else:
            self._forget(job)

    def close(self) -> None:
        """End all jobs and remove their files. Any thread."""
        for job, progress, _ in list(self._jobs.values()):
            if job["state"] == "running":
                progress.cancel.cancel()
            elif progress.file is not None:
                progress.file.unlink(missing_ok=True)

    async def _run(self, job: Job, progress: Progress, work: Work, still: Still | None) -> None:
        watch = None if still is None else asyncio.create_task(self._watch(job, progress, still))
        try:
            await work(progress)
            job["state"] = "done"
        except Exception as error:
            # A statement stopped by a cancel fails in its own way; what counts is that it was asked to.
            cancelled = progress.cancel.requested or isinstance(error, Cancelled)
            job["state"] = "cancelled" if cancelled and not progress.is_forbidden else "failed"
            if job["state"] == "failed":
                told = Forbidden() if progress.is_forbidden else error
                job.update(with_patterns({"error": message_of(told)}))  # type: ignore[typeddict-item]
        except asyncio.CancelledError:
            job["state"] = "cancelled"
            raise
        finally:
            if watch is not None:
                watch.cancel()
            job["finishedAt"] = to_iso(self._clock())
            self._tasks.pop(job["id"], None)
            self._publish(job)
            self._forget_old()

    async def _watch(self, job: Job, progress: Progress, still: Still) -> None:
        by = self._jobs[job["id"]][2]
        while True:
            now = await still()
            if now is None or not now.has_rights_of(by):
                break
            await asyncio.sleep(LOOK_SECONDS)
        progress.is_forbidden = True
        progress.cancel.cancel()

    def _publish(self, job: Job) -> None:
        self._bus.publish({"kind": "job", "job": job})

    def _find(self, job: str, principal: Principal) -> tuple[Job, Progress]:
        found = self._jobs.get(job)
        if found is None or not is_of(found[2], principal):
            raise NotFound
        return found[:2]

    def _forget(self, job: str) -> None:
        _, progress, _ = self._jobs.pop(job)
        if progress.file is not None:
            progress.file.unlink(missing_ok=True)

    def _forget_old(self) -> None:
        finished = [name for name, (job, _, _) in self._jobs.items() if job["state"] not in ("running", "queued")]
        for name in finished[:-FINISHED_KEPT]:
            self._forget(name)


def is_of(by: Principal, principal: Principal) -> bool:
    return principal.is_unrestricted or principal.owns(by)


def message_of(error: Exception) -> str:
    """What a person is told; what we did not raise on purpose goes to the log."""
    if isinstance(error, SovriumError):
        return error.message
    log.error("a job failed", exc_info=error)
    return "Something went wrong inside the server; its log says what"
