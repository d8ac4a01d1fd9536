"""SQL typed by a person, on a PostgreSQL session: the columns of a result, the place of an error.

Everything is sent by the extended protocol (parameters given, though none): there the server takes one statement only.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from core.storage.database import Row
from core.storage.postgresql.session import PostgreSQLSession

_DECLARE = "DECLARE system_typed NO SCROLL CURSOR FOR "
_DECLARED = ("SELECT", "WITH", "VALUES", "TABLE", "(")
SIZE = 1000


class Placed(Exception):
    """A driver's error of a statement that was sent behind `shift` characters of ours."""

    def __init__(self, error: psycopg.Error, shift: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.shift = shift


def verify(session: PostgreSQLSession, sql: str, kind: str) -> None:
    """Nothing to do: the protocol refuses more than one statement, a read-only transaction those that write."""


def tables_read(session: PostgreSQLSession, sql: str) -> set[str] | None:
    """PostgreSQL tells by running EXPLAIN only, which plans the query."""
    return None


def query(
    session: PostgreSQLSession, sql: str, values: Sequence[Any], *, by_cursor: bool
) -> tuple[list[tuple[str, str]], Iterator[list[Row]]]:
    """Run it: name and type of each column, and the rows in blocks. A result that may be large comes by a cursor."""
    cursor = psycopg.RawCursor(session._connection)
    if not (by_cursor and sql.upper().startswith(_DECLARED)):
        _send(session, cursor, sql, 0, values)
        blocks = iter([cursor.fetchall()] if cursor.description else [])
        return _columns(session, cursor), blocks
    _send(session, cursor, _DECLARE + sql, len(_DECLARE), values)
    first = _fetch(session, cursor)
    columns = _columns(session, cursor)

    def rows() -> Iterator[list[Row]]:
        block = first
        while block:
            yield block
            block = _fetch(session, cursor) if len(block) == SIZE else []

    return columns, rows()


def execute(session: PostgreSQLSession, sql: str) -> int:
    """Run it; the rows that it changed, -1 where that means nothing."""
    cursor = psycopg.RawCursor(session._connection)
    _send(session, cursor, sql, 0)
    return cursor.rowcount


def place_of(error: BaseException, sql: str) -> tuple[int, int] | None:
    """Line and column, from 1, in the statement where the server's message points; None when it points nowhere."""
    if not isinstance(error, Placed) or error.error.diag.statement_position is None:
        return None
    offset = int(error.error.diag.statement_position) - 1 - error.shift
    before = sql[: max(offset, 0)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _fetch(session: PostgreSQLSession, cursor: psycopg.RawCursor[Row]) -> list[Row]:
    session.check()
    _send(session, cursor, f"FETCH FORWARD {SIZE} FROM system_typed", 0)
    return cursor.fetchall()


def _send(
    session: PostgreSQLSession, cursor: psycopg.RawCursor[Row], sql: str, shift: int, values: Sequence[Any] = ()
) -> None:
    session.check()
    try:
        cursor.execute(sql.encode(), values)
    except psycopg.Error as error:
        raise session._fail(error) from Placed(error, shift)


def _columns(session: PostgreSQLSession, cursor: psycopg.RawCursor[Row]) -> list[tuple[str, str]]:
    return [(column.name, _type_name(session, column)) for column in cursor.description or ()]


def _type_name(session: PostgreSQLSession, column: Any) -> str:
    known = session._connection.adapters.types.get(column.type_code)
    if known is None:
        return "unknown"
    return f"{known.name}[]" if column.type_code == known.array_oid else known.name
