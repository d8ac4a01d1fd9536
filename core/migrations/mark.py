"""Marks in the database itself, `table:<id>` and `field:<id>` as comments, by which tables and columns are known again when
the snapshot is lost (T-047): a rename stays a rename, and no table is taken for somebody else's."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from core.fields.column import ColumnType
from core.fields.model import Column
from core.migrations.bookkeeping import State
from core.migrations.layout import Layout, TableLayout, identity
from core.schema.model import IndexSpec
from core.storage.catalog import CatalogColumn, CatalogTable, Comments, read_catalog, read_comments
from core.storage.database import Reader, Transaction
from core.storage.ddl import Ddl, literal, quote, type_kind

TABLE, FIELD, FIELDS = "table:", "field:", "fields:"
WIDE = 200
"""Columns above which those of a table on DuckDB are marked together, in the comment of the table: each COMMENT there takes
time by the number of columns, six seconds for a thousand of them."""
_NEXT = re.compile(r"nextval\('\"?([^'\"]+)")


Said = Mapping[tuple[str, str], str]
"""What people have said of tables and columns, by the marks of both; a table's own has none of a column."""


def said(reader: Reader, layout: Layout) -> Said:
    """Before the tables of `layout` change: a rewritten table has lost its comments."""
    comments = read_comments(reader) if layout else {}
    found: dict[tuple[str, str], str] = {}
    for table in layout:
        found[TABLE + table.id, ""] = _rest(comments.get((table.name, None), ""))
        for column in table.columns:
            found[TABLE + table.id, identity(column)] = _rest(comments.get((table.name, column.name), ""))
    return found


def write_marks(tx: Transaction, layout: Layout, before: Said, *, all_new: bool = False) -> None:
    """Those that are missing, each below what people have said. `all_new`: no table stood here, so nothing is said yet."""
    for statement in _missing(layout, {} if all_new else read_comments(tx), before, tx.dialect == "duckdb"):
        tx.execute(statement)


def _missing(layout: Layout, found: Comments, before: Said, is_slow: bool) -> Iterator[str]:
    for table in layout:
        name, mark = quote(table.name), TABLE + table.id
        text, whole, columns = found.get((table.name, None), ""), mark, table.columns
        if is_slow and len(columns) > WIDE:
            ids = {column.name: column.field_id for column in columns if column.field_id is not None}
            whole, columns = f"{mark}\n{FIELDS}{json.dumps(ids)}", ()
        if "\n".join(_ours(text)) != whole:
            yield f"COMMENT ON TABLE {name} IS {literal(_below(text, before.get((mark, '')), whole))}"
        for column in columns:
            own, text = identity(column), found.get((table.name, column.name), "")
            if column.field_id is not None and _mark(text, FIELD) != own:
                whole = _below(text, before.get((mark, own)), own)
                yield f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {literal(whole)}"


def _mark(text: str, kind: str) -> str | None:
    """The line of a comment that is ours."""
    return next((line for line in text.splitlines() if line.startswith(kind)), None)


def _ours(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith((TABLE, FIELD, FIELDS))]


def _rest(text: str) -> str:
    ours = _ours(text)
    return "\n".join(line for line in text.splitlines() if line not in ours)


def _single(comments: Comments) -> Comments:
    """With the marks that stand in the comments of tables at their columns."""
    found = dict(comments)
    for (table, column), text in comments.items():
        together = _mark(text, FIELDS) if column is None else None
        if together:
            with suppress(ValueError):
                ids = json.loads(together.removeprefix(FIELDS))
                found |= {(table, name): FIELD + str(id_) for name, id_ in ids.items()}
    return found


def _below(text: str, before: str | None, mark: str) -> str:
    words = _rest(text) or before
    return f"{words}\n{mark}" if words else mark


def recovered(reader: Reader, wanted: Layout) -> State | None:
    """What the marks tell of a database without a snapshot; None where there are none. `wanted` are the tables of the app
    file, which say what a catalogue cannot."""
    comments = _single(read_comments(reader))
    ids = {
        table: mark.removeprefix(TABLE)
        for (table, column), text in comments.items()
        if column is None and (mark := _mark(text, TABLE))
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
        mark = _mark(comments.get((found.name, column.name), ""), FIELD)
        field_id = mark.removeprefix(FIELD) if mark else None
        same = ours.get(mark or f"name:{column.name}")
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
