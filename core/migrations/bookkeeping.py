"""The tables in which migrations remember: the history of versions, a log of attempts, the snapshot in force."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, delete, select

from core.errors import MigrationRefused
from core.migrations.layout import Layout, checksum, from_data, to_data
from core.storage.catalog import Catalog
from core.storage.database import Reader, Transaction
from core.storage.ddl import quote
from core.storage.own import ensure
from core.storage.table import instant_type, json_type

_METADATA = MetaData()
HISTORY = Table(
    "system_migration_history",
    _METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("checksum", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("layout", json_type(), nullable=False),
    Column("applied_at", instant_type(), nullable=False),
    Column("rolled_back_at", instant_type()),
    Column("plan", json_type(), nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("engine", Text, nullable=False),
    Column("app_version", Text),
    Column("applied_by", Text),
)
LOG = Table(
    "system_migration_log",
    _METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", Text, nullable=False),
    Column("from_version", Integer, nullable=False),
    Column("to_version", Integer, nullable=False),
    Column("reason", Text),
    Column("status", Text, nullable=False),
    Column("created_at", instant_type(), nullable=False),
)
CHECKSUM = Table(
    "system_schema_checksum",
    _METADATA,
    Column("id", Text, primary_key=True),
    Column("checksum", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("layout", json_type(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", instant_type(), nullable=False),
)
"""`schema` is text, not JSON: its checksum is over the very characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the database says about itself. Version 0: no migration has run here."""

    version: int = 0
    checksum: str = ""
    schema: str = "[]"
    layout: Layout = ()

    @property
    def tables(self) -> list[Mapping[str, Any]]:
        """The snapshot, as it stood in the app file."""
        return list(json.loads(self.schema))


def read_state(reader: Reader, catalog: Catalog) -> State:
    """Raises MigrationRefused when the bookkeeping was edited (M-005)."""
    if CHECKSUM.name not in catalog:
        return State()
    c = CHECKSUM.c
    rows = reader.rows(select(c.checksum, c.schema, c.layout, c.version).where(c.id == "singleton"))
    if not rows:
        return State()
    kept, schema, layout, version = rows[0]
    if checksum(schema) != kept:
        raise MigrationRefused(
            "The stored snapshot of the tables does not match its checksum: somebody changed system_schema_checksum",
            hint="Run `migrate status` to see what differs, and restore a backup if in doubt",
        )
    return State(version=version, checksum=kept, schema=schema, layout=from_data(layout))


def create_bookkeeping(tx: Transaction, catalog: Catalog) -> None:
    ensure(tx, catalog, HISTORY, LOG, CHECKSUM)


def record_version(
    tx: Transaction, state: State, *, plan: list[dict[str, Any]], duration_ms: int, app_version: str | None
) -> None:
    """The new state in force, and a line of history (M-043)."""
    layout = to_data(state.layout)
    common = {"checksum": state.checksum, "schema": state.schema, "layout": layout, "version": state.version}
    tx.execute(delete(CHECKSUM))
    tx.insert(CHECKSUM, [{"id": "singleton", **common, "updated_at": tx.time}])
    tx.insert(
        HISTORY,
        [
            {
                "id": _next_id(tx, HISTORY),
                **common,
                "applied_at": tx.time,
                "plan": plan,
                "duration_ms": duration_ms,
                "engine": tx.dialect,
                "app_version": app_version,
                "applied_by": tx.actor,
            }
        ],
    )


def record_attempt(
    tx: Transaction, *, operation: str, before: int, after: int, status: str, reason: str | None
) -> None:
    """A line of the log: what was tried and how it ended (M-051)."""
    tx.insert(
        LOG,
        [
            {
                "id": _next_id(tx, LOG),
                "operation": operation,
                "from_version": before,
                "to_version": after,
                "reason": reason,
                "status": status,
                "created_at": tx.time,
            }
        ],
    )


def _next_id(tx: Transaction, table: Table) -> int:
    return int(tx.scalar(f"SELECT coalesce(max(id), 0) + 1 FROM {quote(table.name)}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One line of the history."""

    version: int
    checksum: str
    applied_at: datetime
    rolled_back_at: datetime | None
    duration_ms: int
    applied_by: str | None
    plan: list[Mapping[str, Any]]
    tables: list[Mapping[str, Any]]
    """The whole snapshot of that version."""


def read_history(reader: Reader, catalog: Catalog) -> list[Version]:
    """Newest first."""
    if HISTORY.name not in catalog:
        return []
    c = HISTORY.c
    rows = reader.rows(
        select(
            c.version, c.checksum, c.applied_at, c.rolled_back_at, c.duration_ms, c.applied_by, c.plan, c.schema
        ).order_by(c.version.desc())
    )
    return [
        Version(
            version=version,
            checksum=sum_,
            applied_at=applied_at,
            rolled_back_at=rolled_back_at,
            duration_ms=duration,
            applied_by=by,
            plan=plan,
            tables=json.loads(schema),
        )
        for version, sum_, applied_at, rolled_back_at, duration, by, plan, schema in rows
    ]
