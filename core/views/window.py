"""Windows of a view: rows by key in the form that grids paint, long texts cut, links with their labels."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, func, literal, select
from sqlalchemy import Text as SqlText

from core.auth.store import people
from core.fields.address import key_text
from core.fields.column import ColumnType
from core.fields.computed import ComputedField
from core.query.aggregate import FIRST_COLUMN
from core.query.list_query import live
from core.query.scope import Ref, Scope
from core.records.computed import with_computed
from core.records.key import KeyValue, key_in
from core.records.label import labels, link_behind
from core.records.shape import Shape, stamp, to_json
from core.storage.database import Reader, Row
from core.storage.table import sqlalchemy_type

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
        self._shape = Shape(scope.table, [ref.column for ref in refs if _is_computed(ref)])
        """What is read for the rows once they are known: their values that are not stored, which then stand last."""
        self._cells: list[Callable[[Sequence[Any]], Any]] = []
        for ref in refs:
            if _is_computed(ref):
                computed = self._shape.computed
                self._add_cell(ref, computed.index(ref.column) - len(computed))
            else:
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
        self._add_cell(ref, place)

    def _add_cell(self, ref: Ref, place: int) -> None:
        if isinstance(ref.type, ComputedField) and ref.kind == "text":
            self._cells.append(lambda row: _cut(row[place], len(row[place] or "")))
            return
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
        found = {tuple(row[:width]): row for row in self._rows(reader, condition)}
        rows = [found[key] for key in keys if key in found]
        return (
            [key_text(row[:width]) for row in rows],
            [stamp(row[width]) for row in rows],
            [[cell(row) for cell in self._cells] for row in rows],
        )

    def _rows(self, reader: Reader, condition: ColumnElement[bool]) -> Sequence[Row]:
        shape = self._shape
        if not shape.computed:
            return reader.rows(select(*self._columns).where(condition))
        width, source = len(self._columns), self._scope.source
        known = reader.rows(select(*self._columns, *(source.c[name] for name in shape.columns)).where(condition))
        whole = with_computed(reader, self._scope, shape, [row[width:] for row in known])
        return [(*row[:width], *values[len(shape.columns) :]) for row, values in zip(known, whole, strict=True)]

    def labels(self, reader: Reader, rows: Sequence[Sequence[Any]]) -> dict[str, dict[str, str]]:
        """What to show for accounts and linked records in these rows."""
        out: dict[str, dict[str, str]] = {}
        for place, ref in enumerate(self._refs):
            if ref.family == "user" and ref.link is None:
                held = [value if isinstance(value, list) else [value] for row in rows if (value := row[place])]
                found = people(reader, {each for ids in held for each in ids})
                out[ref.name] = {key: person["name"] or person["email"] for key, person in found.items()}
            elif ref.link is None and link_behind(self._scope, ref.column):
                out[ref.name] = labels(reader, self._scope, ref.column, [row[place] for row in rows])
        return out


def _is_computed(ref: Ref) -> bool:
    return ref.is_plain and not ref.is_stored


def _cut(text: str | None, length: int | None) -> Any:
    if text is None or length is None or length <= CUT_AT:
        return text
    return {"cut": text[:CUT_AT], "length": length}


def values_statement(scope: Scope, ref: Ref, prefix: str, limit: int) -> Any:
    """Values of a field with their counts, the most frequent first; of a multi-select each value by itself."""
    column = scope.column(ref)
    there = live("without", scope)
    if ref.is_list:
        item = sqlalchemy_type(ColumnType(ref.kind).item)
        rows = select(func.unnest(column, type_=item).label("value")).select_from(scope.source).where(there).subquery()
        value: ColumnElement[Any] = rows.c.value
        statement = select(value, func.count())
    else:
        value = (cast(column, SqlText) if ref.kind == "json" else column).label("value")
        statement = select(value, func.count()).select_from(scope.source).where(there)
    statement = statement.where(value.is_not(None))
    if prefix:
        text = value if ref.kind in ("text", "text-list") else cast(value, SqlText)
        statement = statement.where(func.starts_with(func.lower(text), func.lower(literal(prefix, SqlText))))
    return statement.group_by(FIRST_COLUMN).order_by(func.count().desc(), value).limit(limit)
