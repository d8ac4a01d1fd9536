"""App files that load, and what becomes of them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.errors import SchemaError
from core.fields.registry import FIELD_TYPES
from core.schema.auth import MagicLinkStrategy, PasswordStrategy
from core.schema.loader import check_app, check_text, load_app, load_data, load_text
from core.schema.model import App, PrimaryKey, TableSpec

GOOD = Path(__file__).parents[2] / "corpora" / "app_files" / "good.yaml"


@pytest.fixture(scope="module")
def app() -> App:
    return load_app(GOOD, FIELD_TYPES, environ={})


def table(text: str) -> TableSpec:
    return load_text(f"name: x\ntables:\n- {text}", FIELD_TYPES).tables[0]


def warnings(text: str) -> list[str]:
    _, problems = check_text(text, FIELD_TYPES)
    return [f"{problem.severity} {problem.code} {problem.path}" for problem in problems]


def test_only_notes(app: App) -> None:
    _, problems = check_app(GOOD, FIELD_TYPES)
    assert {(problem.severity, problem.path) for problem in problems} == {("note", "badge"), ("note", "theme")}


def test_identity(app: App) -> None:
    """AM-003, AM-004, AM-007: kept verbatim; the checksum is that of the text."""
    assert (app.name, app.version) == ("@parts/desk", "0.4.0-rc.1+build.7")
    assert app.description == "Spare parts counter for one workshop 🔧"
    assert app.checksum == hashlib.sha256(GOOD.read_bytes()).hexdigest()
    assert app.source == GOOD
    assert app.files == (GOOD,)
    assert app.later["theme"] == {"colors": {"primary": "#2F6FDE"}}


def test_strategies_are_widened(app: App) -> None:
    """pages-cli §2.6"""
    assert app.auth is not None
    assert app.auth.strategies == (PasswordStrategy(), MagicLinkStrategy())
    assert app.auth.data == {"strategies": [{"type": "emailAndPassword"}, {"type": "magicLink"}]}


def test_names_and_ids(app: App) -> None:
    """T-004, T-009: missing ids are the highest so far plus one, in order."""
    parts, suppliers, stays = app.tables
    assert (parts.id, suppliers.id, stays.id) == ("7", "8", "9")
    assert parts.sql_name == "spare_parts"
    assert [field.id for field in parts.fields][:4] == ["1", "4", "3", "5"]
    assert parts.field("bin").label == "Bin"
    assert stays.disabled
    assert suppliers.allow_destructive


def test_keys(app: App) -> None:
    """T-015 to T-017"""
    assert [each.primary_key for each in app.tables] == [
        PrimaryKey(),
        PrimaryKey(type="uuid"),
        PrimaryKey(type="composite", fields=("day", "room")),
    ]


def test_declared_text_id_makes_a_text_key() -> None:
    """T-010"""
    assert table("{name: T, fields: [{name: id, type: single-line-text}]}").primary_key == PrimaryKey(type="text")
    assert table("{name: T, fields: [{name: id, type: integer}]}").primary_key == PrimaryKey()
    named = table(
        "{name: T, primaryKey: {type: text, field: code}, fields: [{name: code, type: single-line-text, unique: true}]}"
    )
    assert named.primary_key == PrimaryKey(type="text", fields=("code",))
    assert named.indexes == ()


def test_declared_keys_must_be_given_unless_they_count() -> None:
    """T-019"""
    counted = table("{name: T, fields: [{name: id, type: integer}]}")
    assert [field.required for field in counted.fields] == [False]
    text = table("{name: T, fields: [{name: id, type: single-line-text}, {name: a, type: long-text}]}")
    assert [field.required for field in text.fields] == [True, False]
    keys = "primaryKey: {type: composite, fields: [a, id]}"
    pair = table(f"{{name: T, {keys}, fields: [{{name: a, type: integer}}, {{name: id, type: integer}}]}}")
    assert [field.required for field in pair.fields] == [True, False]


def test_indexes(app: App) -> None:
    """T-041, T-087, T-132, T-134, T-138"""
    found = {index.name: (index.fields, index.unique) for index in app.tables[0].indexes}
    assert found == {
        "spare_parts_part_no_key": (("part_no",), True),
        "idx_spare_parts_status": (("state",), False),
        "spare_parts_number_key": (("number",), True),
        "idx_spare_parts_supplier_fk": (("supplier",), False),
        "uq_spare_parts_bin_part_no__1": (("bin", "part_no"), True),
        "idx_parts_kind": (("kind", "stock"), False),
        "uq_open_bin": (("bin",), True),
    }
    assert app.tables[0].indexes[-1].where == "state = 'open'"


def test_one_field_unique_entry_is_a_unique_field() -> None:
    """T-133, T-138: and makes no second, plain index."""
    found = table("{name: T, fields: [{name: a, type: integer, indexed: true}], unique: [{fields: [a]}]}").indexes
    assert [(index.name, index.unique) for index in found] == [("t_a_key", True)]


def test_long_generated_names_fit_and_stay_apart() -> None:
    """T-134 and PostgreSQL's 63 characters."""
    long = "n" * 60
    fields = ", ".join(f"{{name: {long}{end}, type: integer, indexed: true}}" for end in "ab")
    found = table(f"{{name: {long}, fields: [{fields}], unique: [{{fields: [{long}a, {long}b]}}]}}").indexes
    assert len({index.name for index in found}) == 3
    assert all(len(index.name) <= 63 for index in found)
    assert len(found[-1].name) == 60
    assert found[-1].name.endswith("__1")


def test_snapshot_loads_again_as_the_same_tables(app: App) -> None:
    """M-001: plain JSON data with every id."""
    snapshot = json.loads(json.dumps(app.tables_data))
    assert load_data({"name": "old", "tables": snapshot}, FIELD_TYPES).tables == app.tables
    assert all(field["id"] for each in snapshot for field in each["fields"])


def test_json_loads_as_yaml_does(app: App, tmp_path: Path) -> None:
    """CL-001; the extension is read without regard to case."""
    (tmp_path / "APP.JSON").write_text(json.dumps(yaml.safe_load(GOOD.read_text())))
    again = load_app(tmp_path / "APP.JSON", FIELD_TYPES, environ={})
    assert (again.tables, again.auth, again.later) == (app.tables, app.auth, app.later)


def test_includes_at_any_depth(tmp_path: Path) -> None:
    """CL-002: relative to the file that includes, YAML and JSON mixed."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "app.yaml").write_text("name: x\ntables: [{$ref: ./tables/t.YML}]\ntheme: {$ref: theme.json}\n")
    (tmp_path / "theme.json").write_text('{"colors": {}}')
    (tmp_path / "tables" / "t.YML").write_text("name: T\nfields:\n- {$ref: ../shared/title.json}\n- {$ref: n.yaml}\n")
    (tmp_path / "tables" / "n.yaml").write_text("name: n\ntype: integer\n")
    (tmp_path / "shared" / "title.json").write_text('{"name": "title", "type": "long-text"}')
    app = load_app(tmp_path / "app.yaml", FIELD_TYPES)
    assert [field.name for field in app.tables[0].fields] == ["title", "n"]
    assert [path.name for path in app.files] == ["app.yaml", "t.YML", "title.json", "n.yaml", "theme.json"]
    assert app.later["theme"] == {"colors": {}}


def test_ref_beside_other_keys_is_data() -> None:
    """§2.3: with `vars` it is a component reference, not a file."""
    app = load_text("name: x\npages: [{components: [{$ref: hero, vars: {a: 1}}]}]", FIELD_TYPES)
    assert app.later["pages"][0]["components"] == [{"$ref": "hero", "vars": {"a": 1}}]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("on", "on"), ("Yes", "Yes"), ("true", True), ("1:30", "1:30"), ("010", 10), ("0o10", 8),
        ("0x1F", 31), ("1_000", "1_000"), ("2026-02-01", "2026-02-01"), ("~", None), ("", None), ("1e3", 1000.0),
        (".5", 0.5), ("'1'", "1"), ("!!str 1", "1"), ("- 1", [1]), ("=", "="), ("+12", 12), ("0b1", "0b1"),
    ],
)  # fmt: skip
def test_scalars_are_yaml_1_2(written: str, value: Any) -> None:
    assert load_text(f"name: x\ntheme:\n  a:\n    {written}\n", FIELD_TYPES).later["theme"] == {"a": value}


def test_anchors_merge_keys_and_line_ends() -> None:
    """CL-001; a byte order mark and CRLF are nothing special."""
    text = "name: x\r\ntheme:\r\n  base: &b {a: 1, b: 2}\r\n  more:\r\n    b: 3\r\n    <<: *b\r\n  same: *b\r\n"
    app = load_text(text, FIELD_TYPES)
    assert app.later["theme"] == {"base": {"a": 1, "b": 2}, "more": {"b": 3, "a": 1}, "same": {"a": 1, "b": 2}}


def test_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_bytes(b"\xef\xbb\xbfname: x\r\n")
    assert load_app(tmp_path / "app.yaml", FIELD_TYPES).name == "x"


@pytest.mark.parametrize("name", ["a", "a" * 214, "@scope/name", "7zip", "a.b_c~d"])
def test_names_that_are_allowed(name: str) -> None:
    """AM-002"""
    assert load_text(f"name: '{name}'", FIELD_TYPES).name == name


def test_name_of_215_characters() -> None:
    """AM-002"""
    assert warnings("name: " + "a" * 215) == ["error schema.app-name name"]


def test_older_names_load_with_a_warning() -> None:
    """T-037, D-21, CL-010"""
    text = """
name: x
tables:
  - name: T
    fields:
      - {name: a, type: number, scale: 2}
      - {name: b, type: boolean}
      - {name: c, type: text}
      - {name: d, type: phone}
      - {name: e, type: datetime, timezone: Europe/Paris}
    uniqueConstraints: [{name: uq_pair, fields: [a, b]}]
"""
    app = load_text(text, FIELD_TYPES)
    kinds = [field.type for field in app.tables[0].fields]
    assert kinds == ["decimal", "checkbox", "long-text", "phone-number", "datetime"]
    assert app.tables[0].fields[0].options.model_dump()["precision"] == 2
    assert app.tables[0].indexes[0].name == "uq_pair"
    found = warnings(text)
    assert len(found) == 7
    assert all(each.startswith("warning schema.old-") for each in found)
    assert "uniqueConstraints" not in app.tables_data[0]


def test_older_and_new_name_together() -> None:
    text = "name: x\ntables: [{name: T, fields: [{name: a, type: decimal, scale: 2, precision: 3}]}]"
    assert warnings(text) == ["error schema.duplicate-key tables[0].fields[0].scale"]


def test_did_you_mean() -> None:
    _, problems = check_text("name: x\ntabels: []\nApi: {}", FIELD_TYPES)
    assert [problem.hint for problem in problems] == ["did you mean `tables`?", "did you mean `api`?"]
    _, problems = check_text("name: x\ntables: [{name: T, fields: [{name: a, type: intger, x: 1}]}]", FIELD_TYPES)
    assert [problem.hint for problem in problems] == ["did you mean `integer`?"]


def test_problem_says_where_and_what() -> None:
    """T-030"""
    text = "name: x\ntables: [{name: T, fields: [{name: a, type: integer, min: 5, max: 3}]}]"
    with pytest.raises(SchemaError) as failure:
        load_text(text, FIELD_TYPES)
    expected = "app.yaml:2:59: error: tables[0].fields[0].min: min 5 is above max 3"
    assert failure.value.message == expected
    assert failure.value.problems[0].body()["path"] == "tables[0].fields[0].min"


def test_circle_with_an_optional_link_is_fine() -> None:
    """T-022, T-109"""
    text = """
name: x
tables:
  - {name: A, fields: [{name: b, type: relationship, relatedTable: B, required: true}]}
  - {name: B, fields: [{name: a, type: relationship, relatedTable: A}]}
"""
    assert len(load_text(text, FIELD_TYPES).tables) == 2


def test_declared_variables_must_have_a_value_to_run(tmp_path: Path) -> None:
    """CL-007: `validate` does not need them, `start` does."""
    path = tmp_path / "app.yaml"
    path.write_text("name: x\nenv: [{key: TOKEN, description: for the CRM}, {key: B, default: b}]")
    app, problems = check_app(path, FIELD_TYPES)
    assert app
    assert problems == []
    with pytest.raises(SchemaError, match=r"TOKEN \(for the CRM\)"):
        load_app(path, FIELD_TYPES, environ={})
    assert load_app(path, FIELD_TYPES, environ={"TOKEN": "t"}).name == "x"


def test_scope_tables_have_text_keys() -> None:
    """T-020"""
    auth = "auth: {strategies: [{type: magicLink}], scopeTables: [my_clients]}"
    text = f"name: x\n{auth}\ntables: [{{name: My Clients, fields: []}}, {{name: T, fields: []}}]"
    assert [each.primary_key.type for each in load_text(text, FIELD_TYPES).tables] == ["text", "auto-increment"]


def test_short_forms_of_page_nodes() -> None:
    """pages-cli §2.6"""
    app = load_text(
        """
name: x
components:
  - name: nav
    type: navigation-menu
    children: [{type: link, content: Home, props: {href: /}}]
pages:
  - name: home
    sections:
      - type: navigation-menu
        children: [{type: link, content: Home, props: {href: /}}]
      - {type: button, props: {size: icon, className: big}}
""",
        FIELD_TYPES,
    )
    menu, button = app.later["pages"][0]["components"]
    assert menu == {"type": "navigation-menu", "navItems": [{"label": "Home", "href": "/"}]}
    assert button == {"type": "button", "props": {"className": "big btn-icon"}}
    assert app.later["components"][0]["type"] == "flex"
