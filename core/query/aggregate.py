"""Aggregates and groups of a list: `stock:sum,stock:avg`, `sum:amount` or `{"sum": ["amount"]}` (D-13, R-022…R-025)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

import orjson
from sqlalchemy import ARRAY, ColumnElement, Double, Integer, Select, Text, cast, func, literal, literal_column, select
from sqlalchemy.sql.expression import case

from core.fields.number import summed
from core.query.scope import Ref, Scope, UnknownField, refused
from core.sentence import say

Function = Literal["sum", "avg", "min", "max", "count"]
_FUNCTIONS = get_args(Function)
_ORDERED_FAMILIES = ("number", "date", "text", "select")
MAX_AGGREGATES = 50
_MOST_MEMBERS = 100_000
"""Of one list, as far as the order of their groups is concerned."""
FIRST_COLUMN: ColumnElement[Any] = literal_column("1")
"""In GROUP BY. Written out once more the column would bind the texts of its formula anew, and no database takes that for the
same expression."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One function over one field; `count` without a field counts rows."""

    function: Function
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Aggregates:
    """What was asked, and in which shape it is answered: `flat` (`{"sum": 3}`) for the short form on one field, `text_count`
    for the JSON form, whose count is a text."""

    items: tuple[Aggregate, ...]
    flat: bool = False
    text_count: bool = False

    def columns(self, scope: Scope) -> list[ColumnElement[Any]]:
        return [_column(item, scope) for item in self.items]

    def shape(self, values: Sequence[Any]) -> dict[str, Any]:
        """The answer's form of one row of results."""
        out: dict[str, Any] = {}
        for item, value in zip(self.items, values, strict=True):
            shaped = _shape(item, value)
            if item.ref is None:
                out["count"] = str(shaped) if self.text_count else shaped
            elif self.flat:
                out[item.function] = shaped
            else:
                out.setdefault(item.function, {})[item.ref.name] = shaped
        return out


def parse_aggregates(raw: str | None, scope: Scope) -> Aggregates | None:
    """Read the parameter `aggregate`. Raises Invalid."""
    text = (raw or "").strip()
    if not text:
        return None
    if text.startswith("{"):
        return Aggregates(tuple(_from_json(text, scope)), text_count=True)
    items = tuple(_from_pair(part.strip(), scope) for part in text.split(","))
    _check_number(len(items))
    return Aggregates(items, flat=len({item.ref.name for item in items if item.ref}) == 1)


def _from_pair(text: str, scope: Scope) -> Aggregate:
    left, colon, right = text.partition(":")
    if text == "count":
        return Aggregate("count")
    if not colon:
        raise refused("aggregate", say("Cannot read {text!r}: write field:function", text=text))
    if right in _FUNCTIONS:
        return _checked(right, left, scope)
    if left in _FUNCTIONS:
        return _checked(left, right, scope)
    raise refused("aggregate", say("Unknown function in {text!r}: {known}", text=text, known=", ".join(_FUNCTIONS)))


def _from_json(text: str, scope: Scope) -> list[Aggregate]:
    try:
        asked = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise refused("aggregate", "aggregate is not valid JSON") from None
    items: list[Aggregate] = []
    for function, fields in asked.items():
        if function == "count" and fields in (True, "*", ["*"]):
            items.append(Aggregate("count"))
        elif function not in _FUNCTIONS or not isinstance(fields, list):
            raise refused(
                "aggregate", say("Cannot read {function!r}: each function names a list of fields", function=function)
            )
        else:
            items += [_checked(function, str(name), scope) for name in fields]
    if not items:
        raise refused("aggregate", "aggregate names no function")
    _check_number(len(items))
    return items


def _checked(function: str, name: str, scope: Scope) -> Aggregate:
    if function == "count" and name in ("*", ""):
        return Aggregate("count")
    try:
        ref = scope.resolve(name)
    except UnknownField as error:
        raise refused("aggregate", error.message) from None
    given = {"function": function, "name": name, "kind": ref.type.name}
    if function in ("sum", "avg") and not (ref.type.numeric and ref.is_plain):
        raise refused("aggregate", say("{function} needs a number; {name!r} is of type {kind}", **given))
    if function in ("min", "max") and (ref.family not in _ORDERED_FAMILIES or ref.path):
        raise refused("aggregate", say("{function} needs numbers, dates or text; {name!r} is of type {kind}", **given))
    return Aggregate(function, ref)  # type: ignore[arg-type]


def _check_number(count: int) -> None:
    if count > MAX_AGGREGATES:
        raise refused("aggregate", say("More than {most} aggregates", most=MAX_AGGREGATES))


def _column(item: Aggregate, scope: Scope) -> ColumnElement[Any]:
    if item.ref is None:
        return func.count()
    column = scope.column(item.ref)
    match item.function:
        case "count":
            return func.count(column)
        case "avg":
            return cast(func.avg(column), Double)
        case "sum":
            return func.sum(column)
        case "min":
            return func.min(column)
        case _:
            return func.max(column)


def _shape(item: Aggregate, value: Any) -> Any:
    if item.ref is None or item.function == "count":
        return int(value or 0)
    if value is None:
        return None
    if item.function == "avg":
        return float(value)
    if item.ref.kind in ("integer", "bigint") and isinstance(value, Decimal):
        value = int(value)
    return summed(item.ref.type.to_json(value))


@dataclass(frozen=True, slots=True)
class Grouping:
    """`groupBy` with its order: by first appearance, or `name` or `count` in a direction."""

    ref: Ref
    by: Literal["appearance", "name", "count"] = "appearance"
    descending: bool = False
    hide_empty: bool = False
    first: tuple[str, ...] = ()
    """Values whose groups come before the others."""
    filled: bool = False
    """Options without rows are told too, with the count 0."""


def parse_grouping(params: Mapping[str, str], scope: Scope) -> Grouping | None:
    """Read `groupBy` and `groupSort`. Raises Invalid."""
    name = params.get("groupBy")
    if not name:
        return None
    try:
        ref = scope.resolve(name)
    except UnknownField as error:
        raise refused("groupBy", error.message) from None
    by, _, direction = params.get("groupSort", "appearance").partition(":")
    if by not in ("appearance", "name", "count") or direction not in ("", "asc", "desc"):
        raise refused("groupSort", "groupSort is name or count, with :asc or :desc")
    return Grouping(ref, by, direction == "desc", params.get("hideEmpty") == "true")  # type: ignore[arg-type]


def group_value(ref: Ref, scope: Scope) -> ColumnElement[Any]:
    """What rows are grouped by; a multi-select's rows appear once for each of their values (R-024)."""
    column = scope.column(ref)
    if ref.family != "multi":
        return cast(column, Text) if ref.kind == "json" else column
    return func.unnest(_members(column, scope), type_=Text())


def _members(column: ColumnElement[Any], scope: Scope) -> ColumnElement[Any]:
    """A list as texts; NULL alone where there is nothing in it."""
    length = func.len(column) if scope.dialect == "duckdb" else func.cardinality(column)
    nothing = cast(literal([None], ARRAY(Text)), ARRAY(Text))
    return case((func.coalesce(length, 0) == 0, nothing), else_=cast(column, ARRAY(Text)))


def _member_place(ref: Ref, scope: Scope) -> ColumnElement[Any]:
    """Where in its list each value of `group_value` stands; 0 for what is no list."""
    if ref.family != "multi":
        return literal(0)
    members = _members(scope.column(ref), scope)
    if scope.dialect == "duckdb":
        return func.unnest(func.generate_series(1, func.len(members)), type_=Integer())
    return func.generate_subscripts(members, 1, type_=Integer())


def group_name(ref: Ref, value: Any) -> str:
    """The text that names a group; "" for rows without a value."""
    if ref.kind == "json" and not ref.path and value is not None:
        return ref.type.to_text(orjson.loads(value))
    if value is None or isinstance(value, str):
        return value or ""
    return ref.type.to_text(value)


def group_statement(
    grouping: Grouping,
    aggregates: Aggregates | None,
    rows: Select[Any],
    order: Sequence[ColumnElement[Any]],
    scope: Scope,
) -> Select[Any]:
    """Groups of the `rows` (a select of the table with its conditions): value, count, then the aggregates."""
    value = group_value(grouping.ref, scope).label("group_value")
    wanted = aggregates.columns(scope) if aggregates else []
    if grouping.ref.family == "multi" or (grouping.by == "appearance" and order):
        return _group_by_place(value, aggregates, rows, order, grouping, scope)
    statement = rows.with_only_columns(value, func.count().label("group_count"), *wanted).group_by(FIRST_COLUMN)
    if grouping.by == "appearance":
        # Without a sort the list is in order of creation; keys break the ties of records created at one instant.
        source = scope.source
        return statement.order_by(
            func.min(source.c.created_at), *(func.min(source.c[name]) for name in scope.table.key.fields)
        )
    return statement.order_by(*_asked_order(grouping, value))


def _group_by_place(
    value: ColumnElement[Any],
    aggregates: Aggregates | None,
    rows: Select[Any],
    order: Sequence[ColumnElement[Any]],
    grouping: Grouping,
    scope: Scope,
) -> Select[Any]:
    """Groups in the order in which the sorted rows first show them."""
    items = aggregates.items if aggregates else ()
    inputs = [
        (literal(1) if item.ref is None else scope.column(item.ref)).label(f"input_{place}")
        for place, item in enumerate(items)
    ]
    default = [scope.source.c.created_at, *(scope.source.c[name] for name in scope.table.key.fields)]
    place = func.row_number().over(order_by=list(order) or default).label("place")
    inner = rows.with_only_columns(value, place, _member_place(grouping.ref, scope).label("member"), *inputs).subquery()
    outputs = [
        cast(func.avg(inner.c[f"input_{n}"]), Double)
        if item.function == "avg"
        else getattr(func, item.function)(inner.c[f"input_{n}"])
        for n, item in enumerate(items)
    ]
    statement = select(inner.c.group_value, func.count().label("group_count"), *outputs).group_by(inner.c.group_value)
    if grouping.by == "appearance":
        return statement.order_by(func.min(inner.c.place * _MOST_MEMBERS + inner.c.member))
    return statement.order_by(*_asked_order(grouping, inner.c.group_value))


def _asked_order(grouping: Grouping, value: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Groups of one size stand in the order of their names."""
    key: ColumnElement[Any] = func.count() if grouping.by == "count" else value
    return [(key.desc() if grouping.descending else key.asc()).nulls_last(), value.asc().nulls_last()]
