"""`q`: a text that occurs in any of a table's text-like fields."""

from sqlalchemy import ColumnElement, FromClause, cast, false, or_
from sqlalchemy import Text as SqlText

from core.query.compile import icontains
from core.query.scope import Scope

MAX_LENGTH = 500


def compile_search(text: str, scope: Scope, source: FromClause | None = None) -> ColumnElement[bool]:
    """The condition of `q` (R-107: whatever the case); false where nothing can be searched."""
    columns = (scope.source if source is None else source).c
    found: list[ColumnElement[bool]] = []
    for name, field_type in scope.table.fields.items():
        column = scope.table.column_by_name.get(name)
        if column is not None and field_type.searchable and name not in scope.hidden:
            value = columns[name] if column.type.kind == "text" else cast(columns[name], SqlText)
            found.append(icontains(value, text[:MAX_LENGTH], scope))
    return or_(false(), *found)
