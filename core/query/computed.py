"""Values that are not stored, as SQL: links kept elsewhere, counts, rollups, lookups. Each is a scalar subquery on the row
that it stands beside; DuckDB turns it into one join for all rows, PostgreSQL looks it up by the index of the link.

Trashed records are not seen, nor those that the caller may not see.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.fields.base import FieldType
from core.fields.column import ColumnKind, ColumnType
from core.fields.computed import ComputedField, CountField, LookupField, RollupField
from core.fields.formula import FormulaField
from core.fields.link import LinksField
from core.fields.relation import Relation
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
    """The linked records of one row: where they stand and which they are."""

    scope: Scope
    far: FromClause
    source: FromClause
    condition: ColumnElement[bool]
    own: FromClause

    def select(self, *columns: Any) -> Select[Any]:
        return select(*columns).select_from(self.source).where(self.condition).correlate(self.own)

    def scalar(self, column: Value) -> Value:
        return self.select(column).scalar_subquery()

    def value(self, name: str) -> tuple[Value, ColumnKind, FieldType[Any]]:
        """A field of the linked records."""
        ref = own_ref(self.scope.table, name)
        assert ref is not None
        return self.scope.column(ref, self.far), ref.kind, ref.type


def linked(scope: Scope, relation: Relation, own: FromClause, filters: Any = None) -> Linked:
    """The live records that a row of `own` leads to, narrowed by the filter of the app file."""
    target = scope.model.by_sql_name[relation.target.sql_name]
    there = scope.neighbour(target)
    far = scope.table_of(target).alias()
    source: FromClause = far
    conditions: list[ColumnElement[bool]] = [far.c.deleted_at.is_(None)]
    if relation.junction is None:
        conditions.append(far.c[relation.far] == own.c[relation.own])
    else:
        pairs = scope.table_of(scope.model.by_sql_name[relation.junction.name]).alias()
        source = pairs.join(far, far.c[relation.far] == pairs.c[relation.beyond])
        conditions.append(pairs.c[relation.near] == own.c[relation.own])
    if filters is not None:
        # The app's own filter sees fields that the caller may not.
        rule = there.unbounded()
        conditions.append(compile_filter(parse_filter(filters, rule), rule, far))
    seen = there.visible(far)
    if seen is not None:
        conditions.append(seen)
    return Linked(there, far, source, and_(*conditions), own)


def computed_value(scope: Scope, field: FieldType[Any], own: FromClause, *, as_list: bool = False) -> Value:
    """The value of a computed field, or of links kept elsewhere, for a row of `own`. `as_list`: a lookup's values as a
    list where they would be joined."""
    match field:
        case LinksField():
            return _links(scope, field, own)
        case CountField():
            return linked(scope, _relation(field), own, field.options.filters).scalar(func.count())
        case RollupField():
            return _rollup(scope, field, own)
        case LookupField():
            return _lookup(scope, field, own, as_list)
        case FormulaField():
            return formula_value(scope, field, own)
    raise NotImplementedError(field.name)


def _relation(field: ComputedField) -> Relation:
    assert field.relation is not None
    return field.relation


def _links(scope: Scope, field: LinksField, own: FromClause) -> Value:
    rows = linked(scope, field.relation, own)
    key = link_key(rows.far, field)
    return _listed(rows.select(key.label("value")), field.result(), scope, is_distinct=False)


def link_key(far: FromClause, field: LinksField) -> Value:
    """What names a linked record: the column that pairs hold, or its key."""
    relation = field.relation
    if relation.junction is not None:
        return far.c[relation.far]
    names = relation.target.primary_key.fields
    if len(names) == 1:
        return far.c[names[0]]
    return func.concat_ws("~", *(cast(far.c[name], Text) for name in names), type_=Text())


def _rollup(scope: Scope, field: RollupField, own: FromClause) -> Value:
    rows = linked(scope, _relation(field), own, field.options.filters)
    how = field.options.aggregation
    if how == "countall":
        return rows.scalar(func.count())
    value, kind, far = rows.value(field.options.related_field)
    match how:
        case "count":
            return rows.scalar(func.count(value))
        case "counta":
            return rows.scalar(func.count(case((_is_filled(value, kind, scope), 1))))
        case "avg":
            return rows.scalar(cast(func.avg(value), Double))
        case "min":
            return rows.scalar(func.min(value, type_=value.type))
        case "max":
            return rows.scalar(func.max(value, type_=value.type))
        case "sum":
            return _sum(rows, value, field.kind)
        case "arrayunique":
            return _listed(_members(rows, value, kind, scope), field.kind, scope)
        case _:
            return _joined(_members(rows, value, kind, scope), kind, far, scope)


def _sum(rows: Linked, value: Value, kind: ColumnType) -> Value:
    type_ = sqlalchemy_type(kind)
    nothing: Value = literal_column("0") if kind.kind != "double" else literal_column("0.0")
    return func.coalesce(rows.scalar(cast(func.sum(value), type_)), cast(nothing, type_), type_=type_)


def _is_filled(value: Value, kind: str, scope: Scope) -> ColumnElement[bool]:
    """T-127"""
    if kind == "text":
        return func.coalesce(value, "") != ""
    if kind.endswith("-list"):
        return func.coalesce(_length(value, scope), 0) > 0
    return value.is_not(None)


def _length(value: Value, scope: Scope) -> Value:
    return func.len(value) if scope.dialect == "duckdb" else func.cardinality(value)


def _lookup(scope: Scope, field: LookupField, own: FromClause, as_list: bool) -> Value:
    rows = linked(scope, _relation(field), own, field.options.filters)
    value, kind, far = rows.value(field.options.related_field)
    if not field.is_joined:
        return rows.scalar(value)
    members = _members(rows, value, kind, scope)
    if as_list:
        return _listed(members, field.members.column(), scope)
    return _joined(members, kind, far, scope)


def _members(rows: Linked, value: Value, kind: str, scope: Scope) -> Select[Any]:
    """The values, those within lists each by itself."""
    if kind.endswith("-list"):
        item = getattr(value.type, "item_type", Text())
        return rows.select(func.unnest(value, type_=item).label("value"))
    if kind in _AS_TEXT:
        value = text_of(value, kind, scope)
    return rows.select(value.label("value"))


def _listed(members: Select[Any], kind: ColumnType, scope: Scope, *, is_distinct: bool = True) -> Value:
    """The values as a list in their order; the empty list where there are none."""
    type_ = sqlalchemy_type(kind)
    nothing: Value = cast(literal_column("'{}'" if scope.dialect == "postgresql" else "[]"), type_)
    return func.coalesce(_gathered(members, is_distinct=is_distinct), nothing, type_=type_)


def _gathered(members: Select[Any], *, is_distinct: bool = True) -> Value:
    values = members.subquery()
    value = values.c.value
    gathered = func.array_agg(
        aggregate_order_by(distinct(value) if is_distinct else value, value), type_=ARRAY(value.type)
    )
    return select(gathered).where(value.is_not(None)).scalar_subquery()


def _joined(members: Select[Any], kind: str, far: FieldType[Any], scope: Scope) -> Value:
    """The values as one text (T-120); NULL where there are none."""
    gathered = _gathered(members)
    if scope.dialect == "duckdb":
        gathered = cast(gathered, ARRAY(Text))
    text = func.array_to_string(gathered, literal(", ", Text), type_=Text())
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
