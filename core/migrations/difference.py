"""What changed between two layouts, table by table, with renames known by id. Pure: no database is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.fields.column import ColumnType
from core.fields.model import Column
from core.migrations.layout import Layout, TableLayout, identity
from core.schema.model import IndexSpec
from core.storage.catalog import Catalog, CatalogTable
from core.storage.ddl import PRECISION, SCALE, Ddl, is_same_type, type_kind


@dataclass(frozen=True, slots=True)
class TableChange:
    """From `old` to `new`, both of one table. `pairs` are the columns that stay, old beside new."""

    old: TableLayout
    new: TableLayout
    pairs: tuple[tuple[Column, Column], ...]
    added: tuple[Column, ...]
    dropped: tuple[Column, ...]
    indexes_dropped: tuple[IndexSpec, ...]
    indexes_added: tuple[IndexSpec, ...]

    @property
    def is_renamed(self) -> bool:
        return self.old.name != self.new.name

    @property
    def renamed(self) -> tuple[tuple[Column, Column], ...]:
        return tuple((old, new) for old, new in self.pairs if old.name != new.name)

    @property
    def retyped(self) -> tuple[tuple[Column, Column], ...]:
        return tuple((old, new) for old, new in self.pairs if stored(old.type) != stored(new.type))

    @property
    def required(self) -> tuple[tuple[Column, Column], ...]:
        """Pairs that may no longer be empty."""
        return tuple((old, new) for old, new in self.pairs if old.nullable and not new.nullable)

    @property
    def relaxed(self) -> tuple[tuple[Column, Column], ...]:
        return tuple((old, new) for old, new in self.pairs if new.nullable and not old.nullable)

    @property
    def resequenced(self) -> tuple[tuple[Column, Column], ...]:
        return tuple((old, new) for old, new in self.pairs if old.sequence != new.sequence)

    @property
    def rechecked(self) -> bool:
        """The database is to hold other rules."""
        return self.old.checks != self.new.checks

    def __bool__(self) -> bool:
        return bool(
            self.is_renamed
            or self.rechecked
            or self.added
            or self.dropped
            or self.renamed
            or self.retyped
            or self.required
            or self.relaxed
            or self.resequenced
            or self.indexes_added
            or self.indexes_dropped
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Tables that come, go and change."""

    created: tuple[TableLayout, ...]
    dropped: tuple[TableLayout, ...]
    changed: tuple[TableChange, ...]


def compare(old: Layout, new: Layout) -> Difference:
    """Tables are matched by id, columns by their field's id."""
    before = {table.id: table for table in old}
    after = {table.id: table for table in new}
    return Difference(
        created=tuple(table for table in new if table.id not in before),
        dropped=tuple(table for table in old if table.id not in after),
        changed=tuple(_compare_tables(before[table.id], table) for table in new if table.id in before),
    )


def present(layout: Layout, catalog: Catalog, ddl: Ddl) -> Layout:
    """The layout as the catalogue bears it out: what somebody removed by hand is added again by the next migration, and what
    was made of another type becomes what it was."""
    return tuple(
        replace(
            table,
            columns=_found_columns(table, catalog.tables[table.name], ddl),
            indexes=tuple(
                index
                for index in table.indexes
                if index.name in catalog.tables[table.name].indexes or not ddl.holds(index, table.columns)
            ),
        )
        for table in layout
        if table.name in catalog
    )


def stands(layout: Layout, tables: Mapping[str, CatalogTable], ddl: Ddl) -> bool:
    """Whether the tables have all their columns, of their types; nullability and indexes are not looked at."""
    return all(
        table.name in tables and _found_columns(table, tables[table.name], ddl) == tuple(table.columns)
        for table in layout
    )


def _found_columns(table: TableLayout, real: CatalogTable, ddl: Ddl) -> tuple[Column, ...]:
    """The columns of a layout that are there, of the types that they have."""
    found = []
    for column in table.columns:
        if column.name not in real.columns:
            continue
        name = real.columns[column.name].type
        other = None if is_same_type(name, ddl.type_name(column.type)) else type_kind(name)
        found.append(column if other is None else replace(column, type=other))
    return tuple(found)


def _compare_tables(old: TableLayout, new: TableLayout) -> TableChange:
    before = {identity(column): column for column in old.columns}
    pairs: list[tuple[Column, Column]] = []
    added: list[Column] = []
    for column in new.columns:
        found = before.pop(identity(column), None)
        if found is None:
            added.append(column)
        else:
            pairs.append((found, column))
    # A field that takes the place of an automatic column, or gives it back (T-010), keeps the stored one.
    for column in tuple(added):
        same = next((each for each in before.values() if each.name == column.name), None)
        if same is not None and None in (same.field_id, column.field_id):
            del before[identity(same)]
            added.remove(column)
            pairs.append((same, column))
    dropped = tuple(before.values())
    names = {first.name: second.name for first, second in pairs}
    kept = {_index_key(index, names): index for index in old.indexes}
    wanted = {_index_key(index, None): index for index in new.indexes}
    return TableChange(
        old,
        new,
        tuple(pairs),
        tuple(added),
        dropped,
        tuple(index for key, index in kept.items() if key not in wanted),
        tuple(index for key, index in wanted.items() if key not in kept),
    )


def _index_key(index: IndexSpec, names: dict[str, str] | None) -> tuple[object, ...]:
    fields: Iterable[str | None] = index.fields if names is None else (names.get(field) for field in index.fields)
    return index.name, tuple(fields), index.unique, index.where, index.nulls_not_distinct, index.live, index.places


def stored(type_: ColumnType) -> tuple[str, tuple[int, int] | None]:
    """What of a type the database keeps; equal: nothing has to be altered."""
    return type_.kind, digits(type_) if type_.kind == "decimal" else None


def digits(type_: ColumnType) -> tuple[int, int]:
    """Digits before and behind the point."""
    if type_.kind == "integer":
        return 10, 0
    if type_.kind == "bigint":
        return 19, 0
    scale = SCALE if type_.scale is None else type_.scale
    return (type_.precision or PRECISION) - scale, scale
