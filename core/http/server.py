"""The listeners: a Unix socket for the consoles of this machine, TCP for everybody else, one event loop for both.

uvicorn's own `Server` is not used: it installs signal handlers, serves one kind of address at a time and ends open event
streams by force. What it would do for us fits below.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket as sockets
import stat
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from core.errors import BadRequest, Locked, SovriumError
from core.http.app import Application
from core.http.protocol import GuardedProtocol
from core.schema.model import App
from core.sentence import joined, say

BACKLOG = 1024
GRACE_SECONDS = 10.0
"""How long requests that run may go on after `stop`."""


class Server:
    """Serves an application on a Unix socket, on TCP, or on both.

    `socket`: path of the Unix socket, made with mode 0600; a stale one is replaced. `host`, `port`: TCP address, port 0
    picks one; host None = no TCP. `allow_open`: bind beyond loopback although the app has no `auth` (P-015).
    `on_lease` hears the number of open event streams whenever it changes.
    """

    def __init__(
        self,
        app: Application,
        *,
        socket: Path | None = None,
        host: str | None = None,
        port: int = 3000,
        allow_open: bool = False,
        on_lease: Callable[[int], None] | None = None,
        protocol: type[GuardedProtocol] = GuardedProtocol,
    ) -> None:
        self.app = app
        self.socket = socket
        self.host = host
        self.port = port
        self.allow_open = allow_open
        self.on_lease = on_lease
        self._protocol = protocol
        self._state = ServerState()
        self._listeners: list[asyncio.Server] = []
        self._clock: asyncio.TimerHandle | None = None

    @property
    def url(self) -> str | None:
        """`http://127.0.0.1:3000` once TCP is bound."""
        return self.app.tcp

    async def start(self) -> None:
        """Bind and serve; returns at once.

        Raises:
            Locked: another server answers on the socket.
            BadRequest: the address is not to be bound.
        """
        loop = asyncio.get_running_loop()
        self._tick(loop)
        config = Config(self.app, lifespan="off", log_config=None, access_log=False, ws="none", proxy_headers=False)
        config.load()

        def connect() -> GuardedProtocol:
            return self._protocol(config=config, server_state=self._state, app_state={}, _loop=loop)

        try:
            if self.socket is not None:
                listener = unix_listener(self.socket)
                self._listeners.append(await loop.create_unix_server(connect, sock=listener, backlog=BACKLOG))
            if self.host is not None:
                await self._start_tcp(loop, connect)
        except BaseException:
            await self.stop(0)
            raise
        self.app.lead_links_here()
        if self.app.engine is not None:
            self.watch_leases()

    def watch_leases(self) -> None:
        """Begin to count event streams; called again when the engine is set after the start."""
        if self.app.engine is not None and self.on_lease is not None:
            self.app.engine.bus.on_count = self.on_lease

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Take no new requests, end the event streams, let what runs finish for `grace` seconds, then cut it off."""
        for listener in self._listeners:
            listener.close()
        if self.app.engine is not None:
            self.app.engine.bus.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks and grace > 0:
            await asyncio.wait(set(self._state.tasks), timeout=grace)
        for connection in list(self._state.connections):
            transport: Any = connection.transport
            transport.abort()
        if self._clock is not None:
            self._clock.cancel()
        if self.socket is not None and self._listeners:
            self.socket.unlink(missing_ok=True)
        self._listeners.clear()
        self.app.tcp = None

    async def serve(self, until: asyncio.Event) -> None:
        """Start, wait for the event, stop."""
        await self.start()
        try:
            await until.wait()
        finally:
            await self.stop()

    async def _start_tcp(self, loop: asyncio.AbstractEventLoop, connect: Callable[[], GuardedProtocol]) -> None:
        assert self.host is not None
        if not is_loopback(self.host):
            self._check_public(None if self.app.engine is None else self.app.engine.app)
            self.app.may_serve = self._check_public
            self.app.public = True
        try:
            listener = await loop.create_server(connect, self.host, self.port, backlog=BACKLOG)
        except OSError as error:
            raise SovriumError(
                say(
                    "Cannot listen on {address}: {reason}",
                    address=f"{self.host}:{self.port}",
                    reason=os.strerror(error.errno or 0),
                ),
                hint="choose another with --port",
            ) from error
        self._listeners.append(listener)
        self.port = listener.sockets[0].getsockname()[1]
        name = f"[{self.host}]" if ":" in self.host else self.host
        self.app.tcp = f"http://{name}:{self.port}"

    def _check_public(self, app: App | None) -> None:
        """What other machines can reach asks who they are, and shows no codes."""
        auth = None if app is None else app.auth
        if not self.allow_open and auth is None:
            raise BadRequest(
                say(
                    "{host} can be reached from other machines, and this app has no sign-in: anyone could change it",
                    host=self.host,
                ),
                hint="add auth to the app file, or pass --allow-open",
            )
        if auth is not None and (unfit := auth.unfit_for_public()):
            raise BadRequest(
                say(
                    "{host} can be reached from other machines, which the app file does not suit: {reason}",
                    host=self.host,
                    reason=joined(*unfit),
                ),
                hint="change it, or listen on 127.0.0.1",
            )

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the Date header once a second instead of once a request."""
        now = time.time()
        self._state.default_headers = [(b"date", formatdate(now, usegmt=True).encode())]
        self._clock = loop.call_later(1.0 - now % 1.0, self._tick, loop)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unix_listener(path: Path) -> sockets.socket:
    """A bound Unix socket that only its owner may open."""
    clear_stale(path)
    listener = sockets.socket(sockets.AF_UNIX)
    before = os.umask(0o177)  # from the first moment: a later chmod would leave a gap
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        # Of one that is too long Python itself complains.
        hint = "choose another path with --socket" if error.errno else "choose a shorter path with --socket"
        message = say("Cannot make the socket {file}: {reason}", file=str(path), reason=error.strerror or str(error))
        raise SovriumError(message, hint=hint) from error
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


def clear_stale(path: Path) -> None:
    """Remove a socket that nobody listens on any more.

    Raises:
        Locked: somebody does.
        BadRequest: it is no socket.
    """
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BadRequest(say("{file} exists and is not a socket", file=str(path)))
    except FileNotFoundError:
        return
    with contextlib.closing(sockets.socket(sockets.AF_UNIX)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise SovriumError(say("Cannot use the socket {file}: {reason}", file=str(path), reason=reason)) from error
        else:
            raise Locked(say("Another server answers on {file}", file=str(path)))
