"""A line of text whose parts can be clicked: base of top bar, status line and footer."""

from collections.abc import Sequence
from typing import Self

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.events import Click
from textual.filter import LineFilter
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from screens.presenters.format.line import one_line

STYLES = 100
"""Styles that a bar keeps at most."""

Piece = tuple[str, str, str]
"""Text, style, id of the action that a click runs or ""."""


class Bar(Widget):
    """One line. A subclass says in `line` what stands on it."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; padding: 0 1; }
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._clickable: list[tuple[int, int, str]] = []
        self._strip: Strip | None = None
        """The painted line, until something on it changes."""
        self._styles: dict[tuple[str, int], RichStyle] = {}
        """By name and place, until the theme changes."""
        self._behind: tuple[Style, Sequence[LineFilter], Color] | None = None
        """The bar's own style, what goes over its line, and the color behind it, until the theme changes."""

    def line(self) -> list[Piece]:
        """The pieces from left to right, no wider than the bar."""
        raise NotImplementedError

    @property
    def plain(self) -> str:
        """What can be read on the line."""
        return "".join(one_line(text) for text, _, _ in self.line())

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self._strip is None and self._repaint_required and not layout and not recompose:
            return self  # all of it is painted anew anyway
        self._strip = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strip = self._behind = None
        self._styles.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        if self._strip is None or self._strip.cell_length != self.outer_size.width:
            self._strip = self._painted()
        return [self._strip.crop(*crop.column_span)] * crop.height

    def _painted(self) -> Strip:
        """Textual's way, over markup, wrapping and boxes, takes five times as long, and the status line follows each step of
        a cursor."""
        if self._behind is None:
            self._behind = self.visual_style, self.get_line_filters(), self.background_colors[1]
        (ground, filters, color), at = self._behind, self.styles.padding.left
        edge = ground.background_style.rich_style
        self._clickable = []
        segments = [Segment(" " * at, edge)]
        for raw, style, action in self.line():
            text = one_line(raw)
            end = at + cell_len(text)
            if action:
                self._clickable.append((at, end, action))
            segments.append(Segment(text, self._styles.get((style, at)) or self._style(ground, style, at)))
            at = end
        strip = Strip(segments).adjust_cell_length(self.outer_size.width, edge)
        for line_filter in filters:
            strip = strip.apply_filter(line_filter, color)
        return strip

    def _style(self, ground: Style, name: str, at: int) -> RichStyle:
        # With its place in it a style keeps neighbours apart in pictures, as in all other texts of Textual.
        style = (ground + Style.parse(name)).rich_style_with_offset(at, 0) if name else ground.rich_style
        if len(self._styles) >= STYLES:
            self._styles.clear()
        self._styles[name, at] = style
        return style

    async def on_click(self, event: Click) -> None:
        for start, end, action in self._clickable:
            if start <= event.x < end:
                event.stop()
                await self.app.run_action(f"perform({action!r})", self.app)


def fill(left: list[Piece], right: list[Piece], width: int) -> list[Piece]:
    """Left parts, a gap, right parts; right parts go where both do not fit."""
    used = sum(cell_len(one_line(text)) for text, _, _ in [*left, *right])
    while right and used > width:
        used -= cell_len(one_line(right.pop(0)[0]))
    return [*left, (" " * max(0, width - used), "", ""), *right]
