"""Values that are not stored, as SQL: links kept elsewhere, counts, rollups, lookups. Each is a scalar subquery on the row
that it stands beside; DuckDB turns it into one join for all rows, PostgreSQL looks it up by the index of the link.

Trashed records are not seen, nor those that the caller may not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.fields.base import FieldType
from core.fields.column import ColumnKind, ColumnType
from core.fields.computed import COUNTING, ComputedField, CountField, LookupField, RollupField
from core.fields.formula import FormulaField
from core.fields.link import LinksField
from core.fields.relation import Relation
from core.query.address import address
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.formula import formula_value
from core.query.scope import Scope, own_ref
from core.storage.table import sqlalchemy_type

Value = ColumnElement[Any]
_AS_TEXT = frozenset({"boolean", "timestamp", "time", "json"})
"""Kinds whose text is not what a cast makes of them, or that no list can hold."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The linked records of a row of `own`: where they stand, which they are, and by what they are the row's."""

    scope: Scope
    far: FromClause
    source: FromClause
    condition: ColumnElement[bool]
    near: Value
    """What of the linked record, or of its pair, equals `held` of the row."""
    own: FromClause
    held: Value

    def select(self, *columns: Any) -> Select[Any]:
        rows = select(*columns).select_from(self.source).where(self.condition, self.near == self.held)
        return rows.correlate(self.own)

    def scalar(self, column: Value) -> Value:
        return self.select(column).scalar_subquery()

    def grouped(self, held: Sequence[Any], *columns: Any) -> Select[Any]:
        """The columns, aggregates, for the rows that hold one of the values: that value first."""
        rows = select(self.near, *columns).select_from(self.source)
        return rows.where(self.condition, among(self.near, held, self.scope.dialect)).group_by(self.near)

    def whole(self, column: Any) -> Select[Any]:
        """An aggregate for every row that has linked records, with what the row holds as `near`."""
        rows = select(self.near.label("near"), column).select_from(self.source)
        return rows.where(self.condition).group_by(self.near)

    def value(self, name: str) -> tuple[Value, ColumnKind, FieldType[Any]]:
        """A field of the linked records."""
        ref = own_ref(self.scope.table, name)
        assert ref is not None
        return self.scope.column(ref, self.far), ref.kind, ref.type


def among(column: Value, values: Sequence[Any], dialect: str) -> ColumnElement[bool]:
    """The condition that a column holds one of many values."""
    if dialect != "duckdb":
        return column.in_(values)
    # A join passes its keys to the scan; a long IN list is asked of every value.
    type_ = ARRAY(column.type)
    wanted = cast(bindparam(None, list(values), type_, unique=True), type_)
    return column.in_(select(func.unnest(wanted, type_=column.type)))


def linked(scope: Scope, relation: Relation, own: FromClause, filters: Any = None) -> Linked:
    """The live records that a row of `own` leads to, narrowed by the filter of the app file."""
    target = scope.model.by_sql_name[relation.target.sql_name]
    there = scope.neighbour(target)
    far = scope.table_of(target).alias()
    source: FromClause = far
    near: Value = far.c[relation.far]
    conditions: list[ColumnElement[bool]] = [far.c.deleted_at.is_(None)]
    if relation.junction is not None:
        pairs = scope.table_of(scope.model.by_sql_name[relation.junction.name]).alias()
        source = pairs.join(far, far.c[relation.far] == pairs.c[relation.beyond])
        near = pairs.c[relation.near]
    if filters is not None:
        # The app's own filter sees fields that the caller may not.
        rule = there.unbounded()
        conditions.append(compile_filter(parse_filter(filters, rule), rule, far))
    seen = there.visible(far)
    if seen is not None:
        conditions.append(seen)
    return Linked(there, far, source, and_(*conditions), near, own, own.c[relation.own])


def computed_value(scope: Scope, field: FieldType[Any], own: FromClause, *, as_list: bool = False) -> Value:
    """The value of a computed field, or of links kept elsewhere, for a row of `own`. `as_list`: a lookup's values as a
    list where they would be joined."""
    if isinstance(field, FormulaField):
        return formula_value(scope, field, own)
    rows = linked_of(scope, field, own)
    found = aggregate(rows, field, scope, as_list=as_list)
    if found is not None:
        return rows.scalar(found)
    assert isinstance(field, RollupField | LookupField)
    value, kind, far = rows.value(field.options.related_field)
    if isinstance(field, LookupField) and not field.is_joined:
        return rows.scalar(value)
    members = _members(rows, value)
    if isinstance(field, RollupField) and field.options.aggregation == "arrayunique":
        return _listed(members, field.kind, scope)
    if isinstance(field, LookupField) and as_list:
        return _listed(members, field.members.column(), scope)
    return _joined(_gathered(members, scope), kind, far, scope)


def linked_of(scope: Scope, field: FieldType[Any], own: FromClause) -> Linked:
    """The records that a field reads."""
    if isinstance(field, LinksField):
        return linked(scope, field.relation, own)
    assert isinstance(field, ComputedField)
    return linked(scope, _relation(field), own, field.options.filters)


def aggregate(rows: Linked, field: FieldType[Any], scope: Scope, *, as_list: bool = False) -> Value | None:
    """The value as one aggregate over the linked records; None where it is none: a single record's value, members of
    lists."""
    if isinstance(field, LinksField):
        key = link_key(rows.far, field)
        return _or_nothing(_sorted(key, scope), field.result(), scope)
    if isinstance(field, CountField):
        return func.count()
    if isinstance(field, RollupField):
        return _rollup(rows, field, scope)
    assert isinstance(field, LookupField)
    value, kind, far = rows.value(field.options.related_field)
    if not field.is_joined or kind.endswith("-list"):
        return None
    gathered = _distinct(_told(value, kind, scope), scope)
    return _or_nothing(gathered, field.members.column(), scope) if as_list else _joined(gathered, kind, far, scope)


def nothing_of(field: FieldType[Any], *, as_list: bool = False) -> Any:
    """The value of a record without linked ones."""
    if isinstance(field, LinksField) or (as_list and isinstance(field, LookupField)):
        return []
    if isinstance(field, RollupField):
        how = field.options.aggregation
        if how == "sum" and field.kind.kind == "decimal":
            return Decimal(0).scaleb(-(field.kind.scale or 0))  # with its digits, as the database tells it
        return 0 if how in (*COUNTING, "sum") else [] if how == "arrayunique" else None
    return 0 if isinstance(field, CountField) else None


def _relation(field: ComputedField) -> Relation:
    assert field.relation is not None
    return field.relation


def link_key(far: FromClause, field: LinksField) -> Value:
    """What names a linked record: the column that pairs hold, or its key."""
    relation = field.relation
    if relation.junction is not None:
        return far.c[relation.far]
    names = relation.target.primary_key.fields
    return far.c[names[0]] if len(names) == 1 else address([far.c[name] for name in names])


def _rollup(rows: Linked, field: RollupField, scope: Scope) -> Value | None:
    how = field.options.aggregation
    if how == "countall":
        return func.count()
    value, kind, far = rows.value(field.options.related_field)
    match how:
        case "count":
            return func.count(value)
        case "counta":
            return func.count(case((_is_filled(value, kind, scope), 1)))
        case "avg":
            return cast(func.avg(value), Double)
        case "min":
            return func.min(value, type_=value.type)
        case "max":
            return func.max(value, type_=value.type)
        case "sum":
            return _sum(value, field.kind)
    if kind.endswith("-list"):
        return None
    gathered = _distinct(_told(value, kind, scope), scope)
    return _or_nothing(gathered, field.kind, scope) if how == "arrayunique" else _joined(gathered, kind, far, scope)


def _sum(value: Value, kind: ColumnType) -> Value:
    type_ = sqlalchemy_type(kind)
    nothing: Value = literal_column("0") if kind.kind != "double" else literal_column("0.0")
    return func.coalesce(cast(func.sum(value), type_), cast(nothing, type_), type_=type_)


def _is_filled(value: Value, kind: str, scope: Scope) -> ColumnElement[bool]:
    """T-127"""
    if kind == "text":
        return func.coalesce(value, "") != ""
    if kind.endswith("-list"):
        return func.coalesce(_length(value, scope), 0) > 0
    return value.is_not(None)


def _length(value: Value, scope: Scope) -> Value:
    return func.len(value) if scope.dialect == "duckdb" else func.cardinality(value)


def _told(value: Value, kind: str, scope: Scope) -> Value:
    """A value as it stands in a list of values."""
    return text_of(value, kind, scope) if kind in _AS_TEXT else value


def _sorted(value: Value, scope: Scope) -> Value:
    """The values as a list in their order."""
    type_: ARRAY[Any] = ARRAY(value.type)
    if scope.dialect == "duckdb":
        return func.list_sort(func.list(value), type_=type_)  # an aggregate with ORDER BY takes twice as long to plan
    return func.array_agg(aggregate_order_by(value, value), type_=type_)


def _distinct(value: Value, scope: Scope) -> Value:
    """The distinct values in their order; NULL where there are none."""
    known, type_ = value.is_not(None), ARRAY(value.type)
    if scope.dialect == "duckdb":
        return func.list_sort(func.list_distinct(func.list(value).filter(known)), type_=type_)
    return func.array_agg(aggregate_order_by(distinct(value), value), type_=type_).filter(known)


def _members(rows: Linked, value: Value) -> Select[Any]:
    """The values within lists, each by itself."""
    item = getattr(value.type, "item_type", Text())
    return rows.select(func.unnest(value, type_=item).label("value"))


def _gathered(members: Select[Any], scope: Scope) -> Value:
    return select(_distinct(members.subquery().c.value, scope)).scalar_subquery()


def _listed(members: Select[Any], kind: ColumnType, scope: Scope) -> Value:
    return _or_nothing(_gathered(members, scope), kind, scope)


def _or_nothing(gathered: Value, kind: ColumnType, scope: Scope) -> Value:
    """The list; the empty one where there are no values."""
    type_ = sqlalchemy_type(kind)
    nothing: Value = cast(literal_column("'{}'" if scope.dialect == "postgresql" else "[]"), type_)
    return func.coalesce(gathered, nothing, type_=type_)


def _joined(gathered: Value, kind: str, far: FieldType[Any], scope: Scope) -> Value:
    """The values as one text (T-120); NULL where there are none."""
    if scope.dialect == "duckdb":
        gathered = cast(gathered, ARRAY(Text))
    text = func.array_to_string(gathered, literal_column("', '", Text), type_=Text())
    if kind.removesuffix("-list") == "decimal" and _drops_zeros(far):
        return func.regexp_replace(text, r"\.?0+(,|$)", r"\1", "g", type_=Text())
    return text


def _drops_zeros(field: FieldType[Any]) -> bool:
    """A decimal without digits of its own is told without those that say nothing."""
    face = field.face if isinstance(field, ComputedField) else field
    return face.name == "decimal" and not getattr(face.options, "precision", None)


def text_of(value: Value, kind: str, scope: Scope) -> Value:
    """A value as the API tells it, as text."""
    if kind == "boolean":
        return case((value.is_(True), "true"), (value.is_(False), "false"))
    if kind == "timestamp" and scope.dialect == "duckdb":
        return func.strftime(value, "%Y-%m-%dT%H:%M:%S.%gZ", type_=Text())
    if kind == "timestamp":
        return func.to_char(func.timezone("UTC", value), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"', type_=Text())
    return cast(value, Text)
