"""Routes: declared beside their handlers, found by the segments of the path.

A declaration says what the handler takes and gives; requests are checked by it and `/api/openapi.json` is made of it.
Ours rather than Starlette's: a trie of segments finds a route in 2 µs, where regular expressions tried in turn, with the
request and response objects around them, cost 30 µs; and ids with an escaped `/` keep their shape.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from core.errors import BadRequest, NotFound
from core.http.answer import Answer
from core.http.error import MethodNotAllowed
from core.schema.permission import Operation

if TYPE_CHECKING:
    from core.http.call import Call

Counter = Literal["method", "read", "tables", "activity", "shared", "visits"]
Throttle = Literal["sign-in", "sign-up", "send", "change", "admin", "bootstrap"]
Handler = Callable[["Call"], Awaitable[Answer]]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


BOOLEANS = ("true", "false", "1", "0")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `least` and `most` bound integers."""

    about: str
    kind: Literal["text", "integer", "boolean", "json"] = "text"
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    required: bool = False

    def refusal(self, value: str) -> str | None:
        """What the value should have been; None when it is right."""
        choices = BOOLEANS if self.kind == "boolean" else self.choices
        if choices:
            return None if value in choices else f"one of {', '.join(choices)}"
        if self.kind != "integer":
            return None
        digits = value.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) <= 16:
            number = int(value)
            if (self.least is None or number >= self.least) and (self.most is None or number <= self.most):
                return None
        wanted = "a whole number" if self.least is None else f"a whole number from {self.least}"
        return wanted if self.most is None else f"{wanted} to {self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one address. `body` and the values of `answers` are types of `core.contract`, or None."""

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    query: Mapping[str, Parameter] = field(default_factory=dict)
    body: Any = None
    body_kind: str = "application/json"
    answers: Mapping[int, Any]
    answer_kinds: tuple[str, ...] = ("application/json",)
    errors: tuple[int, ...] = ()
    open: bool = False
    """Answers everybody, signed in or not, ready or not."""
    reshapes: bool = False
    """It changes the shape of the tables: nobody waits for it to end before doing so."""
    needs: Operation | None = None
    """What the table of the path must allow to everybody for a caller without a session to be let in; None: no such caller
    is, in an app with accounts. What a caller with a session may do is decided behind the door."""
    guests: bool = False
    """A caller without a session may ask, in an app with accounts."""
    accounts: bool = False
    """Only an app with accounts has it; elsewhere it is an unknown address (A-149)."""
    admin: bool = False
    """Of the admin API: for administrators alone, and hidden from everybody else (auth D1)."""
    public_views: bool = False
    """A caller without a session is let in for a view that asks for none (V-015)."""
    counter: Counter | None = "method"
    """The window that a request is counted in; None: in none (L-005)."""
    unproven: bool = False
    """Open to a session that has not shown the second factor which its roles ask for (A-119)."""
    throttle: Throttle | None = None
    """How often accounts may be tried by it (auth §10.1), in place of `counter`."""
    repeatable: bool = False
    """Sent again under the same `Idempotency-Key`, it is not done again (`core.http.repeat`)."""
    keeps: bool = False
    """It changes what is kept for the caller alone, which no permission is about: not for a key that only reads."""


class RouteFamily:
    """The routes of one module."""

    def __init__(
        self, tag: str, *, accounts: bool = False, admin: bool = False, throttle: Throttle | None = None
    ) -> None:
        self.tag = tag
        self.admin = admin
        """All of them are for administrators."""
        self.accounts = accounts
        """All of them are for apps with accounts only."""
        self.throttle = throttle
        """The group of limits that all of them count in, where they say nothing else."""
        self.routes: list[Route] = []

    def add(self, method: str, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Decorator: the handler answers `method` at `path`. Its docstring is the summary."""

        def declare(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").strip().split("\n")[0].rstrip(".")
            answers = declared.pop("answers", {200: None})
            declared.setdefault("admin", self.admin)
            declared.setdefault("throttle", self.throttle)
            self.routes.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    summary=summary,
                    tag=self.tag,
                    answers=answers,
                    accounts=self.accounts,
                    **declared,
                )
            )
            return handler

        return declare


class Node:
    """One segment of the known paths."""

    __slots__ = ("literal", "parameter", "routes")

    def __init__(self) -> None:
        self.literal: dict[str, Node] = {}
        self.parameter: tuple[str, Node] | None = None
        self.routes: dict[str, Route] = {}


class Router:
    """All routes by address."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._root = Node()
        for route in self.routes:
            self._place(route)

    def _place(self, route: Route) -> None:
        node = self._root
        for segment in route.path.strip("/").split("/"):
            if segment.startswith("{"):
                name = segment[1:-1]
                node.parameter = node.parameter or (name, Node())
                assert node.parameter[0] == name, f"{route.path}: {name} is called {node.parameter[0]} elsewhere"
                node = node.parameter[1]
            else:
                node = node.literal.setdefault(segment, Node())
        assert route.method not in node.routes, f"{route.method} {route.path} is declared twice"
        node.routes[route.method] = route
        if route.method == "GET":
            node.routes.setdefault("HEAD", route)

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route and the values in its path.

        Raises:
            NotFound: no such address.
            MethodNotAllowed: the address takes other methods. OPTIONS is told the same way, with 204.
        """
        node, values = self._root, {}
        try:
            segments = raw_path[1:].decode("ascii").split("/")
        except UnicodeDecodeError as error:
            raise NotFound from error
        for segment in segments:
            if (child := node.literal.get(segment)) is not None:
                node = child
            elif node.parameter is not None and segment:
                name, node = node.parameter
                values[name] = decoded_segment(segment) if "%" in segment else segment
            else:
                raise NotFound
        route = node.routes.get(method)
        if route is None:
            if not node.routes:
                raise NotFound
            allowed = [name for name in METHODS if name in node.routes or name == "OPTIONS"]
            others = node.routes.values()
            raise MethodNotAllowed(
                allowed, admin=any(each.admin for each in others), accounts=all(each.accounts for each in others)
            )
        return route, values


def decoded_segment(segment: str) -> str:
    try:
        value = unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise BadRequest("The address is not UTF-8") from error
    if "\0" in value:
        raise NotFound
    return value
