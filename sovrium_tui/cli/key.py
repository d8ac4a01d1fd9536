"""`key`, `secret`: secrets for programs and for servers (auth §19)."""

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from sovrium_tui.cli.account import Where, account_options, asked, counted, seconds_of, tell, tell_rows, user_of

if TYPE_CHECKING:
    from core.client import Client

KEYS = "/api/auth/api-keys"
MASTER_KEY = "/api/admin/master-key"
MASTER_COLUMNS = ("id", "state", "sealed", "proofs")
COLUMNS = ("name", "begins", "acts as", "scopes", "last used", "expires", "id")


@click.group()
def key() -> None:
    """Make, list, rotate and revoke API keys.

    Programs send a key as `Authorization: Bearer svt_…`.
    """


@key.command("create")
@click.argument("name")
@click.option("--user", "who", help="The account that it acts as.")
@click.option("--role", "roles", multiple=True, help="Or a role of its own; may be given more than once.")
@click.option("--scope", "scopes", multiple=True, help="read, write, admin, TABLE:OPERATION [default: all it may].")
@click.option("--expires", "time", metavar="TIME", help="12h, 30d [default: never].")
@account_options
def create_key(
    name: str,
    who: str | None,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    time: str | None,
    where: Where,
    as_json: bool,
) -> None:
    """Make an API key and print it. Nobody can read it again."""
    if who is None and not roles:
        raise click.UsageError("A key acts as somebody (--user) or has roles of its own (--role)")
    body: dict[str, Any] = {"name": name}
    if (seconds := seconds_of(time)) is not None:
        body["expiresIn"] = seconds
    if scopes:
        body["scopes"] = list(scopes)
    if roles:
        body["roles"] = list(roles)

    async def work(client: "Client") -> Any:
        if who is not None:
            body["userId"] = (await user_of(client, who))["id"]
        return await client.request("POST", KEYS, json=body)

    answer = asked(where, "key create", work)
    tell(answer, answer["key"], as_json=as_json)


@key.command("list")
@click.option("--user", "who", help="Those of this account.")
@account_options
def list_keys(who: str | None, where: Where, as_json: bool) -> None:
    """List API keys that work."""

    async def work(client: "Client") -> Any:
        query = f"userId={quote((await user_of(client, who))['id'], '')}" if who is not None else "all=true"
        found = await client.request("GET", f"{KEYS}?{query}")
        people = (await client.request("GET", "/api/admin/users"))["users"]
        emails.update({each["id"]: each["email"] for each in people})
        return found

    emails: dict[str, str | None] = {}
    answer = asked(where, "key list", work)
    rows = [
        (
            each["name"],
            each["prefix"],
            emails.get(each["userId"]) or each["userId"] or ", ".join(each["roles"] or ()),
            "all" if each["scopes"] is None else ", ".join(each["scopes"]),
            each["lastUsedAt"],
            each["expiresAt"],
            each["id"],
        )
        for each in answer["apiKeys"]
        if each["state"] == "live"
    ]
    tell_rows(answer, rows, COLUMNS, counted(len(rows), "key"), as_json=as_json)


@key.command("rotate")
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace", metavar="TIME", help="So long the former key holds beside the new one: 1h, 7d [default: no longer]."
)
@account_options
def rotate_key(key_id: str, grace: str | None, where: Where, as_json: bool) -> None:
    """Make a key in place of another one, and print it.

    It has the name and the rights of the other one. Nobody can read it again.
    """
    path, body = f"{KEYS}/{quote(key_id, '')}/rotate", {"grace": seconds_of(grace) or 0}
    answer = asked(where, "key rotate", lambda client: client.request("POST", path, json=body), about=f"key {key_id}")
    tell(answer, answer["key"], as_json=as_json)


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@account_options
def revoke_key(key_id: str, where: Where, as_json: bool) -> None:
    """End an API key for good."""
    path = f"{KEYS}/{quote(key_id, '')}"
    asked(where, "key revoke", lambda client: client.request("DELETE", path), about=f"key {key_id}")
    tell({"success": True}, "The key opens nothing any more", as_json=as_json)


@click.group()
def secret() -> None:
    """Make secrets; put another master key into use."""


@secret.command("generate")
def generate() -> None:
    """Print a new secret of 32 random bytes.

    It fits SOVRIUM_ENCRYPTION_KEY and AUTH_SECRET.
    """
    import base64
    import secrets

    click.echo(base64.b64encode(secrets.token_bytes(32)).decode())


@secret.command("keys")
@account_options
def master_keys(where: Where, as_json: bool) -> None:
    """List the master keys that the database needs, by their ids."""

    async def work(client: "Client") -> Any:
        return await client.request("GET", MASTER_KEY)

    answer = asked(where, "secret keys", work)
    rows = [
        (each["id"], "in use" if each["isCurrent"] else "before", str(each["sealed"]), str(each["proofs"]))
        for each in answer
    ]
    tell_rows(answer, rows, MASTER_COLUMNS, counted(len(rows), "key"), as_json=as_json, numeric="sealed proofs")


@secret.command("rotate")
@account_options
def rotate(where: Where, as_json: bool) -> None:
    """Put a new master key into use; everything sealed is sealed anew."""

    async def work(client: "Client") -> Any:
        return await client.request("POST", f"{MASTER_KEY}/rotate", json={})

    answer = asked(where, "secret rotate", work)
    sentence = f"The key {answer['id']} is in use; {counted(answer['resealed'], 'row')} sealed anew"
    tell(answer, sentence, as_json=as_json)


COMMANDS = (key, secret)
