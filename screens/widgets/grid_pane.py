"""A table at work: title, grid, and the editors that open over its cells. What is done to records starts here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from core.contract.console import CommitAnswer
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.actions.registry import BY_ID
from screens.presenters.grid_model import GridModel
from screens.presenters.permission import closed, permitted
from screens.presenters.record import RecordEdits
from screens.presenters.row_source import Query, TableSource
from screens.presenters.signal import Signal
from screens.presenters.value import is_generated
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.board.face import Face
from screens.widgets.cell_editing import CellEditing
from screens.widgets.defect import tell_defect
from screens.widgets.editors.base import CellEditor
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.registry import EditorHost
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.grid_transfer import GridTransfer
from screens.widgets.grid_views import GridViews
from screens.widgets.pane_access import OF_CELL, PaneAccess
from screens.widgets.pane_grid import PaneGrid
from screens.widgets.pane_title import title_of_pane
from screens.widgets.row_editing import RowEditing
from screens.widgets.view_desk import ViewDesk

OF_CELLS = frozenset(
    "grid_open grid_edit grid_external grid_clear grid_value grid_bulk grid_paste group_by mode_entry link_peek"
    " grid_density".split()
)
"""What needs a cell under the cursor: not done on cards."""


class GridPane(Container):
    """Shows one table at a time. `open_table` changes it; `moved` tells where the cursor is."""

    DEFAULT_CSS = """
    GridPane { layers: base editor; height: 1fr; width: 1fr; }
    GridPane > #pane-title { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    GridPane > #pane-empty { height: 1fr; content-align: center middle; text-align: center; color: $foreground-muted; }
    GridPane > PaneGrid { height: 1fr; }
    """
    BINDINGS = bindings_of("cells")
    action_context = "cells"

    @dataclass
    class RecordAsked(Message):
        """The whole record is wanted beside the grid."""

        pane: GridPane

    @dataclass
    class Shown(Message):
        """Count, order, conditions or loading are not as before."""

        pane: GridPane

    def __init__(self, context: Context, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.context = context
        self.info: TableInfo | None = None
        self.grid: PaneGrid | None = None
        self.edits: RecordEdits | None = None
        self.moved: Signal[GridPane] = Signal()
        """Another cell is under the cursor, or its row has changed."""
        self.host = EditorHost(self)
        self.access = PaneAccess(self)
        self.editing = CellEditing(self)
        self.rows = RowEditing(self)
        self.transfer = GridTransfer(self)
        self.views = GridViews(self)
        self.desk = ViewDesk(self)
        self._has_rows = self._is_denied = False
        self._stops: list[Callable[[], None]] = []

    def compose(self) -> ComposeResult:
        yield Static(id="pane-title", markup=False)
        yield Static(t("tables.none" if self.context.schema else "home.opening"), id="pane-empty", markup=False)

    def on_mount(self) -> None:
        self._stops = [
            self.context.events.listen(self._heard),
            self.context.connected.listen(self._connected),
            self.context.pending.changed.listen(self._staged),
        ]

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    async def on_unmount(self) -> None:
        for stop in self._stops:
            stop()
        if self.grid is not None:
            await self.grid.model.close()

    # ── The table ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def model(self) -> GridModel | None:
        return self.grid.model if self.grid is not None else None

    async def open_table(
        self, info: TableInfo, query: Query | None = None, key: str | None = None, field: str = "", look: str = ""
    ) -> None:
        """Show a table, on a row and column if they are named, in a view. Without a query it is the table's default view.
        Needs a connection."""
        port = self.context.port
        if port is None:
            return
        (info, self.access.may), query = await asyncio.gather(
            permitted(port, info), self.desk.prepare(port, info, query, key, look)
        )
        if self.context.read_only:
            info, self.access.may = closed(info, "console")
        elif not self.desk.is_editable:
            info, self.access.may = closed(info, "view")
        old = self.model
        self.info = info
        layout = self.desk.columns(info)
        model = GridModel(TableSource(port, info), layout, self.context.pending, query)
        self.edits = RecordEdits(model, self.context.pending, info, lambda: self.context.port)
        if self.grid is None:
            self.query_one("#pane-empty").display = False
            self.grid = PaneGrid(model, id="grid")
            self.grid.hold_keys = self.context.hold_keys
            self.grid.moved.listen(lambda _: self._cursor_moved())
            await self.mount(self.grid)
        else:
            self.grid.replace_model(model)
        place = layout.index(field) if field else None
        model.selection.column = layout.first_editable() if place is None else place
        if not self.desk.asks_itself:
            model.open(key)
        await self.desk.show()
        if old is not None:
            await old.close()

    def tell_none(self) -> None:
        """The tables are known, and one may be chosen."""
        self.query_one("#pane-empty", Static).update(t("tables.none"))

    def _connected(self, online: bool) -> None:
        model, port = self.model, self.context.port
        if online and model is not None and port is not None and isinstance(model.source, TableSource):
            model.source.port = port
            model.open()
        self.paint_title()

    def tell_moved(self) -> None:
        self.moved.publish(self)

    def _heard(self, event: Any) -> None:
        if self.model is not None:
            self.model.on_event(event)

    def _staged(self, table: str) -> None:
        if self.info is not None and table == self.info["sqlName"]:
            self.paint_title()
            self.tell_moved()

    def saved(self, answer: CommitAnswer) -> None:
        """A commit went through: show the rows as they are now."""
        model = self.model
        if model is None:
            return
        created = False
        model.news.own(str(outcome["id"]) for outcome in answer["outcomes"] if outcome.get("id"))
        for outcome in answer["outcomes"]:
            record = outcome.get("record")
            if record is None or not model.patch(str(record["id"]), record["fields"], record["updatedAt"]):
                created = True
        if created:
            model.refresh()

    def why_barred(self, action: str) -> str:
        """Why the caller may not do it here; "" when nothing forbids it (P-043)."""
        return self.access.why_barred(action)

    def tell_barred(self, action: str, why: str) -> bool:
        """What is about the cell under the cursor is told there, and stays; False for the rest."""
        if self.access.denied_field is None or action not in OF_CELL:
            return False
        self.editing.refuse(why)
        return True

    def hint_for_none(self) -> str:
        """What can be done about having no rows."""
        if self.model is None:
            return ""
        if self.model.query.filter:
            return t("grid.no_match_hint", change=self._key("filter.builder"), clear=self._key("app.back"))
        keys = {"new": self._key("row.new"), "file": self._key("data.import"), "paste": self._key("grid.paste")}
        return "" if self.why_barred("row_new") else t("grid.empty_hint", **keys)

    def _key(self, action: str) -> str:
        return self.context.keymap.label(BY_ID[action])

    def paint_title(self) -> None:
        title = title_of_pane(self)
        if title is not None:
            self.query_one("#pane-title", Static).update(title)

    @property
    def face(self) -> Face | None:
        """The board, calendar or gallery in the grid's place."""
        return self.desk.face

    def on_virtual_grid_view_changed(self, event: VirtualGrid.ViewChanged) -> None:
        event.stop()
        self.paint_title()
        has_rows = self.model is not None and self.model.count > 0
        if has_rows != self._has_rows:
            self._has_rows = has_rows
            self.screen.refresh_bindings()  # some keys need a row
        self.post_message(self.Shown(self))

    def _cursor_moved(self) -> None:
        if self._is_denied is (self.access.denied_field is None):
            self._is_denied = not self._is_denied
            self.screen.refresh_bindings()  # some keys are crossed out there
        if self.editing.target is not None:
            self.editing.follow_cell()
        self.tell_moved()

    def on_virtual_grid_layout_changed(self, event: VirtualGrid.LayoutChanged) -> None:
        event.stop()
        self.views.keep_layout()
        self.tell_moved()  # the cell under the cursor may be another one

    def on_virtual_grid_scrolled(self, event: VirtualGrid.Scrolled) -> None:
        event.stop()
        self.editing.follow_cell()

    # ── Opening editors ────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("app_back", "mode_entry"):
            return self.grid is not None
        if self.grid is None or (self.face is not None and action in OF_CELLS):
            return False
        if action == "row_detail" and self.model is not None and self.model.query.deleted:
            return False  # its key brings rows back from the trash
        field = self.edits.field_here() if self.edits else None
        if action == "cell_compute":
            return field is not None and is_generated(field)
        if action in ("link_follow", "link_peek"):
            return field is not None and field["family"] == "link"
        if action in ("grid_open", "grid_external", "grid_clear", "grid_value", "grid_bulk", "grid_edit"):
            return self.model is not None and self.model.count > 0
        return True

    def on_virtual_grid_open_cell(self, event: VirtualGrid.OpenCell) -> None:
        event.stop()
        self.editing.edit()

    def on_pane_grid_typed(self, event: PaneGrid.Typed) -> None:
        event.stop()
        self.editing.edit(event.character)

    def on_pane_grid_pasted(self, event: PaneGrid.Pasted) -> None:
        event.stop()
        self.transfer.paste_text(event.text)

    def action_grid_open(self) -> None:
        if self.model is not None and self.model.groups.header(self.model.selection.row) is not None:
            self.model.fold(self.model.selection.row)
            return
        self.editing.edit()

    def action_grid_edit(self) -> None:
        self.editing.edit()

    def action_grid_bulk(self) -> None:
        self.editing.edit("", several=True)

    @property
    def info_name(self) -> str:
        return self.info["sqlName"] if self.info else ""

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        event.stop()
        self.editing.done(event)

    def on_link_editor_follow_asked(self, event: LinkEditor.FollowAsked) -> None:
        event.stop()
        cell = event.editor.cell
        if cell is not None:
            self.views.go_to(cell.field, event.key)

    def on_cell_editor_values_asked(self, event: CellEditor.ValuesAsked) -> None:
        event.stop()
        if self.grid is not None:
            self.grid.focus()
        self.editing.choose_value()

    def action_grid_value(self) -> None:
        self.editing.choose_value()

    def action_grid_external(self) -> None:
        self.editing.edit_outside()

    def action_grid_clear(self) -> None:
        self.rows.clear()

    def action_cell_compute(self) -> None:
        self.rows.compute()

    def action_row_new(self) -> None:
        self.rows.new()

    def action_row_duplicate(self) -> None:
        self.rows.duplicate()

    def action_row_delete(self) -> None:
        self.rows.delete()

    # ── Modes, blocks, views: the parts that do them ───────────────────────────────────────────────────────────────────

    def action_mode_entry(self) -> None:
        if self.grid is not None:
            self.grid.entry = not self.grid.entry
            self.tell_moved()

    def action_app_back(self) -> None:
        """Escape: leave entry mode, then what the grid gives up level by level."""
        if self.grid is None:
            return
        if self.face is not None:
            self.face.step_back()
        elif self.grid.entry:
            self.action_mode_entry()
        else:
            self.grid.step_back()

    def action_row_detail(self) -> None:
        self.post_message(self.RecordAsked(self))

    def action_grid_copy(self) -> None:
        self.transfer.copy("tsv")

    def action_grid_copy_as(self) -> None:
        self.transfer.copy_as()

    def action_grid_paste(self) -> None:
        self.transfer.paste_held()

    def action_data_export(self) -> None:
        self.transfer.export()

    def action_rows_export(self) -> None:
        """The chosen rows into a file; without chosen rows the key clears the cell, as it does elsewhere."""
        mode = self.model.selection.mode if self.model is not None else "cell"
        if mode in ("marked", "rows", "all"):
            self.transfer.export_chosen()
        elif self.face is None:
            self.action_grid_clear()

    def action_data_import(self) -> None:
        self.transfer.import_file()

    def action_filter_builder(self) -> None:
        self.views.build_filter()

    def action_sort_builder(self) -> None:
        self.views.build_sort()

    def action_col_manager(self) -> None:
        self.views.manage_columns()

    def action_group_by(self) -> None:
        self.views.group()

    @work(exclusive=True, group="density", exit_on_error=False)
    async def action_grid_density(self) -> None:
        await self.desk.turn_density()

    def action_view_menu(self) -> None:
        self.views.saved_views()

    def action_link_peek(self) -> None:
        self.views.peek()

    def action_link_follow(self) -> None:
        self.views.follow()

    def action_grid_menu(self) -> None:
        self.views.context_menu()
