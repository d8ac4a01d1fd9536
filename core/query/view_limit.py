"""`limitToView`: only records of that view of the linked table may be linked (T-118)."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause

from core.fields.base import FieldType
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.scope import Scope
from core.schema.model import TableSpec
from core.schema.view import find_view


def view_limit(link: FieldType[Any], there: Scope, source: FromClause | None = None) -> ColumnElement[bool] | None:
    """The condition of the records that the link may lead to; `there` is the linked table. None: any."""
    name = getattr(link.options, "limit_to_view", None)
    filters = None if name is None else _filters_of(there.table.spec, name)
    if filters is None:
        return None
    rule = there.unbounded()
    return compile_filter(parse_filter(filters, rule), rule, source)


def _filters_of(table: TableSpec, name: str) -> Any:
    view = find_view(table.views, name)
    return None if view is None else view.filters
