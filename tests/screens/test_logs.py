"""The server's log in the console, by keys over a real server; and pictures of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from core.errors import Busy, NotFound
from core.logs.line import LineFormatter
from screens.presenters import log_feed
from screens.services.session import SessionStore
from screens.widgets.footer import KeyFooter
from screens.widgets.name_dialog import NameDialog
from sovrium_tui import __version__
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

BEGIN = 1_795_283_276.0
LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
SAID = (
    "<-- GET /api/tables 200 3ms [req:req_4kQ8]",
    "A mail (welcome, m_17) has left by SMTP",
    "Webhooks wait: the disk is full",
    "GET /api/tables/parts → 500 [req:req_9Zt1]",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("desk")
    with RunningServer("name: desk\n", folder, version=__version__) as running_server:
        yield running_server


@pytest.fixture
def log(server: RunningServer, tmp_path: Path) -> Path:
    """The log that the server reads from, empty."""
    server.app.log_file = tmp_path / "server.log"
    return server.app.log_file


def tell(log: Path, numbers: range, text: str = "") -> None:
    """Entries of all levels, a second apart, the errors with where they broke."""
    formatter = LineFormatter(details=True, as_json=False)
    with log.open("a", encoding="utf-8") as file:
        for number in numbers:
            told = text or SAID[number % 4]
            record = logging.LogRecord("sovrium.server", LEVELS[number % 4], "", 1, f"{told} #{number}", None, None)
            record.created = BEGIN + number
            if number % 4 == 3:
                record.exc_info = (RuntimeError, RuntimeError("the parts are gone\nall of them"), None)
            file.write(formatter.format(record) + "\n")


@asynccontextmanager
async def at_logs(server: RunningServer) -> AsyncIterator[tuple[Pilot[int], Any]]:
    client = Client(server.socket)
    app = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app) as pilot:
        await pilot.press("g", "L")
        await until(pilot, lambda: app.current_mode == "logs" and not app.screen.searches)  # type: ignore[attr-defined]
        yield pilot, app.screen
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


def busy(*_: object) -> None:
    raise Busy("Too much waits")


def hidden(*_: object) -> None:
    raise NotFound


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def test_what_comes_is_followed_until_somebody_reads(
    server: RunningServer, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§16.2: an empty log says so; the tail is live; who moves up stands still, and End goes on, also past an error."""
    async with at_logs(server) as (pilot, screen):
        assert "told nothing yet" in shown(pilot)
        tell(log, range(300))
        screen.load()
        await until(pilot, lambda: "#299" in shown(pilot) and len(screen.feed.entries) == 200)
        assert "the parts are gone" in shown(pilot), "the whole of the chosen one stands below"
        tell(log, range(300, 302))
        screen.look()
        await until(pilot, lambda: "#301" in shown(pilot))
        await pilot.press("up", "up")
        await until(pilot, lambda: "paused" in shown(pilot))
        chosen = screen.view.chosen
        tell(log, range(302, 304))
        screen.look()
        await pilot.pause()
        assert screen.view.chosen == chosen
        assert "#303" not in shown(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "#303" in shown(pilot) and "follows" in shown(pilot))
        await pilot.press("home")
        await until(pilot, lambda: len(screen.feed.entries) == 304)
        assert "#104" in screen.view.chosen["message"], "older ones come in front, and the chosen one stays chosen"
        with monkeypatch.context() as broken:
            broken.setattr("core.http.routes.logs.read_page", busy)
            await pilot.press("end")
            screen.look()
            await until(pilot, lambda: "Too much waits" in shown(pilot))
        screen.look()
        await until(pilot, lambda: "Too much waits" not in shown(pilot))
        await pilot.press("home", "pagedown", "end")
        await until(pilot, lambda: screen.follows)
        monkeypatch.setattr("core.http.routes.logs.read_page", hidden)
        screen.look()
        await until(pilot, lambda: "This is for administrators" in shown(pilot))
        assert "#303" not in shown(pilot)


async def test_it_is_narrowed_down_and_copied(
    server: RunningServer, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """§16.2: by gravity, by words that lie far back, and back again with Esc."""
    monkeypatch.setattr("core.logs.reading.SCAN", 4_000)
    monkeypatch.setattr("core.logs.reading.BLOCK", 2_000)
    tell(log, range(1), text="the needle")
    tell(log, range(1, 150))
    async with at_logs(server) as (pilot, screen):
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
        await pilot.press(*"NEEDLE", "enter")
        await until(pilot, lambda: [e["message"] for e in screen.feed.entries] == ["the needle #0"])
        copied: list[str] = []

        async def copy(text: str, held: Any = None) -> None:
            copied.append(text)

        monkeypatch.setattr(screen.context.clipboard, "copy", copy)
        await pilot.press("y")
        await until(pilot, lambda: copied == ["2026-11-21 17:47:56.000 DEBUG server\nthe needle #0"])
        await pilot.press("l")
        await until(pilot, lambda: "No entry fits" in shown(pilot))
        await pilot.press("escape", "l", "l", "l")
        await until(pilot, lambda: screen.feed.entries and {e["level"] for e in screen.feed.entries} == {"error"})
        assert "error and graver" in shown(pilot)


async def test_no_more_is_held_than_there_is_room_for(
    server: RunningServer, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest make room while the log is followed, and who looks for older ones is told."""
    monkeypatch.setattr(log_feed, "HELD_MOST", 300)
    tell(log, range(700))
    async with at_logs(server) as (pilot, screen):
        tell(log, range(700, 900))
        screen.look()
        await until(pilot, lambda: "#899" in shown(pilot))
        assert [int(e["message"].rpartition("#")[2]) for e in screen.feed.entries] == list(range(700, 900))
        await pilot.press("home")
        await until(pilot, lambda: len(screen.feed.entries) == 400)
        await pilot.press("home")
        await until(pilot, lambda: "narrow down" in shown(pilot))
        assert len(screen.feed.entries) == 400


async def painted(pilot: Pilot[int]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: app.context.schema is not None, 20)
    await pilot.press("g", "L")
    await until(pilot, lambda: app.current_mode == "logs" and len(app.screen.feed.entries) == 60)
    view = app.screen.view
    await until(pilot, lambda: app.screen.query("#logs-detail")[0].region and view.top + view.size.height == 60)
    await pilot.press("up", "up", "up", "up")
    await pilot.pause(0.1)


@pytest.mark.parametrize(
    ("size", "theme"), [((80, 24), ""), ((80, 24), "ansi-dark"), ((120, 36), ""), ((200, 60), "sovrium-paper")]
)
def test_pictures(snap_compare: Any, server: RunningServer, log: Path, size: tuple[int, int], theme: str) -> None:
    tell(log, range(60))
    client = Client(server.socket)
    app = console(client, session=SessionStore(None), theme=theme)  # type: ignore[arg-type]
    assert snap_compare(app, terminal_size=size, run_before=painted)
    asyncio.run(client.close())


async def test_places_of_accounts_say_how_an_app_gets_them(server: RunningServer) -> None:
    """Where nobody has an account its owner is not told to be an administrator."""
    async with at_logs(server) as (pilot, screen):
        for key, mode in {"u": "users", "w": "sessions", "b": "outbox", "l": "audit"}.items():
            await pilot.press("g", key)
            await until(pilot, lambda mode=mode: screen.app.current_mode == mode)
            await until(pilot, lambda: "This app has no accounts yet" in screen_text(screen.app))
            assert "administrators" not in screen_text(screen.app)
            offered = [action.id for action in screen.app.screen.query_one(KeyFooter).shown()]
            assert not [each for each in offered if each.startswith(mode) and not each.endswith("refresh")], offered
