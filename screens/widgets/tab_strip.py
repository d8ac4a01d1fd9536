"""A line of tabs: buffers, results. Chosen by click; keys belong to the screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget


class TabStrip(Widget):
    """`show(labels, active, right)`; a label is (text, tone), tone a theme colour or "". Where not all of them fit, the
    active one is among those that are shown; `‹` and `›` stand for the others."""

    DEFAULT_CSS = """
    TabStrip { height: 1; width: 1fr; padding: 0 1; background: $panel; color: $foreground-muted; }
    """
    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """A tab was clicked."""

        strip: "TabStrip"
        index: int

        @property
        def control(self) -> "TabStrip":
            return self.strip

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._labels: tuple[tuple[str, str], ...] = ()
        self._active = 0
        self._right = ""
        self._places: dict[int, tuple[int, int]] = {}

    def show(self, labels: Sequence[tuple[str, str]], active: int, right: str = "") -> None:
        """Set the tabs; `right` stands at the end of the line."""
        wanted = (tuple(labels), active, right)
        if wanted != (self._labels, self._active, self._right):
            self._labels, self._active, self._right = wanted
            self.refresh()

    def render(self) -> Content:
        texts = [f"▌{text} " if at == self._active else f" {text} " for at, (text, _) in enumerate(self._labels)]
        widths = [Content(text).cell_length for text in texts]
        shown = _window(widths, self._active, self.content_size.width)
        pieces = [("‹" if shown.start else "", "$foreground-muted")]
        self._places, at = {}, len(pieces[0][0])
        for index in shown:
            self._places[index] = (at, at + widths[index])
            at += widths[index]
            tone = self._labels[index][1]
            style = (
                f"bold {tone or '$primary'} on $background" if index == self._active else tone or "$foreground-muted"
            )
            pieces.append((texts[index], style))
        right = "›" if shown.stop < len(texts) else self._right
        gap = self.content_size.width - at - Content(right).cell_length
        if right and gap >= 0:
            pieces += [(" " * gap, ""), (right, "$foreground-muted")]
        return Content.assemble(*pieces)

    def on_click(self, event: Click) -> None:
        event.stop()
        x = event.x - self.styles.padding.left
        for index, (start, end) in self._places.items():
            if start <= x < end:
                self.post_message(self.Chosen(self, index))


def _window(widths: Sequence[int], active: int, room: int) -> range:
    """The tabs that are shown: all of them, or those before and behind the active one that fit beside the two signs."""
    if sum(widths) <= room:
        return range(len(widths))
    first = 0
    while first < active and sum(widths[first : active + 1]) > room - 2:
        first += 1
    last = active + 1
    while last < len(widths) and sum(widths[first : last + 1]) <= room - 2:
        last += 1
    return range(first, last)
