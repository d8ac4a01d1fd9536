"""What goes in and out of a table by the console, through the real engine: files, big pastes, the person's own editor,
the calendar under the mouse."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from core.client import Client
from screens.presenters import record
from screens.tables import TablesScreen
from screens.widgets.editors.moment import Calendar
from screens.widgets.export_dialog import ExportDialog
from screens.widgets.import_dialog import ImportDialog
from screens.widgets.paste_preview import PastePreview
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: desk
tables:
  - id: 1
    name: people
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: age, type: integer, min: 0, max: 150}
      - {id: 3, name: born, type: date, dateFormat: ISO}
      - {id: 4, name: code, type: single-line-text, unique: true}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("files"), version=__version__) as server:
        yield server


@asynccontextmanager
async def people(desk: RunningServer, *given: dict[str, object]) -> AsyncIterator[tuple[Pilot[int], TablesScreen]]:
    """The table with these records, on screen."""
    desk.empty()
    for fields in given:
        assert desk.local.post("/api/tables/people/records", json={"fields": fields}).status_code == 201
    app: ConsoleApp = console(Client(desk.socket))
    async with running(app) as pilot:
        for job in app.context.jobs.all():  # of the test before
            app.context.jobs.forget(job["id"])
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.model.view is not None and screen.pane.grid.has_focus)
        yield pilot, screen


def records(desk: RunningServer) -> list[dict[str, object]]:
    answer = desk.local.get("/api/tables/people/records", params={"sort": "id:asc", "limit": 100})
    return [each["fields"] for each in answer.json()["records"]]


async def done(pilot: Pilot[int]) -> dict[str, object]:
    """The last job, at its end."""
    jobs = pilot.app.context.jobs
    await until(pilot, lambda: jobs.all() and jobs.all()[0]["state"] not in ("queued", "running"), 20)
    return jobs.all()[0]


async def test_an_export_is_written_where_it_was_wanted(
    desk: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with people(desk, {"name": "Ada", "age": 36}, {"name": "Bob"}) as (pilot, _):
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        await pilot.press("f2", "f2", "f2")
        assert "2 rows" in screen_text(pilot.app)
        await pilot.press("f2", *"out", "ctrl+s")  # the proposed name is chosen: typing replaces it
        await until(pilot, lambda: (tmp_path / "out.json").exists(), 20)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        await pilot.press("end")
        pilot.app.post_message(Paste(f"'{tmp_path / 'out.csv'}'\n"))
        await until(pilot, lambda: pilot.app.screen.query_one(Input).value == str(tmp_path / "out.csv"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: (tmp_path / "out.csv").exists(), 20)
        lines = (tmp_path / "out.csv").read_text().splitlines()
        assert lines[0] == "id,name,age,born,code"
        assert [line.split(",")[1] for line in lines[1:]] == ["Ada", "Bob"]


async def test_a_file_is_imported_by_its_mapping(desk: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("who,age,shoe\nAda,36,40\nBob,old,41\n")
    async with people(desk) as (pilot, screen):
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        dialog = pilot.app.screen
        pilot.app.post_message(Paste(str(tmp_path / "none.csv")))
        await pilot.press("enter")
        await until(pilot, lambda: "There is no file" in screen_text(pilot.app))
        dialog.query_one(Input).value = str(tmp_path / "in.csv")
        await pilot.press("enter")
        await until(pilot, lambda: dialog.query_one(OptionList).has_focus)
        assert "name, which must have a value" in screen_text(pilot.app)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is not dialog)
        await pilot.press(*"name", "enter")
        await until(pilot, lambda: pilot.app.screen is dialog and dialog.mapping["who"] == "name")
        await pilot.press("f2", "f5")
        told = pilot.app.context.messages.messages
        await until(pilot, lambda: any("only new records can be made" in each.text for each in told))
        await pilot.press("ctrl+s")
        job = await done(pilot)
        assert (job["state"], job["rows"], job["refused"], job["note"]) == ("done", 1, 1, "")
        await until(pilot, lambda: any("1 row was refused" in each.text for each in told))
        assert [row["field"] for row in job["rejected"]] == ["age"]
        assert records(desk)[0]["name"] == "Ada"
        await until(pilot, lambda: "Ada" in screen_text(pilot.app))
        assert pilot.app.screen is screen


async def test_what_was_read_of_a_file_is_not_said_of_another_path(desk: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("name\nAda\n")
    async with people(desk) as (pilot, _):
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        dialog = pilot.app.screen
        dialog.query_one(Input).value = str(tmp_path / "in.cs")
        await pilot.press("enter")
        await until(pilot, lambda: "There is no file" in screen_text(pilot.app))
        await pilot.press("end", "v")
        await until(pilot, lambda: "There is no file" not in screen_text(pilot.app))
        await pilot.press("enter")
        await until(pilot, lambda: dialog.query_one(OptionList).has_focus)
        await pilot.press("shift+tab", "backspace")
        await until(pilot, lambda: not dialog.query_one(OptionList).display)
        await pilot.press("ctrl+s")
        assert pilot.app.screen is dialog


async def test_records_that_are_there_are_overwritten(desk: RunningServer, tmp_path: Path) -> None:
    """R-059: the choice is offered for the unique fields that the file fills."""
    (tmp_path / "in.csv").write_text("name,code,age\nAda,a,37\nBob,b,20\n")
    async with people(desk, {"name": "Ada", "code": "a", "age": 36}) as (pilot, _):
        await pilot.press("I")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        dialog = pilot.app.screen
        dialog.query_one(Input).value = str(tmp_path / "in.csv")
        await pilot.press("enter")
        await until(pilot, lambda: dialog.query_one(OptionList).has_focus)
        assert "Every row becomes a new record" in screen_text(pilot.app)
        await pilot.press("f5")
        await until(pilot, lambda: pilot.app.screen is not dialog)
        await pilot.press(*"overwrite", "enter")
        await until(pilot, lambda: "already overwrite the record" in screen_text(pilot.app))
        await pilot.press("ctrl+s")
        assert (await done(pilot))["state"] == "done"
        assert [(each["name"], each["age"]) for each in records(desk)] == [("Ada", 37), ("Bob", 20)]


async def test_chosen_rows_are_exported(desk: RunningServer, tmp_path: Path) -> None:
    """R-059: Space marks, x exports; without marks x clears the cell."""
    async with people(desk, {"name": "Ada", "age": 36}, {"name": "Bob"}, {"name": "Cid"}) as (pilot, screen):
        await pilot.press("space", "down", "space", "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
        assert "2 rows" in screen_text(pilot.app)
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.csv")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: (tmp_path / "out.csv").exists(), 20)
        names = [line.split(",")[1] for line in (tmp_path / "out.csv").read_text().splitlines()]
        assert names == ["name", "Ada", "Cid"]
        await pilot.press("escape", "home", "right", "right", "g", "g", "x")
        await until(pilot, lambda: screen.context.pending.count() == 1)


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_ROWS", 20)


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("skip", [False, True])
async def test_a_paste_too_large_to_stage_is_imported(desk: RunningServer, skip: bool) -> None:
    """Never refused, never staged: a job with progress; what does not fit is told."""
    block = "".join(f"Name {n}\t{'old' if n == 7 else n}\n" for n in range(30))
    async with people(desk, {"name": "Ada"}) as (pilot, screen):
        screen.pane.transfer.paste_text(block)
        await until(pilot, lambda: isinstance(pilot.app.screen, PastePreview))
        text = screen_text(pilot.app)
        assert "30 new rows" in text
        assert "1 value does not fit" in text
        await pilot.press(*(["s"] if skip else []), "enter")
        job = await done(pilot)
        assert pilot.app.context.pending.count() == 0
        assert job["state"] == ("done" if skip else "failed")
        assert len(records(desk)) == (30 if skip else 1)
        assert [row["line"] for row in job["rejected"]] == [8]
        told = "1 row was refused" if skip else "Nothing was imported: 1 row does not fit"
        await until(pilot, lambda: told in pilot.app.context.messages.messages[-1].text)


async def test_a_cell_in_the_persons_own_editor(
    desk: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nprintf ' Lovelace' >> \"$1\"\n")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(ConsoleApp, "suspend", lambda self: contextlib.nullcontext())
    async with people(desk, {"name": "Ada", "age": 36}) as (pilot, screen):
        await pilot.press("ctrl+e")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)
        await pilot.press("right", "ctrl+e")
        await until(pilot, lambda: pilot.app.context.pending.count() == 2)
        problems = pilot.app.context.pending.problems()
        assert [field for _, _, field, _ in problems] == ["age"]
        await pilot.press("u", "ctrl+s", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)
        assert records(desk)[0]["name"] == "Ada Lovelace"
        assert screen.pane.edits.field_here()["name"] == "age"


async def test_without_an_editor_the_cell_stays(desk: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/nonexistent/editor")
    monkeypatch.setattr(ConsoleApp, "suspend", lambda self: contextlib.nullcontext())
    async with people(desk, {"name": "Ada"}) as (pilot, _):
        await pilot.press("ctrl+e")
        await until(pilot, lambda: any("did not start" in m.text for m in pilot.app.context.messages.messages))
        assert pilot.app.context.pending.count() == 0


async def test_a_day_is_picked_with_the_mouse(desk: RunningServer) -> None:
    async with people(desk, {"name": "Ada", "born": "2026-03-10"}) as (pilot, screen):
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: screen.pane.host.current is not None)
        calendar = screen.query_one(Calendar)
        await until(pilot, lambda: calendar.region.height > 6)
        # 2026-03-01 is a Sunday: the 18th is the Wednesday of the fourth week on the page.
        await pilot.click(Calendar, offset=(7, 5))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 1)
        await pilot.press("ctrl+s", "enter")
        await until(pilot, lambda: pilot.app.context.pending.count() == 0)
        assert records(desk)[0]["born"] == "2026-03-18"
