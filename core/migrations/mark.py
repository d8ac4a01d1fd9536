"""Marks in the database itself, `table:<id>` and `field:<id>` as comments, by which tables and columns are known again when
the snapshot is lost (T-047): a rename stays a rename, and no table is taken for somebody else's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.fields.column import ColumnType
from core.fields.model import Column
from core.migrations.bookkeeping import State
from core.migrations.layout import Layout, TableLayout, identity
from core.schema.model import IndexSpec
from core.storage.catalog import CatalogColumn, CatalogTable, Comments, read_catalog, read_comments
from core.storage.database import Reader, Transaction
from core.storage.ddl import Ddl, literal, quote, type_kind

TABLE, FIELD = "table:", "field:"
_NEXT = re.compile(r"nextval\('\"?([^'\"]+)")


def write_marks(tx: Transaction, layout: Layout) -> None:
    """Those that are missing, or not as they should be."""
    for statement in _missing(layout, read_comments(tx)):
        tx.execute(statement)


def _missing(layout: Layout, found: Comments) -> Iterator[str]:
    for table in layout:
        name = quote(table.name)
        if found.get((table.name, None)) != TABLE + table.id:
            yield f"COMMENT ON TABLE {name} IS {literal(TABLE + table.id)}"
        for column in table.columns:
            if column.field_id is not None and found.get((table.name, column.name)) != identity(column):
                yield f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(identity(column))}"


def recovered(reader: Reader, wanted: Layout) -> State | None:
    """What the marks tell of a database without a snapshot; None where there are none. `wanted` are the tables of the app
    file, which say what a catalogue cannot."""
    comments = read_comments(reader)
    ids = {
        table: text.removeprefix(TABLE)
        for (table, column), text in comments.items()
        if column is None and text.startswith(TABLE)
    }
    if not ids:
        return None
    catalog = read_catalog(reader)
    ddl = Ddl(reader.dialect)
    known = {table.id: table for table in wanted}
    there = [(catalog.tables[name], id_) for name, id_ in ids.items() if name in catalog]
    layout = tuple(_table(ddl, table, id_, comments, known.get(id_)) for table, id_ in there)
    return State(layout=layout)


def _table(
    ddl: Ddl, found: CatalogTable, id_: str, comments: Mapping[tuple[str, str | None], str], wanted: TableLayout | None
) -> TableLayout:
    ours = {identity(column): column for column in (wanted.columns if wanted else ())}
    columns = []
    for column in found.columns.values():
        mark = comments.get((found.name, column.name), "")
        field_id = mark.removeprefix(FIELD) if mark.startswith(FIELD) else None
        same = ours.get(mark if field_id is not None else f"name:{column.name}")
        type_ = _type(ddl, column, same)
        # What has no mark and is nobody's automatic column was added by hand, and is not ours to lose.
        if type_ is None or (field_id is None and same is None and wanted is not None):
            continue
        sequence = _NEXT.match(column.default or "")
        columns.append(
            Column(
                column.name,
                type_,
                nullable=column.nullable,
                sequence=sequence[1] if sequence else None,
                automatic=field_id is None,
                field_id=field_id,
            )
        )
    return TableLayout(id_, found.name, tuple(columns), found.key, _indexes(found, wanted, columns))


def _type(ddl: Ddl, column: CatalogColumn, same: Column | None) -> ColumnType | None:
    if same is not None and type_kind(ddl.type_name(same.type)) == type_kind(column.type):
        return same.type
    return type_kind(column.type)


def _indexes(found: CatalogTable, wanted: TableLayout | None, columns: Sequence[Column]) -> tuple[IndexSpec, ...]:
    """Those that the file wants and that are there: what they are over is what the same columns are called now."""
    if wanted is None:
        return ()
    before = {identity(column): column.name for column in columns}
    names = {column.name: before.get(identity(column)) for column in wanted.columns}
    return tuple(
        replace(index, fields=tuple(names.get(each) or each for each in index.fields))
        for index in wanted.indexes
        if index.name in found.indexes
    )
