"""`import`, `export`: records from and to files."""

import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.errors import BadRequest, NotFound
from sovrium_tui.cli.app_file import app_and, data_dir_of, data_dir_option, find_app
from sovrium_tui.cli.result import json_option, one_line, tell_json

if TYPE_CHECKING:
    from core.client import Client

FORMATS = {".csv": "csv", ".json": "json", ".parquet": "parquet"}
READ = {**FORMATS, ".tsv": "csv", ".ndjson": "json", ".jsonl": "json"}
"""What is read as the same format, but never written: tabs, an object a line."""
format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["csv", "json", "parquet"]),
    help="Needed with `-`; else FILE's name tells.",
)


@click.command("import")
@app_and("TABLE", "FILE")
@format_option
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=FIELD", help="A column's field, where names differ.")
@click.option("--skip-errors", is_flag=True, help="Leave out rows that do not fit instead of stopping.")
@click.option("--refused", type=click.Path(path_type=Path), metavar="CSV", help="Keep the rows that did not fit there.")
@click.option(
    "--duplicates",
    type=click.Choice(["create", "skip", "overwrite"]),
    default="create",
    help="What becomes of rows whose --key is there already [default: create].",
)
@click.option("--key", metavar="FIELD", help="The unique field that tells them.")
@json_option
@data_dir_option
def import_command(
    words: tuple[Path | None, str, str],
    format_: str | None,
    pairs: tuple[str, ...],
    skip_errors: bool,
    refused: Path | None,
    duplicates: str,
    key: str | None,
    as_json: bool,
    data_dir: Path | None,
) -> int:
    """Add the rows of FILE to TABLE.

    FILE is csv, json or parquet; `-` is stdin. All rows or none, unless --skip-errors is given.
    """
    app, table, file = words[0], words[1], Path(words[2])
    app_file = find_app(app)
    mapping = dict(mapping_pair(pair) for pair in pairs) or None
    chosen = format_of(file, format_, READ)
    if (duplicates == "create") != (key is None):
        raise click.UsageError("--duplicates skip or overwrite and --key FIELD belong together")
    if refused is not None and refused.exists():
        raise BadRequest(f"{refused} exists", hint="name another file for the rows that do not fit")
    from sovrium_tui.cli.progress import counted, ended, settled
    from sovrium_tui.cli.session import with_client

    async def work(client: "Client") -> int:
        async with naming(client, table):
            job = await client.start_import(
                table, source, mapping=mapping, skip_errors=skip_errors, duplicates=duplicates, key=key
            )
        job = await ended(client, job)
        if refused is not None and job.get("refused"):
            await client.download(job["id"], refused)
            click.echo(f"{refused} holds {counted(job['refused'])} that did not fit", err=True)
        settled(job)
        rows = job.get("rows", job["done"])
        if job["note"]:
            click.echo(f"warning: {one_line(job['note'])}", err=True)
        if as_json:
            note = {"note": job["note"]} if job["note"] else {}
            tell_json({"table": table, "rows": rows, "refused": job.get("refused", 0), **note})
        else:
            click.echo(f"Imported {counted(rows)} into {table}", err=True)
        return 0

    with scratch_folder() as folder:
        source = folder / f"stdin.{chosen}"
        if str(file) == "-":
            with source.open("wb") as target:
                shutil.copyfileobj(sys.stdin.buffer, target)
        elif file.is_fifo():  # `<(…)` of a shell
            with file.open("rb") as pipe, source.open("wb") as target:
                shutil.copyfileobj(pipe, target)
        elif not file.is_file():
            raise BadRequest(f"{file}: there is no such file" if not file.exists() else f"{file} is not a file")
        elif READ.get(file.suffix.lower()) == chosen:
            source = file
        else:
            source.symlink_to(file.absolute())
        return with_client(app_file, data_dir_of(app_file, data_dir), "import", work)


@click.command("export")
@app_and("TABLE", "FILE")
@format_option
@click.option("--fields", help="Only these fields, separated by commas.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@json_option
@data_dir_option
def export_command(
    words: tuple[Path | None, str, str],
    format_: str | None,
    fields: str | None,
    force: bool,
    as_json: bool,
    data_dir: Path | None,
) -> int:
    """Write the records of TABLE to FILE.

    FILE is csv, json or parquet; `-` is stdout.
    """
    app, table, file = words[0], words[1], Path(words[2])
    app_file = find_app(app)
    chosen = format_of(file, format_, FORMATS)
    to_stdout = str(file) == "-"
    if as_json and to_stdout:
        raise click.UsageError("--json and `-` exclude each other: both write to stdout")
    if file.exists() and not to_stdout and not force:
        raise BadRequest(f"{file} exists", hint="pass --force to overwrite it")
    from core.contract.console import ExportRequest
    from sovrium_tui.cli.progress import counted, finish
    from sovrium_tui.cli.session import with_client

    async def work(client: "Client") -> int:
        async with naming(client, table):
            view = await client.open_view({"table": table})
        request: ExportRequest = {"format": chosen, "view": view["id"]}  # type: ignore[typeddict-item]
        if fields:
            request["fields"] = [name.strip() for name in fields.split(",")]
        job = await finish(client, await client.export(request))
        await deliver(client, job["id"], None if to_stdout else file)
        rows = job.get("rows", job["done"])
        if as_json:
            tell_json({"table": table, "file": str(file), "rows": rows})
        else:
            click.echo(f"Exported {counted(rows)} of {table}", err=True)
        return 0

    return with_client(app_file, data_dir_of(app_file, data_dir), "export", work)


@asynccontextmanager
async def naming(client: "Client", table: str) -> AsyncIterator[None]:
    """What is asked inside and not found is that table: the error says so, and which there are."""
    try:
        yield
    except NotFound as error:
        error.message = f"There is no table '{table}'"
        error.hint = f"there are: {', '.join(each['name'] for each in (await client.schema())['tables'])}"
        raise


async def deliver(client: "Client", job: str, target: Path | None) -> None:
    """Save a finished export's file, or copy it to stdout; the server forgets it then."""
    if target is not None:
        await client.download(job, target)
    else:
        with scratch_folder() as folder:
            copy = folder / "export"
            await client.download(job, copy)
            copy_to_stdout(copy)
    await client.cancel_job(job)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """For files of a command that somebody else must see. Imported late: help of other commands goes without."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="sovrium-") as folder:
        yield Path(folder)


def copy_to_stdout(file: Path) -> None:
    with file.open("rb") as source:
        shutil.copyfileobj(source, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def format_of(file: Path, given: str | None, formats: Mapping[str, str]) -> str:
    """csv, json or parquet: what was asked for, else by the file's name."""
    known = given or formats.get(file.suffix.lower())
    if known is None:
        raise BadRequest(f"{file}: the name does not tell the format", hint="pass --format csv, json or parquet")
    return known


def mapping_pair(text: str) -> tuple[str, str]:
    column, equals, field = text.rpartition("=")
    if not (equals and column and field):
        raise BadRequest(f"--map {text}: COLUMN=FIELD is expected")
    return column, field


COMMANDS = (import_command, export_command)
