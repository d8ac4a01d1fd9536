"""The stored shape of an app's tables: what migrations compare. Made from a model, kept as JSON beside the snapshot.

The layout knows columns, not field types: an old one can still be read when a field type has changed its options.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import StorageError
from core.fields.column import ColumnType
from core.fields.model import AppModel, Column, TableModel
from core.schema.model import IndexSpec
from core.schema.name import fitted

DELETED = "deleted_at"


@dataclass(frozen=True, slots=True)
class TableLayout:
    """One table: `id` is the app file's, by which a renamed table is known again."""

    id: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    indexes: tuple[IndexSpec, ...]
    checks: tuple[tuple[str, str], ...] = ()
    """Rules that the database holds, by name, as formulas."""

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


Layout = tuple[TableLayout, ...]


def layout_of(model: AppModel) -> Layout:
    """Disabled tables keep their place: they are out of use, not out of the file. Links to several records have a table of
    pairs each (T-106)."""
    return tuple(table_layout(table) for table in (*model, *model.junctions))


def table_layout(table: TableModel) -> TableLayout:
    indexes = table.indexes
    if DELETED in table.column_by_name and not any(index.fields == (DELETED,) for index in indexes):
        indexes = (*indexes, IndexSpec(name=fitted(f"idx_{table.sql_name}_{DELETED}"), fields=(DELETED,)))  # T-014
    return TableLayout(table.spec.id, table.sql_name, table.columns, table.key.fields, indexes, table.checks)


def identity(column: Column) -> str:
    """By what a column is known again after a rename: its field's id, or its name where no field stands behind it."""
    return f"field:{column.field_id}" if column.field_id is not None else f"name:{column.name}"


def to_data(layout: Layout) -> list[dict[str, Any]]:
    return [asdict(table) for table in layout]


def from_data(data: Sequence[Mapping[str, Any]]) -> Layout:
    """What `to_data` made. Raises StorageError for what only another version of ours can have made."""
    try:
        return _from_data(data)
    except (LookupError, TypeError) as error:
        raise StorageError(
            "The database describes its tables in a form that this version does not know",
            hint="Open it with the version of sovrium-tui that opened it last",
        ) from error


def _from_data(data: Sequence[Mapping[str, Any]]) -> Layout:
    return tuple(
        TableLayout(
            id=table["id"],
            name=table["name"],
            columns=tuple(Column(**{**column, "type": ColumnType(**column["type"])}) for column in table["columns"]),
            key=tuple(table["key"]),
            indexes=tuple(IndexSpec(**{**index, "fields": tuple(index["fields"])}) for index in table["indexes"]),
            checks=tuple((name, rule) for name, rule in table.get("checks", ())),
        )
        for table in data
    )


def canonical(tables: Sequence[Mapping[str, Any]]) -> str:
    """The text of a snapshot whose checksum is kept: keys sorted, lists in order, two spaces (M-001)."""
    return json.dumps(tables, ensure_ascii=False, sort_keys=True, indent=2)


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
