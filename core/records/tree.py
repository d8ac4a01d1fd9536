"""The records above and below one, along a link of a table to itself (`tree=ancestors`, `tree=descendants`; T-108)."""

from typing import Any

from sqlalchemy import select

from core.errors import FieldError, Invalid
from core.fields.address import key_text
from core.fields.link import RelationshipField
from core.query.scope import Scope
from core.records.key import KeyValue, key_in
from core.records.label import Label
from core.storage.database import Reader

DEEPEST = 1_000
MOST = 10_000


def parse_tree(text: str | None, scope: Scope) -> tuple[str, str] | None:
    """Direction and field of `descendants` or, where the table has several links to itself, `descendants:parent`. Raises
    Invalid."""
    if not text:
        return None
    direction, _, name = text.partition(":")
    if direction not in ("ancestors", "descendants"):
        raise _refused("tree is ancestors or descendants")
    links = [
        each
        for each, field in scope.table.fields.items()
        if isinstance(field, RelationshipField)
        and field.relation is not None
        and field.relation.target is scope.table.spec
        and each not in scope.hidden
    ]
    if name and name not in links:
        raise _refused(f"{name!r} is no link of {scope.table.name} to itself")
    if not name and len(links) != 1:
        several = f"; name one of them: {direction}:{links[0]}" if links else ""
        raise _refused(f"{scope.table.name} has {len(links) or 'no'} links to itself{several}")
    return direction, name or links[0]


def read_tree(reader: Reader, scope: Scope, key: KeyValue, direction: str, field: str) -> list[dict[str, Any]]:
    """Live records above or below the one, the nearest first: `{id, display, depth, parent}`."""
    label, source = Label(scope, field), scope.source
    held, link = label.held(source), source.c[field]
    keys = [source.c[name] for name in scope.table.key.fields]
    found: list[dict[str, Any]] = []
    ((own, parent),) = reader.rows(select(held, link).where(key_in(scope.table, source, [key])))
    start = parent if direction == "ancestors" else own
    seen: set[Any] = {own}
    level, depth = [] if start is None else [start], 0
    while level and depth < DEEPEST and len(found) < MOST:
        depth += 1
        statement = select(held, link, *keys, *label.columns(source)).where(source.c.deleted_at.is_(None))
        statement = statement.where((held if direction == "ancestors" else link).in_(level)).order_by(*keys)
        if (visible := scope.visible()) is not None:
            statement = statement.where(visible)
        level = []
        for own, parent, *rest in reader.rows(statement):
            if own in seen:
                continue
            seen.add(own)
            id_ = key_text(rest[: len(keys)])
            shown = label.text(rest[len(keys) :]) or id_
            found.append(
                {"id": id_, "display": shown, "depth": depth, "parent": None if parent is None else str(parent)}
            )
            following = parent if direction == "ancestors" else own
            if following is not None:
                level.append(following)
    return found


def _refused(message: str) -> Invalid:
    return Invalid(message, [FieldError("tree", "tree.invalid", message)])
