"""The `.env` file beside an app file: values for the app and for the server that are no part of either's source.

The dialect is the common one: `NAME=value`, `export` before it if one likes, `#` comments, single quotes for text as it
stands, double quotes for text with `\\n`, `\\t`, `\\"`, `\\\\` and line breaks. Nothing is expanded. A variable that the
process has already wins. No message shows a line's text: it may be a secret.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import BadRequest, SchemaError
from core.schema.problem import Position, Problem
from core.schema.source import display_name
from core.sentence import say

NAME = ".env"
MAX_BYTES = 1024 * 1024
_START = re.compile(r"[ \t]*(?:export[ \t]+)?([^=\s#][^=\n]*?)[ \t]*=[ \t]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def environment(app_file: Path | None, environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """What the app's variables mean: those of the process, and those of `.env` beside the file that the process has not.

    Raises SchemaError for a `.env` that cannot be read.
    """
    found = read_env_file(app_file.parent / NAME) if app_file is not None else {}
    return {**found, **environ}


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a file, {} where there is none. Raises SchemaError with every line that is wrong."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(
            [Problem("env.unreadable", say("{file} cannot be read: {reason}", file=path, reason=error.strerror))]
        ) from error
    name = display_name(path)
    if len(data) > MAX_BYTES:
        raise _wrong(
            [Problem("env.too-large", say("{name} is larger than 1 MB", name=name), position=Position(name, 1, 1))]
        )
    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = Problem("env.encoding", "not UTF-8 text", position=Position(name, line, 1), hint="save it as UTF-8")
        raise _wrong([problem]) from error
    reader = _Reader(text.replace("\r\n", "\n"), name)
    reader.read()
    if reader.problems:
        raise _wrong(reader.problems)
    return reader.values


def http_url(name: str, value: str | None) -> str | None:
    """The value of a variable that holds an address, of which a request can be made. Raises BadRequest."""
    if value is None:
        return None
    message = say("{name} must be an http:// or https:// address", name=name)
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError as error:
        raise BadRequest(message) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not _plain(value):
        raise BadRequest(message)
    return value


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and not any(sign in text for sign in " \"'<>\\")


def _wrong(problems: list[Problem]) -> SchemaError:
    first, more = say(str(problems[0])), len(problems) - 1
    return SchemaError(say("{first} (and {count} more)", first=first, count=more) if more else first, problems)


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.index = 0
        self.values: dict[str, str] = {}
        self.problems: list[Problem] = []

    def read(self) -> None:
        while self.index < len(self.text):
            end = self._end_of_line(self.index)
            line = self.text[self.index : end].strip()
            if not line or line.startswith("#"):
                self.index = end + 1
            else:
                self._entry(end)

    def _entry(self, end: int) -> None:
        start = self.index
        found = _START.match(self.text, start, end)
        if found is None:
            self._report("env.syntax", "not `NAME=value`", start)
            self.index = end + 1
            return
        name = found[1]
        if not _NAME.fullmatch(name):
            self._report("env.name", "a name has letters, digits and `_`, and does not begin with a digit", start)
            self.index = end + 1
            return
        value = self._value(found.end(), end, name)
        if value is not None:
            self.values[name] = value

    def _value(self, at: int, end: int, name: str) -> str | None:
        """The value that begins there; the index moves behind its line."""
        mark = self.text[at : at + 1]
        if mark not in ("'", '"'):
            self.index = end + 1
            value = re.split(r"(?:^|[ \t])#", self.text[at:end], maxsplit=1)[0].strip()
            if "\0" in value:
                self._report("env.nul", say("the value of {name} holds a NUL byte", name=name), at)
                return None
            return value
        pieces: list[str] = []
        place = at + 1
        while place < len(self.text) and self.text[place] != mark:
            if mark == '"' and self.text[place] == "\\" and self.text[place + 1 : place + 2] in _ESCAPES:
                place += 1
                pieces.append(_ESCAPES[self.text[place]])
            else:
                pieces.append(self.text[place])
            place += 1
        if place >= len(self.text):
            self._report(
                "env.quote",
                say("the value of {name} begins with {mark} and is not closed by it", name=name, mark=mark),
                at,
            )
            self.index = end + 1
            return None
        after = self._end_of_line(place)
        self.index = after + 1
        rest = self.text[place + 1 : after].strip()
        if rest and not rest.startswith("#"):
            self._report("env.syntax", say("text follows behind the closing quote of {name}", name=name), place)
            return None
        return "".join(pieces)

    def _end_of_line(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def _report(self, code: str, message: str, at: int) -> None:
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        self.problems.append(Problem(code, message, position=Position(self.file, line, column)))
