"""`migrate`: bring the database to the app file's shape, and see what was done before."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import MigrationRefused
from sovrium_tui.cli.app_file import data_dir_of, data_dir_option, find_app, take_settings

if TYPE_CHECKING:
    from core.fields.model import AppModel
    from core.migrations.plan import Plan
    from core.storage.database import Database

MARKS = {"add": "+", "change": "~", "destructive": "-"}
REPORTS = ("status", "history")


def take_words(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    """The settings beside the app file are read before the options."""
    take_settings(ctx, param, report_and_app(words)[1])
    return words


@click.command(options_metavar="[OPTIONS]")
@click.argument("words", nargs=-1, metavar="[status|history] [APP]", is_eager=True, callback=take_words)
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-destructive", is_flag=True, help="Let the migration drop tables and fields that hold data.")
@data_dir_option
def migrate(
    words: tuple[str, ...], plan_only: bool, as_json: bool, yes: bool, allow_destructive: bool, data_dir: Path | None
) -> int:
    """Bring the database of APP to the shape of the app file, all of it or nothing.

    The plan is shown first. `migrate status` compares file and database, `migrate history` lists the versions.
    """
    report, app = report_and_app(words)
    app_file = find_app(app)
    with open_database_of(app_file, data_dir_of(app_file, data_dir), for_good=not (plan_only or report)) as opened:
        database, model = opened
        if report == "status":
            return show_status(database, model, as_json)
        if report == "history":
            return show_history(database, as_json)
        return migrate_to(database, model, plan_only, as_json, yes, allow_destructive)


def report_and_app(words: tuple[str, ...]) -> tuple[str | None, Path | None]:
    """`status`, `history` or nothing, and the app file."""
    report = words[0] if words and words[0] in REPORTS and not Path(words[0]).exists() else None
    rest = words[1:] if report else words
    if len(rest) > 1:
        raise click.UsageError(f"Unexpected argument '{rest[1]}'")
    return report, Path(rest[0]) if rest else None


def database_address(data_dir: Path) -> str:
    """The address that the server would use."""
    return os.environ.get("DATABASE_URL") or f"duckdb:///{data_dir / 'app.duckdb'}"


@contextmanager
def open_database_of(app_file: Path, data_dir: Path, *, for_good: bool) -> Iterator[tuple["Database", "AppModel"]]:
    """The database as it is, and the tables as the app file wants them. A background server that no console uses is ended
    for a migration; any other holder keeps the database. Raises Locked."""
    from core.engine import prepare_folders
    from core.fields.build import build_app
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import load_app
    from core.storage.database import Settings
    from core.storage.engine import open_database
    from sovrium_tui.process.discovery import STOP_PATIENCE, end, settled
    from sovrium_tui.process.lock import DataLock
    from sovrium_tui.process.place import Place
    from sovrium_tui.server import own_record

    model = build_app(load_app(app_file, FIELD_TYPES))
    place = Place(data_dir)
    holder = settled(place)
    if holder is not None and for_good and holder.role == "background" and holder.consoles == 0:
        end(place, holder, STOP_PATIENCE)
    with DataLock(place, own_record("command", app_file, "sovrium-tui migrate")):
        prepare_folders(data_dir)
        database = open_database(Settings(url=database_address(data_dir), exchange=str(data_dir / "exchange")))
        try:
            yield database, model
        finally:
            database.close()


def migrate_to(
    database: "Database", model: "AppModel", plan_only: bool, as_json: bool, yes: bool, allow_destructive: bool
) -> int:
    from core.migrations.run import plan, run

    planned = plan(database, model)
    if not as_json:
        show_plan(planned)
    if plan_only or planned.is_empty:
        if as_json:
            click.echo(json.dumps(planned.data(), ensure_ascii=False, default=str))
        return 0
    if not yes and not as_json and not planned.refusals:
        confirm(planned, allow_destructive)
    applied = run(database, planned, allow_destructive=allow_destructive, actor="owner", app_version=model.app.version)
    if as_json:
        body = {**planned.data(), "applied": True, "seconds": round(applied.seconds, 3)}
        click.echo(json.dumps(body, ensure_ascii=False, default=str))
    else:
        click.echo(f"Version {applied.version} is in force ({applied.seconds:.1f} s)")
    return 0


def show_plan(plan: "Plan") -> None:
    if plan.is_empty:
        click.echo(f"Nothing to do: version {plan.before} is in force")
        return
    click.echo(f"Version {plan.before} → {plan.after}")
    for step in plan.steps:
        lost = "" if step.confirmed else "   loses data"
        click.echo(f"  {MARKS[step.kind]} {step.text}{lost}")
    if not plan.steps and not plan.refusals:
        click.echo("  (no change of tables)")
    for warning in plan.warnings:
        click.echo(f"warning: {warning}", err=True)


def confirm(plan: "Plan", allow_destructive: bool) -> None:
    """Ask where somebody can answer; without a terminal only what loses nothing runs unasked."""
    if plan.unconfirmed and not allow_destructive:
        return  # refused by `run`, with the way out
    if sys.stdin.isatty():
        click.confirm("Go on?", abort=True, err=True)
    elif plan.unconfirmed:
        raise MigrationRefused("The migration would lose data", hint="pass --yes as well, if that is what you want")


def show_status(database: "Database", model: "AppModel", as_json: bool) -> int:
    """0 when the database is as the file says, else 1."""
    from core.migrations.status import status

    found = status(database, model)
    good = found.is_current and not found.drift
    if as_json:
        click.echo(json.dumps({"version": found.version, "current": found.is_current, "drift": list(found.drift)}))
    else:
        state = "the app file's tables are in force" if found.is_current else "the app file has changes to apply"
        click.echo(f"Version {found.version}: {state}")
        for line in found.drift:
            click.echo(f"  {line}")
    return 0 if good else 1


def show_history(database: "Database", as_json: bool) -> int:
    from core.clock import to_iso
    from core.migrations.run import history

    versions = history(database)
    if as_json:
        listed: list[dict[str, Any]] = [
            {
                "version": each.version,
                "appliedAt": to_iso(each.applied_at),
                "appliedBy": each.applied_by,
                "durationMs": each.duration_ms,
                "rolledBackAt": to_iso(each.rolled_back_at) if each.rolled_back_at else None,
                "steps": [step.get("text") for step in each.plan],
            }
            for each in versions
        ]
        click.echo(json.dumps(listed, ensure_ascii=False))
        return 0
    for each in versions:
        undone = "  (rolled back)" if each.rolled_back_at else ""
        click.echo(
            f"{each.version:>4}  {to_iso(each.applied_at)}  {each.applied_by or 'system'}  {each.duration_ms} ms{undone}"
        )
        for step in each.plan:
            click.echo(f"      {MARKS.get(str(step.get('kind')), '~')} {step.get('text')}")
    return 0


COMMANDS = (migrate,)
