"""What stands for a linked record where people meet it: in grids, pickers and `expand` (T-118)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, cast, func, literal

from core.fields.link import LinksField
from core.fields.relationship import label_fields, label_of
from core.query.computed import link_key
from core.query.scope import Ref, Scope, link_column, linked_table, own_ref


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
