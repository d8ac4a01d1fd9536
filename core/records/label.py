"""What stands for a linked record where people meet it: in grids, pickers and `expand` (T-118)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, cast, func, literal, select

from core.fields.computed import LookupField
from core.fields.link import LinksField, RelationshipField
from core.fields.relationship import label_fields, label_of
from core.query.computed import among, link_key
from core.query.scope import Ref, Scope, link_column, linked_table, own_ref
from core.storage.database import Reader

_BETWEEN = ", "
"""Between the values of a lookup over several records (T-120)."""


class Label:
    """The label of the records that one link field leads to, made of those of its fields that the caller may read; of
    their keys where there is none."""

    def __init__(self, scope: Scope, field: str) -> None:
        link = scope.table.fields[field]
        self.link = link
        self.there = scope.neighbour(linked_table(scope.model, link))
        self.display = link.options.display_field
        table, hidden = self.there.table, self.there.hidden
        names = label_fields(self.display) or (table.display_field,)
        found = (None if name in hidden else own_ref(table, name) for name in names)
        self._refs: list[Ref | None] = [ref if ref and ref.column not in table.key.fields else None for ref in found]
        """None for a field that cannot be shown."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are shown; none: the key is."""
        return tuple(ref.column for ref in self._refs if ref is not None)

    def held(self, source: FromClause) -> ColumnElement[Any]:
        """What the link holds of a record of `source`."""
        if isinstance(self.link, LinksField):
            return link_key(source, self.link)
        return source.c[link_column(self.link, self.there.table)]

    def columns(self, source: FromClause) -> list[ColumnElement[Any]]:
        """What `text` is made from."""
        return [self.there.column(ref, source) for ref in self._refs if ref is not None]

    def text(self, values: Sequence[Any]) -> str | None:
        """The label, from values of `columns`; None where they are all missing."""
        given = iter(values)
        texts = ["" if ref is None else ref.type.to_text(next(given)) for ref in self._refs]
        return label_of(self.display, texts) or None

    def searched(self, source: FromClause) -> ColumnElement[Any]:
        """The label in SQL, near enough to be searched and sorted by."""
        columns = [cast(column, Text) for column in self.columns(source)]
        if not columns:
            return cast(self.held(source), Text)
        return columns[0] if len(columns) == 1 else func.concat_ws(literal(" ", Text), *columns, type_=Text())


def link_behind(scope: Scope, field: str) -> tuple[Scope, str] | None:
    """The link whose records a field shows, and its table: itself, or the one that a lookup reads. None for others."""
    found = scope.table.fields.get(field)
    if isinstance(found, RelationshipField | LinksField):
        return scope, field
    if isinstance(found, LookupField) and found.shows_link:
        return link_behind(scope.neighbour(linked_table(scope.model, found)), found.options.related_field)
    return None


def labels(reader: Reader, scope: Scope, field: str, values: Sequence[Any]) -> dict[str, str]:
    """What the values of a field stand for, by their texts: of each key in a list, of several joined by a lookup as a
    whole. Records in the trash keep theirs; empty for fields that show no records."""
    link = link_behind(scope, field)
    if link is None:
        return {}
    label = Label(*link)
    shown = scope.table.fields[field]
    if isinstance(shown, LookupField) and shown.is_joined:
        joined = {value: value.split(_BETWEEN) for value in values if isinstance(value, str)}
        found = _labels(reader, label, {_key(each, label) for keys in joined.values() for each in keys})
        return {text: _BETWEEN.join(found.get(each, each) for each in keys) for text, keys in joined.items()}
    return _labels(reader, label, {key for each in values for key in (each if isinstance(each, list) else [each])})


def _key(text: str, label: Label) -> Any:
    """A key as the link holds it."""
    return text if isinstance(label.held(label.there.source).type, Text) or not text.isdigit() else int(text)


def _labels(reader: Reader, label: Label, keys: set[Any]) -> dict[str, str]:
    wanted = [key for key in keys if key is not None]
    if not wanted:
        return {}
    source = label.there.source
    held = label.held(source)
    statement = select(held, *label.columns(source)).where(among(held, wanted, label.there.dialect))
    seen = label.there.visible(source)
    rows = reader.rows(statement if seen is None else statement.where(seen))
    return {str(key): label.text(values) or str(key) for key, *values in rows}
