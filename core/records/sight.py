"""Whether a caller sees a record, and with it a file that it refers to."""

from sqlalchemy import select

from core.files.ledger import KnownFile, uses_of
from core.query.scope import Scope
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
