"""`logs`: what the server of an app has told, also when none runs any more."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.contract.log_level import LEVELS, LogLevel
from core.errors import NotFound
from sovrium_tui.cli.app_file import app_argument, data_dir_option, server_place
from sovrium_tui.cli.parameter import Number

if TYPE_CHECKING:
    from core.contract.logs import LogEntry
    from core.logs.reading import Question

MOST = 10_000
PAUSE = 0.5
"""Seconds between two looks at a log that is followed."""


@click.command()
@app_argument
@data_dir_option
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl+C.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="This level and graver ones.  [default: all]")
@click.option("--text", default="", metavar="TEXT", help="Entries that hold TEXT, in whatever case.")
@click.option("-n", "number", type=Number(1, MOST), default=100, show_default=True, help="So many of the latest.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
def logs(
    app: Path | None,
    data_dir: Path | None,
    follow: bool,
    level: LogLevel,
    text: str,
    number: int,
    as_json: bool,
) -> None:
    """Show the latest lines of the server's log, the newest last.

    `LOG_LEVEL` says how much a server tells.
    """
    import time

    from core.logs.reading import Question, read_page
    from sovrium_tui.process.place import Place

    file = Place(server_place(app, data_dir)).log
    if not file.exists() and not follow:
        raise NotFound(f"There is no log: {file}", hint="no server has run there yet")
    question = Question(level, text, limit=number)
    entries, newer = latest(file, question)
    tell(entries, as_json=as_json)
    while follow:
        page = read_page(file, Question(level, text, after=newer or "", limit=MOST))
        tell(page["entries"], as_json=as_json)
        newer = page["newer"]
        if not page["more"]:
            time.sleep(PAUSE)


def latest(file: Path, question: "Question") -> "tuple[list[LogEntry], str | None]":
    """The latest entries that fit, however far back they lie, and where the log ends."""
    from core.logs.reading import read_page

    page = read_page(file, question)
    newer, found = page["newer"], page["entries"]
    while page["older"] and len(found) < question.limit:
        left = question.limit - len(found)
        page = read_page(file, replace(question, before=page["older"], limit=left))
        found = [*page["entries"], *found]
    return found, newer


def tell(entries: "list[LogEntry]", *, as_json: bool) -> None:
    """Print entries, at once where somebody waits for them."""
    import orjson

    from core.logs.line import as_text

    for entry in entries:
        click.echo(orjson.dumps(entry) if as_json else as_text(entry))


COMMANDS = (logs,)
