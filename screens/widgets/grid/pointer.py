"""The mouse in a grid: click, drag, wheel, the scrollbar and the edges of the header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from screens.widgets.grid.grid import VirtualGrid

WHEEL_ROWS = 3


class Pointer:
    """What a drag means is decided where it begins: cells are chosen, an edge of the header resizes its column, the
    scrollbar scrolls."""

    def __init__(self, grid: VirtualGrid) -> None:
        self.grid = grid
        self.dragging: str | None = None
        self._column = 0
        self._start = 0

    def wheel(self, event: events.MouseEvent, step: int, *, sideways: bool = False) -> None:
        if sideways or event.shift or event.ctrl:
            self.grid.scroll_columns(step)
        else:
            self.grid.scroll_rows(step * WHEEL_ROWS)
        event.stop()
        event.prevent_default()

    def down(self, event: events.MouseDown) -> None:
        grid = self.grid
        if event.button != 1:
            return
        if event.x == grid.size.width - 1 and grid.scrollbar.needed and event.y > 0:
            self._drag("scrollbar")
            self._scroll_to(event.y)
        elif event.y == 0:
            edge = self._edge_at(event.x)
            if edge is not None:
                self._column, self._start = edge, event.x - grid.model.layout.shown[edge].width
                self._drag("edge")
        else:
            row, column = grid.row_at(event.y), grid.column_at(event.x)
            if row is None:
                return
            selection = grid.model.selection
            if selection.anchor is not None and not event.shift:
                selection.anchor = None
                grid.refresh()
            grid.move_to(row, selection.column if column is None else column, extend=event.shift)
            self._drag("cells")

    def move(self, event: events.MouseMove) -> None:
        grid = self.grid
        if self.dragging == "scrollbar":
            self._scroll_to(event.y)
        elif self.dragging == "edge":
            grid.resize_column(self._column, event.x - self._start)
        elif self.dragging == "cells":
            line = max(1, min(event.y, grid.body_lines))
            if event.y < 1 or event.y > grid.body_lines:
                grid.scroll_rows(-1 if event.y < 1 else 1)
            row, column = grid.row_at(line), grid.column_at(event.x)
            selection = grid.model.selection
            if row is not None:
                target = (row, selection.column if column is None else column)
                if target != (selection.row, selection.column):
                    grid.move_to(*target, extend=True)

    def up(self, event: events.MouseUp) -> None:
        if self.dragging is not None:
            self.dragging = None
            self.grid.release_mouse()

    def click(self, event: events.Click) -> None:
        grid = self.grid
        column = grid.column_at(event.x)
        if column is None or event.button != 1 or event.x == grid.size.width - 1:
            return
        if event.y == 0:
            if self._edge_at(event.x) is None and grid.model.source.ordered:
                grid.model.apply_sort(grid.model.layout.shown[column].name, add=event.shift)
                grid.post_message(grid.HeaderClicked(grid, column))
        elif event.chain == 2 and (row := grid.row_at(event.y)) is not None:
            grid.post_message(grid.OpenCell(grid, row, column))

    def _drag(self, what: str) -> None:
        self.dragging = what
        self.grid.capture_mouse()

    def _scroll_to(self, y: int) -> None:
        self.grid.show_top(self.grid.scrollbar.row_at((y - 1) // self.grid.tall))

    def _edge_at(self, x: int) -> int | None:
        """The column whose right edge is under the pointer."""
        inside = x - self.grid.frame.gutter
        return next((slot.place for slot in self.grid.frame.slots if inside == slot.x + slot.width - 1), None)
