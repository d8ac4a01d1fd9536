"""The console driven by tests: the app over a server in memory, or over whatever opener a test brings."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.events import Key
from textual.pilot import Pilot

from core.client import Port, ServerGone
from screens.presenters.job_center import JobCenter
from screens.presenters.pending import PendingChanges
from screens.presenters.place import PlaceHistory
from screens.services.clipboard import Clipboard
from screens.services.context import Context
from screens.services.keymap import Keymap
from screens.services.session import SessionLog, SessionStore
from screens.services.text import set_language
from sovrium_tui.console import ConsoleApp
from tests.support.idle import wait_for_idle
from tests.support.memory_port import MemoryPort


def new_context(session: SessionStore | None = None, keymap: Keymap | None = None) -> Context:
    """A context without a server; sessions in memory unless one is given."""
    session = session or SessionStore(None)
    return Context(
        pending=PendingChanges(SessionLog(session, "pending")),
        places=PlaceHistory(),
        jobs=JobCenter(),
        clipboard=Clipboard(Path("/nonexistent"), lambda sequence: None, {}),
        session=session,
        keymap=keymap or Keymap(),
    )


def opener_of(port: Port | None) -> Callable[[], Awaitable[Port]]:
    """An opener that gives a port, or says that there is no server."""

    async def find() -> Port:
        if port is None:
            raise ServerGone("Nobody answers")
        return port

    return find


def console(
    port: Port | None = None,
    *,
    session: SessionStore | None = None,
    keymap: Keymap | None = None,
    theme: str = "",
    language: str = "en",
) -> ConsoleApp:
    """An app over a server in memory; `app.context` is its context."""
    set_language(language)
    return ConsoleApp(new_context(session, keymap), opener_of(port or MemoryPort()), theme=theme)


def burst(pilot: Pilot[int], *keys: str) -> None:
    """All keys at once, as a fast hand or a slow line brings them."""
    for key in keys:
        pilot.app.post_message(Key(key, {"space": " "}.get(key, key if len(key) == 1 else None)))


async def until(pilot: Pilot[int], condition: Callable[[], object], seconds: float = 45) -> None:
    """Let the app work until something holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await wait_for_idle()
        if not condition():
            await pilot.pause(0.01)
    await pilot.pause()


@asynccontextmanager
async def running(app: ConsoleApp, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    """The app at work and connected."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.context.connection.state == "online" and app.context.session.get("home"))
        yield pilot


def screen_text(app: ConsoleApp) -> str:
    """What stands on the screen, line by line, without colours."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width] for strip in strips[:height])
