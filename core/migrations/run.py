"""Carrying out a plan: one transaction, all or nothing, with a line in the log either way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from core.errors import DeadlinePassed, MigrationRefused, SovriumError, StorageError
from core.fields.model import AppModel
from core.migrations.bookkeeping import (
    Attempt,
    Version,
    create_bookkeeping,
    mark_rolled_back,
    put_in_force,
    read_history,
    read_log,
    read_state,
    record_attempt,
    record_version,
)
from core.migrations.composer import compose, keep_days
from core.migrations.expression import Sql
from core.migrations.kept import expired
from core.migrations.layout import Layout
from core.migrations.mark import said, write_marks
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.plan import Plan, Step
from core.migrations.repair import compose_repair
from core.migrations.rollback import compose_rollback
from core.migrations.rule import NO_RULES, RowRules
from core.sentence import say
from core.storage.catalog import table_names
from core.storage.database import Call, Cancel, Database, Reader, Transaction
from core.storage.ddl import quote
from core.storage.journal import CHANGES

T = TypeVar("T")
LOCK_PATIENCE = "60s"
"""How long a second runner waits for the first (M-040)."""
ROWS_AT_A_TIME = 250_000
"""Rows that a rewrite copies between two reports: about a tenth of a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The version that is now in force, and what was done for it."""

    version: int
    steps: tuple[Step, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a migration has come: step `step` of `steps`, in words, and rows of it where they are counted."""

    step: int
    steps: int
    text: str
    done: int = 0
    total: int | None = None


Report = Callable[[Progress], None]


def plan(database: Database, model: AppModel, *, owned: OwnedViews = NO_VIEWS, rules: RowRules = NO_RULES) -> Plan:
    """What has to change for `model` to work on `database`. Changes nothing."""
    return _read(database, lambda reader: compose(reader, model, owned, rules))


def plan_rollback(
    database: Database, model: AppModel, to: int | None = None, *, force: bool = False, owned: OwnedViews = NO_VIEWS
) -> Plan:
    """What has to change to go back to version `to`, or the one before. Raises as `compose_rollback` does."""
    return _read(database, lambda reader: compose_rollback(reader, model, to, force=force, owned=owned))


def plan_repair(database: Database, model: AppModel, *, owned: OwnedViews = NO_VIEWS) -> Plan:
    """What has to be mended for the database to be as its version says."""
    return _read(database, lambda reader: compose_repair(reader, model, owned))


def run(
    database: Database,
    plan: Plan,
    *,
    owned: OwnedViews = NO_VIEWS,
    rules: RowRules = NO_RULES,
    allow_destructive: bool = False,
    reapply: bool = False,
    reason: str | None = None,
    actor: str | None = None,
    app_version: str | None = None,
    report: Report = lambda _: None,
    cancel: Cancel | None = None,
) -> Applied:
    """Carry out `plan`. `reason` goes to the log. `report` is called on the writer's thread; `cancel` ends the run with
    nothing changed.

    Raises:
        MigrationRefused: nothing was changed: old rows do not fit, data would be lost without permission, a version that
            was rolled back would come again without `reapply`, or the database is no longer as it was planned for.
        DeadlinePassed: it was cancelled; nothing was changed.
    """
    if plan.is_empty:
        return Applied(version=plan.after, steps=(), seconds=0.0)
    work = _Run(plan, owned, rules, allow_destructive, reapply, reason, app_version, report)
    try:
        done = database.submit_write(Call(work), actor=actor, cause="migration", cancel=cancel).result()
    except SovriumError as error:
        record_failure(database, plan, error, reason, actor)
        if isinstance(error, MigrationRefused | DeadlinePassed):
            raise
        message = say("The migration was rolled back: {problem}", problem=say(error.message))
        raise MigrationRefused(message, hint=error.hint or say("Nothing was changed")) from error
    return Applied(version=done.after, steps=done.steps, seconds=time.perf_counter() - work.started)


@dataclass(slots=True)
class _Run:
    """One plan at work, inside the writing transaction."""

    plan: Plan
    owned: OwnedViews
    rules: RowRules
    allow_destructive: bool
    reapply: bool
    reason: str | None
    app_version: str | None
    report: Report
    started: float = 0.0

    def __call__(self, tx: Transaction) -> Plan:
        self.started = time.perf_counter()
        _lock(tx)
        self.report(Progress(step=0, steps=len(self.plan.steps), text="Look at the rows once more"))
        fresh = self.plan.again(tx) if self.plan.again else self.plan
        if fresh.is_empty:
            return fresh  # another runner was faster
        if fresh.data() != self.plan.data():
            raise MigrationRefused("The database has changed since the plan was made", hint="Make a new plan")
        refuse(fresh, allow_destructive=self.allow_destructive, reapply=self.reapply)
        there = table_names(tx)
        create_bookkeeping(tx, there)
        self.owned.drop(tx)
        words = said(tx, self._standing(tx))
        for at, step in enumerate(fresh.steps, 1):
            self.report(Progress(step=at, steps=len(fresh.steps), text=step.text))
            for statement in step.statements:
                self._execute(tx, statement, at, step)
        broken = tuple(self.rules.refusals(tx, fresh.model, fresh.unjudged, fresh.lenient)) if fresh.unjudged else ()
        refuse(replace(fresh, refusals=broken), allow_destructive=True, reapply=True)
        write_marks(tx, fresh.state.layout, words, all_new=there <= {CHANGES.name})
        self.owned.create(tx, fresh.model)
        self._record(tx, fresh)
        return fresh

    @staticmethod
    def _standing(tx: Transaction) -> Layout:
        try:
            return read_state(tx, table_names(tx)).layout
        except MigrationRefused:
            return ()  # it was edited, and is about to be repaired

    def _execute(self, tx: Transaction, statement: Sql, at: int, step: Step) -> None:
        if statement.copies is None:
            tx.execute(statement.text, statement.parameters)
            return
        total = int(tx.scalar(f"SELECT coalesce(max(rowid) + 1, 0) FROM {quote(statement.copies)}"))
        for start in range(0, total, ROWS_AT_A_TIME):
            end = min(start + ROWS_AT_A_TIME, total)
            text = f"{statement.text} WHERE rowid >= ? AND rowid < ?"
            tx.execute(text, (*statement.parameters, start, end))
            self.report(Progress(step=at, steps=len(self.plan.steps), text=step.text, done=end, total=total))

    def _record(self, tx: Transaction, fresh: Plan) -> None:
        if fresh.operation == "ROLLBACK":
            mark_rolled_back(tx, fresh.after)
            put_in_force(tx, fresh.state)
        elif fresh.operation == "REPAIR":
            put_in_force(tx, fresh.state)
        elif fresh.before == fresh.after:
            return  # views alone
        else:
            _purge(tx, fresh)
            milliseconds = int((time.perf_counter() - self.started) * 1000)
            data = [step.data() for step in fresh.steps]
            record_version(tx, fresh.state, plan=data, duration_ms=milliseconds, app_version=self.app_version)
        record_attempt(
            tx,
            operation=fresh.operation,
            before=fresh.before,
            after=fresh.after,
            status="COMPLETED",
            reason=_who(self.reason, tx.actor),
        )


def history(database: Database) -> list[Version]:
    """All versions with their snapshots, newest first."""
    return _read(database, lambda reader: read_history(reader, table_names(reader)))


def log(database: Database) -> list[Attempt]:
    """All attempts, those that failed among them, newest first."""
    return _read(database, lambda reader: read_log(reader, table_names(reader)))


def refuse(plan: Plan, *, allow_destructive: bool, reapply: bool) -> None:
    """Raises MigrationRefused for a plan that may not be carried out like this."""
    if plan.refusals:
        first = plan.refusals[0]
        details = [line for each in plan.refusals for line in (each.message, *each.details)]
        message, more = say(first.message), len(plan.refusals) - 1
        if more:
            message = say("{first} (and {count} more)", first=message, count=more)
        raise MigrationRefused(message, details=details, hint=first.hint)
    if plan.undone is not None and not reapply:
        raise MigrationRefused(
            say("These tables are version {version}, which was rolled back", version=plan.undone),
            hint="`sovrium-tui migrate --reapply` applies them again; else change the app file",
            undone=plan.undone,
        )
    if plan.unconfirmed and not allow_destructive:
        details = [step.text for step in plan.unconfirmed]
        if plan.operation == "ROLLBACK":
            hint = say("Pass --force; what is lost is kept as copies")
            raise MigrationRefused("The rollback would lose data", details=details, hint=hint)
        hint = say("Set `allowDestructive: true` on the table, or run `migrate --allow-destructive`")
        raise MigrationRefused("The migration would lose data", details=details, hint=hint)


def _who(reason: str | None, actor: str | None) -> str | None:
    """The log has no column for who did it."""
    return f"{reason} ({actor})" if reason and actor else reason or (f"by {actor}" if actor else None)


def _purge(tx: Transaction, plan: Plan) -> None:
    """Copies that were kept long enough (M-018)."""
    there = table_names(tx)
    applied = {version.version: version.applied_at for version in read_history(tx, there)}
    for name in expired(there, applied, keep_days(plan.model), tx.time):
        tx.execute(f"DROP TABLE {quote(name)}")


def _lock(tx: Transaction) -> None:
    """A second runner waits (M-040); on DuckDB there is one writer anyway."""
    if tx.dialect == "postgresql":
        tx.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        try:
            tx.execute("SELECT pg_advisory_xact_lock(hashtext('system_migration_lock'))")
        except StorageError as error:
            raise MigrationRefused(
                "Another migration has been running for a minute", hint="Try again once it has ended"
            ) from error
        tx.execute("SET LOCAL lock_timeout = 0")


def record_failure(database: Database, plan: Plan, error: SovriumError, reason: str | None, actor: str | None) -> None:
    """A line of the log for an attempt that changed nothing (M-036, M-051), in a transaction of its own. Never raises.
    Tables that were rolled back are no attempt: every command that opens the app meets them, and none has tried anything."""
    if error.extra.get("undone") is not None:
        return
    why = f"{error.message} ({reason})" if reason else str(error.message)

    def work(tx: Transaction) -> None:
        create_bookkeeping(tx, table_names(tx))
        record_attempt(
            tx, operation=plan.operation, before=plan.before, after=plan.after, status="ROLLBACK", reason=why
        )

    try:
        database.submit_write(Call(work), actor=actor, cause="migration").result()
    except SovriumError:
        return  # the database cannot even take the note; the first error says why


def _read(database: Database, work: Callable[[Reader], T]) -> T:
    job: Call[T] = Call(work)
    return database.submit_read(job, lane="long", deadline=None).result()
