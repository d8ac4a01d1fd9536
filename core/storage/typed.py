"""SQL typed by a person, on either database. What `Reader` and `Transaction` do not offer to anybody else: the types of a
result's columns, the database's own judgement of a text, the place of an error."""

from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any, Literal

from sqlalchemy import Executable

from core.storage.database import Reader, Row

Columns = list[tuple[str, str]]
"""Name and database type of each column."""


def verify(reader: Reader, sql: str, kind: Literal["select", "write", "schema"]) -> None:
    """Refuse what the database does not take for one statement of that kind. Raises BadRequest."""
    _of(reader.dialect).verify(_session(reader), sql, kind)


def query(
    reader: Reader, sql: str, values: Sequence[Any] = (), *, by_cursor: bool = True
) -> tuple[Columns, Iterator[list[Row]]]:
    """Run a statement that answers rows: its columns, and the rows in blocks, to be read within the job. `values` are those
    of marks that `render` has made. `by_cursor`: the result may be large; not for statements that write."""
    columns, blocks = _of(reader.dialect).query(_session(reader), sql, values, by_cursor=by_cursor)
    return columns, blocks


def render(reader: Reader, statement: Executable) -> tuple[str, Sequence[Any]]:
    """A statement of ours as a part of one that was typed: SQL with the driver's marks, and their values."""
    sql, values = _session(reader).render(statement, ())
    return sql, values


def tables_read(reader: Reader, sql: str) -> set[str] | None:
    """The tables that the database's own binder finds in a query without values; None where it cannot be asked."""
    found: set[str] | None = _of(reader.dialect).tables_read(_session(reader), sql)
    return found


def execute(reader: Reader, sql: str) -> int:
    """Run a statement that answers no rows; the rows that it changed, -1 where the database does not say."""
    count: int = _of(reader.dialect).execute(_session(reader), sql)
    return count


def literal_text(reader: Reader, statement: Executable) -> str:
    """A statement with its values in place: the definition of a view."""
    return written(_session(reader).statements.dialect, statement)


def written(dialect: Any, statement: Executable) -> str:
    """As `literal_text`, for a database that is not at hand."""
    dialect = copy(dialect)
    dialect._backslash_escapes = False
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined]


def place_of(dialect: str, error: BaseException, sql: str) -> tuple[int, int] | None:
    """Line and column, from 1, where the driver's error points; None when it does not."""
    place: tuple[int, int] | None = _of(dialect).place_of(error, sql)
    return place


def _of(dialect: str) -> Any:
    if dialect == "duckdb":
        from core.storage.duckdb import statement

        return statement
    from core.storage.postgresql import statement as other

    return other


def _session(reader: Reader) -> Any:
    return reader.session  # type: ignore[attr-defined]
