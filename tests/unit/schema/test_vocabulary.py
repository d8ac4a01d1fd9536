"""What an app file may name and say of tables and fields: the words that are taken, and what is taken as it is."""

from pathlib import Path

import pytest

from core.errors import SchemaError
from core.fields.registry import FIELD_TYPES
from core.schema.loader import check_app
from sovrium_tui.cli.main import execute
from tests.support.apps import app_model

# As the specification lists them, not as the product does.
RESERVED = """add all alter and any as between case cast check column commit constraint create cross current_date
current_time current_timestamp current_user database default delete distinct drop else end except exists false foreign
from full grant
group having ilike in index inner insert intersect is join key left like limit not null offset on or order outer primary
references revoke right rollback schema select session_user some table then transaction true truncate union unique update
user view when where""".split()


def refusal(text: str) -> str:
    with pytest.raises(SchemaError) as caught:
        app_model(text)
    return str(caught.value)


@pytest.mark.parametrize("word", RESERVED)
def test_words_of_sql_name_nothing(word: str) -> None:
    """T-008, T-007: neither tables, in any spelling, nor fields; as a part of a name they are like any other."""
    for name in (word, word.upper(), word.replace("_", " ")):
        assert "word of SQL" in refusal(f"tables: [{{name: '{name}', fields: [{{name: a, type: integer}}]}}]")
    assert "word of SQL" in refusal(f"tables: [{{name: T, fields: [{{name: '{word}', type: integer}}]}}]")
    table = app_model(f"tables: [{{name: 'My {word}', fields: [{{name: my_{word}, type: integer}}]}}]").tables[0]
    assert (table.sql_name, list(table.fields)) == (f"my_{word}", [f"my_{word}"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("varchar(20)", "single-line-text"),
        ("BOOL", "checkbox"),
        ("singleSelect", "single-select"),
        ("file", "single-attachment"),
    ],
)
def test_types_by_their_names_elsewhere(written: str, meant: str) -> None:
    """D-36: who knows a type by another name is told ours."""
    assert f"did you mean `{meant}`?" in refusal(f"tables: [{{name: T, fields: [{{name: a, type: '{written}'}}]}}]")


def test_no_other_word_is_taken() -> None:
    """T-008: whatever else a database may think of them."""
    for word in ("value", "name", "date", "time", "position", "comment", "type", "returning", "window", "offsets"):
        assert app_model(f"tables: [{{name: {word}, fields: [{{name: {word}, type: integer}}]}}]").tables


@pytest.mark.parametrize(
    ("written", "near"),
    [
        ("single-line", "single-line-text"),
        ("datetim", "datetime"),
        ("currancy", "currency"),
        ("multiselect", "multi-select"),
    ],
)
def test_the_nearest_type_is_proposed(written: str, near: str) -> None:
    """D-36, T-046"""
    assert near in refusal(f"tables: [{{name: T, fields: [{{name: a, type: {written}}}]}}]")


def test_computed_fields_follow_links() -> None:
    """T-024: of their own table; a lookup also those of another table that point here; `id` is always there."""
    table = app_model("""
        tables:
          - name: People
            fields:
              - { name: jobs, type: lookup, relationshipField: person, relatedField: title }
          - name: Jobs
            fields:
              - { name: title, type: long-text }
              - { name: person, type: relationship, relatedTable: People }
              - { name: number, type: lookup, relationshipField: person, relatedField: id }
        """).by_address["jobs"]
    assert table.fields["number"].result()


@pytest.mark.parametrize("kind", ["user", "created-by", "updated-by"])
def test_people_are_known_where_there_are_accounts(kind: str) -> None:
    """T-026"""
    tables = f"tables: [{{name: T, fields: [{{name: a, type: {kind}}}]}}]"
    assert "auth" in refusal(tables)
    auth = "auth: {strategies: [{type: emailAndPassword}]}\n"
    assert list(app_model(auth + tables).tables[0].fields) == ["a"]


def test_buckets_are_those_of_the_file() -> None:
    """T-028: without one files are kept as all others are."""
    app = "buckets: [{{name: photos}}]\ntables: [{{name: T, fields: [{{name: a, type: {0}}}]}}]"
    for kind in ("single-attachment", "multiple-attachments"):
        assert app_model(app.format(f"{kind}, bucket: photos")).tables
        assert app_model(app.format(kind)).tables
        assert "there is no bucket `phot`" in refusal(app.format(f"{kind}, bucket: phot"))


def test_limits_of_a_text() -> None:
    """D-28: three keys; one letter is enough where a text is required."""
    field = (
        app_model("""
        tables:
          - name: T
            fields:
              - { name: a, type: single-line-text, minLength: 2, maxLength: 3, pattern: "[a-z]+" }
              - { name: b, type: single-line-text, required: true }
        """)
        .tables[0]
        .fields
    )
    options = field["a"].options
    assert (options.min_length, options.max_length, options.pattern) == (2, 3, "[a-z]+")
    assert field["b"].accept("x") == "x"


def test_options_of_a_status_may_be_texts() -> None:
    """D-29: they are taken as the long form."""
    text = "tables: [{{name: T, fields: [{{name: a, type: status, options: [{0}]}}]}}]"
    short, long = (
        app_model(text.format(each)).tables[0].fields["a"] for each in ("open, shut", "{value: open}, {value: shut}")
    )
    assert [option.value for option in short.options.options] == ["open", "shut"]
    assert short.options == long.options
    coloured = app_model(text.format("open, {value: shut, color: '#00FF00'}")).tables[0].fields["a"]
    assert [option.color for option in coloured.options.options] == [None, "#00FF00"]


@pytest.mark.parametrize(
    "wrong",
    [
        "indexes: [{name: i, fields: [b]}]",
        "views: [{id: v, name: V, fields: [b]}]",
        "permissions: {fields: [{field: b, read: all}]}",
        "rowLevelPermissions: {read: {when: {field: b, operator: eq, value: 1}}}",
    ],
)
def test_an_unknown_field_stops_everything(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """M-035: told with its place, before any database is made or asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    Path("app.yaml").write_text(
        f"name: x\ntables:\n  - name: T\n    fields: [{{name: a, type: integer}}]\n    {wrong}\n"
    )
    for command in (["migrate", "app.yaml"], ["start", "app.yaml"]):
        assert execute(command) == 2
        error = capsys.readouterr().err
        assert "app.yaml:5:" in error
        assert "`b`" in error
    assert not list(tmp_path.rglob("*.duckdb"))
    assert check_app(Path("app.yaml"), FIELD_TYPES)[0] is None


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("[{name: T, fields: [{name: a, type: intger}]}]", "intger"),
        ("[{id: 1, name: T, fields: [{name: a, type: integer}]}, {id: 1, name: U, fields: []}]", "id"),
        ("[{name: T, fields: [{name: a, type: relationship, relatedTable: Nowhere}]}]", "Nowhere"),
        (
            "[{name: T, fields: [{name: u, type: relationship, relatedTable: U, required: true}]}, "
            "{name: U, fields: [{name: t, type: relationship, relatedTable: T, required: true}]}]",
            "→",
        ),
    ],
)
def test_what_no_database_could_hold_is_refused_before_one_is_asked(
    tables: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """M-038: a type, an id twice, a table that is not there, tables that each need the other first."""
    monkeypatch.chdir(tmp_path)
    Path("app.yaml").write_text(f"name: x\ntables: {tables}\n")
    assert execute(["migrate", "app.yaml"]) == 2
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.duckdb"))
