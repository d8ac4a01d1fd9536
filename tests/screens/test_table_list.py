"""The tables at a glance, by keys over a real server."""

from pathlib import Path
from typing import Any

from core.client import Client
from screens.services.session import SessionStore
from screens.tables import TablesScreen
from screens.widgets.table_sheet import FieldSheet, TableSheet
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: desk
tables:
  - {id: 1, name: parts, fields: [{id: 1, name: name, type: single-line-text, required: true}]}
  - {id: 2, name: people, fields: [{id: 1, name: name, type: single-line-text}]}
  - {id: 3, name: attic, disabled: true, fields: [{id: 1, name: name, type: single-line-text}]}
"""


async def test_tables_at_a_glance(tmp_path: Path) -> None:
    """T-036: rows, trash, last write; Enter opens, i tells the fields; disabled tables are there for admins, greyed."""
    with RunningServer(APP, tmp_path, version=__version__) as desk:
        for name in ("Bolt", "Nut"):
            desk.local.post("/api/tables/parts/records", json={"fields": {"name": name}})
        desk.local.delete("/api/tables/parts/records/1")
        app = console(Client(desk.socket), session=SessionStore(None))
        async with running(app) as pilot:
            await pilot.press("g", "t")
            await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.grid is not None)
            screen: Any = app.screen
            await until(pilot, lambda: screen.pane.grid.has_focus)
            await pilot.press("L")
            await until(pilot, lambda: isinstance(app.screen, TableSheet) and app.screen.tables)
            lines = screen_text(app).splitlines()
            assert next(line for line in lines if "│ parts" in line or " parts " in line)
            assert any(line.split("parts")[-1].split()[:3] == ["1", "1", "1"] for line in lines if "parts" in line)
            assert "disabled in the app file" in screen_text(app)
            await pilot.press("i")
            await until(pilot, lambda: isinstance(app.screen, FieldSheet) and "must have a value" in screen_text(app))
            await pilot.press("escape", "down", "enter")
            await until(pilot, lambda: app.screen is screen and screen.pane.info_name == "people")
            screen.navigator.query_one("Input").focus()
            await pilot.press(*"zz")
            await until(pilot, lambda: "Nothing fits." in screen_text(app))
            assert "Enter" not in screen_text(app).splitlines()[-1], "there is nothing to open"
            await pilot.press("escape", *"pa")
            await until(pilot, lambda: [hit.label for hit in screen.navigator.query_one("Menu").hits] == ["parts"])
            assert all(key in screen_text(app).splitlines()[-1] for key in ("Enter Open", "Esc Back"))
            await pilot.press("enter")
            await until(pilot, lambda: screen.pane.info_name == "parts")
