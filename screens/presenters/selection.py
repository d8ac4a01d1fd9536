"""What is chosen in a grid: the cursor, a range of cells from an anchor, marked rows, or all rows of the filter.

Rows are positions as displayed, columns positions among the shown ones. Marks are keys, so that they stay on their rows
when the order changes.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple


class Block(NamedTuple):
    """A rectangle of cells, ends included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> int:
        return self.bottom - self.top + 1

    @property
    def columns(self) -> int:
        return self.right - self.left + 1

    def holds(self, row: int, column: int) -> bool:
        return self.top <= row <= self.bottom and self.left <= column <= self.right


@dataclass(slots=True)
class Selection:
    """Cursor, anchor and marks. `whole_rows`: the range takes all columns. `everything`: all rows of the view, as a
    predicate; no row is touched to select them."""

    row: int = 0
    column: int = 0
    anchor: tuple[int, int] | None = None
    whole_rows: bool = False
    everything: bool = False
    marked: dict[str, None] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """More than the cell under the cursor is chosen."""
        return self.anchor is not None or self.everything or bool(self.marked)

    @property
    def mode(self) -> Literal["cell", "range", "rows", "marked", "all"]:
        """What an operation would apply to."""
        if self.everything:
            return "all"
        if self.marked:
            return "marked"
        if self.anchor is None:
            return "cell"
        return "rows" if self.whole_rows else "range"

    def block(self, columns: int) -> Block:
        """The range of cells; the cursor's cell when there is none. columns: how many are shown."""
        row, column = self.anchor or (self.row, self.column)
        left, right = (0, columns - 1) if self.whole_rows else sorted((column, self.column))
        return Block(min(row, self.row), left, max(row, self.row), max(right, 0))

    def span_in(self, row: int, columns: int) -> tuple[int, int] | None:
        """The chosen columns of a row (first, last), the bare cursor not counted."""
        if self.everything:
            return (0, columns - 1)
        if self.anchor is None:
            return None
        block = self.block(columns)
        return (block.left, block.right) if block.top <= row <= block.bottom else None

    def start(self, *, whole_rows: bool = False) -> None:
        """Begin a range at the cursor; the same again ends it."""
        if self.anchor is not None and self.whole_rows == whole_rows:
            self.anchor = None
            return
        self.anchor = self.anchor or (self.row, self.column)
        self.whole_rows = whole_rows

    def extend(self) -> None:
        """The next move extends the range."""
        if self.anchor is None:
            self.anchor, self.whole_rows = (self.row, self.column), False

    def toggle(self, key: str) -> bool:
        """Mark a row or take its mark away; whether it is marked now."""
        self.everything = False
        if key in self.marked:
            del self.marked[key]
            return False
        self.marked[key] = None
        return True

    def all(self) -> None:
        """All rows of the view."""
        self.anchor, self.everything = None, True

    def step_back(self) -> bool:
        """Give up the latest kind of choice: range, all, marks; False when only the cursor is left."""
        if self.anchor is not None or self.everything:
            self.anchor, self.everything = None, False
            return True
        if self.marked:
            self.marked.clear()
            return True
        return False

    def clamp(self, rows: int, columns: int) -> None:
        """Keep the cursor and the anchor inside."""
        self.row = max(0, min(self.row, rows - 1))
        self.column = max(0, min(self.column, columns - 1))
        if self.anchor is not None:
            row, column = self.anchor
            self.anchor = (max(0, min(row, rows - 1)), max(0, min(column, columns - 1)))
