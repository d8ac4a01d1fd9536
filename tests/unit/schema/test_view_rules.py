"""What is wrong with the views of an app file, each with its place (V-007)."""

import json
from typing import Any

import pytest

from core.fields.registry import FIELD_TYPES
from core.schema.loader import check_text

GOOD: dict[str, Any] = {"id": "open", "name": "Open"}
CASES: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("an empty name", [{**GOOD, "name": ""}], "schema.bad-value", "views[0].name"),
    ("a blank name", [{**GOOD, "name": "  "}], "view.name", "views[0].name"),
    ("a name above 100", [{**GOOD, "name": "n" * 101}], "schema.bad-value", "views[0].name"),
    ("a bad id", [{**GOOD, "id": "Open!"}], "schema.bad-value", "views[0].id"),
    ("an id twice", [GOOD, {**GOOD, "name": "Other"}], "schema.duplicate-id", "views[1].id"),
    (
        "two defaults",
        [{**GOOD, "isDefault": True}, {"id": "b", "name": "B", "isDefault": True}],
        "view.two-defaults",
        "views[1].isDefault",
    ),
    (
        "a filter over an unknown field",
        [{**GOOD, "filters": {"field": "x", "operator": "equals", "value": 1}}],
        "field.filter",
        "views[0].filters.field",
    ),
    ("a sort by one", [{**GOOD, "sorts": [{"field": "x"}]}], "schema.unknown-field", "views[0].sorts[0].field"),
    ("one among the fields", [{**GOOD, "fields": ["x"]}], "schema.unknown-field", "views[0].fields[0]"),
    ("groups by one", [{**GOOD, "groupBy": {"field": "x"}}], "schema.unknown-field", "views[0].groupBy.field"),
    (
        "an operator that a checkbox has not",
        [{**GOOD, "filters": {"field": "done", "operator": "contains", "value": "a"}}],
        "field.filter",
        "views[0].filters.operator",
    ),
]


def found(views: list[dict[str, Any]]) -> list[tuple[str, str]]:
    fields = [{"name": "title", "type": "single-line-text"}, {"name": "done", "type": "checkbox"}]
    app = {"name": "app", "tables": [{"name": "T", "fields": fields, "views": views}]}
    _, problems = check_text(json.dumps(app), FIELD_TYPES)
    return [(each.code, str(each.path)) for each in problems if each.severity == "error"]


@pytest.mark.parametrize(("views", "code", "path"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_wrong_is_told_where(views: list[dict[str, Any]], code: str, path: str) -> None:
    """V-007"""
    assert [(told, where) for told, where in found(views)] == [(code, f"tables[0].{path}")]


def test_fields_that_the_engine_fills_may_be_named() -> None:
    """V-007"""
    sorts = [{"field": "created_at", "direction": "desc"}, {"field": "id"}]
    assert found([{**GOOD, "sorts": sorts, "fields": ["title", "updated_at"]}]) == []


def test_filters_nest_as_deep_as_those_of_requests() -> None:
    """R-106, R-112"""
    tree: dict[str, Any] = {"field": "title", "operator": "equals", "value": "x"}
    for depth in range(10):
        tree = {"not": tree} if depth % 2 else {"and": [tree]}
    assert found([{**GOOD, "filters": tree}]) == []
    for deeper in ({"or": [tree]}, {"not": tree}):
        assert [code for code, _ in found([{**GOOD, "filters": deeper}])] == ["field.filter"]
