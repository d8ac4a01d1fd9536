"""Where a link or a page may lead on to (auth §17.4): here, to the site of the app, or to what its file allows.

Browsers read addresses more freely than any parser, so what could be read in two ways is refused: backslashes, white
space, names with a password before them, numbers in place of a host.
"""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, urlencode, urlsplit

from core.auth.error import AuthError
from core.schema.auth import RedirectSpec

LENGTH_MOST = 2048
_NEVER = frozenset(("javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"))
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|\d+)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_GLOB = re.compile(r"\*\*|\*|\?")
_PORTS = {"http": 80, "https": 443}


class Redirects:
    """What one app allows. `base_url` is where people reach this server."""

    def __init__(self, spec: RedirectSpec, base_url: str) -> None:
        self._site = _parts(spec.site_url or base_url)
        self._base = _parts(base_url)
        self._allow = spec.allow

    def check(self, target: str | None) -> str | None:
        """The target, None for none. Raises AuthError INVALID_CALLBACK_URL."""
        if target is None or self.allows(target):
            return target
        raise AuthError("INVALID_CALLBACK_URL")

    def allows(self, target: str) -> bool:
        """Whether somebody may be led there."""
        if not target or len(target) > LENGTH_MOST or not target.isascii() or not target.isprintable():
            return False
        if " " in target or "\\" in target:
            return False
        if target.startswith("/"):
            return not target.startswith("//")
        parts = _parts(target)
        if parts is None or parts.scheme in _NEVER or "@" in parts.netloc:
            return False
        if parts.scheme in _PORTS:
            if not _is_plain_host(parts):
                return False
            if self._is_ours(parts):
                return True
            if _address(parts.hostname or "") is not None and not _is_loopback(parts.hostname):
                return False
        elif not parts.netloc:
            return False
        return any(_matches(glob, parts) for glob in self._allow)

    def _is_ours(self, parts: SplitResult) -> bool:
        origin = (parts.scheme, parts.hostname, _port(parts))
        if any(own and (own.scheme, own.hostname, _port(own)) == origin for own in (self._site, self._base)):
            return True
        return self._site is not None and _is_loopback(self._site.hostname) and _is_loopback(parts.hostname)


def with_query(target: str, **values: str) -> str:
    """The target with more parameters, before its fragment."""
    address, mark, fragment = target.partition("#")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode(values)}{mark}{fragment}"


def origin_of(target: str) -> str | None:
    """The origin of an absolute target (`https://a.example`, `deskapp:`), for a page that may lead there; None for a path
    of this server."""
    parts = None if target.startswith("/") else _parts(target)
    if parts is None:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in _PORTS else f"{parts.scheme}:"


def _parts(target: str) -> SplitResult | None:
    try:
        parts = urlsplit(target)
        parts.port  # noqa: B018 (it raises for what is no port)
    except ValueError:
        return None
    parts = parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower())
    return parts if _SCHEME.fullmatch(parts.scheme) else None


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def _is_plain_host(parts: SplitResult) -> bool:
    """A name of letters, digits and dots, or an address in the one form that everybody reads alike."""
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc.removesuffix(":")
    if not _HOST.fullmatch(host) or ".." in host:
        return False
    if host.startswith("["):
        return _address(host[1:-1]) is not None
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return _address(host) is not None
    return True


def _is_loopback(host: str | None) -> bool:
    address = _address(host or "")
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _matches(glob: str, parts: SplitResult) -> bool:
    """`*` stops at `.` and `/`, `**` at nothing; in the host neither leaves the host."""
    scheme, mark, rest = glob.partition("://")
    if not mark or scheme.lower() != parts.scheme:
        return False
    authority, slash, path = rest.partition("/")
    if not _pattern(authority.lower()).fullmatch(parts.netloc):
        return False
    if not slash and authority.endswith("**"):
        return True  # `deskapp://**`
    found = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _pattern(f"/{path}").fullmatch(found) is not None


@lru_cache(256)
def _pattern(glob: str) -> re.Pattern[str]:
    parts, end = [], 0
    for found in _GLOB.finditer(glob):
        parts += [re.escape(glob[end : found.start()]), {"**": ".*", "*": "[^./]*", "?": "[^./]"}[found[0]]]
        end = found.end()
    return re.compile("".join([*parts, re.escape(glob[end:])]))
