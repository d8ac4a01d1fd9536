"""Edits that are staged and not saved yet, over all tables.

The log works like a text editor's (`step_log`); what its steps come to is kept row by row (`staged_rows`). Everything goes
to the journal at once: a killed console loses nothing.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from core.contract.console import CommitAnswer, CommitRequest
from core.contract.records import Record
from screens.presenters.commit_request import changes_of, rows_of
from screens.presenters.link import REF, NewRecord
from screens.presenters.operation import Insert, Operation, Row, Step, from_data, to_data
from screens.presenters.signal import Signal
from screens.presenters.staged import Applied, CellEdit, RowChange, Staged, same
from screens.presenters.staged_rows import StagedRows
from screens.presenters.step_log import StepLog
from screens.services.wording import in_words


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
        self.turn_to(journal)

    def turn_to(self, journal: Journal | None) -> None:
        """Go on where another journal ends; what was staged so far stays in its own, for who comes back to it (A-271)."""
        self._journal = journal
        self._log = StepLog()
        self._rows = StagedRows()
        self._attempt: tuple[int, CommitRequest] | None = None
        """A commit that has no answer yet: how much of the log it holds, and the request."""
        if journal is not None and (entries := journal.read()):
            self._load(entries)
            journal.rewrite([self.state()])

    # ── Staging ────────────────────────────────────────────────────────────────────────────────────────────────────

    def set(self, table: str, edits: Iterable[CellEdit]) -> int:
        """Stage values as one step; cells that hold the value already are left alone. The number of cells changed."""
        return self._stage(self._rows.sets(table, edits))

    def insert(self, table: str, rows: Sequence[Mapping[str, Any]], edits: Iterable[CellEdit] = ()) -> list[str]:
        """Stage new rows, and values of existing ones with them, as one step (a pasted block); the refs of the rows."""
        operations = self._rows.sets(table, edits)
        refs = [new_ref() for _ in rows]
        for ref in refs:
            self._rows.announce((table, ref))
        operations += [Insert(table, ref, dict(fields)) for ref, fields in zip(refs, rows, strict=True)]
        self._stage(operations)
        return refs

    def link_new(self, table: str, edits: Iterable[CellEdit], record: NewRecord) -> str:
        """Stage a new record and the links to it (the value of each edit) as one step; its ref."""
        ref = new_ref()
        self._rows.announce((record.table, ref))
        self._rows.name((record.table, ref), record.title)
        links = self._rows.sets(table, (edit._replace(value=record.linked(ref)) for edit in edits))
        self._stage([Insert(record.table, ref, dict(record.fields)), *links])
        return ref

    def delete(self, table: str, rows: Iterable[tuple[str, str]]) -> int:
        """Stage the deletion of rows (key, stamp); new rows simply vanish. The number of operations that it takes."""
        return self._stage(self._rows.deletes(table, rows))

    def restore(self, table: str, rows: Iterable[tuple[str, str]]) -> int:
        """Stage rows' return from the trash (key, stamp), or take back their staged deletion."""
        return self._stage(self._rows.restores(table, rows))

    def revert(self, table: str, key: str, field: str | None = None) -> None:
        """Give a cell, or a whole row, its stored value back, as a step of its own."""
        row = (table, key)
        if field is None and self._rows.is_new(row):
            self.delete(table, [(key, "")])
        elif field is None and self._rows.state(row) == "gone":
            self.restore(table, [(key, "")])
        else:
            names = [field] if field else list(self._rows.values(row))
            self.set(table, [CellEdit(key, name, None, self._rows.stored(row, name)) for name in names])
        self.conflicts.pop(row, None)

    def discard(self) -> None:
        """Drop everything that is pending; redo brings it back."""
        tables = set().union(*(step.tables for step in self._log.pending()))
        self._log.cursor = self._log.saved
        self._rows.forget_answers()
        self._rows.replay(self._log.pending())
        self._written(tables, {"cursor": self._log.cursor})

    def undo(self) -> bool:
        """A step back, or what was saved at once; False at the beginning."""
        return self._move(-1)

    def redo(self) -> bool:
        """A step forward, or what was saved at once; False at the end."""
        return self._move(1)

    @property
    def last_deleted(self) -> int:
        """How many rows the last step deletes; 0 for a step of another kind."""
        return self._log.last_deleted

    @property
    def can_undo(self) -> bool:
        return self._log.cursor > 0

    @property
    def can_redo(self) -> bool:
        return self._log.cursor < len(self._log.steps)

    def _stage(self, operations: Sequence[Operation]) -> int:
        if not operations:
            return 0
        step = Step(tuple(operations))
        goes_on = self._log.put(step, self._attempt[0] if self._attempt else 0)
        if goes_on:
            for operation in operations:
                self._rows.do(operation)
        else:
            self._rows.replay(self._log.pending())
        self._rows.forget_refusals(operations)
        if goes_on:
            rows = list(dict.fromkeys((operation.table, operation.key) for operation in operations))
            known = [self._rows.to_data(row) for row in rows]
            self._written(step.tables, {"at": self._log.cursor - 1, "step": to_data(step), "rows": known}, rows)
        else:
            self._written(step.tables)
        return len(operations)

    def _move(self, direction: int) -> bool:
        step = self._log.move(direction)
        if step is None:
            return False
        self._rows.forget_refusals(step.operations, whole_rows=True)
        self._rows.replay(self._log.pending())
        self._written(step.tables, {"cursor": self._log.cursor})
        return True

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def conflicts(self) -> dict[Row, Record | None]:
        """Rows that others changed since they were read, as they are now; None: the row is gone."""
        return self._rows.conflicts

    def name_row(self, table: str, key: str, title: str) -> None:
        """Say what people call a row, for panels that show it without its table."""
        self._rows.name((table, key), title)

    def title_of(self, table: str, key: str) -> str:
        """What people call a row; "" when nobody said."""
        return self._rows.title((table, key))

    def title_of_new(self, ref: str) -> str:
        """What people call a new row, whatever its table; "" when nobody said."""
        return self._rows.title_of_new(ref)

    def cell(self, table: str, key: str, field: str) -> Staged | None:
        """What is staged for a cell; None when nothing is, or when it equals the stored value."""
        return self._rows.cell((table, key), field)

    def row_mark(self, table: str, key: str) -> Literal["", "new", "deleted"]:
        """The mark in the gutter."""
        return self._rows.mark((table, key))

    def new_rows(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Rows that do not exist yet, oldest first: ref and staged values."""
        return self._rows.new_rows(table)

    def rows(self, table: str | None = None) -> Iterator[RowChange]:
        """What is pending, row by row, in the order in which rows were first touched."""
        return self._rows.changes(table)

    def count(self) -> int:
        """Pending changes: cells of existing rows, and rows to create, delete or restore."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """Pending changes by table."""
        return self._rows.counts()

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
        return {"changes": changes_of(self._rows), "dryRun": True}

    def begin(self) -> CommitRequest:
        """The request to send. After a broken connection it is the very one that got no answer, with its key, so that
        the server can tell; edits made since then wait for the next one."""
        if self._attempt is None:
            request: CommitRequest = {"changes": changes_of(self._rows), "idempotencyKey": secrets.token_hex(12)}
            self._attempt = (self._log.cursor, request)
            self._written((), {"attempt": list(self._attempt)})
        return self._attempt[1]

    def abort(self) -> None:
        """The server answered that it did nothing."""
        self._attempt = None
        self._written((), {"attempt": None})

    def check(self, answer: CommitAnswer) -> Applied:
        """Take the answer to `dry_run`: refused cells and rows changed by others get their marks."""
        return self._refuse(answer, rows_of(changes_of(self._rows)))

    def apply(self, answer: CommitAnswer) -> Applied:
        """Take the answer to `begin`: saved rows lose their marks, refused cells get theirs."""
        if self._attempt is None:
            return Applied(False)
        position, request = self._attempt
        self._attempt = None
        rows = rows_of(request["changes"])
        if not answer["committed"]:
            return self._refuse(answer, rows)
        self._rows.forget_answers()
        self._rows.replay(self._log.pending(position))  # edits made meanwhile were not sent
        self._log.save(position, self._rows.save(answer, rows))
        self._rows.replay(self._log.pending())
        self._written({table for table, _ in rows.values()})
        return Applied(True)

    def _refuse(self, answer: CommitAnswer, rows: dict[str, Row]) -> Applied:
        self._rows.forget_answers()
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
                field, message = str(error.get("field", "")), in_words(error, "message").get("message", "")
                if field:
                    self._rows.refuse(row, field, message)
                    cells.append((*row, field))
                else:
                    other.append(message)
        attempt = list(self._attempt) if self._attempt else None
        self._written({table for table, _ in rows.values()}, {"attempt": attempt})
        return Applied(False, tuple(cells), tuple(conflicts), tuple(other))

    def resolve(self, table: str, key: str, theirs: Iterable[str]) -> None:
        """Settle a conflict: the fields named take the value of others, all else stays mine over the row as it is now."""
        row = (table, key)
        current = self.conflicts.pop(row, None)
        take = set(theirs)
        if current is None:
            self.revert(table, key)
            return
        self._rows.take_theirs(row, current)
        self._log.rebase(row, current["fields"])
        taken = [name for name in self._rows.values(row) if name in take]
        self.set(table, [CellEdit(key, name, None, self._rows.stored(row, name)) for name in taken])
        self._written({table})

    def conflict_fields(self, table: str, key: str) -> list[tuple[str, Any, Any, Any]]:
        """The pending cells of a row in conflict: field, value as first read, mine, theirs."""
        row = (table, key)
        current = self.conflicts.get(row)
        theirs = current["fields"] if current else {}
        return [
            (name, self._rows.stored(row, name), value, theirs.get(name))
            for name, value in self._rows.values(row).items()
            if not same(value, self._rows.stored(row, name))
        ]

    # ── The journal ────────────────────────────────────────────────────────────────────────────────────────────────

    def _written(
        self, tables: Iterable[str] = (), entry: Mapping[str, Any] | None = None, rows: Iterable[Row] = ()
    ) -> None:
        """Tell journal and listeners. entry: what changed; None writes everything anew. rows: the only ones concerned."""
        self._rows.recount(rows)
        if self._journal is not None and entry is not None:
            self._journal.append(dict(entry))
        elif self._journal is not None:
            self._journal.rewrite([self.state()])
        for table in sorted(tables):
            self.changed.publish(table)

    def state(self) -> dict[str, Any]:
        """Everything as plain data: the first entry of the journal."""
        touched = {(operation.table, operation.key) for step in self._log.steps for operation in step.operations}
        return {
            "version": 1,
            "steps": [to_data(step) for step in self._log.steps],
            "cursor": self._log.cursor,
            "saved": self._log.saved,
            "stretches": list(self._log.stretches),
            "rows": [self._rows.to_data(row) for row in sorted(touched)],
            "attempt": list(self._attempt) if self._attempt else None,
        }

    def _load(self, entries: Sequence[Any]) -> None:
        """Go through a journal; from the first entry on that cannot be read it is left."""
        for entry in entries:
            try:
                self._take_entry(entry)
            except (KeyError, TypeError, ValueError, IndexError):
                break
        self._rows.replay(self._log.pending())

    def _take_entry(self, entry: Mapping[str, Any]) -> None:
        if "steps" in entry:
            steps = [from_data(step) for step in entry["steps"]]
            self._rows.take_data(entry["rows"])
            self._log.restore(steps, 0, int(entry["cursor"]), int(entry["saved"]), entry.get("stretches", ()))
        elif "step" in entry:
            steps, at = [from_data(entry["step"])], int(entry["at"])
            self._rows.take_data(entry["rows"])
            self._log.restore(steps, at, at + 1, self._log.saved)
        elif "cursor" in entry:
            self._log.go_to(int(entry["cursor"]))
        if "attempt" in entry:
            attempt = entry["attempt"]
            self._attempt = (int(attempt[0]), attempt[1]) if attempt else None
