"""Where `migrate` does its work: in the server that runs for the app, or on the database itself when none does. Both
answer in the shapes of `core.contract.migrations`.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import click

from core.errors import Locked

if TYPE_CHECKING:
    from core.client import Client
    from core.contract.migrations import MigrationPlan, Migrations, MigrationStatus, PlanRequest, RunRequest
    from core.fields.model import AppModel
    from core.migrations.plan import Plan
    from core.migrations.run import Progress
    from core.storage.database import Database
    from sovrium_tui.process.place import Place

LOCK_PATIENCE = 60.0
"""Seconds that another command may keep the database (M-040)."""
QUIET_SECONDS = 2.0
"""Where nobody watches, work that takes no longer leaves no trace on stderr."""


class MigrationDesk(Protocol):
    """What `migrate` needs. Raises what the engine and the API raise."""

    def plan(self, request: "PlanRequest") -> "MigrationPlan":
        """What would be done."""

    def run(self, request: "RunRequest", plan: "MigrationPlan") -> int:
        """Carry out that plan, with its progress on stderr; the version that is in force then."""

    def status(self) -> "MigrationStatus":
        """File, snapshot and catalogue compared."""

    def history(self, limit: int, offset: int) -> "Migrations":
        """Versions and attempts, newest first."""


@contextmanager
def open_desk(app_file: Path, data_dir: Path, *, for_good: bool) -> Iterator[MigrationDesk]:
    """`for_good`: something may be changed; a background server that no console uses is then ended rather than asked.

    Raises:
        Locked: another command keeps the database for more than a minute.
        SchemaError: the app file is not valid.
    """
    from sovrium_tui.cli.session import attachable
    from sovrium_tui.process.discovery import STOP_PATIENCE, end, settled
    from sovrium_tui.process.place import Place

    place = Place(data_dir)
    holder = settled(place) if free(place) else None
    if holder is not None and for_good and holder.role == "background" and holder.consoles == 0:
        end(place, holder, STOP_PATIENCE)
        holder = None
    if holder is not None:
        with attached(attachable(holder, app_file)) as desk:
            yield desk
        return
    with opened(app_file, place) as desk:
        yield desk


def free(place: "Place") -> bool:
    """Wait for another command that works on the database. Raises Locked when it does not end."""
    from sovrium_tui.process.lock import PAUSE, held_by
    from sovrium_tui.process.record import read_record

    deadline, told = time.monotonic() + LOCK_PATIENCE, False
    while (record := read_record(place.record)) is not None and record.role == "command":
        if time.monotonic() > deadline:
            raise held_by(record)
        if not told:
            told = True
            click.echo(f"Waiting for `{record.command}` (process {record.pid})", err=True)
        time.sleep(PAUSE)
    return True


@contextmanager
def attached(socket: Path) -> Iterator["Attached"]:
    from core.client import Client

    with asyncio.Runner() as runner:
        client = Client(socket, timeout=600.0)
        try:
            yield Attached(client, runner)
        finally:
            runner.run(client.close())


class Attached:
    """The server's own migrations, over its socket."""

    def __init__(self, client: "Client", runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def plan(self, request: "PlanRequest") -> "MigrationPlan":
        return cast("MigrationPlan", self._ask("POST", "/api/console/migrations/plan", request))

    def run(self, request: "RunRequest", plan: "MigrationPlan") -> int:
        from sovrium_tui.cli.progress import finish

        async def work() -> int:
            body = {**request, "checksum": plan.get("checksum", "")}
            job = await self._client.request("POST", "/api/console/migrations", json=body)
            await finish(self._client, cast(Any, job))
            state = await self._client.request("GET", "/api/console/migrations/status")
            return int(cast(Any, state)["version"])

        return self._runner.run(work())

    def status(self) -> "MigrationStatus":
        return cast("MigrationStatus", self._ask("GET", "/api/console/migrations/status"))

    def history(self, limit: int, offset: int) -> "Migrations":
        return cast("Migrations", self._ask("GET", f"/api/admin/migrations?limit={limit}&offset={offset}"))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return self._runner.run(self._client.request(method, path, json=body))


def database_address(data_dir: Path) -> str:
    """The address that the server would use."""
    return os.environ.get("DATABASE_URL") or f"duckdb:///{data_dir / 'app.duckdb'}"


@contextmanager
def opened(app_file: Path, place: "Place") -> Iterator["Opened"]:
    """The database as it is, and the tables as the app file wants them."""
    from core.assembly import prepare_folders, read_model
    from core.storage.database import Settings
    from core.storage.engine import open_database
    from sovrium_tui.process.lock import DataLock
    from sovrium_tui.process.log import LogSettings, logging_to
    from sovrium_tui.server import own_record

    model = read_model(app_file)
    data_dir = place.data_dir
    record = own_record("command", app_file, "sovrium-tui migrate")
    with locked(lambda: DataLock(place, record)), logging_to(place.log, LogSettings.of(os.environ)):
        prepare_folders(data_dir)
        database = open_database(Settings(url=database_address(data_dir), exchange=str(data_dir / "exchange")))
        try:
            yield Opened(database, model)
        finally:
            database.close()  # a migration that was cancelled is undone by now


@contextmanager
def locked(make: Any) -> Iterator[None]:
    """Hold the data folder; two commands that begin at the same moment take turns. Raises Locked."""
    from sovrium_tui.process.lock import PAUSE

    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        lock = make()
        try:
            lock.__enter__()
            break
        except Locked as error:
            if time.monotonic() > deadline or "migrate" not in str(error.program or ""):
                raise
            time.sleep(PAUSE)
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


class Opened:
    """The database in this process."""

    def __init__(self, database: "Database", model: "AppModel") -> None:
        self.database = database
        self.model = model
        self._plan: Plan | None = None

    def plan(self, request: "PlanRequest") -> "MigrationPlan":
        from core.assembly import make_plan
        from core.migrations.report import plan_data

        self._plan = make_plan(self.database, self.model, request)
        return plan_data(self._plan, self.model.app.checksum)

    def run(self, request: "RunRequest", plan: "MigrationPlan") -> int:
        from core.assembly import owned_views, row_rules
        from core.migrations.deferred import build
        from core.migrations.run import run
        from core.storage.database import Cancel

        assert self._plan is not None
        cancel, line = Cancel(), Line()
        try:
            done = run(
                self.database,
                self._plan,
                owned=owned_views(),
                rules=row_rules(),
                allow_destructive=bool(request.get("allowDestructive") or request.get("force")),
                reapply=bool(request.get("reapply")),
                reason=request.get("reason"),
                actor="owner",
                app_version=self.model.app.version,
                report=line.tell,
                cancel=cancel,
            )
        except KeyboardInterrupt:
            cancel.cancel()
            raise
        finally:
            line.clear()
        build(self.database, cancel)
        return done.version

    def status(self) -> "MigrationStatus":
        from core.migrations import status
        from core.migrations.report import status_data

        return status_data(status(self.database, self.model))

    def history(self, limit: int, offset: int) -> "Migrations":
        from core.migrations import history
        from core.migrations.report import history_data
        from core.migrations.run import log

        return history_data(history(self.database), log(self.database), limit, offset)


class Line:
    """Progress on stderr: one line that changes on a terminal; elsewhere a line now and then, when it takes long."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._told = time.monotonic()

    def tell(self, how: "Progress") -> None:
        rows = f": {how.done:,} of {how.total:,} rows" if how.total else ""
        text = f"{how.text} ({how.step} of {how.steps}){rows}"
        if self._shown:
            click.echo(f"\r\x1b[K{text[:100]}", err=True, nl=False)
        elif time.monotonic() - self._told > QUIET_SECONDS:
            self._told = time.monotonic()
            click.echo(text, err=True)

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def move_to(url: str, app_file: Path, data_dir: Path, as_json: bool) -> int:
    """M-055: the data to PostgreSQL, table by table, counted and compared. No server may run meanwhile."""
    import json

    from core.assembly import name_of, own_tables, owned_views
    from core.migrations.transfer import left_behind, move, summary
    from core.storage.database import Cancel, Settings
    from core.storage.engine import open_database
    from sovrium_tui.process.place import Place

    place = Place(data_dir)
    free(place)
    with opened(app_file, place) as desk:
        target = open_database(Settings(url=url))
        cancel, shown = Cancel(), sys.stderr.isatty()

        def report(table: str, done: int, total: int) -> None:
            if shown:
                click.echo(f"\r\x1b[K{table}: {done:,} of {total:,} rows", err=True, nl=False)

        try:
            moved = move(
                desk.database,
                target,
                desk.model,
                owned=owned_views(),
                own=own_tables(),
                report=report,
                cancel=cancel,
            )
        except KeyboardInterrupt:
            cancel.cancel()
            raise
        finally:
            if shown:
                click.echo("\r\x1b[K", err=True, nl=False)
            target.close()
        left = left_behind(desk.database, moved)
    if as_json:
        tables = [{"table": each.table, "rows": each.rows, "checksum": each.checksum} for each in moved]
        click.echo(json.dumps({"moved": tables, "leftBehind": left}))
        return 0
    for each in moved:
        click.echo(f"  {each.table}: {each.rows:,} rows, {each.checksum[:12]}")
    click.echo(f"Moved {summary(moved)} to {name_of(url)}; set DATABASE_URL to that address to work there")
    if left:
        click.echo(f"left behind: {', '.join(left)}", err=True)
    return 0
