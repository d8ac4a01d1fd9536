"""The status line: what is on screen, what is staged, what runs, and whether the server is there.

A screen feeds it by `status.show(part, text)`; app, pending edits, jobs and connection are its own business.
"""

from collections.abc import Callable, Iterable
from typing import Literal

from rich.cells import cell_len, set_cell_size

from screens.presenters.format.line import one_line
from screens.presenters.job_center import share
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.bar import Bar, Piece
from screens.widgets.compositor import Punctual

Part = Literal[
    "mode",
    "table",
    "rows",
    "filter",
    "sort",
    "note",
    "news",
    "pending",
    "transaction",
    "wait",
    "work",
    "jobs",
    "read-only",
    "connection",
]

LEFT: tuple[Part, ...] = ("mode", "table", "rows", "filter", "sort", "note")
RIGHT: tuple[Part, ...] = ("wait", "work", "news", "transaction", "pending", "jobs", "read-only", "connection")
FIRST_TO_GO: tuple[Part, ...] = ("note", "sort", "work", "news", "jobs", "table", "filter")
"""What makes room on a narrow screen, in this order."""

LEAST_NOTE = 12
"""Cells that a cut note must keep to say anything."""

STYLES: dict[str, str] = {
    "mode": "bold reverse $primary",
    "table": "bold $foreground",
    "rows": "$foreground",
    "filter": "$secondary",
    "sort": "$secondary",
    "note": "$foreground-muted",
    "pending": "bold $warning",
    "transaction": "$warning",
    "wait": "bold $primary",
    "work": "$foreground-muted",
    "news": "$accent",
    "jobs": "$primary",
    "read-only": "bold $warning",
    "connection": "$foreground-muted",
}
TONES = {"good": "$success", "warn": "bold $warning", "error": "bold $error", "dim": "$foreground-muted"}
MARKS = {"filter": "▽ ", "sort": "↕ "}
ACTIONS = {"news": "grid.refresh", "pending": "change.panel", "jobs": "go.jobs", "connection": "app.messages"}


class StatusLine(Punctual, Bar):
    """`show("rows", "Row 3 of ~5,000")`; an empty text takes the part away. tone: `good`, `warn`, `error`, `dim`."""

    DEFAULT_CSS = """
    StatusLine { background: $panel; color: $foreground; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self._parts: dict[Part, tuple[str, str]] = {}
        self._stops: list[Callable[[], None]] = []

    def show(self, part: Part, text: str, tone: str = "") -> None:
        """Set a part of the line."""
        wanted = (one_line(text), tone)
        if self._parts.get(part, ("", "")) == wanted:
            return
        self._parts[part] = wanted
        self.refresh()

    def text(self, part: Part) -> str:
        """What a part says now."""
        return self._parts.get(part, ("", ""))[0]

    def on_mount(self) -> None:
        context = self.context
        self._stops = [
            context.connection.changed.listen(lambda _: self.show_connection()),
            context.connected.listen(lambda _: self.show_connection()),
            context.jobs.changed.listen(lambda _: self.show_jobs()),
            context.pending.changed.listen(lambda _: self.show_pending()),
            context.waiting.changed.listen(lambda text: self.show("wait", text and f"◌ {text}")),
        ]
        self.show_own()

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def show_own(self) -> None:
        """Write the parts that the line feeds itself, in the language of the moment."""
        self.show_connection()
        self.show_jobs()
        self.show_pending()
        self.show("read-only", t("access.read_only") if self.context.read_only else "")

    def show_connection(self) -> None:
        connection = self.context.connection
        tones = {"starting": "dim", "online": "good", "lost": "warn", "signed-out": "warn", "refused": "error"}
        marks = {"starting": "◌", "online": "●", "lost": "◌", "signed-out": "○", "refused": "✕"}
        text = t(f"connection.{connection.state}", count=connection.attempt + 1)
        self.show("connection", f"{marks[connection.state]} {text}", tones[connection.state])

    def show_jobs(self) -> None:
        running = self.context.jobs.running()
        if not running:
            self.show("jobs", "")
            return
        done = share(running[0])
        progress = "" if done is None else f" {done:.0%}"
        self.show("jobs", f"⟳ {t('status.jobs', count=len(running))}{progress}")

    def show_pending(self) -> None:
        count = self.context.pending.count()
        self.show("pending", f"* {t('status.pending', count=count)}" if count else "")

    def line(self) -> list[Piece]:
        width = self.content_size.width
        shown = {part for part, (text, _) in self._parts.items() if text}
        note = ""
        # What is wrong with a cell is what one looks for in the line: it stays longest.
        order = (*FIRST_TO_GO[1:], "note") if self._parts.get("note", ("", ""))[1] else FIRST_TO_GO
        for part in order:
            over = self._width(shown) - width
            if over <= 0:
                break
            if part == "note" and "note" in shown:
                full = self._parts["note"][0]
                if (room := cell_len(full) - over) >= LEAST_NOTE:
                    note = set_cell_size(full, room - 1) + "…"
                    break
            shown.discard(part)
        left = self._pieces((part for part in LEFT if part in shown), note)
        right = self._pieces(part for part in RIGHT if part in shown)
        gap = width - sum(cell_len(text) for text, _, _ in [*left, *right])
        return [*left, (" " * max(1, gap), "", ""), *right]

    def _width(self, shown: set[Part]) -> int:
        pieces = [*self._pieces(p for p in LEFT if p in shown), *self._pieces(p for p in RIGHT if p in shown)]
        return sum(cell_len(text) for text, _, _ in pieces) + 1

    def _pieces(self, parts: Iterable[Part], note: str = "") -> list[Piece]:
        """note: a shorter text for the note."""
        pieces: list[Piece] = []
        for part in parts:
            text, tone = self._parts[part]
            text = note if note and part == "note" else text
            if pieces:
                pieces.append(("  ", "", ""))
            text = f" {text} " if part == "mode" else f"{MARKS.get(part, '')}{text}"
            pieces.append((text, TONES.get(tone, STYLES[part]), ACTIONS.get(part, "")))
        return pieces
