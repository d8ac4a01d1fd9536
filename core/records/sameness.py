"""When two values are the same for a unique key, JSON values among them (a place is its two numbers)."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, literal, or_, tuple_, types
from sqlalchemy.dialects.postgresql import JSONB


class _Written(str):
    """A JSON value in one spelling."""


def comparable(value: Any) -> Any:
    """The value, or what stands for one that Python cannot compare by."""
    return _Written(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) if isinstance(value, dict) else value


def is_one_of(columns: Sequence[ColumnElement[Any]], values: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Rows whose columns hold one of the `comparable` values."""
    if not any(isinstance(column.type, types.JSON) for column in columns):
        return columns[0].in_([value[0] for value in values]) if len(columns) == 1 else tuple_(*columns).in_(values)
    rows = ([_is(column, each) for column, each in zip(columns, value, strict=True)] for value in values)
    return or_(*(and_(*row) for row in rows))


def _is(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool]
    if not isinstance(value, _Written):
        same = column == value
        return same
    # JSONB on PostgreSQL, which knows its own equality; a text on DuckDB, in the spelling that we write.
    given = cast(literal(str(value), Text), Text().with_variant(JSONB(), "postgresql"))
    same = cast(column, Text().with_variant(JSONB(), "postgresql")) == given
    return same
