"""The vertical scrollbar that a grid paints in its last cell: where the screen stands among all rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scrollbar:
    """rows: all of them. top: the first on screen. height: lines on screen."""

    rows: int
    top: int
    height: int

    @property
    def needed(self) -> bool:
        return self.rows > self.height > 1

    @property
    def thumb(self) -> tuple[int, int]:
        """First line and length of the thumb. Only the very ends of the rows touch the ends of the bar."""
        if not self.needed:
            return (0, self.height)
        length = max(1, self.height * self.height // self.rows)
        free, last = self.height - length, self.rows - self.height
        top = min(self.top, last)
        if top == 0 or top == last or free < 3:
            return (free * top // last, length)
        return (1 + (free - 2) * top // last, length)

    def holds(self, line: int) -> bool:
        """Whether a line shows the thumb."""
        first, length = self.thumb
        return first <= line < first + length

    def row_at(self, line: int) -> int:
        """The first row to show when the thumb's middle is dragged to a line."""
        _, length = self.thumb
        free, last = max(self.height - length, 1), max(self.rows - self.height, 0)
        return max(0, min(last, (line - length // 2) * last // free))
