"""A statement that writes, in a job of the writer: run it, bring the records' times up to date, record what it did."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table

from core.contract.console import SqlColumn
from core.errors import SovriumError
from core.fields.address import key_text
from core.fields.model import AppModel, TableModel
from core.records.key import KeyValue
from core.records.writing import Stored, WritableTable
from core.sql.cell import family_of, to_cell
from core.sql.reach import Reach, reach_of
from core.sql.spool import Spool
from core.sql.statement import Statement
from core.storage.database import ChangeRow, Transaction
from core.storage.ddl import quote
from core.storage.typed import execute, query, verify

RECORDED = 1000
"""Records that get a change row each, with what they held; more are recorded as one, under `*`."""
WATCHED = 100_000
"""The same, where webhooks are told of each."""
CAUSE_LENGTH = 500
CHUNK = 5000
TICK = timedelta(milliseconds=1)


class Unread(Exception):
    """The rows could not be looked at before the statement; it is to run again without."""


@dataclass
class Done:
    """`changed` is -1 where the database does not say. `spool` holds what RETURNING gave."""

    changed: int
    columns: list[SqlColumn] = field(default_factory=list)
    spool: Spool | None = None


class Write:
    """One statement of kind `write` or `schema`."""

    def __init__(
        self, statement: Statement, model: AppModel, limit: int, table_of: Callable[[TableModel], Table], dialect: str
    ) -> None:
        self.statement = statement
        self.text = statement.for_dialect(dialect)
        self.limit = limit
        self.looks = True
        """Look at the rows before; taken back when the database does not take the question."""
        names = {table.sql_name.lower(): table for table in model}
        self.table = next((names[name] for name in reversed(statement.targets) if name in names), None)
        self._target = WritableTable(self.table, model, table_of) if self.table else None
        self._recorded = WATCHED if self._target and self._target.is_watched else RECORDED

    @property
    def cause(self) -> str:
        """What the change log keeps of the statement."""
        return cause_of(self.statement)

    def run(self, tx: Transaction) -> Done:
        """The writer may run it twice: nothing is kept from a first time. Raises Unread before it has written."""
        tx.log(())  # from here on a failure must undo what other jobs of the transaction share
        verify(tx, self.text, "schema" if self.statement.kind == "schema" else "write")
        reach = reach_of(self.statement, self.text) if self._target else None
        before = self._before(tx, reach)
        keys: list[KeyValue] | None = None
        if self.statement.has("RETURNING"):
            done = self._run_returning(tx)
            keys = list(before) if before is not None and len(before) == done.changed else None
        elif self._target is not None and self.statement.verb in ("INSERT", "UPDATE", "DELETE"):
            keys = self._run_for_keys(tx, self._target, reach)
            done = Done(len(keys))
        else:
            done = Done(execute(tx, self.text))
            if self.statement.verb == "TRUNCATE" and before is not None:
                keys = list(before)
        if keys is not None and self._target is not None:
            self._stamp(tx, self._target, keys, before or {})
        self._record(tx, keys, before or {}, done.changed)
        return done

    def _before(self, tx: Transaction, reach: Reach | None) -> dict[KeyValue, Stored] | None:
        """The rows that the statement will touch, as they are; None where they are not known, or too many."""
        target = self._target
        if target is None or reach is None or not self.looks:
            return None
        try:
            _, blocks = query(tx, reach.select(target.key, self._recorded + 1), by_cursor=False)
            keys = [tuple(row) for block in blocks for row in block]
        except SovriumError as error:
            raise Unread from error
        return target.load(tx, keys) if len(keys) <= self._recorded else None

    def _run_returning(self, tx: Transaction) -> Done:
        columns, blocks = query(tx, self.text, by_cursor=False)
        spool, count = Spool(self.limit), 0

        def counted() -> Iterator[list[tuple[Any, ...]]]:
            nonlocal count
            for block in blocks:
                count += len(block)
                yield [tuple(map(to_cell, row)) for row in block]

        rest = counted()
        spool.fill(rest)
        for _ in rest:
            continue  # the count is that of all rows, kept or not
        told = [SqlColumn(name=name, type=type_, family=family_of(type_)) for name, type_ in columns]
        return Done(count, told, spool)

    def _run_for_keys(self, tx: Transaction, target: WritableTable, reach: Reach | None) -> list[KeyValue]:
        """Run it so that it tells which records it touched."""
        columns = reach.columns(target.key) if reach else ", ".join(map(quote, target.key))
        _, blocks = query(tx, f"{self.text} RETURNING {columns}", by_cursor=False)
        return [tuple(row) for block in blocks for row in block]

    def _stamp(
        self, tx: Transaction, target: WritableTable, keys: list[KeyValue], before: Mapping[KeyValue, Stored]
    ) -> None:
        """A changed record gets a new version, later than the one it had, unless the statement sets it."""
        if self.statement.verb != "UPDATE" or not target.updated or self.statement.mentions("updated_at"):
            return
        changes = [
            (key, dict.fromkeys(target.updated, _later(tx.time, before.get(key)))) for key in dict.fromkeys(keys)
        ]
        for start in range(0, len(changes), CHUNK):
            target.update(tx, changes[start : start + CHUNK])

    def _record(
        self, tx: Transaction, keys: list[KeyValue] | None, before: Mapping[KeyValue, Stored], changed: int
    ) -> None:
        target = self._target
        if keys is None or len(keys) > self._recorded or target is None:
            if changed != 0 or self.statement.kind == "schema":
                name = target.log_name if target else ", ".join(self.statement.targets)
                tx.log([ChangeRow(table=name, record="*", operation="sql", after={"rows": changed})])
            return
        after = target.load(tx, keys) if self.statement.verb in ("INSERT", "UPDATE") else {}
        tx.log([_change(target, key, before.get(key), after.get(key)) for key in dict.fromkeys(keys)])


def cause_of(statement: Statement) -> str:
    """What the change log keeps of a statement."""
    text = " ".join(statement.text.split())
    return "sql: " + (text if len(text) <= CAUSE_LENGTH else text[: CAUSE_LENGTH - 1] + "…")


def _change(target: WritableTable, key: KeyValue, old: Stored | None, new: Stored | None) -> ChangeRow:
    """What is known of one record: all that it held before it went, all that it holds now that it is new, or else the
    fields that differ."""
    before = after = None
    if old is not None and new is not None:
        moved = [name for name, value in old.items() if value != new[name]]
        before, after = target.json(old, moved), target.json(new, moved)
    elif old is not None:
        before = target.json(old)
    elif new is not None:
        after = target.json(new)
    record = key_text(key)
    return ChangeRow(table=target.log_name, record=record, operation="sql", before=before, after=after, held=old)


def _later(now: datetime, row: Stored | None) -> datetime:
    before = row.get("updated_at") if row else None
    return now if before is None else max(now, before + TICK)
