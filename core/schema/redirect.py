"""Addresses of `auth`: where links may lead, who may send cookies (§17.2, §17.4). What is wrong with one, as a sentence."""

import re
from urllib.parse import SplitResult, urlsplit

from core.sentence import say

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_RUNS_CODE = ("javascript", "data", "vbscript", "blob", "file")


def redirect_problem(pattern: str) -> str | None:
    """Of an entry of `redirects.allow`: `https://*.example.org/**`, `app://**`. `*` stops at `.` and `/`, `**` does not."""
    if not pattern.replace("*", "").strip(":/."):
        return say("'{pattern}' alone would allow any site", pattern=pattern)
    scheme, mark, rest = pattern.partition("://")
    if not mark or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        return say("'{pattern}' is no address with a scheme, such as https://app.example.org/**", pattern=pattern)
    if scheme in _RUNS_CODE:
        return say("'{scheme}' addresses can run code and are never followed", scheme=scheme)
    if _is_odd(pattern):
        return say("'{pattern}' holds characters that no address has", pattern=pattern)
    if scheme not in ("http", "https"):
        return None
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in host:
        return say("'{pattern}' names a user", pattern=pattern)
    name, port = _host_and_port(host)
    if not name or not re.fullmatch(r"[0-9]{1,5}|\*|", port) or not re.fullmatch(r"[a-z0-9.*_-]+|\[[0-9a-f:]+\]", name):
        return say("'{pattern}' has no host such as app.example.org", pattern=pattern)
    if "**" in name:
        return say("'**' in the host of '{pattern}' would allow any site", pattern=pattern)
    labels = name.split(".")
    if name not in _LOOPBACK and ("*" in labels[-1] or ("*" in name and (len(labels) < 3 or "*" in labels[-2]))):
        return say(
            "'{pattern}' would allow sites of others: the last two parts of the host stand as they are", pattern=pattern
        )
    return None


def site_problem(url: str) -> str | None:
    """Of an address that a site has: http or https, a host, nothing behind the path."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or "*" in url or _is_odd(url):
        return say("'{url}' is not an address that begins with http:// or https://", url=url)
    if "@" in parts.netloc:
        return say("'{url}' names a user", url=url)
    return say("'{url}' has more than a path", url=url) if parts.query or parts.fragment else None


def origin_problem(origin: str) -> str | None:
    """Of an origin: scheme, host and port, nothing else."""
    problem = site_problem(origin)
    if problem is not None:
        return problem
    return (
        None
        if re.fullmatch(r"https?://[^/]+", origin)
        else say("'{origin}' is no origin: it ends with the host or port", origin=origin)
    )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None


def _host_and_port(host: str) -> tuple[str, str]:
    if host.startswith("["):
        name, _, port = host.partition("]")
        return f"{name}]", port.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def _is_odd(text: str) -> bool:
    return any(sign.isspace() or not sign.isprintable() or sign == "\\" for sign in text)
