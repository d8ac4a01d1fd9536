"""What keys do to the rows of one grid: find out which rows and fields are meant, read them whole, stage the change.

Stored values are read with their versions, never from texts on screen: a cut text is read with its record, so that undo
after a save can bring it back.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from core.client import Port
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.amount import with_own
from screens.presenters.grid_model import READ_ROWS, GridModel
from screens.presenters.link import NewRecord
from screens.presenters.paste import PasteDraft, TargetRow
from screens.presenters.pending import PendingChanges
from screens.presenters.staged import CellEdit
from screens.presenters.value import ValueRefused, check, editable, is_cut, parse, stored_value

MOST_ROWS = 10_000
"""Rows that one key may stage; more is the business of SQL or an import."""
AT_ONCE = 8
"""Records read at the same time."""


class Deletion(NamedTuple):
    """What the key that deletes has done: how many stored rows it marks, how many new ones it took away; `undone` when it
    took marks back."""

    marked: int
    removed: int = 0
    undone: bool = False


class TooManyRows(Exception):
    """More rows are chosen than can be staged. `count` of them."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class RecordEdits:
    """Edits of one table through the selection of its grid. Reading raises the port's errors."""

    def __init__(
        self, model: GridModel, pending: PendingChanges, info: TableInfo, port: Callable[[], Port | None]
    ) -> None:
        self.model = model
        self.pending = pending
        self.info = info
        self.table = info["sqlName"]
        self.fields = {field["name"]: field for field in info["fields"]}
        self._port = port

    # ── What is chosen ─────────────────────────────────────────────────────────────────────────────────────────────────

    def field_here(self) -> FieldInfo | None:
        """The field under the cursor."""
        shown = self.model.layout.shown
        at = self.model.selection.column
        return self.fields.get(shown[at].name) if at < len(shown) else None

    def chosen_fields(self) -> list[FieldInfo]:
        """The fields that an operation on the selection is about: the columns of a range, else all shown."""
        shown = [self.fields[column.name] for column in self.model.layout.shown if column.name in self.fields]
        selection = self.model.selection
        if selection.mode in ("cell", "range"):
            block = selection.block(len(shown))
            return shown[block.left : block.right + 1]
        return shown

    async def chosen_rows(self, names: Sequence[str]) -> list[TargetRow]:
        """The chosen rows with these fields as stored. Raises TooManyRows."""
        selection, model = self.model.selection, self.model
        if selection.mode == "marked":
            return await self._marked(names)
        block = selection.block(max(len(model.layout.shown), 1))
        first, last = (0, model.count - 1) if selection.mode == "all" else (block.top, block.bottom)
        return await self.rows(first, last, names)

    async def rows(self, first: int, last: int, names: Sequence[str]) -> list[TargetRow]:
        """Displayed rows first…last with these fields as stored. Raises TooManyRows."""
        last = min(last, self.model.count - 1)
        if last - first >= MOST_ROWS:
            raise TooManyRows(last - first + 1)
        stored = await self._stored(first, last, names)
        found = []
        for position in range(first, last + 1):
            if self.model.groups.header(position) is not None:
                continue
            if self.model.is_new(position):
                row = self.model.row(position)
                if row is not None:
                    found.append(TargetRow(row.key, "", {}))
            elif (target := stored.get(self.model.to_base(position))) is not None:
                found.append(target)
        return await self._whole(found, names)

    async def _stored(self, first: int, last: int, names: Sequence[str]) -> dict[int, TargetRow]:
        model, view = self.model, self.model.view
        found: dict[int, TargetRow] = {}
        if view is None or last < first:
            return found
        asked = list(dict.fromkeys([*names, self.info["displayField"]]))
        bounded = [(top, min(bottom, view["count"] - 1)) for top, bottom in model.runs(first, last)]
        for at, end in [(at, bottom) for top, bottom in bounded for at in range(top, bottom + 1, READ_ROWS)]:
            window = await model.source.window(view["id"], at, min(READ_ROWS, end + 1 - at), asked)
            stamps = window["stamps"] or [""] * len(window["keys"])
            for place, (key, stamp, row) in enumerate(zip(window["keys"], stamps, window["rows"], strict=True)):
                found[at + place] = TargetRow(key, stamp, self._values(dict(zip(asked, row, strict=True))))
        return found

    def _values(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: stored_value(self.fields[name], value) for name, value in row.items() if name in self.fields}

    async def _marked(self, names: Sequence[str]) -> list[TargetRow]:
        keys = list(self.model.selection.marked)
        if len(keys) > MOST_ROWS:
            raise TooManyRows(len(keys))
        new = {ref for ref, _ in self.pending.new_rows(self.table)}
        gate = asyncio.Semaphore(AT_ONCE)

        async def read(key: str) -> TargetRow:
            async with gate:
                return TargetRow(key, "", {}) if key in new else await self.record(key)

        return list(await asyncio.gather(*(read(key) for key in keys)))

    async def record(self, key: str) -> TargetRow:
        """One stored record, whole."""
        port = self._port()
        assert port is not None
        record = await port.record(self.table, key, include_deleted=self.model.query.deleted)
        times = {
            "created_at": record["createdAt"],
            "updated_at": record["updatedAt"],
            "deleted_at": record.get("deletedAt"),
        }
        return TargetRow(key, record["updatedAt"], {**times, **record["fields"], self.info["primaryKey"]: record["id"]})

    async def _whole(self, rows: list[TargetRow], names: Sequence[str]) -> list[TargetRow]:
        """Read the records of rows in which a text was cut."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def mended(row: TargetRow) -> TargetRow:
            if not any(is_cut(row.values.get(name)) for name in names):
                return row
            async with gate:
                return await self.record(row.key)

        return list(await asyncio.gather(*map(mended, rows)))

    def shown_value(self, row: TargetRow, name: str) -> Any:
        """The staged value of a cell, or the stored one."""
        staged = self.pending.cell(self.table, row.key, name)
        if staged is not None:
            return staged.value
        return row.values.get(name)

    # ── Staging ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def stage(self, rows: Sequence[TargetRow], field: FieldInfo, value: Any, problem: str = "") -> int:
        """One value for one field of all these rows."""
        return self.stage_all(rows, [(field, value, problem)])

    def stage_all(self, rows: Sequence[TargetRow], values: Sequence[tuple[FieldInfo, Any, str]]) -> int:
        """Values of several fields for all these rows, as one step; the number of cells that changed."""
        self.name(rows)
        edits = [
            CellEdit(row.key, field["name"], row.values.get(field["name"]), value, row.stamp, problem)
            for row in rows
            for field, value, problem in values
            if editable(field)
        ]
        if edits and isinstance(record := edits[0].value, NewRecord):
            ref = self.pending.link_new(self.table, edits, record)
            self.model.learn_label(edits[0].field, ref, record.title)
            return len(edits)
        return self.pending.set(self.table, edits)

    def recalculate(self, rows: Sequence[TargetRow], field: FieldInfo, text: str) -> int:
        """For each of these rows what a sum makes of the number that it has, as one step; rows without a number stay. The
        number of cells that changed."""
        self.name(rows)
        edits = []
        for row in rows:
            own = self.shown_value(row, field["name"])
            if own is None:
                continue
            value, problem = with_own(text, own), ""
            try:
                value = parse(field, value)
            except ValueRefused as refused:
                problem = str(refused)
            edits.append(CellEdit(row.key, field["name"], row.values.get(field["name"]), value, row.stamp, problem))
        return self.pending.set(self.table, edits)

    def name(self, rows: Sequence[TargetRow]) -> None:
        """Tell the staged edits what people call these rows."""
        for row in rows:
            title = row.values.get(self.info["displayField"])
            if isinstance(title, str | int):
                self.pending.name_row(self.table, row.key, str(title))

    async def clear(self) -> tuple[int, list[FieldInfo]]:
        """NULL into all chosen cells that may be NULL: cells changed, and the fields that may not."""
        fields = [field for field in self.chosen_fields() if editable(field)]
        refused = [field for field in fields if check(field, None)]
        free = [field for field in fields if field not in refused]
        if not free:
            return 0, refused
        rows = await self.chosen_rows([field["name"] for field in free])
        return self.stage_all(rows, [(field, None, "") for field in free]), refused

    async def delete(self) -> Deletion:
        """Stage the deletion of the chosen rows; where all are staged already, take it back. New rows vanish."""
        rows = await self.chosen_rows([])
        keys = [(row.key, row.stamp) for row in rows]
        if rows and all(self.pending.row_mark(self.table, row.key) == "deleted" for row in rows):
            return Deletion(self.pending.restore(self.table, keys), undone=True)
        self.name(rows)
        removed = sum(self.pending.row_mark(self.table, row.key) == "new" for row in rows)
        return Deletion(self.pending.delete(self.table, keys) - removed, removed)

    async def restore(self) -> int:
        """In the trash: stage the return of the chosen rows."""
        rows = await self.chosen_rows([])
        return self.pending.restore(self.table, [(row.key, row.stamp) for row in rows])

    def new(self) -> str:
        """Stage an empty row; its ref. Defaults are the server's business."""
        return self.pending.insert(self.table, [{}])[0]

    async def duplicate(self) -> list[str]:
        """Stage copies of the chosen rows, without what must be unique or is filled by the server; their refs."""
        rows = await self.chosen_rows([])
        new = dict(self.pending.new_rows(self.table))
        copied = [f for f in self.info["fields"] if editable(f) and not f["unique"] and not f["system"]]
        fresh = []
        for row in rows:
            whole = row if row.key in new else await self.record(row.key)
            values = {f["name"]: self.shown_value(whole, f["name"]) for f in copied}
            fresh.append({name: value for name, value in values.items() if value is not None})
        return self.pending.insert(self.table, fresh)

    # ── Blocks ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def block(self) -> tuple[list[FieldInfo], list[list[Any]]]:
        """The chosen cells as they are shown, with their types."""
        fields = self.chosen_fields()
        names = [field["name"] for field in fields]
        rows = await self.chosen_rows(names)
        return fields, [[self.shown_value(row, name) for name in names] for row in rows]

    async def paste_draft(self, rows: list[list[Any]]) -> PasteDraft:
        """A block to be pasted at the cursor."""
        selection = self.model.selection
        shown = [self.fields[c.name] for c in self.model.layout.shown if c.name in self.fields]
        fields = [field if editable(field) else None for field in shown[selection.column :]]
        names = [field["name"] for field in fields if field]
        large = len(rows) > MOST_ROWS
        over = self.model.count and not large
        targets = await self.rows(selection.row, selection.row + len(rows) - 1, names) if over else []
        writable = [field for field in self.info["fields"] if editable(field)]
        return PasteDraft(rows, fields, writable, targets, large=large)

    def paste(self, draft: PasteDraft) -> list[str]:
        """Stage a pasted block as one step; the refs of the new rows."""
        edits, fresh = draft.staged()
        self.name([] if draft.as_new else draft.targets)
        return self.pending.insert(self.table, fresh, edits)
