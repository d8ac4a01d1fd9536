"""A statement that writes, as one job of the writer: run it, bring the records' times up to date, record what it did."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table

from core.contract.console import SqlColumn
from core.fields.model import AppModel, TableModel
from core.sql.cell import family_of, to_cell
from core.sql.spool import Spool
from core.sql.statement import Statement
from core.storage.database import ChangeRow, Transaction
from core.storage.typed import execute, query, verify

RECORDED = 1000
"""Records that get a change row each; more are recorded as one, under `*`."""
CAUSE_LENGTH = 500
CHUNK = 5000


@dataclass
class Done:
    """`changed` is -1 where the database does not say. `spool` holds what RETURNING gave."""

    changed: int
    columns: list[SqlColumn] = field(default_factory=list)
    spool: Spool | None = None


class Write:
    """One statement of kind `write` or `schema`."""

    def __init__(
        self, statement: Statement, model: AppModel, limit: int, table_of: Callable[[TableModel], Table]
    ) -> None:
        self.statement = statement
        self.limit = limit
        self._table_of = table_of
        names = {table.sql_name.lower(): table for table in model}
        self.table = next((names[name] for name in reversed(statement.targets) if name in names), None)

    @property
    def cause(self) -> str:
        """What the change log keeps of the statement."""
        text = " ".join(self.statement.text.split())
        return "sql: " + (text if len(text) <= CAUSE_LENGTH else text[: CAUSE_LENGTH - 1] + "…")

    def run(self, tx: Transaction) -> Done:
        """The writer may run it twice: nothing is kept from a first time."""
        statement = self.statement
        verify(tx, statement.text, "schema" if statement.kind == "schema" else "write")
        keys: list[Any] | None = None
        if statement.has("RETURNING"):
            done = self._run_returning(tx)
        elif self._key is not None and statement.verb in ("INSERT", "UPDATE", "DELETE"):
            keys = self._run_for_keys(tx, self._key)
            done = Done(len(keys))
        else:
            done = Done(execute(tx, statement.text))
        self._record(tx, keys, done.changed)
        return done

    @property
    def _key(self) -> str | None:
        """The key column, where records have a single one."""
        return self.table.key.fields[0] if self.table and len(self.table.key.fields) == 1 else None

    def _run_returning(self, tx: Transaction) -> Done:
        columns, blocks = query(tx, self.statement.text, by_cursor=False)
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

    def _run_for_keys(self, tx: Transaction, key: str) -> list[Any]:
        """Run it so that it tells which records it touched; a changed record gets a new version."""
        quoted = '"' + key.replace('"', '""') + '"'
        _, blocks = query(tx, f"{self.statement.text} RETURNING {quoted}", by_cursor=False)
        keys = [row[0] for block in blocks for row in block]
        table = self.table
        if self.statement.verb == "UPDATE" and table is not None and self._stamps(table):
            mapped = [{key: value, "updated_at": tx.time} for value in keys]
            for start in range(0, len(mapped), CHUNK):
                tx.update(self._table_of(table), key, mapped[start : start + CHUNK])
        return keys

    def _stamps(self, table: TableModel) -> bool:
        return "updated_at" in table.column_by_name and not self.statement.mentions("updated_at")

    def _record(self, tx: Transaction, keys: list[Any] | None, changed: int) -> None:
        name = self.table.sql_name if self.table else ", ".join(self.statement.targets)
        if keys is not None and len(keys) <= RECORDED:
            tx.log([ChangeRow(table=name, record=str(key), operation="sql") for key in keys])
        elif changed != 0 or self.statement.kind == "schema":
            tx.log([ChangeRow(table=name, record="*", operation="sql", after={"rows": changed})])
