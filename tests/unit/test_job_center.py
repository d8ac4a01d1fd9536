"""Jobs: progress, cancel, results, and what is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from core.bus import Bus
from core.clock import system_clock
from core.errors import Busy, Invalid, NotFound
from core.jobs import center
from core.jobs.center import FINISHED_KEPT, REJECTED_KEPT, RUNNING_MOST, JobCenter, Progress
from core.jobs.result_file import distinct_names
from core.jobs.transfer import Transfers, file_name
from core.principal import Principal
from core.records.service import Records
from core.storage.database import Cancel


async def finished(jobs: JobCenter, job: Any) -> Any:
    async with asyncio.timeout(5):
        while job["state"] == "running":  # noqa: ASYNC110
            await asyncio.sleep(0)
    return jobs.get(job["id"])


async def test_an_export_of_a_result_says_that_it_is_read_until_there_are_rows_to_count(tmp_path: Path) -> None:
    jobs, notes = JobCenter(Bus(), system_clock), []

    @asynccontextmanager
    async def rows(cancel: Cancel) -> AsyncIterator[list[tuple[int]]]:
        notes.append(job["note"])
        yield [(1,), (2,)]

    transfers = Transfers(cast(Records, None), jobs, tmp_path, system_clock)
    job = transfers.start_result_export([{"name": "n", "type": "INTEGER", "family": "number"}], rows, "csv")
    done = await finished(jobs, job)
    assert (notes, done["rows"], done["note"]) == (["Reading"], 2, "")


async def test_a_job_tells_how_far_it_is_and_what_came_of_it(tmp_path: Path) -> None:
    bus = Bus()
    listener = bus.listen()
    jobs = JobCenter(bus, system_clock)
    file = tmp_path / "out.csv"

    async def work(progress: Progress) -> None:
        progress.report(3, 10, "Reading")
        file.write_text("abc")
        progress.finish(10, file)

    job = await finished(jobs, jobs.start("export", "people.csv", work))
    assert (job["state"], job["done"], job["total"], job["note"]) == ("done", 10, 10, "")
    assert (job["file"], job["size"], job["rows"]) == ("people.csv", 3, 10)
    assert job["finishedAt"] >= job["startedAt"]
    assert jobs.file(job["id"]) == file
    told = await listener.next(5)
    assert told is not None
    assert told.event["job"]["state"] == "done"
    jobs.cancel(job["id"])
    assert not file.exists()
    with pytest.raises(NotFound):
        jobs.get(job["id"])


async def test_a_cancelled_job_ends_at_its_next_report() -> None:
    jobs = JobCenter(Bus(), system_clock)
    begun = asyncio.Event()

    async def work(progress: Progress) -> None:
        begun.set()
        while True:
            progress.report(1)
            await asyncio.sleep(0)

    job = jobs.start("import", "people", work)
    await begun.wait()
    jobs.cancel(job["id"])
    assert (await finished(jobs, job))["state"] == "cancelled"
    assert jobs.get(job["id"])["error"] is None


async def test_a_failed_job_says_why_and_never_more_than_that(caplog: pytest.LogCaptureFixture) -> None:
    jobs = JobCenter(Bus(), system_clock)

    async def wrong(progress: Progress) -> None:
        raise Invalid("Line 3 does not fit")

    async def broken(progress: Progress) -> None:
        raise RuntimeError("SELECT secret")

    assert (await finished(jobs, jobs.start("import", "a", wrong)))["error"] == "Line 3 does not fit"
    error = (await finished(jobs, jobs.start("import", "a", broken)))["error"]
    assert "secret" not in error
    assert "secret" in caplog.text


async def test_finished_jobs_are_forgotten_oldest_first_with_their_files(tmp_path: Path) -> None:
    jobs = JobCenter(Bus(), system_clock)
    for number in range(FINISHED_KEPT + 3):

        async def work(progress: Progress, number: int = number) -> None:
            file = tmp_path / str(number)
            file.touch()
            progress.finish(1, file)

        await finished(jobs, jobs.start("export", str(number), work))
    await asyncio.sleep(0)
    assert [job["title"] for job in jobs.list()] == [str(n) for n in range(FINISHED_KEPT + 2, 2, -1)]
    assert len(list(tmp_path.iterdir())) == FINISHED_KEPT  # noqa: ASYNC240
    jobs.close()
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_too_many_at_once_are_refused() -> None:
    jobs, end = JobCenter(Bus(), system_clock), asyncio.Event()

    async def wait(progress: Progress) -> None:
        await end.wait()

    running = [jobs.start("import", "a", wait) for _ in range(RUNNING_MOST)]
    with pytest.raises(Busy):
        jobs.start("import", "a", wait)
    end.set()
    for job in running:
        await finished(jobs, job)


async def test_only_the_first_refused_rows_are_kept() -> None:
    jobs = JobCenter(Bus(), system_clock)

    async def work(progress: Progress) -> None:
        for line in range(REJECTED_KEPT * 2):
            progress.reject({"line": line})

    assert len((await finished(jobs, jobs.start("import", "a", work)))["rejected"]) == REJECTED_KEPT


def test_names_of_columns_and_files() -> None:
    assert distinct_names(["id", "id", "id_2", "id"]) == ["id", "id_2", "id_2_2", "id_3"]
    assert file_name('a/"b"\r\n', "csv", system_clock()).startswith("a_b_-20")


@pytest.mark.parametrize("now", [None, Principal("user", "ada", roles=frozenset({"viewer"}))])
async def test_a_job_ends_when_who_began_it_has_other_rights(
    now: Principal | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-034: what is under way writes with no rights that were taken away meanwhile."""
    monkeypatch.setattr(center, "LOOK_SECONDS", 0)
    jobs, ada = JobCenter(Bus(), system_clock), Principal("user", "ada", roles=frozenset({"editor"}))
    answers = iter([ada, now])

    async def still() -> Principal | None:
        return next(answers)

    async def work(progress: Progress) -> None:
        while True:
            progress.report(1)
            await asyncio.sleep(0)

    job = jobs.start("import", "people", work, principal=ada, still=still)
    found = await finished(jobs, job)
    assert (found["state"], found["error"]) == (
        "failed",
        "Your rights have changed since this began; nothing was written",
    )
