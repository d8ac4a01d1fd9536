"""A table at work: title, grid, and the editors that open over its cells. What is done to records starts here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from core.client import SovriumError
from core.contract.console import CommitAnswer
from core.contract.tables import FieldInfo, TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.filter_draft import FilterDraft
from screens.presenters.grid_model import GridModel
from screens.presenters.link import REF
from screens.presenters.paste import TargetRow
from screens.presenters.permission import BY_ROW, EVERYTHING, closed, is_closed, is_read_only, permitted
from screens.presenters.record import RecordEdits
from screens.presenters.row_source import Query, TableSource
from screens.presenters.value import check, editable, stored_value, title_of, why_read_only
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.board.face import Face
from screens.widgets.cell_values import value_hits
from screens.widgets.defect import tell_defect
from screens.widgets.editors.base import CellEditor, EditedCell, Move
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.registry import EditorHost
from screens.widgets.external_editor import edit_outside
from screens.widgets.finder import Finder
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.grid_transfer import GridTransfer
from screens.widgets.grid_views import GridViews
from screens.widgets.pane_grid import PaneGrid
from screens.widgets.press import press_button
from screens.widgets.question import Questions
from screens.widgets.view_desk import ViewDesk
from screens.widgets.view_menu import SIGNS

OF_CELLS = frozenset(
    "grid_open grid_edit grid_external grid_clear grid_value grid_bulk grid_paste group_by mode_entry link_peek"
    " grid_density".split()
)
"""What needs a cell under the cursor: not done on cards."""

NEEDS = {
    **dict.fromkeys(("row_new", "row_duplicate", "data_import"), "create"),
    **dict.fromkeys(("grid_edit", "grid_external", "grid_clear", "grid_value", "grid_bulk", "grid_paste"), "update"),
    "row_delete": "delete",
    "rows_bulk": "update",
    "data_export": "export",
    "row_comments": "comment",
    "trash_restore": "restore",
    "trash_erase": "permanentDelete",
    "trash_empty": "permanentDelete",
    "record_add_file": "update",
    "record_remove_file": "update",
    "record_clear": "update",
    "record_value": "update",
}
"""What must be allowed for an action to be of use."""


@dataclass(frozen=True, slots=True)
class Editing:
    """The cell that an editor is open on. `several`: the value goes into the chosen rows."""

    row: TargetRow
    field: FieldInfo
    several: bool = False


class GridPane(Container):
    """Shows one table at a time. `open_table` changes it; `Moved` tells where the cursor is."""

    DEFAULT_CSS = """
    GridPane { layers: base editor; height: 1fr; width: 1fr; }
    GridPane > #pane-title { height: 1; padding: 0 1; background: $panel; color: $foreground; }
    GridPane > #pane-empty { height: 1fr; content-align: center middle; text-align: center; color: $foreground-muted; }
    GridPane > PaneGrid { height: 1fr; }
    """
    BINDINGS = bindings_of("cells")
    action_context = "cells"

    @dataclass
    class Moved(Message):
        """Another cell is under the cursor, or its row has changed."""

        pane: GridPane

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, GridPane.Moved)

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
        self.host = EditorHost(self)
        self.editing: Editing | None = None
        self.may: Mapping[str, bool] = EVERYTHING
        """Operations that the caller may do here, as far as the server said."""
        self.refusal = ""
        """Why the cell under the cursor did not open, until the cursor moves."""
        self.transfer = GridTransfer(self)
        self.views = GridViews(self)
        self.desk = ViewDesk(self)
        self._stops: list[Callable[[], None]] = []

    def compose(self) -> ComposeResult:
        yield Static(id="pane-title", markup=False)
        yield Static(t("tables.none"), id="pane-empty", markup=False)

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
        (info, self.may), query = await asyncio.gather(
            permitted(port, info), self.desk.prepare(port, info, query, key, look)
        )
        if not self.desk.is_editable:
            info, self.may = closed(info)
        old = self.model
        self.info = info
        layout = self.desk.columns(info)
        model = GridModel(TableSource(port, info), layout, self.context.pending, query)
        self.edits = RecordEdits(model, self.context.pending, info, lambda: self.context.port)
        if self.grid is None:
            self.query_one("#pane-empty").display = False
            self.grid = PaneGrid(model, id="grid")
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

    def _connected(self, online: bool) -> None:
        model, port = self.model, self.context.port
        if online and model is not None and port is not None and isinstance(model.source, TableSource):
            model.source.port = port
            model.open()
        self.paint_title()

    def tell_moved(self) -> None:
        """Straight to the screen: from node to node it would cost as much as painting the cursor."""
        self.screen.post_message(self.Moved(self))

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

    def denied(self, operation: str) -> bool:
        """Whether the caller may not do this here; says so."""
        reason = self._denial(operation)
        if reason:
            self.app.notify(reason, severity="warning")
        return bool(reason)

    def _denial(self, operation: str) -> str:
        if self.may.get(operation, True) or self.info is None:
            return ""
        if not self.desk.is_editable:
            return t("views.read_only")
        return t("access.denied", operation=t(f"access.may.{operation}"), table=self.info["name"])

    def why_barred(self, action: str) -> str:
        """Why the caller may not do it here; "" when nothing forbids it (P-043)."""
        operation = NEEDS.get(action, "")
        if action == "row_delete" and self.model is not None and self.model.query.deleted:
            operation = "restore"
        if operation == "update" and self.model is not None and self.model.count:
            field = self.edits.field_here() if self.edits else None
            if field is not None and field["options"].get("denied"):
                return why_read_only(field)
        return self._denial(operation) if operation else ""

    def paint_title(self) -> None:
        """Name, count, conditions and order, and what goes on."""
        model, info = self.model, self.info
        if model is None or info is None:
            return
        pieces: list[Any] = [(info["name"], "bold $primary")]
        if model.view is not None:
            sign = {"exact": "", "at-least": "≥ ", "estimate": "~ "}[model.view["countKind"]]
            pieces.append((f"  {sign}{grouped(model.view['count'])}", "$foreground-muted"))
        if is_read_only(self.may):
            pieces.append((f"  {t('access.read_only')}", "bold $warning"))
        if model.query.deleted:
            pieces.append((f"  {t('tables.trash')}", "bold $warning"))
        pieces += self._view_pieces()
        query = self.desk.base_query()
        if query.filter is not None:
            sentence = FilterDraft(info["fields"], query.filter).sentence()
            pieces += ["  ", (f" ▽ {sentence} ", "$secondary on $boost")]
        if model.query.sort:
            names = {field["name"]: title_of(field) for field in info["fields"]}
            order = ", ".join(
                f"{names.get(key['field'], key['field'])} {'↑' if key['direction'] == 'asc' else '↓'}"
                for key in model.query.sort
            )
            pieces += ["  ", (f" ↕ {order} ", "$secondary on $boost")]
        if staged := self.context.pending.counts().get(info["sqlName"], 0):
            pieces.append((f"  * {t('tables.staged', count=staged)}", "bold $warning"))
        if self.context.port is None:
            pieces.append((f"  {t('tables.offline')}", "bold $warning"))
        elif model.failure is not None:
            pieces.append((f"  ! {model.failure.message}", "bold $error"))
        elif model.loading:
            pieces.append(("  …", "$foreground-muted"))
        self.query_one("#pane-title", Static).update(Content.assemble(*pieces))

    def _view_pieces(self) -> list[Any]:
        """The open view, `*` where it is not as it was kept, and the groups."""
        look, model = self.desk.look, self.model
        pieces: list[Any] = []
        if look is not None:
            name = t(f"views.suggest.{look.layout}", name=look.name) if look.kind == "suggested" else look.name
            mark = "*" if self.desk.is_changed else ""
            pieces += ["  ", (f" {SIGNS.get(look.layout, '')} {name}{mark} ", "bold $accent on $boost")]
        group = model.query.group if model is not None and self.face is None else None
        if group is not None and self.info is not None:
            titles = {field["name"]: title_of(field) for field in self.info["fields"]}
            note = f" ({t('group.too_many')})" if model is not None and model.groups.too_many else ""
            pieces += ["  ", (f" ▾ {titles.get(group['field'], group['field'])}{note} ", "$secondary on $boost")]
        return pieces

    @property
    def face(self) -> Face | None:
        """The board, calendar or gallery in the grid's place."""
        return self.desk.face

    def on_virtual_grid_view_changed(self, event: VirtualGrid.ViewChanged) -> None:
        event.stop()
        self.paint_title()
        self.post_message(self.Shown(self))

    def on_virtual_grid_cursor_moved(self, event: VirtualGrid.CursorMoved) -> None:
        event.stop()
        self.refusal = ""
        self.tell_moved()

    def on_virtual_grid_layout_changed(self, event: VirtualGrid.LayoutChanged) -> None:
        event.stop()
        self.views.keep_layout()

    def on_virtual_grid_scrolled(self, event: VirtualGrid.Scrolled) -> None:
        """Editors do not float away from their cells."""
        event.stop()
        editor = self.host.current
        region = self._region()
        if editor is not None and region is not None and self.editing is not None:
            editor.styles.offset = (int(editor.styles.offset.x.value), min(region.y, max(0, self.size.height - 2)))

    # ── Opening editors ────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("app_back", "mode_entry"):
            return self.grid is not None
        if self.grid is None or (self.face is not None and action in OF_CELLS):
            return False
        if action == "row_detail" and self.model is not None and self.model.query.deleted:
            return False  # its key brings rows back from the trash
        field = self.edits.field_here() if self.edits else None
        if action in ("link_follow", "link_peek"):
            return field is not None and field["family"] == "link"
        if action in ("grid_external", "grid_clear", "grid_value", "grid_bulk", "grid_edit"):
            return self.model is not None and self.model.count > 0
        return True

    def on_virtual_grid_open_cell(self, event: VirtualGrid.OpenCell) -> None:
        event.stop()
        self.edit_cell()

    def on_pane_grid_typed(self, event: PaneGrid.Typed) -> None:
        event.stop()
        self.edit_cell(event.character)

    def on_pane_grid_pasted(self, event: PaneGrid.Pasted) -> None:
        event.stop()
        self.transfer.paste_text(event.text)

    def action_grid_open(self) -> None:
        if self.model is not None and self.model.groups.header(self.model.selection.row) is not None:
            self.model.fold(self.model.selection.row)
            return
        self.edit_cell()

    def action_grid_edit(self) -> None:
        self.edit_cell()

    def action_grid_bulk(self) -> None:
        self.edit_cell("", several=True)

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def edit_cell(self, typed: str | None = None, several: bool = False) -> None:
        """Open the editor of the cell under the cursor. several: for all chosen rows."""
        async with self.context.hold_keys():
            await self._edit_cell(typed, several)

    async def _edit_cell(self, typed: str | None, several: bool) -> None:
        cell = await self.cell_here()
        if cell is None or self.grid is None:
            return
        row, field = cell
        region = self._region()
        if region is None:
            return
        if field["type"] == "button":
            # A worker of its own: this one keeps the keys back, and there may be a question to answer.
            pressing = press_button(self.app, self.context.port, self.info_name, row.key, field)
            self.run_worker(pressing, group="press", exit_on_error=False)
            return
        if not editable(field):
            self.refusal = why_read_only(field)
            self.tell_moved()
            return
        if self.may.get(BY_ROW) and await self._is_closed(row):
            self.refusal = t("access.row")
            self.tell_moved()
            return
        value = self.shown(row, field["name"])
        staged = self.context.pending.cell(self.info_name, row.key, field["name"])
        if staged is not None and staged.state == "invalid" and isinstance(staged.value, str) and typed is None:
            typed = staged.value
        self.editing = Editing(row, field, several)
        label = self._label(field, value)
        lookups = Questions(self.context, self.info_name)
        at = self.grid.model.row(self.grid.model.selection.row)
        labels = self.grid.model.labels(at, field["name"]) if at is not None else {}
        await self.host.open(EditedCell(field, value, typed, label, lookups, labels), region)

    async def _is_closed(self, row: TargetRow) -> bool:
        """A rule of the table keeps the row from whoever is here."""
        port = self.context.port
        return port is not None and not row.key.startswith(REF) and await is_closed(port, self.info_name, row.key)

    @property
    def info_name(self) -> str:
        return self.info["sqlName"] if self.info else ""

    def _region(self) -> Region | None:
        """Where the cell under the cursor is, in our coordinates."""
        field = self.edits.field_here() if self.edits else None
        if self.grid is None or field is None:
            return None
        return self.grid.cell_region(self.grid.model.selection.row, field["name"])

    async def cell_here(self) -> tuple[TargetRow, FieldInfo] | None:
        """The stored row under the cursor, whole, and the field; None while it is not here."""
        edits, model = self.edits, self.model
        field = edits.field_here() if edits else None
        if edits is None or model is None or field is None:
            return None
        position = model.selection.row
        row = model.row(position)
        if row is None:
            return None
        if row.mark == "new":
            return TargetRow(row.key, "", {}), field
        values = {
            name: stored_value(edits.fields[name], row.values[place])
            for name, place in row.columns.items()
            if name in edits.fields
        }
        target = TargetRow(row.key, model.stamp_at(position), values)
        cut = values.get(field["name"])
        if isinstance(cut, dict) and set(cut) == {"cut", "length"}:
            try:
                target = await edits.record(row.key)
            except SovriumError as error:
                self.app.notify(error.message, severity="error")
                return None
        return target, field

    def shown(self, row: TargetRow, name: str) -> Any:
        """The staged value of a cell, or the stored one."""
        assert self.edits is not None
        return self.edits.shown_value(row, name)

    def _label(self, field: FieldInfo, value: Any) -> str:
        model = self.model
        row = model.row(model.selection.row) if model else None
        if model is None or row is None or value is None or field["family"] not in ("link", "user"):
            return ""
        return model.label(row, field["name"], value)

    # ── Taking values ──────────────────────────────────────────────────────────────────────────────────────────────────

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        event.stop()
        editing, self.editing = self.editing, None
        if self.grid is not None:
            self.grid.focus()
        if editing is None:
            return
        if event.changed:
            if isinstance(event.editor, LinkEditor) and self.model is not None:
                for key, label in event.editor.picked().items():
                    self.model.learn_label(editing.field["name"], key, label)
            self.take(editing, event.value, event.problem)
        self._go(event.move, changed=event.changed)

    def on_link_editor_follow_asked(self, event: LinkEditor.FollowAsked) -> None:
        event.stop()
        cell = event.editor.cell
        if cell is not None:
            self.views.go_to(cell.field, event.key)

    def take(self, editing: Editing, value: Any, problem: str = "") -> None:
        """Stage a value for the cell, or for the chosen rows."""
        if editing.several:
            self._take_several(editing, value, problem)
        elif self.edits is not None:
            self.edits.stage([editing.row], editing.field, value, problem)

    @work(exit_on_error=False)
    async def _take_several(self, editing: Editing, value: Any, problem: str) -> None:
        edits = self.edits
        async with self.context.hold_keys():
            rows = await self.transfer.guarded(edits.chosen_rows([editing.field["name"]])) if edits else None
        if edits is not None and rows is not None:
            edits.stage(rows, editing.field, value, problem)
            self.app.notify(t("tables.set", count=len(rows), field=title_of(editing.field)))

    def _go(self, move: Move, *, changed: bool) -> None:
        grid = self.grid
        if grid is None:
            return
        selection = grid.model.selection
        if move == "right":
            grid.move_to(selection.row, selection.column + 1)
        elif move == "left":
            grid.move_to(selection.row, selection.column - 1)
        elif grid.entry and changed:
            grid.move_to(selection.row + 1, selection.column)

    def on_cell_editor_values_asked(self, event: CellEditor.ValuesAsked) -> None:
        event.stop()
        if self.grid is not None:
            self.grid.focus()
        self.action_grid_value()

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def action_grid_value(self) -> None:
        """The menu of values that cannot be typed: NULL, default, empty, now."""
        cell = await self.cell_here()
        if cell is None:
            return
        row, field = cell
        if not editable(field):
            self.edit_cell()
            return
        hit = await self.app.push_screen_wait(Finder(t("values.placeholder", field=title_of(field)), value_hits(field)))
        if hit is not None and self.model is not None:
            several = self.model.selection.mode != "cell"
            self.take(Editing(row, field, several), hit.value, check(field, hit.value))

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def action_grid_external(self) -> None:
        """The cell in $EDITOR."""
        cell = await self.cell_here()
        if cell is None or not editable(cell[1]):
            return
        row, field = cell
        edited = edit_outside(self.app, field, self.shown(row, field["name"]))
        if edited is not None:
            self.take(Editing(row, field), edited.value, edited.message)

    @work(exit_on_error=False)
    async def action_grid_clear(self) -> None:
        edits = self.edits
        done = await self.transfer.guarded(edits.clear()) if edits else None
        if done is not None and done[1] and not done[0]:
            self.app.notify(t("value.required", field=title_of(done[1][0])), severity="warning")

    # ── Rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="edit", exit_on_error=False)
    async def action_row_new(self) -> None:
        """A new row below the cursor, with its first field open."""
        if self.denied("create"):
            return
        if self.face is not None:
            self.desk.new_row()
            return
        async with self.context.hold_keys():
            edits, grid = self.edits, self.grid
            if edits is None or grid is None:
                return
            self._stand_on(edits.new())
            grid.move_to(grid.model.selection.row, self._first_field())
            await self._edit_cell(None, False)

    def _first_field(self) -> int:
        """Place of the column that a new row begins with: what must have a value, else what is typed."""
        shown = self.grid.model.layout.shown if self.grid is not None else []
        required = (i for i, c in enumerate(shown) if editable(c.field) and c.field["required"])
        typed = (i for i, c in enumerate(shown) if editable(c.field) and c.field["editor"] != "checkbox")
        return next(required, next(typed, 0))

    def _stand_on(self, key: str) -> None:
        if self.grid is not None and (position := self.grid.model.position_of(key)) is not None:
            self.grid.move_to(position, self.grid.model.selection.column)

    @work(exit_on_error=False)
    async def action_row_duplicate(self) -> None:
        if self.denied("create"):
            return
        edits = self.edits
        if edits is None:
            return
        async with self.context.hold_keys():
            refs = await self.transfer.guarded(edits.duplicate())
        if refs:
            self._stand_on(refs[0])

    @work(exit_on_error=False)
    async def action_row_delete(self) -> None:
        """Stage deletion; the same again takes it back. In the trash: stage the return. What is typed behind it waits: it
        may be the key that saves."""
        if self.denied("restore" if self.model is not None and self.model.query.deleted else "delete"):
            return
        edits, model = self.edits, self.model
        if edits is None or model is None or not model.count:
            return
        if model.query.deleted:
            async with self.context.hold_keys():
                count = await self.transfer.guarded(edits.restore())
            if count:
                self.app.notify(t("tables.restored", count=count))
            return
        async with self.context.hold_keys():
            done = await self.transfer.guarded(edits.delete())
        if done is not None and done[0] and not done[1]:
            self.app.notify(t("tables.deleted", count=done[0]), timeout=10)
        elif done is not None and done[0] > 1:
            self.app.notify(t("tables.undeleted", count=done[0]))

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
        if self.denied("create"):
            return
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
