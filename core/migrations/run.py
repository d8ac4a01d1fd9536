"""Carrying out a plan: one transaction, all or nothing, with a line in the log either way."""

import time
from dataclasses import dataclass

from core.errors import MigrationRefused, SovriumError
from core.fields.model import AppModel
from core.migrations.bookkeeping import Version, create_bookkeeping, read_history, record_attempt, record_version
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.plan import Plan, Step, compose
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The version that is now in force, and what was done for it."""

    version: int
    steps: tuple[Step, ...]
    seconds: float


def plan(database: Database, model: AppModel, *, owned: OwnedViews = NO_VIEWS) -> Plan:
    """What has to change for `model` to work on `database`. Changes nothing."""
    job: Call[Plan] = Call(lambda reader: compose(reader, model, owned))
    return database.submit_read(job, lane="long", deadline=None).result()


def run(
    database: Database,
    plan: Plan,
    *,
    owned: OwnedViews = NO_VIEWS,
    allow_destructive: bool = False,
    actor: str | None = None,
    app_version: str | None = None,
) -> Applied:
    """Apply `plan`. Raises MigrationRefused, with nothing changed, when old rows do not fit, when it would lose data
    without permission, or when the database is no longer as it was planned for."""
    started = time.perf_counter()
    if plan.is_empty:
        return Applied(version=plan.after, steps=(), seconds=0.0)

    def work(tx: Transaction) -> Plan:
        _lock(tx)
        fresh = compose(tx, plan.model, owned)
        if fresh.before != plan.before or [step.data() for step in fresh.steps] != [step.data() for step in plan.steps]:
            raise MigrationRefused("The database has changed since the plan was made", hint="Make a new plan")
        _refuse(fresh, allow_destructive)
        create_bookkeeping(tx, read_catalog(tx))
        owned.drop(tx)
        for step in fresh.steps:
            for statement in step.statements:
                tx.execute(statement.text, statement.parameters)
        owned.create(tx, plan.model)
        if fresh.before == fresh.after:
            return fresh
        milliseconds = int((time.perf_counter() - started) * 1000)
        data = [step.data() for step in fresh.steps]
        record_version(tx, fresh.state, plan=data, duration_ms=milliseconds, app_version=app_version)
        record_attempt(tx, operation="MIGRATE", before=plan.before, after=plan.after, status="COMPLETED", reason=None)
        return fresh

    try:
        done = database.submit_write(Call(work), actor=actor, cause="migration").result()
    except SovriumError as error:
        _log_failure(database, plan, error)
        if isinstance(error, MigrationRefused):
            raise
        message = f"The migration was rolled back: {error.message}"
        raise MigrationRefused(message, hint=error.hint or "Nothing was changed") from error
    return Applied(version=done.after, steps=done.steps, seconds=time.perf_counter() - started)


def history(database: Database) -> list[Version]:
    """All versions with their snapshots, newest first."""
    job: Call[list[Version]] = Call(lambda reader: read_history(reader, read_catalog(reader)))
    return database.submit_read(job, lane="long", deadline=None).result()


def _lock(tx: Transaction) -> None:
    """A second runner waits (M-040); on DuckDB there is one writer anyway."""
    if tx.dialect == "postgresql":
        tx.execute("SELECT pg_advisory_xact_lock(hashtext('system_migration_lock'))")


def _refuse(plan: Plan, allow_destructive: bool) -> None:
    if plan.refusals:
        first = plan.refusals[0]
        details = [line for each in plan.refusals for line in (each.message, *each.details)]
        more = f" (and {len(plan.refusals) - 1} more)" if len(plan.refusals) > 1 else ""
        raise MigrationRefused(f"{first.message}{more}", details=details, hint=first.hint)
    if plan.unconfirmed and not allow_destructive:
        raise MigrationRefused(
            "The migration would lose data",
            details=[step.text for step in plan.unconfirmed],
            hint="Set `allowDestructive: true` on the table, or run `migrate --allow-destructive`",
        )


def _log_failure(database: Database, plan: Plan, error: SovriumError) -> None:
    def work(tx: Transaction) -> None:
        create_bookkeeping(tx, read_catalog(tx))
        record_attempt(
            tx, operation="MIGRATE", before=plan.before, after=plan.after, status="ROLLBACK", reason=error.message
        )

    try:
        database.submit_write(Call(work), cause="migration").result()
    except SovriumError:
        return  # the database cannot even take the note; the first error says why
