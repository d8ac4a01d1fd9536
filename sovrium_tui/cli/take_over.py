"""`init --from FILE`: an app file written from what a file of data holds, and the data loaded into it."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BadRequest
from core.schema.document import scalar
from sovrium_tui.cli.init import write
from sovrium_tui.cli.progress import counted
from sovrium_tui.cli.result import printable

if TYPE_CHECKING:
    from core.client import Client
    from core.records.infer import InferredTable

DUCKDB = (".duckdb", ".db")
SQLITE = (".sqlite", ".sqlite3", ".db")
WIDTH = 110


def take_over(source: Path, app_file: Path, name: str) -> None:
    """Write the app file and load the data. Raises BadRequest for a file that cannot be read."""
    from core.records import sqlite_source
    from core.records.infer import infer, views

    given = source.name
    with tempfile.TemporaryDirectory(prefix=".init-", dir=app_file.parent) as folder:
        files: Mapping[str, Path] = {}
        without_data: list[str] = []
        if source.suffix.lower() in SQLITE and sqlite_source.is_sqlite(source):
            files, without_data = sqlite_source.to_parquet(source, Path(folder)), sqlite_source.views(source)
        elif source.suffix.lower() in DUCKDB:
            source = beside(source, Path(folder))
            without_data = views(source)
        elif source.suffix.lower() in SQLITE:
            raise BadRequest(f"{source.name} is not an SQLite file")
        tables = tables_of(files) if files else infer(source)
        write(app_file, app_text(name, given, tables))
        load(source, app_file, tables, Path(folder), files)
    for note in notes(tables, without_data):
        click.echo(printable(f"note: {note}"), err=True)


def notes(tables: Sequence["InferredTable"], views: Sequence[str]) -> Iterator[str]:
    """What the new app does not hold of the file, or holds otherwise than somebody may expect."""
    for table in tables:
        yield from (f"{table.name}: {each}" for each in table.notes)
        if table.left_out:
            yield f"{table.name}: left out {', '.join(table.left_out)}, which counts the rows as the engine's own key does"
    if views:
        yield f"left out {', '.join(views)}: views hold no data of their own"


def tables_of(files: Mapping[str, Path]) -> "list[InferredTable]":
    """The tables of a SQLite file, each in a file of its own."""
    from core.records.infer import infer, table_name

    found: list[InferredTable] = []
    for name, file in files.items():
        [table] = infer(file)
        taken = {each.name for each in found}
        found.append(replace(table, name=table_name(name, taken), source=name))
    return found


def beside(source: Path, folder: Path) -> Path:
    """The database file in a folder of our own: its tables are written out there, and DuckDB may touch one folder only."""
    for file in (source, source.with_name(source.name + ".wal")):
        if file.exists():
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copyfile(file, folder / file.name)
    return folder / source.name


def app_text(name: str, source: str, tables: Sequence["InferredTable"]) -> str:
    """The app file: a line per field where it fits, with the ids that make later renames safe."""
    lines = [
        f"# Made from {comment(source)}. Names, types and options are guesses: change them, keep the ids,",
        "# and `sovrium-tui migrate` brings the data along.",
        f"name: {scalar(name)}",
        f"description: {scalar(f'Data of {source}'[:200])}",
        "tables:",
    ]
    for number, table in enumerate(tables, 1):
        lines += [
            "",
            f"  # {counted(table.rows)}" + left_out(table),
            f"  - id: {number}",
            f"    name: {scalar(table.name)}",
        ]
        lines.append("    fields:" if table.fields else "    fields: []")
        for position, field in enumerate(table.fields, 1):
            lines += field_lines({"id": position, **field.data()})
    return "\n".join(lines) + "\n"


def left_out(table: "InferredTable") -> str:
    if not table.left_out:
        return ""
    return f"; left out, because the engine fills it: {comment(', '.join(table.left_out))}"


def field_lines(data: Mapping[str, Any]) -> Iterator[str]:
    line = f"      - {{ {', '.join(f'{key}: {value(item)}' for key, item in data.items())} }}"
    if len(line) <= WIDTH:
        yield line
        return
    mark = "- "
    for key, item in data.items():
        yield f"      {mark}{key}: {value(item)}"
        mark = "  "


def value(item: Any) -> str:
    """A value in flow style."""
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{scalar(key)}: {value(each)}" for key, each in item.items()) + " }"
    if isinstance(item, list | tuple):
        return "[" + ", ".join(value(each) for each in item) + "]"
    return scalar(item)


def comment(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def load(
    source: Path, app_file: Path, tables: Sequence["InferredTable"], folder: Path, files: Mapping[str, Path]
) -> None:
    """Import each table's rows; those in `files` lie in files of their own."""
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import load_app
    from sovrium_tui.cli.progress import counted, finish
    from sovrium_tui.cli.session import with_client

    app = load_app(app_file, FIELD_TYPES)

    async def work(client: "Client") -> None:
        for spec, table in zip(app.tables, tables, strict=True):
            file = files.get(table.source) or rows_of(source, table, folder)
            # Where the names are the columns' own the server finds them itself: those of 1,500 columns fit in no address.
            renamed = any(column != field for column, field in table.mapping.items())
            started = await client.start_import(spec.sql_name, file, mapping=table.mapping if renamed else None)
            job = await finish(client, started)
            click.echo(f"{spec.name}: {counted(job.get('rows', job['done']))}", err=True)

    with_client(app_file, app_file.parent / ".sovrium", "init", work)


def rows_of(source: Path, table: "InferredTable", folder: Path) -> Path:
    """A file that the import knows by its name: the source, or one table of a database."""
    from core.records.infer import extract

    if table.source:
        file = folder / "table.parquet"
        file.unlink(missing_ok=True)
        extract(source, table, file)
        return file
    return source
