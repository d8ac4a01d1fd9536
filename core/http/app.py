"""The application behind every listener: who may call, which handler, and what becomes of errors.

Who calls is told by the listener: over the Unix socket (mode 0600) it is the local owner. Over TCP an app with `auth`
asks `authenticate`, and answers 401 to everything while there is none. An app without `auth` is open there, so the
browser's ways in are closed: `Host` must be one of ours (a rebound DNS name is not), and what writes must not come from
another site's page. An answer may be read by pages of our own, and of the origins that the app file trusts.
"""

import asyncio
import os
import pwd
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from core.access.grant import USER_ACCESS
from core.auth.error import AuthError
from core.engine import Engine
from core.errors import Busy, NotFound, NotSignedIn, RequestError, StorageError
from core.http.administration import require_administrator, require_own, require_own_password
from core.http.answer import HSTS, Answer
from core.http.call import Call, Disconnected, Receive, Scope, header
from core.http.error import MethodNotAllowed, answer_to
from core.http.limit import Limiter, address_of, caller_of, class_of, is_trusted
from core.http.log import request_id, tell_request
from core.http.origin import SAFE, Site, check_host, check_origin, cors_headers, site_of
from core.http.reload import Reloading
from core.http.route import Route, Router
from core.http.routes import all_routes
from core.http.session import is_key, prolong, secret_shown, token_of
from core.http.throttle import BY_USER, Told, take
from core.http.window import Taken, TooMany
from core.messaging.setting import named_url
from core.principal import ACTING, GUEST, OWNER, Principal, Source
from core.schema.model import App
from core.schema.scope import only_reads

if TYPE_CHECKING:
    from core.auth.session import SignedIn

NEVER_HELD = ("/api/health", "/api/console/jobs", "/api/console/events")
"""What can be asked while tables change their shape: it touches none."""
HELD_SECONDS = 2.0
"""How long a request waits for that before it is refused."""
Place = tuple[Route, dict[str, str]] | RequestError
"""The route of an address and the values in it, or why there is none."""
Phase = Literal["starting", "migrating", "failed"]
Authenticate = Callable[[Scope], Awaitable[Principal | None]]
"""Who sent a request that came over TCP; None: a caller without a session. In place of the sessions of the app."""


@cache
def os_user() -> str:
    """Whose Unix socket this is, by name; by number where the machine has no name for it, as in many containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


class Visitor(NamedTuple):
    """Who calls, and the session that was shown."""

    principal: Principal
    signed_in: "SignedIn | None"


class Application:
    """The ASGI application. Until `engine` is set it answers health and 503."""

    def __init__(self, engine: Engine | None, *, version: str) -> None:
        self.engine = engine
        self.version = version
        self.public = False
        """It listens beyond this machine."""
        self.phase: Phase = "starting"
        """What health answers while there is no engine."""
        self.tcp: str | None = None
        """`http://127.0.0.1:3000` where the server listens there."""
        self.authenticate: Authenticate | None = None
        """Tells who calls over TCP, in place of the sessions of the app."""
        self.log_file: Path | None = None
        """The newest file of the server's log, where it has one."""
        self.limiter: Limiter | None = None
        """Counts requests over TCP; None: nobody does."""
        self.router = Router(all_routes())
        self.reloading = Reloading(self)
        self.on_reload: Callable[[Engine], None] | None = None
        """Hears of the engine that has replaced the one before."""
        self.may_serve: Callable[[App], None] | None = None
        """Raises BadRequest for an app that must not be reached from where the server can be."""
        self.writes = 0
        """Requests under way that may write."""
        self._held: asyncio.Event | None = None
        self._told = Told()
        self._base_url = named_url(os.environ)
        self._site: tuple[object, Site] | None = None
        """Of the app that was asked for last."""

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
        begun = time.perf_counter()
        try:
            if self._held is not None and not scope["path"].startswith(NEVER_HELD):
                await self._wait(self._held)
            place = self._place(scope)
            visitor = await self._identify(scope, place)
            if visitor.principal.impersonator is not None:
                ACTING.set(visitor.principal.impersonator)
            taken = self._take(scope, visitor.principal, place)
            call = self._admit(scope, receive, visitor, place)
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
            if isinstance(error, TooMany):
                await self._tell_limit(scope)
        self._dress(answer, scope, call, taken)
        tell_request(scope, answer.status, begun)
        await answer.send(send)

    async def _tell_limit(self, scope: Scope) -> None:
        """One entry for each caller and kind of route a minute, where it is a limit of accounts (auth §12.1)."""
        engine = self.engine
        try:
            route, _ = self.router.find(scope["method"], scope["raw_path"])
        except RequestError:
            return
        if engine is None or engine.auth is None or route.throttle is None:
            return
        if self._told.is_new(route.throttle, self.address(scope)):
            context, source, group = engine.auth.context, self.source(scope), ("limit", route.throttle, "")
            await context.write(
                lambda tx: context.log(tx, "rate_limit.hit", GUEST, source, group, result="failure"), GUEST
            )

    def _dress(self, answer: Answer, scope: Scope, call: Call | None, taken: Taken | None) -> None:
        """Add the headers that are the door's and not the handler's."""
        if call is not None and call.signed_in is not None and call.signed_in.slid:
            prolong(call, answer, call.signed_in.session)
        if call is not None and call.unknown:
            names = ", ".join(call.unknown).encode("ascii", "replace").replace(b'"', b"'")[:200]
            answer.headers.append((b"warning", b'299 - "unknown parameters ignored: %b"' % printable(names)))
        if taken is not None:
            answer.headers += taken.headers()
        answer.headers += cors_headers(scope, self.site.origins)
        if self.is_secure(scope):
            answer.headers.append(HSTS)

    async def _identify(self, scope: Scope, place: Place) -> "Visitor":
        """Who calls. Raises ForeignHost, ForeignOrigin, NotSignedIn."""
        if not is_local(scope):
            site = self.site
            check_host(scope, site.hosts)
            if scope["method"] not in SAFE:
                check_origin(scope, site.origins, secure=self.is_secure(scope), cookie=self._cookie)
        elif header(scope, b"x-acting") is None and not await self._asks_local():
            return Visitor(OWNER, None)
        if self.authenticate is None and (self.engine is None or self.engine.auth is None):
            return Visitor(GUEST, None)
        try:
            return await self._who(scope)
        except AuthError as error:
            # Whose address or browser has changed still carries that cookie, and must be able to sign in anew.
            if error.code != "SESSION_BINDING" or not begins_anew(scope, place):
                raise
            return Visitor(GUEST, None)

    @property
    def site(self) -> Site:
        """Names of this server, and the origins that it trusts."""
        app = None if self.engine is None else self.engine.app
        known = (app, self.public)
        if self._site is None or self._site[0] != known:
            trusted = () if app is None or app.auth is None else app.auth.trusted_origins
            allowed = () if app is None else app.allowed_hosts
            self._site = known, site_of(self._base_url, allowed, trusted, public=self.public)
        return self._site[1]

    def lead_links_here(self) -> None:
        """Links of messages lead to the port that is bound, where `BASE_URL` names no address."""
        auth = None if self.engine is None else self.engine.auth
        if auth is not None and self.tcp is not None and self._base_url is None:
            auth.context.post.lead_to(f"http://localhost:{urlsplit(self.tcp).port}")

    @property
    def _cookie(self) -> str | None:
        auth = None if self.engine is None else self.engine.app.auth
        return None if auth is None else auth.session.cookie_name

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

    async def _who(self, scope: Scope) -> "Visitor":
        """The caller over TCP, with what is granted to it, and the session that was shown."""
        engine, principal, found = self.engine, None, None
        if self.authenticate is not None:
            principal = await self.authenticate(scope)
        elif engine is not None and engine.auth is not None:
            token = token_of(scope)
            if token is not None and is_key(token):
                principal = await engine.auth.api_keys.recognise(token)
            else:
                secret = secret_shown(engine.auth, scope, token, self.is_secure)
                if secret:
                    sessions = engine.auth.sessions
                    found = sessions.at_hand(secret) or await engine.auth.recognise(secret, partial(self.source, scope))
                principal = found.principal if found else None
        if principal is None:
            return Visitor(GUEST, None)
        if engine is not None and engine.grants.is_used:
            principal = await engine.grants.complete(principal)
        return Visitor(principal, found)

    async def _asks_local(self) -> bool:
        """The owner's own console must sign in as well (A-002), once there is somebody to sign in as."""
        engine = self.engine
        if engine is None or engine.app.auth is None or not engine.app.auth.local_sign_in:
            return False
        return engine.auth is not None and await engine.auth.is_peopled()

    def is_secure(self, scope: Scope) -> bool:
        """It came over TLS, here or at a proxy that is trusted."""
        if scope.get("scheme") == "https":
            return True
        trusted = () if self.engine is None else self.engine.app.trusted_proxies
        client: tuple[str, int] | None = scope.get("client")
        if not trusted or client is None or not is_trusted(client[0], tuple(trusted)):
            return False
        return (header(scope, b"x-forwarded-proto") or "").lower() == "https"

    def source(self, scope: Scope) -> Source:
        """Where a request comes from, for the audit log."""
        agent = header(scope, b"user-agent")
        request = request_id(scope)
        if is_local(scope):
            transport: Literal["cli", "tui"] = "cli" if agent and "cli" in agent else "tui"
            return Source(transport, None, agent, request, os_user())
        return Source("api", self.address(scope), agent, request)

    def _place(self, scope: Scope) -> Place:
        """The route, or why there is none: told once it is known that the caller may ask at all."""
        try:
            return self.router.find(scope["method"], scope["raw_path"])
        except RequestError as error:
            return error

    def _take(self, scope: Scope, principal: Principal, place: Place) -> Taken | None:
        """Count the request (L-001…L-008), before anything that it asks for is looked at. Raises TooMany."""
        limiter, engine = self.limiter, self.engine
        if limiter is None or engine is None or principal.is_unrestricted or isinstance(place, RequestError):
            return None
        route, segments = place
        if route.accounts:
            auth = engine.app.auth
            if auth is None:
                return None
            # A session is no way around the limits of an address: whoever signs up has another one each time.
            by_user = route.throttle in BY_USER
            who = caller_of(principal if by_user else GUEST, lambda: self.address(scope))
            taken = take(limiter, route.throttle, scope["path"], who, auth.rate)
            if taken is not None or route.throttle is not None:
                return taken
        if route.open or route.counter is None or not engine.app.limited:
            return None
        table = engine.model.by_address.get(segments.get("table", ""))
        return limiter.take(
            caller_of(principal, lambda: self.address(scope)),
            class_of(scope["method"]) if route.counter == "method" else route.counter,
            engine.app,
            table.sql_name if table is not None else "",
            has_session=principal.kind == "user",
        )

    def address(self, scope: Scope) -> str:
        """The client's address (L-004)."""
        client = scope.get("client")
        trusted = () if self.engine is None else self.engine.app.trusted_proxies
        said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return address_of(client[0] if client else "", said.decode("latin-1"), trusted)

    def _admit(self, scope: Scope, receive: Receive, visitor: "Visitor", place: Place) -> Call:
        """What this caller may ask there."""
        engine, principal = self.engine, visitor.principal
        has_accounts = engine is None or engine.app.auth is not None
        signed_out = principal.kind == "guest" and has_accounts
        if isinstance(place, RequestError):
            is_preflight = scope["method"] == "OPTIONS"  # which carries no session
            if signed_out and not is_preflight:
                raise NotSignedIn
            if isinstance(place, MethodNotAllowed) and has_accounts and place.admin and not is_preflight:
                require_administrator(engine.app.auth if engine else None, principal)
            raise NotFound if isinstance(place, MethodNotAllowed) and place.accounts and not has_accounts else place
        route, segments = place
        if route.accounts and engine is not None and engine.auth is None:
            raise NotFound
        if not route.open:
            if engine is None:
                raise StorageError("The server is not ready yet", hint="try again in a moment")
            if signed_out and not route.guests and route.needs is None:
                raise NotSignedIn
            if route.admin:
                require_administrator(engine.app.auth, principal)
            elif principal.impersonator is not None:
                require_own(route)
            if not route.unproven:
                self._require_factor(engine, visitor.signed_in)
                require_own_password(route, visitor.signed_in)
            if not principal.is_unrestricted:
                self._know(engine, route, segments, principal)
        return Call(self, engine, route, segments, principal, scope, receive, visitor.signed_in)

    @staticmethod
    def _require_factor(engine: Engine, found: "SignedIn | None") -> None:
        """A-119. Raises AuthError MFA_REQUIRED."""
        auth = engine.app.auth
        if found is None or auth is None or not auth.mfa.require_for or found.principal.aal == "aal2":
            return
        if found.session.impersonated_by is None and auth.mfa.demands(found.principal.roles, engine.app.roles):
            raise AuthError("MFA_REQUIRED")

    @staticmethod
    def _know(engine: Engine, route: Route, segments: dict[str, str], principal: Principal) -> None:
        """Session, then table (§8.6): a table of which the caller may do nothing is none. Raises NotSignedIn, NotFound."""
        if route.keeps and principal.scopes is not None:
            table = engine.model.by_address.get(segments.get("table", ""))
            if only_reads(principal.scopes, None if table is None else table.sql_name):
                raise NotFound
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


def begins_anew(scope: Scope, place: Place) -> bool:
    """It asks for what needs no session: to be told how the server is, or for a session."""
    if isinstance(place, RequestError):
        return False
    route, _ = place
    return route.open or (route.guests and scope["method"] not in SAFE)


def is_local(scope: Scope) -> bool:
    """It came over the Unix socket."""
    return scope["server"] is None or scope["server"][1] is None


def printable(text: bytes) -> bytes:
    return bytes(c if 32 <= c < 127 else 63 for c in text)


def build_app(
    engine: Engine | None,
    *,
    version: str,
    limiter: Limiter | None = None,
    authenticate: Authenticate | None = None,
    log_file: Path | None = None,
) -> Application:
    """The application over an open engine, or over none yet (`Application.engine` is set when it is there)."""
    app = Application(engine, version=version)
    app.limiter, app.authenticate, app.log_file = limiter, authenticate, log_file
    return app
