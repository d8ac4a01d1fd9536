"""`migrate`: bring the database to the app file's shape, go back, and see what was done before."""

import sys
import time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BadRequest, MigrationRefused
from sovrium_tui.cli.app_file import data_dir_of, data_dir_option, find_app, take_settings
from sovrium_tui.cli.parameter import Number
from sovrium_tui.cli.result import json_option, printable, tell_json

if TYPE_CHECKING:
    from core.contract.migrations import MigrationPlan, PlanRequest, RunRequest
    from sovrium_tui.cli.migration_desk import MigrationDesk

MARKS = {"add": "+", "change": "~", "destructive": "-"}
ACTIONS = ("status", "history", "rollback", "repair")
NO_CHANGES = 3
"""Exit status of `--expect-changes` where there is nothing to do."""


def take_words(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> tuple[str, ...]:
    """The settings beside the app file are read before the options."""
    take_settings(ctx, param, action_and_app(words)[1])
    return words


@click.command(options_metavar="[OPTIONS]")
@click.argument("words", nargs=-1, metavar="[status|history|rollback|repair] [APP]", is_eager=True, callback=take_words)
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be done, and do nothing.")
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-destructive", is_flag=True, help="Let the migration drop tables and fields that hold data.")
@click.option("--reapply", is_flag=True, help="Apply tables again that have been rolled back.")
@click.option("--expect-changes", is_flag=True, help=f"Fail with status {NO_CHANGES} when there is nothing to do.")
@click.option("--assign-ids", is_flag=True, help="Write the missing ids of tables and fields into the app file.")
@click.option("--to", help="rollback: the version [default: the one before]; else postgresql://… to move there.")
@click.option("--force", is_flag=True, help="rollback: lose what has been entered since; copies are kept.")
@click.option("--reason", help="rollback, repair: why, for the log.")
@click.option("--limit", type=Number(1, 200), default=50, show_default=True, help="history: so many versions.")
@data_dir_option
def migrate(words: tuple[str, ...], as_json: bool, data_dir: Path | None, **options: Any) -> int:
    """Bring the database to the shape of the app file.

    All of it or nothing, and the plan is shown first. `migrate status` compares file and database, `migrate history`
    lists the versions, `migrate rollback` goes back to an earlier one, `migrate repair` mends what was changed by hand. A
    server that runs for APP does the work without hanging up on anybody.
    """
    from sovrium_tui.cli.migration_desk import open_desk

    action, app = action_and_app(words)
    app_file = find_app(app)
    check_options(action, options)
    if action is None and options["to"]:
        from sovrium_tui.cli.migration_desk import move_to

        return move_to(options["to"], app_file, data_dir_of(app_file, data_dir), as_json)
    if options["assign_ids"]:
        return assign_ids(app_file, as_json)
    looks_only = bool(options["plan_only"] or action in ("status", "history"))
    with open_desk(app_file, data_dir_of(app_file, data_dir), for_good=not looks_only) as desk:
        if action == "status":
            return show_status(desk, as_json)
        if action == "history":
            return show_history(desk, as_json, options["limit"])
        return Order(desk, action, as_json, options).carry_out()


def action_and_app(words: tuple[str, ...]) -> tuple[str | None, Path | None]:
    """What to do, where it is not a migration, and the app file."""
    action = words[0] if words and words[0] in ACTIONS and not Path(words[0]).exists() else None
    rest = words[1:] if action else words
    if rest and not Path(rest[0]).exists() and (near := get_close_matches(rest[0], ACTIONS, 1)):
        raise BadRequest(f"There is no app file '{rest[0]}'", hint=f"did you mean `migrate {near[0]}`?")
    if len(rest) > 1:
        raise click.UsageError(f"Unexpected argument '{rest[1]}'")
    return action, Path(rest[0]) if rest else None


def check_options(action: str | None, options: dict[str, Any]) -> None:
    """Options that would be ignored are told."""
    if action == "rollback" and options["to"]:
        if not (options["to"].isascii() and options["to"].isdecimal() and 0 < len(options["to"]) < 10):
            raise BadRequest("--to must be the number of a version")
        options["to"] = int(options["to"])
    elif options["to"] and (action or not options["to"].startswith(("postgresql://", "postgres://"))):
        raise BadRequest("--to belongs to `migrate rollback`, or names a postgresql://… address to move to")
    if options["force"] and action != "rollback":
        raise BadRequest("--force belongs to `migrate rollback`")
    if action is not None and options["reapply"]:
        raise BadRequest("--reapply belongs to `migrate` alone")


class Order:
    """A migration, rollback or repair from its plan to its end."""

    def __init__(self, desk: "MigrationDesk", action: str | None, as_json: bool, options: dict[str, Any]) -> None:
        self.desk = desk
        self.as_json = as_json
        self.options = options
        self.request: PlanRequest = {"operation": action or "migrate"}  # type: ignore[typeddict-item]
        if options["to"]:
            self.request["to"] = options["to"]
        if options["force"]:
            self.request["force"] = True

    def carry_out(self) -> int:
        plan = self.desk.plan(self.request)
        is_empty = plan["before"] == plan["after"] and not plan["steps"]
        if not self.as_json:
            show_plan(plan, is_empty)
            if self.options["plan_only"]:
                show_refusals(plan)
        if self.options["plan_only"] or is_empty:
            if self.as_json:
                self._print(plan)
            if plan["refusals"]:
                return 1
            return NO_CHANGES if is_empty and self.options["expect_changes"] else 0
        self._confirm(plan)
        order: RunRequest = {**self.request}
        order["allowDestructive"] = self.options["allow_destructive"]
        order["reapply"] = self.options["reapply"]
        if self.options["reason"]:
            order["reason"] = self.options["reason"]
        begun = time.perf_counter()
        version = self.desk.run(order, plan)
        seconds = time.perf_counter() - begun
        if self.as_json:
            self._print({**plan, "applied": True, "seconds": round(seconds, 3)})
        else:
            click.echo(f"Version {version} is in force ({seconds:.1f} s)")
        return 0

    def _confirm(self, plan: "MigrationPlan") -> None:
        """Ask where somebody can answer; without a terminal only what loses nothing runs unasked."""
        loses = any(not step["confirmed"] for step in plan["steps"])
        if self.options["yes"] or self.as_json or plan["refusals"] or plan["undone"]:
            return  # what is refused is refused with the way out
        if loses and not (self.options["allow_destructive"] or self.options["force"]):
            return
        if sys.stdin.isatty():
            click.confirm("Go on?", abort=True, err=True)
        elif loses:
            raise MigrationRefused("The migration would lose data", hint="pass --yes as well, if that is what you want")

    def _print(self, data: Any) -> None:
        tell_json(data)


def show_plan(plan: "MigrationPlan", is_empty: bool) -> None:
    for warning in plan["warnings"]:
        click.echo(printable(f"warning: {warning}"), err=True)
    if is_empty:
        click.echo(f"Nothing to do: version {plan['before']} is in force")
        return
    click.echo(f"Version {plan['before']} → {plan['after']}")
    for step in plan["steps"]:
        lost = "" if step["confirmed"] else "   loses data"
        click.echo(printable(f"  {MARKS[step['kind']]} {step['text']}{lost}"))
    if not plan["steps"] and not plan["refusals"]:
        click.echo("  (no change of tables)")


def show_refusals(plan: "MigrationPlan") -> None:
    """Why it cannot be carried out, which the order to do so would answer."""
    for refusal in plan["refusals"]:
        click.echo(printable(f"refused: {refusal['message']}"), err=True)
        for detail in refusal["details"]:
            click.echo(printable(f"  {detail}"), err=True)
        if refusal["hint"]:
            click.echo(printable(f"  hint: {refusal['hint']}"), err=True)


def show_status(desk: "MigrationDesk", as_json: bool) -> int:
    """0 when the database is as the file says, else 1."""
    found = desk.status()
    good = found["current"] and not found["drift"]
    if as_json:
        tell_json(found)
        return 0 if good else 1
    state = "the app file's tables are in force" if found["current"] else "the app file has changes to apply"
    if found["undone"]:
        state = f"the app file's tables are version {found['undone']}, which was rolled back"
    click.echo(f"Version {found['version']}: {state}")
    for line in found["drift"]:
        click.echo(printable(f"  {line}"))
    if found["kept"]:
        click.echo(f"  kept copies of dropped data: {', '.join(found['kept'])}")
    return 0 if good else 1


def show_history(desk: "MigrationDesk", as_json: bool, limit: int) -> int:
    found = desk.history(limit, 0)
    if as_json:
        tell_json(found["migrations"])
        return 0
    for each in found["migrations"]:
        undone = f"  (rolled back {each['rolledBackAt']})" if each["rolledBackAt"] else ""
        by = each["appliedBy"] or "system"
        click.echo(f"{each['version']:>4}  {each['appliedAt']}  {by}  {each['durationMs']} ms{undone}")
        for step in each["steps"]:
            click.echo(printable(f"      {step}"))
    failed = [each for each in found["attempts"] if each["status"] != "COMPLETED"]
    for attempt in failed[:5]:
        reason = printable(attempt["reason"])
        click.echo(f"failed {attempt['at']} {attempt['operation'].lower()}: {reason}", err=True)
    return 0


def assign_ids(app_file: Path, as_json: bool) -> int:
    """M-022: what was positional becomes written, so that later renames are known as such."""
    from core.fields.registry import FIELD_TYPES
    from core.schema.edit import missing_ids, write_texts

    edited = missing_ids(app_file, FIELD_TYPES)
    if as_json:
        tell_json({"assigned": edited.count, "files": [str(path) for path in edited.texts]})
    elif edited.count:
        for line in edited.diff:
            click.echo(line)
        click.echo(f"{edited.count} ids written", err=True)
    else:
        click.echo("Every table and field has an id already")
    write_texts(edited.texts)
    return 0


COMMANDS = (migrate,)
