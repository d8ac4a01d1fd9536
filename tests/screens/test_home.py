"""Home: what it knows before the server answers, what it shows then, where it leads."""

from pathlib import Path

import pytest

from core.client import Client
from screens.presenters.place import Place
from screens.services.session import SessionStore
from screens.services.text import set_language
from screens.widgets.menu import Menu
from sovrium_tui import __version__
from tests.support.console import console, opener_of, running, screen_text, until
from tests.support.memory_port import MemoryPort, MemoryTable, companies, field_info
from tests.support.server import RunningServer


async def test_home_shows_the_tables_with_their_sizes() -> None:
    app = console(MemoryPort(companies(1_234_567)))
    async with running(app):
        text = screen_text(app)
        assert "1,234,567" in text
        assert "name · city · stage" in text
        assert "DuckDB 2.0.0" in text


async def test_home_is_painted_from_the_session_before_the_server_answers() -> None:
    session = SessionStore(None)
    async with running(console(session=session)):
        pass
    app = console(session=session)
    app.opener = opener_of(None)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "5,000" in screen_text(app))
        assert app.context.port is None


async def test_a_first_start_says_what_is_coming() -> None:
    app = console()
    app.opener = opener_of(None)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "The server is starting" in screen_text(app)


async def test_enter_opens_the_chosen_table() -> None:
    app = console()
    went: list[Place] = []
    async with running(app) as pilot:
        app.context.navigate.listen(went.append)
        await pilot.press("down", "enter")
        await until(pilot, lambda: went)
        assert (went[0].mode, went[0].key) == ("tables", "contacts")
        assert app.context.places.current.key == "contacts"


async def test_places_visited_are_offered_again() -> None:
    app = console()
    async with running(app) as pilot:
        app.context.places.visit(Place("tables", "contacts", "contacts", {"table": "contacts"}))
        app.screen.paint()
        await pilot.pause()
        assert [hit.label for hit in app.screen.query_one("#home-recent", Menu).hits] == ["contacts"]


async def test_staged_edits_are_shown_by_table() -> None:
    app = console()
    async with running(app) as pilot:
        assert "Staged edits" not in screen_text(app)
        app.context.pending.insert("companies", [{"name": "One"}, {"name": "Two"}])
        await pilot.pause()
        assert "2 changes in companies" in screen_text(app)


async def test_an_app_without_tables_says_what_to_do() -> None:
    port = MemoryPort()
    port.tables.clear()
    app = console(port)
    async with running(app):
        assert "This app has no tables yet" in screen_text(app)


@pytest.mark.parametrize(("size", "many"), [((80, 24), 9), ((80, 24), 40), ((120, 36), 40)])
async def test_the_chosen_table_is_in_sight_however_many_there_are(size: tuple[int, int], many: int) -> None:
    names = [f"table_{number:02d}" for number in range(many)]
    app = console(MemoryPort(*(MemoryTable(name, [field_info("name")], 0, dict) for name in names)))
    async with running(app, size) as pilot:
        for name in names:
            assert name in screen_text(app)
            await pilot.press("down")


async def test_what_the_server_notes_is_said_in_the_language_of_the_console(tmp_path: Path) -> None:
    app_file = (
        "name: shop\npages: [{name: home, path: /}]\ntables: [{name: parts, fields: [{name: a, type: integer}]}]\n"
    )
    with RunningServer(app_file, tmp_path, version=__version__) as server:
        app = console(Client(server.socket), session=SessionStore(None))
        try:
            set_language("fr")
            async with running(app) as pilot:
                await until(pilot, lambda: "! pages : accepté, sans effet" in screen_text(app))
        finally:
            set_language("en")
