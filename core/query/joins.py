"""Values computed for all rows of a table at once: sorts and filters by them read the linked records once, however many rows
there are. For statements that take their FROM from here; all others ask row by row."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Subquery, cast, func, literal_column

from core.fields.base import FieldType
from core.fields.column import ColumnType
from core.storage.table import sqlalchemy_type


class Joins:
    """The joins of statements that share their conditions. A field is joined when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, bool], tuple[Subquery, ColumnElement[Any]]] = {}

    def value(self, scope: Any, field: FieldType[Any], *, as_list: bool) -> ColumnElement[Any] | None:
        """The value of a field that aggregates linked records; None where it does not."""
        from core.query.computed import aggregate, linked_of, nothing_of

        relation = getattr(field, "relation", None)
        if relation is None or relation.single:
            return None
        key = (field.spec.name, as_list)
        if key not in self._made:
            rows = linked_of(scope, field, scope.source)
            found = aggregate(rows, field, scope, as_list=as_list)
            if found is None:
                return None
            grouped = rows.whole(found.label("value")).subquery()
            self._made[key] = grouped, rows.held
        column = self._made[key][0].c.value
        kind, nothing = field.result() or ColumnType("text"), nothing_of(field, as_list=as_list)
        if nothing is None:
            return column
        type_ = column.type if as_list else sqlalchemy_type(kind)
        text = "0" if nothing == 0 else "'{}'" if scope.dialect == "postgresql" else "[]"
        return func.coalesce(column, cast(literal_column(text), type_), type_=type_)

    def source(self, source: FromClause) -> FromClause:
        """The table with what was joined to it so far."""
        for grouped, held in self._made.values():
            source = source.outerjoin(grouped, grouped.c.near == held)
        return source
