"""Lines with tones, to read and to scroll: plans, differences, versions."""

from collections.abc import Sequence

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
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


class LineView(VerticalScroll):
    """Takes the focus, so that arrows, j and k scroll."""

    DEFAULT_CSS = """
    LineView { height: 1fr; scrollbar-size-vertical: 1; }
    LineView > Static { height: auto; }
    """
    BINDINGS = [Binding("j", "scroll_down", show=False), Binding("k", "scroll_up", show=False)]

    def compose(self):  # type: ignore[no-untyped-def]
        yield Static(markup=False)

    def show(self, lines: Sequence[tuple[str, str]]) -> None:
        """Replace the lines and go to the first."""
        content = Content("\n").join(Content.styled(text, TONES.get(tone, "")) for text, tone in lines)
        self.query_one(Static).update(content)
        self.scroll_home(animate=False)
