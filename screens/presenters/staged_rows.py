"""The rows that staged steps touch: as they are stored, as far as was seen, and as the steps leave them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from core.contract.console import CommitAnswer
from core.contract.records import Record
from screens.presenters.link import REF
from screens.presenters.operation import Delete, Insert, Operation, Restore, Row, Set, Step, with_ids
from screens.presenters.staged import CellChange, CellEdit, RowChange, Staged, same

RowState = Literal["absent", "live", "gone"]


class StagedRows:
    """`replay` builds the net effect of steps, `do` adds to it; everything else reads it, or says what was seen."""

    def __init__(self) -> None:
        self.conflicts: dict[Row, Record | None] = {}
        """Rows that others changed since they were read, as they are now; None: the row is gone."""
        self.stamps: dict[Row, str] = {}
        """`updatedAt` that the edits of a row are based on."""
        self._refused: dict[Row, dict[str, str]] = {}
        """What the server said about cells."""
        self._stored: dict[Row, dict[str, Any]] = {}
        self._stored_states: dict[Row, RowState] = {}
        self._titles: dict[Row, str] = {}
        self._new_titles: dict[str, str] = {}
        """The same of new rows, by ref alone: a link does not say the table."""
        self._touched: dict[Row, None] = {}
        self._cells: dict[Row, dict[str, tuple[Any, str]]] = {}
        self._states: dict[Row, RowState] = {}
        self._counts: dict[str, int] = {}
        self._weights: dict[Row, int] | None = None
        """Pending changes by row; None: to be counted anew."""

    # ── The effect of steps ────────────────────────────────────────────────────────────────────────────────────────

    def replay(self, steps: Iterable[Step]) -> None:
        """Begin from what is stored."""
        self._touched, self._cells, self._states, self._weights = {}, {}, {}, None
        for step in steps:
            for operation in step.operations:
                self.do(operation)

    def do(self, operation: Operation) -> None:
        row = (operation.table, operation.key)
        self._touched[row] = None
        match operation:
            case Set():
                self._cells.setdefault(row, {})[operation.field] = (operation.new, operation.problem)
            case Insert():
                self._states[row] = "live"
                self._cells.setdefault(row, {}).update({name: (value, "") for name, value in operation.fields.items()})
            case Delete():
                self._states[row] = "gone"
            case Restore():
                self._states[row] = "live"

    # ── Operations that would stage something ──────────────────────────────────────────────────────────────────────

    def sets(self, table: str, edits: Iterable[CellEdit]) -> list[Operation]:
        """To stage values; cells that hold the value already are left alone."""
        operations: list[Operation] = []
        for edit in edits:
            row = (table, edit.key)
            now, problem = self._cells.get(row, {}).get(edit.field, (edit.original, ""))
            if same(now, edit.value) and problem == edit.problem:
                continue
            if edit.field not in self._cells.get(row, {}) and not self.is_new(row):
                self._stored.setdefault(row, {})[edit.field] = edit.original
            self._see(row, edit.stamp)
            operations.append(Set(table, edit.key, edit.field, now, edit.value, edit.problem))
        return operations

    def deletes(self, table: str, rows: Iterable[tuple[str, str]]) -> list[Operation]:
        """To delete rows (key, stamp); new rows simply vanish."""
        operations: list[Operation] = []
        for key, stamp in rows:
            row = (table, key)
            if self.state(row) != "live":
                continue
            self._see(row, stamp)
            if self.is_new(row):
                operations.append(Delete(table, key, self.values(row)))
            else:
                operations += [Set(table, key, cell.field, cell.new, cell.old) for cell in self._dirty(row)]
                operations.append(Delete(table, key))
        return operations

    def restores(self, table: str, rows: Iterable[tuple[str, str]]) -> list[Operation]:
        """To bring rows (key, stamp) back from the trash, or to take back their deletion."""
        operations: list[Operation] = []
        for key, stamp in rows:
            row = (table, key)
            if row not in self._states:
                self._stored_states[row] = "gone"
            if self.state(row) == "gone":
                self._see(row, stamp)
                operations.append(Restore(table, key))
        return operations

    def announce(self, row: Row) -> None:
        """A row of this ref is going to be made."""
        self._stored_states[row] = "absent"

    def _see(self, row: Row, stamp: str) -> None:
        """Remember the version that edits of a row are based on: the first seen, never older than our own save."""
        if row not in self._states and not self._dirty(row):
            self.stamps[row] = max(stamp, self.stamps.get(row, ""))

    # ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def name(self, row: Row, title: str) -> None:
        """Say what people call a row."""
        if title:
            self._titles[row] = title
            if row[1].startswith(REF):
                self._new_titles[row[1]] = title

    def title(self, row: Row) -> str:
        """What people call a row; "" when nobody said."""
        return self._titles.get(row, "")

    def title_of_new(self, ref: str) -> str:
        """What people call a new row, whatever its table; "" when nobody said."""
        return self._new_titles.get(ref, "")

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def is_new(self, row: Row) -> bool:
        """Whether the row is not stored yet."""
        return self._stored_states.get(row) == "absent"

    def state(self, row: Row) -> RowState:
        """As the steps leave it."""
        return self._states.get(row, self._stored_states.get(row, "live"))

    def states(self) -> dict[Row, RowState]:
        """Of the rows that the steps make, delete or bring back."""
        return dict(self._states)

    def values(self, row: Row) -> dict[str, Any]:
        """What the steps put into the cells of a row."""
        return {name: value for name, (value, _) in self._cells.get(row, {}).items()}

    def all_values(self) -> dict[Row, dict[str, Any]]:
        """The same of all rows."""
        return {row: self.values(row) for row in self._cells}

    def stored(self, row: Row, field: str) -> Any:
        """The stored value of a cell, as it was seen."""
        return self._stored.get(row, {}).get(field)

    def cell(self, row: Row, field: str) -> Staged | None:
        """What is staged for a cell; None when nothing is, or when it equals the stored value."""
        held = self._cells.get(row)
        if held is None or field not in held:
            missing = self._refused.get(row, {}).get(field, "") if self.is_new(row) else ""
            return Staged(None, "invalid", missing) if missing else None
        value, problem = held[field]
        problem = problem or self._refused.get(row, {}).get(field, "")
        if not problem and not self.is_new(row) and same(value, self.stored(row, field)):
            return None
        if problem:
            return Staged(value, "invalid", problem)
        return Staged(value, "conflict" if row in self.conflicts else "dirty")

    def mark(self, row: Row) -> Literal["", "new", "deleted"]:
        """The mark in the gutter."""
        if row not in self._states:
            return ""
        stored, now = self._stored_states.get(row, "live"), self._states[row]
        if stored == "absent":
            return "new" if now == "live" else ""
        return "deleted" if stored == "live" and now == "gone" else ""

    def new_rows(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Rows that do not exist yet, oldest first: ref and staged values."""
        return [
            (row[1], self.values(row))
            for row, state in self._states.items()
            if row[0] == table and state == "live" and self.is_new(row)
        ]

    def changes(self, table: str | None = None) -> Iterator[RowChange]:
        """What is pending, row by row, in the order in which rows were first touched."""
        for row in self._touched:
            if table is None or row[0] == table:
                change = self._change(row)
                if change is not None:
                    yield change

    def _change(self, row: Row) -> RowChange | None:
        stored, now = self._stored_states.get(row, "live"), self.state(row)
        if now == "gone":
            return RowChange(*row, "delete") if stored == "live" else None
        if now == "absent":
            return None
        cells = tuple(self._dirty(row))
        if stored == "gone":
            return RowChange(*row, "restore", cells)
        if stored == "absent":
            refused = self._refused.get(row, {})
            named = {cell.field for cell in cells}
            missing = [CellChange(f, None, None, "invalid", m) for f, m in refused.items() if f not in named]
            return RowChange(*row, "create", (*cells, *missing))
        return RowChange(*row, "update", cells) if cells else None

    def _dirty(self, row: Row) -> list[CellChange]:
        found = []
        for name in self._cells.get(row, {}):
            staged = self.cell(row, name)
            if staged is not None:
                found.append(CellChange(name, self.stored(row, name), staged.value, staged.state, staged.message))
        return found

    # ── Counts ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def counts(self) -> dict[str, int]:
        """Pending changes by table: cells of existing rows, and rows to create, delete or restore."""
        if self._weights is None:
            self._weights = {row: self._weight(row) for row in self._touched}
            self._counts = {}
            for (table, _), weight in self._weights.items():
                self._counts[table] = self._counts.get(table, 0) + weight
        return {table: count for table, count in self._counts.items() if count}

    def recount(self, rows: Iterable[Row] = ()) -> None:
        """Only these rows are not as they were; without any, all may be."""
        rows = list(rows)
        if not rows:
            self._weights = None
        elif self._weights is not None:
            for row in rows:
                weight = self._weight(row)
                more = weight - self._weights.get(row, 0)
                self._weights[row] = weight
                self._counts[row[0]] = self._counts.get(row[0], 0) + more

    def _weight(self, row: Row) -> int:
        change = self._change(row)
        return 0 if change is None else len(change.cells) if change.op == "update" else 1

    # ── What the server says ───────────────────────────────────────────────────────────────────────────────────────

    def refuse(self, row: Row, field: str, message: str) -> None:
        """The server does not take a cell."""
        self._refused.setdefault(row, {})[field] = message

    def forget_refusals(self, operations: Iterable[Operation], *, whole_rows: bool = False) -> None:
        """What was said about the cells (or rows) of operations no longer holds."""
        for operation in operations:
            row = (operation.table, operation.key)
            if whole_rows:
                self._refused.pop(row, None)
            elif isinstance(operation, Set):
                self._refused.get(row, {}).pop(operation.field, None)

    def forget_answers(self) -> None:
        self._refused.clear()
        self.conflicts.clear()

    def take_theirs(self, row: Row, current: Record) -> None:
        """A row as it stands now becomes what its edits are based on."""
        stored = self._stored.setdefault(row, {})
        for name in self._cells.get(row, {}):
            stored[name] = current["fields"].get(name, stored.get(name))
        self.stamps[row] = current["updatedAt"]

    def save(self, answer: CommitAnswer, rows: Mapping[str, Row]) -> dict[Row, str]:
        """What the steps up to here came to is stored: values and stamps are those of the answer. rows: by the refs of the
        request. The ids of new rows."""
        ids: dict[Row, str] = {}
        sent, states = self.all_values(), self.states()
        for outcome in answer["outcomes"]:
            row = rows.get(outcome["ref"])
            if row is None:
                continue
            record = outcome.get("record")
            identity = outcome.get("id") or (str(record["id"]) if record else row[1])
            if identity != row[1]:
                ids[row] = identity
            here = (row[0], identity)
            fields = record["fields"] if record else {}
            self._stored.setdefault(here, {}).update({f: fields.get(f, v) for f, v in sent.get(row, {}).items()})
            self._stored_states.pop(row, None)
            self._stored_states[here] = "gone" if states.get(row) == "gone" else "live"
            if record:
                self.stamps[here] = record["updatedAt"]
        by_ref = {ref: identity for (_, ref), identity in ids.items()}
        for cells in self._stored.values() if ids else ():
            cells.update({name: with_ids(value, by_ref) for name, value in cells.items()})
        return ids

    # ── As plain data, for the journal ─────────────────────────────────────────────────────────────────────────────

    def to_data(self, row: Row) -> dict[str, Any]:
        """What is known of a row apart from the steps."""
        return {
            "table": row[0],
            "key": row[1],
            "stored": dict(self._stored.get(row, {})),
            "state": self._stored_states.get(row, "live"),
            "stamp": self.stamps.get(row, ""),
            "title": self._titles.get(row, ""),
        }

    def take_data(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in what `to_data` gave. Raises KeyError, TypeError or ValueError on anything else, and then takes nothing."""
        known = [
            ((str(row["table"]), str(row["key"])), dict(row["stored"]), row["state"], row["stamp"], row["title"])
            for row in rows
        ]
        for row, stored, state, stamp, title in known:
            self._stored[row], self._stored_states[row], self.stamps[row] = stored, state, stamp
            self.name(row, title)
