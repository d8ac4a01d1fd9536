"""Whether a caller sees a record, and with it a file that it refers to, or a link that leads to it."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from core.fields.link import LinksField
from core.files.ledger import KnownFile, uses_of
from core.query.computed import among, link_key
from core.query.scope import Scope, linked_table
from core.records.key import KeyValue, key_in, parse_key
from core.storage.database import Reader

USES_ASKED = 200
"""Records that refer to one file, of which the first that the caller sees is enough."""


def is_visible(reader: Reader, scope: Scope, key: KeyValue) -> bool:
    """Whether the caller may see that row, in the trash or outside."""
    condition = scope.visible()
    if condition is None:
        return True
    here = key_in(scope.table, scope.source, [key])
    return bool(reader.rows(select(scope.source.c[scope.table.key.fields[0]]).where(here, condition)))


def sees_file(reader: Reader, scope: Scope, file: KnownFile, actor: str | None) -> bool:
    """Whether the caller of `scope` sees a record that refers to the file. One that none refers to yet is its uploader's."""
    uses = uses_of(reader, file.key, USES_ASKED)
    if not uses:
        return actor is not None and file.uploaded_by == actor
    for use in uses:
        table = scope.model.by_sql_name.get(use.table)
        if table is None:
            continue
        there = scope.neighbour(table)
        readable = there.sight.readable and use.field not in there.sight.hidden
        if readable and is_visible(reader, there, parse_key(table, use.record)):
            return True
    return False


def parted_links(scope: Scope) -> frozenset[str]:
    """Fields that link several records, of which the caller may not see all: a record shows those that it sees."""
    return frozenset(
        name
        for name, field in scope.table.fields.items()
        if isinstance(field, LinksField) and scope.neighbour(linked_table(scope.model, field)).visible() is not None
    )


def seen_links(reader: Reader, scope: Scope, field: LinksField, keys: Collection[Any]) -> frozenset[Any]:
    """Those of the keys that the field may hold whose records the caller may see, in the trash or outside."""
    there = scope.neighbour(linked_table(scope.model, field))
    held, condition = link_key(there.source, field), there.visible()
    if not keys or condition is None:
        return frozenset(keys)
    rows = reader.rows(select(held).where(among(held, list(keys), there.dialect), condition))
    return frozenset(row[0] for row in rows)
