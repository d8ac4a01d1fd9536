"""The help of every command as a page of documentation; `docs/cli.md` holds it."""

from collections.abc import Iterator
from typing import Any

import click

from sovrium_tui.cli.main import commands

WIDTH = 100
HELP = ["-h", "--help"]


def command_reference() -> str:
    """One section per command, in the words of its `--help`."""
    return "\n".join(line for name, command in commands().items() for line in section(name, command))


def section(name: str, command: Any) -> Iterator[str]:
    path = f"sovrium-tui {name}".strip()
    context = click.Context(command, info_name=path, terminal_width=WIDTH, help_option_names=HELP)
    yield f"### `{path}`"
    yield ""
    yield "```text"
    yield command.get_help(context)
    yield "```"
    yield ""
