"""Sort orders: `due:desc,title` read, checked and turned into ORDER BY.

The order is total: options of a select in their declared order (T-081), rows without a value last in both directions,
the key as the final tie-breaker (R-017). Windows, cursors and pages all build on this one order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, case, cast

from core.query.scope import Ref, Scope, UnknownField, refused
from core.sentence import say


@dataclass(frozen=True, slots=True)
class Key:
    """One level of a sort."""

    ref: Ref
    descending: bool = False
    first: tuple[str, ...] = ()
    """Values, as text, that come before all others in this order, whatever the direction."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One level in SQL: the expression, its direction, and whether it can be NULL."""

    value: ColumnElement[Any]
    descending: bool
    nullable: bool

    def order(self) -> ColumnElement[Any]:
        ordered = self.value.desc() if self.descending else self.value.asc()
        return ordered.nulls_last() if self.nullable else ordered


def parse_sort(raw: Any, scope: Scope, order: str | None = None) -> tuple[Key, ...]:
    """Read `due:desc,title` or `[{"field", "direction"}]`. `order` is the direction of a single field without one.
    Raises Invalid on `sort`."""
    if order is not None and order not in ("asc", "desc"):
        raise refused("order", "order is asc or desc")
    if not raw:
        return ()
    named = _from_text(raw, order) if isinstance(raw, str) else [_from_data(item) for item in raw]
    keys = tuple(_key(name, direction, scope) for name, direction in named)
    if len({key.ref.name for key in keys}) != len(keys):
        raise refused("sort", "A field is named twice")
    return keys


def _from_text(text: str, order: str | None) -> list[tuple[str, str]]:
    parts = [part.strip().partition(":") for part in text.split(",")]
    fallback = order if order and len(parts) == 1 else "asc"
    return [(name.strip(), direction.strip().lower() or fallback) for name, _, direction in parts]


def _from_data(item: Any) -> tuple[str, str]:
    if not isinstance(item, Mapping) or not isinstance(item.get("field"), str):
        raise refused("sort", "Each level of a sort is {field, direction}")
    return item["field"], str(item.get("direction", "asc"))


def _key(name: str, direction: str, scope: Scope) -> Key:
    if direction not in ("asc", "desc"):
        raise refused("sort", say("Unknown direction {direction!r}; asc or desc", direction=direction))
    try:
        return Key(scope.resolve(name), direction == "desc")
    except UnknownField as error:
        raise refused("sort", error.message) from None


def ranks(keys: Sequence[Key], scope: Scope, source: FromClause | None = None) -> list[Rank]:
    """The levels of the order, the record's key last."""
    found: list[Rank] = []
    for key in keys:
        if key.first:
            places = {value: place for place, value in enumerate(key.first)}
            text = cast(scope.column(key.ref, source), Text)
            found.append(Rank(case(places, value=text, else_=len(places)), False, False))
        found.append(Rank(_sortable(key.ref, scope, source), key.descending, _nullable(key.ref, scope)))
    named = {key.ref.column for key in keys if key.ref.is_plain}
    base = scope.source if source is None else source
    found += [Rank(base.c[name], False, False) for name in scope.table.key.fields if name not in named]
    return found


def _nullable(ref: Ref, scope: Scope) -> bool:
    return not (ref.is_plain and ref.is_stored) or scope.table.column_by_name[ref.column].nullable


def _sortable(ref: Ref, scope: Scope, source: FromClause | None) -> ColumnElement[Any]:
    column = scope.column(ref, source)
    options = ref.type.sort_order()
    if options and not ref.path:
        # A value that is no option any more comes after those that are.
        places = {value: place for place, value in enumerate(options)}
        return case((column.is_(None), None), (column.in_(options), case(places, value=column)), else_=len(options))
    if ref.kind != "json":
        return column
    text = cast(column, Text)
    # As columns of texts are sorted, and as DuckDB does: whatever language the cluster was made for.
    return text if scope.dialect == "duckdb" else text.collate("C")
