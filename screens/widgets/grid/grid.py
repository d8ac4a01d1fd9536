"""The grid widget: what its keys and the mouse do. Painting is `surface`'s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress

from textual import events, work

from core.contract.console import GroupSpec
from screens.actions.binding import bindings_of
from screens.presenters.grid_model import GridModel
from screens.services.text import t
from screens.widgets.grid import message
from screens.widgets.grid.pointer import Pointer
from screens.widgets.grid.surface import GridSurface

PATIENCE = 5.0
"""Seconds for which keys wait for the hit of a search."""
_ORDERED = {"number": ("min", "max"), "date": ("min", "max")}
WIDEN = 2
"""Cells by which `<` and `>` change a column."""


class VirtualGrid(GridSurface):
    """A grid over a `GridModel`. The model's `open` and `close` are the caller's business."""

    ViewChanged = message.ViewChanged
    Scrolled = message.Scrolled
    LayoutChanged = message.LayoutChanged
    OpenCell = message.OpenCell
    HeaderClicked = message.HeaderClicked

    action_context = "grid"
    BINDINGS = bindings_of("grid")
    takes_time = frozenset(("grid_search_next", "grid_search_previous"))
    """Actions that go on when they return."""
    hold_keys: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    """As in `Context`; whoever mounts the grid sets it."""

    def __init__(self, model: GridModel, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(model, id=id, classes=classes)
        self.pointer = Pointer(self)

    # ── Moving ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self, rows: int, columns: int, *, extend: bool = False) -> None:
        selection = self.model.selection
        self.move_to(selection.row + rows, selection.column + columns, extend=extend)

    def _page(self, step: int) -> None:
        """The cursor keeps its line on screen."""
        selection = self.model.selection
        self.show_top(self.top + step)
        self.move_to(selection.row + step, selection.column)

    def action_grid_up(self) -> None:
        self._step(-1, 0)

    def action_grid_down(self) -> None:
        self._step(1, 0)

    def action_grid_left(self) -> None:
        self._step(0, -1)

    def action_grid_right(self) -> None:
        self._step(0, 1)

    def action_grid_row_start(self) -> None:
        self.move_to(self.model.selection.row, 0)
        self.show_left(0)

    def action_grid_row_end(self) -> None:
        self.move_to(self.model.selection.row, len(self.model.layout.shown) - 1)

    def action_grid_page_up(self) -> None:
        self._page(-max(self.body_height - 1, 1))

    def action_grid_page_down(self) -> None:
        self._page(max(self.body_height - 1, 1))

    def action_grid_half_up(self) -> None:
        self._page(-max(self.body_height // 2, 1))

    def action_grid_half_down(self) -> None:
        self._page(max(self.body_height // 2, 1))

    def action_grid_top(self) -> None:
        self.move_to(0, self.model.selection.column)

    def action_grid_bottom(self) -> None:
        self.move_to(self.model.count - 1, self.model.selection.column)

    # ── Choosing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_grid_extend_up(self) -> None:
        self._step(-1, 0, extend=True)

    def action_grid_extend_down(self) -> None:
        self._step(1, 0, extend=True)

    def action_grid_extend_left(self) -> None:
        self._step(0, -1, extend=True)

    def action_grid_extend_right(self) -> None:
        self._step(0, 1, extend=True)

    def action_grid_select(self) -> None:
        self.model.selection.start()
        self._chosen()

    def action_grid_select_rows(self) -> None:
        self.model.selection.start(whole_rows=True)
        self._chosen()

    def action_group_fold(self) -> None:
        if not self.model.fold(self.model.selection.row):
            self.app.bell()

    def action_group_fold_all(self) -> None:
        self.model.fold_all(folded=not self.model.groups.has_folded)

    def action_group_rows(self) -> None:
        """Group by the column under the cursor; the same again ends it."""
        if name := self.cursor_name:
            here = self.model.query.group
            self.model.set_group(None if here is not None and here["field"] == name else GroupSpec(field=name))

    def action_col_aggregate(self) -> None:
        """The next aggregate of the column: sum, average, least, greatest, count, none."""
        place = self.model.selection.column
        if place >= len(self.model.layout.shown):
            return
        field = self.model.layout.shown[place].field
        summed = ("sum", "avg") if field["numeric"] else ()
        ways = [*summed, *_ORDERED.get(field["family"], ()), "count"]
        now = self.model.groups.aggregates.get(field["name"])
        following = ways.index(now) + 1 if now in ways else 0
        self.model.aggregate(field["name"], ways[following] if following < len(ways) else None)

    def action_grid_select_all(self) -> None:
        self.model.fold_all(folded=False)
        self.model.selection.all()
        self._chosen()

    def action_grid_mark(self) -> None:
        row = self.model.selection.row
        if self.model.groups.header(row) is not None:
            self.model.fold(row)
            return
        key = self.model.key_at(row)
        if key is not None:
            self.model.selection.toggle(key)
            self._forget_row(row)
            self._step(1, 0)
            self._tell_moved()

    def _chosen(self) -> None:
        self.repaint()
        self._tell_moved()

    def step_back(self) -> bool:
        """What Escape means here, one level at a time: the range, the marks, the search, the conditions. False when
        nothing is left to give up."""
        if self.model.selection.step_back():
            self._chosen()
        elif self.model.search.text:
            self.model.search.look_for("")
        elif self.model.query.filter is not None:
            self.model.set_filter(None)
        else:
            return False
        return True

    # ── Search ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def searching(self) -> str | None:
        """The text typed into the search line; None when it is not open."""
        return self.search.text

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return self.search.takes(key, character)

    def acts_at_once(self, key: events.Key) -> bool:
        """Whether a key can only run an action. Those of the grid have done all they do when they return."""
        return not self.search.open and not self.check_consume_key(key.key, key.character)

    async def _on_key(self, event: events.Key) -> None:
        self.search.key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        self.search.paste(event)

    def action_grid_search(self) -> None:
        self.search.begin()

    def action_grid_search_next(self) -> None:
        self.model.search.next()
        self.keep_keys_for_hit()

    def action_grid_search_previous(self) -> None:
        self.model.search.next(backward=True)
        self.keep_keys_for_hit()

    @work(exclusive=True, group="search", exit_on_error=False)
    async def keep_keys_for_hit(self) -> None:
        """What is typed behind a search is meant for the row that it finds. Nobody waits long for it."""
        async with self.hold_keys():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self.model.search.answered()
        if self.model.search.failed:
            self.app.notify(t("grid.search.nowhere", text=self.model.search.text), severity="warning")

    # ── Order and conditions ───────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("sort_column", "filter_value", "group_rows", "col_aggregate", "grid_refresh"):
            return self.model.source.ordered
        if action in ("group_fold", "group_fold_all"):
            return bool(self.model.groups.blocks)
        return super().check_action(action, parameters)

    def action_sort_column(self) -> None:
        if name := self.cursor_name:
            self.model.apply_sort(name)

    def action_filter_value(self) -> None:
        name, row = self.cursor_name, self.model.row(self.model.selection.row)
        if name is None or row is None:
            return
        if not self.model.filter_by_value(name, self.model.cell(row, name)[0]):
            self.app.bell()

    def action_grid_refresh(self) -> None:
        self.model.refresh()

    # ── Columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _move_column(self, step: int) -> None:
        model = self.model
        model.selection.column = model.layout.move(model.selection.column, step)
        model.columns_changed()

    def action_col_left(self) -> None:
        self._move_column(-1)

    def action_col_right(self) -> None:
        self._move_column(1)

    def resize_column(self, place: int, width: int) -> None:
        """Set a column's width, edges included."""
        self.model.layout.resize(place, width)
        self.model.columns_changed()

    def _resize_here(self, step: int) -> None:
        column = self.model.selection.column
        self.resize_column(column, self.model.layout.shown[column].width + step)

    def action_col_narrow(self) -> None:
        self._resize_here(-WIDEN)

    def action_col_widen(self) -> None:
        self._resize_here(WIDEN)

    def action_col_fit(self) -> None:
        column = self.model.selection.column
        name = self.model.layout.shown[column].name
        self.model.layout.fit_one(column, self.model.samples().get(name, ()))
        self.model.columns_changed()

    def action_col_hide(self) -> None:
        if (name := self.cursor_name) and self.model.layout.hide(name):
            self.model.columns_changed()

    def action_col_show_all(self) -> None:
        self.model.layout.show_all()
        self.model.columns_changed()

    def action_col_freeze(self) -> None:
        self.model.layout.freeze(self.model.selection.column + 1)
        self.left = 0
        self.model.columns_changed()

    # ── Mouse ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.pointer.wheel(event, 1)

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.pointer.wheel(event, -1)

    def _on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self.pointer.wheel(event, 1, sideways=True)

    def _on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self.pointer.wheel(event, -1, sideways=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self.pointer.down(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.pointer.move(event)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self.pointer.up(event)

    def on_click(self, event: events.Click) -> None:
        self.pointer.click(event)
