"""Tables and fields as clients see them (spec tables-records §2.5)."""

from collections.abc import Collection
from typing import Any

from core.clock import to_iso
from core.contract.tables import FieldInfo, TableInfo, TableSummary
from core.engine import Engine
from core.fields.base import FieldType
from core.fields.model import TableModel
from core.principal import Principal


def table_summary(engine: Engine, table: TableModel, hidden: Collection[str] = ()) -> TableSummary:
    """`hidden` are the fields that the caller may not read."""
    lifetime = engine.lifetimes[table.spec.id]
    return {
        "id": table.spec.id,
        "name": table.name,
        "fieldCount": sum(name not in hidden for name in table.fields),
        "createdAt": to_iso(lifetime.made),
        "updatedAt": to_iso(lifetime.changed),
    }


def table_info(engine: Engine, table: TableModel, principal: Principal) -> TableInfo:
    """The table as the caller may know it."""
    hidden = engine.records.access.table(principal, table).hidden
    lifetime = engine.lifetimes[table.spec.id]
    fields = [field_info(field, system=False) for name, field in table.fields.items() if name not in hidden]
    fields += [field_info(field, system=True) for field in table.system.values()]
    return {
        "id": table.spec.id,
        "name": table.name,
        "sqlName": table.sql_name,
        "primaryKey": "~".join(table.key.fields),
        "displayField": table.key.fields[0] if table.display_field in hidden else table.display_field,
        "fields": fields,
        "views": list(engine.schema_views.details(principal, table)),
        "permissions": table.spec.permissions.data() if table.spec.permissions else {},
        "createdAt": to_iso(lifetime.made),
        "updatedAt": to_iso(lifetime.changed),
    }


def field_info(field: FieldType[Any], *, system: bool) -> FieldInfo:
    spec = field.spec
    return {
        "id": spec.id,
        "name": spec.name,
        "label": spec.label,
        "description": spec.description,
        "type": field.name,
        "family": field.family,
        "editor": "none" if field.read_only else field.editor,
        "required": spec.required,
        "unique": spec.unique,
        "indexed": spec.indexed,
        "readOnly": field.read_only,
        "system": system,
        "numeric": field.numeric,
        "default": spec.default,
        "options": dict(field.info()),
        "operators": list(field.operators()),
    }
