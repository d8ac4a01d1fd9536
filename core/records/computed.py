"""Values that are not stored, read for the rows of a page only: a page is found first, its computed values after it."""

from collections.abc import Sequence

from sqlalchemy import select

from core.query.scope import Scope
from core.records.key import key_in
from core.records.shape import Shape
from core.storage.database import Reader, Row

BLOCK = 1_000


def with_computed(reader: Reader, scope: Scope, shape: Shape, rows: Sequence[Row]) -> list[Row]:
    """The rows, in the columns of the shape, with its computed values behind them."""
    if not shape.computed:
        return list(rows)
    out: list[Row] = []
    for start in range(0, len(rows), BLOCK):
        out += _completed(reader, scope, shape, rows[start : start + BLOCK])
    return out


def _completed(reader: Reader, scope: Scope, shape: Shape, rows: Sequence[Row]) -> list[Row]:
    table, source = scope.table, scope.source
    keys = [shape.key(row) for row in rows]
    values = [scope.computed(table.fields[name], source, as_list=shape.arrays) for name in shape.computed]
    statement = select(*(source.c[name] for name in table.key.fields), *values).where(key_in(table, source, keys))
    width = len(table.key.fields)
    found = {row[:width]: row[width:] for row in reader.rows(statement)}
    nothing = (None,) * len(values)
    return [(*row, *found.get(key, nothing)) for key, row in zip(keys, rows, strict=True)]
