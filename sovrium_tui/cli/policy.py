"""`policies`: which rows of a table are for whom, and what somebody may do there (auth §19)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from core.errors import NotFound
from sovrium_tui.cli.account import Where, account_options, asked, counted, tell_rows, user_of

if TYPE_CHECKING:
    from core.client import Client
    from core.contract.access import Explained, Explanation, TableRules

POLICIES = ("table", "policy", "for", "to", "as", "using", "check")
DECISIONS = ("operation", "may", "because", "says")


@click.group()
def policies() -> None:
    """List row policies, and try them."""


@policies.command("list")
@click.argument("table", required=False)
@account_options
def list_policies(table: str | None, where: Where, as_json: bool) -> None:
    """List the policies of all tables, or of one."""

    async def work(client: "Client") -> list["TableRules"]:
        tables: list[TableRules] = (await client.request("GET", "/api/access/rules"))["tables"]
        found = [each for each in tables if table in (None, each["name"], each["sqlName"])]
        if not found:
            raise NotFound
        return found

    tables = asked(where, "policies list", work, about=f"table {table}" if table else "")
    found = {each["name"]: each["rls"] for each in tables if each["rls"] is not None}
    rows = [
        (name, each["name"], each.get("for", "all"), names_of(each), each.get("as", "permissive"), *conditions(each))
        for name, rls in found.items()
        for each in rls.get("policies") or ()
    ]
    resting = [name for name, rls in found.items() if rls.get("enabled") is False]
    note = counted(len(rows), "policy", "policies")
    note += f"; at rest (enabled: false): {', '.join(resting)}" if resting else ""
    tell_rows({"tables": found}, rows, POLICIES, note, as_json=as_json)


def names_of(policy: dict[str, Any]) -> str:
    to = policy.get("to", "public")
    return to if isinstance(to, str) else ", ".join(to)


def conditions(policy: dict[str, Any]) -> tuple[str, str]:
    return policy.get("using", ""), policy.get("check", "")


@policies.command("test")
@click.argument("table")
@click.option("--as", "who", metavar="WHO", help="As this account, an address or an id.")
@click.option("--role", "roles", multiple=True, help="As somebody with this role; may be given more than once.")
@click.option("--group", "groups", multiple=True, help="In this group; may be given more than once.")
@click.option("--guest", is_flag=True, help="As a caller without a session.")
@click.option("--operation", help="Only this one; then the command fails where it is refused.")
@click.option("--field", help="Reading or writing this field.")
@click.option("--record", metavar="KEY", help="With this record: does each policy let it through?")
@account_options
def test_policies(
    table: str,
    who: str | None,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    guest: bool,
    where: Where,
    as_json: bool,
    **about: str | None,
) -> int:
    """Say what somebody may do with TABLE, and which rule says so.

    Nothing is changed.
    """
    if sum((who is not None, bool(roles or groups), guest)) > 1:
        raise click.UsageError("Ask as one of them: --as, --role and --group, or --guest")
    body: dict[str, Any] = {"table": table, **{name: value for name, value in about.items() if value is not None}}
    body |= {name: list(value) for name, value in (("roles", roles), ("groups", groups)) if value}
    if guest:
        body["guest"] = True

    async def work(client: "Client") -> "Explanation":
        if who is not None:
            user = await user_of(client, who)
            body.update(
                roles=user["role"].split(","), groups=user["groups"], user=user["id"], email=user["email"] or ""
            )
        return await client.explain(body)  # type: ignore[arg-type]

    what = f"table {table}" + (f" with a record {about['record']}" if about["record"] else "")
    found = asked(where, "policies test", work, about=what)
    closed = [f"{name}: {', '.join(found[name])}" for name in ("unreadable", "unwritable") if found[name]]
    rows = [row for each in found["decisions"] for row in lines_of(each)]
    tell_rows(found, rows, DECISIONS, "; ".join(closed), as_json=as_json)
    return 0 if about["operation"] is None or all(is_allowed(each) for each in found["decisions"]) else 1


def is_allowed(decision: "Explained") -> bool:
    return decision["allowed"] and decision.get("record", True)


def lines_of(decision: "Explained") -> Iterator[tuple[str, str, str, str]]:
    """The decision, then row rules and policies that it depends on."""
    yield decision["operation"], "yes" if is_allowed(decision) else "no", decision["because"], decision["rule"]
    if not decision["allowed"]:
        return
    for path in decision["rows"]:
        yield "", "", "rows", path
    for policy in decision.get("policies", ()):
        kind = "restrictive" if policy["restrictive"] else "policy"
        met = {True: "yes", False: "no", None: ""}[policy.get("met")]
        yield "", met, kind, f"{policy['name']}: {policy['path']}"


COMMANDS = (policies,)
