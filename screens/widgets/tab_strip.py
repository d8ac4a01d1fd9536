"""A line of tabs: buffers, results. Chosen by click; keys belong to the screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widget import Widget


class TabStrip(Widget):
    """`show(labels, active, right)`; a label is (text, tone), tone a theme colour or ""."""

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
        self._places: list[tuple[int, int]] = []

    def show(self, labels: Sequence[tuple[str, str]], active: int, right: str = "") -> None:
        """Set the tabs; `right` stands at the end of the line."""
        wanted = (tuple(labels), active, right)
        if wanted != (self._labels, self._active, self._right):
            self._labels, self._active, self._right = wanted
            self.refresh()

    def render(self) -> Content:
        pieces: list[tuple[str, str]] = []
        self._places, at = [], 0
        for index, (label, tone) in enumerate(self._labels):
            here = index == self._active
            text = f"▌{label} " if here else f" {label} "
            width = Content(text).cell_length
            self._places.append((at, at + width))
            at += width
            pieces.append((text, f"bold {tone or '$primary'} on $background" if here else tone or "$foreground-muted"))
        gap = self.content_size.width - at - Content(self._right).cell_length
        if self._right and gap > 0:
            pieces += [(" " * gap, ""), (self._right, "$foreground-muted")]
        return Content.assemble(*pieces)

    def on_click(self, event: Click) -> None:
        event.stop()
        x = event.x - self.styles.padding.left
        for index, (start, end) in enumerate(self._places):
            if start <= x < end:
                self.post_message(self.Chosen(self, index))
