"""Rows of a pane: made, copied, deleted, brought back, emptied."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from screens.presenters.link import REF
from screens.presenters.value import editable, is_generated, title_of, why_read_only
from screens.services.text import t
from screens.widgets.cell_editing import is_typed

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane


COMPUTED_MOST = 100
"""Records for which a model is asked at a time."""


class RowEditing:
    """Part of a `GridPane`: runs in its workers."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self.pane.run_worker(work, exit_on_error=False)

    def clear(self) -> None:
        """The chosen cells get no value."""
        self._start(self._clear())

    async def _clear(self) -> None:
        edits = self.pane.edits
        if edits is None:
            return
        here = edits.field_here()
        if here is not None and not any(map(editable, edits.chosen_fields())):
            self.pane.editing.refuse(why_read_only(here))
            return
        done = await self.pane.transfer.guarded(edits.clear())
        if done is not None and done[1] and not done[0]:
            self.pane.app.notify(t("value.required", field=title_of(done[1][0])), severity="warning")

    def compute(self) -> None:
        """Have a language model fill those of the chosen cells anew that it fills."""
        self._start(self._compute())

    async def _compute(self) -> None:
        edits, port = self.pane.edits, self.pane.context.port
        if edits is None:
            return
        names = [field["name"] for field in edits.chosen_fields() if is_generated(field)]
        if port is None or not names:
            return
        rows = await self.pane.transfer.guarded(edits.chosen_rows(names))
        stored = [row.key for row in rows or () if not row.key.startswith(REF)]
        if len(stored) > COMPUTED_MOST:
            self.pane.app.notify(t("tables.compute.too_many", most=COMPUTED_MOST), severity="warning")
            return
        for key in stored:
            if await self.pane.transfer.guarded(port.compute(self.pane.info_name, key, names)) is None:
                return
        self.pane.app.notify(t("tables.computing", count=len(stored)))

    def new(self) -> None:
        """A new row below the cursor, with its first field open."""
        self.pane.run_worker(self._new(), group="edit", exclusive=True, exit_on_error=False)

    async def _new(self) -> None:
        if self.pane.face is not None:
            self.pane.desk.new_row()
            return
        async with self.pane.context.hold_keys():
            edits, grid = self.pane.edits, self.pane.grid
            if edits is None or grid is None:
                return
            self._stand_on(edits.new())
            grid.move_to(grid.model.selection.row, self._first_field())
            await self.pane.editing.open()

    def _first_field(self) -> int:
        """Place of the column that a new row begins with: what must have a value, else what is typed."""
        shown = self.pane.grid.model.layout.shown if self.pane.grid is not None else []
        required = (i for i, c in enumerate(shown) if editable(c.field) and c.field["required"])
        typed = (i for i, c in enumerate(shown) if is_typed(c.field))
        return next(required, next(typed, 0))

    def _stand_on(self, key: str) -> None:
        if self.pane.grid is not None and (position := self.pane.grid.model.position_of(key)) is not None:
            self.pane.grid.move_to(position, self.pane.grid.model.selection.column)

    def duplicate(self) -> None:
        """The chosen rows once more, as new ones."""
        self._start(self._duplicate())

    async def _duplicate(self) -> None:
        edits = self.pane.edits
        if edits is None:
            return
        async with self.pane.context.hold_keys():
            refs = await self.pane.transfer.guarded(edits.duplicate())
        if refs:
            self._stand_on(refs[0])

    def delete(self) -> None:
        """Stage deletion; the same again takes it back. In the trash: stage the return. What is typed behind it waits: it
        may be the key that saves."""
        self._start(self._delete())

    async def _delete(self) -> None:
        edits, model = self.pane.edits, self.pane.model
        if edits is None or model is None or not model.count:
            return
        if model.query.deleted:
            async with self.pane.context.hold_keys():
                count = await self.pane.transfer.guarded(edits.restore())
            if count:
                self.pane.app.notify(t("tables.restored", count=count))
            return
        async with self.pane.context.hold_keys():
            done = await self.pane.transfer.guarded(edits.delete())
        if done is None:
            return
        if done.undone:
            if done.marked > 1:
                self.pane.app.notify(t("tables.undeleted", count=done.marked))
        elif done.marked:
            self.pane.app.notify(t("tables.deleted", count=done.marked), timeout=10)
        elif done.removed:
            self.pane.app.notify(t("tables.removed", count=done.removed))
