"""`sovrium-tui [APP]` and `sovrium-tui connect URL`: the console."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from core.errors import BadRequest
from sovrium_tui.cli.app_file import app_argument, data_dir_of, data_dir_option, find_app

if TYPE_CHECKING:
    from sovrium_tui.launch import Target


def console_options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command that opens the console."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


OPTIONS = (
    click.option("--theme", default="", metavar="NAME", help="Colours, for this run and the next ones."),
    click.option("--language", default="", metavar="CODE", help="Language, for this run and the next ones."),
    click.option(
        "--link",
        type=click.Choice(["auto", "fast", "slow"]),
        default="auto",
        show_default=True,
        help="How much may be sent to the terminal; auto measures over SSH.",
    ),
    click.option(
        "--plain",
        is_flag=True,
        envvar="SOVRIUM_PLAIN",
        help="No drawing, no colour: for screen readers and poor terminals.",
    ),
    click.option(
        "--read-only", is_flag=True, help="Write nothing: no edits, imports, statements that write, settings."
    ),
    click.option("--no-mouse", is_flag=True, help="Leave selecting to the terminal."),
)


@click.command("open", hidden=True)
@app_argument
@data_dir_option
@console_options
def open_console(app: Path | None, data_dir: Path | None, **options: Any) -> int:
    """Open the console on APP, a YAML or JSON file."""
    app_file = find_app(app)
    from sovrium_tui.launch import Target

    return run(Target(str(app_file.absolute()), data_dir_of(app_file, data_dir)), options)


@click.command()
@click.argument("url")
@console_options
def connect(url: str, **options: Any) -> int:
    """Open the console on a server elsewhere, at URL.

    It asks you to sign in. The session is kept in the keyring of the OS, or where there is none in a file for you alone.
    """
    from sovrium_tui.launch import Target

    return run(Target(server_address(url)), options)


def server_address(url: str) -> str:
    """`https://host[:port]` of what was typed; https where nothing is said. Raises BadRequest."""
    text = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise BadRequest(f"{url} is not the address of a server") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadRequest(f"{url} is not the address of a server", hint="https://host or https://host:port")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadRequest(
            f"http://{parts.hostname} would carry passwords in clear over the network",
            hint=f"use https://{parts.hostname}{port}, or an SSH tunnel to localhost",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}{port}"


def run(target: "Target", options: dict[str, Any]) -> int:
    from sovrium_tui.launch import ConsoleOptions, run_console

    options["mouse"] = not options.pop("no_mouse")
    return run_console(target, options=ConsoleOptions(**options))


COMMANDS = (open_console, connect)
