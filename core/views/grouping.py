"""Groups of an ordered view: blocks of rows with one value, one after the other, with counts and aggregates (V-005, V-020).

The rows of a group stand together because the group's field leads the order. Blocks are read in the same transaction as
the order, so that a block's positions are those of its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, select

from core.contract.console import GroupBlock
from core.fields.base import FieldType
from core.query.aggregate import FIRST_COLUMN, Aggregates
from core.query.scope import Ref
from core.query.sort import Rank
from core.query.view import group_order
from core.records.label import labels, link_behind
from core.storage.database import Reader
from core.views.reading import Reading

GROUPS_MOST = 20_000
"""Blocks of one view; rows of a field with more values than that are not grouped."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The groups of one order: values with their counts, in order."""

    values: tuple[Any, ...]
    counts: tuple[int, ...]


class TooManyGroups(Exception):
    """The field has more values than groups are told."""


def group_column(reading: Reading) -> ColumnElement[Any]:
    """What rows are grouped by. Lists are one value: the rows that hold the same ones."""
    assert reading.grouping is not None
    ref = reading.grouping.ref
    column = reading.scope.column(ref)
    return cast(column, Text) if ref.kind == "json" or ref.is_list else column


def read_blocks(reader: Reader, reading: Reading) -> Blocks:
    """Raises TooManyGroups."""
    rows = reader.rows(_statement(reading).limit(GROUPS_MOST + 1))
    if len(rows) > GROUPS_MOST:
        raise TooManyGroups
    return Blocks(tuple(row[0] for row in rows), tuple(int(row[1]) for row in rows))


def _statement(reading: Reading) -> Select[Any]:
    """Values and counts in the order in which the rows have them."""
    assert reading.grouping is not None
    every = reading.joined()
    rows = select(group_column(every).label("value"), *_ranks(every)).where(every.condition())
    inner = rows.select_from(every.scope.rows_source).subquery()
    ranks = [inner.c[f"rank_{place}"] for place in range(len(inner.c) - 1)]
    order = [
        Rank(column, rank.descending, rank.nullable).order()
        for rank, column in zip(reading.group_ranks(), ranks, strict=True)
    ]
    return select(inner.c.value, func.count()).group_by(inner.c.value, *ranks).order_by(*order)


def _ranks(reading: Reading) -> list[ColumnElement[Any]]:
    return [rank.value.label(f"rank_{place}") for place, rank in enumerate(reading.group_ranks())]


def read_aggregates(reader: Reader, reading: Reading, aggregates: Aggregates) -> tuple[dict[str, Any], dict[Any, Any]]:
    """Over all rows, and by the value of each group."""
    every = reading.joined()
    columns, condition = aggregates.columns(every.scope), every.condition()
    whole = reader.rows(select(*columns).where(condition).select_from(every.scope.rows_source))[0]
    if reading.grouping is None:
        return aggregates.shape(whole), {}
    value = group_column(every).label("value")
    statement = select(value, *columns).where(condition).group_by(FIRST_COLUMN).select_from(every.scope.rows_source)
    return aggregates.shape(whole), {row[0]: aggregates.shape(row[1:]) for row in reader.rows(statement)}


def told(
    reader: Reader, reading: Reading, blocks: Blocks, aggregates: dict[Any, Any], *, fill: bool = True
) -> list[GroupBlock]:
    """The blocks as clients see them, with options that have no rows where the grouping asks for them."""
    assert reading.grouping is not None
    ref = reading.grouping.ref
    names = _names(reader, reading, ref, blocks.values)
    found: list[GroupBlock] = []
    start = 0
    for value, name, count in zip(blocks.values, names, blocks.counts, strict=True):
        block: GroupBlock = {"value": _json(ref.type, value, ref), "name": name, "count": count, "start": start}
        if value in aggregates:
            block["aggregations"] = aggregates[value]
        found.append(block)
        start += count
    if not (fill and reading.grouping.filled and ref.type.sort_order()):
        return found
    by_name = {block["name"]: block for block in found}
    filled: list[GroupBlock] = []
    start = 0
    for name in group_order(reading.grouping, names):
        block = by_name.get(name) or {"value": name, "name": name, "count": 0, "start": start}
        filled.append(block)
        start = block["start"] + block["count"]
    return filled


def _names(reader: Reader, reading: Reading, ref: Ref, values: Sequence[Any]) -> list[str]:
    if ref.link is None and not ref.is_list and link_behind(reading.scope, ref.column):
        known = labels(reader, reading.scope, ref.column, values)
        return ["" if value is None else known.get(str(value), str(value)) for value in values]
    return ["" if value is None else value if isinstance(value, str) else ref.type.to_text(value) for value in values]


def _json(field: FieldType[Any], value: Any, ref: Ref) -> Any:
    return value if value is None or isinstance(value, str) or ref.is_list else field.to_json(value)
