"""The command line: `sovrium-tui [APP]` and its commands. Imports neither the engine nor the console."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

from core.errors import BadRequest, SchemaError, SovriumError
from sovrium_tui import __version__
from sovrium_tui.cli import console
from sovrium_tui.cli.app_file import looks_like_app
from sovrium_tui.cli.result import printable

INTERRUPTED, BROKEN_PIPE, TERMINATED = 130, 141, 143
MODULES = tuple(  # in this package
    "console login server schema init migrate sql transfer backup user role policy key audit logs analytics".split()
)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class CommandLine(click.Group):
    """Commands by name; a first word that is an app file, or no word at all, opens the console. That comes without the
    modules of the other commands, which are imported when the first of them is asked for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._commands: dict[str, click.Command] = {}
        self._imported = False
        super().__init__(*args, **options)

    @property
    def commands(self) -> dict[str, click.Command]:
        if not self._imported:
            self._imported = True
            for module in MODULES:
                for command in import_module(f"sovrium_tui.cli.{module}").COMMANDS:
                    self.add_command(command)
        return self._commands

    @commands.setter
    def commands(self, commands: dict[str, click.Command]) -> None:
        self._commands = commands

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        args = as_options(args)
        own = {"-h", "--help", "--version"}
        first = args[0] if args else ""
        is_option = first.startswith("-") and first not in own
        is_name = "." not in first and os.sep not in first
        is_app = first not in own and looks_like_app(first) and not (is_name and first in self.commands)
        if not args or is_option or is_app:
            args = [console.open_console.name or "", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name == console.open_console.name:
            return name, console.open_console, args[1:]
        if name not in self.commands:
            import difflib

            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1, cutoff=0.7)
            hint = f"did you mean `{near[0]}`?" if near else "`sovrium-tui --help` lists the commands"
            raise Misuse(f"There is no command or app file '{name}'", hint)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        options = [each.get_help_record(ctx) for each in console.open_console.params if isinstance(each, click.Option)]
        with formatter.section("Options of the console"):
            formatter.write_dl([record for record in options if record])


def as_options(args: list[str]) -> list[str]:
    """`version`, `-v` and `help [COMMAND]` are other words for options."""
    match args:
        case ["version" | "-v"]:
            return ["--version"]
        case ["help", *command]:
            return [*command, "--help"]
    return args


class Misuse(click.UsageError):
    """Wrong use, with a way out."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@click.group(cls=CommandLine, context_settings=SETTINGS, subcommand_metavar="[APP] | COMMAND [ARGS]...")
@click.version_option(__version__, message="sovrium-tui %(version)s")
def cli() -> None:
    """An app file becomes a database, an HTTP API and a console in the terminal.

    Without a command the console opens on APP, a YAML or JSON file (by default the only app.yaml, app.yml or app.json
    here). It attaches to the app's server, or starts one in the background.
    """


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process: 0 ok, 1 failed, 2 wrong use or invalid file, 3 held by someone else."""
    arguments = sys.argv[1:] if arguments is None else arguments
    status = 0
    open_closed_streams()
    try:
        with told_to_end() as was_told:
            status = execute(arguments)
        if status == INTERRUPTED and was_told():
            status = TERMINATED
        if sys.stdout is not None:  # None: the shell has closed it (`>&-`)
            sys.stdout.flush()
    except OSError as error:
        # The reader of our output has left (`| head`), or its disk is full: point stdout elsewhere, or Python complains
        # at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            status = BROKEN_PIPE
        elif not status:  # else it has been told, and what is left in the buffer fails once more
            status = tell(f"The output cannot be written: {error.strerror}", None, 1)
    raise SystemExit(status)


@contextmanager
def told_to_end() -> Iterator[Callable[[], bool]]:
    """SIGTERM does what Ctrl+C does, so that a command clears away what it has begun; a server and a console answer it in
    ways of their own. Yields whether it came."""
    came = False

    def pass_on(*_: object) -> None:
        nonlocal came
        came = True
        signal.raise_signal(signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # a script's `command &`, deaf to Ctrl+C
        yield lambda: came
        return
    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGTERM, before)


def open_closed_streams() -> None:
    """What the shell has closed (`<&-`, `>&-`) is the null device: else the database's file would be the standard output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as the process


def execute(arguments: list[str]) -> int:
    """The exit status of a command; every error has been told on stderr, in JSON on stdout where that was asked for."""
    try:
        # Not `cli.main`: it answers a closed pipe and Ctrl+C in ways of its own.
        with cli.make_context("sovrium-tui", list(arguments)) as context:
            return cli.invoke(context) or 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        message, hint = error.format_message(), hint_of(error)
        if "--json" in arguments:
            return tell_json(BadRequest(message, hint=hint), error.exit_code)
        return tell(message, hint, error.exit_code)
    except SovriumError as error:
        return tell_json(error, error.exit_code) if "--json" in arguments else tell_error(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        # A full disk, a folder without rights: wherever it was met, the system's own words say it best.
        if debugging():
            raise
        return tell(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error), None, 1)
    except Exception as error:
        if debugging():
            raise
        return tell(f"unexpected {type(error).__name__}: {error}", "LOG_LEVEL=debug shows where", 1)


def tell_json(error: SovriumError, status: int) -> int:
    """The error on stdout, in the form that the API gives."""
    click.echo(json.dumps(error.body(), ensure_ascii=False, default=str))
    return status


def tell_error(error: SovriumError) -> int:
    """An error of ours; the details of an invalid file or a refused migration, one a line, come before it."""
    if debugging():
        import traceback

        traceback.print_exception(error)
    details = error.problems if isinstance(error, SchemaError) else getattr(error, "details", ())
    for detail in details if len(details) > 1 or not isinstance(error, SchemaError) else ():
        click.echo(printable(str(detail)), err=True)
    message = f"{len(details)} problems" if isinstance(error, SchemaError) and len(details) > 1 else error.message
    return tell(message, error.hint, error.exit_code)


def tell(message: str, hint: str | None, status: int) -> int:
    """One line for the error, one for the way out."""
    click.echo(f"error: {printable(' '.join(message.split()))}", err=True)
    if hint:
        click.echo(f"  hint: {printable(hint)}", err=True)
    return status


def hint_of(error: click.ClickException) -> str | None:
    """click keeps its suggestions and the command in question apart from the message."""
    if isinstance(error, Misuse):
        return error.hint
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = "sovrium-tui" if ctx is None or ctx.command is console.open_console else ctx.command_path
    return f"`{path} --help` shows how to use it" if isinstance(error, click.UsageError) else None


def debugging() -> bool:
    return os.environ.get("LOG_LEVEL", "").lower() == "debug"


def commands() -> dict[str, Any]:
    """Every command by its full name, for the documentation."""
    found: dict[str, Any] = {"": cli}
    for name in sorted(cli.commands):
        command = cli.commands[name]
        if command.hidden:
            continue
        found[name] = command
        if isinstance(command, click.Group):
            found |= {f"{name} {part}": command.commands[part] for part in sorted(command.commands)}
    return found
