"""Names of tables, fields, indexes and sequences: what may be one, and what the database calls it."""

import hashlib
import re
from collections.abc import Collection
from difflib import get_close_matches

from core.sentence import say

MAX_NAME = 63
"""PostgreSQL's limit for identifiers."""

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9_\- ]*")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")

RESERVED = frozenset(
    "add all alter and any as between case cast check column commit constraint create cross current_date current_time "
    "current_timestamp current_user database default delete distinct drop else end except exists false foreign from "
    "full grant group having ilike in index inner insert intersect is join key left like limit not null offset on or "
    "order outer primary references revoke right rollback schema select session_user some table then transaction true "
    "truncate union unique update user view when where".split()
)
"""T-008"""

RESERVED_PREFIXES = ("system_", "auth_")
"""Tables of the engine itself and of the accounts."""


def sql_name(name: str) -> str:
    """`Spare Parts` → `spare_parts` (T-004)."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


def table_name_problem(name: str) -> str | None:
    """What is wrong with a table's name (T-003, T-007), None when it is good."""
    trimmed = name.strip()
    if not trimmed:
        return "a table needs a name"
    if len(trimmed) > MAX_NAME:
        return say("the name has {count} characters, {most} are allowed", count=len(trimmed), most=MAX_NAME)
    if not _TABLE.fullmatch(trimmed):
        return say(
            "{name!r} is not a table name: a letter first, then letters, digits, spaces, `_` and `-`", name=trimmed
        )
    if sql_name(trimmed) in RESERVED:
        return say("{name!r} is a word of SQL and cannot name a table", name=trimmed)
    if sql_name(trimmed).startswith(RESERVED_PREFIXES):
        return say("{name!r} belongs to the engine: names beginning with system_ or auth_ are taken", name=trimmed)
    return None


def field_name_problem(name: str) -> str | None:
    """What is wrong with a field's name (T-009), None when it is good."""
    if not name:
        return "a field needs a name"
    if len(name) > MAX_NAME:
        return say("the name has {count} characters, {most} are allowed", count=len(name), most=MAX_NAME)
    if not _FIELD.fullmatch(name):
        return say("{name!r} is not a field name: a small letter first, then small letters, digits and `_`", name=name)
    if name in RESERVED:
        return say("{name!r} is a word of SQL and cannot name a field", name=name)
    return None


def slug(text: str) -> str:
    """`Parts Desk` → `parts-desk`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def fitted(name: str, limit: int = MAX_NAME) -> str:
    """A generated identifier cut to the database's limit, kept apart from its neighbours by a hash of the whole."""
    if len(name) <= limit:
        return name
    return name[: limit - 7] + "_" + hashlib.sha256(name.encode()).hexdigest()[:6]


def nearest(word: str, known: Collection[str]) -> str | None:
    """`did you mean …?` for a word that is not known."""
    exact = {each.lower(): each for each in known}
    if word.lower() in exact:
        return say("did you mean `{near}`?", near=exact[word.lower()])
    found = get_close_matches(word, list(known), n=1, cutoff=0.65)
    return say("did you mean `{near}`?", near=found[0]) if found else None
