"""Bars over time, with a cursor that is read off above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.widget import Widget

from screens.presenters.chart import chart


class TimeChart(Widget, can_focus=True):
    """`show(values, labels, caption)`. `caption` says what stands above the bars: of all of them, or of the value at the
    cursor. ← → move the cursor, Home and End go to its ends."""

    DEFAULT_CSS = """
    TimeChart { height: 1fr; padding: 0 1; color: $primary; }
    """
    ALLOW_SELECT = False
    BINDINGS = [
        Binding("left,h", "step(-1)", show=False),
        Binding("right,l", "step(1)", show=False),
        Binding("home", "step(-100000)", show=False),
        Binding("end", "step(100000)", show=False),
    ]

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._values: Sequence[int] = ()
        self._labels: Sequence[str] = ()
        self._caption: Callable[[int | None], str] = lambda at: ""
        self._cursor: int | None = None
        self._left, self._each, self._merged = 0, 1, 1

    def show(self, values: Sequence[int], labels: Sequence[str], caption: Callable[[int | None], str]) -> None:
        """Replace the bars."""
        if len(values) != len(self._values):
            self._cursor = None
        self._values, self._labels, self._caption = values, labels, caption
        self.refresh()

    def action_step(self, step: int) -> None:
        last = len(self._values) - 1
        if last >= 0:
            at = last if self._cursor is None and step < 0 else (self._cursor or 0) + step
            self._cursor = max(0, min(last, at))
            self.refresh()

    def on_click(self, event: Click) -> None:
        at = (event.get_content_offset_capture(self).x - self._left) // self._each * self._merged
        if 0 <= at < len(self._values):
            self._cursor = at
            self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self._cursor = None
        self.refresh()

    def render(self) -> Content:
        width, height = self.content_size
        if width < 16 or height < 3:
            return Content("")
        drawn = chart(self._values, self._labels, width, height - 1)
        self._left, self._each, self._merged = len(drawn.scale[0]), drawn.width, drawn.merged
        lines = [Content.styled(self._caption(self._cursor), "bold" if self.has_focus else "$foreground-muted")]
        for scale, row in zip(drawn.scale, drawn.rows, strict=True):
            lines.append(Content.assemble((scale, "$foreground-muted"), *self._bars(row, drawn.gap)))
        lines += [Content.styled(line, "$foreground-muted") for line in drawn.below]
        return Content("\n").join(line.truncate(width) for line in lines)

    def _bars(self, row: str, gap: int) -> list[tuple[str, str]]:
        if self._cursor is None:
            return [(row, "")]
        start = self._cursor // self._merged * self._each
        end = start + self._each - gap
        return [(row[:start], ""), (row[start:end], "$secondary on $border-blurred"), (row[end:], "")]
