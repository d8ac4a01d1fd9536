"""The log read back from its files, in pages by position: the newest entries, those before, and those that came since.

A page costs the same however long the log is: files are read in blocks from where the page begins, and a search that finds
little stops after a while and says where to go on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from zlib import crc32

from core.contract.log_level import LEVELS, LogLevel
from core.contract.logs import LogEntry, LogPage
from core.errors import BadRequest
from core.logs.line import parsed

PAGE, PAGE_MOST = 200, 1000
SCAN = 2 * 1024 * 1024
"""Bytes that are read for one page at most."""
BLOCK = 128 * 1024
HEAD = 40
"""Bytes by which a file is known again under another name: they hold the instant of its first line."""
_ESCAPED = {'"', "\\"}
"""What stands otherwise in a line of JSON."""
_MARKS = {
    level: [mark for each in LEVELS[number:] for mark in (f"[{each.upper()}]".encode(), f'"level":"{each}"'.encode())]
    for number, level in enumerate(LEVELS)
}
_START = re.compile(rb"(?:\A|\n)(?=[^ \n])")
"""Where an entry begins; its further lines are indented."""
_PRINTED = re.compile(rb"(?:\A|\n)[^\[{ \n]")
"""What a process has printed on its way down."""


@dataclass(frozen=True, slots=True)
class Question:
    """Entries of `level` and above whose text holds `text`, in whatever case; `before` or `after` a position that an earlier
    page has named, else the newest ones."""

    level: LogLevel = "debug"
    text: str = ""
    before: str = ""
    after: str = ""
    limit: int = PAGE

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Question":
        """From parameters that were checked: texts by the names above."""
        level = cast(LogLevel, given.get("level", "debug"))
        text, before, after = (given.get(name, "") for name in ("text", "before", "after"))
        return cls(level, text, before, after, int(given.get("limit", PAGE)))

    def may_find(self, data: bytes) -> bool:
        """Whether there can be such an entry in a block, seen at a glance."""
        if self.level != "debug" and not (any(mark in data for mark in _MARKS[self.level]) or _PRINTED.search(data)):
            return False
        if not self.text or _ESCAPED & set(self.text):
            return True
        return self.text.lower() in data.decode("utf-8", "replace").lower()

    def lets_in(self, entry: LogEntry) -> bool:
        if LEVELS.index(entry["level"]) < LEVELS.index(self.level):
            return False
        needle = self.text.lower()
        return not needle or any(needle in entry[part].lower() for part in ("message", "area", "details"))


@dataclass(frozen=True, slots=True)
class Position:
    """Between two entries: bytes from the beginning of a file."""

    file: int
    offset: int

    def __str__(self) -> str:
        return f"{self.file:08x}.{self.offset}"


def position_of(text: str) -> Position:
    """Raises BadRequest for what no page has named."""
    match = re.fullmatch(r"([0-9a-f]{8})\.(\d{1,15})", text)
    if match is None:
        raise BadRequest("This is no position in the log", hint="take `older` or `newer` of an answer")
    return Position(int(match[1], 16), int(match[2]))


def read_page(newest: Path, question: Question) -> LogPage:
    """A page of the log whose newest file is that one; older ones have a number behind its name. Raises BadRequest."""
    files = _files(newest)
    if question.after:
        after = position_of(question.after)
        if after.file in files:
            return _since(files, after, question)
    end = position_of(question.before) if question.before else _end(files)
    return _until(files, end, question)


def _files(newest: Path) -> dict[int, Path]:
    """The files that hold something, the newest first, by what they are known by."""
    numbered = [each for each in newest.parent.glob(f"{newest.name}.*") if each.suffix[1:].isdigit()]
    found: dict[int, Path] = {}
    for path in (newest, *sorted(numbered, key=lambda each: int(each.suffix[1:]))):
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError:
            continue  # it was the oldest, and has gone meanwhile
        if len(head) == HEAD:
            found.setdefault(crc32(head), path)
    return found


def _end(files: dict[int, Path]) -> Position | None:
    """Behind the last whole entry."""
    for id_, path in files.items():
        size = path.stat().st_size
        start = max(0, size - BLOCK)
        return Position(id_, start + _read(path, start, size).rfind(b"\n") + 1)
    return None


def _read(path: Path, start: int, end: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _until(files: dict[int, Path], end: Position | None, question: Question) -> LogPage:
    """The last entries before a position; the newest of all where that is not known any more."""
    ids = list(files)
    if end is None or end.file not in files:
        end = _end(files)
    if end is None:
        return LogPage(entries=[], older=None, newer=None, more=False)
    found: list[LogEntry] = []
    reached, scanned, begin = end, 0, ids.index(end.file)
    for id_ in ids[begin:]:
        path = files[id_]
        stop = end.offset if id_ == end.file else path.stat().st_size
        while stop > 0 and scanned < SCAN and len(found) < question.limit:
            start, data = _block_before(path, stop)
            scanned += len(data)
            stop = start
            for offset, entry in _entries(data, backwards=True) if question.may_find(data) else ():
                if question.lets_in(entry):
                    found.append(entry)
                    if len(found) == question.limit:
                        stop = start + offset
                        break
        reached = Position(id_, stop)
        if stop > 0:
            break
    is_begin = reached.offset == 0 and reached.file == ids[-1]
    older = None if is_begin else str(reached)
    return LogPage(entries=found[::-1], older=older, newer=str(end), more=False)


def _block_before(path: Path, stop: int) -> tuple[int, bytes]:
    """Whole entries before an offset, and where they begin; a bigger block where one entry fills it."""
    size = BLOCK
    while True:
        start = max(0, stop - size)
        data = _read(path, start, stop)
        if start == 0:
            return 0, data
        first = _START.search(data, 1)
        if first is not None and first.end() < len(data):
            return start + first.end(), data[first.end() :]
        size *= 2


def _since(files: dict[int, Path], begin: Position, question: Question) -> LogPage:
    """The first entries after a position."""
    found: list[LogEntry] = []
    ids = list(files)
    reached, scanned = begin, 0
    for id_ in reversed(ids[: ids.index(begin.file) + 1]):
        path = files[id_]
        at = begin.offset if id_ == begin.file else 0
        size = path.stat().st_size
        while at < size and scanned < SCAN and len(found) < question.limit:
            data = _block_after(path, at, size)
            if not data:
                break
            scanned += len(data)
            whole = at + len(data)
            for offset, entry in _entries(data) if question.may_find(data) else ():
                if len(found) == question.limit:
                    whole = at + offset
                    break
                if question.lets_in(entry):
                    found.append(entry)
            at = whole
        reached = Position(id_, at)
        if at < size and (scanned >= SCAN or len(found) >= question.limit):
            break
    more = reached != _end(files)
    return LogPage(entries=found, older=str(begin), newer=str(reached), more=more)


def _block_after(path: Path, at: int, size: int) -> bytes:
    """Whole entries from an offset on; a bigger block where one entry fills it."""
    length = BLOCK
    while True:
        data = _read(path, at, min(size, at + length))
        if at + len(data) >= size:
            return data[: data.rfind(b"\n") + 1]
        if starts := [match.end() for match in _START.finditer(data, 1)]:
            return data[: starts[-1]]
        length *= 2


def _entries(data: bytes, *, backwards: bool = False) -> Iterator[tuple[int, LogEntry]]:
    """The entries of a block, with their offsets in it."""
    starts = [match.end() for match in _START.finditer(data)]
    bounds = list(zip(starts, [*starts[1:], len(data)], strict=True))
    for start, end in reversed(bounds) if backwards else bounds:
        yield start, parsed(data[start:end].decode("utf-8", "replace").rstrip("\n"))
