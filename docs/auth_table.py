"""The keys of `auth` as tables, from the JSON Schema of an app file: what an editor shows, the documentation shows."""

import json
from collections.abc import Iterator
from typing import Any

from core.fields.registry import FIELD_TYPES
from core.schema.auth_form import STRATEGIES
from core.schema.jsonschema import json_schema

HEAD = ["| Key | Values | Default | Meaning |", "| --- | --- | --- | --- |"]


def auth_table() -> str:
    """A row per key, and a table per strategy."""
    definitions = json_schema(FIELD_TYPES)["$defs"]
    lines = [*HEAD, *_rows(definitions["auth"]["else"], definitions)]
    for name in STRATEGIES:
        rows = list(_rows(definitions[f"strategy-{name}"], definitions))
        lines += ["", f"### {name}", "", *([*HEAD, *rows] if rows else ["No keys of its own."])]
    return "\n".join(lines) + "\n"


def _rows(schema: Any, definitions: Any, before: str = "") -> Iterator[str]:
    """The keys of a form, each followed by those of the form inside it. A form without a word about itself has no row."""
    for key, each in schema["properties"].items():
        if "const" in each:
            continue  # a strategy's `type`
        if key == "emailTemplates":
            names = ", ".join(f"`{name}`" for name in definitions["TemplatesForm"]["properties"])
            yield _row(f"{key}.<name>", names, "", "Mails in the app's own words")
            yield from _rows(definitions["TemplateForm"], definitions, f"{key}.<name>.")
            continue
        forms = list(_forms(each, definitions))
        if "description" in each or not any("properties" in form for form in forms):
            yield _row(f"{before}{key}", _values(forms), _default(each.get("default")), each.get("description", ""))
        item = "[]" if any(form.get("type") == "array" for form in forms) else ""
        for form in forms:
            if "properties" in form and not any("additionalProperties" in one and one is not form for one in forms):
                yield from _rows(form, definitions, f"{before}{key}{item}.")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: Any) -> str:
    return "" if value in (None, "", []) or isinstance(value, dict) else f"`{json.dumps(value)}`".replace('"', "")


def _forms(schema: Any, definitions: Any) -> Iterator[Any]:
    """The schemas that stand in one: choices, items, values, references followed."""
    if "$ref" in schema:
        yield from _forms(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
        return
    yield schema
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _forms(each, definitions)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _forms(schema[key], definitions)


def _values(forms: list[Any]) -> str:
    """What a key may hold, in short."""
    words = {"boolean": "`true`, `false`", "array": "list", "object": "map", "integer": "number", "string": "text"}
    found: list[str] = []
    for each in forms:
        if "enum" in each:
            found += [f"`{one}`" for one in each["enum"]]
        elif "maximum" in each:
            found.append(f"{each['minimum']:,} to {each['maximum']:,}")
        elif "minimum" in each:
            found.append(f"{each['minimum']} or more")
        elif each.get("type") in words:
            found.append(words[each["type"]])
    if len(found) > 1 and found[0] in ("list", "map"):
        return f"{found[0]} of {', '.join(found[1:])}"
    return ", ".join(found)
