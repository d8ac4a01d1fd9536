"""`user`, `admin`, `groups`: people of an app (auth §19)."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from core.errors import BadRequest, SovriumError
from sovrium_tui.cli.account import (
    ADMIN,
    Where,
    account_options,
    act,
    asked,
    confirmed,
    counted,
    password,
    password_option,
    seconds_of,
    tell,
    tell_rows,
    user_of,
)
from sovrium_tui.cli.parameter import Number

if TYPE_CHECKING:
    from core.client import Client

USERS = ("email", "name", "role", "state", "signed in", "id")
SESSIONS = ("session", "device", "address", "last seen", "expires")


def state_of(user: dict[str, Any]) -> str:
    """In a word or two what keeps somebody out."""
    states = {
        "banned": user["banned"],
        "deleted": user["deletedAt"],
        "locked": user["lockedUntil"],
        "invited": user["invitedAt"] and not user["lastSignInAt"],
        "unverified": not user["emailVerified"],
    }
    return ", ".join(name for name, holds in states.items() if holds)


@click.group()
def user() -> None:
    """List, invite, change and ban people.

    WHO is an address or an id.
    """


@user.command("list")
@click.option("--search", default="", metavar="TEXT", help="Only those whose name or address holds it.")
@click.option("--role", default="", help="Only those with this role.")
@click.option("--limit", type=Number(1), default=1000, show_default=True, help="At most so many.")
@account_options
def list_users(search: str, role: str, limit: int, where: Where, as_json: bool) -> None:
    """List accounts."""

    async def work(client: "Client") -> dict[str, Any]:
        found: list[Any] = []
        total = 1
        while len(found) < min(total, limit):
            query = {"limit": min(100, limit - len(found)), "offset": len(found), "sortBy": "email"}
            extra = {"searchValue": search} if search else {}
            extra |= {"filterField": "role", "filterValue": role} if role else {}
            page = await client.request("GET", f"{ADMIN}/list-users?{urlencode(query | extra)}")
            total = page["total"]
            if not page["users"]:
                break
            found += page["users"]
        return {"users": found, "total": total if found else 0}

    answer = asked(where, "user list", work)
    rows = [
        (each["email"], each["name"], each["role"], state_of(each), each["lastSignInAt"], each["id"])
        for each in answer["users"]
    ]
    tell_rows(answer, rows, USERS, counted(answer["total"], "account"), as_json=as_json)


@user.command()
@click.argument("who")
@account_options
def show(who: str, where: Where, as_json: bool) -> None:
    """Show one account with its groups, factors and rights."""
    found = asked(where, "user show", lambda client: user_of(client, who))
    shown = {
        "name": found["name"],
        "email": found["email"],
        "id": found["id"],
        "role": found["role"],
        "groups": ", ".join(found["groups"]),
        "state": state_of(found),
        "signs in by": ", ".join(each["provider"] for each in found["identities"]),
        "factors": ", ".join(each["type"] for each in found["factors"] if each["verified"]),
        **{f"may in {table}": ", ".join(operations) for table, operations in found["permissions"].items()},
    }
    tell_rows(found, [(name, value) for name, value in shown.items() if value], ("what", "value"), "", as_json=as_json)


@user.command()
@click.argument("email")
@click.option("--name", default="", help="How the person is called.")
@click.option("--role", multiple=True, help="A role; may be given more than once [default: the app's].")
@click.option("--verified", is_flag=True, help="Take the address for proven.")
@password_option
@account_options
def create(
    email: str,
    name: str,
    role: tuple[str, ...],
    verified: bool,
    password_stdin: bool,
    where: Where,
    as_json: bool,
) -> None:
    """Make an account with a password."""
    chosen = password(from_stdin=password_stdin)
    body = _new(email, name, role) | {"password": chosen, "data": {"emailVerified": verified}}
    answer = asked(where, "user create", lambda client: client.request("POST", f"{ADMIN}/create-user", json=body))
    tell(answer, f"{answer['user']['email']} is there as {answer['user']['role']}", as_json=as_json)


@user.command()
@click.argument("email")
@click.option("--name", default="", help="How the person is called.")
@click.option("--role", multiple=True, help="A role; may be given more than once [default: the app's].")
@click.option("--print-link", is_flag=True, help="Print the link as well, where no mail server is set.")
@account_options
def invite(
    email: str,
    name: str,
    role: tuple[str, ...],
    print_link: bool,
    where: Where,
    as_json: bool,
) -> None:
    """Invite somebody by mail, who then chooses a password."""

    async def work(client: "Client") -> dict[str, Any]:
        answer: dict[str, Any] = await client.request("POST", f"{ADMIN}/invite-user", json=_new(email, name, role))
        if print_link:
            answer["link"] = await _link(client, answer["mailId"])
        return answer

    answer = asked(where, "user invite", work)
    tell(answer, f"{answer['user']['email']} is invited", as_json=as_json)
    if print_link and not as_json:
        click.echo(answer["link"])


async def _link(client: "Client", mail: str) -> str:
    """The link of a mail that nothing real sends. Raises BadRequest."""
    try:
        found = await client.request("GET", f"/api/admin/outbox/{quote(mail, '')}")
    except SovriumError as error:
        if error.status != 404:
            raise
        found = {"content": None}
    link = re.search(r"https?://\S+/accept-invitation\?\S+", (found["content"] or {}).get("text", ""))
    if link is None:
        raise BadRequest("The mail is on its way, and its link is for who gets it", hint="leave out --print-link")
    return link[0]


def _new(email: str, name: str, roles: tuple[str, ...]) -> dict[str, Any]:
    return {"email": email, "name": name, **({"role": list(roles)} if roles else {})}


@user.command()
@click.argument("who")
@click.argument("roles", nargs=-1, required=True)
@account_options
def role(who: str, roles: tuple[str, ...], where: Where, as_json: bool) -> None:
    """Give an account these roles in place of the ones it has.

    The first one is the primary one.
    """
    answer = asked(where, "user role", lambda client: act(client, who, "set-role", role=list(roles)))
    tell(answer, f"{answer['email']} is {answer['user']['role']}", as_json=as_json)


@user.command()
@click.argument("who")
@click.option("--reason", help="Told to the person.")
@click.option("--for", "time", metavar="TIME", help="30m, 12h, 30d [default: for good].")
@account_options
def ban(who: str, reason: str | None, time: str | None, where: Where, as_json: bool) -> None:
    """Let somebody in no more, and end their sessions."""
    body = {"banReason": reason, "banExpiresIn": seconds_of(time)}
    answer = asked(where, "user ban", lambda client: act(client, who, "ban-user", **body))
    tell(answer, f"{answer['email']} is banned", as_json=as_json)


@user.command()
@click.argument("who")
@account_options
def unban(who: str, where: Where, as_json: bool) -> None:
    """Let somebody in again."""
    answer = asked(where, "user unban", lambda client: act(client, who, "unban-user"))
    tell(answer, f"{answer['email']} may come in again", as_json=as_json)


@user.command()
@click.argument("who")
@account_options
def unlock(who: str, where: Where, as_json: bool) -> None:
    """Let somebody sign in again after too many wrong passwords."""
    answer = asked(where, "user unlock", lambda client: act(client, who, "unlock-user"))
    tell(answer, f"{answer['email']} may try the password again", as_json=as_json)


@user.command()
@click.argument("who")
@account_options
def verify(who: str, where: Where, as_json: bool) -> None:
    """Take an address for proven."""
    answer = asked(where, "user verify", lambda client: act(client, who, "verify-user-email"))
    tell(answer, f"{answer['email']} is verified", as_json=as_json)


@user.command()
@click.argument("who")
@click.option("--name", help="Another name.")
@click.option("--email", help="Another address.")
@click.option("--phone", help="Another number.")
@account_options
def update(who: str, where: Where, as_json: bool, **data: str | None) -> None:
    """Change the name, the address or the number of an account."""
    given = {name: value for name, value in data.items() if value is not None}
    if not given:
        raise click.UsageError("Say what is to change: --name, --email or --phone")
    answer = asked(where, "user update", lambda client: act(client, who, "update-user", data=given))
    tell(answer, f"{answer['user']['email']} is changed", as_json=as_json)


@user.command("set-password")
@click.argument("who")
@click.option("--must-change", is_flag=True, help="The person chooses another one before anything else.")
@password_option
@account_options
def set_password(who: str, must_change: bool, password_stdin: bool, where: Where, as_json: bool) -> None:
    """Choose the password of somebody, and end their sessions."""
    body = {"newPassword": password(from_stdin=password_stdin), "mustChange": must_change}
    answer = asked(where, "user set-password", lambda client: act(client, who, "set-user-password", **body))
    tell(answer, f"{answer['email']} has another password", as_json=as_json)


@user.command()
@click.argument("who")
@click.option("--factor", is_flag=True, help="Take the second factor away instead, and end all sessions.")
@account_options
def reset(who: str, factor: bool, where: Where, as_json: bool) -> None:
    """Send somebody the link to choose a new password."""

    async def work(client: "Client") -> dict[str, Any]:
        found = await user_of(client, who)
        if factor:
            await client.request("POST", f"{ADMIN}/reset-two-factor", json={"userId": found["id"]})
        else:
            await client.request("POST", "/api/auth/request-password-reset", json={"email": found["email"] or ""})
        return {"email": found["email"]}

    answer = asked(where, "user reset", work)
    what = "has no second factor any more" if factor else "gets a mail with a link"
    tell(answer, f"{answer['email']} {what}", as_json=as_json)


@user.command()
@click.argument("who")
@click.option("--soft", is_flag=True, help="In thirty days; until then it can be kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_options
def delete(who: str, soft: bool, yes: bool, where: Where, as_json: bool) -> None:
    """Remove an account with all that is kept for it."""
    confirmed(f"Remove {who}?", yes=yes)
    answer = asked(where, "user delete", lambda client: act(client, who, "remove-user", softDelete=soft))
    tell(answer, f"{answer['email']} is removed" + (" in thirty days" if soft else ""), as_json=as_json)


@user.command()
@click.argument("who", required=False)
@account_options
def sessions(who: str | None, where: Where, as_json: bool) -> None:
    """List the live sessions of an account, or of everybody."""

    async def work(client: "Client") -> dict[str, Any]:
        if who is None:
            everybody: dict[str, Any] = await client.request("GET", "/api/admin/sessions?limit=100")
            return everybody
        found = await user_of(client, who)
        own: dict[str, Any] = await client.request("POST", f"{ADMIN}/list-user-sessions", json={"userId": found["id"]})
        return own

    answer = asked(where, "user sessions", work)
    rows = [
        (each["id"], each["device"], each["ipAddress"], each["lastSeenAt"], each["expiresAt"])
        for each in answer["sessions"]
    ]
    tell_rows(answer, rows, SESSIONS, counted(len(rows), "session"), as_json=as_json)


@user.command()
@click.argument("who", required=False)
@click.option("--session", "handles", multiple=True, help="This session alone; may be given more than once.")
@account_options
def revoke(who: str | None, handles: tuple[str, ...], where: Where, as_json: bool) -> None:
    """End all sessions of an account, or single ones."""
    if (who is None) == (not handles):
        raise BadRequest("Name an account, or sessions with --session")

    async def work(client: "Client") -> Any:
        if who is not None:
            return await act(client, who, "revoke-user-sessions")
        return await client.request("POST", f"{ADMIN}/revoke-user-session", json={"sessionTokens": list(handles)})

    answer = asked(where, "user revoke", work)
    tell(answer, f"{counted(answer['revoked'], 'session')} ended", as_json=as_json)


@user.command()
@click.argument("who")
@account_options
def impersonate(who: str, where: Where, as_json: bool) -> None:
    """Begin a session as somebody else, and print its token."""
    answer = asked(where, "user impersonate", lambda client: act(client, who, "impersonate-user"))
    tell(answer, answer["token"], as_json=as_json)


@user.command()
@click.argument("who")
@click.argument("permissions", nargs=-1, required=True, metavar="TABLE:OPERATION...")
@account_options
def may(who: str, permissions: tuple[str, ...], where: Where, as_json: bool) -> int:
    """Say whether somebody may do that; fails when not."""
    asked_for: dict[str, list[str]] = {}
    for each in permissions:
        table, colon, operation = each.rpartition(":")
        if not (table and colon and operation):
            raise BadRequest(f"{each!r}: TABLE:OPERATION is expected")
        asked_for.setdefault(table, []).append(operation)
    answer = asked(where, "user may", lambda client: act(client, who, "has-permission", permissions=asked_for))
    tell(answer, "yes" if answer["success"] else answer["error"], as_json=as_json)
    return 0 if answer["success"] else 1


@user.command()
@click.option("--period", type=click.Choice(["24h", "7d", "30d"]), default="7d", show_default=True)
@account_options
def overview(period: str, where: Where, as_json: bool) -> None:
    """Count accounts, and who has come and signed in over time."""
    path = f"/api/admin/users/overview?period={period}"
    answer = asked(where, "user overview", lambda client: client.request("GET", path))
    points = answer["series"]["points"]
    rows = [(each["timestamp"], each["signups"], each["sessions_started"]) for each in points]
    note = counted(answer["totals"]["users"], "account")
    tell_rows(answer, rows, ("since", "new", "sessions"), note, as_json=as_json, numeric="new sessions")


@click.group()
def admin() -> None:
    """Make administrators."""


@admin.command("create")
@click.argument("email")
@click.option("--name", default="", help="How the person is called.")
@click.option("--if-none", is_flag=True, help="Do nothing where there is an administrator already.")
@password_option
@account_options
def create_admin(
    email: str,
    name: str,
    if_none: bool,
    password_stdin: bool,
    where: Where,
    as_json: bool,
) -> None:
    """Make an administrator."""

    async def has_admin(client: "Client") -> bool:
        found = await client.request("GET", f"{ADMIN}/list-users?filterField=role&filterValue=admin&limit=1")
        return bool(found["total"])

    if if_none and asked(where, "admin create", has_admin):
        tell({"created": False}, "There is an administrator already", as_json=as_json)
        return
    chosen = password(from_stdin=password_stdin)
    body = {"email": email, "name": name, "password": chosen, "role": "admin", "data": {"emailVerified": True}}
    answer = asked(where, "admin create", lambda client: client.request("POST", f"{ADMIN}/create-user", json=body))
    tell(answer, f"{answer['user']['email']} is there as admin", as_json=as_json)


@click.group()
def groups() -> None:
    """List groups and who is in them; add and remove people."""


@groups.command("list")
@account_options
def list_groups(where: Where, as_json: bool) -> None:
    """List groups with how many are in each."""
    answer = asked(where, "groups list", lambda client: client.request("GET", f"{ADMIN}/groups"))
    rows = [(each["name"], each["members"], each["maxMembers"], each["description"]) for each in answer["groups"]]
    names = ("group", "members", "most", "description")
    tell_rows(answer, rows, names, counted(len(rows), "group"), as_json=as_json, numeric="members most")


@groups.command()
@click.argument("group")
@account_options
def members(group: str, where: Where, as_json: bool) -> None:
    """List who is in a group."""
    path = f"{ADMIN}/groups/{quote(group, '')}/members"
    answer = asked(where, "groups members", lambda client: client.request("GET", path), about=f"group {group}")
    rows = [(each["email"], each["name"], each["id"]) for each in answer["members"]]
    tell_rows(answer, rows, ("email", "name", "id"), counted(len(rows), "member"), as_json=as_json)


@groups.command()
@click.argument("group")
@click.argument("who")
@account_options
def add(group: str, who: str, where: Where, as_json: bool) -> None:
    """Put somebody into a group."""
    path = f"groups/{quote(group, '')}/members"
    answer = asked(where, "groups add", lambda client: act(client, who, path), about=f"group {group}")
    tell(answer, f"{answer['email']} is in {group}", as_json=as_json)


@groups.command()
@click.argument("group")
@click.argument("who")
@account_options
def remove(group: str, who: str, where: Where, as_json: bool) -> None:
    """Take somebody out of a group."""

    async def work(client: "Client") -> dict[str, Any]:
        found = await user_of(client, who)
        await client.request("DELETE", f"{ADMIN}/groups/{quote(group, '')}/members/{quote(found['id'], '')}")
        return {"email": found["email"]}

    answer = asked(where, "groups remove", work, about=f"member {who} of {group}")
    tell(answer, f"{answer['email']} is out of {group}", as_json=as_json)


COMMANDS = (user, admin, groups)
