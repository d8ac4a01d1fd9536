"""`roles`: the roles of an app, and its rules for those who connect to PostgreSQL past the server (auth §19)."""

from pathlib import Path

import click

from core.errors import BadRequest
from sovrium_tui.cli.account import ADMIN, Where, account_options, asked, tell_rows
from sovrium_tui.cli.app_file import app_argument, find_app
from sovrium_tui.cli.result import deliver


@click.group()
def roles() -> None:
    """List roles; write their rules for PostgreSQL."""


@roles.command("list")
@account_options
def list_roles(where: Where, as_json: bool) -> None:
    """List roles, the highest first, with how many hold each."""
    answer = asked(where, "roles list", lambda client: client.request("GET", f"{ADMIN}/roles"))
    rows = [
        (each["name"], each["level"], each["users"], "built in" if each["builtIn"] else "", each["description"])
        for each in answer["roles"]
    ]
    names = ("role", "level", "users", "", "description")
    tell_rows(answer, rows, names, f"default: {answer['defaultRole']}", as_json=as_json, numeric="level users")


@roles.command("export-rls")
@app_argument
@click.option("--role", "wanted", multiple=True, help="Only this role, group:NAME or anon; may be repeated.")
@click.option("--schema", default="public", show_default=True, metavar="NAME", help="Where the tables are.")
@click.option("--writes", is_flag=True, help="With INSERT, UPDATE and DELETE, which pass no check of the server.")
@click.option("--undo", is_flag=True, help="The statements that take an earlier export away.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
def export_rls(
    app: Path | None, wanted: tuple[str, ...], schema: str, writes: bool, undo: bool, output: Path | None
) -> None:
    """Print the rules of APP as PostgreSQL's own row security.

    The statements make a role for each role of the app, with grants by column and policies. They are run by the owner of the
    tables. A login whose name is the address of an account then sees what that account sees in the console. What cannot be
    said is closed, and told on stderr.
    """
    app_file = find_app(app)
    from core.access.native import NativeRules
    from core.fields.build import build_app
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import load_app
    from core.schema.name import nearest

    found = load_app(app_file, FIELD_TYPES)
    if found.auth is None:
        raise BadRequest(
            f"{app_file.name} has no accounts, so nobody has a role", hint="`auth` in the app file adds them"
        )
    rules = NativeRules(build_app(found), schema, wanted or None, writes=writes)
    for name in wanted:
        if name not in rules.known:
            hint = nearest(name, rules.known) or f"there are {', '.join(rules.known)}"
            raise BadRequest(f"{app_file.name} has no role {name}", hint=hint)
    text = "\n".join(rules.undo() if undo else rules.script())
    for each in rules.unsaid:
        click.echo(f"left out: {each}", err=True)
    deliver(text, output)


COMMANDS = (roles,)
