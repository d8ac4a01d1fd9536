"""The face of a grid: paints what its model holds, line by line, and scrolls.

Lines are the line API's: line 0 is the header, the others rows from `top` on; the last one is the search line while a
search is typed. Vertical and horizontal place are the grid's own (`top` in rows, `left` in columns), so that ten million
rows cost what fifty do and a line never has to be shifted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from screens.presenters.grid_model import GridChange, GridModel
from screens.presenters.signal import Signal
from screens.services.text import t
from screens.widgets.compositor import Punctual
from screens.widgets.grid.message import LayoutChanged, Scrolled, ViewChanged
from screens.widgets.grid.painter import Frame, Painter, frame_of
from screens.widgets.grid.palette import COMPONENTS, Palette
from screens.widgets.grid.scrollbar import Scrollbar
from screens.widgets.grid.search_line import SearchLine

HEADER = 1
STRIPS = 400
"""Painted rows that are kept."""
NARROWEST = 4
"""Cells beside the gutter below which nothing is painted."""
PATIENCE = 0.03
"""Seconds that a jump waits for its rows before it shows placeholders."""
PATIENCE_AT_FIRST = 0.2
"""Seconds for which the rows of another table may be awaited before those of the old one go."""


class GridSurface(Punctual, ScrollView, can_focus=True):
    """Everything of `VirtualGrid` but what its keys and the mouse do."""

    COMPONENT_CLASSES = COMPONENTS
    DEFAULT_CSS = """
    GridSurface {
        overflow: hidden hidden;
        background: $surface;
        color: $foreground;
        & > .grid--row { background: $surface; color: $foreground; }
        & > .grid--cursor-row { background: $foreground 7%; color: $foreground; }
        & > .grid--range { background: $primary 35%; color: $foreground; }
        & > .grid--marked { background: $accent 18%; color: $foreground; }
        & > .grid--deleted { color: $text-error; text-style: strike; }
        & > .grid--cursor { background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold; }
        & > .grid--cursor-blurred { background: $primary 30%; color: $foreground; }
        & > .grid--header { background: $panel; color: $foreground; text-style: bold; }
        & > .grid--header-cursor { background: $panel; color: $text-accent; text-style: bold; }
        & > .grid--entry { background: $panel; color: $foreground; }
        & > .grid--muted { color: $foreground 55%; }
        & > .grid--number { color: $foreground; }
        & > .grid--null { color: $foreground 30%; }
        & > .grid--placeholder { color: $foreground 20%; }
        & > .grid--link { color: $text-primary; }
        & > .grid--true { color: $text-success; }
        & > .grid--star { color: $text-warning; }
        & > .grid--bar { color: $primary; }
        & > .grid--dirty { color: $text-warning; text-style: bold; }
        & > .grid--invalid { color: $text-error; text-style: bold underline; }
        & > .grid--conflict { color: $text-accent; text-style: bold; }
        & > .grid--new { color: $text-success; text-style: bold; }
        & > .grid--search { background: $warning; color: $background; text-style: bold; }
        & > .grid--gutter { color: $foreground 35%; }
        & > .grid--edge { color: $foreground 25%; }
        & > .grid--glyph { color: $foreground 45%; text-style: not bold; }
        & > .grid--sort { color: $text-accent; text-style: bold; }
        & > .grid--thumb { color: $primary; }
        & > .grid--track { color: $foreground 15%; }
    }
    GridSurface:nocolor > .grid--cursor { text-style: bold reverse; }
    GridSurface:nocolor > .grid--search { text-style: bold underline; }
    GridSurface:ansi {
        & > .grid--range { background: ansi_default; color: ansi_default; text-style: underline; }
        & > .grid--marked { background: ansi_default; color: ansi_default; text-style: bold; }
        & > .grid--cursor-row { background: ansi_default; color: ansi_default; }
        & > .grid--cursor-blurred { background: ansi_default; color: ansi_default; text-style: bold underline; }
        & > .grid--muted { text-style: dim; }
        & > .grid--null { text-style: dim; }
        & > .grid--placeholder { text-style: dim; }
        & > .grid--gutter { text-style: dim; }
        & > .grid--edge { text-style: dim; }
        & > .grid--glyph { text-style: dim; }
        & > .grid--track { text-style: dim; }
    }
    """

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def __init__(self, model: GridModel, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.model = model
        self.moved: Signal[GridSurface] = Signal()
        """The cursor stands on another cell, or the chosen cells changed. No message: to carry one costs as much as to paint
        the cursor."""
        self.top = 0
        self.left = 0
        self.tall = 1
        """Lines of a row: the first has its text, the others are air."""
        self.search = SearchLine(self)
        self._extent = Size(0, 0)
        """The grid's size; Textual works its own out from the styles each time."""
        self._patience: Timer | None = None
        """Runs while a jump waits for its rows."""
        self._painter: Painter | None = None
        self._frame: Frame | None = None
        self._strips: dict[Hashable, Strip] = {}
        """Painted lines by what they show: ("header", column) or (row, cursor, chosen columns, scrollbar)."""
        self._filtering: tuple[Sequence[LineFilter], Color] | None = None
        """What goes over each painted line, and what is behind the grid."""
        self._stop = model.changed.listen(self._model_changed)

    def on_unmount(self) -> None:
        self._stop()

    def replace_model(self, model: GridModel) -> None:
        """Show another table or result; the old model's closing is the caller's business."""
        self._stop()
        self.model = model
        self.top = self.left = 0
        self.search = SearchLine(self)
        self._painter = None
        self._stop = model.changed.listen(self._model_changed)
        self._wait_for_rows()
        self._tell_moved()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter = self._filtering = None
        self._forget()

    def on_resize(self, event: events.Resize) -> None:
        self._extent = event.size
        self.repaint()
        self._reveal()

    def on_focus(self) -> None:
        self._forget_row(self.model.selection.row)

    def on_blur(self) -> None:
        self._forget_row(self.model.selection.row)

    def make_tall(self, lines: int) -> None:
        """Give each row so many lines."""
        if lines != self.tall:
            self.tall = lines
            self.repaint()
            self._reveal()

    # ── Geometry ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def body_lines(self) -> int:
        """Lines for rows."""
        return max(self._extent.height - HEADER - self.search.open - bool(self.model.groups.aggregates), 0)

    @property
    def body_height(self) -> int:
        """Rows that fit."""
        return -(-self.body_lines // self.tall)

    @property
    def scrollbar(self) -> Scrollbar:
        return Scrollbar(self.model.count, self.top, self.body_height)

    @property
    def frame(self) -> Frame:
        """How the lines are cut now."""
        if self._frame is None:
            self._frame = frame_of(self.model, self.left, max(self._extent.width - 1, 0))
        return self._frame

    def row_at(self, y: int) -> int | None:
        """The row on a line; None for the header and below the last one."""
        row = self.top + (y - HEADER) // self.tall
        return row if HEADER <= y < HEADER + self.body_lines and row < self.model.count else None

    def column_at(self, x: int) -> int | None:
        """The place of the column at a cell of a line; None in the gutter and behind the last one."""
        inside = x - self.frame.gutter
        return next((slot.place for slot in self.frame.slots if slot.x <= inside < slot.x + slot.width), None)

    def cell_region(self, row: int, name: str) -> Region | None:
        """Where a cell's text stands, in the coordinates of the grid's parent; None when it is not on screen."""
        line = row - self.top
        slot = next((slot for slot in self.frame.slots if slot.name == name), None)
        if slot is None or not 0 <= line < self.body_height or slot.width < 3:
            return None
        inside = self.content_region
        parent = self.parent.region if isinstance(self.parent, Widget) else self.region
        x = inside.x - parent.x + self.frame.gutter + slot.x + 1
        return Region(x, inside.y - parent.y + HEADER + line * self.tall, slot.width - 2, 1)

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def painter(self) -> Painter:
        if self._painter is None or self._painter.model is not self.model:
            self._painter = Painter(self.model, Palette(self._component, self._variable))
        return self._painter

    def _component(self, name: str) -> tuple[Style, bool]:
        styles = self.get_component_styles(name)
        return self.get_component_rich_style(name), styles.has_rule("background")

    def _variable(self, name: str) -> str:
        return self.app.theme_variables[name]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines with the app's filters applied. Painted lines are kept here by what they show, so that a line is neither
        painted nor filtered twice; with a border or opacity Textual's own way is taken."""
        if self._extent != self.outer_size or self.opacity < 1:
            return super().render_lines(crop)
        lines = self._lines()
        strips = [lines(y) for y in crop.line_range]
        if crop.column_span != (0, self._extent.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        return self._lines()(y)

    def _lines(self) -> Callable[[int], Strip]:
        """The painter of single lines, with what they share looked up once. Reads caches only."""
        size, height, model, tall = self._extent, self.body_lines, self.model, self.tall
        if size.width < self.frame.gutter + NARROWEST:
            return lambda y: Strip.blank(size.width, self.rich_style)
        bar, count, top, selection = self.scrollbar, model.count, self.top, model.selection
        first, length = bar.thumb if bar.needed else (0, 0)
        track = "│" if bar.needed else " "
        columns, held = len(model.layout.shown), self._strips
        plain = selection.anchor is None and not selection.everything
        model.need(top, top + self.body_height - 1)

        def line(y: int) -> Strip:
            if y < HEADER:
                return held.get(("header", selection.column)) or self._header_line(selection.column)
            if y == height + HEADER and model.groups.aggregates:
                bar_end = Segment(" ", self.painter.palette.style("text", "header"))
                return self._keep(None, [*self.painter.totals(self.frame), bar_end])
            if y > height:
                return self._keep(None, self.search.segments(self.painter.palette, size.width))
            step, inside = divmod(y - HEADER, tall)
            position, sign = top + step, "┃" if first <= step < first + length else track
            if position >= count:
                return self._blank_line(y - HEADER, sign)
            if inside:
                return self._keep(None, [*self.painter.blank(self.frame, ""), self._bar(sign)])
            cursor = selection.column if position == selection.row else None
            span = None if plain else selection.span_in(position, columns)
            return held.get((position, cursor, span, sign)) or self._row_line(position, cursor, span, sign)

        return line

    def _keep(self, key: Hashable | None, segments: list[Segment]) -> Strip:
        """Make a line of segments, and keep it under what it shows."""
        strip = Strip(segments, self._extent.width)
        if self._filtering is None:
            self._filtering = self.get_line_filters(), self.background_colors[1]
        filters, ground = self._filtering
        for line_filter in filters:
            strip = strip.apply_filter(line_filter, ground)
        if key is not None:
            if len(self._strips) >= STRIPS:
                self._strips.clear()
            self._strips[key] = strip
        return strip

    def _header_line(self, column: int) -> Strip:
        segments = self.painter.header(self.frame, column)
        end = Segment(" ", self.painter.palette.style("text", "header"))
        return self._keep(("header", column), [*segments, end])

    def _row_line(self, position: int, cursor: int | None, span: tuple[int, int] | None, sign: str) -> Strip:
        header = self.model.groups.header(position)
        if header is not None:
            painted = self.painter.header_of(self.frame, header, cursor=cursor is not None, focused=self.has_focus)
            return self._keep((position, cursor, span, sign), [*painted, self._bar(sign)])
        row = self.model.row(position)
        if row is None:
            segments = self.painter.placeholder(self.frame, position, cursor=cursor is not None)
            return self._keep(None, [*segments, self._bar(sign)])
        segments = self.painter.row(self.frame, row, cursor, span, focused=self.has_focus)
        return self._keep((position, cursor, span, sign), [*segments, self._bar(sign)])

    def _blank_line(self, line: int, sign: str) -> Strip:
        notices, at = self._notices(), line - self.body_lines // 3
        notice = notices[at] if 0 <= at < len(notices) else ""
        return self._keep(None, [*self.painter.blank(self.frame, notice), self._bar(sign)])

    def _bar(self, sign: str) -> Segment:
        palette = self.painter.palette
        return Segment(sign, palette.thumb if sign == "┃" else palette.track)

    def _notices(self) -> Sequence[str]:
        """The lines that an empty grid says."""
        model = self.model
        if model.count:
            return ()
        if model.failure is not None:
            return (model.failure.message,)
        if model.view is None or model.loading:
            return (t("grid.loading"),)
        if model.query.deleted and not model.query.filter:
            return (t("grid.empty_trash"),)
        return (t("grid.no_match") if model.query.filter else self.emptiness(), "", self.hint())

    def emptiness(self) -> str:
        """That there are no rows at all."""
        return t("grid.empty")

    def hint(self) -> str:
        """What can be done about having no rows; "" by itself."""
        return ""

    # ── Refreshing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self) -> None:
        self._frame = None
        self._strips.clear()

    def _wait_for_rows(self) -> None:
        """Leave what is on screen until the model has rows, but not for long."""
        self._forget()
        if self._patience is not None:
            self._patience.stop()
        self._patience = self.set_timer(PATIENCE_AT_FIRST, self.repaint)

    @property
    def _is_waiting(self) -> bool:
        return self._patience is not None and self.model.view is None and self.model.failure is None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self._is_waiting and not layout and not recompose:
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def repaint(self) -> None:
        """Everything."""
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
        self._forget()
        self.refresh()

    def _refresh_rows(self, *rows: int) -> None:
        """The lines of some rows, as far as they are on screen; neighbours as one region."""
        regions: list[Region] = []
        height = self.body_height
        for line in sorted({row - self.top for row in rows if 0 <= row - self.top < height}):
            region = Region(0, HEADER + line * self.tall, self._extent.width, self.tall)
            if regions and regions[-1].bottom == region.y:
                region = regions.pop().union(region)
            regions.append(region)
        if regions:
            self.refresh(*regions)

    def _refresh_columns(self, row: int, *columns: int) -> None:
        """Two cells of a row and their titles: what a step to the side changes."""
        line = HEADER + (row - self.top) * self.tall
        gutter = self.frame.gutter
        for slot in self.frame.slots:
            if slot.place in columns:
                x = gutter + slot.x
                self.refresh(Region(x, 0, slot.width, HEADER), Region(x, line, slot.width, 1))

    def _forget_row(self, row: int) -> None:
        for key in [key for key in self._strips if isinstance(key, tuple) and key[0] == row]:
            del self._strips[key]
        self._refresh_rows(row)

    def _model_changed(self, change: GridChange) -> None:
        if not self.is_attached:
            return
        match change.kind:
            case "rows":
                if change.first < self.top + self.body_height and change.last >= self.top:
                    self.repaint()
                if change.first <= self.model.selection.row <= change.last:
                    self._tell_moved()
            case "search":
                self.repaint()
                self._reveal()
                self._tell_moved()
            case "columns":
                self.repaint()
                self._reveal()
                self.post_message(LayoutChanged(self))
            case _:
                self.top = max(0, min(self.top, self.model.count - 1))
                if not self._is_waiting:
                    self.repaint()
                    self._reveal()
                self.post_message(ViewChanged(self))
                self._tell_moved()

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def cursor_name(self) -> str | None:
        """Name of the field under the cursor."""
        names = self.model.layout.shown
        return names[self.model.selection.column].name if names else None

    def move_to(self, row: int, column: int, *, extend: bool = False) -> None:
        """Put the cursor on a cell, as near as there is one; `extend` stretches the range to it."""
        model, selection = self.model, self.model.selection
        if not model.count or not model.layout.shown:
            return
        before = (selection.row, selection.column)
        ranged = selection.anchor is not None or selection.everything
        if extend:
            selection.extend()
        elif selection.everything:
            selection.everything = False
        selection.row, selection.column = row, column
        selection.clamp(model.count, len(model.layout.shown))
        if (selection.row, selection.column) == before:
            return
        if ranged or selection.anchor is not None:
            self.repaint()
        elif before[0] == selection.row:
            self._refresh_columns(before[0], before[1], selection.column)
        else:
            self._refresh_rows(before[0], selection.row)
            if before[1] != selection.column:
                self.refresh(Region(0, 0, self._extent.width, HEADER))
        self._reveal()
        self._tell_moved()

    def scroll_rows(self, step: int) -> None:
        """Scroll without moving the cursor."""
        self.show_top(self.top + step)

    def show_top(self, row: int) -> None:
        """Let a row be the first on screen."""
        top = max(0, min(row, self.model.count - self.body_height))
        if top == self.top:
            return
        self.top = top
        self.model.need(top, top + self.body_height - 1)
        if self.model.row(min(top + self.body_height, self.model.count) - 1) is None or self.model.row(top) is None:
            # The rows usually come within the time of a frame: do not paint placeholders only to paint over them.
            self._patience = self._patience or self.set_timer(PATIENCE, self.repaint)
        else:
            self.refresh()
        self.post_message(Scrolled(self))

    def scroll_columns(self, step: int) -> None:
        """Scroll sideways by columns without moving the cursor."""
        layout = self.model.layout
        frozen = layout.frozen if layout.frozen_width(self._extent.width) else 0
        self.show_left(max(frozen, min(max(self.left, frozen) + step, len(layout.shown) - 1)))

    def show_left(self, left: int) -> None:
        """Let a column be the first behind the frozen ones."""
        if left != self.left:
            self.left = left
            self.repaint()
            self.post_message(Scrolled(self))

    def leave_room(self, lines: int) -> None:
        """Let so many lines stay below the cursor's row, if need be by scrolling past the last one."""
        lack = (self.model.selection.row - self.top) * self.tall + 1 + lines - self.body_lines
        if lack > 0:
            self.top += -(-lack // self.tall)
            self.model.need(self.top, self.top + self.body_height - 1)
            self.refresh()

    def _reveal(self) -> None:
        """Scroll so that the cursor is on screen."""
        selection, height = self.model.selection, self.body_height
        if height <= 0 or not self.model.layout.shown:
            return
        if selection.row < self.top:
            self.show_top(selection.row)
        elif selection.row >= self.top + height:
            self.show_top(selection.row - height + 1)
        room = max(self._extent.width - 1 - self.frame.gutter, 0)
        self.show_left(self.model.layout.reveal(selection.column, self.left, room))

    def _tell_moved(self) -> None:
        self.moved.publish(self)
