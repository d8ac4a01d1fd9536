"""From a loaded app to its model at work: every field bound to its type, every stored column named."""

from collections.abc import Mapping
from typing import Any

from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.fields.key import key_type
from core.fields.link import RelationshipField, RelationshipOptions, related_table
from core.fields.model import AppModel, Column, TableModel
from core.fields.number import AutonumberField
from core.fields.registry import FIELD_TYPES, Registry
from core.schema.model import App, FieldSpec, TableSpec
from core.schema.name import fitted

_TIMES = (("created_at", "created-at"), ("updated_at", "updated-at"), ("deleted_at", "deleted-at"))
_NOT_NULL = frozenset({"created-at", "updated-at", "autonumber"})


def build_app(app: App, types: Registry = FIELD_TYPES) -> AppModel:
    """The model of an app that was loaded without errors."""
    return AppModel(app, tuple(_build_table(table, app, types) for table in app.tables))


def _build_table(table: TableSpec, app: App, types: Registry) -> TableModel:
    fields = {spec.name: _bind(spec, app, types) for spec in table.fields}
    system: dict[str, FieldType[Any]] = {
        name: key_type(name, table.primary_key) for name in table.primary_key.fields if name not in fields
    }
    for name, type_name in _TIMES:
        if name not in fields:
            spec = FieldSpec(id=name, name=name, type=type_name, options=types.options(type_name)())
            system[name] = types.make(spec)
    return TableModel(spec=table, fields=fields, columns=tuple(_columns(table, fields, system)), system=system)


def _bind(spec: FieldSpec, app: App, types: Registry) -> FieldType[Any]:
    """The field with its type; a link takes the column type of the key that it points at (T-016)."""
    if isinstance(spec.options, RelationshipOptions):
        return RelationshipField(spec, _target_column(spec.options, app, types, frozenset({spec.id})))
    return types.make(spec)


def _target_column(options: RelationshipOptions, app: App, types: Registry, seen: frozenset[str]) -> ColumnType:
    target = related_table(options, app)
    if target is None:
        return ColumnType("bigint")
    names = {field.name: field for field in target.fields}
    column = options.related_field
    if column not in names:
        column = target.primary_key.fields[0]
    field = names.get(column)
    if field is None:
        return key_type(column, target.primary_key).column() or ColumnType("bigint")
    if isinstance(field.options, RelationshipOptions):
        if f"{target.name}.{field.name}" in seen:
            return ColumnType("bigint")
        return _target_column(field.options, app, types, seen | {f"{target.name}.{field.name}"})
    return types.make(field).column() or ColumnType("bigint")


def _columns(
    table: TableSpec, fields: Mapping[str, FieldType[Any]], system: Mapping[str, FieldType[Any]]
) -> list[Column]:
    """Key, declared fields, automatic times (T-012 to T-018)."""
    columns: list[Column] = []
    times = [name for name, _ in _TIMES]
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
                automatic=name in system,
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
