"""The data of a template: `data/<table>.csv` of every table becomes its records, `data/files/` what their cells name.

Rows are imported table by table, linked tables first, so that they get the ids that the links mean. What cannot be known by
then is written afterwards: links within a table or back to one, and files.
"""

import base64
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BadRequest

if TYPE_CHECKING:
    from core.client import Client
    from core.schema.model import App, TableSpec

AT_ONCE = 100
"""Records of one request (R-052)."""


def load_template(app_file: Path) -> None:
    """Import what lies in `data` beside the app file."""
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import load_app
    from sovrium_tui.cli.session import with_client

    app = load_app(app_file, FIELD_TYPES)
    folder = app_file.parent / "data"

    async def work(client: "Client") -> None:
        from sovrium_tui.cli.progress import counted, finish

        later: dict[str, set[str]] = {}
        loaded: set[str] = set()
        for table in in_order(app):
            file = folder / f"{table.sql_name}.csv"
            if file.is_file():
                later[table.sql_name] = waiting(table, app, loaded)
                now = [name for name in header(file) if name not in later[table.sql_name]]
                mapping = {name: name for name in now}
                job = await finish(client, await client.start_import(table.sql_name, file, mapping=mapping))
                click.echo(f"{table.sql_name}: {counted(job.get('rows', job['done']))}", err=True)
            loaded.add(table.sql_name)
        for name, fields in later.items():
            changes = list(written_later(folder, name, fields, app))
            for start in range(0, len(changes), AT_ONCE):
                body = {"records": changes[start : start + AT_ONCE]}
                await client.request("PATCH", f"/api/tables/{name}/records/batch", json=body)

    with_client(app_file, app_file.parent / ".sovrium", "init", work)


def in_order(app: "App") -> list["TableSpec"]:
    """The tables, each behind those that it links to; circles are cut where they are met."""
    tables = {table.sql_name: table for table in app.tables}
    ordered: list[TableSpec] = []
    visiting: set[str] = set()

    def visit(name: str) -> None:
        if name in visiting:
            return
        visiting.add(name)
        for other in targets(tables[name], app).values():
            visit(other)
        ordered.append(tables[name])

    for name in tables:
        visit(name)
    return ordered


def targets(table: "TableSpec", app: "App") -> dict[str, str]:
    """The tables that the records of a table link to by what they hold, by field."""
    from core.fields.relationship import RelationshipOptions, related_table

    found: dict[str, str] = {}
    for field in table.fields:
        options = field.options
        if isinstance(options, RelationshipOptions) and options.relation_type != "one-to-many":
            target = related_table(options, app)
            if target is not None:
                found[field.name] = target.sql_name
    return found


def waiting(table: "TableSpec", app: "App", loaded: set[str]) -> set[str]:
    """The fields of a table that are written when all rows are there."""
    from core.fields.attachment import AttachmentOptions

    links = {name for name, target in targets(table, app).items() if target not in loaded}
    return links | {field.name for field in table.fields if isinstance(field.options, AttachmentOptions)}


def header(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        return next(csv.reader(lines), [])


def written_later(folder: Path, table: str, fields: set[str], app: "App") -> Iterator[dict[str, Any]]:
    """`{id, fields}` of the rows that have something in these fields."""
    from core.fields.attachment import AttachmentOptions

    spec = next(each for each in app.tables if each.sql_name == table)
    kept = {field.name for field in spec.fields if isinstance(field.options, AttachmentOptions)}
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as lines:
        for number, row in enumerate(csv.DictReader(lines), start=1):
            values: dict[str, Any] = {}
            for name in fields & row.keys():
                if cell := row[name]:
                    value = json.loads(cell) if cell.startswith("[") else cell
                    values[name] = contents(folder / "files", value) if name in kept else value
            if values:
                yield {"id": number, "fields": values}


def contents(folder: Path, value: Any) -> Any:
    """A file as the records API takes it, or several. Raises BadRequest when it cannot be read."""
    if isinstance(value, list):
        return [contents(folder, each) for each in value]
    path = folder / value
    try:
        return {"name": path.name, "content": base64.b64encode(path.read_bytes()).decode()}
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}") from error
