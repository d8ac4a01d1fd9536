"""What browsers must not be used for (auth §17.2): a rebound DNS name that leads to us, a page of another site that writes
in a person's name, one that reads what it is not meant to.

A request that shows a bearer token needs no such check: no page can make somebody's browser add one. A cookie it adds by
itself, so who shows one must say which page has sent it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import AccessError
from core.http.answer import Header
from core.http.call import Scope, header
from core.http.cookie import DEVICE, PARKED, SECOND_STEP, SESSION, cookies_of

SAFE = ("GET", "HEAD", "OPTIONS")
CORS_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
CORS_HEADERS = b"Authorization, Content-Type, If-Match, Idempotency-Key, Accept"
CORS_EXPOSED = b"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, ETag, Warning"
CORS_SECONDS = b"600"
_OURS = frozenset({SESSION, PARKED, SECOND_STEP, DEVICE})
_PORTS = {"http": 80, "https": 443}
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Site:
    """By which names this server is called, and which pages beside its own may write and read."""

    hosts: frozenset[str] | None
    """None: any."""
    origins: frozenset[str]


def site_of(base_url: str | None, allowed: Collection[str], trusted: Iterable[str], *, public: bool) -> Site:
    """`base_url` is where people say that they reach this server: a proxy may call it by that name, or by its own and have
    the browser's origin unlike it. A `public` address is called by names that we do not know, unless some are `allowed`."""
    hosts, origins = LOCAL_NAMES.union(map(str.lower, allowed)), frozenset(map(str.lower, trusted))
    if base_url is not None:
        parts = urlsplit(base_url.lower())
        name, port = host_name(parts.netloc), parts.port
        hosts |= {name}
        origins |= {f"{parts.scheme}://{name}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")}
    return Site(None if public and not allowed else hosts, origins)


class ForeignHost(AccessError):
    """The request calls us by a name that is not ours."""

    code = "MISDIRECTED_REQUEST"
    status = 421


class ForeignOrigin(AccessError):
    """A web page of another site sent this through the user's browser."""

    code = "INVALID_ORIGIN"
    status = 403


def check_host(scope: Scope, names: Collection[str] | None) -> None:
    """Raises ForeignHost where `Host` is none of the names; None: any will do."""
    host = header(scope, b"host")
    if names is not None and host is not None and host_name(host.lower()) not in names:
        raise ForeignHost(
            "This server does not answer to that host name",
            hint="use localhost, or name it in server.allowedHosts or BASE_URL",
        )


def check_origin(scope: Scope, trusted: Collection[str], *, secure: bool, cookie: str | None = None) -> None:
    """Whether the page that sent a request which is not `SAFE` may write. `trusted` are origins beside our own; `secure`: it
    came over TLS; `cookie` is the name that the app has given to its session's. Raises ForeignOrigin."""
    if _shows_bearer(scope):
        return
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    if origin is None and (referer := header(scope, b"referer")) is not None:
        origin = _origin_of(referer)
    if origin == "null" and site == "same-origin":
        return  # a page of ours that tells nobody its address, as there is a secret in it
    if origin is not None:
        if origin.lower() not in trusted and not _is_own(scope, origin, secure=secure):
            raise _foreign()
    elif site in ("cross-site", "same-site") or (site is None and _shows_cookie(scope, cookie)):
        raise _foreign()


def cors_headers(scope: Scope, trusted: Collection[str]) -> list[Header]:
    """What lets a page of a trusted origin read the answer; nothing for any other (A-262)."""
    origin = header(scope, b"origin")
    if origin is None or origin.lower() not in trusted:
        return []
    headers = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", CORS_EXPOSED),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    if scope["method"] == "OPTIONS":
        headers += [
            (b"access-control-allow-methods", CORS_METHODS),
            (b"access-control-allow-headers", CORS_HEADERS),
            (b"access-control-max-age", CORS_SECONDS),
        ]
    return headers


def host_name(host: str) -> str:
    """The name of a Host header without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _is_own(scope: Scope, origin: str, *, secure: bool) -> bool:
    """A page that this server has sent itself, whichever way TLS ends before it. What came over TLS was not sent by a page
    that did not: anybody on the way may have written that one."""
    host = header(scope, b"host")
    scheme, _, place = origin.lower().partition("://")
    return host is not None and place == host.lower() and scheme in (("https",) if secure else _PORTS)


def _shows_bearer(scope: Scope) -> bool:
    """Another kind of authorization a browser may add by itself, and the cookie counts beside it."""
    kind, _, token = (header(scope, b"authorization") or "").partition(" ")
    return kind.lower() == "bearer" and bool(token.strip())


def _origin_of(referer: str) -> str:
    try:
        parts = urlsplit(referer)
    except ValueError:
        return "null"
    return f"{parts.scheme}://{parts.netloc}"


def _shows_cookie(scope: Scope, name: str | None) -> bool:
    return any(each.removeprefix("__Host-") in _OURS or each == name for each in cookies_of(scope))


def _foreign() -> ForeignOrigin:
    return ForeignOrigin(
        "A page of another site may not write here", hint="programs send Authorization: Bearer in place of a cookie"
    )
