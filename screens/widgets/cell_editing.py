"""The editor over a cell of a pane: when it opens, and what becomes of its value."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.geometry import Region

from core.client import SovriumError
from core.contract.tables import FieldInfo
from screens.presenters.amount import mentions_own
from screens.presenters.link import REF
from screens.presenters.paste import TargetRow
from screens.presenters.permission import BY_ROW, is_closed
from screens.presenters.value import check, editable, stored_value, title_of, why_read_only
from screens.services.text import t
from screens.widgets.cell_values import value_hits
from screens.widgets.change_panel import Spot
from screens.widgets.editors.base import CellEditor, EditedCell, Move
from screens.widgets.editors.link import LinkEditor
from screens.widgets.external_editor import edit_outside
from screens.widgets.finder import Finder
from screens.widgets.press import press_button
from screens.widgets.question import Questions

if TYPE_CHECKING:
    from screens.presenters.grid_model import GridModel
    from screens.presenters.grid_row import GridRow
    from screens.widgets.grid_pane import GridPane


PATIENCE = 5.0
"""Seconds for which a key waits for the row that it is meant for."""


LINES_BELOW = 2
"""What an editor of one line may have to say about the value stands below the cell."""


def is_typed(field: FieldInfo) -> bool:
    """Whether opening its editor changes nothing by itself."""
    return editable(field) and field["editor"] != "checkbox" and field["type"] != "button"


@dataclass(frozen=True, slots=True)
class Target:
    """The cell that an editor is open on. `several`: the value goes into the chosen rows."""

    row: TargetRow
    field: FieldInfo
    several: bool = False


class CellEditing:
    """Part of a `GridPane`: runs in its workers."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane
        self.target: Target | None = None
        self._refused: tuple[Spot | None, str] = (None, "")

    def _start(self, work: Coroutine[Any, Any, None], *, exclusive: bool = True) -> None:
        self.pane.run_worker(work, group="edit" if exclusive else "default", exclusive=exclusive, exit_on_error=False)

    def edit(self, typed: str | None = None, *, several: bool = False) -> None:
        """Open the editor of the cell under the cursor. several: for all chosen rows."""
        self._start(self._edit(typed, several))

    async def _edit(self, typed: str | None, several: bool) -> None:
        async with self.pane.context.hold_keys():
            await self.open(typed, several=several)

    async def open(self, typed: str | None = None, *, several: bool = False) -> None:
        """The same for a worker that keeps keys back already."""
        cell = await self.here()
        if cell is None or self.pane.grid is None:
            return
        row, field = cell
        self.pane.grid.leave_room(LINES_BELOW)
        region = self.region()
        if region is None:
            return
        if field["type"] == "button":
            # A worker of its own: this one keeps the keys back, and there may be a question to answer.
            pressing = press_button(self.pane.app, self.pane.context.port, self.pane.info_name, row.key, field)
            self.pane.run_worker(pressing, group="press", exit_on_error=False)
            return
        if not editable(field):
            self.refuse(why_read_only(field))
            return
        if self.pane.access.may.get(BY_ROW) and await self._is_closed(row):
            self.refuse(t("access.row"))
            return
        value = self.shown(row, field["name"])
        staged = self.pane.context.pending.cell(self.pane.info_name, row.key, field["name"])
        if staged is not None and staged.state == "invalid" and isinstance(staged.value, str) and typed is None:
            typed = staged.value
        self.target = Target(row, field, several)
        label = self._label(field, value)
        lookups = Questions(self.pane.context, self.pane.info_name)
        at = self.pane.grid.model.row(self.pane.grid.model.selection.row)
        labels = self.pane.grid.model.labels(at, field["name"]) if at is not None else {}
        await self.pane.host.open(EditedCell(field, value, typed, label, lookups, labels), region)

    def refuse(self, reason: str) -> None:
        """Say why the cell under the cursor cannot be edited."""
        self._refused = (self._spot(), reason)
        self.pane.tell_moved()

    @property
    def refusal(self) -> str:
        """Why the cell under the cursor did not open, as long as the cursor stays: not only until its row comes anew."""
        spot, reason = self._refused
        return reason if spot is not None and spot == self._spot() else ""

    def _spot(self) -> Spot | None:
        model, field = self.pane.model, self.pane.edits.field_here() if self.pane.edits else None
        key = model.key_at(model.selection.row) if model else None
        return Spot(self.pane.info_name, key, field["name"]) if key is not None and field is not None else None

    async def _is_closed(self, row: TargetRow) -> bool:
        """A rule of the table keeps the row from whoever is here."""
        port = self.pane.context.port
        return port is not None and not row.key.startswith(REF) and await is_closed(port, self.pane.info_name, row.key)

    def region(self) -> Region | None:
        """Where the cell under the cursor is, in the coordinates of the pane."""
        field = self.pane.edits.field_here() if self.pane.edits else None
        if self.pane.grid is None or field is None:
            return None
        return self.pane.grid.cell_region(self.pane.grid.model.selection.row, field["name"])

    async def here(self) -> tuple[TargetRow, FieldInfo] | None:
        """The stored row under the cursor, whole, and the field. A row on its way is waited for; None when it does not
        come, which is told."""
        edits, model = self.pane.edits, self.pane.model
        field = edits.field_here() if edits else None
        if edits is None or model is None or field is None:
            return None
        position = model.selection.row
        row = await self.row_at(model, position)
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
                self.pane.app.notify(error.message, severity="error")
                return None
        return target, field

    async def row_at(self, model: GridModel, position: int) -> GridRow | None:
        """A row, waited for while it is on its way; None when it does not come, which is told."""
        row = model.row(position)
        if row is None and self.pane.context.port is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    row = await model.arrived(position)
        if row is None and position < model.count and not model.groups.header(position):
            self.pane.app.notify(t("edit.not_here"), severity="warning")
        return row

    def shown(self, row: TargetRow, name: str) -> Any:
        """The staged value of a cell, or the stored one."""
        assert self.pane.edits is not None
        return self.pane.edits.shown_value(row, name)

    def _label(self, field: FieldInfo, value: Any) -> str:
        model = self.pane.model
        row = model.row(model.selection.row) if model else None
        if model is None or row is None or value is None or field["family"] not in ("link", "user"):
            return ""
        return model.label(row, field["name"], value)

    def done(self, event: CellEditor.Done) -> None:
        """The editor was left: take its value, go where it says."""
        target, self.target = self.target, None
        if self.pane.grid is not None:
            self.pane.grid.focus()
        if target is None:
            return
        if event.changed:
            if isinstance(event.editor, LinkEditor) and self.pane.model is not None:
                for key, label in event.editor.picked().items():
                    self.pane.model.learn_label(target.field["name"], key, label)
            draft = event.editor.draft() if event.editor.kind == "number" else ""
            if target.several and mentions_own(draft):
                self._start(self._recalculate(target, draft), exclusive=False)
            else:
                self.take(target, event.value, event.problem)
        if event.move in ("right", "left") and target.row.key.startswith(REF) and self._fill_in(event.move):
            return
        self._go(event.move, changed=event.changed)

    def follow_cell(self) -> None:
        """Rows have scrolled or come anew: editors do not float away from their cells."""
        editor, grid, target = self.pane.host.current, self.pane.grid, self.target
        if editor is None or grid is None or target is None:
            return
        position = grid.model.position_of(target.row.key)
        region = grid.cell_region(position, target.field["name"]) if position is not None else None
        if region is not None:
            lowest = max(0, self.pane.size.height - 2)
            editor.styles.offset = (int(editor.styles.offset.x.value), min(region.y, lowest))

    def take(self, target: Target, value: Any, problem: str = "") -> None:
        """Stage a value for the cell, or for the chosen rows."""
        if target.several:
            self._start(self._take_several(target, value, problem), exclusive=False)
        elif self.pane.edits is not None:
            self.pane.edits.stage([target.row], target.field, value, problem)

    async def _take_several(self, target: Target, value: Any, problem: str) -> None:
        edits, rows = self.pane.edits, await self._chosen_rows(target.field)
        if edits is not None and rows is not None:
            edits.stage(rows, target.field, value, problem)
            self.pane.app.notify(t("tables.set", count=len(rows), field=title_of(target.field)))

    async def _recalculate(self, target: Target, text: str) -> None:
        """What a sum makes of each of the chosen numbers."""
        edits, rows = self.pane.edits, await self._chosen_rows(target.field)
        if edits is not None and rows is not None:
            count = edits.recalculate(rows, target.field, text)
            self.pane.app.notify(t("tables.set", count=count, field=title_of(target.field)))

    async def _chosen_rows(self, field: FieldInfo) -> list[TargetRow] | None:
        """None when they cannot be had, which is told."""
        edits = self.pane.edits
        async with self.pane.context.hold_keys():
            return await self.pane.transfer.guarded(edits.chosen_rows([field["name"]])) if edits else None

    def _fill_in(self, move: Move) -> bool:
        """Open the next cell of a new row that is typed into, as in a form: letters would be commands there. False behind
        the last one."""
        grid = self.pane.grid
        if grid is None:
            return False
        columns, here = grid.model.layout.shown, grid.model.selection.column
        way = range(here + 1, len(columns)) if move == "right" else range(here - 1, -1, -1)
        place = next((place for place in way if is_typed(columns[place].field)), None)
        if place is not None:
            grid.move_to(grid.model.selection.row, place)
            self.edit()
        return place is not None

    def _go(self, move: Move, *, changed: bool) -> None:
        grid = self.pane.grid
        if grid is None:
            return
        selection = grid.model.selection
        if move == "right":
            grid.move_to(selection.row, selection.column + 1)
        elif move == "left":
            grid.move_to(selection.row, selection.column - 1)
        elif grid.entry and changed:
            grid.move_to(selection.row + 1, selection.column)

    def choose_value(self) -> None:
        """The menu of values that cannot be typed: NULL, default, empty, now."""
        self._start(self._choose_value())

    async def _choose_value(self) -> None:
        cell = await self.here()
        if cell is None:
            return
        row, field = cell
        if not editable(field):
            self.refuse(why_read_only(field))
            return
        hits = value_hits(field)
        if not hits:
            self.refuse(t("values.none"))
            return
        hit = await self.pane.app.push_screen_wait(Finder(t("values.placeholder", field=title_of(field)), hits))
        if hit is not None and self.pane.model is not None:
            several = self.pane.model.selection.mode != "cell"
            self.take(Target(row, field, several), hit.value, check(field, hit.value))

    def edit_outside(self) -> None:
        """The cell in $EDITOR."""
        self._start(self._edit_outside())

    async def _edit_outside(self) -> None:
        cell = await self.here()
        if cell is None:
            return
        row, field = cell
        if not editable(field):
            self.refuse(why_read_only(field))
            return
        edited = edit_outside(self.pane.app, field, self.shown(row, field["name"]))
        if edited is not None:
            self.take(Target(row, field), edited.value, edited.message)
