"""`q`: a text that occurs in any of a table's text-like fields."""

from sqlalchemy import ColumnElement, FromClause, cast, false, or_
from sqlalchemy import Text as SqlText

from core.query.compile import icontains
from core.query.scope import Scope, own_ref

MAX_LENGTH = 500


def compile_search(text: str, scope: Scope, source: FromClause | None = None) -> ColumnElement[bool]:
    """The condition of `q` (R-107: whatever the case); false where nothing can be searched."""
    found: list[ColumnElement[bool]] = []
    for name, field_type in scope.table.fields.items():
        ref = own_ref(scope.table, name)
        if ref is not None and field_type.searchable and name not in scope.hidden:
            column = scope.column(ref, source)
            value = column if ref.kind == "text" else cast(column, SqlText)
            found.append(icontains(value, text[:MAX_LENGTH], scope))
    return or_(false(), *found)
