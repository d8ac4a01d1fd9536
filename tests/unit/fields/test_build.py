"""Tables at work: columns, keys, sequences, types of automatic columns."""

import pytest

from core.fields.column import ColumnType
from core.fields.model import Column, TableModel
from tests.support.apps import app_model


def columns(model: TableModel) -> dict[str, str]:
    """Column → its kind, `!` when it may not be empty, its sequence."""
    return {
        column.name: column.type.kind
        + ("" if column.nullable else "!")
        + (f" {column.sequence}" if column.sequence else "")
        for column in model.columns
    }


def one_table(yaml_text: str) -> TableModel:
    return app_model(f"tables:\n- {yaml_text}").tables[0]


def test_automatic_columns() -> None:
    """T-012, T-015: key first, times last."""
    assert columns(one_table("{name: Spare Parts, fields: [{name: a, type: long-text}]}")) == {
        "id": "bigint! seq_spare_parts_id",
        "a": "text",
        "created_at": "timestamp!",
        "updated_at": "timestamp!",
        "deleted_at": "timestamp",
    }


def test_a_table_without_fields_has_only_those() -> None:
    assert list(columns(one_table("{name: T, fields: []}"))) == ["id", "created_at", "updated_at", "deleted_at"]


def test_text_keys() -> None:
    """T-016, T-021"""
    model = one_table("{name: T, primaryKey: {type: uuid, field: code}, fields: [{name: a, type: long-text}]}")
    assert columns(model)["code"] == "text!"
    assert "id" not in columns(model)
    assert model.type_of("code").read_only
    assert model.type_of("code").family == "text"


def test_composite_key() -> None:
    """T-017: no automatic id unless it is listed."""
    model = one_table(
        "{name: T, primaryKey: {type: composite, fields: [a, b]}, fields: [{name: a, type: integer}, {name: b, type: date}]}"
    )
    assert columns(model) == {
        "a": "integer!",
        "b": "date!",
        "created_at": "timestamp!",
        "updated_at": "timestamp!",
        "deleted_at": "timestamp",
    }
    listed = one_table("{name: T, primaryKey: {type: composite, fields: [id, a]}, fields: [{name: a, type: integer}]}")
    assert columns(listed)["id"] == "bigint! seq_t_id"


def test_declared_fields_replace_automatic_columns() -> None:
    """T-010, T-077"""
    model = one_table(
        "{name: T, fields: [{name: id, type: integer}, {name: updated_at, type: updated-at}, "
        "{name: published, type: created-at}]}"
    )
    assert list(columns(model)) == ["id", "updated_at", "published", "created_at", "deleted_at"]
    assert columns(model)["id"] == "integer! seq_t_id"
    assert columns(model)["published"] == "timestamp!"
    assert set(model.system) == {"created_at", "deleted_at"}
    assert model.column_by_name["updated_at"].field_id == "2"


def test_autonumber_sequence() -> None:
    """T-099"""
    model = one_table("{name: T, fields: [{name: no, type: autonumber, startFrom: 100}]}")
    assert model.column_by_name["no"] == Column(
        name="no", type=ColumnType("bigint"), nullable=False, sequence="seq_t_no", sequence_start=100, field_id="1"
    )


@pytest.mark.parametrize(
    ("target", "link", "kind"),
    [
        ("fields: [{name: a, type: long-text}]", "", "bigint"),
        ("primaryKey: {type: uuid}, fields: [{name: a, type: long-text}]", "", "text"),
        ("fields: [{name: id, type: integer}]", "", "integer"),
        ("fields: [{name: code, type: single-line-text, unique: true}]", ", relatedField: code", "text"),
        ("fields: [{name: no, type: autonumber}]", ", relatedField: no", "bigint"),
    ],
)
def test_links_take_the_type_of_what_they_point_at(target: str, link: str, kind: str) -> None:
    """T-016, T-104"""
    model = app_model(
        f"""
        tables:
          - {{name: Links, fields: [{{name: to, type: relationship, relatedTable: Target Table{link}}}]}}
          - {{name: Target Table, {target}}}
    """.replace("name: to,", "name: target,")
    )
    assert model.tables[0].column_by_name["target"].type.kind == kind
    assert model.tables[0].indexes[0].name == "idx_links_target_fk"


def test_addresses_and_aliases() -> None:
    """T-002, T-035, R-114: id, name and SQL name; disabled tables answer to none."""
    model = app_model("""
        tables:
          - {id: 7, name: Spare Parts, fields: [{name: a, type: long-text}]}
          - {name: Hidden, disabled: true, fields: [{name: a, type: long-text}]}
    """)
    assert set(model.by_address) == {"7", "Spare Parts", "spare_parts"}
    parts = model.by_address["7"]
    assert parts.type_of("createdAt").name == "created-at"
    assert parts.display_field == "a"
    with pytest.raises(KeyError):
        parts.type_of("nothing")


def test_what_a_record_is_called() -> None:
    """One line of text rather than a text of many, and the number that counts records before that."""
    model = app_model("""
        tables:
          - {id: 1, name: a, fields: [{name: remarks, type: long-text}, {name: title, type: single-line-text}]}
          - {id: 2, name: b, fields: [{name: remarks, type: long-text}, {name: no, type: autonumber, prefix: INV-}]}
          - {id: 3, name: c, fields: [{name: amount, type: integer}]}
    """)
    assert [each.display_field for each in model] == ["title", "no", "id"]
