"""The console's view of the jobs: imports, exports. Lives as long as the app, so that jobs outlive screens."""

from core.contract.console import Event, Job
from screens.presenters.format.line import one_line, plain
from screens.presenters.signal import Signal
from screens.services.wording import in_words

ACTIVE = ("queued", "running")


class JobCenter:
    """Jobs by id, newest first. `changed` tells the job that moved; None after a whole reload."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self.changed: Signal[Job | None] = Signal()

    def load(self, jobs: list[Job]) -> None:
        """Take the server's list."""
        self._jobs = {job["id"]: _plain(job) for job in jobs}
        self.changed.publish(None)

    def take(self, job: Job) -> None:
        """A job has started, moved or ended. What was said before it ended may come behind the news of its end, such as the
        answer to its start."""
        known = self._jobs.get(job["id"])
        if known and known["state"] not in ACTIVE and job["state"] in ACTIVE:
            return
        job = self._jobs[job["id"]] = _plain(job)
        self.changed.publish(job)

    def hear(self, event: Event) -> None:
        """Listener of `Context.events`."""
        if event["kind"] == "job" and "job" in event:
            self.take(event["job"])

    def forget(self, job: str) -> None:
        """Remove a finished job from the list."""
        self._jobs.pop(job, None)
        self.changed.publish(None)

    def get(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def all(self) -> list[Job]:
        """Running ones first, then by start, newest first."""
        newest = sorted(self._jobs.values(), key=lambda job: job["startedAt"], reverse=True)
        return sorted(newest, key=lambda job: job["state"] not in ACTIVE)

    def running(self) -> list[Job]:
        return [job for job in self.all() if job["state"] in ACTIVE]


def _plain(job: Job) -> Job:
    """The job with texts that no terminal obeys: names of files and tables are in them."""
    job = {**job, "title": one_line(job["title"])}
    if job.get("note"):
        job["note"] = plain(in_words(job, "note")["note"])
    if job.get("error"):
        job["error"] = plain(in_words(job, "error")["error"])
    if "rejected" in job:
        job["rejected"] = [in_words(row, "message") for row in job["rejected"]]
    return job


def share(job: Job) -> float | None:
    """How much of a job is done, from 0 to 1; None when nobody knows."""
    if job["state"] == "done":
        return 1.0
    total = job["total"]
    return None if not total else min(1.0, job["done"] / total)
