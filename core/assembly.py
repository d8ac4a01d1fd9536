"""An engine put together: an app file is read, its database opened and brought to shape, its services started."""

import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from core.bus import Bus, announce
from core.clock import Clock, system_clock
from core.engine import Engine
from core.errors import MigrationRefused, StorageError
from core.sentence import say
from core.storage.database import Call, ChangeRow, Commit, Database, Settings

if TYPE_CHECKING:
    from sqlalchemy import Table

    from core.auth.service import Auth
    from core.contract.migrations import PlanRequest
    from core.fields.model import AppModel
    from core.files.service import Files
    from core.generation.worker import Filler
    from core.migrations.owned import OwnedViews
    from core.migrations.plan import Plan
    from core.migrations.rule import RowRules
    from core.schema.model import App
    from core.webhooks.worker import Deliveries

OURS = re.compile(r"(upload|refused|export|backup)_[\w-]{16}\.")
"""Files that uploads, imports, exports and backups make in the exchange folder. Others there belong to somebody."""


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


def succeed(engine: Engine, plan: "Plan", *, like: "AppModel | None" = None, **how: Any) -> Engine:
    """The engine of another version of the app on the same database, brought to its shape by `plan`. Blocks; the engine
    before goes on as it is, and stays in force when an error is raised. Hand the doors to the new one, then `retire` the old
    one. `how` are the options of `migrations.run.run`; `like` is the app as its file is, where the plan leads to tables that
    the file does not say.

    Raises:
        MigrationRefused: the migration would lose data or does not fit.
        DeadlinePassed: it was cancelled.
        StorageError: it cannot be carried out.
    """
    from core.migrations.run import run

    how = {"actor": "system", "app_version": plan.model.app.version, **how}
    run(engine.database, plan, owned=owned_views(), rules=row_rules(), **how)
    model = plan.model
    if like is not None and model is not like:
        app = replace(model.app, source=like.app.source, files=like.app.files)
        model = replace(model, app=replace(app, version=like.app.version, description=like.app.description))
    return assemble(model, engine.database, engine.data_dir, engine.database_name, engine.clock, before=engine)


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
        notes=tuple(say("{key}: accepted, not run", key=key) for key in model.app.later),
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
        engine.records.leave_unfilled()
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


def name_of(url: str) -> str:
    """What people call the database at that address; never its password."""
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    if parts.scheme.startswith("duckdb"):
        return "memory" if name == ":memory:" else name
    return f"{name} at {parts.hostname or 'this machine'}"
