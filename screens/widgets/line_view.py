"""Lines with tones, to read and to scroll: plans, differences, versions."""

import re
from collections.abc import Sequence

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

TONES = {
    "add": "$success",
    "change": "$warning",
    "destructive": "bold $error",
    "refused": "bold $error",
    "warn": "bold $warning",
    "muted": "$foreground-muted",
    "title": "bold $primary",
    "name": "bold",
}
LABEL = re.compile(r"\S.*?\s{2,}(?=\S)")
"""What stands before a value, with its distance."""


class LineView(VerticalScroll):
    """Takes the focus, so that arrows, j and k scroll. What does not fit behind a label goes on below its value."""

    DEFAULT_CSS = """
    LineView { height: 1fr; scrollbar-size-vertical: 1; }
    LineView > Static { height: auto; }
    """
    BINDINGS = [Binding("j", "scroll_down", show=False), Binding("k", "scroll_up", show=False)]

    _lines: Sequence[tuple[str, str]] = ()

    def compose(self):  # type: ignore[no-untyped-def]
        yield Static(markup=False)

    def on_resize(self, event: Resize) -> None:
        self._paint()

    def show(self, lines: Sequence[tuple[str, str]]) -> None:
        """Replace the lines and go to the first."""
        self._lines = lines
        self._paint()
        self.scroll_home(animate=False)

    def _paint(self) -> None:
        width = self.scrollable_content_region.width
        content = Content("\n").join(
            Content.styled(hung(text, width), TONES.get(tone, "")) for text, tone in self._lines
        )
        self.query_one(Static).update(content)


def hung(text: str, width: int) -> str:
    """A line of a label and a value, with the value's further lines below its first; others as they are."""
    label = LABEL.match(text)
    room = width - label.end() if label else 0
    if label is None or room < width // 3 or Content(text).cell_length <= width:
        return text
    value = (f"{line.plain.rstrip()}" for line in Content(text[label.end() :]).wrap(room))
    return label.group() + f"\n{' ' * label.end()}".join(value)
