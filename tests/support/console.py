"""The console driven by tests: the app over a server in memory, or over whatever opener a test brings."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from core.client import Port, ServerGone
from screens.presenters.job_center import JobCenter
from screens.presenters.pending import PendingChanges
from screens.presenters.place import PlaceHistory
from screens.services.clipboard import Clipboard
from screens.services.context import Context
from screens.services.keymap import Keymap
from screens.services.session import SessionStore
from screens.services.text import set_language
from sovrium_tui.console import ConsoleApp
from tests.support.memory_port import MemoryPort


def new_context(session: SessionStore | None = None, keymap: Keymap | None = None) -> Context:
    """A context without a server; sessions in memory unless one is given."""
    session = session or SessionStore(None)
    return Context(
        pending=PendingChanges(session.get("pending"), lambda state: session.put("pending", state)),
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
