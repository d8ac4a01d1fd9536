"""The tables in which migrations remember: the history of versions, a log of attempts, the snapshot in force."""

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, delete, select, update

from core.errors import MigrationRefused
from core.migrations.layout import Layout, checksum, from_data, to_data
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


def read_state(reader: Reader, there: Container[str]) -> State:
    """Raises MigrationRefused when the bookkeeping was edited (M-005)."""
    if CHECKSUM.name not in there:
        return State()
    c = CHECKSUM.c
    rows = reader.rows(select(c.checksum, c.schema, c.layout, c.version).where(c.id == "singleton"))
    if not rows:
        return State()
    kept, schema, layout, version = rows[0]
    if checksum(schema) != kept:
        raise MigrationRefused(
            "The stored snapshot of the tables does not match its checksum: somebody changed system_schema_checksum",
            hint="`sovrium-tui migrate status` tells what differs, `sovrium-tui migrate repair` puts it right",
        )
    return State(version=version, checksum=kept, schema=schema, layout=from_data(layout))


def create_bookkeeping(tx: Transaction, there: Container[str]) -> None:
    ensure(tx, there, HISTORY, LOG, CHECKSUM)


def put_in_force(tx: Transaction, state: State) -> None:
    tx.execute(delete(CHECKSUM))
    tx.insert(CHECKSUM, [{"id": "singleton", **_common(state), "updated_at": tx.time}])


def _common(state: State) -> dict[str, Any]:
    layout = to_data(state.layout)
    return {"checksum": state.checksum, "schema": state.schema, "layout": layout, "version": state.version}


def mark_rolled_back(tx: Transaction, after: int) -> None:
    """All versions behind `after` that were in force."""
    c = HISTORY.c
    tx.execute(update(HISTORY).where(c.version > after, c.rolled_back_at.is_(None)).values(rolled_back_at=tx.time))


def record_version(
    tx: Transaction, state: State, *, plan: list[dict[str, Any]], duration_ms: int, app_version: str | None
) -> None:
    """The new state in force, and a line of history (M-043)."""
    put_in_force(tx, state)
    tx.insert(
        HISTORY,
        [
            {
                "id": _next_id(tx, HISTORY),
                **_common(state),
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
    layout: Layout = ()
    app_version: str | None = None
    engine: str = ""

    @property
    def is_live(self) -> bool:
        return self.rolled_back_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One line of the log: a migration, rollback or repair, and how it ended."""

    operation: str
    before: int
    after: int
    status: str
    reason: str | None
    at: datetime


def next_version(reader: Reader, there: Container[str]) -> int:
    """Numbers of versions that were rolled back are not given again (M-043)."""
    if HISTORY.name not in there:
        return 1
    return int(reader.scalar(f"SELECT coalesce(max(version), 0) + 1 FROM {quote(HISTORY.name)}"))


def undone_version(reader: Reader, there: Container[str], checksum: str) -> int | None:
    """The version with that checksum, when the last one that had it was rolled back (M-047)."""
    if HISTORY.name not in there:
        return None
    c = HISTORY.c
    found = select(c.version, c.rolled_back_at).where(c.checksum == checksum).order_by(c.version.desc()).limit(1)
    rows = reader.rows(found)
    return int(rows[0][0]) if rows and rows[0][1] is not None else None


def read_history(reader: Reader, there: Container[str]) -> list[Version]:
    """Newest first."""
    if HISTORY.name not in there:
        return []
    c = HISTORY.c
    columns = (c.version, c.checksum, c.applied_at, c.rolled_back_at, c.duration_ms, c.applied_by, c.plan, c.schema)
    rows = reader.rows(select(*columns, c.layout, c.app_version, c.engine).order_by(c.version.desc()))
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
            layout=from_data(layout),
            app_version=app_version,
            engine=engine,
        )
        for version, sum_, applied_at, rolled_back_at, duration, by, plan, schema, layout, app_version, engine in rows
    ]


def version_in_force(versions: Sequence[Version]) -> int:
    """The one whose tables are there: the newest that was not rolled back."""
    return max((version.version for version in versions if version.is_live), default=0)


def read_log(reader: Reader, there: Container[str]) -> list[Attempt]:
    """Newest first."""
    if LOG.name not in there:
        return []
    c = LOG.c
    rows = reader.rows(
        select(c.operation, c.from_version, c.to_version, c.status, c.reason, c.created_at).order_by(c.id.desc())
    )
    return [
        Attempt(operation=operation, before=before, after=after, status=status, reason=reason, at=at)
        for operation, before, after, status, reason, at in rows
    ]
