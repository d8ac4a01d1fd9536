"""What a screen draws again when a part of it has changed, and when."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, CompositorUpdate
from textual.geometry import Region
from textual.strip import Strip

FRAME = 1 / 60
"""Seconds between two frames at least."""

Placed = tuple[int, int, Strip]
"""Column and line of the screen, and what stands from there on."""


class StripsUpdate(CompositorUpdate):
    """Strips, each written at its place."""

    def __init__(self, strips: Sequence[Placed]) -> None:
        self.strips = strips

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for x, y, strip in self.strips:
            yield Control.move_to(x, y).segment
            yield from strip

    def render_segments(self, console: Console) -> str:
        return "".join(f"\x1b[{y + 1};{x + 1}H{strip.render(console)}" for x, y, strip in self.strips)


class FrugalCompositor(Compositor):
    """Renders only what can be seen of the changed lines. Textual's own renders every widget that touches them in its whole
    height, also the containers that lie behind, and cuts every line of the screen: more than a third of what a step of the
    cursor cost."""

    painted_at = 0.0
    """Of the monotonic clock: when changes were last drawn."""

    def render_partial_update(self) -> ChopsUpdate | StripsUpdate | None:
        """Changes that lie each in one widget with nothing before it are written as they are: no line has to be cut."""
        self.painted_at = monotonic()
        screen, placed = self.size.region, list[Placed]()
        for dirty in self._dirty_regions:
            strips = self._alone(dirty.intersection(screen))
            if strips is None:
                return super().render_partial_update()
            placed += strips
        self._dirty_regions.clear()
        return StripsUpdate(placed) if placed else None

    def _alone(self, region: Region) -> list[Placed] | None:
        """The strips of a region that one widget fills; None when several share it."""
        for widget, (place, clip) in self.visible_widgets.items():  # front to back
            part = place.intersection(clip)
            if not part.overlaps(region):
                continue
            if not part.contains_region(region):
                return None
            strips = widget.render_lines(region.translate(-place.offset))
            return [(region.x, y, strip) for y, strip in zip(region.line_range, strips, strict=False)]
        return []

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if crop is None:
            yield from super()._get_renders(None)
            return
        # The cuts of a line go over its whole width: widgets are cropped to lines, not to columns.
        lines = Region(0, crop.y, self.size.width, crop.height)
        for widget, (region, clip) in self.visible_widgets.items():  # front to back
            part = region.intersection(clip).intersection(lines)
            if not part or not part.overlaps(crop):
                continue
            yield part, part, widget.render_lines(part.translate(-region.offset))
            if part.contains_region(crop):
                return  # nothing behind it shows through: Textual mixes a background with what is behind it beforehand


class Punctual:
    """Mixed into a widget: its changes can be painted by `one_frame`."""

    is_held = False

    def check_idle(self) -> None:
        if not self.is_held:
            super().check_idle()


@contextmanager
def one_frame(*widgets: Punctual) -> Iterator[None]:
    """What becomes of the widgets in here is painted at the end, in the same turn of the event loop. Textual carries every
    change to its screen by messages and waits for its clock there: as much work as the painting."""
    for widget in widgets:
        widget.is_held = True
    try:
        yield
    finally:
        for widget in widgets:
            widget.is_held = False
        changed = {widget for widget in widgets if widget._repaint_required}
        if changed and not _paint(changed):
            for widget in changed:
                widget.check_idle()


def _paint(widgets: set[Punctual]) -> bool:
    """False when it is left to Textual: frames would come too fast for a terminal, or there is more to do than to paint."""
    screen = next(iter(widgets)).screen
    compositor = screen._compositor
    if not isinstance(compositor, FrugalCompositor) or monotonic() - compositor.painted_at < FRAME:
        return False
    if not screen.is_current or screen._layout_required or screen._scroll_required or screen._recompose_required:
        return False
    for widget in widgets:
        widget._repaint_required = False
    screen._dirty_widgets.update(widgets)
    screen._on_timer_update()
    return True
