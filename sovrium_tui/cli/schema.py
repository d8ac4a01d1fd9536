"""`validate`, `schema`: the app file."""

import json
from pathlib import Path

import click

from core.errors import SovriumError
from sovrium_tui.cli.app_file import app_argument, find_app


@click.command()
@app_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate(app: Path | None, as_json: bool) -> int:
    """Check APP; every problem comes with file, line and column."""
    app_file = find_app(app)
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import check_app

    found, problems = check_app(app_file, FIELD_TYPES)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        body = {"valid": found is not None, "file": str(app_file), "problems": [problem.body() for problem in problems]}
        if found is not None:
            body |= {"name": found.name, "tables": len(found.tables)}
        click.echo(json.dumps(body, ensure_ascii=False))
        return 0 if found is not None else 2
    from sovrium_tui.cli.main import printable

    for problem in problems:
        click.echo(printable(str(problem)), err=True)
    if found is None:
        click.echo(f"error: {app_file.name} has {errors} error{'s'[: errors > 1]}", err=True)
        return 2
    count = len(found.tables)
    click.echo(f"{found.name}: valid, {count} table{'s'[: count != 1]}")
    return 0


@click.command("schema")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
def schema_command(output: Path | None) -> None:
    """Print the JSON Schema of app files (2020-12), for editors and checks."""
    from core.fields.registry import FIELD_TYPES
    from core.schema.jsonschema import json_schema

    text = json.dumps(json_schema(FIELD_TYPES), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise SovriumError(f"{output}: {error.strerror}") from error
    click.echo(f"Wrote {output}", err=True)


COMMANDS = (validate, schema_command)
