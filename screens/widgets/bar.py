"""A line of text whose parts can be clicked: base of top bar, status line and footer."""

from textual.content import Content
from textual.events import Click
from textual.widget import Widget


class Bar(Widget):
    """One line. `parts` of a subclass are (text, style, action id or ""); a click runs the action."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; padding: 0 1; }
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._clickable: list[tuple[int, int, str]] = []

    def line(self) -> list[tuple[str, str, str]]:
        """Text, style, action id of each part, from left to right."""
        raise NotImplementedError

    def render(self) -> Content:
        self._clickable = []
        at = 0
        pieces: list[tuple[str, str]] = []
        for text, style, action in self.line():
            content = Content(text)
            if action:
                self._clickable.append((at, at + content.cell_length, action))
            at += content.cell_length
            pieces.append((text, style))
        return Content.assemble(*pieces)

    async def on_click(self, event: Click) -> None:
        x = event.x - self.styles.padding.left
        for start, end, action in self._clickable:
            if start <= x < end:
                event.stop()
                await self.app.run_action(f"perform({action!r})", self.app)


def fill(left: list[tuple[str, str, str]], right: list[tuple[str, str, str]], width: int) -> list[tuple[str, str, str]]:
    """Left parts, a gap, right parts; right parts go where both do not fit."""
    used = sum(Content(text).cell_length for text, _, _ in [*left, *right])
    while right and used > width:
        used -= Content(right.pop(0)[0]).cell_length
    return [*left, (" " * max(0, width - used), "", ""), *right]
