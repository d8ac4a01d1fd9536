"""From a loaded app to its model at work: every field bound to its type, every stored column named."""

from collections.abc import Mapping
from typing import Any

from core.fields.base import FieldType
from core.fields.bind import TIMES, Binder
from core.fields.column import ColumnType
from core.fields.link import RelationshipField
from core.fields.model import AppModel, Column, TableModel
from core.fields.number import AutonumberField
from core.fields.registry import FIELD_TYPES, Registry
from core.fields.relation import Junction, Relation, junctions, relation_of
from core.schema.model import App, IndexSpec, PrimaryKey, TableSpec
from core.schema.name import fitted

_MOMENTS = frozenset({"created-at", "updated-at"})
_NOT_NULL = _MOMENTS | {"autonumber"}


def build_app(app: App, types: Registry = FIELD_TYPES) -> AppModel:
    """The model of an app that was loaded without errors."""
    binder = Binder(app, types)
    return AppModel(app, tuple(_build_table(table, binder) for table in app.tables), _build_junctions(app, binder))


def _build_table(table: TableSpec, binder: Binder) -> TableModel:
    bound = {name: binder.type_of(table, name) for name in binder.names(table)}
    types = {name: field for name, field in bound.items() if field is not None}
    declared = binder.fields(table)
    fields = {name: field for name, field in types.items() if name in declared}
    system = {name: field for name, field in types.items() if name not in declared}
    return TableModel(spec=table, fields=fields, columns=tuple(_columns(table, fields, system)), system=system)


def _build_junctions(app: App, binder: Binder) -> tuple[TableModel, ...]:
    found: list[TableModel] = []
    for table, field, junction in junctions(app):
        relation = relation_of(table, field, app)
        if relation is not None:
            found.append(_build_junction(junction, relation, binder))
    return tuple(found)


def _build_junction(junction: Junction, relation: Relation, binder: Binder) -> TableModel:
    """Pairs of keys: found from one side by the key, from the other by an index."""
    sides = ((junction.near, relation.source, relation.own), (junction.far, relation.target, relation.far))
    columns = []
    for side, (name, table, key) in zip(("near", "far"), sides, strict=True):
        field = binder.type_of(table, key)
        kind = (field and field.column()) or ColumnType("bigint")
        # Known again by its side when a table, and with it the column, gets another name.
        columns.append(Column(name=name, type=kind, nullable=False, field_id=side))
    spec = TableSpec(
        id=junction.id,
        name=junction.name,
        sql_name=junction.name,
        fields=(),
        primary_key=PrimaryKey(type="composite", fields=(junction.near, junction.far)),
        indexes=(IndexSpec(name=fitted(f"idx_{junction.name}_{junction.far}"), fields=(junction.far,)),),
        allow_destructive=relation.source.allow_destructive,
    )
    return TableModel(spec=spec, fields={}, columns=tuple(columns))


def _columns(
    table: TableSpec, fields: Mapping[str, FieldType[Any]], system: Mapping[str, FieldType[Any]]
) -> list[Column]:
    """Key, declared fields, automatic times (T-012 to T-018)."""
    columns: list[Column] = []
    times = [name for name, _ in TIMES]
    for name in (*(each for each in system if each not in times), *fields, *(each for each in times if each in system)):
        field_type = fields[name] if name in fields else system[name]
        kind = field_type.column()
        if kind is None:
            continue
        spec = field_type.spec
        columns.append(
            Column(
                name=name,
                type=kind,
                nullable=not (spec.required or name in table.primary_key.fields or spec.type in _NOT_NULL),
                sequence=_sequence(table, field_type, kind),
                sequence_start=field_type.options.start_from if isinstance(field_type, AutonumberField) else 1,
                automatic=name in system or spec.type in _MOMENTS or name in times,
                field_id=spec.id if name in fields else None,
            )
        )
    return columns


def _sequence(table: TableSpec, field_type: FieldType[Any], kind: ColumnType) -> str | None:
    """`seq_<table>_id` for a counting key, `seq_<table>_<field>` for an autonumber."""
    name = field_type.spec.name
    counts = table.primary_key.type in ("auto-increment", "bigserial") or name == "id"
    is_key = name in table.primary_key.fields and counts and kind.kind in ("integer", "bigint")
    if isinstance(field_type, AutonumberField) or (is_key and not isinstance(field_type, RelationshipField)):
        return fitted(f"seq_{table.sql_name}_{name}")
    return None
