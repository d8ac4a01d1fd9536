"""What is kept of a person, for the person (auth §7.2, A-091): everything but the secrets, which nobody can read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Table, select

from core.audit.log import AUDIT
from core.auth.account import find, groups_of
from core.auth.context import AuthContext
from core.auth.session import SignedIn
from core.auth.store import DEVICES, FACTORS, KEYS
from core.clock import to_iso
from core.errors import NotSignedIn
from core.principal import Source
from core.storage.catalog import table_names
from core.storage.database import Reader, Transaction

_SECRET = frozenset({"secret", "secret_hash", "hash", "last_step"})
ENTRIES_MOST = 10_000
"""Of the audit log, the newest."""


class Export:
    """One's own."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def read(self, found: SignedIn, source: Source, *, also: Sequence[Table] = ()) -> dict[str, Any]:
        """The account and what belongs to it, as JSON has it; rows of the tables `also` as well, by their `user_id`. The log
        tells of it."""
        context, user = self._context, found.account.id

        def look(reader: Reader) -> dict[str, Any]:
            account = find(reader, user)
            if account is None:
                raise NotSignedIn
            there = table_names(reader)
            others = [table for table in (*context.personal, *also) if table.name in there]
            return {
                "user": {**account.body(context.roles), "metadata": account.metadata},
                "groups": sorted(groups_of(reader, user)),
                "sessions": [each.body(found.session.id) for each in context.sessions.of(reader, user)],
                "devices": _rows(reader, DEVICES, user),
                "secondFactors": _rows(reader, FACTORS, user),
                "apiKeys": _rows(reader, KEYS, user),
                "log": _entries(reader, user),
                "kept": {str(table.name): _rows(reader, table, user) for table in others},
            }

        def note(tx: Transaction) -> None:
            context.log(tx, "account.exported", found.principal, source, ("user", user, found.account.name))

        body = await context.read(look, lane="scan")
        await context.write(note, found.principal)
        return body


def _rows(reader: Reader, table: Table, user: str) -> list[dict[str, Any]]:
    columns = [column for column in table.columns if column.name not in _SECRET]
    names = [str(column.name) for column in columns]  # SQLAlchemy's own kind of text is no key in JSON
    rows = reader.rows(select(*columns).where(table.c.user_id == user))
    return [{name: _plain(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _plain(value: Any) -> Any:
    return to_iso(value) if isinstance(value, datetime) else value


def _entries(reader: Reader, user: str) -> list[dict[str, Any]]:
    """What the log tells of things that the person did."""
    newest = select(AUDIT.c.entry).where(AUDIT.c.actor_id == user).order_by(AUDIT.c.sequence.desc())
    entries = [orjson.loads(text) for (text,) in reader.rows(newest.limit(ENTRIES_MOST))]
    return [{name: value for name, value in entry.items() if name != "prevHash"} for entry in reversed(entries)]
