"""`sovrium-tui [APP]`: the console."""

from pathlib import Path
from typing import Literal

import click

from sovrium_tui.cli.app_file import app_argument, data_dir_of, data_dir_option, find_app


@click.command("open", hidden=True)
@app_argument
@data_dir_option
@click.option("--theme", default="", metavar="NAME", help="Colours, for this run and the next ones.")
@click.option("--language", default="", metavar="CODE", help="Language, for this run and the next ones.")
@click.option(
    "--link",
    type=click.Choice(["auto", "fast", "slow"]),
    default="auto",
    show_default=True,
    help="How much may be sent to the terminal; auto measures over SSH.",
)
@click.option(
    "--plain",
    is_flag=True,
    envvar="SOVRIUM_PLAIN",
    help="No drawing, no colour: for screen readers and poor terminals.",
)
@click.option("--no-mouse", is_flag=True, help="Leave selecting to the terminal.")
def open_console(
    app: Path | None,
    data_dir: Path | None,
    theme: str,
    language: str,
    link: Literal["auto", "fast", "slow"],
    plain: bool,
    no_mouse: bool,
) -> int:
    """Open the console on APP, a YAML or JSON file."""
    app_file = find_app(app)
    from sovrium_tui.launch import ConsoleOptions, run_console

    options = ConsoleOptions(link=link, mouse=not no_mouse, theme=theme, language=language, plain=plain)
    return run_console(app_file, data_dir_of(app_file, data_dir), options=options)


COMMANDS = (open_console,)
