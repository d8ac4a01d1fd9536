"""Access granted to users over single records of the scope tables (`auth.scopeTables`): what `$currentUser.assignments`
holds, and the roles that come with it (P-029, P-042)."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Column, Index, MetaData, Table, Text, select

from core.clock import Clock, system_clock, to_iso
from core.errors import FieldError, Invalid, NotFound
from core.fields.model import AppModel
from core.ids import short_id
from core.principal import Principal
from core.remembered import Remembered
from core.schema.name import sql_name
from core.storage.catalog import table_names
from core.storage.database import Call, Database, Job, Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

USER_ACCESS = "user_access"
"""The address that grants answer to, as if it were a table's."""
GRANTS = Table(
    "auth_user_access",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("table_slug", Text, nullable=False),
    Column("record_ids", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", instant_type(), nullable=False),
)
Index("idx_auth_user_access_user", GRANTS.c.user_id)
USERS_KEPT = 10_000
RECORDS_MOST = 10_000
Granted = tuple[frozenset[str], Mapping[str, frozenset[str]]]


class Grants:
    """The grants of one app on one database."""

    def __init__(
        self,
        database: Database,
        model: AppModel,
        clock: Clock = system_clock,
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._roles = model.app.roles
        self._clock = clock
        self._kept: Remembered[str, Granted] = Remembered(database.fresh_seconds, USERS_KEPT, seconds)
        self._stands = False
        self.is_used = bool(self._roles.scope_tables)
        """The app has scope tables."""

    async def complete(self, principal: Principal) -> Principal:
        """The principal with what is granted to it."""
        if not self.is_used or principal.kind != "user" or principal.id is None:
            return principal
        user = principal.id
        granted = await self._kept.get(user, lambda: self._of(user))
        assert granted is not None
        roles, assignments = granted
        return replace(principal, granted=roles, assignments=assignments)

    async def _of(self, user: str) -> Granted:
        rows = await self._read(user)
        assignments: dict[str, frozenset[str]] = {}
        for row in rows:
            table = row["table_slug"]
            assignments[table] = assignments.get(table, frozenset()) | frozenset(row["record_ids"])
        return frozenset(row["role"] for row in rows), assignments

    async def _read(self, user: str | None) -> list[dict[str, Any]]:
        def work(reader: Reader) -> list[dict[str, Any]]:
            if not self._stands:
                self._stands = GRANTS.name in table_names(reader)
            if not self._stands:
                return []
            statement = select(GRANTS).order_by(GRANTS.c.created_at, GRANTS.c.id)
            if user is not None:
                statement = statement.where(GRANTS.c.user_id == user)
            names = [column.name for column in GRANTS.columns]
            rows = [dict(zip(names, row, strict=True)) for row in reader.rows(statement)]
            return [{**row, "record_ids": orjson.loads(row["record_ids"])} for row in rows]

        return await self._database.read(Call(work), lane="point")

    async def list(self, user: str | None) -> list[dict[str, Any]]:
        """The grants of a user, or all, the oldest first. Raises NotFound where the app has no scope tables."""
        if not self.is_used:
            raise NotFound()
        return [_record(row) for row in await self._read(user)]

    async def create(
        self, principal: Principal, fields: Mapping[str, Any], once: Callable[[Job[Any]], Job[Any]] = lambda job: job
    ) -> dict[str, Any]:
        """Grant records to a user, by the job that `once` makes of ours. Raises NotFound where the app has no scope tables,
        Invalid with the `field`."""
        if not self.is_used:
            raise NotFound()
        row = {
            **self._checked(fields),
            "id": short_id("grant"),
            "created_by": principal.id or principal.kind,
            "created_at": self._clock(),
        }

        def work(tx: Transaction) -> dict[str, Any]:
            ensure(tx, table_names(tx), GRANTS)
            tx.insert(GRANTS, [{**row, "record_ids": orjson.dumps(row["record_ids"]).decode()}])
            return _record(row)

        given: dict[str, Any] = await self._database.write(once(Call(work)), actor=principal.actor)
        self._kept.forget()
        return given

    def _checked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        user, table, role = fields.get("user_id"), fields.get("table_slug"), fields.get("role")
        if not isinstance(user, str) or not user:
            raise _refused("user_id", "user_id is the id of a user")
        if not isinstance(table, str) or sql_name(table) not in self._roles.scope_tables:
            raise _refused("table_slug", f"table_slug is one of {', '.join(self._roles.scope_tables)}")
        records = fields.get("record_ids")
        wrong = not isinstance(records, list) or not 0 < len(records) <= RECORDS_MOST
        if wrong or not all(isinstance(each, str | int) and not isinstance(each, bool) for each in records or ()):
            raise _refused("record_ids", f"record_ids is a list of ids, at least one and at most {RECORDS_MOST:,}")
        if not isinstance(role, str) or role not in self._roles.by_name:
            raise _refused("role", f"role is one of {', '.join(each.name for each in self._roles.ordered)}")
        if role in self._roles.unrestricted:
            raise _refused("role", f"{role!r} passes every rule and cannot be granted over single records")
        ids = list(dict.fromkeys(str(each) for each in records or ()))
        return {"user_id": user, "table_slug": sql_name(table), "record_ids": ids, "role": role}


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("user_id", "table_slug", "record_ids", "role", "created_by")
    return {
        "id": row["id"],
        "fields": {name: row[name] for name in names},
        "createdAt": to_iso(row["created_at"]),
    }


def _refused(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.invalid", message)], field=field)
