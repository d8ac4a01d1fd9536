"""Cells that a language model fills, by keys, through the real engine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from core.client import Client
from screens.tables import TablesScreen
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.models import FakeProvider
from tests.support.server import RunningServer

APP = """
name: desk
tables:
  - id: 1
    name: tickets
    fields:
      - {id: 1, name: note, type: single-line-text}
      - {id: 2, name: digest, type: ai-summary, sourceFields: [note]}
    permissions: {read: all, update: [editor]}
"""


@asynccontextmanager
async def refused(folder: Path, door: str) -> AsyncIterator[tuple[ConsoleApp, Pilot[int], FakeProvider]]:
    """A console at that door of a server, on a record of which the provider has refused a value."""
    with FakeProvider() as provider:
        (folder / ".env").write_text(provider.environment)
        provider.answer = lambda _: (401, {}, b"")
        with RunningServer(APP, folder, version=__version__) as server:
            server.local.post("/api/tables/tickets/records", json={"note": "It breaks"})
            app = console(Client(getattr(server, door)))
            async with running(app) as pilot:
                await pilot.press("g", "t")
                await until(pilot, lambda: isinstance(app.screen, TablesScreen) and "✗" in screen_text(app))
                screen = app.screen
                assert isinstance(screen, TablesScreen)
                await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
                yield app, pilot, provider


async def test_a_cell_tells_its_state_and_is_asked_for_by_a_key(tmp_path: Path) -> None:
    """T-103: the value comes by itself; what failed has its sign and its reason; M asks anew, in cells for a model alone."""
    async with refused(tmp_path, "socket") as (app, pilot, provider):
        await pilot.press("M")
        assert provider.received.qsize() == 1, "the note is a hand's"
        await pilot.press("right")
        await until(pilot, lambda: "the provider refuses AI_API_KEY: HTTP 401" in screen_text(app))
        provider.answer = lambda _: "It does not work"
        await pilot.press("M")
        await until(pilot, lambda: "It does not work" in screen_text(app))
        await until(pilot, lambda: "✗" not in screen_text(app))
        assert "asked for 1 record" in app.context.messages.messages[-1].text


async def test_who_may_not_ask_the_model_is_told_that_there_is_no_value(tmp_path: Path) -> None:
    """T-103: not why, which may be about somebody's account at the provider."""
    async with refused(tmp_path, "url") as (app, pilot, _):
        await pilot.press("right", "right")
        await until(pilot, lambda: "the language model gave no value" in screen_text(app))
