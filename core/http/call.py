"""One request as its handler sees it: who, where, the parameters and the body, checked against the route."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

import orjson

from core.errors import BadRequest, FieldError, Invalid, TooLarge
from core.http.error import body_error
from core.http.route import Route
from core.principal import Principal

if TYPE_CHECKING:
    from core.engine import Engine
    from core.http.app import Application

BODY_LIMIT = 1024 * 1024
"""Bytes of a JSON body. Imports stream instead."""
QUERY_FIELDS = 100
TRUE, FALSE = ("true", "1"), ("false", "0", "")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Disconnected(Exception):
    """The client hung up while its request was being read; there is nobody to answer."""


class Call:
    """A request. `segments` holds the values in the path."""

    __slots__ = ("_engine", "_receive", "app", "principal", "query", "route", "scope", "segments", "unknown")

    def __init__(
        self,
        app: "Application",
        engine: "Engine | None",
        route: Route,
        segments: Mapping[str, str],
        principal: Principal,
        scope: Scope,
        receive: Receive,
    ) -> None:
        self.app = app
        self._engine = engine
        self.route = route
        self.segments = segments
        self.principal = principal
        self.scope = scope
        self._receive = receive
        self.query: dict[str, str] = {}
        """The known parameters as they were sent, the last of repeated ones; `text`, `integer`, … check the values."""
        self.unknown: tuple[str, ...] = ()
        """Parameters that the route does not know: ignored, with a Warning header (R-004)."""
        if scope["query_string"]:
            self._parse(scope["query_string"])

    @property
    def engine(self) -> "Engine":
        """The engine; only routes that are open before it is there must not ask."""
        assert self._engine is not None
        return self._engine

    def text(self, name: str, default: str | None = None) -> str | None:
        value = self.query.get(name, default)
        choices = self.route.query[name].choices
        if choices and value is not None and value not in choices:
            raise wrong_parameter(name, f"one of {', '.join(choices)}")
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise wrong_parameter(name, "given")
        return value

    def integer(self, name: str, default: int) -> int:
        raw, declared = self.query.get(name), self.route.query[name]
        if raw is None:
            return default
        least = declared.least if declared.least is not None else -(2**53)
        most = declared.most if declared.most is not None else 2**53
        digits = raw.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 16 and least <= int(raw) <= most):
            bounds = f"a whole number from {least}" if declared.least is not None else "a whole number"
            raise wrong_parameter(name, bounds + (f" to {most}" if declared.most is not None else ""))
        return int(raw)

    def boolean(self, name: str) -> bool:
        value = self.query.get(name, "false").lower()
        if value not in TRUE + FALSE:
            raise wrong_parameter(name, "true or false")
        return value in TRUE

    def names(self, name: str) -> list[str]:
        """A list separated by commas."""
        return [part.strip() for part in self.query.get(name, "").split(",") if part.strip()]

    def json_parameter(self, name: str) -> Any:
        """A parameter that holds JSON; None without it."""
        raw = self.query.get(name)
        if raw is None:
            return None
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise wrong_parameter(name, "JSON") from error

    def header(self, name: bytes) -> str | None:
        for key, value in self.scope["headers"]:
            if key == name:
                return cast(bytes, value).decode("latin-1")
        return None

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
            raise TooLarge(f"The body has more than {limit:,} bytes", limit=limit)
        return body

    async def json(self, limit: int = BODY_LIMIT) -> Any:
        """The body as JSON, any value (R-005)."""
        body = await self.body(limit)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise body_error("The body is not JSON" if body else "The body is empty; JSON is expected") from error

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
        if len(self.query) < len(pairs):
            self.unknown = tuple(dict.fromkeys(name for name, _ in pairs if name not in known))


def wrong_parameter(name: str, wanted: str) -> Invalid:
    message = f"{name} must be {wanted}"
    return Invalid(message, [FieldError(name, "parameter.wrong", message)])


@cache
def adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def check(kind: Any, value: Any) -> Any:
    """The value, if it has the shape of `kind`; all that does not fit is reported together."""
    from pydantic import ValidationError

    try:
        return adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        problems = [
            FieldError(".".join(map(str, item["loc"])) or "body", f"body.{item['type'].replace('_', '-')}", item["msg"])
            for item in error.errors(include_url=False, include_context=False, include_input=False)[:20]
        ]
        raise Invalid("The body does not have the right shape", problems) from error
