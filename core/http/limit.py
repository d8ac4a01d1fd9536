"""How many requests a caller may send (tables-records §9): sliding windows, counted by address, and by user where there is a
session. The local owner is not counted.

Routes of accounts are counted apart, by `core.http.throttle`.
"""

import ipaddress
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Literal

from core.errors import BadRequest
from core.http.window import Taken, TooMany, Windows
from core.principal import Principal
from core.schema.model import App
from core.schema.permission import RateLimit

Class = Literal["read", "write", "delete", "tables", "activity", "shared", "visits"]
DEFAULTS: dict[Class, int] = {
    "read": 100,
    "write": 50,
    "delete": 50,
    "tables": 100,
    "activity": 60,
    "shared": 60,
    "visits": 50,
}
"""Requests within a window without a session (L-001, L-006). Visits of pages have one of their own: who reads much must not
find that nothing can be written any more."""
SESSION_FACTOR = 10
"""With a session, as many times that: a grid that scrolls needs it."""
SAME_FOR_ALL: frozenset[Class] = frozenset({"activity", "shared"})
"""What is for callers with a session in the first place (L-006)."""
WINDOW_SECONDS = 60
WINDOW_MOST = 86_400
CALLERS_MOST = 10_000
ACCOUNT_CALLERS_MOST = 100_000
"""Windows that are remembered."""
STREAMS_MOST = 20
"""Event streams of one caller at a time (L-005)."""


Limit = tuple[int, float, bool]
"""How many requests, the seconds of their window, and whether the table has it of its own (L-007)."""


class TooManyStreams(TooMany):
    code = "TOO_MANY_CONNECTIONS"


class Limiter:
    """The windows of one server, on its event loop. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, window: int | None = None) -> None:
        self.window = window_setting(os.environ.get("RATE_LIMIT_WINDOW_SECONDS")) if window is None else window
        """Seconds of a window where nothing else is said; a setting of the environment shortens all of them (A-144)."""
        self._shared = shared_setting(os.environ)
        self._windows = Windows(CALLERS_MOST, clock)
        self.accounts = Windows(ACCOUNT_CALLERS_MOST, clock)
        """Those of the routes of accounts: a crowd of readers must not push them out."""
        self._streams: dict[str, int] = {}
        self._limits: tuple[App | None, dict[tuple[Class, str], Limit]] = None, {}
        """Those of the app that was asked for last."""

    def take(self, who: str, class_: Class, app: App, table: str = "", *, has_session: bool = False) -> Taken:
        """Count a request of a caller. `table` is the SQL name of the table it is about. Raises TooMany, and does not count
        then (L-003)."""
        if self._limits[0] is not app:
            self._limits = app, {}
        found = self._limits[1].get((class_, table))
        if found is None:
            found = self._limits[1][class_, table] = self._limit_of(class_, app, table)
        limit, seconds, own = found
        if has_session and class_ not in SAME_FOR_ALL:
            limit *= SESSION_FACTOR
        key = (who, class_, table if own else "")
        return self._windows.take(key, limit, seconds)

    def _limit_of(self, class_: Class, app: App, table: str) -> Limit:
        own = next((t.rate_limit for t in app.tables if t.sql_name == table), None) if table else None
        seconds = (own and own.window) or (app.rate_limit and app.rate_limit.window) or self.window
        if class_ == "shared":
            return *self._shared, False
        if class_ in ("tables", "activity", "visits"):
            return DEFAULTS[class_], seconds, False
        said = _said(own, class_)
        return said or _said(app.rate_limit, class_) or DEFAULTS[class_], seconds, own is not None

    @contextmanager
    def stream(self, who: str) -> Iterator[None]:
        """One event stream of a caller, while it is open. Raises TooManyStreams."""
        if self._streams.get(who, 0) >= STREAMS_MOST:
            raise TooManyStreams("Too many event streams are open", 30)
        self._streams[who] = self._streams.get(who, 0) + 1
        try:
            yield
        finally:
            self._streams[who] -= 1
            if not self._streams[who]:
                del self._streams[who]

    def __len__(self) -> int:
        return len(self._windows)


def _said(limit: RateLimit | None, class_: Class) -> int | None:
    if limit is None:
        return None
    return {"read": limit.read, "write": limit.write}.get(class_, limit.delete)


def class_of(method: str) -> Class:
    """D-34"""
    if method in ("GET", "HEAD"):
        return "read"
    return "delete" if method == "DELETE" else "write"


def caller_of(principal: Principal, address: Callable[[], str]) -> str:
    """Who is counted: the user, else the address."""
    return f"user {principal.id}" if principal.kind == "user" and principal.id is not None else f"address {address()}"


def address_of(peer: str, forwarded: str | None, trusted: Sequence[str]) -> str:
    """The client's address (L-004, A-141): the peer's, or where that is a trusted proxy what it says, and so on through
    `X-Forwarded-For` from its end: what stands before the last one that is not trusted, anybody may have made up. One
    network of IPv6 counts as one client: whoever has one has 2^64 addresses."""
    address, proxies = peer, tuple(trusted)
    hops = forwarded.split(",") if forwarded and proxies else []
    while hops and is_trusted(address, proxies):
        hop = _hop(hops.pop())
        if _client(hop) is None:
            break
        address = hop
    return _client(address) or address


def _hop(text: str) -> str:
    """An entry without its port, which some proxies add."""
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


@lru_cache(4096)
def _client(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


@lru_cache(4096)
def is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    """Whether the peer is one of these addresses, or in one of these networks."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in network for text in trusted if (network := _network(text)) is not None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def window_setting(value: str | None) -> int:
    """Seconds from `RATE_LIMIT_WINDOW_SECONDS`. Raises BadRequest for what is not a number of them."""
    if not value:
        return WINDOW_SECONDS
    return _number("RATE_LIMIT_WINDOW_SECONDS", value, "seconds", WINDOW_MOST)


def shared_setting(environ: Mapping[str, str]) -> tuple[int, float]:
    """How many readings of shared views a caller has, and in how many seconds (L-006). Raises BadRequest."""
    most, window = environ.get("SHARED_VIEWS_RATE_LIMIT_MAX"), environ.get("SHARED_VIEWS_RATE_LIMIT_WINDOW_MS")
    limit = _number("SHARED_VIEWS_RATE_LIMIT_MAX", most, "requests", 1_000_000) if most else DEFAULTS["shared"]
    if not window:
        return limit, WINDOW_SECONDS
    return limit, _number("SHARED_VIEWS_RATE_LIMIT_WINDOW_MS", window, "milliseconds", WINDOW_MOST * 1000) / 1000


def _number(name: str, value: str, unit: str, most: int) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
        raise BadRequest(f"{name} must be a number of {unit}, 1 to {most}")
    return int(value)
