"""What the console is opened with: the services it keeps between runs, and its way to the server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

from core.client import Port
from screens.presenters.connection import Opener
from screens.presenters.job_center import JobCenter
from screens.presenters.pending import PendingChanges
from screens.presenters.place import PlaceHistory
from screens.services.clipboard import Clipboard
from screens.services.context import Context
from screens.services.keymap import Keymap
from screens.services.session import SessionStore, staged_log
from screens.services.text import preferred_language, set_language
from screens.services.theme import PLAIN
from screens.services.wording import worded
from sovrium_tui.console import ConsoleApp
from sovrium_tui.credential import ServerKeeper
from sovrium_tui.launch import ConsoleOptions, Target, has_few_colours

T = TypeVar("T")


def open_console(target: Target, options: ConsoleOptions, *, slow: bool, alive: int) -> ConsoleApp:
    """The console of an app, with the services that it keeps between runs."""
    from platformdirs import user_config_path, user_state_path

    state = user_state_path("sovrium-tui")
    keeper = ServerKeeper(target.name, state)
    session = SessionStore.of(state, target.name)
    set_language(options.language or str(session.get("language") or preferred_language()))
    if options.language:
        session.put("language", options.language)
    # What was staged by another console is not for one that cannot save it.
    staged = SessionStore(None) if options.read_only else session
    context = Context(
        pending=PendingChanges(staged_log(staged, keeper.email)),
        places=PlaceHistory(),
        jobs=JobCenter(),
        clipboard=Clipboard(session.folder or state, lambda sequence: app.emit(sequence)),
        session=session,
        keymap=Keymap.load(user_config_path("sovrium-tui")),
        keeper=keeper,
        read_only=options.read_only,
    )
    if target.data_dir is None:
        opener = server_at(keeper)
    else:
        opener = server_of(
            Path(target.name), target.data_dir, lambda note: app.notify(note, severity="warning"), keeper
        )
    app = ConsoleApp(context, opener, theme=options.theme or (PLAIN if slow or has_few_colours() else ""), alive=alive)
    app.crash_folder = state
    return app


def server_at(keeper: ServerKeeper) -> Opener:
    """The way to a server elsewhere, with the session that one has there."""

    async def find() -> Port:
        from core.client import Client

        token = await in_daemon_thread(lambda: keeper.token)
        return Client(keeper.address, token=token)

    return find


def server_of(
    app_file: Path, data_dir: Path, tell: Callable[[str], None], keeper: ServerKeeper | None = None
) -> Opener:
    """Finds or starts the server of an app, without holding up the console. The app may want its owner to sign in as well
    (A-002): then the session is the one that was kept."""

    async def find() -> Port:
        from core.client import Client
        from sovrium_tui.process.discovery import ensure_server

        address = await in_daemon_thread(lambda: ensure_server(app_file, data_dir))
        if address.note:
            tell(worded(address.note))
        return Client(address.socket, token=keeper.token if keeper else None)

    return find


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """Await blocking work that must not keep the process alive when the console is left meanwhile."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not future.done():
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(cast(T, result))

    def run() -> None:
        result: T | None = None
        problem: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            problem = error
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=run, daemon=True, name="server").start()
    return await future
