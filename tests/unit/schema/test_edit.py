"""Changes of an app file: what is written where, and that nothing else moves."""

from pathlib import Path
from typing import Any

import pytest

from core.errors import BadRequest
from core.fields.registry import FIELD_TYPES
from core.schema.edit import Edited, edit_app, missing_ids, write_texts
from core.schema.loader import check_app

YAML = """\
# An app of parts.
name: shop   # its name

tables:
  # What is on the shelves.
  - id: 1
    name: Parts
    fields:
      - { id: 1, name: part_no, type: single-line-text, required: true }   # the number
      # How many there are.
      - id: 2
        name: stock
        type: integer   # whole
        min: 0

      - id: 3
        name: total
        type: integer
    unique:
      - fields: [part_no, stock]

  - id: 2
    name: Orders
    fields: [{ id: 1, name: part, type: relationship, relatedTable: Parts, displayField: part_no }]
"""
JSON = """\
{
  "name": "shop",
  "tables": [
    {
      "id": 1,
      "name": "Parts",
      "fields": [
        {"id": 1, "name": "part_no", "type": "single-line-text"},
        {"id": 2, "name": "stock", "type": "integer"}
      ]
    }
  ]
}
"""


@pytest.fixture
def yaml(tmp_path: Path) -> Path:
    file = tmp_path / "app.yaml"
    file.write_text(YAML)
    return file


@pytest.fixture
def json(tmp_path: Path) -> Path:
    file = tmp_path / "app.json"
    file.write_text(JSON)
    return file


def edit(file: Path, *changes: dict[str, Any]) -> Edited:
    found = edit_app(file, changes, FIELD_TYPES)
    assert found.app is not None, found.problems
    return found


def changed(found: Edited) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    lines = [line for line in found.diff if not line.startswith(("---", "+++", "@@"))]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


def test_an_option_is_set_in_its_line(yaml: Path) -> None:
    found = edit(yaml, {"op": "set-field", "table": "Parts", "field": "stock", "key": "min", "value": 5})
    assert changed(found) == (["        min: 0"], ["        min: 5"])


def test_a_comment_behind_a_value_stays(yaml: Path) -> None:
    found = edit(yaml, {"op": "retype-field", "table": 1, "field": "stock", "type": "decimal"})
    assert changed(found) == (["        type: integer   # whole"], ["        type: decimal   # whole"])


def test_a_new_option_comes_behind_the_others(yaml: Path) -> None:
    found = edit(
        yaml, {"op": "set-field", "table": "Parts", "field": "stock", "key": "label", "value": "In stock: now"}
    )
    assert changed(found) == ([], ['        label: "In stock: now"'])
    found = edit(yaml, {"op": "set-field", "table": "Parts", "field": "part_no", "key": "label", "value": "Nr"})
    assert changed(found)[1] == [
        "      - { id: 1, name: part_no, type: single-line-text, required: true, label: Nr }   # the number"
    ]


def test_an_option_goes(yaml: Path) -> None:
    found = edit(yaml, {"op": "set-field", "table": "Parts", "field": "stock", "key": "min"})
    assert changed(found) == (["        min: 0"], [])
    found = edit(yaml, {"op": "set-field", "table": "Parts", "field": "part_no", "key": "required", "value": None})
    assert changed(found)[1] == ["      - { id: 1, name: part_no, type: single-line-text }   # the number"]


def test_a_field_comes_at_its_place(yaml: Path) -> None:
    new = {"id": 9, "name": "place", "type": "single-line-text"}
    found = edit(yaml, {"op": "add-field", "table": "Parts", "field": new, "at": 1})
    assert changed(found) == ([], ["      - { id: 9, name: place, type: single-line-text }"])
    text = found.texts[yaml]
    assert text.index("place") < text.index("# How many there are.")
    found = edit(yaml, {"op": "add-field", "table": "Parts", "field": new})
    assert found.texts[yaml].index("name: total") < found.texts[yaml].index("place") < found.texts[yaml].index("unique")


def test_a_long_field_goes_over_several_lines(yaml: Path) -> None:
    options = [f"a rather long option, number {number}" for number in range(6)]
    new = {"name": "kind", "type": "single-select", "options": options}
    _, came = changed(edit(yaml, {"op": "add-field", "table": "Parts", "field": new}))
    assert came[:4] == [
        "      - name: kind",
        "        type: single-select",
        "        options:",
        '          - "a rather long option, number 0"',
    ]


def test_a_field_goes_with_its_comment(yaml: Path) -> None:
    found = edit(
        yaml,
        {"op": "set-table", "table": "Parts", "key": "unique"},
        {"op": "remove-field", "table": "Parts", "field": "stock"},
    )
    gone, came = changed(found)
    assert came == []
    assert "      # How many there are." in gone
    assert "        min: 0" in gone
    assert "# the number" in found.texts[yaml]


def test_a_field_moves_with_its_comment(yaml: Path) -> None:
    found = edit(yaml, {"op": "move-field", "table": "Parts", "field": "stock", "to": 0})
    text = found.texts[yaml]
    assert text.index("# How many there are.") < text.index("name: stock") < text.index("name: part_no")
    assert [field.name for field in found.app.tables[0].fields] == ["stock", "part_no", "total"]  # type: ignore[union-attr]


def test_a_renamed_field_is_renamed_where_it_is_named(yaml: Path) -> None:
    """M-023"""
    found = edit(yaml, {"op": "rename-field", "table": "Parts", "field": "part_no", "name": "number"})
    assert found.texts[yaml].count("part_no") == 0
    assert "displayField: number" in found.texts[yaml]
    assert "- fields: [number, stock]" in found.texts[yaml]


def test_a_renamed_table_is_renamed_where_it_is_named(yaml: Path) -> None:
    """M-023"""
    found = edit(yaml, {"op": "rename-table", "table": "Parts", "name": "Spare Parts"})
    assert "relatedTable: Spare Parts" in found.texts[yaml]
    assert "# An app of parts." in found.texts[yaml]


def test_tables_come_move_and_go(yaml: Path) -> None:
    new = {"id": 7, "name": "Places", "fields": [{"id": 1, "name": "name", "type": "single-line-text"}]}
    found = edit(yaml, {"op": "add-table", "table": new}, {"op": "move-table", "table": "Places", "to": 0})
    assert [table.name for table in found.app.tables] == ["Places", "Parts", "Orders"]  # type: ignore[union-attr]
    assert found.texts[yaml].index("Places") < found.texts[yaml].index("# What is on the shelves.")
    found = edit(yaml, {"op": "remove-table", "table": "Orders"})
    assert found.texts[yaml].rstrip().endswith("- fields: [part_no, stock]")
    found = edit(yaml, {"op": "remove-table", "table": 2}, {"op": "remove-table", "table": 1})
    assert found.texts[yaml].rstrip() == "# An app of parts.\nname: shop   # its name\n\ntables: []"


def test_permissions_are_set(yaml: Path) -> None:
    permissions = {"read": "all", "update": ["admin"]}
    found = edit(yaml, {"op": "set-table", "table": "Orders", "key": "permissions", "value": permissions})
    assert changed(found)[1] == ["    permissions: { read: all, update: [admin] }"]


def test_json_stays_json(json: Path) -> None:
    found = edit(
        json,
        {"op": "add-field", "table": "Parts", "field": {"name": "place", "type": "single-line-text"}},
        {"op": "set-field", "table": "Parts", "field": "stock", "key": "min", "value": 1},
        {"op": "set-table", "table": "Parts", "key": "allowDestructive", "value": True},
        {"op": "move-field", "table": "Parts", "field": "place", "to": 0},
        {"op": "remove-field", "table": "Parts", "field": "part_no"},
    )
    assert (
        found.texts[json]
        == """\
{
  "name": "shop",
  "tables": [
    {
      "id": 1,
      "name": "Parts",
      "fields": [
        {"name": "place", "type": "single-line-text"},
        {"id": 2, "name": "stock", "type": "integer", "min": 1}
      ],
      "allowDestructive": true
    }
  ]
}
"""
    )


def test_included_files_are_changed_where_things_are_written(tmp_path: Path) -> None:
    root, parts, fields = tmp_path / "app.yaml", tmp_path / "tables" / "parts.yaml", tmp_path / "tables" / "stock.json"
    parts.parent.mkdir()
    root.write_text("name: shop\ntables:\n  - $ref: tables/parts.yaml\n")
    parts.write_text(
        "id: 1\nname: Parts\nfields:\n  - { id: 1, name: part_no, type: code, language: x }\n  - $ref: stock.json\n"
    )
    fields.write_text('{"id": 2, "name": "stock", "type": "integer"}\n')
    found = edit(
        root,
        {"op": "set-field", "table": "Parts", "field": "stock", "key": "min", "value": 1},
        {"op": "rename-field", "table": "Parts", "field": "part_no", "name": "number"},
    )
    assert set(found.texts) == {parts, fields}
    assert found.texts[fields] == '{"id": 2, "name": "stock", "type": "integer", "min": 1}\n'
    write_texts(found.texts)
    assert fields.read_text() == found.texts[fields]
    found = edit(root, {"op": "remove-field", "table": "Parts", "field": "stock"})
    assert found.texts == {parts: parts.read_text().replace("\n  - $ref: stock.json", "")}


def test_line_breaks_of_windows_and_letters_beyond_ascii_stay(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_bytes(YAML.replace("on the shelves", "sur les étagères 📦").replace("\n", "\r\n").encode())
    found = edit(
        file,
        {"op": "add-field", "table": "Parts", "field": {"name": "place", "type": "single-line-text"}},
        {"op": "set-field", "table": "Parts", "field": "stock", "key": "min", "value": 3},
    )
    text = found.texts[file]
    assert text.count("\n") == text.count("\r\n") == YAML.count("\n") + 1
    assert "sur les étagères 📦" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"op": "explode"}, "no change 'explode'"),
        ({"op": "add-field", "table": "Parts"}, "needs `field`"),
        ({"op": "remove-field", "table": "Nothing", "field": "x"}, "no table Nothing"),
        ({"op": "remove-field", "table": "Parts", "field": "x"}, "no field x"),
        ({"op": "move-field", "table": "Parts", "field": "stock", "to": 9}, "no place 9"),
        ({"op": "set", "path": [], "value": 1}, "path is empty"),
    ],
)
def test_what_cannot_be_done_is_told(yaml: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        edit_app(yaml, [change], FIELD_TYPES)


def test_a_result_that_is_not_valid_is_told_with_its_places(yaml: Path) -> None:
    found = edit_app(
        yaml, [{"op": "set-field", "table": "Parts", "field": "stock", "key": "min", "value": "x"}], FIELD_TYPES
    )
    assert found.app is None
    assert "app.yaml:14" in str(found.problems[0])
    assert yaml.read_text() == YAML


def test_values_behind_an_alias_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(
        "name: shop\ntables:\n  - name: A\n    fields: &fields\n      - { name: x, type: integer }\n"
        "  - name: B\n    fields: *fields\n"
    )
    with pytest.raises(BadRequest, match="alias"):
        edit_app(file, [{"op": "set-field", "table": "B", "field": "x", "key": "min", "value": 1}], FIELD_TYPES)
    edit(file, {"op": "set-field", "table": "A", "field": "x", "key": "min", "value": 1})


@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_missing_ids_are_written(tmp_path: Path, suffix: str) -> None:
    """M-022: the tables are the same for the database, before and after."""
    file = tmp_path / f"app.{suffix}"
    text = JSON.replace('"id": 1, ', "").replace('"id": 2, ', "").replace('      "id": 1,\n', "")
    if suffix == "yaml":
        text = YAML.replace("{ id: 1, ", "{ ").replace("- id: 1\n    ", "- ")
        text = text.replace("- id: 2\n        ", "- ").replace("- id: 3\n        ", "- ").replace("- id: 2\n    ", "- ")
    file.write_text(text)
    before, _ = check_app(file, FIELD_TYPES)
    found = missing_ids(file, FIELD_TYPES)
    assert before is not None
    assert found.app is not None
    assert found.app.tables_data == before.tables_data
    assert found.count == sum(1 + len(table.fields) for table in before.tables)
    write_texts(found.texts)
    assert missing_ids(file, FIELD_TYPES).count == 0
    assert "# How many there are." in found.texts[file] or suffix == "json"


ACCESS = """\
name: desk
auth:
  strategies: [{type: emailAndPassword}]
  roles:
    - {name: editor, level: 30} # writes
tables:
  - id: 1
    name: notes
    fields:
      - {id: 1, name: text, type: single-line-text}
      - {id: 2, name: owner, type: single-line-text}
    permissions: {read: authenticated} # all may read
  - id: 2
    name: jobs
    fields: [{id: 1, name: text, type: single-line-text}]
"""
OWN = {"when": {"field": "owner", "operator": "eq", "value": "$currentUser.email"}}


def test_rules_of_access_are_written_where_they_belong(tmp_path: Path) -> None:
    """Operations, fields, rows, policies and roles, in blocks that are there and in new ones; comments stay."""
    file = tmp_path / "app.yaml"
    file.write_text(ACCESS)
    policy = {"name": "own", "for": "update", "to": ["editor"], "using": "owner = auth.email()"}
    changes: list[dict[str, Any]] = [
        {"op": "set-rule", "table": "notes", "path": ["permissions", "update"], "value": ["editor"]},
        {"op": "set-field-rule", "table": "notes", "field": "owner", "key": "write", "value": ["admin"]},
        {"op": "set-field-rule", "table": "notes", "field": "text", "key": "read", "value": "all"},
        {"op": "set-field-rule", "table": "notes", "field": "text", "key": "read"},
        {"op": "set-rule", "table": "jobs", "path": ["permissions", "read"], "value": {"minRole": "editor"}},
        {"op": "set-rule", "table": "notes", "path": ["rowLevelPermissions", "write"], "value": OWN},
        {"op": "set-policy", "table": "notes", "policy": "own", "value": {**policy, "check": "true"}},
        {"op": "set-policy", "table": "notes", "policy": "own", "value": policy},
        {"op": "add-role", "role": {"name": "hr", "level": 20}},
        {"op": "set-role", "role": "hr", "key": "description", "value": "People"},
        {"op": "set", "path": ["auth", "defaultRole"], "value": "hr"},
    ]
    edited = edit_app(file, changes, FIELD_TYPES)
    assert edited.app is not None
    notes, jobs = edited.app.tables_data
    fields = [{"field": "owner", "write": ["admin"]}]
    assert notes["permissions"] == {"read": "authenticated", "update": ["editor"], "fields": fields}
    assert (notes["rowLevelPermissions"], notes["rls"]) == ({"write": OWN}, {"policies": [policy]})
    assert jobs["permissions"] == {"read": {"minRole": "editor"}}
    assert (edited.app.roles.by_name["hr"].description, edited.app.roles.default) == ("People", "hr")
    text = edited.texts[file]
    assert "# writes" in text
    assert "# all may read" in text


def test_a_role_that_goes_leaves_its_name_to_be_told(tmp_path: Path) -> None:
    """A-025: the result is not valid, at the place that still names it."""
    file = tmp_path / "app.yaml"
    file.write_text(ACCESS.replace("read: authenticated", "read: [editor]"))
    edited = edit_app(file, [{"op": "remove-role", "role": "editor"}], FIELD_TYPES)
    assert edited.app is None
    assert [problem.code for problem in edited.problems] == ["permission.unknown-role"]
    with pytest.raises(BadRequest, match="no role chef"):
        edit_app(file, [{"op": "set-role", "role": "chef", "key": "level", "value": 3}], FIELD_TYPES)
    with pytest.raises(BadRequest, match="no policy p"):
        edit_app(file, [{"op": "set-policy", "table": "notes", "policy": "p"}], FIELD_TYPES)
