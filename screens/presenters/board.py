"""The columns of a board: stored cards by position, and those that staged edits bring or take away.

A column of a hundred thousand cards is a range of positions; only staged cards are held one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.contract.console import GroupBlock
from screens.presenters.staged import RowChange


@dataclass(slots=True)
class BoardColumn:
    """`arrivals` are keys of cards that staged edits put here; they stand above the stored ones, `start`… of the view."""

    value: Any
    name: str
    start: int
    count: int
    arrivals: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.arrivals) + self.count

    def base(self, place: int) -> int | None:
        """Position in the view of the card at a place; None for those that staged edits put here."""
        inside = place - len(self.arrivals)
        return self.start + inside if 0 <= inside < self.count else None

    def arrival(self, place: int) -> str | None:
        return self.arrivals[place] if 0 <= place < len(self.arrivals) else None


def board_columns(blocks: Sequence[GroupBlock], changes: Iterable[RowChange], field: str) -> list[BoardColumn]:
    """The columns in order. Cards whose value is staged stand in the column of that value, new ones too."""
    columns = [BoardColumn(block["value"], block["name"], block["start"], block["count"]) for block in blocks]
    by_value = {_key(column.value): column for column in columns}
    for change in changes:
        staged = next((cell for cell in change.cells if cell.field == field), None)
        if change.op == "create" and staged is None:
            column = by_value.get(_key(None))
        elif staged is None or change.op not in ("create", "update"):
            continue
        else:
            column = by_value.get(_key(staged.new))
        if column is None:
            value = None if staged is None else staged.new
            column = BoardColumn(value, "" if value is None else str(value), 0, 0)
            columns.append(column)
            by_value[_key(value)] = column
        column.arrivals.append(change.key)
    return columns


def _key(value: Any) -> str:
    return repr(value)
