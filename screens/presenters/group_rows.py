"""Rows of a view in groups: a header before each group, rows of folded ones left out, and positions with and without them.

The interface is that of `InsertedRows`; staged new rows stand above the first header. Folding a group of a million rows
costs as much as the number of groups.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.contract.console import GroupBlock
from screens.presenters.inserted_rows import NewRow


@dataclass(frozen=True, slots=True)
class GroupHeader:
    """The line before a group. `place` is the group's place among the groups."""

    block: GroupBlock
    place: int
    folded: bool


class GroupedRows:
    """`folded` holds names of groups; it is kept by whoever reads the groups anew."""

    def __init__(self, blocks: Sequence[GroupBlock], folded: Collection[str] = ()) -> None:
        self.blocks = list(blocks)
        self.folded = set(folded)
        self._rows: list[NewRow] = []
        self._starts = [block["start"] for block in self.blocks]
        self._lay_out()

    def _lay_out(self) -> None:
        self._heads: list[int] = []
        at = len(self._rows)
        for block in self.blocks:
            self._heads.append(at)
            at += 1 + (0 if block["name"] in self.folded else block["count"])
        self._end = at

    @property
    def extra(self) -> int:
        """Lines beyond the rows of the view; fewer than none where groups are folded."""
        return self._end - sum(block["count"] for block in self.blocks)

    # ── Folding ──

    def header(self, position: int) -> GroupHeader | None:
        """The header displayed at a position."""
        place = bisect_right(self._heads, position) - 1
        if place < 0 or self._heads[place] != position:
            return None
        block = self.blocks[place]
        return GroupHeader(block, place, block["name"] in self.folded)

    def head_of(self, place: int) -> int:
        """Where the header of a group is displayed."""
        return self._heads[place]

    def fold(self, names: Collection[str], *, folded: bool) -> None:
        """Leave the rows of groups out, or show them."""
        self.folded = self.folded | set(names) if folded else self.folded - set(names)
        self._lay_out()

    # ── Positions ──

    def place(self, rows: Sequence[NewRow], before: int) -> None:
        self._rows = list(rows)
        self._lay_out()

    def forget_places(self) -> None:
        """New rows are above all groups anyway."""

    def at(self, position: int) -> NewRow | None:
        return self._rows[position] if 0 <= position < len(self._rows) else None

    def position_of(self, ref: str) -> int | None:
        return next((place for place, (held, _) in enumerate(self._rows) if held == ref), None)

    def to_base(self, position: int) -> int:
        """Position in the view of a displayed row; of a header that of its first row."""
        place = bisect_right(self._heads, position) - 1
        if place < 0:
            return 0
        return self._starts[place] + max(0, position - self._heads[place] - 1)

    def to_displayed(self, base: int) -> int:
        """Where a row of the view is displayed; where its group is folded, the header."""
        place = bisect_right(self._starts, base) - 1
        if place < 0:
            return 0
        while place > 0 and not self.blocks[place]["count"]:
            place -= 1
        block = self.blocks[place]
        inside = 0 if block["name"] in self.folded else 1 + base - block["start"]
        return self._heads[place] + inside

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The rows of the view among the displayed lines first…last, as ranges with both ends."""
        found: list[tuple[int, int]] = []
        place = max(bisect_right(self._heads, first) - 1, 0)
        while place < len(self.blocks) and self._heads[place] <= last:
            block, head = self.blocks[place], self._heads[place]
            shown = 0 if block["name"] in self.folded else block["count"]
            top, bottom = max(first, head + 1), min(last, head + shown)
            if top <= bottom:
                start = block["start"] + top - head - 1
                end = start + bottom - top
                if found and found[-1][1] + 1 == start:
                    found[-1] = (found[-1][0], end)
                else:
                    found.append((start, end))
            place += 1
        return found
