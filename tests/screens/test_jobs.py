"""The jobs screen: what runs, what came of it, cancelling, forgetting, saving."""

from pathlib import Path

import pytest

from core.backup.archive import Archive
from core.client.client import Client
from core.contract.console import Job
from screens.presenters.job_center import JobCenter
from screens.services.download import free_name
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.memory_port import MemoryPort
from tests.support.server import RunningServer


def job(name: str, state: str = "running", **more: object) -> Job:
    """A job as the server tells it."""
    base: Job = {
        "id": name,
        "kind": "export",
        "title": f"Export {name} as CSV",
        "state": state,
        "done": 450_000,
        "total": 1_000_000,
        "unit": "rows",
        "note": "",
        "startedAt": "2026-01-05T09:00:00.000Z",
        "finishedAt": None if state == "running" else "2026-01-05T09:00:04.000Z",
        "error": None,
    }
    return {**base, **more}


def busy_port() -> MemoryPort:
    """A server with a job of each kind of end."""
    port = MemoryPort()
    refused = [{"line": 12, "field": "founded", "message": "is not a date", "value": "someday"}]
    port.job_list = [
        job("companies"),
        job("contacts", "done", rows=800, file="contacts.csv", size=48_213, total=800, done=800),
        job(
            "deals", "failed", kind="import", title="Import deals.csv", error="line 12: is not a date", rejected=refused
        ),
        job("leads", "cancelled", done=120),
    ]
    return port


async def test_jobs_are_listed_running_first_with_their_progress() -> None:
    app = console(busy_port())
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        text = screen_text(app)
        assert "45%" in text
        assert text.index("Export companies") < text.index("Export contacts")
        assert "⟳ 1 job 45%" in text


def test_news_of_the_end_may_overtake_the_answer_to_the_start() -> None:
    center = JobCenter()
    center.take(job("companies", "done"))
    center.take(job("companies"))
    assert [each["state"] for each in center.all()] == ["done"]


async def test_progress_comes_by_events() -> None:
    port = busy_port()
    app = console(port)
    async with running(app) as pilot:
        await pilot.press("g", "j")
        port.tell({"kind": "job", "job": job("companies", done=900_000)})
        await until(pilot, lambda: "90%" in screen_text(app))


async def test_the_newest_job_is_the_chosen_one_of_who_looks_at_the_newest() -> None:
    """And nobody else's: what is about to be cancelled stays under the cursor. Before there is anything to count it is told
    what a job does."""
    port = busy_port()
    app = console(port)
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs" and app.screen.chosen())
        later = {"startedAt": "2026-01-05T10:00:00.000Z", "done": 0, "total": None, "note": "Checking"}
        port.tell({"kind": "job", "job": job("parts", **later)})
        await until(pilot, lambda: app.screen.chosen()["id"] == "parts")
        assert "Checking" in screen_text(app)
        assert "  0 rows" not in screen_text(app)
        await pilot.press("down")
        port.tell({"kind": "job", "job": job("staff", **later | {"startedAt": "2026-01-05T11:00:00.000Z"})})
        await until(pilot, lambda: "staff" in screen_text(app))
        assert app.screen.chosen()["id"] == "companies"
        port.tell({"kind": "job", "job": job("parts", "cancelled", **later)})
        await until(pilot, lambda: app.context.jobs.get("parts")["state"] == "cancelled")
        assert "  0 rows" not in screen_text(app)


async def test_a_running_job_is_cancelled_and_then_forgotten() -> None:
    app = console(busy_port())
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        await pilot.press("d")
        assert app.context.jobs.get("companies") is not None, "a running job is not forgotten"
        await pilot.press("x")
        await until(pilot, lambda: app.context.jobs.get("companies")["state"] == "cancelled")
        await pilot.press("d")
        await until(pilot, lambda: app.context.jobs.get("companies") is None)


async def test_the_file_of_an_export_is_saved_under_a_free_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contacts.csv").write_text("mine")
    app = console(busy_port())
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        await pilot.press("down", "enter")
        await until(pilot, lambda: (tmp_path / "contacts-2.csv").exists())
        await until(pilot, lambda: app.context.messages.messages)
    assert (tmp_path / "contacts.csv").read_text() == "mine"
    assert (tmp_path / "contacts-2.csv").read_text().startswith("id,name")
    assert free_name(tmp_path / "contacts.csv").name == "contacts-3.csv"


async def test_a_failed_import_shows_its_error_and_the_refused_rows() -> None:
    app = console(busy_port())
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: app.current_mode == "jobs")
        await pilot.press("down", "down")
        await until(pilot, lambda: "1 row was refused" in screen_text(app))
        assert "founded “someday”: is not a date" in screen_text(app)


async def test_without_jobs_the_screen_says_how_to_start_one() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("g", "j")
        await until(pilot, lambda: "No jobs yet" in screen_text(app))


def test_titles_of_jobs_never_steer_the_terminal() -> None:
    """File and table names are in them."""
    center = JobCenter()
    title = "Importing \x1b]52;c;eA==\x07\u202e.csv"
    center.take(job("j", "failed", title=title, error="no\x9bway"))
    found = center.get("j")
    assert found is not None
    assert (found["title"], found["error"]) == ("Importing ␛]52;c;eA==␇�.csv", "no�way")


async def test_a_backup_is_made_by_a_key_and_saved_like_an_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-047, A-267: by whoever may; to others it is not theirs."""
    (tmp_path / "server").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with RunningServer("name: desk\n", tmp_path / "server", version=__version__) as server:
        async with Client(server.socket) as client, running(app := console(client)) as pilot:  # type: ignore[arg-type]
            await pilot.press("g", "j")
            await until(pilot, lambda: app.current_mode == "jobs")
            await pilot.press("B")
            await until(pilot, lambda: [each["state"] for each in app.context.jobs.all()] == ["done"])
            assert "desk-" in screen_text(app)
            await pilot.press("enter")
            await until(pilot, lambda: any(m.text.startswith("Saved") for m in app.context.messages.messages))
        async with Client(server.url) as guest, running(app := console(guest)) as pilot:  # type: ignore[arg-type]
            await pilot.press("g", "j")
            await until(pilot, lambda: app.current_mode == "jobs")
            await pilot.press("B")
            await until(pilot, lambda: any("administrators" in m.text for m in app.context.messages.messages))
    [saved] = (tmp_path / "here").iterdir()
    with Archive(saved) as archive:
        archive.verify()
