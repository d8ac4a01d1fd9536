"""`init`: a new app, empty, from a template with its data, or from a file of data."""

import re
import shlex
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from core.errors import BadRequest, SovriumError
from sovrium_tui.cli.app_file import NAMES
from sovrium_tui.cli.result import json_option, tell_json

SHIPPED = Path(__file__).parent.parent / "sample_apps"
CHECKOUT = Path(__file__).parent.parent.parent / "sample_apps"
LEFT_OUT = shutil.ignore_patterns("README*", "LICENSE*", ".*", "__pycache__")
EMPTY_APP = """\
# An app file: tables, and what is built on them. `sovrium-tui validate` checks it, `sovrium-tui` opens it.
name: {name}
tables:
  - id: 1
    name: notes
    fields:
      - {{ id: 1, name: title, type: single-line-text, required: true }}
      - {{ id: 2, name: text, type: long-text }}
"""
GITIGNORE = ".sovrium/\n.env\n.env.local\n*.backup.tar\n"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--template", metavar="NAME", help="Begin with a sample app and its data, such as crm.")
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Make the app from a file of data (csv, json, parquet, duckdb, sqlite), and load it.",
)
@click.option("--name", help="Name of the app [default: made of DIR].")
@click.option("--force", is_flag=True, help="Overwrite an app.yaml that is there.")
@json_option
def init(folder: Path, template: str | None, source: Path | None, name: str | None, force: bool, as_json: bool) -> int:
    """Make a new app in DIR.

    That is an app file and, with --template or --from, a database filled with data.
    """
    if template and source:
        raise click.UsageError("--template and --from exclude each other")
    app_file = (folder / "app.yaml").absolute()
    name = app_name(name or folder.absolute().name)
    with cleared_on_failure(app_file, force):
        if template:
            from sovrium_tui.cli.template import load_template

            copy_template(find_template(template), app_file)
            load_template(app_file)
        elif source:
            from sovrium_tui.cli.take_over import take_over

            take_over(source.absolute(), app_file, name)
        else:
            from core.schema.document import scalar

            write(app_file, EMPTY_APP.format(name=scalar(name)))
    write_missing(folder / ".gitignore", GITIGNORE)
    if as_json:
        tell_json({"appFile": str(app_file), "name": name})
        return 0
    click.echo(f"{app_file} is ready; open it with: sovrium-tui {shlex.quote(str(folder))}")
    return 0


@contextmanager
def cleared_on_failure(app_file: Path, force: bool) -> Iterator[None]:
    """Make the folder; when the work fails, remove what it left, and nothing that was there before."""
    folder = app_file.parent
    there = [folder / each for each in NAMES if (folder / each).exists()]
    if there and not force:
        raise BadRequest(f"{there[0]} exists", hint="pass --force to overwrite it, or choose another folder")
    if (folder / ".sovrium" / "app.duckdb").exists():
        raise BadRequest(f"{folder / '.sovrium'} holds a database already", hint="choose another folder")
    made = not folder.exists()
    before = set() if made else set(folder.iterdir())
    kept = app_file.read_bytes() if app_file.exists() else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SovriumError(f"{folder} cannot be made: {error.strerror}") from error
    try:
        yield
    except BaseException:
        for path in set(folder.iterdir()) - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if made:
            folder.rmdir()
        elif kept is not None:
            app_file.write_bytes(kept)
        raise


def app_name(text: str) -> str:
    """A name by the rules of app files (AM-001): `Parts Desk` → `parts-desk`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:214] or "app"


def templates() -> dict[str, Path]:
    """The sample apps by name: those that were installed with us, or those of the checkout."""
    home = SHIPPED if SHIPPED.is_dir() else CHECKOUT
    found = sorted(home.iterdir()) if home.is_dir() else []
    return {path.name: path for path in found if (path / "app.yaml").is_file()}


def find_template(name: str) -> Path:
    known = templates()
    if name not in known:
        raise BadRequest(f"There is no template '{name}'", hint=f"known: {', '.join(known)}")
    return known[name]


def copy_template(template: Path, app_file: Path) -> None:
    """The template's files beside the app file. Files that are there already stay as they are, but for the app file."""
    for source in sorted(template.rglob("*")):
        part = source.relative_to(template)
        ignored = any(LEFT_OUT(str(template), [piece]) for piece in part.parts)
        target = app_file.parent / part
        if ignored or source.is_dir() or (target.exists() and target != app_file):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SovriumError(f"{path} cannot be written: {error.strerror}") from error


def write_missing(path: Path, text: str) -> None:
    if not path.exists():
        write(path, text)


COMMANDS = (init,)
