"""Cells that a language model fills, by keys, through the real engine."""

from pathlib import Path

from core.client import Client
from screens.tables import TablesScreen
from sovrium_tui import __version__
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


async def test_a_cell_tells_its_state_and_is_asked_for_by_a_key(tmp_path: Path) -> None:
    """T-103: the value comes by itself; what failed has its sign and its reason; M asks anew, in cells for a model alone."""
    with FakeProvider() as provider:
        (tmp_path / ".env").write_text(provider.environment)
        provider.answer = lambda _: (401, {}, b"")
        with RunningServer(APP, tmp_path, version=__version__) as server:
            server.local.post("/api/tables/tickets/records", json={"note": "It breaks"})
            app = console(Client(server.socket))
            async with running(app) as pilot:
                await pilot.press("g", "t")
                await until(pilot, lambda: isinstance(app.screen, TablesScreen) and "✗" in screen_text(app))
                screen = app.screen
                assert isinstance(screen, TablesScreen)
                await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
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
    with FakeProvider() as provider:
        (tmp_path / ".env").write_text(provider.environment)
        provider.answer = lambda _: (401, {}, b"")
        with RunningServer(APP, tmp_path, version=__version__) as server:
            server.local.post("/api/tables/tickets/records", json={"note": "It breaks"})
            app = console(Client(server.url))
            async with running(app) as pilot:
                await pilot.press("g", "t")
                await until(pilot, lambda: isinstance(app.screen, TablesScreen) and "✗" in screen_text(app))
                screen = app.screen
                assert isinstance(screen, TablesScreen)
                await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
                await pilot.press("right", "right")
                await until(pilot, lambda: "the language model gave no value" in screen_text(app))
