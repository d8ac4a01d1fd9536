"""The designer's draft: types that it offers, steps replayed over the tables, options as text, problems at their lines."""

from typing import Any

import pytest

from core.fields.registry import FIELD_TYPES
from core.schema.edit import AppEdit
from screens.presenters.schema_draft import TYPES, SchemaDraft, line_of
from screens.presenters.schema_value import options_read, options_text, read


def table(*names: str) -> Any:
    fields = [
        {
            "id": str(at),
            "name": name,
            "label": "",
            "description": "",
            "type": "integer",
            "family": "number",
            "editor": "number",
        }
        | {"required": False, "unique": False, "indexed": False, "readOnly": False, "system": False, "numeric": True}
        | {"default": None, "options": {}, "operators": []}
        for at, name in enumerate(names)
    ]
    return {
        "id": "1",
        "name": "Parts",
        "sqlName": "parts",
        "primaryKey": "id",
        "displayField": names[0],
        "fields": fields,
    }


def test_every_type_that_is_offered_is_known() -> None:
    """T-037"""
    assert set(TYPES) == set(FIELD_TYPES.built())
    assert len(TYPES) == len(set(TYPES))


def test_every_step_has_its_change_on_the_server() -> None:
    made = ("add-table", "rename-table", "remove-table", "move-table", "add-field", "rename-field", "retype-field")
    known = {name.removeprefix("_do_").replace("_", "-") for name in dir(AppEdit) if name.startswith("_do_")}
    assert {*made, "set-field", "remove-field", "move-field"} <= known


def test_steps_are_replayed_undone_and_redone() -> None:
    draft = SchemaDraft([table("a", "b", "c")])
    draft.add({"op": "move-field", "table": "Parts", "field": "c", "to": 0})
    draft.add({"op": "rename-field", "table": "Parts", "field": "a", "name": "z"})
    draft.retype("Parts", "b", "status")
    names = [each.name for each in draft.tables[0].fields]
    assert names == ["c", "z", "b"]
    held = draft.tables[0].field("b")
    assert held is not None
    assert held.spec["options"] == ["Open", "Done"]
    assert [draft.undo() for _ in range(4)] == [True, True, True, False]
    assert [each.name for each in draft.tables[0].fields] == ["a", "b", "c"]
    assert draft.redo()
    assert [each.name for each in draft.tables[0].fields] == ["c", "a", "b"]


@pytest.mark.parametrize(
    "options",
    [
        ["New", "Used"],
        [{"value": "Won", "color": "#2F9E5F"}, "Lost"],
        [{"value": "a", "color": "#000000", "label": "A"}],
    ],
)
def test_options_survive_their_text(options: list[Any]) -> None:
    assert options_read(options_text(options), options) == options


def test_values_are_read_as_what_they_look_like() -> None:
    assert [read(text) for text in ("", "3", "true", "[1]", "Oslo")] == [None, 3, True, [1], "Oslo"]


def test_the_line_of_a_problem_is_found_in_the_difference() -> None:
    """T-031"""
    diff = ["--- app.yaml", "+++ app.yaml", "@@ -5,3 +5,4 @@", " a", "-b", "+c", "+d", " e"]
    assert [line_of(diff, number) for number in (5, 6, 7, 8, 4)] == ["a", "c", "d", "e", ""]
