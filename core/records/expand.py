"""`expand`: linked records in the place of their ids, read by one statement for each link (R-028)."""

from collections.abc import Sequence

from sqlalchemy import select

from core.contract.records import Record
from core.query.scope import Scope, link_column, linked_table
from core.records.guard import shape_of
from core.records.shape import Shape
from core.storage.database import Reader, Row


def expand_links(
    reader: Reader, records: Sequence[Record], rows: Sequence[Row], shape: Shape, names: Sequence[str], scope: Scope
) -> None:
    """Replace the ids of the named link fields by `{id, display, fields}`; a link without a record becomes null."""
    for name in names:
        if name not in shape.fields:
            continue
        place = shape.columns.index(name)
        link = scope.table.fields[name]
        target = linked_table(scope.model, link)
        there = scope.neighbour(target)
        source, column, far = scope.table_of(target), link_column(link, target), shape_of(target, there.hidden)
        wanted = list({row[place] for row in rows if row[place] is not None})
        statement = select(source.c[column], *(source.c[each] for each in far.columns)).where(
            source.c[column].in_(wanted)
        )
        if (seen := there.visible(source)) is not None:
            statement = statement.where(seen)
        found = {row[0]: far.record(row[1:]) for row in reader.rows(statement)} if wanted else {}
        label = display_name(scope, name)
        for record, row in zip(records, rows, strict=True):
            linked = found.get(row[place])
            record["fields"][name] = linked and {
                "id": linked["id"],
                "display": linked["id"] if label is None else linked["fields"].get(label),
                "fields": linked["fields"],
            }


def display_name(scope: Scope, name: str) -> str | None:
    """The field of the linked table that stands for its records; None: their key."""
    link = scope.table.fields[name]
    target = linked_table(scope.model, link)
    chosen = link.options.display_field
    wanted = chosen[0] if isinstance(chosen, tuple) else chosen or target.display_field
    if wanted in scope.neighbour(target).hidden:
        return None
    return wanted if wanted in target.fields and wanted in target.column_by_name else None
