"""A session on DuckDB: one cursor of the root connection."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
from sqlalchemy import Table

from core.errors import SovriumError
from core.storage.database import Row
from core.storage.ddl import literal, quote
from core.storage.duckdb.errors import translate
from core.storage.duckdb.types import RowShape, decode
from core.storage.journal import CHANGES, Entry, change_rows
from core.storage.session import Session
from core.storage.statement import StatementCache


class DuckDBSession(Session):
    """`connect` gives a cursor; it is asked again when the database had to be opened anew."""

    dialect = "duckdb"

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection], statements: StatementCache) -> None:
        super().__init__()
        self.statements = statements
        self._connect = connect
        self._cursor = connect()
        self._open = False
        self._lost = False
        self._shapes: WeakKeyDictionary[Table, dict[Any, Any]] = WeakKeyDictionary()
        self.last_numbers = (0, 0)
        """Transaction and sequence of the change log, as committed. The writer alone moves them."""
        self._taken = (0, 0)

    # The transaction.

    def begin(self, *, read_only: bool) -> None:
        self.broken = None
        self._run("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
        self._open = True
        self._taken = self.last_numbers

    def commit(self) -> None:
        self._run("COMMIT")
        self._open = False
        self.last_numbers = self._taken

    def rollback(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            self._cursor.execute("ROLLBACK")
        except duckdb.Error as error:
            # "no transaction is active": the error that brought us here has ended it already.
            self._note(error)

    def interrupt(self) -> None:
        self._cursor.interrupt()

    def close(self) -> None:
        self._cursor.close()

    @property
    def is_lost(self) -> bool:
        return self._lost

    def renew(self) -> None:
        """Take a new cursor, after the database has been opened again."""
        self._cursor = self._connect()
        self._open = self._lost = False
        self.broken = None

    # Statements.

    def fetch(self, sql: str, values: Sequence[Any]) -> list[Row]:
        self._run(sql, values)
        try:
            return decode(self._cursor.fetchall(), self._cursor.description or ())
        except Exception as error:
            raise self._fail(error) from error

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Row]]:
        self._run(sql, values)
        description = self._cursor.description or ()
        while True:
            self.check()
            try:
                rows = self._cursor.fetchmany(size)
            except Exception as error:
                raise self._fail(error) from error
            if not rows:
                return
            yield decode(rows, description)

    def execute(self, sql: str, values: Sequence[Any]) -> int:
        self._run(sql, values)
        description = self._cursor.description
        if not description or description[0][0] != "Count":
            return -1
        row = self._cursor.fetchone()
        return int(row[0]) if row else -1

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], returning: Sequence[str]) -> list[Row]:
        columns = tuple(rows[0])
        if not columns:
            return [row for _ in rows for row in self._insert_defaults(table, returning)]
        single, batch, shape = self._kept(("insert", columns, tuple(returning)), table, self._insert_sql)
        values = shape.values(rows[0]) if len(rows) == 1 else [shape.pack(rows)]
        self._run(single if len(rows) == 1 else batch, values)
        return decode(self._cursor.fetchall(), self._cursor.description or ()) if returning else []

    def update(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> int:
        columns = tuple(name for name in rows[0] if name != key)
        if not columns:
            return 0
        single, batch, shape = self._kept(("update", columns, key), table, self._update_sql)
        values = shape.values(rows[0]) if len(rows) == 1 else [shape.pack(rows)]
        return self.execute(single if len(rows) == 1 else batch, values)

    def next_values(self, sequence: str, count: int) -> list[int]:
        return [row[0] for row in self.fetch(f"SELECT nextval({literal(quote(sequence))}) FROM range(?)", [count])]

    def append_changes(self, entries: Sequence[Entry]) -> list[tuple[int, int]]:
        transaction, sequence = self._taken
        rows: list[dict[str, Any]] = []
        numbers = []
        for entry in entries:
            transaction += 1
            rows += change_rows(entry, transaction, sequence + 1)
            sequence += len(entry.changes)
            numbers.append((transaction, sequence))
        if rows:
            self.insert(CHANGES, rows, ())
        self._taken = (transaction, sequence)
        return numbers

    # Below: one place each for running, failing and keeping SQL.

    def _run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.check()
        try:
            self._cursor.execute(sql, values)
        except Exception as error:
            raise self._fail(error) from error

    def _fail(self, error: Exception) -> SovriumError:
        self._note(error)
        if isinstance(error, duckdb.InterruptException) and self.guard is not None:
            self.broken = self.guard.error()
        else:
            self.broken = translate(error)
        return self.broken

    def _note(self, error: Exception) -> None:
        if isinstance(error, duckdb.FatalException) or "database has been invalidated" in str(error):
            self._lost = True

    def _kept(self, key: Any, table: Table, make: Callable[[Table, Any], Any]) -> Any:
        shapes = self._shapes.setdefault(table, {})
        if key not in shapes:
            shapes[key] = make(table, key)
        return shapes[key]

    def _insert_sql(self, table: Table, key: tuple[str, tuple[str, ...], tuple[str, ...]]) -> tuple[str, str, RowShape]:
        _, columns, returning = key
        shape = RowShape(table, columns)
        names = ", ".join(quote(name) for name in columns)
        into = f"INSERT INTO {quote(table.name)} ({names})"
        back = self._returning(returning)
        marks = ", ".join("?" for _ in columns)
        many = f"{into} SELECT {', '.join(shape.expressions)} FROM {shape.source}{back}"
        return f"{into} VALUES ({marks}){back}", many, shape

    def _update_sql(self, table: Table, key: tuple[str, tuple[str, ...], str]) -> tuple[str, str, RowShape]:
        _, columns, key_column = key
        shape = RowShape(table, [*columns, key_column])
        name, key_name = quote(table.name), quote(key_column)
        plain = ", ".join(f"{quote(column)} = ?" for column in columns)
        joined = ", ".join(
            f"{quote(column)} = {expression}" for column, expression in zip(columns, shape.expressions, strict=False)
        )
        return (
            f"UPDATE {name} SET {plain} WHERE {key_name} = ?",
            f"UPDATE {name} SET {joined} FROM {shape.source} WHERE {name}.{key_name} = {shape.expressions[-1]}",
            shape,
        )

    def _insert_defaults(self, table: Table, returning: Sequence[str]) -> list[Row]:
        sql = f"INSERT INTO {quote(table.name)} DEFAULT VALUES{self._returning(returning)}"
        if returning:
            return self.fetch(sql, ())
        self.execute(sql, ())
        return []

    def _returning(self, columns: Sequence[str]) -> str:
        return f" RETURNING {', '.join(quote(name) for name in columns)}" if columns else ""
