"""Comparing layouts: who is who, what may change type. No database."""

from dataclasses import replace

from core.fields.column import ColumnType
from core.fields.model import Column
from core.migrations.difference import compare
from core.migrations.layout import TableLayout, canonical, checksum, from_data, to_data
from core.schema.model import IndexSpec

ID = Column("id", ColumnType("bigint"), nullable=False, sequence="seq_t_id", automatic=True)
NAME = Column("name", ColumnType("text"), field_id="1")
PRICE = Column("price", ColumnType("decimal", 18, 2), field_id="2")
TABLE = TableLayout("1", "t", (ID, NAME, PRICE), ("id",), (IndexSpec(name="by_name", fields=("name",)),))


def test_the_same_layout_has_no_difference() -> None:
    found = compare((TABLE,), (TABLE,))
    assert (found.created, found.dropped) == ((), ())
    assert not found.changed[0]


def test_a_layout_survives_its_json() -> None:
    assert from_data(to_data((TABLE,))) == (TABLE,)


def test_a_rename_keeps_indexes_that_follow_it() -> None:
    renamed = replace(
        TABLE,
        columns=(ID, replace(NAME, name="title"), PRICE),
        indexes=(IndexSpec(name="by_name", fields=("title",)),),
    )
    [change] = compare((TABLE,), (renamed,)).changed
    assert [(old.name, new.name) for old, new in change.renamed] == [("name", "title")]
    assert (change.indexes_added, change.indexes_dropped) == ((), ())


def test_another_id_is_another_column() -> None:
    [change] = compare((TABLE,), (replace(TABLE, columns=(ID, replace(NAME, field_id="9"), PRICE)),)).changed
    assert (change.added, change.dropped) == ((replace(NAME, field_id="9"),), (NAME,))


def test_a_field_takes_the_place_of_an_automatic_column() -> None:
    """T-010"""
    declared = replace(ID, field_id="7", automatic=False)
    [change] = compare((TABLE,), (replace(TABLE, columns=(declared, NAME, PRICE)),)).changed
    assert (change.added, change.dropped) == ((), ())


def test_the_checksum_does_not_depend_on_the_order_of_keys() -> None:
    """M-001"""
    assert checksum(canonical([{"a": 1, "b": 2}])) == checksum(canonical([{"b": 2, "a": 1}]))
    assert checksum(canonical([{"a": 1}, {"a": 2}])) != checksum(canonical([{"a": 2}, {"a": 1}]))
    assert canonical([{"b": "é", "a": 1}]) == '[\n  {\n    "a": 1,\n    "b": "é"\n  }\n]'


def test_the_form_in_which_tables_are_kept_is_that_of_all_databases_there_are() -> None:
    """A key of a column that gets another name makes every database unreadable that was opened before."""
    [kept] = to_data((TABLE,))
    assert list(kept) == ["id", "name", "columns", "key", "indexes", "checks"]
    names = ["name", "type", "nullable", "sequence", "sequence_start", "automatic", "field_id"]
    assert [list(column) for column in kept["columns"]] == [names] * 3
