"""`login`, `logout`, `whoami`: the one session that is kept for a server, which the console uses as well (auth §19)."""

import sys
from typing import TYPE_CHECKING

import click

from core.errors import BadRequest, NotSignedIn, SovriumError
from sovrium_tui.cli.account import Where, asked, password, password_option, server_argument, tell, typed
from sovrium_tui.cli.app_file import find_app

if TYPE_CHECKING:
    from core.client import Client
    from core.contract.access import WhoAmI
    from sovrium_tui.credential import ServerKeeper

NO_ACCOUNTS = "way to sign in there: the app has no accounts, or none with a password"


@click.command()
@click.option("--email", metavar="ADDRESS", help="Whose account [default: asked for].")
@password_option
@server_argument
def login(email: str | None, password_stdin: bool, where: Where, as_json: bool) -> None:
    """Sign in to a server, or to an app here.

    The session is kept in the keyring of the OS, or where there is none in a file for you alone. `connect` goes on with it,
    and so do commands with --server. With --password-stdin the code of a second factor is the next line.
    """
    keeper = keeper_of(where)

    async def work(client: "Client") -> "WhoAmI":
        client.token = None
        if not where.server and await is_owner(client):
            raise BadRequest(
                "The app is yours: nobody has to sign in to it here", hint="`login URL` is for servers elsewhere"
            )
        address = email or typed("E-mail", "pass it with --email", keeper.email)
        answer = await client.account.sign_in(address, password(from_stdin=password_stdin, again=False))
        if answer.get("twoFactorRedirect"):
            hint = "with --password-stdin the code is the next line"
            code = sys.stdin.readline() if password_stdin else typed("Code of your authenticator app", hint)
            await client.account.second_step("".join(code.split()))
        assert client.token is not None
        keeper.keep(client.token, address)
        return await client.whoami()

    me = asked(where, "login", work, about=NO_ACCOUNTS)
    tell(me, f"Signed in as {said(me)}", as_json=as_json)


@click.command()
@server_argument
def logout(where: Where, as_json: bool) -> None:
    """End the session of `login`, and forget it."""
    keeper = keeper_of(where)
    was_kept = keeper.token is not None
    try:
        asked(where, "logout", lambda client: client.account.sign_out())
    except SovriumError as error:
        if not was_kept:
            raise
        if error.code != NotSignedIn.code:  # else it has ended there already
            error.hint = "it is forgotten here, and ends there by itself or from another session"
            raise
    finally:
        if was_kept:
            keeper.forget()
    tell({"success": True}, "Signed out", as_json=as_json)


@click.command()
@server_argument
def whoami(where: Where, as_json: bool) -> None:
    """Say as whom commands and the console act.

    At the server at URL, else in an app here.
    """
    me = asked(where, "whoami", lambda client: client.whoami())
    tell(me, said(me), as_json=as_json)


def keeper_of(where: Where) -> "ServerKeeper":
    server = where.server or find_app(where.app)
    from sovrium_tui.cli.session import saved_session

    return saved_session(server)


async def is_owner(client: "Client") -> bool:
    """The socket alone lets one in."""
    try:
        return (await client.whoami())["unrestricted"]
    except NotSignedIn:
        return False


def said(me: "WhoAmI") -> str:
    """Who that is, in a line."""
    match me["kind"]:
        case "owner":
            return "the owner of the data, on this machine"
        case "guest":
            return "a guest: the app has no accounts"
    return f"{me['email'] or me['name']} ({', '.join(me['roles'])})"


COMMANDS = (login, logout, whoami)
