"""Windows of a view: rows by key in the form that grids paint, long texts cut, links with their labels."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, literal, select
from sqlalchemy import Text as SqlText

from core.query.list_query import live
from core.query.scope import Ref, Scope, link_column, linked_table
from core.records.expand import display_name
from core.records.key import KeyValue, key_in, key_text
from core.records.shape import stamp, to_json
from core.storage.database import Reader

CUT_AT = 200
"""Characters of a text in a window."""
_LONG_TYPES = frozenset({"long-text", "rich-text", "code", "url", "json"})


class WindowRows:
    """Prepared for the asked fields of one table."""

    def __init__(self, scope: Scope, refs: Sequence[Ref]) -> None:
        self._scope = scope
        self._refs = refs
        source = scope.source
        self._columns: list[ColumnElement[Any]] = [source.c[name] for name in scope.table.key.fields]
        self._columns.append(source.c.updated_at)
        self._key_width = len(scope.table.key.fields)
        self._cells: list[Callable[[Sequence[Any]], Any]] = []
        for ref in refs:
            self._add(ref, scope.column(ref))

    def _add(self, ref: Ref, column: ColumnElement[Any]) -> None:
        place = len(self._columns)
        if ref.type.name in _LONG_TYPES or ref.path:
            text = cast(column, SqlText) if ref.kind == "json" else column
            # One character more tells whether anything is missing.
            self._columns += [func.left(text, CUT_AT + 1), func.length(text)]
            self._cells.append(lambda row: _cut(row[place], row[place + 1]))
            return
        self._columns.append(column)
        convert = to_json(ref.type)
        if convert is None:
            self._cells.append(lambda row: row[place])
        else:
            self._cells.append(lambda row: None if row[place] is None else convert(row[place]))

    def read(self, reader: Reader, keys: Sequence[KeyValue]) -> tuple[list[str], list[str], list[list[Any]]]:
        """Keys, versions and cells of the rows, in the order of the keys. Rows that are gone are left out."""
        if not keys:
            return [], [], []
        condition = key_in(self._scope.table, self._scope.source, keys)
        if (seen := self._scope.visible()) is not None:
            condition = and_(condition, seen)
        width = self._key_width
        found = {tuple(row[:width]): row for row in reader.rows(select(*self._columns).where(condition))}
        rows = [found[key] for key in keys if key in found]
        return (
            [key_text(row[:width]) for row in rows],
            [stamp(row[width]) for row in rows],
            [[cell(row) for cell in self._cells] for row in rows],
        )

    def labels(self, reader: Reader, rows: Sequence[Sequence[Any]]) -> dict[str, dict[str, str]]:
        """What to show for the links in these rows."""
        out: dict[str, dict[str, str]] = {}
        for place, ref in enumerate(self._refs):
            if ref.family == "link" and ref.link is None:
                out[ref.name] = link_labels(reader, self._scope, ref.column, [row[place] for row in rows])
        return out


def link_labels(reader: Reader, scope: Scope, field: str, values: Sequence[Any]) -> dict[str, str]:
    """Labels of linked records by what the link holds; trashed ones keep theirs."""
    link = scope.table.fields[field]
    target = linked_table(scope.model, link)
    source, label = scope.table_of(target), display_name(scope, field)
    held = source.c[link_column(link, target)]
    wanted = list({value for value in values if value is not None})
    if not wanted:
        return {}
    shown = held if label is None else source.c[label]
    statement, seen = select(held, shown).where(held.in_(wanted)), scope.neighbour(target).visible(source)
    rows = reader.rows(statement if seen is None else statement.where(seen))
    as_text = None if label is None else target.fields[label].to_text
    return {str(key): str(key) if as_text is None or value is None else as_text(value) for key, value in rows}


def _cut(text: str | None, length: int | None) -> Any:
    if text is None or length is None or length <= CUT_AT:
        return text
    return {"cut": text[:CUT_AT], "length": length}


def values_statement(scope: Scope, ref: Ref, prefix: str, limit: int) -> Any:
    """Values of a field with their counts, the most frequent first; of a multi-select each value by itself."""
    column = scope.column(ref)
    there = live("without", scope)
    if ref.family == "multi":
        rows = select(func.unnest(column, type_=SqlText()).label("value")).where(there).subquery()
        value: ColumnElement[Any] = rows.c.value
        statement = select(value, func.count())
    else:
        value = cast(column, SqlText) if ref.kind == "json" else column
        statement = select(value, func.count()).select_from(scope.source).where(there)
    statement = statement.where(value.is_not(None))
    if prefix:
        text = value if ref.kind in ("text", "text-list") else cast(value, SqlText)
        statement = statement.where(func.starts_with(func.lower(text), func.lower(literal(prefix, SqlText))))
    return statement.group_by(value).order_by(func.count().desc(), value).limit(limit)
