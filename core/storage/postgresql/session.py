"""A session on PostgreSQL: one connection, transactions that behave as if they ran one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Executable

from core.errors import SovriumError
from core.storage.database import Parameters, Row
from core.storage.ddl import literal, quote
from core.storage.journal import CHANGES, Entry, change_rows
from core.storage.postgresql.errors import translate
from core.storage.postgresql.placeholder import MOST_VALUES, numbered, written_out
from core.storage.session import Session
from core.storage.statement import StatementCache

CHANGE_NUMBERS = "system_change_number"
TRANSACTION_NUMBERS = "system_change_transaction"
Connection = psycopg.Connection[Row]


class PostgreSQLSession(Session):
    """`connect` gives a connection in autocommit mode; transactions are begun and ended by statements of ours."""

    dialect = "postgresql"

    def __init__(self, connect: Callable[[], Connection], statements: StatementCache) -> None:
        super().__init__()
        self.statements = statements
        self._connect = connect
        self._connection = connect()
        self._cursor = psycopg.RawCursor(self._connection)
        self._last_sequence = 0

    # The transaction.

    def begin(self, *, read_only: bool) -> None:
        self.broken = None
        self._run(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if read_only else "BEGIN ISOLATION LEVEL SERIALIZABLE"
        )

    def commit(self) -> None:
        self._run("COMMIT")

    def rollback(self) -> None:
        try:
            if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._cursor.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()  # the server ends the transaction of a lost connection by itself

    def interrupt(self) -> None:
        self._connection.cancel_safe(timeout=2.0)

    def close(self) -> None:
        self._connection.close()

    @property
    def is_lost(self) -> bool:
        return self._connection.closed

    def renew(self) -> None:
        """Connect again."""
        self._connection.close()
        self._connection = self._connect()
        self._cursor = psycopg.RawCursor(self._connection)
        self.broken = None

    # Statements.

    def render(self, statement: Executable | str, parameters: Parameters) -> tuple[str, Sequence[Any]]:
        sql, values = super().render(statement, parameters)
        return (numbered(sql), values) if isinstance(statement, str) and values else (sql, values)

    def prepare(self, sql: str) -> str:
        return numbered(sql)

    def fetch(self, sql: str, values: Sequence[Any]) -> list[Row]:
        self._run(sql, values)
        try:
            return self._cursor.fetchall() if self._cursor.description else []
        except Exception as error:
            raise self._fail(error) from error

    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Row]]:
        self.check()
        try:
            with psycopg.RawServerCursor(self._connection, "system_stream") as cursor:
                cursor.execute(sql, values or None)
                while rows := cursor.fetchmany(size):
                    yield rows
                    self.check()
        except psycopg.Error as error:
            raise self._fail(error) from error

    def execute(self, sql: str, values: Sequence[Any]) -> int:
        self._run(sql, values)
        return self._cursor.rowcount

    def next_values(self, sequence: str, count: int) -> list[int]:
        sql = f"SELECT nextval({literal(quote(sequence))}) FROM generate_series(1, $1)"
        return [row[0] for row in self.fetch(sql, [count])]

    def append_changes(self, entries: Sequence[Entry]) -> list[tuple[int, int]]:
        """The lock lasts until the commit: numbers appear in their order, whoever writes."""
        count = sum(len(entry.changes) for entry in entries)
        if count:
            self._run("SELECT pg_advisory_xact_lock(hashtext('system_change'))")
        transactions = self.next_values(TRANSACTION_NUMBERS, len(entries))
        numbers = self.next_values(CHANGE_NUMBERS, count) if count else []
        rows: list[dict[str, Any]] = []
        out = []
        for entry, transaction in zip(entries, transactions, strict=True):
            if entry.changes:
                rows += change_rows(entry, transaction, numbers[len(rows)])
                self._last_sequence = rows[-1]["sequence"]
            out.append((transaction, self._last_sequence))
        if rows:
            self.insert(CHANGES, rows, ())
        return out

    # Running and failing, each in one place.

    def _run(self, sql: str, values: Sequence[Any] = ()) -> None:
        self.check()
        try:
            if len(values) > MOST_VALUES:
                sql, values = written_out(sql, values, self._connection), ()
            self._cursor.execute(sql, values or None)
        except Exception as error:
            raise self._fail(error) from error

    def _fail(self, error: Exception) -> SovriumError:
        if isinstance(error, errors.QueryCanceled) and self.guard is not None:
            self.broken = self.guard.error()
        else:
            self.broken = translate(error)
        return self.broken
