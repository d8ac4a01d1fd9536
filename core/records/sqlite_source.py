"""SQLite files: each table is written over into a parquet file, which everything else knows to read. DuckDB's own reader of
them is an extension that it would have to download."""

import base64
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.errors import BadRequest
from core.records.parquet import lines_of, rows_of_lines
from core.sentence import say
from core.storage.database import Call, Reader
from core.storage.ddl import literal, quote
from core.storage.engine import files_database

MAGIC = b"SQLite format 3\0"
BLOCK = 5_000
_KINDS = {frozenset({"integer"}): "BIGINT", frozenset({"real"}): "DOUBLE", frozenset({"integer", "real"}): "DOUBLE"}
_TIMES = ("DATE", "TIMESTAMP", "TIME")
"""What texts of a column may be that is declared as something of time, in the order in which they are tried."""


def is_sqlite(path: Path) -> bool:
    """Told by its first bytes: the name says little."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def views(path: Path) -> list[str]:
    """The views of a SQLite file, which are no data."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
        return [name for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")]


def to_parquet(path: Path, folder: Path) -> dict[str, Path]:
    """Write each table of a SQLite file as a parquet file into a folder of our own; the files by table. Raises BadRequest
    for a file that cannot be read."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as source,
            closing(files_database(folder)) as files,
        ):
            source.text_factory = lambda raw: raw.decode("utf-8", "replace")
            # The reader's thread works, this one waits: the connection is never used by two at a time.
            work = Call(lambda reader: _copy(source, reader, folder))
            found = files.submit_read(work, lane="long", deadline=None).result()
    except sqlite3.Error as error:
        raise BadRequest(say("{file} cannot be read: {reason}", file=path.name, reason=str(error))) from error
    if not found:
        raise BadRequest(say("{file} holds no tables", file=path.name))
    return found


def _copy(source: sqlite3.Connection, reader: Reader, folder: Path) -> dict[str, Path]:
    # What a search index keeps for itself are tables, too.
    shadows = "SELECT name FROM pragma_table_list WHERE type = 'shadow'"
    names = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        f"{f' AND name NOT IN ({shadows})' if sqlite3.sqlite_version_info >= (3, 37) else ''} ORDER BY rowid"
    )
    found = {str(name): folder / f"table-{at}.parquet" for at, (name,) in enumerate(names.fetchall())}
    for name, file in found.items():
        _copy_table(source, reader, name, file)
    return found


def _copy_table(source: sqlite3.Connection, reader: Reader, name: str, file: Path) -> None:
    columns = source.execute(f"SELECT name, type FROM pragma_table_info({literal(name)})").fetchall()
    kinds = [_kind(source, name, column, declared) for column, declared in columns]
    lines = file.with_suffix(".ndjson")
    with lines.open("wb") as out:
        for block in _blocks(source, f"SELECT {', '.join(quote(column) for column, _ in columns)} FROM {quote(name)}"):
            out.write(lines_of(block))
    rows = rows_of_lines(lines, kinds)
    chosen = [
        f"{_cast(reader, rows, f'c{at}', kind, declared)} AS {quote(column)}"
        for at, ((column, declared), kind) in enumerate(zip(columns, kinds, strict=True))
    ]
    reader.rows(f"COPY (SELECT {', '.join(chosen)} FROM {rows}) TO {literal(str(file))} (FORMAT parquet)")
    lines.unlink()


def _cast(reader: Reader, rows: str, column: str, kind: str, declared: str) -> str:
    """The column, as a time where it is declared as one and all of its texts are."""
    if kind != "VARCHAR" or not any(word in declared.upper() for word in _TIMES):
        return column
    for time in _TIMES:
        # A day is a moment, too, so a column of moments must not become one of days.
        fits = f"TRY_CAST({column} AS {time}) IS NOT NULL" + (f" AND length({column}) = 10" if time == "DATE" else "")
        if not reader.rows(f"SELECT 1 FROM {rows} WHERE {column} IS NOT NULL AND NOT ({fits}) LIMIT 1"):
            return f"CAST({column} AS {time})"
    return column


def _kind(source: sqlite3.Connection, table: str, column: str, declared: str) -> str:
    """By what is really there: a column of SQLite may hold anything."""
    found = source.execute(f"SELECT DISTINCT typeof({quote(column)}) FROM {quote(table)}")
    kinds = frozenset(row[0] for row in found) - {"null"}
    if kinds == {"integer"} and "BOOL" in declared.upper():
        low_high = source.execute(f"SELECT min({quote(column)}), max({quote(column)}) FROM {quote(table)}").fetchone()
        if set(low_high) <= {0, 1}:
            return "BOOLEAN"
    return _KINDS.get(kinds, "VARCHAR")


def _blocks(source: sqlite3.Connection, sql: str) -> Iterator[list[list[Any]]]:
    cursor = source.execute(sql)
    tell: Callable[[Any], Any] = lambda value: base64.b64encode(value).decode() if isinstance(value, bytes) else value  # noqa: E731
    while rows := cursor.fetchmany(BLOCK):
        yield [[tell(value) for value in row] for row in rows]
