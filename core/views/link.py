"""Candidates for a link field: records of the other table whose label, or key, is what was typed."""

from typing import Any

from sqlalchemy import ColumnElement, cast, func, literal, or_, select
from sqlalchemy import Text as SqlText

from core.contract.console import LinkHit
from core.query.compile import icontains
from core.query.list_query import live
from core.query.scope import Scope
from core.query.view_limit import view_limit
from core.records.label import Label
from core.storage.database import Reader

HITS_AT_MOST = 200


def link_hits(reader: Reader, scope: Scope, far: Scope, field: str, text: str) -> list[LinkHit]:
    """Live records; labels that begin with the text come first. `far` is the linked table's scope."""
    label = Label(scope, field)
    held, shown = label.held(far.source), label.searched(far.source)
    told = label.columns(far.source)
    detail = _detail_field(far, label.names)
    extra: ColumnElement[Any] = literal("") if detail is None else cast(far.source.c[detail], SqlText)
    statement = select(held, extra, *told).where(live("without", far))
    if (limit := view_limit(label.link, far, far.source)) is not None:
        statement = statement.where(limit)
    if text:
        begins = func.starts_with(func.lower(shown), func.lower(literal(text, SqlText)))
        statement = statement.where(or_(icontains(shown, text, far), cast(held, SqlText) == text))
        statement = statement.order_by(begins.desc())
    rows = reader.rows(statement.order_by(shown, held).limit(HITS_AT_MOST))
    return [{"id": str(key), "label": label.text(row) or str(key), "detail": more or ""} for key, more, *row in rows]


def _detail_field(far: Scope, shown: tuple[str, ...]) -> str | None:
    """A second field that tells records of the same name apart."""
    for name, field_type in far.table.fields.items():
        is_told = name in far.table.column_by_name and name not in far.hidden
        if name not in shown and is_told and field_type.family in ("text", "select"):
            return name
    return None
