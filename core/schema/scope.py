"""Scopes of API keys: what of its user's rights a key may use.

`read`, `write` (which is reading as well) on all tables; `notes:read`, `notes:write`, `notes:update` on one, by its SQL
name; `admin` for what is not about records: accounts, the log, the schema, SQL. A key without scopes may all that its user
may.
"""

import re
from collections.abc import Collection

from core.schema.permission import OPERATIONS, Operation

READ, WRITE, ADMIN = "read", "write", "admin"
_ONE_TABLE = re.compile(r"(?P<table>[a-z_][a-z0-9_]{0,62}):(?P<verb>[A-Za-z]+)")
_READING: frozenset[Operation] = frozenset({"read"})


def wrong_scope(scope: str, tables: Collection[str] | None = None) -> str | None:
    """What is wrong with a scope; None: nothing. `tables` are the SQL names that there are, where they are to be known."""
    if scope in (READ, WRITE, ADMIN):
        return None
    found = _ONE_TABLE.fullmatch(scope)
    if found is None or found["verb"] not in (READ, WRITE, *OPERATIONS):
        verbs = ", ".join((READ, WRITE, *(each for each in OPERATIONS if each != READ)))
        return f"{scope[:100]!r} is no scope: read, write, admin, or TABLE:VERB with one of {verbs}"
    if tables is not None and found["table"] not in tables:
        return f"{scope!r}: there is no table {found['table']!r}"
    return None


def permits(scopes: Collection[str], table: str, operation: Operation) -> bool:
    """Whether they leave an operation on a table (its SQL name)."""
    is_read = operation in _READING
    if WRITE in scopes or (is_read and READ in scopes) or f"{table}:{WRITE}" in scopes:
        return True
    if f"{table}:{operation}" in scopes:
        return True
    # what changes records answers with them: who may do that to a table may read it
    return is_read and any(scope.startswith(f"{table}:") for scope in scopes)


def only_reads(scopes: Collection[str], table: str | None) -> bool:
    """Whether they leave nothing but reading, of the table where one is named by its SQL name."""
    mine = (scope for scope in scopes if table is None or scope.startswith(f"{table}:"))
    return WRITE not in scopes and all(scope.rpartition(":")[2] == READ for scope in mine)
