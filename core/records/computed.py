"""Values that are not stored, read for the rows of a page only: a page is found first, its computed values after it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from core.fields.base import FieldType
from core.fields.computed import ComputedField
from core.fields.link import LinksField
from core.fields.relation import Relation
from core.query.computed import Linked, aggregate, linked_of, nothing_of
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
    """Fields that aggregate the same linked records are read by one statement, which goes over those records once."""
    groups: dict[Any, list[str]] = {}
    for name in shape.computed:
        groups.setdefault(_group(scope.table.fields[name], shape), []).append(name)
    columns: dict[str, list[Any]] = {}
    for relation, names in groups.items():
        read = _by_row if relation is None else _by_relation
        columns |= read(reader, scope, shape, rows, names)
    return [(*row, *(columns[name][place] for name in shape.computed)) for place, row in enumerate(rows)]


def _group(field: FieldType[Any], shape: Shape) -> Any:
    """Fields of one group read the same records of the same row; None: the field is read by itself."""
    relation: Relation | None = getattr(field, "relation", None)
    if not isinstance(field, ComputedField | LinksField) or relation is None:
        return None
    if relation.single or relation.own not in shape.columns:
        return None
    filters = getattr(field.options, "filters", None)
    return relation.target.sql_name, relation.own, relation.far, relation.junction, relation.near, repr(filters)


def _by_relation(
    reader: Reader, scope: Scope, shape: Shape, rows: Sequence[Row], names: Sequence[str]
) -> dict[str, list[Any]]:
    fields = [scope.table.fields[name] for name in names]
    linked: Linked = linked_of(scope, fields[0], scope.source)
    values = [aggregate(linked, field, scope, as_list=shape.arrays) for field in fields]
    told = [(name, field, value) for name, field, value in zip(names, fields, values, strict=True) if value is not None]
    rest = [name for name, value in zip(names, values, strict=True) if value is None]
    columns = _by_row(reader, scope, shape, rows, rest) if rest else {}
    if told:
        place = shape.columns.index(linked.held.name)
        held = [row[place] for row in rows]
        statement = linked.grouped(list(set(held) - {None}), *(value for _, _, value in told))
        found = {row[0]: row[1:] for row in reader.rows(statement)}
        nothing = tuple(nothing_of(field, as_list=shape.arrays) for _, field, _ in told)
        for number, (name, _, _) in enumerate(told):
            columns[name] = [found.get(each, nothing)[number] for each in held]
    return columns


def _by_row(
    reader: Reader, scope: Scope, shape: Shape, rows: Sequence[Row], names: Sequence[str]
) -> dict[str, list[Any]]:
    table, source = scope.table, scope.source
    keys = [shape.key(row) for row in rows]
    values = [scope.computed(table.fields[name], source, as_list=shape.arrays) for name in names]
    statement = select(*(source.c[name] for name in table.key.fields), *values).where(key_in(table, source, keys))
    width = len(table.key.fields)
    found = {row[:width]: row[width:] for row in reader.rows(statement)}
    nothing = (None,) * len(values)
    return {name: [found.get(key, nothing)[number] for key in keys] for number, name in enumerate(names)}
