"""SQL typed by a person, on a DuckDB session: its parser's judgement, the columns of a result, the place of an error."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb

from core.errors import BadRequest
from core.storage.database import Row
from core.storage.duckdb.session import DuckDBSession

_PLACE = re.compile(r"^LINE (?P<line>\d+): (?P<text>.*)\n(?P<caret> *)\^", re.MULTILINE)
_KINDS = {
    "select": {"SELECT", "EXPLAIN", "MULTI", "PRAGMA", "CALL"},
    "write": {"INSERT", "UPDATE", "DELETE", "MERGE_INTO"},
    "schema": {"CREATE", "ALTER", "DROP"},
}
SIZE = 1000


def verify(session: DuckDBSession, sql: str, kind: str) -> None:
    """Refuse a text that DuckDB's own parser does not take for one statement of that kind. Raises BadRequest."""
    try:
        statements = session._cursor.extract_statements(sql)
    except duckdb.Error as error:
        raise session._fail(error) from error
    if len(statements) != 1 or statements[0].type.name not in _KINDS[kind]:
        raise BadRequest("This is not one statement of a kind that runs here")
    if statements[0].named_parameters:
        raise BadRequest("Parameters have no values here", hint="write the values into the statement")


def tables_read(session: DuckDBSession, sql: str) -> set[str] | None:
    """What DuckDB would read, qualified. Raises what is wrong with the query."""
    try:
        return set(session._cursor.get_table_names(sql, qualified=True))
    except duckdb.Error as error:
        raise session._fail(error) from error


def query(
    session: DuckDBSession, sql: str, values: Sequence[Any], *, by_cursor: bool
) -> tuple[list[tuple[str, str]], Iterator[list[Row]]]:
    """Run it: name and type of each column, and the rows in blocks (DuckDB streams every result)."""
    blocks = session.stream(sql, values, SIZE)
    first = next(blocks, None)
    columns = [(str(column[0]), str(column[1])) for column in session._cursor.description or ()]

    def rows() -> Iterator[list[Row]]:
        if first is not None:
            yield first
            yield from blocks

    return columns, rows()


def execute(session: DuckDBSession, sql: str) -> int:
    """Run it; the rows that it changed, -1 where DuckDB does not say."""
    return session.execute(sql, ())


def place_of(error: BaseException, sql: str) -> tuple[int, int] | None:
    """Line and column, from 1, in the statement where DuckDB's message points; None when it points nowhere."""
    found = _PLACE.search(str(error))
    if found is None:
        return None
    number, excerpt = int(found["line"]), found["text"]
    column = len(found["caret"]) - len(f"LINE {number}: ")
    lines = sql.split("\n")
    if number > len(lines):
        return None
    if excerpt.startswith("..."):  # a long line is shown around the place only
        inner = excerpt[3:].removesuffix("...")
        start = lines[number - 1].find(inner)
        column += start - 3 if start >= 0 else 0
    return number, max(column, 0) + 1
