"""A small table of marks: a name a line, a mark a column, a cursor over the marks. Everything is in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from textual.binding import Binding
from textual.content import Content
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.widget import Widget

from screens.widgets.sheet import padded


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """`cells` are text and style; None: there is no such cell, the cursor passes over it."""

    label: str
    cells: Sequence[tuple[str, str] | None]
    style: str = ""
    key: object = field(default=None)


class Matrix(Widget, can_focus=True):
    """`show(columns, rows)`; `Moved` tells where the cursor is, `Chosen` that Enter or a second click was meant for it."""

    DEFAULT_CSS = "Matrix { height: 1fr; width: 1fr; padding: 0 1; }"
    BINDINGS = [
        Binding("up,k", "move(-1, 0)", show=False),
        Binding("down,j", "move(1, 0)", show=False),
        Binding("left,h", "move(0, -1)", show=False),
        Binding("right,l", "move(0, 1)", show=False),
        Binding("pageup", "move(-10, 0)", show=False),
        Binding("pagedown", "move(10, 0)", show=False),
        Binding("home", "move(0, -99)", show=False),
        Binding("end", "move(0, 99)", show=False),
    ]
    ALLOW_SELECT = False

    class Moved(Message):
        """The cursor is elsewhere."""

    class Chosen(Message):
        """The cell under the cursor is meant."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.columns: Sequence[str] = ()
        self.rows: Sequence[MatrixRow] = ()
        self.row = self.column = self._top = 0

    def show(self, columns: Sequence[str], rows: Sequence[MatrixRow]) -> None:
        """Replace everything; the cursor stays on its row where that is still there."""
        before = self.here()
        self.columns, self.rows = columns, rows
        keys = [row.key for row in rows]
        if before is not None and before.key in keys:
            self.row = keys.index(before.key)
        self.row = max(0, min(self.row, len(rows) - 1))
        self._settle(0)
        self.refresh()

    def here(self) -> MatrixRow | None:
        return self.rows[self.row] if self.row < len(self.rows) else None

    def _settle(self, step: int) -> None:
        """Bring the cursor to a cell that is there: onward in the way it went, else the nearest."""
        row = self.here()
        if row is None:
            return
        there = [at for at, cell in enumerate(row.cells) if cell is not None]
        if not there:
            return
        self.column = max(0, min(self.column, len(row.cells) - 1))
        ahead = [at for at in there if (at >= self.column if step >= 0 else at <= self.column)]
        self.column = min(ahead or there, key=lambda at: abs(at - self.column))

    def action_move(self, down: int, right: int) -> None:
        if not self.rows:
            return
        self.row = max(0, min(self.row + down, len(self.rows) - 1))
        self.column = max(0, self.column + right)
        self._settle(right)
        self.refresh()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        row, column = self._top + event.y - 1, (event.x - 1 - self._label_width()) // self._cell_width()
        if not 0 <= row < len(self.rows) or event.y < 1:
            return
        again = (row, column) == (self.row, self.column)
        self.row, self.column = row, max(0, column)
        self._settle(0)
        self.refresh()
        self.post_message(self.Chosen() if again else self.Moved())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.action_move(3, 0)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3, 0)

    def _cell_width(self) -> int:
        longest = max((len(name) for name in self.columns), default=4) + 1
        room = (self.content_size.width - 14) // max(1, len(self.columns))
        return max(3, min(longest, room))

    def _label_width(self) -> int:
        room = self.content_size.width - self._cell_width() * len(self.columns)
        return max(10, min(room, max((len(row.label) for row in self.rows), default=10) + 2))

    def render(self) -> Content:
        height, wide, cell_width = max(1, self.content_size.height - 1), self._label_width(), self._cell_width()
        if self.row < self._top or self.row >= self._top + height:
            self._top = max(0, self.row - height // 2)
        self._top = max(0, min(self._top, len(self.rows) - height))
        head: list[Content | tuple[str, str] | str] = [padded("", wide)]
        for at, name in enumerate(self.columns):
            short = name[: cell_width - 1]  # four letters and no sign of more tell the names apart
            head.append(padded(short, cell_width - 1, "bold" if at == self.column and self.has_focus else "dim"))
            head.append(" ")
        lines = [Content.assemble(*head)]
        for number, row in enumerate(self.rows[self._top : self._top + height], self._top):
            here = number == self.row
            parts: list[Content | tuple[str, str] | str] = [
                padded(row.label, wide, f"{row.style} bold" if here else row.style)
            ]
            for at, cell in enumerate(row.cells):
                text, style = cell or ("", "")
                if here and at == self.column:
                    style = "bold reverse" if self.has_focus else "underline"
                parts += [padded(f" {text}", cell_width - 1, style), " "]
            lines.append(Content.assemble(*parts))
        return Content("\n").join(lines)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()
