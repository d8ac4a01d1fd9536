"""One request as its handler sees it: who, where, the parameters and the body, checked against the route."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import orjson

from core.errors import BadRequest, FieldError, Invalid, NotFound, RequestError, TooLarge
from core.http.error import body_error
from core.http.route import Route
from core.http.shape import check
from core.http.throttle import take_identifier
from core.principal import Principal, Source
from core.sentence import say

if TYPE_CHECKING:
    from core.auth.service import Auth
    from core.auth.session import SignedIn
    from core.engine import Engine
    from core.http.app import Application

BODY_LIMIT = 1024 * 1024
"""Bytes of a JSON body. Imports stream instead."""
ACCOUNT_LIMIT = 64 * 1024
"""Bytes of one to the routes of accounts (auth §6), but for the passwords in it: a longer one is told as such (A-051)."""
PASSWORDS = ("password", "newPassword", "currentPassword")
QUERY_FIELDS = 100

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name."""
    firsts: dict[bytes, bytes] | None = scope.get("firsts")
    if firsts is None:  # a request is asked for several, and a browser sends twenty
        firsts = scope["firsts"] = dict(reversed(scope["headers"]))
    value = firsts.get(name)
    return None if value is None else value.decode("latin-1")


class Disconnected(Exception):
    """The client hung up while its request was being read; there is nobody to answer."""


class NotJson(RequestError):
    """The body may be sent by any page's form, and JSON is expected."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415

    def __init__(self) -> None:
        super().__init__("The body must be JSON", hint="send it with Content-Type: application/json")


class Call:
    """A request. `segments` holds the values in the path."""

    __slots__ = (
        "_engine", "_receive", "app", "principal", "query", "route", "scope", "segments", "signed_in", "unknown"
    )  # fmt: skip

    def __init__(
        self,
        app: "Application",
        engine: "Engine | None",
        route: Route,
        segments: Mapping[str, str],
        principal: Principal,
        scope: Scope,
        receive: Receive,
        signed_in: "SignedIn | None" = None,
    ) -> None:
        self.app = app
        self._engine = engine
        self.route = route
        self.segments = segments
        self.principal = principal
        self.scope = scope
        self.signed_in = signed_in
        """The session that it showed."""
        self._receive = receive
        self.query: dict[str, str] = {}
        """The known parameters as they were sent, the last of repeated ones; checked."""
        self.unknown: tuple[str, ...] = ()
        """Parameters that the route does not know: ignored, with a Warning header (R-004)."""
        if scope["query_string"]:
            self._parse(scope["query_string"])

    @property
    def engine(self) -> "Engine":
        """The engine; only routes that are open before it is there must not ask."""
        assert self._engine is not None
        return self._engine

    @property
    def auth(self) -> "Auth":
        """The accounts; only routes of apps with accounts ask."""
        auth = self.engine.auth
        assert auth is not None
        return auth

    @property
    def source(self) -> Source:
        """Where it comes from."""
        return self.app.source(self.scope)

    @property
    def secure(self) -> bool:
        """It came over TLS, so cookies may be bound to it."""
        return self.app.is_secure(self.scope)

    def identify(self, identifier: str) -> None:
        """Tell whose account is tried, in the form that accounts have it, before any work is done for it (A-140). Raises
        TooMany."""
        limiter = self.app.limiter
        if limiter is not None and self.route.throttle is not None and not self.principal.is_unrestricted:
            take_identifier(limiter, self.route.throttle, identifier, self.auth.context.spec.rate)

    def text(self, name: str) -> str:
        """A parameter's text, "" without it."""
        return self.query.get(name, "")

    def required(self, name: str) -> str:
        value = self.query.get(name)
        if value is None:
            raise wrong_parameter(name, "given")
        return value

    def integer(self, name: str, default: int) -> int:
        raw = self.query.get(name)
        return default if raw is None else int(raw)

    def boolean(self, name: str) -> bool:
        return self.query.get(name) in ("true", "1")

    def names(self, name: str) -> list[str]:
        """A list separated by commas."""
        return [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]

    def header(self, name: bytes) -> str | None:
        return header(self.scope, name)

    def require_admin(self) -> None:
        """For what only those may who see all. Raises NotFound."""
        if not self.engine.records.access.sees_all(self.principal):
            raise NotFound

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes.

        Raises:
            Disconnected: the client hung up.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk

    async def body(self, limit: int = BODY_LIMIT) -> bytes:
        """The whole body; `TooLarge` above `limit` bytes."""
        message = await self._receive()
        if not message.get("more_body", False) and message["type"] == "http.request":
            body = cast(bytes, message.get("body", b""))  # nearly always: it came in one piece
        else:
            parts = [message.get("body", b"")]
            async for chunk in self.chunks():
                parts.append(chunk)
                if sum(map(len, parts)) > limit:
                    break
            body = b"".join(parts)
        if len(body) > limit:
            raise TooLarge(say("The body has more than {most:,} bytes", most=limit), limit=limit)
        return body

    async def json(self, limit: int = BODY_LIMIT) -> Any:
        """The body as JSON, any value (R-005). Routes of accounts have a limit of their own."""
        return await self._account_json() if self.route.accounts else parsed(await self.body(limit))

    async def _account_json(self) -> Any:
        """Raises NotJson: a form of a page sends it (auth §17.2)."""
        kind = (self.header(b"content-type") or "application/json").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise NotJson
        body = await self.body(BODY_LIMIT + ACCOUNT_LIMIT)
        if len(body) <= ACCOUNT_LIMIT:
            return parsed(body)
        try:
            value = parsed(body)
            passwords = _password_bytes(value)
        except Invalid:
            value, passwords = None, 0
        if len(body) - passwords > ACCOUNT_LIMIT:
            raise TooLarge(say("The body has more than {most:,} bytes", most=ACCOUNT_LIMIT), limit=ACCOUNT_LIMIT)
        return value

    async def json_object(self, limit: int = BODY_LIMIT) -> dict[str, Any]:
        """The body as a JSON object."""
        value = await self.json(limit)
        if not isinstance(value, dict):
            raise body_error("The body must be a JSON object", code="body.not-an-object")
        return value

    async def checked(self) -> Any:
        """The body as the route's declared type."""
        return check(self.route.body, await self.json_object())

    def _parse(self, raw: bytes) -> None:
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS)
        except ValueError as error:  # UnicodeDecodeError is one
            raise BadRequest("The parameters are not UTF-8, or too many") from error
        known = self.route.query
        self.query = {name: value for name, value in pairs if name in known}
        if any("\0" in value for value in self.query.values()):
            raise BadRequest("A parameter holds a NUL character")
        for name, value in self.query.items():
            if (wanted := known[name].refusal(value)) is not None:
                raise wrong_parameter(name, wanted)
        if len(self.query) < len(pairs):
            self.unknown = tuple(dict.fromkeys(name for name, _ in pairs if name not in known))


def parsed(body: bytes) -> Any:
    """The value of a JSON text. Raises Invalid."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise body_error("The body is not JSON" if body else "The body is empty; JSON is expected") from error


def _password_bytes(body: Any) -> int:
    given = [body.get(name) for name in PASSWORDS] if isinstance(body, dict) else []
    return sum(len(each.encode()) for each in given if isinstance(each, str))


def wrong_parameter(name: str, wanted: str) -> Invalid:
    message = f"{name} must be {wanted}"
    return Invalid(message, [FieldError(name, "parameter.wrong", message)])
