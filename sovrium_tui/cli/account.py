"""What the commands about accounts have in common: which app they mean, who somebody is, how they tell what they found, and
their exit codes (auth §19): 0 done, 1 failed, 2 wrong use, 3 not allowed, 4 not there."""

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote

import click

from core.errors import BadRequest, NotFound, SovriumError
from sovrium_tui.cli.app_file import data_dir_of, data_dir_option, find_app, take_settings
from sovrium_tui.cli.console import server_address
from sovrium_tui.cli.result import Table, json_option, one_line, tell_json

if TYPE_CHECKING:
    from core.client import Client

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
ADMIN = "/api/auth/admin"
NOT_ALLOWED, NOT_THERE = 3, 4
EXITS = {400: 2, 401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_THERE, 422: 2}


@dataclass(frozen=True, slots=True)
class Where:
    """Whose people a command means: those of an app here, or of the `server` at that address, elsewhere."""

    app: Path | None = None
    data_dir: Path | None = None
    server: str = ""


def account_options(command: F) -> F:
    """`--app`, `--data-dir`, `--server`, which the command takes as `where`; `--json`."""
    server = click.option(
        "--server", default="", metavar="URL", help="A server elsewhere, with the session of `login`."
    )
    return _located(command, server)


def server_argument(command: F) -> F:
    """The same with the server as the argument `[URL]`."""
    return _located(command, click.argument("server", default="", metavar="[URL]"))


def _located(command: F, server_parameter: Callable[[Any], Any]) -> F:
    @wraps(command)
    def run(*args: Any, app: Path | None, data_dir: Path | None, server: str, **given: Any) -> Any:
        if server and app is not None:
            raise click.UsageError("--app is an app here, and the address a server elsewhere: give one of them")
        return command(*args, where=Where(app, data_dir, server and server_address(server)), **given)

    for parameter in (json_option, server_parameter, data_dir_option, APP):
        run = parameter(run)
    return cast(F, run)


APP = click.option(
    "--app",
    type=click.Path(path_type=Path),
    metavar="APP",
    is_eager=True,
    callback=take_settings,
    help="The app file [default: the only one here].",
)


def password_option(command: F) -> F:
    """`--password-stdin`: there is none that takes the password itself, which everybody on the machine could read."""
    return click.option(
        "--password-stdin", is_flag=True, help="Read the password from stdin instead of asking for it."
    )(command)


def asked(where: Where, name: str, work: "Callable[[Client], Awaitable[T]]", *, about: str = "") -> T:
    """Do the work with a client of the server, or of an engine of this command. Raises what it raises, with the exit codes
    of these commands; where nothing is found, the error names what it was `about`."""
    app_file = None if where.server else find_app(where.app)
    from sovrium_tui.cli.session import with_client, with_server

    async def told(client: "Client") -> T:
        try:
            return await work(client)
        except NotFound as error:
            if not about and error.message == NotFound().message:
                await blame_missing_accounts(client, error)
            raise

    try:
        if app_file is None:
            return with_server(where.server, told)
        return with_client(app_file, data_dir_of(app_file, where.data_dir), name, told)
    except SovriumError as error:
        error.exit_code = EXITS.get(error.status, error.exit_code)
        if about and error.message == NotFound().message:
            error.message = f"There is no {about}"
        if error.status == 404 and where.server and not error.hint:
            error.hint = "or your account there may not ask for it"
        raise


async def user_of(client: "Client", who: str) -> dict[str, Any]:
    """The account by address or id. Raises NotFound."""
    path = f"{ADMIN}/get-user?email={quote(who, '')}" if "@" in who else f"{ADMIN}/get-user/{quote(who, '')}"
    try:
        found: dict[str, Any] = (await client.request("GET", path))["user"]
    except NotFound as error:
        error.message = f"There is no user {who}"
        await blame_missing_accounts(client, error)
        raise
    return found


async def blame_missing_accounts(client: "Client", error: NotFound) -> None:
    """Say so where nothing can be found because the app has no accounts."""
    if not (await client.request("GET", "/api/access/whoami"))["accounts"]:
        error.message, error.hint = "This app has no accounts", "`auth` in the app file adds them"


async def act(client: "Client", who: str, path: str, **body: Any) -> Any:
    """Ask one thing about an account: the answer with the account in it as it was."""
    user = await user_of(client, who)
    answer = await client.request("POST", f"{ADMIN}/{path}", json={"userId": user["id"], **body})
    return {"email": user["email"], **(answer if isinstance(answer, dict) else {})}


def password(*, from_stdin: bool, again: bool = True) -> str:
    """A password that was piped in, or typed without being seen, twice where it is a new one. Raises BadRequest."""
    if from_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
        if not text:
            raise BadRequest("There is no password on stdin")
        return text
    somebody_there("type the password", "pipe it in with --password-stdin")
    prompted: str = click.prompt(
        "Password", hide_input=True, confirmation_prompt="Once more" if again else False, err=True
    )
    return prompted


def typed(question: str, hint: str, default: str = "") -> str:
    """What somebody answers. Raises BadRequest with the hint where nobody is there."""
    somebody_there(f"answer: {question}", hint)
    answer: str = click.prompt(question, default=default or None, err=True)
    return answer


def somebody_there(what: str, hint: str) -> None:
    """Raises BadRequest where nobody sits at the terminal."""
    if not sys.stdin.isatty():
        raise BadRequest(f"Nobody is there to {what}", hint=hint)


def tell(found: Any, sentence: str, *, as_json: bool) -> None:
    """What was done, as JSON or as a sentence."""
    if as_json:
        tell_json(found)
    else:
        click.echo(one_line(sentence))


def tell_rows(
    found: Any, rows: Iterable[Sequence[Any]], names: Sequence[str], note: str, *, as_json: bool, numeric: str = ""
) -> None:
    """What was found, as JSON or as a table. `numeric` names the columns of numbers."""
    if as_json:
        tell_json(found)
        return
    table = Table(names, [name in numeric.split() for name in names])
    lines = ["" if cell is None else cell for row in rows for cell in row]
    table.add([lines[n : n + len(names)] for n in range(0, len(lines), len(names))])
    table.close(note)


def confirmed(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back. Raises BadRequest where nobody can answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadRequest(question, hint="pass --yes if that is what you want")
    click.confirm(question, abort=True, err=True)


def seconds_of(text: str | None) -> int | None:
    """`90s`, `30m`, `12h`, `30d` in seconds. Raises BadRequest."""
    if text is None:
        return None
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdigit()) or int(number) < 1:
        raise BadRequest(f"{text!r} is no time: 90s, 30m, 12h, 30d")
    return int(number) * units[unit]


def counted(number: int, one: str, many: str = "") -> str:
    """`1 key`, `2 keys`; `many` where that is no `s` behind the word."""
    return f"{number} {one if number == 1 else many or one + 's'}"
