"""What a `Lens` leaves of a change, asked of the database: so pages of changes are full and counted without reading each."""

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, literal, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, JSONPATH

from core.fields.link import LinksField
from core.history.entry import Lens
from core.query.computed import link_key
from core.query.scope import Scope, linked_table
from core.records.sight import parted_links
from core.storage.ddl import literal as quoted
from core.storage.journal import CHANGES

_UPDATE, _SQL = "update", "sql"
_NO_JSON = literal_column("CAST('[]' AS JSONB)", JSONB)


def leaves_trace(lens: Lens) -> ColumnElement[bool]:
    """The condition of the changes of the log of which the reader of one table sees something (`Lens.changes`)."""
    if lens.names is None:
        return true()
    assert lens.scope is not None
    c, scope = CHANGES.c, lens.scope
    parted = parted_links(scope) & lens.names
    of_all = c.operation.not_in((_UPDATE, _SQL))
    of_many = (c.operation == _SQL) & (c.before.is_(None) | c.after.is_(None))
    return or_(of_all, of_many, _names(scope, lens.names - parted), *(_links(scope, name) for name in sorted(parted)))


def _names(scope: Scope, names: frozenset[str]) -> ColumnElement[bool]:
    """A change of one of these fields."""
    if scope.dialect == "postgresql":
        return func.jsonb_exists_any(CHANGES.c.after, cast(literal(sorted(names), ARRAY(Text)), ARRAY(Text)))
    # Written out: of paths that are bound, every row is parsed once for each.
    pointers = ", ".join(quoted("/" + name.replace("~", "~0").replace("/", "~1")) for name in sorted(names))
    paths: ColumnElement[Any] = literal_column(f"[{pointers}]")
    return func.coalesce(func.list_contains(func.json_exists(CHANGES.c.after, paths), true()), False)


def _links(scope: Scope, name: str) -> ColumnElement[bool]:
    """A change of a link to several records, among those that came or went one that the reader sees."""
    field = scope.table.fields[name]
    assert isinstance(field, LinksField)
    there = scope.neighbour(linked_table(scope.model, field))
    both = [_keys(scope, column, name) for column in (CHANGES.c.before, CHANGES.c.after)]
    if scope.dialect == "postgresql":
        key = func.jsonb_array_elements_text(both[0].op("||")(both[1]), type_=Text)
    else:
        key = func.unnest(func.list_concat(*both), type_=Text)
    linked = select(key.label("key")).correlate(CHANGES).lateral()
    # What was linked before and is linked now stands there twice.
    moved = select(linked.c.key).group_by(linked.c.key).having(func.count() == 1).correlate(CHANGES).lateral()
    rows = moved.join(there.source, cast(link_key(there.source, field), Text) == moved.c.key)
    visible = there.visible()
    return exists(select(literal(1)).select_from(rows).where(true() if visible is None else visible).correlate(CHANGES))


def _keys(scope: Scope, column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """The keys of linked records that a change tells: texts, or on PostgreSQL a JSON array; none where it tells none."""
    path = literal('$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"[*]', Text)
    if scope.dialect == "postgresql":
        found = func.jsonb_path_query_array(column, cast(path, JSONPATH), type_=JSONB)
        return func.coalesce(found, _NO_JSON)
    return func.json_extract_string(column, path, type_=ARRAY(Text))
