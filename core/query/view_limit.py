"""`limitToView`: only records of that view of the linked table may be linked (T-118)."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause

from core.fields.base import FieldType
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.scope import Scope
from core.schema.model import TableSpec


def view_limit(link: FieldType[Any], there: Scope, source: FromClause | None = None) -> ColumnElement[bool] | None:
    """The condition of the records that the link may lead to; `there` is the linked table. None: any."""
    name = getattr(link.options, "limit_to_view", None)
    filters = None if name is None else _filters_of(there.table.spec, name)
    if filters is None:
        return None
    rule = there.unbounded()
    return compile_filter(parse_filter(filters, rule), rule, source)


def _filters_of(table: TableSpec, name: str) -> Any:
    for view in table.later.get("views") or ():
        if name in (str(view.get("id")), view.get("name")):
            return view.get("filters")
    for view in getattr(table, "views", ()):
        if name in (str(view.id), view.name):
            return view.filters
    return None
