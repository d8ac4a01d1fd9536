"""The application behind every listener: who may call, which handler, and what becomes of errors.

Who calls is told by the listener: over the Unix socket (mode 0600) it is the local owner. Over TCP an app with `auth`
asks `authenticate`, and answers 401 to everything while there is none. An app without `auth` is open there, so the
browser's ways in are closed: `Host` must be one of ours (a rebound DNS name is not), and what writes must not come from
another site's page. There are no CORS headers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from core.access.grant import USER_ACCESS
from core.engine import Engine
from core.errors import Busy, NotSignedIn, RequestError, StorageError
from core.http.answer import Answer
from core.http.call import Call, Disconnected, Receive, Scope
from core.http.error import ForeignOrigin, MethodNotAllowed, answer_to
from core.http.limit import Limiter, Taken, address_of, caller_of, class_of
from core.http.reload import Reloading
from core.http.route import Route, Router
from core.http.routes import all_routes
from core.principal import GUEST, OWNER, Principal

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
SAFE = ("GET", "HEAD", "OPTIONS")
NEVER_HELD = ("/api/health", "/api/console/jobs", "/api/console/events")
"""What can be asked while tables change their shape: it touches none."""
HELD_SECONDS = 2.0
"""How long a request waits for that before it is refused."""
Phase = Literal["starting", "migrating", "failed"]
Authenticate = Callable[[Scope], Awaitable[Principal | None]]
"""Who sent a request that came over TCP; None: a caller without a session."""


class Application:
    """The ASGI application. Until `engine` is set it answers health and 503."""

    def __init__(self, engine: Engine | None, *, version: str, hosts: Collection[str] | None = LOCAL_NAMES) -> None:
        self.engine = engine
        self.version = version
        self.hosts = hosts
        """Names that `Host` may have over TCP; None allows any."""
        self.phase: Phase = "starting"
        """What health answers while there is no engine."""
        self.tcp: str | None = None
        """`http://127.0.0.1:3000` where the server listens there."""
        self.authenticate: Authenticate | None = None
        """Tells who calls over TCP. Without it an app with accounts answers 401 there."""
        self.limiter: Limiter | None = None
        """Counts requests over TCP; None: nobody does."""
        self.router = Router(all_routes())
        self.reloading = Reloading(self)
        self.on_reload: Callable[[Engine], None] | None = None
        """Hears of the engine that has replaced the one before."""
        self.writes = 0
        """Requests under way that may write."""
        self._held: asyncio.Event | None = None

    @contextmanager
    def held(self, *, hold: bool = True) -> Iterator[None]:
        """New requests wait meanwhile, and are refused when it takes longer: the tables are changing their shape."""
        gate = self._held = asyncio.Event() if hold else None
        try:
            yield
        finally:
            self._held = None
            if gate is not None:
                gate.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        call = taken = None
        try:
            if self._held is not None and not scope["path"].startswith(NEVER_HELD):
                await self._wait(self._held)
            if scope["server"] is None or scope["server"][1] is None:
                call = self._admit(scope, receive, OWNER)
            else:
                self._check_host(scope)
                principal = await self._who(scope)
                taken = self._take(scope, principal)
                call = self._admit(scope, receive, principal)
            if scope["method"] in SAFE or call.route.reshapes:
                answer = await call.route.handler(call)
            else:
                self.writes += 1
                try:
                    answer = await call.route.handler(call)
                finally:
                    self.writes -= 1
        except Disconnected:
            return
        except asyncio.CancelledError:
            raise
        except MethodNotAllowed as error:
            answer = answer_to(error, scope)
            if scope["method"] == "OPTIONS":
                answer = Answer(204, None, [(b"allow", ", ".join(error.allowed).encode())])
        except Exception as error:
            answer = answer_to(error, scope)
        if call is not None and call.unknown:
            names = ", ".join(call.unknown).encode("ascii", "replace").replace(b'"', b"'")[:200]
            answer.headers.append((b"warning", b'299 - "unknown parameters ignored: %b"' % printable(names)))
        if taken is not None:
            answer.headers += taken.headers()
        await answer.send(send)

    @property
    def is_migrating(self) -> bool:
        """The tables are changing their shape right now."""
        return self._held is not None

    @staticmethod
    async def _wait(gate: asyncio.Event) -> None:
        """M-040. Raises Busy."""
        try:
            await asyncio.wait_for(gate.wait(), HELD_SECONDS)
        except TimeoutError:
            raise Busy("The tables are changing their shape", hint="try again in a moment") from None

    async def _who(self, scope: Scope) -> Principal:
        """The caller over TCP, with what is granted to it."""
        if self.authenticate is None:
            return GUEST
        principal = await self.authenticate(scope)
        if principal is None:
            return GUEST
        return principal if self.engine is None else await self.engine.grants.complete(principal)

    def _take(self, scope: Scope, principal: Principal) -> Taken | None:
        """Count the request (L-001…L-008), before anything that it asks for is looked at. Raises TooMany."""
        limiter, engine = self.limiter, self.engine
        if limiter is None or engine is None or not engine.app.limited or principal.is_unrestricted:
            return None
        try:
            route, segments = self.router.find(scope["method"], scope["raw_path"])
        except RequestError:
            return None
        if route.open or route.counter is None:
            return None
        table = engine.model.by_address.get(segments.get("table", ""))
        return limiter.take(
            caller_of(principal, self.address(scope)),
            class_of(scope["method"]) if route.counter == "method" else route.counter,
            engine.app,
            table.sql_name if table is not None else "",
            has_session=principal.kind == "user",
        )

    def address(self, scope: Scope) -> str:
        """The client's address (L-004)."""
        client = scope.get("client")
        trusted = () if self.engine is None else self.engine.app.trusted_proxies
        forwarded = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"x-forwarded-for"), None)
        return address_of(client[0] if client else "", forwarded, trusted)

    def _admit(self, scope: Scope, receive: Receive, principal: Principal) -> Call:
        """Find the route, once it is known that this caller may ask at all."""
        engine = self.engine
        has_accounts = engine is None or engine.app.auth is not None
        signed_out = principal.kind == "guest" and has_accounts
        try:
            route, segments = self.router.find(scope["method"], scope["raw_path"])
        except RequestError:
            if signed_out:
                raise NotSignedIn from None
            raise
        if not route.open:
            if engine is None:
                raise StorageError("The server is not ready yet", hint="try again in a moment")
            if signed_out and (self.authenticate is None or route.needs is None):
                raise NotSignedIn
            if not principal.is_unrestricted:
                self._know(engine, route, segments, principal)
        return Call(self, engine, route, segments, principal, scope, receive)

    @staticmethod
    def _know(engine: Engine, route: Route, segments: dict[str, str], principal: Principal) -> None:
        """Session, then table (§8.6): a table of which the caller may do nothing is none. Raises NotSignedIn, NotFound."""
        if segments.get("table") == USER_ACCESS and engine.grants.is_used:
            if principal.kind == "guest":
                raise NotSignedIn
        elif route.public_views and engine.schema_views.is_public(segments["table"], segments["view"]):
            return
        elif "table" in segments:
            try:
                engine.records.known(principal, segments["table"], route.needs or "read")
            except NotSignedIn as error:
                if route.needs == "comment":
                    error.code = "AUTH_REQUIRED"  # §10.2
                raise

    def _check_host(self, scope: Scope) -> None:
        host = origin = site = None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value.decode("latin-1").lower()
            elif name == b"origin":
                origin = value.decode("latin-1").lower()
            elif name == b"sec-fetch-site":
                site = value
        if self.hosts is not None and host is not None and host_name(host) not in self.hosts:
            raise ForeignOrigin(
                "This server does not answer to that host name",
                hint="use localhost, or start the server with --host and that name",
            )
        if scope["method"] in SAFE:
            return
        if site in (b"cross-site", b"same-site") or (origin is not None and origin.partition("://")[2] != host):
            raise ForeignOrigin("A page of another site may not write here")


def host_name(host: str) -> str:
    """The name of a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def printable(text: bytes) -> bytes:
    return bytes(c if 32 <= c < 127 else 63 for c in text)


def build_app(
    engine: Engine | None,
    *,
    version: str,
    hosts: Collection[str] | None = LOCAL_NAMES,
    limiter: Limiter | None = None,
    authenticate: Authenticate | None = None,
) -> Application:
    """The application over an open engine, or over none yet (`Application.engine` is set when it is there)."""
    app = Application(engine, version=version, hosts=hosts)
    app.limiter, app.authenticate = limiter, authenticate
    return app
