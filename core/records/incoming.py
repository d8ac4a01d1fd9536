"""What points at the records of a table: link fields, composite foreign keys, pairs in junctions (T-112 to T-117)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, false, select, tuple_

from core.fields.link import LinksField, RelationshipField
from core.fields.model import AppModel, TableModel
from core.fields.relation import Relation
from core.records.writing import Stored, WritableTable
from core.storage.database import Transaction

FEW = 16
"""Parents whose children are asked for by a statement that need not be put together: along a chain there is one a level."""


@dataclass(frozen=True)
class Incoming:
    """Records of `child` that point at records of `table`. `fields` of the child hold what `columns` hold here; with a
    `relation` it is a link to several whose pairs are in a junction."""

    child: TableModel
    fields: tuple[str, ...]
    columns: tuple[str, ...]
    on_delete: str
    on_update: str
    relation: Relation | None = None

    @property
    def field(self) -> str:
        return self.fields[0]

    @cached_property
    def cleared(self) -> dict[str, Any]:
        return dict.fromkeys(self.fields)

    @cached_property
    def can_be_cleared(self) -> bool:
        """The children can do without."""
        return not any(self.child.type_of(name).spec.required for name in self.fields)

    def values(self, row: Stored) -> tuple[Any, ...] | None:
        """What a child holds that points at the row; None: nothing can point at it."""
        found = tuple(row[name] for name in self.columns)
        return None if None in found else found

    def children(
        self, tx: Transaction, child: WritableTable, parents: Sequence[Stored], *, deleted: bool | None
    ) -> list[Stored]:
        """Rows that point at the parents: live, trashed, or (None) both."""
        values = [found for row in parents if (found := self.values(row)) is not None]
        if self.relation is None and len(values) <= FEW:
            rows = child.holding(tx, self.fields, values)
            return rows if deleted is None else [row for row in rows if (row["deleted_at"] is not None) is deleted]
        statement = select(*(child.source.c[name] for name in child.columns)).where(self._points_at(child, values))
        if deleted is not None:
            column = child.source.c.deleted_at
            statement = statement.where(column.is_not(None) if deleted else column.is_(None))
        return [dict(zip(child.columns, row, strict=True)) for row in tx.rows(statement)]

    def _points_at(self, child: WritableTable, values: list[tuple[Any, ...]]) -> ColumnElement[bool]:
        source = child.source
        if not values:
            return false()
        if self.relation is not None and self.relation.junction is not None:
            pairs = child.junction(self.relation.junction.name)
            keys = [each[0] for each in values]
            held = select(pairs.c[self.relation.near]).where(pairs.c[self.relation.beyond].in_(keys))
            return source.c[self.relation.own].in_(held)
        if len(self.fields) == 1:
            return source.c[self.field].in_([each[0] for each in values])
        return tuple_(*(source.c[name] for name in self.fields)).in_(values)


def incoming_links(model: AppModel, table: TableModel) -> tuple[Incoming, ...]:
    """All that points at a table, its own links to itself included."""
    found: list[Incoming] = []
    for child in model.tables:
        for name, field in child.fields.items():
            if not isinstance(field, RelationshipField | LinksField) or field.relation is None:
                continue
            relation, options = field.relation, field.options
            if relation.target is not table.spec:
                continue
            if isinstance(field, RelationshipField):
                found.append(Incoming(child, (name,), (relation.far,), options.on_delete, options.on_update))
            elif relation.junction is not None:
                found.append(Incoming(child, (name,), (relation.far,), options.on_delete, options.on_update, relation))
        found += [
            Incoming(child, key.fields, key.columns, key.on_delete, key.on_update)
            for key in child.spec.foreign_keys
            if model.by_sql_name.get(key.table) is table
        ]
    return tuple(found)
