"""The JSON Schema of the app file agrees with the loader (C-006)."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.fields.registry import FIELD_TYPES
from core.schema.form import FIELD_LATER, ROOT_RUN, TABLE_LATER, FieldForm, TableForm
from core.schema.jsonschema import json_schema
from core.schema.source import read_source, read_text
from tests.support.fields import samples
from tests.unit.schema.test_broken_app import CASES, Case
from tests.unit.schema.test_good_app import GOOD

SHAPE_CODES = {"missing-key", "wrong-type", "bad-value", "unknown-key", "app-name", "field-type", "field-name"}
"""What JSON Schema can say; the rest is between values."""

SCHEMA = json_schema(FIELD_TYPES)
VALIDATOR = Draft202012Validator(SCHEMA)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_good_app_is_accepted() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(read_source(GOOD).tree)] == []


def test_an_editor_has_a_text_for_every_key() -> None:
    """C-006: of the root, of tables and of fields, and for each type; what does nothing yet says so."""
    root = {key: each["description"] for key, each in SCHEMA["properties"].items()}
    assert {key for key, text in root.items() if text != "Accepted, not run yet"} == ROOT_RUN | {"languages"}
    for name, later, known in (("table", TABLE_LATER, TableForm), ("field-integer", FIELD_LATER, FieldForm)):
        texts = {
            field.alias or key: SCHEMA["$defs"][name]["properties"][field.alias or key]["description"]
            for key, field in known.model_fields.items()
            if key != "type"
        }
        assert {key for key, text in texts.items() if text == "Accepted, not run yet"} == set(later)
    assert all(SCHEMA["$defs"]["field"]["properties"]["type"]["enumDescriptions"])


def undescribed(node: Any, place: str = "") -> list[str]:
    """Keys below that tell an editor nothing."""
    if isinstance(node, list):
        return [each for part in node for each in undescribed(part, place)]
    if not isinstance(node, dict):
        return []
    properties = {} if place.endswith("/if") else node.get("properties", {})
    silent = (key for key, schema in properties.items() if isinstance(schema, dict) and "description" not in schema)
    below = (each for key, part in node.items() for each in undescribed(part, f"{place}/{key}"))
    return [*(f"{place}.{key}" for key in silent), *below]


def test_an_editor_has_a_text_for_the_keys_of_every_part() -> None:
    """C-006"""
    assert undescribed(SCHEMA) == []


def test_tables_and_accounts_have_limits_of_their_own() -> None:
    table = {"name": "T", "fields": [], "rateLimit": {"read": 5, "windowSeconds": 10}}
    auth = {"strategies": ["emailAndPassword"], "rateLimit": {"window": 5}}
    assert VALIDATOR.is_valid({"name": "x", "auth": auth, "tables": [table], "rateLimit": {"read": 9}})
    assert not VALIDATOR.is_valid({"name": "x", "tables": [{**table, "rateLimit": {"window": 5}}]})


def test_files_may_stand_for_sections() -> None:
    assert VALIDATOR.is_valid({"name": "x", "tables": {"$ref": "t.yaml"}, "pages": {"$ref": "p.json"}})
    assert VALIDATOR.is_valid(
        {"name": "x", "tables": [{"$ref": "t.yaml"}, {"name": "T", "fields": [{"$ref": "f.yaml"}]}]}
    )
    assert not VALIDATOR.is_valid({"name": "x", "tables": {"$ref": "t.yaml", "more": 1}})


def test_older_names_are_accepted() -> None:
    field = {"name": "a", "type": "number", "scale": 2}
    assert VALIDATOR.is_valid({"name": "x", "tables": [{"name": "T", "fields": [field], "uniqueConstraints": []}]})


@pytest.mark.parametrize(("type_name", "keys"), samples())
def test_every_type_is_described(type_name: str, keys: dict[str, object]) -> None:
    field = {"name": "a", "type": type_name, **keys}
    tree = {"name": "x", "tables": [{"name": "T", "fields": [field]}]}
    assert VALIDATOR.is_valid(tree)
    field["noSuchKey"] = 1
    assert not VALIDATOR.is_valid(tree)


def shape_cases() -> list[Case]:
    found = []
    for case in CASES:
        codes = {code.removeprefix("schema.") for code, *_ in case.expected}
        if len(case.files) == 1 and codes & SHAPE_CODES:
            found.append(case)
    return found


@pytest.mark.parametrize("case", shape_cases(), ids=lambda case: case.title)
def test_broken_shapes_are_refused(case: Case) -> None:
    source = read_text(case.files[case.root], case.root)
    assert not VALIDATOR.is_valid(source.tree)
