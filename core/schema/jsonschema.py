"""The JSON Schema (2020-12) of a whole app file, for editors and for `sovrium-tui schema`.

It says what JSON Schema can say: shapes, keys, limits. Rules between values (names twice, a related table that exists) are
the loader's alone.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from core.schema import key_text, nested_text
from core.schema.alias import RENAMED_FIELD_KEYS, RENAMED_KEYS, STRATEGY_ALIASES
from core.schema.analytics import AnalyticsForm
from core.schema.auth_form import STRATEGIES, AuthForm
from core.schema.form import AppForm, EnvForm, FieldForm, TableForm
from core.schema.name import MAX_NAME, RESERVED
from core.schema.pattern import IDENTIFIER, TABLE_NAME
from core.schema.vocabulary import FieldVocabulary

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FILE = {
    "type": "object",
    "properties": {"$ref": {"type": "string", "description": "A .yaml, .yml or .json file, relative to this one"}},
    "required": ["$ref"],
    "additionalProperties": False,
}


def json_schema(vocabulary: FieldVocabulary) -> dict[str, Any]:
    """The schema. Every root key, table and field may also be `{$ref: file}`."""
    definitions: dict[str, Any] = {"file": _FILE}
    root = _model(AppForm, definitions)
    table = _model(TableForm, definitions)
    definitions |= {"table": table, "field": _field(vocabulary, definitions), "env": _model(EnvForm, definitions)}
    table["properties"]["name"] = {"type": "string", "maxLength": MAX_NAME, "pattern": TABLE_NAME}
    table["properties"]["fields"] = _list_of("field")
    root["properties"]["tables"] = _list_of("table")
    root["properties"]["auth"] = {"anyOf": [{"$ref": "#/$defs/auth"}, {"enum": [False, None]}]}
    definitions["auth"] = _auth(definitions)
    root["properties"]["analytics"] = {
        "if": {"type": "object"},
        "then": _model(AnalyticsForm, definitions),
        "else": {"type": ["boolean", "null"]},
    }
    root["properties"]["env"] = _list_of("env")
    _describe(root["properties"], key_text.ROOT)
    _describe(table["properties"], key_text.TABLE)
    for place, old, new in RENAMED_KEYS:
        target = {"tables[]": table, "": root}.get(place)
        if target is not None:
            target["properties"][old] = {**target["properties"][new], "deprecated": True}
    simple = ("name", "version", "description", "badge")
    for key, schema in root["properties"].items():
        if key not in simple:
            root["properties"][key] = _or_file(schema)
    table["properties"]["fields"] = _or_file(table["properties"]["fields"])
    return {
        "$schema": DIALECT,
        "title": "App file of sovrium-tui",
        "description": "Tables, roles, pages and services of one app",
        **root,
        "$defs": definitions,
    }


def _describe(properties: dict[str, Any], texts: Mapping[str, str]) -> None:
    """Keys without a text are accepted and do nothing yet."""
    for key, schema in properties.items():
        properties[key] = {**schema, "description": texts.get(key, "Accepted, not run yet")}


def _auth(definitions: dict[str, Any]) -> dict[str, Any]:
    """`auth`: its keys, a strategy by its type; nothing is asked of a section that is switched off."""
    section = _model(AuthForm, definitions)
    branches = []
    for name, form in STRATEGIES.items():
        definitions[f"strategy-{name}"] = _model(form, definitions)
        is_it = {"properties": {"type": {"const": name}}, "required": ["type"]}
        branches.append({"if": is_it, "then": {"$ref": f"#/$defs/strategy-{name}"}})
    by_type = {
        "type": "object",
        "properties": {"type": {"type": "string", "enum": list(STRATEGIES), "description": nested_text.KIND}},
        "required": ["type"],
        "allOf": branches,
    }
    short = {"type": "string", "enum": [*STRATEGIES, *STRATEGY_ALIASES]}
    strategy = {"if": {"type": "string"}, "then": short, "else": by_type}
    section["properties"]["strategies"] |= {"items": _or_file(strategy), "minItems": 1}
    section["required"] = ["strategies"]
    is_off = {"properties": {"enabled": {"const": False}}, "required": ["enabled"]}
    return {"type": "object", "if": is_off, "else": section}


def _model(model: type[BaseModel], definitions: dict[str, Any]) -> dict[str, Any]:
    """A model's schema; the models inside it go to `definitions`."""
    schema = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
    for name, inner in schema.pop("$defs", {}).items():
        part = _told(_untitled(inner), name)
        assert definitions.setdefault(name, part) == part, f"two models are called {name}"
    return _told(_untitled(schema), model.__name__)


def _told(schema: dict[str, Any], part: str) -> dict[str, Any]:
    """The schema of a part with what its keys are for, as far as the model does not say it."""
    texts = {"type": nested_text.KIND, **nested_text.PARTS.get(part, {})}
    for form in (schema, *schema.get("anyOf", ())):  # an option is a text, or a map
        _fill(form.get("properties", {}), texts)
    return schema


def _fill(properties: dict[str, Any], texts: Mapping[str, str]) -> None:
    for key, schema in properties.items():
        if isinstance(schema, dict) and "description" not in schema and key in texts:
            properties[key] = {**schema, "description": texts[key]}


def _untitled(node: Any) -> Any:
    """Without the titles that pydantic derives from names, and without `default: null`."""
    if isinstance(node, list):
        return [_untitled(item) for item in node]
    if not isinstance(node, dict):
        return node
    dropped = {key for key in ("title",) if isinstance(node.get(key), str)}
    dropped |= {key for key in ("default",) if key in node and node[key] is None}
    return {key: _untitled(value) for key, value in node.items() if key not in dropped}


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _or_file({"$ref": f"#/$defs/{name}"})}


def _or_file(schema: dict[str, Any]) -> dict[str, Any]:
    """The thing, or a file with it. Told apart by the key, so that an editor's message is about the one that is meant."""
    is_file = {"type": "object", "required": ["$ref"]}
    text = {key: schema[key] for key in ("description",) if key in schema}
    return {**text, "if": is_file, "then": {"$ref": "#/$defs/file"}, "else": schema}


def _field(vocabulary: FieldVocabulary, definitions: dict[str, Any]) -> dict[str, Any]:
    """A field: common keys, and those of its type."""
    common = _model(FieldForm, definitions)["properties"]
    common["name"] = {
        "type": "string",
        "maxLength": MAX_NAME,
        "pattern": IDENTIFIER,
        "not": {"enum": sorted(RESERVED)},
    }
    _describe(common, key_text.FIELD)
    older = {old: new for old, new in vocabulary.aliases().items() if new in vocabulary.built()}
    branches: list[dict[str, Any]] = []
    for type_name in vocabulary.built():
        own = _model(vocabulary.options(type_name), definitions)
        properties = own.get("properties", {})
        _fill(properties, nested_text.OPTIONS)
        renamed = [(old, new) for place, old, new in RENAMED_KEYS if place == "tables[].fields[]"]
        renamed += [(old, new) for name, old, new in RENAMED_FIELD_KEYS if name == type_name]
        deprecated = {old: {**properties[new], "deprecated": True} for old, new in renamed if new in properties}
        definitions[f"field-{type_name}"] = {
            "type": "object",
            "description": vocabulary.about(type_name),
            "properties": {**common, "type": True, **properties, **deprecated},
            "required": ["name", "type", *own.get("required", ())],
            "additionalProperties": False,
        }
        names = [type_name, *(old for old, new in older.items() if new == type_name)]
        branches.append(
            {
                "if": {"properties": {"type": {"enum": names}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/field-{type_name}"},
            }
        )
    return {
        "type": "object",
        "properties": {
            "type": {
                "type": "string",
                "enum": [*vocabulary.built(), *older],
                "description": key_text.FIELD["type"],
                "enumDescriptions": [vocabulary.about(older.get(name, name)) for name in (*vocabulary.built(), *older)],
            }
        },
        "required": ["name", "type"],
        "allOf": branches,
    }
