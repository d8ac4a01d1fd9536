"""A session on DuckDB: one cursor of the root connection."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import duckdb
from sqlalchemy import Table

from core.errors import DiskFull, SovriumError
from core.storage.database import Row
from core.storage.ddl import literal, quote
from core.storage.duckdb import change_log
from core.storage.duckdb.append import Appenders
from core.storage.duckdb.errors import translate
from core.storage.duckdb.types import decode
from core.storage.journal import CHANGES, Entry
from core.storage.rows import RowShape
from core.storage.session import Session
from core.storage.statement import StatementCache

STATEMENTS_KEPT = 500
TEXT_KEPT = 4_000
"""Characters of the longest statement that is kept parsed."""

CHANGES_SHAPE = frozenset({"CREAT", "ALTER", "DROP "})
"""How statements begin after which an appender may know a table that is no more as it was."""


class DuckDBSession(Session):
    """`connect` gives a cursor; it is asked again when the database had to be opened anew."""

    dialect = "duckdb"

    def __init__(self, connect: Callable[[], duckdb.DuckDBPyConnection], statements: StatementCache) -> None:
        super().__init__()
        self.statements = statements
        self._connect = connect
        self._cursor = connect()
        self._parsed: dict[str, duckdb.Statement | None] = {}
        """Texts of ours and their syntax trees, from the second time on: parsing is a fifth of a small statement."""
        self._appenders = Appenders()
        self._append_shapes: WeakKeyDictionary[Table, dict[tuple[str, ...], RowShape]] = WeakKeyDictionary()
        self._open = False
        self._lost = False
        self.last_numbers = (0, 0)
        """Transaction and sequence of the change log, as committed. The writer alone moves them."""
        self._taken = (0, 0)
        self.on_disk_full: Callable[[], None] = lambda: None

    # The transaction.

    def begin(self, *, read_only: bool) -> None:
        self.broken = None
        self._open = True  # before BEGIN: one that is interrupted may have begun a transaction all the same
        self._run("BEGIN TRANSACTION READ ONLY" if read_only else "BEGIN TRANSACTION")
        self._taken = self.last_numbers

    def commit(self) -> None:
        self._run("COMMIT")
        self._open = False
        self.last_numbers = self._taken

    def rollback(self) -> None:
        if not self._open:
            return
        self._open = False
        self._appenders.forget()  # a table may get its old shape back
        try:
            self._cursor.execute("ROLLBACK")
        except duckdb.Error as error:
            # "no transaction is active": the error that brought us here has ended it already.
            self._note(error)

    def interrupt(self) -> None:
        self._cursor.interrupt()

    def close(self) -> None:
        self._appenders.forget()
        self._parsed.clear()
        self._cursor.close()

    def forget(self) -> None:
        """Let go of the closed cursor: whoever keeps the session keeps nothing of the driver, which complains at exit."""
        del self._cursor

    @property
    def is_lost(self) -> bool:
        return self._lost

    def renew(self) -> None:
        """Take a new cursor, after the database has been opened again."""
        self._appenders.forget()
        self._parsed.clear()
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
        # As texts: a stream that is left half-read must not keep objects of the driver alive until the interpreter ends.
        description = [(column[0], str(column[1])) for column in self._cursor.description or ()]
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
        """Many rows go through an appender, which needs no planning of a statement around them. It returns nothing, so
        the numbers that the caller wants to know are drawn before."""
        sequences = [getattr(table.c[name].default, "name", None) for name in returning]
        if not rows[0] or None in sequences or (len(rows) == 1 and sequences):
            return super().insert(table, rows, returning)
        columns = tuple(rows[0])
        values = self._carried(table, columns, rows)
        numbers = [self.next_values(str(name), len(rows)) for name in sequences]
        self._append(table, (*columns, *returning), list(zip(*values, *numbers, strict=True)))
        return list(zip(*numbers, strict=True))

    def update(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Many rows go through an appender too, in two thirds of the time of an UPDATE from JSON."""
        columns = tuple(rows[0])
        if len(rows) == 1 or columns == (key,):
            super().update(table, key, rows)
        else:
            self._append(table, columns, list(zip(*self._carried(table, columns, rows), strict=True)), key)

    def _carried(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
    ) -> list[Sequence[Any]]:
        shapes = self._append_shapes.setdefault(table, {})
        shape = shapes.get(columns) or shapes.setdefault(columns, RowShape(self.dialect, table, columns))
        return shape.carried(rows)

    def _append(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Sequence[Any]], updated_by: str | None = None
    ) -> None:
        """New rows, or changes of those that this column tells."""
        self._fill(lambda: self._appenders.append(self._cursor, table, columns, rows, updated_by))

    def _fill(self, append: Callable[[], None]) -> None:
        self.check()
        try:
            self._cursor.complete()  # a result that was not read to its end would be in the way
            append()
        except Exception as error:
            raise self._fail(error) from error

    def next_values(self, sequence: str, count: int) -> list[int]:
        return [row[0] for row in self.fetch(f"SELECT nextval({literal(quote(sequence))}) FROM range(?)", [count])]

    def append_changes(self, entries: Sequence[Entry]) -> list[tuple[int, int]]:
        transaction, sequence = self._taken
        rows: list[Sequence[Any]] = []
        folded: list[Sequence[Any]] = []
        numbers = []
        for entry in entries:
            transaction += 1
            for run in change_log.runs(entry.changes):
                whole = change_log.folded(entry, run, transaction, sequence)
                if whole is None:
                    rows += change_log.rows(entry, run, transaction, sequence)
                else:
                    folded.append(whole)
                sequence += len(run)
            numbers.append((transaction, sequence))
        if rows:
            self._append(CHANGES, change_log.COLUMNS, rows)
        if folded:
            self._fill(lambda: self._appenders.unfold(self._cursor, folded))
        self._taken = (transaction, sequence)
        return numbers

    # Running and failing, each in one place.

    def _run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.check()
        try:
            self._cursor.execute(self._statement(sql), values)
        except Exception as error:
            raise self._fail(error) from error
        if sql.lstrip()[:5].upper() in CHANGES_SHAPE:
            self._appenders.forget()

    def _statement(self, sql: str) -> "str | duckdb.Statement":
        """The text, parsed where it has come before."""
        parsed = self._parsed.get(sql)
        if parsed is not None:
            return parsed
        if len(sql) > TEXT_KEPT:
            return sql
        if sql not in self._parsed:
            if len(self._parsed) >= STATEMENTS_KEPT:
                self._parsed.clear()
            self._parsed[sql] = None
            return sql
        found = self._cursor.extract_statements(sql)
        if len(found) != 1:
            return sql
        self._parsed[sql] = found[0]
        return found[0]

    def _fail(self, error: Exception) -> SovriumError:
        self._note(error)
        if isinstance(error, duckdb.InterruptException) and self.guard is not None:
            self.broken = self.guard.error()
        else:
            self.broken = translate(error)
        if isinstance(self.broken, DiskFull):
            self.on_disk_full()
        return self.broken

    def _note(self, error: Exception) -> None:
        if isinstance(error, duckdb.FatalException) or "database has been invalidated" in str(error):
            self._lost = True
