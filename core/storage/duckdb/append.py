"""Rows that are written or changed together, by DuckDB's appender: a third of the time of an INSERT from JSON."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import duckdb
from sqlalchemy import Table

from core.fields.column import ColumnType
from core.storage.ddl import quote, quote_list, type_name
from core.storage.duckdb import change_log
from core.storage.rows import CARRIED_AS
from core.storage.table import column_type

APPENDERS_KEPT = 200
_GIVEN = "given__"
"""The appended rows in a statement; no table is called so."""


class Appenders:
    """The appenders of one session, kept from one group of rows to the next: making one costs as much as using it. One
    knows the types of its columns from when it was made, so all are forgotten when a table may have changed its shape."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, duckdb.Appender] = {}

    def append(
        self,
        cursor: duckdb.DuckDBPyConnection,
        table: Table,
        columns: tuple[str, ...],
        rows: Sequence[Sequence[Any]],
        key: str | None,
    ) -> None:
        """Write rows, each with one value for every column as `RowShape.carried` gives them, in the transaction of the
        cursor. With a `key`, one of the columns, the rows that it tells get the other values instead."""
        self._through((table.name, columns, key), lambda: _made(cursor, table, columns, key), rows)

    def unfold(self, cursor: duckdb.DuckDBPyConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows of `change_log.folded`."""
        self._through("folded", lambda: cursor.query_appender(change_log.UNFOLDED, change_log.FOLDED), rows)

    def _through(self, kind: Hashable, make: Callable[[], duckdb.Appender], rows: Sequence[Sequence[Any]]) -> None:
        appender = self._kept.get(kind)
        if appender is None:
            if len(self._kept) >= APPENDERS_KEPT:
                self._kept.clear()
            appender = self._kept[kind] = make()
        try:
            appender.append_rows(rows)
            appender.flush()
        except BaseException:
            appender.clear()  # what a failed flush leaves behind must not come with the next rows
            del self._kept[kind]
            raise

    def forget(self) -> None:
        """Let go of all, before their connection is closed."""
        self._kept.clear()


def _made(
    cursor: duckdb.DuckDBPyConnection, table: Table, columns: tuple[str, ...], key: str | None
) -> duckdb.Appender:
    """With a statement of ours: an appender of the table itself casts texts to JSON and decimals one by one, in several
    times the time that a cast of the whole column takes, and asks each instant for its zone."""
    types = {name: column_type(table.c[name].type) for name in columns}
    given = {name: f"{_GIVEN}.c{at}" for at, name in enumerate(columns)}
    for name, type_ in types.items():
        carried = CARRIED_AS.get(type_.kind)
        if carried is not None:
            wanted = f"CAST({given[name]} AS {type_name('duckdb', type_)})"
            given[name] = f"make_timestamptz({given[name]})" if carried == "bigint" else wanted
            types[name] = ColumnType(carried)
    source = f"FROM appender_buffer AS {_GIVEN}"
    if key is None:
        dml = f"INSERT INTO {quote(table.name)} ({quote_list(columns)}) SELECT {', '.join(given.values())} {source}"
    else:
        sets = ", ".join(f"{quote(name)} = {value}" for name, value in given.items() if name != key)
        dml = f"UPDATE {quote(table.name)} SET {sets} {source} WHERE {quote(table.name)}.{quote(key)} = {given[key]}"
    return cursor.query_appender(dml, {f"c{at}": type_name("duckdb", type_) for at, type_ in enumerate(types.values())})
