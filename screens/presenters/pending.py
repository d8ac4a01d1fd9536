"""Edits that are staged and not saved yet, over all tables.

The log works like a text editor's: `cursor` is where undo and redo stand, `saved` the place that equals the database. What
is pending is the way from `saved` to `cursor`, forwards or backwards; so undo goes on behind a save, and there it stages
the opposite of what was saved. Everything goes to the journal at once: a killed console loses nothing.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from core.contract.console import Change, CommitAnswer, CommitRequest
from core.contract.records import Record
from screens.presenters.link import REF, NewRecord
from screens.presenters.operation import (
    Delete,
    Insert,
    Operation,
    Restore,
    Row,
    Set,
    Step,
    from_data,
    inverse,
    renamed,
    to_data,
    with_ids,
)
from screens.presenters.signal import Signal

KEPT_STEPS = 200
"""Saved steps that undo can still reach."""

State = Literal["dirty", "invalid", "conflict"]
RowState = Literal["absent", "live", "gone"]


class Staged(NamedTuple):
    """A cell's staged value. `message` says what is wrong with it, "" when nothing is."""

    value: Any
    state: State = "dirty"
    message: str = ""


class CellEdit(NamedTuple):
    """One value to stage. `original` is the stored value as it was seen, `stamp` the row's `updatedAt` with it."""

    key: str
    field: str
    original: Any
    value: Any
    stamp: str = ""
    problem: str = ""


class CellChange(NamedTuple):
    """One changed cell for the change panel."""

    field: str
    old: Any
    new: Any
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What is pending for one row. `cells` is empty for a deletion."""

    table: str
    key: str
    op: Literal["create", "update", "delete", "restore"]
    cells: tuple[CellChange, ...] = ()

    @property
    def problem(self) -> bool:
        return any(cell.state != "dirty" for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an answer of the server meant. `cells` are those that it refused, `rows` those changed by others meanwhile."""

    committed: bool
    cells: tuple[tuple[str, str, str], ...] = ()
    rows: tuple[Row, ...] = ()
    other: tuple[str, ...] = ()
    """Messages that belong to no cell."""


def same(a: Any, b: Any) -> bool:
    """Equal as stored values: `true` is not 1, NULL is not empty."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    return bool(a == b)


class Journal(Protocol):
    """A log that outlives the console: one small write for one edit."""

    def read(self) -> list[Any]: ...
    def append(self, entry: Any) -> None: ...
    def rewrite(self, entries: list[Any]) -> None: ...


def new_ref() -> str:
    """What a row is called until it is saved."""
    return f"{REF}{secrets.token_hex(6)}"


class PendingChanges:
    """The staged edits. `changed` tells the table whose cells must be painted again.

    journal: where a former console wrote, to go on after a restart; what cannot be read in it is ignored.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self.changed: Signal[str] = Signal()
        self._journal = journal
        self.conflicts: dict[Row, Record | None] = {}
        """Rows that others changed since they were read, as they are now; None: the row is gone."""
        self._steps: list[Step] = []
        self._cursor = self._saved = 0
        self._stored: dict[Row, dict[str, Any]] = {}
        self._stored_rows: dict[Row, RowState] = {}
        self._stamps: dict[Row, str] = {}
        self._titles: dict[Row, str] = {}
        self._new_titles: dict[str, str] = {}
        """The same of new rows, by ref alone: a link does not say the table."""
        self._refused: dict[Row, dict[str, str]] = {}
        self._attempt: tuple[int, CommitRequest] | None = None
        self._touched: dict[Row, None] = {}
        self._cells: dict[Row, dict[str, tuple[Any, str]]] = {}
        self._rows: dict[Row, RowState] = {}
        self._counts: dict[str, int] = {}
        self._weights: dict[Row, int] | None = None
        """Pending changes by row; None: to be counted anew."""
        if journal is not None and (entries := journal.read()):
            self._load(entries)
            journal.rewrite([self.state()])

    # ── Staging ────────────────────────────────────────────────────────────────────────────────────────────────────

    def name_row(self, table: str, key: str, title: str) -> None:
        """Say what people call a row, for panels that show it without its table."""
        if title:
            self._titles[table, key] = title
            if key.startswith(REF):
                self._new_titles[key] = title

    def title_of(self, table: str, key: str) -> str:
        """What people call a row; "" when nobody said."""
        return self._titles.get((table, key), "")

    def title_of_new(self, ref: str) -> str:
        """What people call a new row, whatever its table; "" when nobody said."""
        return self._new_titles.get(ref, "")

    def set(self, table: str, edits: Iterable[CellEdit]) -> int:
        """Stage values as one step; cells that hold the value already are left alone. The number of cells changed."""
        operations = self._sets(table, edits)
        self._stage(operations)
        return len(operations)

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], edits: Iterable[CellEdit] = ()) -> list[str]:
        """Stage new rows, and values of existing ones with them, as one step (a pasted block); the refs of the rows."""
        operations = self._sets(table, edits)
        refs = [new_ref() for _ in rows]
        for ref in refs:
            self._stored_rows[(table, ref)] = "absent"
        operations += [Insert(table, ref, dict(fields)) for ref, fields in zip(refs, rows, strict=True)]
        self._stage(operations)
        return refs

    def link_new(self, table: str, edits: Iterable[CellEdit], record: NewRecord) -> str:
        """Stage a new record and the links to it (the value of each edit) as one step; its ref."""
        ref = new_ref()
        self._stored_rows[(record.table, ref)] = "absent"
        self.name_row(record.table, ref, record.title)
        links = self._sets(table, (edit._replace(value=record.linked(ref)) for edit in edits))
        self._stage([Insert(record.table, ref, dict(record.fields)), *links])
        return ref

    def _sets(self, table: str, edits: Iterable[CellEdit]) -> list[Operation]:
        operations: list[Operation] = []
        for edit in edits:
            row = (table, edit.key)
            now, problem = self._cells.get(row, {}).get(edit.field, (edit.original, ""))
            if same(now, edit.value) and problem == edit.problem:
                continue
            if edit.field not in self._cells.get(row, {}) and self._stored_rows.get(row) != "absent":
                self._stored.setdefault(row, {})[edit.field] = edit.original
            self._see(row, edit.stamp)
            operations.append(Set(table, edit.key, edit.field, now, edit.value, edit.problem))
        return operations

    def delete(self, table: str, rows: Iterable[tuple[str, str]]) -> int:
        """Stage the deletion of rows (key, stamp); new rows simply vanish."""
        operations: list[Operation] = []
        for key, stamp in rows:
            row = (table, key)
            if self._row_state(row) != "live":
                continue
            self._see(row, stamp)
            if self._stored_rows.get(row) == "absent":
                operations.append(Delete(table, key, {name: v for name, (v, _) in self._cells.get(row, {}).items()}))
            else:
                back = self._dirty_fields(row)
                operations += [Set(table, key, cell.field, cell.new, cell.old) for cell in back]
                operations.append(Delete(table, key))
        self._stage(operations)
        return len(operations)

    def restore(self, table: str, rows: Iterable[tuple[str, str]]) -> int:
        """Stage rows' return from the trash (key, stamp), or take back their staged deletion."""
        operations: list[Operation] = []
        for key, stamp in rows:
            row = (table, key)
            if row not in self._rows:
                self._stored_rows[row] = "gone"
            if self._row_state(row) == "gone":
                self._see(row, stamp)
                operations.append(Restore(table, key))
        self._stage(operations)
        return len(operations)

    def revert(self, table: str, key: str, field: str | None = None) -> None:
        """Give a cell, or a whole row, its stored value back, as a step of its own."""
        row = (table, key)
        if field is None and self._stored_rows.get(row) == "absent":
            self.delete(table, [(key, "")])
        elif field is None and self._row_state(row) == "gone":
            self.restore(table, [(key, "")])
        else:
            names = [field] if field else list(self._cells.get(row, {}))
            stored = self._stored.get(row, {})
            self.set(table, [CellEdit(key, name, None, stored.get(name)) for name in names])
        self.conflicts.pop(row, None)

    def discard(self) -> None:
        """Drop everything that is pending; redo brings it back."""
        tables = set().union(*(step.tables for step in self._between()))
        self._cursor = self._saved
        self._forget_answers()
        self._recompute()
        self._written(tables, {"cursor": self._cursor})

    def undo(self) -> bool:
        """One step back; False at the beginning."""
        return self._move(-1)

    def redo(self) -> bool:
        """One step forward; False at the end."""
        return self._move(1)

    @property
    def last_deleted(self) -> int:
        """How many rows the last step deletes; 0 for a step of another kind."""
        last = self._steps[self._cursor - 1].operations if self._cursor else ()
        return len({(each.table, each.key) for each in last if isinstance(each, Delete)})

    @property
    def can_undo(self) -> bool:
        return self._cursor > 0

    @property
    def can_redo(self) -> bool:
        return self._cursor < len(self._steps)

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def cell(self, table: str, key: str, field: str) -> Staged | None:
        """What is staged for a cell; None when nothing is, or when it equals the stored value."""
        row = (table, key)
        held = self._cells.get(row)
        if held is None or field not in held:
            missing = self._refused.get(row, {}).get(field, "") if self._stored_rows.get(row) == "absent" else ""
            return Staged(None, "invalid", missing) if missing else None
        value, problem = held[field]
        problem = problem or self._refused.get(row, {}).get(field, "")
        if not problem and self._stored_rows.get(row) != "absent" and same(value, self._stored_value(row, field)):
            return None
        if problem:
            return Staged(value, "invalid", problem)
        return Staged(value, "conflict" if row in self.conflicts else "dirty")

    def row_mark(self, table: str, key: str) -> Literal["", "new", "deleted"]:
        """The mark in the gutter."""
        row = (table, key)
        if row not in self._rows:
            return ""
        stored, now = self._stored_rows.get(row, "live"), self._rows[row]
        if stored == "absent":
            return "new" if now == "live" else ""
        return "deleted" if stored == "live" and now == "gone" else ""

    def new_rows(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Rows that do not exist yet, oldest first: ref and staged values."""
        return [
            (key, {name: value for name, (value, _) in self._cells.get((name_of, key), {}).items()})
            for (name_of, key), state in self._rows.items()
            if name_of == table and state == "live" and self._stored_rows.get((name_of, key)) == "absent"
        ]

    def rows(self, table: str | None = None) -> Iterator[RowChange]:
        """What is pending, row by row, in the order in which rows were first touched."""
        for row in self._touched:
            if table is None or row[0] == table:
                change = self._row_change(row)
                if change is not None:
                    yield change

    def count(self) -> int:
        """Pending changes: cells of existing rows, and rows to create, delete or restore."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """Pending changes by table."""
        if self._weights is None:
            self._weights = {row: self._weight(row) for row in self._touched}
            self._counts = {}
            for (table, _), weight in self._weights.items():
                self._counts[table] = self._counts.get(table, 0) + weight
        return {table: count for table, count in self._counts.items() if count}

    def _weight(self, row: Row) -> int:
        change = self._row_change(row)
        return 0 if change is None else len(change.cells) if change.op == "update" else 1

    def _weigh(self, rows: Iterable[Row]) -> None:
        """Count only these rows anew."""
        if self._weights is not None:
            for row in rows:
                weight = self._weight(row)
                more = weight - self._weights.get(row, 0)
                self._weights[row] = weight
                self._counts[row[0]] = self._counts.get(row[0], 0) + more

    def problems(self) -> list[tuple[str, str, str, str]]:
        """Cells that cannot be saved as they are: table, key, field, message."""
        return [
            (change.table, change.key, cell.field, cell.message)
            for change in self.rows()
            for cell in change.cells
            if cell.state == "invalid"
        ]

    # ── Saving ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def unanswered(self) -> bool:
        """A commit was sent and its answer never came: it may or may not be saved."""
        return self._attempt is not None

    def dry_run(self) -> CommitRequest:
        """The request that checks everything and writes nothing."""
        return {"changes": self._changes(), "dryRun": True}

    def begin(self) -> CommitRequest:
        """The request to send. After a broken connection it is the very one that got no answer, with its key, so that
        the server can tell; edits made since then wait for the next one."""
        if self._attempt is None:
            request: CommitRequest = {"changes": self._changes(), "idempotencyKey": secrets.token_hex(12)}
            self._attempt = (self._cursor, request)
            self._written((), {"attempt": list(self._attempt)})
        return self._attempt[1]

    def abort(self) -> None:
        """The server answered that it did nothing."""
        self._attempt = None
        self._written((), {"attempt": None})

    def check(self, answer: CommitAnswer) -> Applied:
        """Take the answer to `dry_run`: refused cells and rows changed by others get their marks."""
        return self._refuse(answer, {change["ref"]: _row_of(change) for change in self._changes()})

    def apply(self, answer: CommitAnswer) -> Applied:
        """Take the answer to `begin`: saved rows lose their marks, refused cells get theirs."""
        if self._attempt is None:
            return Applied(False)
        position, request = self._attempt
        self._attempt = None
        rows = {change["ref"]: _row_of(change) for change in request["changes"]}
        if not answer["committed"]:
            return self._refuse(answer, rows)
        self._forget_answers()
        self._accept(answer, rows, position)
        return Applied(True)

    def resolve(self, table: str, key: str, theirs: Iterable[str]) -> None:
        """Settle a conflict: the fields named take the value of others, all else stays mine over the row as it is now."""
        row = (table, key)
        current = self.conflicts.pop(row, None)
        take = set(theirs)
        if current is None:
            self.revert(table, key)
            return
        stored = self._stored.setdefault(row, {})
        for name in self._cells.get(row, {}):
            stored[name] = current["fields"].get(name, stored.get(name))
        self._stamps[row] = current["updatedAt"]
        self.set(table, [CellEdit(key, name, None, stored[name]) for name in self._cells.get(row, {}) if name in take])
        self._written({table})

    def conflict_fields(self, table: str, key: str) -> list[tuple[str, Any, Any, Any]]:
        """The pending cells of a row in conflict: field, value as first read, mine, theirs."""
        row = (table, key)
        current = self.conflicts.get(row)
        theirs = current["fields"] if current else {}
        return [
            (name, self._stored_value(row, name), value, theirs.get(name))
            for name, (value, _) in self._cells.get(row, {}).items()
            if not same(value, self._stored_value(row, name))
        ]

    # ── The log ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stage(self, operations: Sequence[Operation]) -> None:
        if not operations:
            return
        step = Step(tuple(operations))
        anchor, simple = max(self._saved, self._attempt[0] if self._attempt else 0), False
        if self._cursor < anchor:
            undone = [inverse(done) for done in reversed(self._steps[self._cursor : anchor])]
            self._steps[anchor:] = [*undone, step]
            self._cursor = len(self._steps)
            self._recompute()
        else:
            simple = True
            self._steps[self._cursor :] = [step]
            self._cursor += 1
            for operation in step.operations:
                self._do(operation)
        for operation in step.operations:
            if isinstance(operation, Set):
                self._refused.get((operation.table, operation.key), {}).pop(operation.field, None)
        if not simple:
            self._written(step.tables)
            return
        rows = dict.fromkeys((operation.table, operation.key) for operation in step.operations)
        entry = {"at": self._cursor - 1, "step": to_data(step), "rows": [self._row_data(row) for row in rows]}
        self._written(step.tables, entry, rows)

    def _move(self, direction: int) -> bool:
        target = self._cursor + direction
        if not 0 <= target <= len(self._steps):
            return False
        step = self._steps[min(target, self._cursor)]
        self._cursor = target
        for operation in step.operations:
            self._refused.pop((operation.table, operation.key), None)
        self._recompute()
        self._written(step.tables, {"cursor": target})
        return True

    def _between(self) -> list[Step]:
        """The steps from what is saved to where we are."""
        if self._cursor >= self._saved:
            return self._steps[self._saved : self._cursor]
        return [inverse(step) for step in reversed(self._steps[self._cursor : self._saved])]

    def _recompute(self) -> None:
        self._touched, self._cells, self._rows, self._weights = {}, {}, {}, None
        for step in self._between():
            for operation in step.operations:
                self._do(operation)

    def _do(self, operation: Operation) -> None:
        row = (operation.table, operation.key)
        self._touched[row] = None
        match operation:
            case Set():
                self._cells.setdefault(row, {})[operation.field] = (operation.new, operation.problem)
            case Insert():
                self._rows[row] = "live"
                self._cells.setdefault(row, {}).update({name: (value, "") for name, value in operation.fields.items()})
            case Delete():
                self._rows[row] = "gone"
            case Restore():
                self._rows[row] = "live"

    # ── Net effect ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _row_state(self, row: Row) -> RowState:
        return self._rows.get(row, self._stored_rows.get(row, "live"))

    def _stored_value(self, row: Row, field: str) -> Any:
        return self._stored.get(row, {}).get(field)

    def _see(self, row: Row, stamp: str) -> None:
        """Remember the version that edits of a row are based on: the first seen, never older than our own save."""
        if row not in self._rows and not self._dirty_fields(row):
            self._stamps[row] = max(stamp, self._stamps.get(row, ""))

    def _dirty_fields(self, row: Row) -> list[CellChange]:
        found = []
        for name in self._cells.get(row, {}):
            staged = self.cell(*row, name)
            if staged is not None:
                old = self._stored_value(row, name)
                found.append(CellChange(name, old, staged.value, staged.state, staged.message))
        return found

    def _row_change(self, row: Row) -> RowChange | None:
        stored, now = self._stored_rows.get(row, "live"), self._row_state(row)
        if now == "gone":
            return RowChange(*row, "delete") if stored == "live" else None
        if now == "absent":
            return None
        cells = tuple(self._dirty_fields(row))
        if stored == "gone":
            return RowChange(*row, "restore", cells)
        if stored == "absent":
            refused = self._refused.get(row, {})
            named = {cell.field for cell in cells}
            missing = [CellChange(f, None, None, "invalid", m) for f, m in refused.items() if f not in named]
            return RowChange(*row, "create", (*cells, *missing))
        return RowChange(*row, "update", cells) if cells else None

    def _changes(self) -> list[Change]:
        """Restores, then new rows (those that others link to first), updates, deletions."""
        restores, creates, updates, deletes = [], [], [], []
        for row in self.rows():
            table, key = row.table, row.key
            ref, fields = f"{table}/{key}", {cell.field: cell.new for cell in row.cells}
            stamp: Any = {"updatedAt": self._stamps[table, key]} if self._stamps.get((table, key)) else {}
            match row.op:
                case "create":
                    fields = {name: value for name, (value, _) in self._cells.get((table, key), {}).items()}
                    creates.append(Change(ref=key, op="create", table=table, fields=fields))
                case "restore":
                    restores.append(Change(ref=ref, op="restore", table=table, id=key, **stamp))
                    if fields:
                        updates.append(Change(ref=f"{ref}/fields", op="update", table=table, id=key, fields=fields))
                case "update":
                    updates.append(Change(ref=ref, op="update", table=table, id=key, fields=fields, **stamp))
                case "delete":
                    deletes.append(Change(ref=ref, op="delete", table=table, id=key, **stamp))
        return [*restores, *_linked_first(creates), *updates, *deletes]

    # ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _accept(self, answer: CommitAnswer, rows: dict[str, Row], position: int) -> None:
        sent, states = self._at(position)
        gone = {row for row, state in states.items() if state == "gone"}
        ids: dict[Row, str] = {}
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
            self._stored_rows.pop(row, None)
            self._stored_rows[here] = "gone" if row in gone else "live"
            if record:
                self._stamps[here] = record["updatedAt"]
        if ids:
            self._steps = [Step(tuple(renamed(op, ids) for op in step.operations)) for step in self._steps]
            by_ref = {ref: identity for (_, ref), identity in ids.items()}
            for cells in self._stored.values():
                cells.update({name: with_ids(value, by_ref) for name, value in cells.items()})
        self._saved = position
        self._trim()
        self._recompute()
        self._written({row[0] for row in rows.values()})

    def _at(self, position: int) -> tuple[dict[Row, dict[str, Any]], dict[Row, RowState]]:
        """Values and row states as they stood at a place of the log."""
        here, self._cursor = self._cursor, position
        self._recompute()
        values = {row: {name: value for name, (value, _) in cells.items()} for row, cells in self._cells.items()}
        states, self._cursor = dict(self._rows), here
        return values, states

    def _refuse(self, answer: CommitAnswer, rows: dict[str, Row]) -> Applied:
        self._forget_answers()
        cells: list[tuple[str, str, str]] = []
        conflicts: list[Row] = []
        other: list[str] = []
        for outcome in answer["outcomes"]:
            row = rows.get(outcome["ref"])
            if row is None:
                continue
            if outcome["status"] in ("conflict", "missing"):
                self.conflicts[row] = outcome.get("current")
                conflicts.append(row)
            for error in outcome.get("errors", ()):
                field, message = str(error.get("field", "")), str(error.get("message", ""))
                if field:
                    self._refused.setdefault(row, {})[field] = message
                    cells.append((*row, field))
                else:
                    other.append(message)
        self._written({row[0] for row in rows.values()}, {"attempt": list(self._attempt) if self._attempt else None})
        return Applied(False, tuple(cells), tuple(conflicts), tuple(other))

    def _forget_answers(self) -> None:
        self._refused.clear()
        self.conflicts.clear()

    def _trim(self) -> None:
        surplus = min(self._saved, self._cursor) - KEPT_STEPS
        if surplus > 0:
            del self._steps[:surplus]
            self._saved -= surplus
            self._cursor -= surplus

    # ── The session file ───────────────────────────────────────────────────────────────────────────────────────────

    def _written(
        self, tables: Iterable[str] = (), entry: Mapping[str, Any] | None = None, rows: Iterable[Row] = ()
    ) -> None:
        """Tell journal and listeners. entry: what changed; None writes everything anew. rows: the only ones concerned."""
        if rows:
            self._weigh(rows)
        else:
            self._weights = None
        if self._journal is not None and entry is not None:
            self._journal.append(dict(entry))
        elif self._journal is not None:
            self._journal.rewrite([self.state()])
        for table in sorted(tables):
            self.changed.publish(table)

    def state(self) -> dict[str, Any]:
        """Everything as plain data: the first entry of the journal."""
        touched = {(operation.table, operation.key) for step in self._steps for operation in step.operations}
        return {
            "version": 1,
            "steps": [to_data(step) for step in self._steps],
            "cursor": self._cursor,
            "saved": self._saved,
            "rows": [self._row_data(row) for row in sorted(touched)],
            "attempt": list(self._attempt) if self._attempt else None,
        }

    def _row_data(self, row: Row) -> dict[str, Any]:
        return {
            "table": row[0],
            "key": row[1],
            "stored": dict(self._stored.get(row, {})),
            "state": self._stored_rows.get(row, "live"),
            "stamp": self._stamps.get(row, ""),
            "title": self._titles.get(row, ""),
        }

    def _load(self, entries: Sequence[Any]) -> None:
        """Go through a journal; from the first entry on that cannot be read it is left."""
        for entry in entries:
            try:
                self._take_entry(entry)
            except (KeyError, TypeError, ValueError, IndexError):
                break
        self._recompute()

    def _take_entry(self, entry: Mapping[str, Any]) -> None:
        if "steps" in entry or "step" in entry:
            whole = "steps" in entry
            steps = [from_data(step) for step in (entry["steps"] if whole else [entry["step"]])]
            cursor, saved = (
                (int(entry["cursor"]), int(entry["saved"])) if whole else (int(entry["at"]) + 1, self._saved)
            )
            before = 0 if whole else cursor - 1
            if not (
                0 <= cursor <= before + len(steps) and 0 <= saved <= before + len(steps) and before <= len(self._steps)
            ):
                raise ValueError(entry)
            rows = {(str(row["table"]), str(row["key"])): row for row in entry["rows"]}
            known = [(dict(row["stored"]), row["state"], row["stamp"], row["title"]) for row in rows.values()]
            for row, (stored, state, stamp, title) in zip(rows, known, strict=True):
                self._stored[row], self._stored_rows[row], self._stamps[row] = stored, state, stamp
                self.name_row(*row, title)
            self._steps[before:] = steps
            self._cursor, self._saved = cursor, saved
        if "attempt" in entry:
            attempt = entry["attempt"]
            self._attempt = (int(attempt[0]), attempt[1]) if attempt else None
        if "cursor" in entry and "steps" not in entry:
            cursor = int(entry["cursor"])
            if not 0 <= cursor <= len(self._steps):
                raise ValueError(entry)
            self._cursor = cursor


def _row_of(change: Change) -> Row:
    return (change["table"], change.get("id", change["ref"]))


def _linked_first(creates: list[Change]) -> list[Change]:
    """New rows in an order in which a row comes after the new rows that it links to."""
    waiting = {change["ref"]: change for change in creates}
    ordered: list[Change] = []

    def place(ref: str) -> None:
        change = waiting.pop(ref, None)
        if change is not None:
            for value in change.get("fields", {}).values():
                if isinstance(value, dict) and "ref" in value and len(value) == 1:
                    place(str(value["ref"]))
            ordered.append(change)

    for change in creates:
        place(change["ref"])
    return ordered
