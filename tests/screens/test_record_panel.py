"""A whole record beside the grid: files, sections, the tree of what links to it; over a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client import Client
from screens.presenters.place import Place
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.editors.file import FilesEditor
from screens.widgets.record_panel import RecordPanel
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, until
from tests.support.server import RunningServer

APP = """
name: desk
tables:
  - id: 1
    name: projects
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: papers, type: multiple-attachments}
      - {id: 3, name: steps, type: relationship, relatedTable: tasks, relationType: one-to-many, foreignKey: project}
  - id: 2
    name: tasks
    fields:
      - {id: 1, name: name, type: single-line-text}
      - {id: 2, name: project, type: relationship, relatedTable: projects, displayField: title}
      - {id: 3, name: part_of, type: relationship, relatedTable: tasks, displayField: name}
  - id: 3
    name: notes
    fields:
      - {id: 1, name: text, type: single-line-text}
      - {id: 2, name: task, type: relationship, relatedTable: tasks, displayField: name}
      - {id: 3, name: about, type: lookup, relationshipField: task, relatedField: project}
    views: [{id: 1, name: Short, isDefault: true, fields: [text]}]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        post = server.local.post
        sent = post("/api/tables/projects/files", params={"filename": "plan.txt", "field": "papers"}, content=b"a plan")
        post(
            "/api/tables/projects/records", json={"fields": {"title": "Roof", "papers": [{"key": sent.json()["key"]}]}}
        )
        for name, above in (("Beams", None), ("Tiles", None), ("Nails", 1)):
            fields = {"name": name, "part_of": above, "project": None if above else 1}
            assert post("/api/tables/tasks/records", json={"fields": fields}).status_code == 201
        post("/api/tables/notes/records", json={"fields": {"text": "Mind the gap", "task": 1}})
        yield server


@asynccontextmanager
async def panel(desk: RunningServer, table: str = "projects") -> AsyncIterator[tuple[Pilot[int], RecordPanel]]:
    """The panel of the first record, with the focus."""
    app: ConsoleApp = console(Client(desk.socket), session=SessionStore(None))
    async with running(app, (140, 40)) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
        screen: Any = app.screen
        if table != "projects":
            app.context.go(Place("tables", table, table, {"table": table}))
        await until(
            pilot, lambda: screen.pane.info_name == table and screen.pane.model.view and screen.pane.grid.has_focus
        )
        await pilot.press("r", "r")
        await until(pilot, lambda: screen.record.form.has_focus and screen.record.sheet.incoming)
        yield pilot, screen.record


async def to(pilot: Pilot[int], record: RecordPanel, words: str) -> None:
    """The cursor on the line that says this."""
    at = next(n for n, line in enumerate(record.form.lines) if words in f"{line.title} {line.text}")
    while record.form.at != at:
        await pilot.press("down" if record.form.at < at else "up")


def said(record: RecordPanel) -> str:
    return "\n".join(f"{line.title} {line.text}" for line in record.form.lines)


async def test_files_are_listed_opened_saved_taken_away_and_added(
    desk: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with a key of its own; what changes the record is staged."""
    opened: list[str] = []
    monkeypatch.setenv("HOME", str(tmp_path))
    async with panel(desk) as (pilot, record):
        monkeypatch.setattr(pilot.app, "open_url", opened.append)
        await to(pilot, record, "plan.txt")
        assert "▾ Files 1" in said(record)
        await pilot.press("enter")
        await until(pilot, lambda: opened)
        assert opened[0].endswith("/plan.txt")
        await pilot.press("s")
        saved = tmp_path / "plan.txt"
        await until(pilot, lambda: saved.exists() and saved.read_text() == "a plan")
        await pilot.press("d")
        await until(pilot, lambda: "none · o adds one" in said(record))
        assert record.pending.count() == 1
        (tmp_path / "more.txt").write_text("more")
        await to(pilot, record, "none · o adds one")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(record.host.current, FilesEditor))
        editor = record.host.current
        assert isinstance(editor, FilesEditor)
        editor.input.value = str(tmp_path / "more.txt")
        await pilot.press("enter")
        await until(pilot, lambda: editor.files)
        await pilot.press("enter")
        await until(pilot, lambda: "▪ more.txt (4 B)" in said(record))
        await pilot.press("u", "u")
        await until(pilot, lambda: "▪ plan.txt" in said(record))


async def test_sections_fold_and_what_links_here_is_a_tree(desk: RunningServer) -> None:
    """A list that a field shows already begins closed; a record in it opens into what links to it."""
    async with panel(desk) as (pilot, record):
        await to(pilot, record, "▾ Files")
        await pilot.press("z")
        await until(pilot, lambda: "▸ Files" in said(record))
        assert "▪ plan.txt" not in said(record)
        assert "files" in record.pane.context.session.get("record.folded")
        await pilot.press("right")
        await until(pilot, lambda: "▪ plan.txt" in said(record))
        await to(pilot, record, "▪ plan.txt")
        await pilot.press("left", "left")
        await until(pilot, lambda: "▸ Files" in said(record))
        await to(pilot, record, "▸ ← tasks")
        assert "▸ Beams →" not in said(record)
        await pilot.press("right")
        await until(pilot, lambda: "▸ Beams →" in said(record))
        await to(pilot, record, "▸ Beams →")
        await pilot.press("z")
        await until(pilot, lambda: "▾ Beams →" in said(record) and "▸ Nails →" in said(record))
        await to(pilot, record, "▸ Nails →")
        await pilot.press("right")
        await until(pilot, lambda: "Nothing links to it" in said(record))
        await pilot.press("enter")
        await until(pilot, lambda: record.pane.info_name == "tasks")
        await until(pilot, lambda: record.row is not None and record.row.key == "3")


async def test_what_is_looked_up_has_its_name_though_the_view_does_not_show_it(desk: RunningServer) -> None:
    """T-119"""
    async with panel(desk, "notes") as (pilot, record):
        await until(pilot, lambda: "about Roof" in said(record))
