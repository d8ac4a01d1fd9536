"""`validate`, `schema`: the app file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sovrium_tui.cli.app_file import app_argument, find_app
from sovrium_tui.cli.result import deliver, json_option, printable, tell_json
from sovrium_tui.settings import MASK, masked


@click.command()
@app_argument
@click.option("--print", "shown", is_flag=True, help="Print the app as it is understood; secrets are masked.")
@json_option
def validate(app: Path | None, shown: bool, as_json: bool) -> int:
    """Check APP; every problem comes with file, line and column.

    --print writes the whole app to stdout: included files in place, older names rewritten, ids filled in.
    """
    app_file = find_app(app)
    from core.fields.registry import FIELD_TYPES
    from core.schema.loader import understood

    found, problems = understood(app_file, FIELD_TYPES)
    if found is not None and has_generated(found):
        from core.generation.setting import found_wanting
        from core.schema.environment import environment

        problems += found_wanting(environment(app_file))
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        body = {"valid": found is not None, "file": str(app_file), "problems": [problem.body() for problem in problems]}
        if found is not None:
            body |= {"name": found["name"], "tables": len(found.get("tables", ()))}
            body |= {"app": without_secrets(found)} if shown else {}
        tell_json(body)
        return 0 if found is not None else 2
    for problem in problems:
        click.echo(printable(str(problem)), err=True)
    if found is None:
        click.echo(f"error: {app_file.name} has {errors} error{'s'[: errors > 1]}", err=True)
        return 2
    if shown:
        import yaml

        click.echo(yaml.safe_dump(without_secrets(found), sort_keys=False, allow_unicode=True, width=110), nl=False)
        return 0
    count = len(found.get("tables", ()))
    click.echo(f"{found['name']}: valid, {count} table{'s'[: count != 1]}")
    return 0


def has_generated(app: Mapping[str, Any]) -> bool:
    """There are fields that a language model fills."""
    from core.fields.generated import GeneratedOptions
    from core.fields.registry import FIELD_TYPES

    types = {field["type"] for table in app.get("tables", ()) for field in table["fields"]}
    return any(issubclass(FIELD_TYPES.options(each), GeneratedOptions) for each in types)


SECRET_KEY = re.compile(r".*(secret|password|passphrase|token|api_?key|private_?key|credential)s?", re.IGNORECASE)


def without_secrets(node: Any) -> Any:
    """The same data with what may be a secret masked: texts under keys named so, and defaults of variables named so. A
    `$env.NAME` stays, for it names a variable and does not hold it (CL-008)."""
    if isinstance(node, list):
        return [without_secrets(each) for each in node]
    if not isinstance(node, dict):
        return node
    shown = {key: hidden(each) if SECRET_KEY.fullmatch(key) else without_secrets(each) for key, each in node.items()}
    if isinstance(codes := node.get("testOtps"), dict):
        shown["testOtps"] = {number: hidden(code) for number, code in codes.items()}
    if isinstance(node.get("key"), str) and node.get("default") is not None:
        shown["default"] = masked(node["key"], node["default"])
    return shown


def hidden(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.startswith("$env.") or not value else MASK
    return without_secrets(value)


@click.command("schema")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
def schema_command(output: Path | None) -> None:
    """Print the JSON Schema of app files, for editors.

    It is of the version 2020-12 and tells an editor which keys there are, and what for.
    """
    from core.fields.registry import FIELD_TYPES
    from core.schema.jsonschema import json_schema

    deliver(json.dumps(json_schema(FIELD_TYPES), indent=2, ensure_ascii=False), output)


COMMANDS = (validate, schema_command)
