"""`sovrium-tui [APP]`: the console."""

from pathlib import Path

import click

from sovrium_tui.cli.app_file import app_argument, data_dir_of, data_dir_option, find_app


@click.command("open", hidden=True)
@app_argument
@data_dir_option
@click.option("--theme", metavar="NAME", help="Colours of the console.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
def open_console(app: Path | None, data_dir: Path | None, theme: str | None, no_mouse: bool) -> int:
    """Open the console on APP."""
    app_file = find_app(app)
    from sovrium_tui.launch import run_console

    return run_console(app_file, data_dir_of(app_file, data_dir), options={"theme": theme, "mouse": not no_mouse})


COMMANDS = (open_console,)
