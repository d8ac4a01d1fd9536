"""How one line of the server's log looks, as text or as JSON, and how it is read again.

    [2026-11-21T17:47:56.123Z] [ERROR] [SERVER] GET /api/tables → 500 [req:req_x1]
        Traceback (most recent call last): …

Whatever is told, no line holds a secret that an address carried, nor a character that a terminal obeys.
"""

import logging
import re
from datetime import UTC, datetime
from typing import cast
from urllib.parse import unquote_plus

import orjson

from core.contract.log_level import LEVELS, LogLevel
from core.contract.logs import LogEntry

HIDDEN = "…"
INDENT = "    "
"""Begins the lines of an entry after its first."""
_SECRET_NAME = re.compile(
    r"token|code|secret|pass|key\b|signature|\bsig\b|otp\b|credential|session|jwt|\bstate\b", re.IGNORECASE
)
_ASSIGNED = re.compile(r"(?<![\w.%-])([\w.%-]++)=([^\s&;,\"')\]]+)")
_QUOTED = re.compile(r"""(?P<q>["'])([\w.-]+)(?P=q): ?(?P<v>["']).*?(?P=v)""")
_BEARER = re.compile(r"(?i)\b(bearer) [\w.~+/=-]+")
_USER_INFO = re.compile(r"(\w://[^\s:/@]*:)[^\s/@]+@")
_LINK = re.compile(r"(/reset-password/)[^\s/?#\"')]+")
_LINE = re.compile(r"\[(\d{4}-[^\]\s]+Z)\] \[(DEBUG|INFO|WARN|ERROR)\] \[([A-Z_]+)\] (.*)")


def harmless(text: str) -> str:
    """Control characters, escape sequences and what turns the direction of writing as `\\x1b`, `\\u202e` (A-253)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def without_secrets(text: str) -> str:
    """What stands behind `token=`, `"token": ` and the like, in the path of a link or before the `@` of an address, as `…`
    (A-252)."""
    if "=" in text:
        text = _ASSIGNED.sub(_without_value, text)
    if '":' in text or "':" in text:
        text = _QUOTED.sub(_without_quoted, text)
    if "earer " in text:
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    if "://" in text:
        text = _USER_INFO.sub(rf"\1{HIDDEN}@", text)
    if "/reset-password/" in text:
        text = _LINK.sub(rf"\1{HIDDEN}", text)
    return text


def _without_value(found: re.Match[str]) -> str:
    return f"{found[1]}={HIDDEN}" if _SECRET_NAME.search(found[1]) else found[0]


def _without_quoted(found: re.Match[str]) -> str:
    return f"{found[1]}{found[2]}{found[1]}: {HIDDEN}" if _SECRET_NAME.search(found[2]) else found[0]


def shown_address(path: str, query: bytes = b"") -> str:
    """An address as the log may have it: of parameters that carry secrets, however they are escaped, the name alone."""
    told = without_secrets(path)
    if not query:
        return told
    parts = (part.partition("=") for part in query.decode("latin-1").split("&"))
    return f"{told}?" + "&".join(
        f"{name}={HIDDEN}" if is_set and _SECRET_NAME.search(unquote_plus(name)) else f"{name}{is_set}{value}"
        for name, is_set, value in parts
    )


def level_of(record: logging.LogRecord) -> LogLevel:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"


def area_of(name: str) -> str:
    """`sovrium.mail`, `core.storage.lanes`, `sovrium_tui.server` → mail, storage, server."""
    first, _, rest = name.partition(".")
    return (rest.partition(".")[0] or first) if first in ("sovrium", "core", "sovrium_tui") else first


def moment_of(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class LineFormatter(logging.Formatter):
    """`details`: where an error came from is told, too; `as_json`: one object a line."""

    def __init__(self, *, details: bool, as_json: bool) -> None:
        super().__init__()
        self._details = details
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        entry = self._entry(record)
        if self._as_json:
            return orjson.dumps({name: value for name, value in entry.items() if value}).decode()
        return as_text(entry)

    def _entry(self, record: logging.LogRecord) -> LogEntry:
        details = ""
        if record.exc_info and self._details:
            lines = self.formatException(record.exc_info).splitlines()
            details = "\n".join(harmless(without_secrets(line)) for line in lines)
        return LogEntry(
            at=moment_of(record),
            level=level_of(record),
            area=area_of(record.name),
            message=harmless(without_secrets(record.getMessage())),
            details=details,
        )


def as_text(entry: LogEntry) -> str:
    """An entry as a person reads it."""
    lines = [f"[{entry['at']}] [{entry['level'].upper()}] [{entry['area'].upper()}] {entry['message']}"]
    return "\n".join([*lines, *(f"{INDENT}{line}" for line in entry["details"].splitlines())])


def parsed(text: str) -> LogEntry:
    """An entry from its lines, in either form; anything else is what a process has printed on its way down."""
    first, _, rest = text.partition("\n")
    if first.startswith("{"):
        try:
            return _parsed_json(first)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            pass
    details = "\n".join(harmless(line.removeprefix(INDENT)) for line in rest.splitlines())
    if match := _LINE.fullmatch(first):
        at, level, area, message = match.groups()
        return LogEntry(
            at=at, level=cast(LogLevel, level.lower()), area=area.lower(), message=harmless(message), details=details
        )
    return LogEntry(at="", level="error", area="output", message=harmless(without_secrets(first)), details=details)


def _parsed_json(line: str) -> LogEntry:
    read = orjson.loads(line)
    if read["level"] not in LEVELS:
        raise KeyError(read["level"])
    details = "\n".join(map(harmless, str(read.get("details", "")).splitlines()))
    return LogEntry(
        at=str(read["at"]),
        level=read["level"],
        area=str(read["area"]),
        message=harmless(str(read["message"])),
        details=details,
    )
