"""Staged new rows among the rows of a view: where they stand, and positions with and without them.

A position *in the view* counts stored rows only; a *displayed* position counts new rows too.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

NewRow = tuple[str, dict[str, Any]]
"""Ref and staged values by field."""


class InsertedRows:
    """New rows stay where they were inserted until the order changes; then they are all on top."""

    def __init__(self) -> None:
        self._rows: list[NewRow] = []
        self._displayed: list[int] = []
        self._before: dict[str, int] = {}
        """Ref → the position in the view that the row stands before."""

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def extra(self) -> int:
        """Lines beyond the rows of the view."""
        return len(self._rows)

    def place(self, rows: Sequence[NewRow], before: int) -> None:
        """The new rows as they are now; those not seen before come to stand before a row of the view."""
        self._before = {ref: self._before.get(ref, before) for ref, _ in rows}
        self._rows = sorted(rows, key=lambda row: self._before[row[0]])
        self._displayed = [self._before[ref] + place for place, (ref, _) in enumerate(self._rows)]

    def forget_places(self) -> None:
        """Another order: where a row was inserted means nothing any more."""
        self._before.clear()

    def at(self, position: int) -> NewRow | None:
        """The new row displayed at a position."""
        place = bisect_right(self._displayed, position) - 1
        return self._rows[place] if place >= 0 and self._displayed[place] == position else None

    def position_of(self, ref: str) -> int | None:
        """Where a new row is displayed."""
        for position, (held, _) in zip(self._displayed, self._rows, strict=True):
            if held == ref:
                return position
        return None

    def to_base(self, position: int) -> int:
        """Position in the view of a displayed row; for a new row that of the row behind it."""
        before = bisect_right(self._displayed, position)
        return position - before + (1 if self.at(position) else 0)

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The rows of the view among the displayed rows first…last, as ranges with both ends."""
        return [(self.to_base(first), self.to_base(last))]

    def to_displayed(self, base: int) -> int:
        """Where a row of the view is displayed."""
        shift = 0
        for position in self._displayed:
            if position - shift > base:
                break
            shift += 1
        return base + shift
