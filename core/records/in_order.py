"""Rows of a whole table in the order of its key, in constant memory.

DuckDB sorts all rows before it gives the first, and keeps them until the last. A number as the key lets it be asked for
ranges instead, one after the other in the snapshot of the transaction: as many rows are sorted at a time as fit in one of
them. PostgreSQL reads such a statement along the index.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from core.query.scope import Scope
from core.storage.database import Reader, Row

AT_ONCE = 50_000
"""Rows of a range, at most."""


def range_key(scope: Scope, names: Sequence[str]) -> ColumnElement[Any] | None:
    """The key by whose ranges the fields of a table can be read; None where that does not pay: values from linked records
    would be computed for all rows in each of them."""
    table = scope.table
    key = table.column_by_name[table.key.fields[0]]
    by_number = len(table.key.fields) == 1 and key.type.kind in ("integer", "bigint")
    is_plain = all(name in table.column_by_name for name in names) and scope.rows_source is scope.source
    return scope.source.c[key.name] if scope.dialect == "duckdb" and by_number and is_plain else None


def stream_in_order(
    reader: Reader, statement: Select[Any], key: ColumnElement[Any] | None, size: int
) -> Iterator[list[Row]]:
    """The rows of a statement that is ordered by `key`, in blocks of `size`; as the database gives them without one."""
    if key is None:
        yield from reader.stream(statement, size=size)
        return
    for low, high in ranges(reader, key):
        yield from reader.stream(statement.where(key > low, key <= high), size=size)


def ranges(reader: Reader, key: ColumnElement[Any]) -> Iterator[tuple[int, int]]:
    """Bounds of the ranges that hold all keys, each above its first number and up to its second. Keys may lie far apart or
    close together: the width follows how many were found."""
    [(least, top)] = reader.rows(select(func.min(key), func.max(key)))
    if least is None:
        return
    low, width = least - 1, AT_ONCE
    while low < top:
        high = min(low + width, top)
        found = reader.scalar(select(func.count()).where(key > low, key <= high))
        if found > AT_ONCE:
            width = max(min(width, high - low) // 2, 1)
            continue
        if not found:
            low, width = reader.scalar(select(func.min(key)).where(key > high)) - 1, AT_ONCE
            continue
        yield low, high
        low = high
        if found < AT_ONCE // 2:
            width *= 2
