"""A client for commands that need data: of the running server, else of an engine opened in this process for as long as
the command runs. Either way the command speaks the API, so there is one code path."""

import asyncio
import os
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.client import Client
from core.errors import Conflict, NotSignedIn
from sovrium_tui import __version__
from sovrium_tui.process.discovery import settled
from sovrium_tui.process.lock import DataLock, held_by
from sovrium_tui.process.place import Place
from sovrium_tui.process.record import ServerRecord

if TYPE_CHECKING:
    from sovrium_tui.credential import ServerKeeper

T = TypeVar("T")
PATIENCE = 600.0
AGENT = f"sovrium-tui-cli/{__version__}"
"""The log tells a command from a console by it."""


def with_client(app_file: Path, data_dir: Path, name: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do the work of the command `name` with a client. Raises what the work raises, and Locked when another command holds
    the data folder."""

    async def run() -> T:
        async with session(app_file, data_dir, name) as client:
            with saying_how(f"--app {app_file}"):
                return await work(client)

    return asyncio.run(run())


def with_server(address: str, work: Callable[[Client], Awaitable[T]]) -> T:
    """Do the work with a client of a server elsewhere, as who has signed in there (`login`). Raises what the work raises."""

    async def run() -> T:
        async with Client(address, timeout=PATIENCE, token=saved_session(address).token, agent=AGENT) as client:
            with saying_how(address):
                return await work(client)

    return asyncio.run(run())


@contextmanager
def saying_how(server: str) -> Iterator[None]:
    """Whoever has to sign in is told by which command."""
    try:
        yield
    except NotSignedIn as error:
        if error.code == NotSignedIn.code:  # else it is a way in that was refused
            error.hint, error.exit_code = f"sovrium-tui login {server}", 3
        raise


def saved_session(server: str | Path) -> "ServerKeeper":
    """The one session that is kept for a server elsewhere or for an app file here: the console's as well."""
    from platformdirs import user_state_path

    from sovrium_tui.credential import ServerKeeper

    return ServerKeeper(str(server), user_state_path("sovrium-tui"))


@asynccontextmanager
async def session(app_file: Path, data_dir: Path, name: str) -> AsyncIterator[Client]:
    place = Place(data_dir)
    with stopped_at_once():
        record = settled(place)
    if record is None:
        async with own_engine(app_file, place, name) as client:
            yield client
        return
    token = saved_session(app_file).token
    client = Client(attachable(record, app_file), timeout=PATIENCE, token=token, agent=AGENT)
    try:
        yield client
    finally:
        await client.close()


def attachable(record: ServerRecord, app_file: Path) -> Path:
    """The socket of a running server that serves this app."""
    if record.role == "command" or record.socket is None:
        raise held_by(record)
    if record.app_file not in (None, str(app_file)):
        raise Conflict(
            f"The data folder serves another app: {record.app_file}", hint="choose another folder with --data-dir"
        )
    return Path(record.socket)


@asynccontextmanager
async def own_engine(app_file: Path, place: Place, name: str) -> AsyncIterator[Client]:
    """An engine in this process, behind a socket that nobody else knows. What it tells is in the log, as a server's is."""
    with stopped_at_once():
        from core.assembly import open_engine
        from core.http.app import build_app
        from core.http.server import Server
        from sovrium_tui.process.log import LogSettings, logging_to
        from sovrium_tui.server import own_record

    record = own_record("command", app_file, f"sovrium-tui {name}")
    with DataLock(place, record), logging_to(place.log, LogSettings.of(os.environ)):
        with stopped_at_once():
            engine = open_engine(app_file, place.data_dir)
        try:
            with tempfile.TemporaryDirectory(prefix="sovrium-") as folder:
                socket = Path(folder, "api.sock")
                server = Server(build_app(engine, version=__version__, log_file=place.log), socket=socket)
                await server.start()
                token = saved_session(app_file).token
                client = Client(socket, timeout=PATIENCE, token=token, agent=AGENT)
                try:
                    yield client
                finally:
                    await client.close()
                    await server.stop()
        finally:
            await asyncio.to_thread(engine.close)


@contextmanager
def stopped_at_once() -> Iterator[None]:
    """Ctrl+C inside ends what blocks the event loop, instead of waiting until the loop turns again. What is cut off is as
    safe as after a crash: nothing was acknowledged. Raises KeyboardInterrupt at the end as well, for a library may have
    taken the first one for a failure of its own, or for nothing."""
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, signal.SIG_DFL, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed, tell = False, sys.unraisablehook

    def stop(*_: object) -> None:
        nonlocal pressed
        pressed = True
        sys.unraisablehook = lambda _: None
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = tell
        if pressed:
            raise KeyboardInterrupt
