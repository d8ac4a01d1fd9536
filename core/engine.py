"""The engine: an app file at work on its database. Opened once by the server process, used by every door."""

import asyncio
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from core.bus import IDS_KEPT, Bus
from core.clock import Clock, system_clock
from core.errors import MigrationRefused, StorageError
from core.storage.database import Call, ChangeRow, Commit, Database, Settings

if TYPE_CHECKING:
    from sqlalchemy import Table

    from core.access.grant import Grants
    from core.analytics.service import Analytics
    from core.auth.people import People
    from core.auth.service import Auth
    from core.comments.notification import Notifications
    from core.comments.service import Comments
    from core.contract.migrations import PlanRequest
    from core.fields.model import AppModel
    from core.files.service import Files
    from core.generation.service import Generated
    from core.generation.worker import Filler
    from core.history.activity import Activity
    from core.history.record_history import RecordHistory
    from core.history.retention import Retention
    from core.jobs.center import JobCenter
    from core.jobs.transfer import Transfers
    from core.migrations.deferred import IndexBuilder
    from core.migrations.lifetime import Lifetime
    from core.migrations.owned import OwnedViews
    from core.migrations.plan import Plan
    from core.migrations.rule import RowRules
    from core.records.service import Records
    from core.schema.model import App
    from core.sql.completion import Completions
    from core.sql.run import SqlRuns
    from core.views.ordered import OrderedViews
    from core.views.personal import Personal
    from core.views.schema_view import SchemaViews
    from core.webhooks.service import Webhooks
    from core.webhooks.worker import Deliveries

OURS = re.compile(r"(upload|export)_[\w-]{16}\.")
"""Files that uploads, exports and imports make in the exchange folder. Others there belong to somebody."""


@dataclass
class Engine:
    """All services of one app as its file was read. Close it to let go of the database.

    It is never changed to follow another version of the file: `successor` makes a new engine on the same database, and
    whoever holds this one, a request that is under way, goes on with the app that it began with.
    """

    app: "App"
    model: "AppModel"
    database: Database
    data_dir: Path
    bus: Bus
    clock: Clock
    records: "Records"
    sql: "SqlRuns"
    completions: "Completions"
    jobs: "JobCenter"
    database_name: str
    """What people call the database: the file's name, or `database at host`."""
    lifetimes: "Mapping[str, Lifetime]"
    """By table id, when each was made and last changed."""
    notes: tuple[str, ...] = ()
    """Things a person should know: features accepted but not run."""
    files: "Files | None" = None
    """None where no table has a field of files."""
    auth: "Auth | None" = None
    """Accounts, where the app has them."""
    schema_version: int = 1
    deliveries: "Deliveries | None" = None
    """Calls webhooks, where tables have any."""
    filler: "Filler | None" = None
    """Has fields filled by a language model, where the app has such and a provider is set."""
    indexes: "IndexBuilder | None" = None
    """Builds indexes that the last migration has left for later."""
    retention: "Retention | None" = None
    """Forgets old changes, where the app file says so."""
    analytics: "Analytics | None" = None
    """Counts visits of pages, where the app file says so."""
    _closers: list[Callable[[], object]] = field(default_factory=list)

    @cached_property
    def views(self) -> "OrderedViews":
        """Made on first use: a server without a console needs none."""
        from core.views.ordered import OrderedViews

        return OrderedViews(self.records, self.bus.publish)

    @cached_property
    def schema_views(self) -> "SchemaViews":
        """The views of the app file."""
        from core.views.schema_view import SchemaViews

        return SchemaViews(self.records)

    @cached_property
    def personal(self) -> "Personal":
        """Views and preferences that people keep for themselves."""
        from core.views.personal import Personal

        return Personal(self.records)

    @cached_property
    def grants(self) -> "Grants":
        """Access to single records that users have been given."""
        from core.access.grant import Grants

        return Grants(self.database, self.model, self.clock)

    @cached_property
    def people(self) -> "People":
        """Names of accounts."""
        from core.auth.people import People

        return People()

    @cached_property
    def history(self) -> "RecordHistory":
        """What happened to single records."""
        from core.history.record_history import RecordHistory

        return RecordHistory(self.records, self.people, kept_days=self.app.history_days, clock=self.clock)

    @cached_property
    def activity(self) -> "Activity":
        """What happened in all tables."""
        from core.history.activity import Activity

        return Activity(self.records, self.people, self.history, self.clock)

    @cached_property
    def comments(self) -> "Comments":
        """What people say about records."""
        from core.comments.judge import Pace
        from core.comments.service import Comments

        return Comments(self.records, self.people, Pace())

    @cached_property
    def notifications(self) -> "Notifications":
        """What accounts were told of comments."""
        from core.comments.notification import Notifications

        return Notifications(self.records, self.people)

    @cached_property
    def webhooks(self) -> "Webhooks":
        """What people see of webhooks."""
        from core.webhooks.service import Webhooks

        return Webhooks(self.records, self.deliveries, self.clock)

    @cached_property
    def generated(self) -> "Generated":
        """What people see of fields that a language model fills."""
        from core.generation.service import Generated

        return Generated(self.records, self.filler)

    @cached_property
    def transfers(self) -> "Transfers":
        """Made on first use, as it brings the reading of files."""
        from core.jobs.transfer import Transfers

        return Transfers(self.records, self.jobs, self.exchange, self.clock)

    @cached_property
    def exchange(self) -> Path:
        """The one folder in which the database reads and writes files."""
        return self.data_dir / "exchange"

    def successor(self, plan: "Plan", *, like: "AppModel | None" = None, **how: Any) -> "Engine":
        """The engine of another version of the app on the same database, brought to its shape by `plan`. Blocks; this
        engine goes on as it is, and stays in force when an error is raised. Hand the doors to the new one, then `retire`
        this one. `how` are the options of `migrations.run.run`; `like` is the app as its file is, where the plan leads to
        tables that the file does not say.

        Raises:
            MigrationRefused: the migration would lose data or does not fit.
            DeadlinePassed: it was cancelled.
            StorageError: it cannot be carried out.
        """
        from core.migrations.run import run

        how = {"actor": "system", "app_version": plan.model.app.version, **how}
        run(self.database, plan, owned=owned_views(), rules=row_rules(), **how)
        model = plan.model
        if like is not None and model is not like:
            app = replace(model.app, source=like.app.source, files=like.app.files)
            model = replace(model, app=replace(app, version=like.app.version, description=like.app.description))
        return assemble(model, self.database, self.data_dir, self.database_name, self.clock, before=self)

    async def retire(self, successor: "Engine") -> None:
        """Give what goes on, jobs and SQL runs among it, to the successor. On the event loop, once the doors lead there."""
        self._closers.clear()
        upkeep = self.auth.upkeep if self.auth is not None else None
        for worker in (self.retention, self.deliveries, self.filler, self.indexes, upkeep):
            if worker is not None:
                await asyncio.to_thread(worker.stop)
        if self.auth is not None and successor.auth is None:
            await asyncio.to_thread(self.auth.close)
        if self.analytics is not None and successor.analytics is None:
            await asyncio.to_thread(self.analytics.stop)
        self.sql.follow(successor.model, successor.records)
        self.completions.forget()
        if "views" in self.__dict__:
            await self.views.close_all()

    def close(self) -> None:
        """Stop jobs and SQL runs, finish queued writes, let go of the database. Idempotent; any thread."""
        closers, self._closers = self._closers, []
        for worker in (self.retention, self.deliveries, self.filler, self.indexes, self.analytics):
            if worker is not None:
                worker.stop()
        if closers and "views" in self.__dict__:
            self.views.stop()
        if self.auth is not None:
            self.auth.close()
        for close in closers:
            close()


def open_engine(
    app_file: Path,
    data_dir: Path,
    *,
    database_url: str | None = None,
    migrate: Literal["auto", "refuse"] = "auto",
    allow_destructive: bool = False,
    accept_lost_log: bool = False,
    clock: Clock = system_clock,
) -> Engine:
    """Load the app, open its database, bring the tables to the app's shape, start the services.

    `database_url`: a `postgresql://…` or `duckdb:///…` address; else `DATABASE_URL`; else `<data_dir>/app.duckdb`.
    `migrate="refuse"` opens a database only if it has the app's shape already. `accept_lost_log`: see `Settings`.

    Raises:
        SchemaError: the app file is not valid.
        MigrationRefused: a migration would lose data, does not fit, or is not wanted.
        StorageError: the database or its folder cannot be used (Locked, Damaged, DiskFull among them).
    """
    from core.storage.engine import open_database

    model = read_model(app_file)
    prepare_folders(data_dir)
    url = database_url or os.environ.get("DATABASE_URL") or f"duckdb:///{data_dir.absolute() / 'app.duckdb'}"
    settings = Settings(url=url, exchange=str(data_dir.absolute() / "exchange"), accept_lost_log=accept_lost_log)
    database = open_database(settings, clock=clock)
    try:
        migrate_tables(database, model, migrate, allow_destructive)
        return assemble(model, database, data_dir.absolute(), name_of(url), clock)
    except BaseException:
        database.close()
        raise


def migrate_tables(
    database: Database, model: "AppModel", migrate: Literal["auto", "refuse"], allow_destructive: bool
) -> None:
    """Bring the tables to the shape of the model, or refuse to."""
    from core.migrations.run import plan, run

    owned = owned_views()
    steps = plan(database, model, owned=owned, rules=row_rules())
    if steps.is_empty:
        return
    if migrate == "refuse":
        raise MigrationRefused(
            "The database does not have the shape of the app file",
            details=[step.text for step in steps.steps],
            hint="Run `sovrium-tui migrate`",
        )
    run(
        database,
        steps,
        owned=owned,
        rules=row_rules(),
        allow_destructive=allow_destructive,
        actor="system",
        app_version=model.app.version,
    )


def make_plan(database: Database, model: "AppModel", request: "PlanRequest") -> "Plan":
    """What a request for a migration, a rollback or a repair would do. `model` is the app as its file is. Blocks.

    Raises BadRequest (an unknown version) and MigrationRefused (the bookkeeping was edited)."""
    from core.migrations.run import plan, plan_repair, plan_rollback

    owned = owned_views()
    match request.get("operation", "migrate"):
        case "rollback":
            force = bool(request.get("force"))
            return plan_rollback(database, model, request.get("to"), force=force, owned=owned)
        case "repair":
            return plan_repair(database, model, owned=owned)
        case _:
            return plan(database, model, owned=owned, rules=row_rules())


def row_rules() -> "RowRules":
    """What a migration asks of rows before new rules are in force."""
    from core.records.stored_rule import StoredRules

    return StoredRules()


def owned_views() -> "OwnedViews":
    """All views that the program keeps in a database, in the order in which they are made."""
    from core.history.log_view import LogView
    from core.migrations.owned import OwnedViewGroup
    from core.query.computed_view import ComputedViews
    from core.views.database_view import SchemaDatabaseViews

    return OwnedViewGroup([ComputedViews(), LogView(), SchemaDatabaseViews()])


def own_tables() -> "list[Table]":
    """The tables that services keep beside the app's, to be moved with them."""
    from core.access.grant import GRANTS
    from core.analytics.store import VISITS
    from core.audit.log import AUDIT
    from core.auth.store import TABLES
    from core.files.ledger import FILES, USES
    from core.generation.store import FILLS
    from core.messaging.pace import TEXTS
    from core.messaging.queue import OUTBOX
    from core.views.personal import PREFERENCES, VIEWS

    return [*TABLES, AUDIT, OUTBOX, TEXTS, FILES, USES, GRANTS, VIEWS, PREFERENCES, VISITS, FILLS]


def personal_tables() -> "tuple[Table, ...]":
    """The tables with rows of one person, whose id is in `user_id`, which go with the account."""
    from core.access.grant import GRANTS
    from core.comments.store import NOTIFICATIONS, READS
    from core.views.personal import PREFERENCES, VIEWS

    return (GRANTS, NOTIFICATIONS, READS, PREFERENCES, VIEWS)


def read_model(app_file: Path) -> "AppModel":
    """The app of a file, ready for work. Raises SchemaError."""
    from core.fields.build import build_app
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import load_app

    return build_app(load_app(app_file, FIELD_TYPES))


def assemble(
    model: "AppModel", database: Database, data_dir: Path, name: str, clock: Clock, *, before: Engine | None = None
) -> Engine:
    """The services over an open database whose tables stand. What belongs to the database rather than to one version of
    the app (events, jobs, SQL runs, the completion index) is taken over from the engine `before`."""
    from core.analytics.service import open_analytics
    from core.comments.store import Forget
    from core.generation.store import Forget as ForgetFills
    from core.history.retention import Retention
    from core.jobs.center import JobCenter
    from core.migrations.bookkeeping import version_in_force
    from core.migrations.deferred import IndexBuilder, waiting
    from core.migrations.lifetime import lifetimes
    from core.migrations.run import history
    from core.records.service import Records
    from core.sql.completion import Completions
    from core.sql.run import SqlRuns

    files = before.files if before and before.files else open_files(model, database, data_dir, clock)
    versions = history(database)
    bus = before.bus if before else Bus()
    completions = before.completions if before else Completions(database)
    sql = before.sql if before else SqlRuns(database, model, completions.forget)
    jobs = before.jobs if before else JobCenter(bus, clock)
    engine = Engine(
        app=model.app,
        model=model,
        database=database,
        data_dir=data_dir,
        bus=bus,
        clock=clock,
        records=Records(database, model, clock=clock),
        sql=sql,
        completions=completions,
        jobs=jobs,
        database_name=name,
        lifetimes=lifetimes(versions),
        notes=tuple(f"{key}: accepted, not run" for key in model.app.later),
        files=files,
        auth=start_auth(model.app, database, data_dir, clock, before),
        schema_version=version_in_force(versions),
        retention=Retention(database, model.app.history_days, clock) if model.app.history_days else None,
    )
    engine.records.files = files
    engine.records.when_removed(Forget())
    engine.records.when_removed(ForgetFills())
    if before is None:
        sql.follow(model, engine.records)
    if waiting(database):
        engine.indexes = IndexBuilder(database)
    engine.deliveries = start_deliveries(engine)
    engine.filler = start_filler(engine)
    engine.analytics = open_analytics(model.app, database, clock, before.analytics if before else None)
    if before is not None:
        engine._closers += before._closers
    else:
        stop_listening = database.listen(lambda commit: announce(commit, bus))
        engine._closers += [jobs.close, sql.close, stop_listening, database.close]
    if files is not None and (before is None or before.files is None):
        engine._closers[:0] = [database.listen(files.heard), files.close]
    return engine


def start_auth(app: "App", database: Database, data_dir: Path, clock: Clock, before: Engine | None) -> "Auth | None":
    """The accounts of an app that has some."""
    if app.auth is None:
        return None
    from core.auth.service import open_auth

    earlier = before.auth if before is not None else None
    return open_auth(app, database, data_dir, clock, before=earlier, personal=personal_tables())


def open_files(model: "AppModel", database: Database, data_dir: Path, clock: Clock) -> "Files | None":
    """The keeping of files, where a table has a field for them."""
    from core.fields.attachment import AttachmentField

    if not any(isinstance(field, AttachmentField) for table in model.tables for field in table.fields.values()):
        return None
    from core.files.ledger import ensure_ledger
    from core.files.service import Files
    from core.files.store import LocalFiles

    database.submit_write(Call(ensure_ledger)).result()
    files = Files(LocalFiles(data_dir / "files"), database, clock)
    files.begin()
    return files


def start_deliveries(engine: Engine) -> "Deliveries | None":
    """The worker of the app's webhooks. Without any, what changes is not kept for them."""
    from core.schema.environment import environment
    from core.storage.follower import forget_position
    from core.webhooks.store import POSITION
    from core.webhooks.worker import Deliveries

    if not any(table.spec.webhooks for table in engine.model):
        forget_position(engine.database, POSITION)
        return None
    worker = Deliveries(
        engine.database,
        engine.model,
        engine.records.writable,
        private=engine.app.private_hosts,
        environ=environment(engine.app.source.absolute() if engine.app.source else None),
        clock=engine.clock,
    )
    worker.start()
    return worker


def start_filler(engine: Engine) -> "Filler | None":
    """The worker of the fields that a language model fills. Without any, or without a provider, what changes is not kept
    for it, and a value that stands is taken to be somebody's own. Raises BadRequest for what is wrong with the provider."""
    from core.generation.setting import note, read_settings
    from core.generation.store import FILLS, POSITION
    from core.schema.environment import environment
    from core.storage.follower import forget_position

    is_wanted = any(table.generated for table in engine.model)
    environ = environment(engine.app.source.absolute() if engine.app.source else None) if is_wanted else {}
    settings = read_settings(environ)
    if settings is None:
        forget_position(engine.database, POSITION, FILLS)
        if is_wanted:
            engine.notes += (note(environ),)
        return None
    from core.generation.model import Model
    from core.generation.worker import Filler

    def told(table: str, records: Sequence[str]) -> None:
        changes = tuple(ChangeRow(table=table, record=record, operation="update") for record in records)
        announce(Commit(transaction=0, sequence=0, time=engine.clock(), actor="system", changes=changes), engine.bus)

    worker = Filler(engine.records, Model(settings), clock=engine.clock, told=told)
    worker.start()
    return worker


def prepare_folders(data_dir: Path) -> None:
    """The data folder with `run/` and `exchange/`, closed to others; what an earlier process left in `exchange` goes.

    Raises:
        StorageError: the folder cannot be made or written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(data_dir.stat().st_mode) & 0o077:
            # A mounted one may be somebody else's; what we write there is closed by itself.
            with suppress(PermissionError):
                data_dir.chmod(0o700)
        for folder in (data_dir / "run", data_dir / "exchange"):
            folder.mkdir(mode=0o700, exist_ok=True)
            if stat.S_IMODE(folder.stat().st_mode) != 0o700:
                folder.chmod(0o700)
        for left in (data_dir / "exchange").iterdir():
            if OURS.match(left.name) and left.is_file():
                left.unlink()
    except OSError as error:
        raise StorageError(
            f"Cannot use the data folder {data_dir}: {error.strerror}", hint="choose another with --data-dir"
        ) from error


def announce(commit: Commit, bus: Bus) -> None:
    """Tell the consoles what a commit has changed. On the writer's thread."""
    if not bus.has_listeners:
        return
    by_kind: dict[tuple[str, str], list[str]] = {}
    for change in commit.changes:
        by_kind.setdefault((change.table, change.operation), []).append(change.record)
    for (table, operation), ids in by_kind.items():
        bus.publish(
            {
                "kind": "change",
                "table": table,
                "operation": operation,
                "ids": ids[:IDS_KEPT],
                "count": len(ids),
                "sequence": commit.sequence,
                "actor": commit.actor,
            },
            commit,
        )


def name_of(url: str) -> str:
    """What people call the database at that address; never its password."""
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    if parts.scheme.startswith("duckdb"):
        return "memory" if name == ":memory:" else name
    return f"{name} at {parts.hostname or 'this machine'}"
