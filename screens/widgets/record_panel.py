"""One record from top to bottom beside the grid, with the same editors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Region
from textual.message import Message
from textual.widgets import Static
from textual.worker import Worker

from core.contract.tables import FieldInfo
from screens.actions.binding import bindings_of
from screens.presenters.format import formatter, is_labelled
from screens.presenters.incoming import (
    MORE,
    ancestors,
    computed_text,
    linking_to,
    names_of,
    read_incoming,
    shown_values,
)
from screens.presenters.link import REF
from screens.presenters.paste import TargetRow
from screens.presenters.pending import PendingChanges
from screens.presenters.place import Place
from screens.presenters.record_sheet import FILE_TYPES, OPEN, Line, RecordSheet, Spot
from screens.presenters.staged import Staged
from screens.presenters.value import (
    NULL,
    SHAPED,
    check,
    edit_text,
    editable,
    is_cut,
    problem_text,
    show,
    title_of,
    why_read_only,
)
from screens.services.text import t
from screens.widgets.cell_values import value_hits
from screens.widgets.defect import tell_defect
from screens.widgets.editors.base import CellEditor, EditedCell
from screens.widgets.editors.link import LinkEditor
from screens.widgets.editors.registry import EditorHost
from screens.widgets.finder import Finder
from screens.widgets.grid_pane import GridPane
from screens.widgets.press import press_button
from screens.widgets.question import Questions
from screens.widgets.record_files import RecordFiles
from screens.widgets.record_form import NAME_WIDTH, RecordForm

OF_FIELDS = ("record_value", "record_clear", "record_add_file", "record_remove_file")
"""Actions that change the field under the cursor."""
NAMED = 50
"""Linked records of a field that are called by their names."""
FOLDED = "record.folded"
"""Which sections a person keeps closed, in the session."""


class RecordPanel(Container):
    """Follows the cursor of a pane. Reads the whole record, so that nothing is cut."""

    DEFAULT_CSS = """
    RecordPanel { width: 46; height: 1fr; layers: base editor; background: $surface; border-left: solid $border-blurred; }
    RecordPanel > #record-title { height: 1; padding: 0 1; background: $panel; text-style: bold; color: $primary; }
    RecordPanel > #record-note { height: auto; max-height: 10; padding: 0 1; color: $foreground; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("record"),
        Binding("right,l", "turn_to(True)", show=False),
        Binding("left,h", "turn_to(False)", show=False),
    ]
    action_context = "record"

    @dataclass
    class Closed(Message):
        """The person has had enough of it."""

    def __init__(self, pane: GridPane, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.pane = pane
        self.row: TargetRow | None = None
        self.host = EditorHost(self)
        self._field: FieldInfo | None = None
        self._above: list[tuple[str, str]] = []
        self._asks_names = False
        """What linked records are called is being asked: until then their keys would stand there."""
        kept = pane.context.session.get(FOLDED)
        self.files = RecordFiles(self)
        self.sheet = RecordSheet(folded=set(kept) if isinstance(kept, list) else set())

    def compose(self) -> ComposeResult:
        yield Static(id="record-title", markup=False)
        yield RecordForm()
        yield Static(id="record-note", markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    @property
    def form(self) -> RecordForm:
        return self.query_one(RecordForm)

    @property
    def pending(self) -> PendingChanges:
        return self.pane.context.pending

    @work(exclusive=True, group="record", exit_on_error=False)
    async def follow(self) -> None:
        """Show the row under the pane's cursor: what the grid knows at once, then the whole record."""
        cell = await self.pane.editing.here()
        if cell is None or self.pane.edits is None:
            self.row = None
            self.query_one("#record-title", Static).update(t("record.none"))
            self.form.show([])
            return
        if self.row is None or self.row.key != cell[0].key:
            self._above = []
            self.sheet.forget()
        self.row = cell[0]
        self.paint()
        if not self.row.key.startswith(REF):
            whole = await self.pane.transfer.guarded(self.pane.edits.record(self.row.key))
            if whole is not None:
                self.row = whole
                self._asks_names = True
                self.paint()
                try:
                    await self._read_links()
                finally:
                    self._asks_names = False
                self.paint()

    async def _read_links(self) -> None:
        """What links here, and what the record belongs to."""
        port, info, row, schema = self.pane.context.port, self.pane.info, self.row, self.pane.context.schema
        if port is None or info is None or row is None or schema is None:
            return
        found, above, _ = await asyncio.gather(
            linking_to(port, schema["tables"], info, row.key), ancestors(port, info, row.key), self._read_names(row)
        )
        if self.row is row:
            self.sheet.incoming[info["sqlName"], row.key] = found
            self._above = above

    async def _read_names(self, row: TargetRow) -> None:
        """What linked records are called that the grid does not show."""
        port, info, model = self.pane.context.port, self.pane.info, self.pane.model
        at = model.row(model.selection.row) if model is not None else None
        if port is None or info is None or model is None or at is None:
            return
        for field in info["fields"]:
            related = self.pane.context.related(field) if field["family"] == "link" else None
            value = row.values.get(field["name"])
            known = model.labels(at, field["name"])
            keys = [str(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
            unknown = [key for key in keys if key not in known][:NAMED]
            if related is not None and unknown:
                for key, name in (await names_of(port, related, unknown)).items():
                    model.learn_label(field["name"], key, name)
        far = [f["name"] for f in info["fields"] if is_labelled(f) and f["family"] != "link"]
        told = {name: str(row.values[name]) for name in far if row.values.get(name) is not None}
        if any(value not in model.labels(at, name) for name, value in told.items()):
            shown = await shown_values(port, info, row.key)
            for name, value in told.items():
                model.learn_label(name, value, str(shown.get(name, value)))

    def paint(self) -> None:
        """The form from the row and what is staged over it."""
        row, info, schema = self.row, self.pane.info, self.pane.context.schema
        if row is None or info is None or schema is None:
            return
        self.form.show(self.sheet.lines(info, row.key, self.cell, schema["tables"]))
        title = self.pending.cell(info["sqlName"], row.key, info["displayField"])
        name = title.value if title else row.values.get(info["displayField"])
        text = str(name) if name is not None else t("record.new")
        self.query_one("#record-title", Static).update(" › ".join([*(each for _, each in self._above), text]))
        self.paint_note()

    def cell(self, field: FieldInfo) -> tuple[Any, str, str]:
        """Value, text and state of a field, with what is staged over it."""
        row, info = self.row, self.pane.info
        assert row is not None
        assert info is not None
        staged = self.pending.cell(info["sqlName"], row.key, field["name"])
        value = staged.value if staged else row.values.get(field["name"])
        return value, self._text(field, value), self._state(field, value, staged)

    def _text(self, field: FieldInfo, value: Any) -> str:
        if field["type"] == "button":
            return f"[ {title_of(field)} ]"
        if value is None:
            return NULL
        if field["editor"] in SHAPED:
            return formatter(field)(value)
        if is_labelled(field):
            return self.pane.views.label(field, value) or ("…" if self._asks_names else show(field, value))
        if value == "" or value == [] or is_cut(value) or isinstance(value, dict | list):
            return show(field, value)
        return formatter(field)(value)

    def _state(self, field: FieldInfo, value: Any, staged: Staged | None) -> str:
        if staged is not None:
            return staged.state
        if value is None:
            return "null"
        return "value" if editable(field) else "readonly"

    def paint_note(self) -> None:
        """What is wrong with the field under the cursor, or what it is for."""
        field, info, row = self.field_here(), self.pane.info, self.row
        note = ""
        if field is not None and info is not None and row is not None:
            staged = self.pending.cell(info["sqlName"], row.key, field["name"])
            text = self._whole(field, staged.value if staged else row.values.get(field["name"]))
            note = text or field["description"]
            if staged and staged.message:
                note = f"! {problem_text(field, staged.value, staged.message)}"
            if not note and field["options"].get("denied"):
                note = why_read_only(field)
        self.query_one("#record-note", Static).update(note)

    def _whole(self, field: FieldInfo, value: Any) -> str:
        """The text of a value that does not fit into its line; "" for one that does."""
        text = edit_text(field, value) if isinstance(value, str | dict) and set(value) != {"ref"} else ""
        fits = len(text) <= self.form.size.width - NAME_WIDTH - 3 and "\n" not in text
        return "" if fits or field["editor"] not in ("text", "json", "line") else text

    def on_record_form_moved(self, event: RecordForm.Moved) -> None:
        event.stop()
        self.paint_note()
        self.screen.refresh_bindings()  # files and sections have keys of their own

    def field_here(self) -> FieldInfo | None:
        line = self.form.current
        return line.field if line is not None else None

    # ── Editing ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_record_form_opened(self) -> None:
        self.action_record_edit()

    @work(exclusive=True, group="record-edit", exit_on_error=False)
    async def action_record_edit(self) -> None:
        async with self.pane.context.hold_keys():
            await self._edit()

    async def _open_spot(self, spot: Spot) -> None:
        """Go to a record that links here, to all of them, or read more of the list."""
        linked, port = spot.linked, self.pane.context.port
        table = linked.table["sqlName"]
        if port is None:
            return
        if spot.more:
            more = await read_incoming(port, linked.table, linked.field, spot.of[1], len(linked.records) + MORE)
            if more is not None:
                lists = self.sheet.incoming.get(spot.of, [])
                more = replace(more, shown=linked.shown)
                self.sheet.incoming[spot.of] = [more if each is linked else each for each in lists]
            self.paint()
            return
        state: dict[str, Any] = {"table": table, "key": spot.key}
        if not spot.key:
            leaf = {"field": linked.field["name"], "operator": "equals", "value": spot.of[1]}
            state = {"table": table, "filter": leaf}
        self.pane.context.go(Place("tables", f"{table}#{spot.key or spot.of[1]}", linked.table["name"], state))

    async def _edit(self) -> None:
        line = self.form.current
        if line is not None and line.spot is not None:
            await self._open_spot(line.spot)
            return
        if line is not None and line.field is None:
            await self._turn_fold(line)
            return
        if line is not None and line.file is not None:
            self.action_record_open_file()
            return
        field, row, info = self.field_here(), self.row, self.pane.info
        if field is None or row is None or info is None:
            return
        if field["type"] == "button":
            pressing = press_button(self.app, self.pane.context.port, info["sqlName"], row.key, field)
            self.run_worker(pressing, group="press", exit_on_error=False)
            return
        if not editable(field):
            how = computed_text(field, row.values, info["fields"])
            self.query_one("#record-note", Static).update(how or why_read_only(field))
            return
        staged = self.pending.cell(info["sqlName"], row.key, field["name"])
        value = staged.value if staged else row.values.get(field["name"])
        typed = value if staged and staged.state == "invalid" and isinstance(value, str) else None
        label = self.pane.views.label(field, value) if field["family"] == "link" else ""
        self._field = field
        inside = self.form.region_of(self.form.at)
        region = Region(inside.x, inside.y + 1, inside.width, 1)
        questions = Questions(self.pane.context, info["sqlName"])
        await self.host.open(EditedCell(field, value, typed, label, questions), region, self.content_size)

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        event.stop()
        field, self._field = self._field, None
        self.form.focus()
        if field is not None and event.changed:
            self.stage(field, event.value, event.problem)
        if event.move == "right":
            self.form.action_move(1)
        elif event.move == "left":
            self.form.action_move(-1)

    def on_link_editor_follow_asked(self, event: LinkEditor.FollowAsked) -> None:
        event.stop()
        cell = event.editor.cell
        if cell is not None:
            self.pane.views.go_to(cell.field, event.key)

    def on_cell_editor_values_asked(self, event: CellEditor.ValuesAsked) -> None:
        event.stop()
        self.form.focus()
        self.action_record_value()

    def stage(self, field: FieldInfo, value: Any, problem: str = "") -> None:
        if self.row is not None and self.pane.edits is not None:
            self.pane.edits.stage([self.row], field, value, problem)
            self.paint()

    @work(exclusive=True, group="record-edit", exit_on_error=False)
    async def action_record_value(self) -> None:
        field = self.field_here()
        if field is None or not editable(field):
            return
        hit = await self.app.push_screen_wait(Finder(t("values.placeholder", field=title_of(field)), value_hits(field)))
        if hit is not None:
            self.stage(field, hit.value, check(field, hit.value))

    def action_record_clear(self) -> None:
        field = self.field_here()
        if field is None or not editable(field):
            return
        if problem := check(field, None):
            self.app.notify(problem, severity="warning")
        else:
            self.stage(field, None)

    def action_record_close(self) -> None:
        self.post_message(self.Closed())

    def action_app_back(self) -> None:
        """Escape: back to the grid."""
        self.post_message(self.Closed())

    # ── Sections and the tree of links ─────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        line = self.form.current if self.is_mounted else None
        field = line.field if line is not None else None
        match action:
            case "record_fold":
                return line is not None and bool(line.folds)
            case "record_open_file" | "record_save_file" | "record_remove_file":
                return line is not None and line.file is not None
            case "record_add_file":
                return field is not None and field["type"] in FILE_TYPES
            case "record_value" | "record_clear":
                return field is not None and line is not None and line.file is None
        return super().check_action(action, parameters)

    def why_barred(self, action: str) -> str:
        """Why the caller may not do it to the field under the cursor (P-043)."""
        field = self.field_here()
        if action in ("record_edit", *OF_FIELDS) and field is not None and field["options"].get("denied"):
            return why_read_only(field)
        return self.pane.why_barred(action) if action in OF_FIELDS else ""

    @work(exclusive=True, group="record-fold", exit_on_error=False)
    async def action_record_fold(self) -> None:
        """Open or close the section, or what links to the linked record."""
        if (line := self.form.current) is not None:
            await self._turn_fold(line)

    @work(exclusive=True, group="record-fold", exit_on_error=False)
    async def action_turn_to(self, is_open: bool) -> None:
        """→ opens, ← closes; ← on a line inside goes to the heading."""
        line, form = self.form.current, self.form
        if line is None:
            return
        if line.folds and self._is_open(line) is not is_open:
            await self._turn_fold(line)
        elif not is_open:
            above = next((at for at in range(form.at - 1, -1, -1) if form.lines[at].folds), None)
            if above is not None:
                form.action_move(above - form.at)

    @staticmethod
    def _is_open(line: Line) -> bool:
        return OPEN in (line.title[:1], line.text.lstrip()[:1])

    async def _turn_fold(self, line: Line) -> None:
        spot, port, schema = line.spot, self.pane.context.port, self.pane.context.schema
        if not line.folds:
            return
        if spot is None or not spot.key:
            self.sheet.turn(line.folds)
            self.pane.context.session.put(FOLDED, sorted(self.sheet.folded))
        elif port is not None and schema is not None:
            here = (spot.linked.table["sqlName"], spot.key)
            self.sheet.opened ^= {here}
            if here in self.sheet.opened and here not in self.sheet.incoming:
                self.sheet.incoming[here] = await linking_to(port, schema["tables"], spot.linked.table, spot.key)
        self.paint()

    # ── Files ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_record_add_file(self) -> None:
        """The editor of the field, whose line takes a path."""
        field = self.field_here()
        at = next((n for n, line in enumerate(self.form.lines) if line.field is field and line.file is None), None)
        if field is not None and at is not None:
            self.form.action_move(at - self.form.at)
            self.action_record_edit()

    def action_record_remove_file(self) -> None:
        self.files.remove()

    @work(exclusive=True, group="record-file", exit_on_error=False)
    async def action_record_open_file(self) -> None:
        await self.files.open()

    @work(exclusive=True, group="record-file", exit_on_error=False)
    async def action_record_save_file(self) -> None:
        await self.files.save()

    # ── Moving between records ─────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self, step: int) -> None:
        grid = self.pane.grid
        if grid is not None:
            grid.move_to(grid.model.selection.row + step, grid.model.selection.column)

    def action_record_next(self) -> None:
        self._turn(1)

    def action_record_previous(self) -> None:
        self._turn(-1)

    def action_record_follow(self) -> None:
        field, grid = self.field_here(), self.pane.grid
        if field is not None and grid is not None and (place := grid.model.layout.index(field["name"])) is not None:
            grid.move_to(grid.model.selection.row, place)
            self.pane.action_link_follow()
