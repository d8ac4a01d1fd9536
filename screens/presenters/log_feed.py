"""The server's log as far as the console holds it: pages that join, the newest last."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.client import Port
from core.contract.log_level import LEVELS, LogLevel
from core.contract.logs import LogEntry, LogPage
from screens.presenters.format.line import one_line, plain

HELD_MOST = 10_000
"""Entries that are held. Whoever looks for older ones narrows down."""
FIRST = 100
"""Entries that are looked for, however far back they lie, before the search rests."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What has become of the lines: so many came in front, so many left there."""

    added: int = 0
    dropped: int = 0


class LogFeed:
    """`level` and `text` say what is shown; after a change of them, `begin`. All three readings raise SovriumError."""

    def __init__(self) -> None:
        self.level: LogLevel = "debug"
        self.text = ""
        self.entries: list[LogEntry] = []
        self._pages: deque[LogPage] = deque()
        self._newer: str | None = None

    @property
    def is_narrowed(self) -> bool:
        return self.level != "debug" or bool(self.text)

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= HELD_MOST

    @property
    def has_older(self) -> bool:
        return bool(self._pages) and self._pages[0]["older"] is not None

    def turn_level(self) -> None:
        """The next graver level; after the last one all."""
        self.level = LEVELS[(LEVELS.index(self.level) + 1) % len(LEVELS)]

    async def begin(self, port: Port, shown: Callable[[], None]) -> None:
        """The newest entries; `shown` hears of each page, as a search for something rare takes many."""
        page = await port.admin.logs(level=self.level, text=self.text)
        self._pages, self.entries, self._newer = deque([page]), [*page["entries"]], page["newer"]
        shown()
        while self.has_older and len(self.entries) < FIRST:
            await self.back(port)
            shown()

    async def back(self, port: Port) -> Moved:
        """The page before those that are held, if there is room for it."""
        if not self.has_older or self.is_full:
            return Moved()
        page = await port.admin.logs(level=self.level, text=self.text, before=self._pages[0]["older"])
        if page["entries"]:
            self._pages.appendleft(page)
        else:
            self._pages[0]["older"] = page["older"]
        self.entries[:0] = page["entries"]
        return Moved(added=len(page["entries"]))

    async def forward(self, port: Port) -> Moved:
        """What has come since; the oldest entries make room for it."""
        more, before = True, len(self.entries)
        dropped = 0
        while more:
            page = await port.admin.logs(level=self.level, text=self.text, after=self._newer)
            self._newer, more = page["newer"], page["more"]
            if page["entries"]:
                self._pages.append(page)
                self.entries += page["entries"]
            while len(self.entries) > HELD_MOST and len(self._pages) > 1:
                leaving = len(self._pages.popleft()["entries"])
                del self.entries[:leaving]
                dropped += leaving
        return Moved(added=len(self.entries) - before + dropped, dropped=dropped)


def when(entry: LogEntry, *, whole: bool = False) -> str:
    """The instant by the clock of this machine: of the day, or `whole` with the day; "" for what has none."""
    try:
        at = datetime.fromisoformat(entry["at"]).astimezone()
    except ValueError:
        return ""
    return at.isoformat(" ", "milliseconds")[:23] if whole else at.strftime("%H:%M:%S")


def whole_text(entry: LogEntry) -> str:
    """An entry as it is copied and read: when, what, and below it where it broke."""
    head = f"{when(entry, whole=True)} {entry['level'].upper()} {one_line(entry['area'])}".strip()
    return plain("\n".join(filter(None, [head, entry["message"], entry["details"]])))
