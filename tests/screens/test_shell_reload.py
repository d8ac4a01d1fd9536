"""The app file changes under an open console: navigator, grid and completion follow, staged edits stay."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from textual.pilot import Pilot

from screens.presenters.row_source import Query
from screens.tables import TablesScreen, fields_in, known_part
from screens.widgets.confirm import Confirm
from sovrium_tui.console import ConsoleApp
from sovrium_tui.opening import server_of
from sovrium_tui.process.discovery import find_server, stop_server
from tests.support.console import console, running, screen_text, until

APP = """
name: shelf
tables:
  - id: 1
    name: Books
    fields:
      - { id: 1, name: title, type: single-line-text }
      - { id: 2, name: pages, type: integer }
"""
MORE = (
    APP
    + """\
      - { id: 3, name: shelfmark, type: single-line-text }
  - { id: 2, name: Readers, fields: [{ id: 1, name: who, type: single-line-text }] }
"""
)


class Shelf:
    """An app, its server, and the owner's way to it."""

    def __init__(self, folder: Path) -> None:
        self.app_file, self.data = folder / "app.yaml", folder / "data"
        self.app_file.write_text(APP)

    def post(self, path: str, body: object) -> httpx.Response:
        address = find_server(self.data)
        assert address is not None
        transport = httpx.HTTPTransport(uds=str(address.socket), verify=False)
        with httpx.Client(transport=transport, base_url="http://localhost") as http:
            return http.post(path, json=body)

    def reload(self) -> httpx.Response:
        return self.post("/api/console/reload", {})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    shelf = Shelf(tmp_path)
    yield shelf
    stop_server(shelf.data)


@asynccontextmanager
async def at_table(shelf: Shelf) -> AsyncIterator[tuple[ConsoleApp, Pilot[int], TablesScreen]]:
    """The console with one book, its table open."""
    app = console()
    app.opener = server_of(shelf.app_file, shelf.data, lambda note: None)
    async with running(app) as pilot:
        shelf.post("/api/tables/books/records", {"fields": {"title": "Emma", "pages": 400}})
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None, 20)
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: "Emma" in screen_text(app), 20)
        yield app, pilot, screen


async def test_the_console_follows_a_reload_and_keeps_what_is_staged(shelf: Shelf) -> None:
    """C-003 C-008: a schema event refreshes the list of tables and the open grid."""
    async with at_table(shelf) as (app, pilot, _):
        app.context.pending.insert("books", [{"title": "Staged"}])
        shelf.app_file.write_text(MORE)
        assert shelf.reload().status_code == 200
        await until(pilot, lambda: "shelfmark" in screen_text(app) and "Readers" in screen_text(app), 20)
        assert "Emma" in screen_text(app)
        assert app.context.pending.count() == 1
        assert app.context.hello["schemaVersion"] == 2
        assert "version 2" in app.context.messages.messages[-1].text
        await pilot.press("g", "s")
        await until(pilot, lambda: "readers" in app.screen.session.index.columns, 20)


async def test_an_open_editor_is_not_taken_away(shelf: Shelf) -> None:
    """What is being typed goes on over a reload; the new columns come when the editor is closed."""
    async with at_table(shelf) as (app, pilot, screen):
        screen.pane.grid.focus()
        await pilot.press("enter")  # the cursor begins where one can write: the title
        await until(pilot, lambda: screen.pane.host.current is not None)
        shelf.app_file.write_text(MORE)
        assert shelf.reload().status_code == 200
        await until(pilot, lambda: app.context.hello["schemaVersion"] == 2, 20)
        assert screen.pane.host.current is not None
        await pilot.press("x", "y", "z", "enter")
        await until(pilot, lambda: "shelfmark" in screen_text(app), 20)
        staged = json.dumps(app.context.session.log("pending"))
        assert "xyz" in staged


async def test_a_file_that_cannot_be_taken_up_is_told_and_the_old_version_goes_on(shelf: Shelf) -> None:
    async with at_table(shelf) as (app, pilot, _):
        shelf.app_file.write_text(APP.replace("integer", "intger"))
        app.action_app_reload()
        await until(pilot, lambda: app.context.messages.messages, 20)
        assert "app.yaml:8:" in app.context.messages.messages[-1].text
        assert "Emma" in screen_text(app)


async def test_what_would_lose_data_is_asked_about(shelf: Shelf) -> None:
    """The steps are named; leaving changes nothing, agreeing drops."""
    async with at_table(shelf) as (app, pilot, _):
        shelf.app_file.write_text(APP.replace("      - { id: 2, name: pages, type: integer }\n", ""))
        app.action_app_reload()
        await until(pilot, lambda: isinstance(app.screen, Confirm), 20)
        assert "pages" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert app.context.hello["schemaVersion"] == 1
        app.action_app_reload()
        await until(pilot, lambda: isinstance(app.screen, Confirm), 20)
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.context.hello["schemaVersion"] == 2, 20)
        await until(pilot, lambda: "400" not in screen_text(app), 20)


def test_conditions_and_order_on_fields_that_are_gone_are_left_out() -> None:
    leaf = {"field": "pages", "operator": "gt", "value": 3}
    info = {"fields": [{"name": "title"}]}
    query = Query({"and": [leaf]}, ({"field": "pages", "direction": "asc"}, {"field": "title", "direction": "desc"}))
    assert fields_in({"or": [leaf, {"not": {"field": "a"}}]}) == {"pages", "a"}
    assert known_part(query, info) == Query(None, ({"field": "title", "direction": "desc"},))
