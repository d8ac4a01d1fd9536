"""`audit`, `outbox`: what was administered, and what has not left (auth §19)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import click

from core.errors import BadRequest
from sovrium_tui.cli.account import Where, account_options, asked, confirmed, counted, tell, tell_rows
from sovrium_tui.cli.parameter import Number
from sovrium_tui.cli.result import printable

if TYPE_CHECKING:
    from core.client import Client

LOG = "/api/admin/audit-log"
OUTBOX = "/api/admin/outbox"
ENTRIES = ("time", "action", "who", "about", "by", "result")
MESSAGES = ("created", "to", "what", "state", "tries", "id")


@click.group()
def audit() -> None:
    """Read, export and check the log of who administered what."""


@audit.command()
@click.option("-n", "number", type=Number(1, 100), default=20, show_default=True, help="So many entries.")
@click.option("--action", help="Only this action; `session.*` stands for all that begin so.")
@account_options
def tail(number: int, action: str | None, where: Where, as_json: bool) -> None:
    """Show the latest entries, the newest last."""
    query = urlencode({"limit": number, **({"action": action} if action else {})})
    answer = asked(where, "audit tail", lambda client: client.request("GET", f"{LOG}?{query}"))
    rows = [
        (
            each["timestamp"],
            each["action"],
            each["actor"].get("email") or each["actor"].get("osUser") or each["actor"]["id"] or each["actor"]["type"],
            (each["resource"] or {}).get("name") or (each["resource"] or {}).get("id"),
            each["transport"],
            each["result"],
        )
        for each in reversed(answer["items"])
    ]
    tell_rows(answer, rows, ENTRIES, counted(len(rows), "entry", "entries"), as_json=as_json)


@audit.command()
@account_options
def verify(where: Where, as_json: bool) -> int:
    """Check that no entry was changed or taken out. Fails with the first one that was."""
    answer = asked(where, "audit verify", lambda client: client.request("GET", f"{LOG}/verify"))
    if answer["ok"]:
        sentence = f"The log is whole: {answer['entries']} entries"
    else:
        sentence = f"The log is not whole: entry {answer['broken']}: {answer['reason']}"
    tell(answer, sentence, as_json=as_json)
    return 0 if answer["ok"] else 1


@audit.command("export")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "format_", type=click.Choice(["json", "csv"]), help="Else FILE's name tells; json for `-`.")
@click.option("--action", help="Only this action; `session.*` stands for all that begin so.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@account_options
def export_log(
    file: Path,
    format_: str | None,
    action: str | None,
    force: bool,
    where: Where,
    as_json: bool,
) -> None:
    """Write all entries to FILE.

    FILE is csv, or JSON with an entry a line; `-` is stdout.
    """
    to_stdout = str(file) == "-"
    if file.exists() and not to_stdout and not force:
        raise BadRequest(f"{file} exists", hint="pass --force to overwrite it")
    kind = format_ or ("csv" if file.suffix.lower() == ".csv" else "json")
    query = urlencode({"format": kind, **({"action": action} if action else {})})

    async def work(client: "Client") -> None:
        import tempfile

        from sovrium_tui.cli.transfer import copy_to_stdout

        if not to_stdout:
            await client.fetch(f"{LOG}/export?{query}", file)
            return
        with tempfile.TemporaryDirectory(prefix="sovrium-") as folder:
            copy = Path(folder, "log")
            await client.fetch(f"{LOG}/export?{query}", copy)
            copy_to_stdout(copy)

    asked(where, "audit export", work)
    if not to_stdout:
        tell({"file": str(file)}, f"The log is in {file}", as_json=as_json)


@click.group()
def outbox() -> None:
    """Read mails and text messages that were not sent."""


@outbox.command("list")
@account_options
def list_messages(where: Where, as_json: bool) -> None:
    """List messages, the newest first."""
    answer = asked(where, "outbox list", lambda client: client.request("GET", f"{OUTBOX}?limit=200"))
    rows = [
        (each["createdAt"], each["to"], each["template"], each["status"], each["attempts"], each["id"])
        for each in answer["messages"]
    ]
    tell_rows(answer, rows, MESSAGES, counted(len(rows), "message"), as_json=as_json, numeric="tries")


@outbox.command("show")
@click.argument("message")
@account_options
def show_message(message: str, where: Where, as_json: bool) -> None:
    """Show what a message says, where nothing real sends it."""
    path = f"{OUTBOX}/{quote(message, '')}"
    answer: dict[str, Any] = asked(
        where, "outbox show", lambda client: client.request("GET", path), about=f"message {message}"
    )
    if as_json:
        tell(answer, "", as_json=True)
        return
    content = answer["content"]
    click.echo(f"to {printable(answer['to'])} · {answer['template']} · {answer['status']}")
    if answer["error"]:
        click.echo(printable(answer["error"]))
    click.echo(printable(f"{content['subject']}\n\n{content['text']}") if content else "It is the recipient's alone.")


@outbox.command()
@click.argument("message")
@account_options
def retry(message: str, where: Where, as_json: bool) -> None:
    """Send a mail again."""
    path = f"{OUTBOX}/{quote(message, '')}/retry"
    answer = asked(where, "outbox retry", lambda client: client.request("POST", path), about=f"message {message}")
    tell(answer, "It is on its way", as_json=as_json)


@outbox.command()
@click.argument("message", required=False)
@click.option("--yes", is_flag=True, help="Do not ask before all are forgotten.")
@account_options
def forget(message: str | None, yes: bool, where: Where, as_json: bool) -> None:
    """Take a message off the outbox, or all that do not wait."""
    if message is None:
        confirmed("Forget all messages that do not wait?", yes=yes)
    path = OUTBOX if message is None else f"{OUTBOX}/{quote(message, '')}"
    answer = asked(where, "outbox forget", lambda client: client.request("DELETE", path), about=f"message {message}")
    count = answer["forgotten"] if answer else 1
    tell({"forgotten": count}, f"{counted(count, 'message')} forgotten", as_json=as_json)


COMMANDS = (audit, outbox)
