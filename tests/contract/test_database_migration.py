"""Migrations on both databases: from one app file to the next, what becomes of tables and rows, what is refused."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest

from core.errors import Conflict, MigrationRefused
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.files.ledger import FILES, USES
from core.migrations import Applied, deferred, history, mark, plan, run, status
from core.schema.loader import load_data
from core.storage.catalog import Catalog, read_catalog, read_comments
from core.storage.database import Call, ChangeRow, Database, Transaction
from core.storage.own import ensure
from tests.support.fields import BESIDE, OTHER, VARIANTS

Field = Mapping[str, Any]


def text(id_: int, name: str, **more: Any) -> Field:
    return {"id": id_, "name": name, "type": "single-line-text", **more}


def field(id_: int, name: str, type_: str, **more: Any) -> Field:
    return {"id": id_, "name": name, "type": type_, **more}


def table(id_: int, name: str, *fields: Field, **more: Any) -> Mapping[str, Any]:
    return {"id": id_, "name": name, "fields": list(fields), **more}


def app(*tables: Mapping[str, Any], **more: Any) -> AppModel:
    return build_app(load_data({"name": "app", "tables": list(tables), **more}, FIELD_TYPES))


def migrate(database: Database, *tables: Mapping[str, Any], **options: Any) -> Applied:
    return run(database, plan(database, app(*tables)), **options)


def catalog(database: Database) -> Catalog:
    return database.submit_read(Call(read_catalog)).result()


def insert(database: Database, name: str, rows: Sequence[Mapping[str, Any]], *tables: Mapping[str, Any]) -> None:
    model = app(*tables)
    target = database.table(model.by_address[name])
    database.submit_write(Call(lambda tx: tx.insert(target, rows))).result()


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


PARTS = table(1, "Parts", text(1, "part_no"), field(2, "stock", "integer"))


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    """Version 1: a table of parts with three rows."""
    database = open_db()
    migrate(database, PARTS)
    insert(database, "parts", [{"part_no": f"p{at}", "stock": at} for at in (1, 2, 3)], PARTS)
    return database


def test_a_table_of_the_file_becomes_a_table(db: Database) -> None:
    """T-001, T-012, T-014, T-015, M-007"""
    found = catalog(db).tables["parts"]
    assert list(found.columns) == ["id", "part_no", "stock", "created_at", "updated_at", "deleted_at"]
    assert found.key == ("id",)
    assert list(found.indexes) == ["idx_parts_deleted_at"]
    assert rows(db, "SELECT id, part_no FROM parts ORDER BY id") == [(1, "p1"), (2, "p2"), (3, "p3")]
    assert rows(db, "SELECT count(*) FROM parts WHERE created_at IS NULL OR deleted_at IS NOT NULL") == [(0,)]


def test_nothing_to_do(db: Database) -> None:
    """M-002, M-039"""
    again = plan(db, app(PARTS))
    assert again.is_empty
    assert run(db, again).version == 1


def test_what_stands_is_never_taken_for_changed_by_hand(open_db: Callable[..., Database]) -> None:
    """M-006: a column of each type, with each choice of options, is found as it was made."""
    database, auth = open_db(), {"strategies": [{"type": "emailAndPassword"}]}
    fields = [
        {"name": f"f{place}_{at}", "type": kind.name, **options}
        for place, kind in enumerate(FIELD_TYPES)
        for at, options in enumerate(VARIANTS.get(kind.name, [{}]))
    ]
    model = app({"name": "everything", "fields": [*BESIDE, *fields]}, OTHER, auth=auth)
    run(database, plan(database, model))
    assert plan(database, model).is_empty
    assert status(database, model).drift == ()


def test_any_change_is_a_version_even_without_steps(db: Database) -> None:
    """M-003, M-043"""
    changed = table(1, "Parts", text(1, "part_no", label="Number"), field(2, "stock", "integer"))
    new = plan(db, app(changed))
    assert (new.steps, new.before, new.after) == ((), 1, 2)
    assert run(db, new).version == 2
    versions = history(db)
    assert [version.version for version in versions] == [2, 1]
    assert versions[0].tables[0]["fields"][0]["label"] == "Number"
    assert versions[1].tables == json.loads(json.dumps(app(PARTS).app.tables_data))


def test_a_missing_table_is_made_again(db: Database) -> None:
    """M-004"""
    db.submit_write(Call(lambda tx: tx.execute("DROP TABLE parts"))).result()
    assert status(db, app(PARTS)).drift == ("Table parts is missing",)
    migrate(db, PARTS)
    assert "parts" in catalog(db)


def test_an_edited_snapshot_is_noticed(db: Database) -> None:
    """M-005"""
    db.submit_write(Call(lambda tx: tx.execute("UPDATE system_schema_checksum SET schema = '[]'"))).result()
    with pytest.raises(MigrationRefused, match="checksum"):
        plan(db, app(PARTS))
    assert status(db, app(PARTS)).drift


def test_drift_is_reported_and_survives(db: Database) -> None:
    """M-006, M-053: columns and indexes made by hand are named, and no migration drops their data."""
    db.submit_write(
        Call(
            lambda tx: [
                tx.execute("ALTER TABLE parts ADD COLUMN byhand INTEGER"),
                tx.execute("UPDATE parts SET byhand = id * 10"),
            ]
        )
    ).result()
    db.submit_write(Call(lambda tx: tx.execute("CREATE INDEX mine ON parts (byhand)"))).result()
    assert "Column parts.byhand was added by hand" in status(db, app(PARTS)).drift
    wider = table(1, "Parts", text(1, "part_no", required=True), field(2, "stock", "decimal"))
    migrate(db, wider)
    assert rows(db, "SELECT id, byhand FROM parts ORDER BY id") == [(1, 10), (2, 20), (3, 30)]
    assert "mine" in catalog(db).tables["parts"].indexes


def test_a_column_removed_by_hand_comes_back_empty(db: Database) -> None:
    """M-006"""
    db.submit_write(Call(lambda tx: tx.execute("DROP INDEX idx_parts_deleted_at"))).result()
    db.submit_write(Call(lambda tx: tx.execute("ALTER TABLE parts DROP COLUMN stock"))).result()
    assert len(status(db, app(PARTS)).drift) == 2
    migrate(db, table(1, "Parts", text(1, "part_no", label="No"), field(2, "stock", "integer")))
    assert rows(db, "SELECT stock FROM parts") == [(None,)] * 3
    assert "idx_parts_deleted_at" in catalog(db).tables["parts"].indexes


def test_columns_changed_by_hand_are_put_right_without_a_change_of_the_file(db: Database) -> None:
    """M-006: with a column missing or of another type nothing could be read; values that do not fit are told."""

    def by_hand(*statements: str) -> None:
        db.submit_write(Call(lambda tx: [tx.execute(each) for each in statements])).result()

    by_hand("DROP INDEX idx_parts_deleted_at")
    by_hand("ALTER TABLE parts DROP COLUMN part_no", "ALTER TABLE parts ALTER COLUMN stock TYPE TEXT")
    by_hand("UPDATE parts SET stock = 'many' WHERE id = 2")
    with pytest.raises(MigrationRefused, match=r"1 values of Parts\.stock"):
        migrate(db, PARTS)
    by_hand("UPDATE parts SET stock = '7' WHERE id = 2")
    assert migrate(db, PARTS).version == 2
    assert rows(db, "SELECT part_no, stock FROM parts ORDER BY id") == [(None, 1), (None, 7), (None, 3)]
    assert status(db, app(PARTS)).drift == ()
    assert plan(db, app(PARTS)).is_empty


def test_a_new_field_is_empty_or_has_its_default(db: Database) -> None:
    """M-008"""
    wider = table(
        1,
        "Parts",
        *PARTS["fields"],
        text(3, "bin"),
        text(4, "state", default="new"),
        field(5, "tags", "multi-select", options=["a", "b"], default=["a"]),
        field(6, "price", "currency", currency="EUR", default="1.50"),
    )
    migrate(db, wider)
    found = rows(db, "SELECT bin, state, tags, price FROM parts")
    assert [(bin_, state, tags, str(price)) for bin_, state, tags, price in found] == [(None, "new", ["a"], "1.50")] * 3


def test_a_required_field_without_default_is_refused_on_a_table_with_rows(db: Database) -> None:
    """M-009"""
    with pytest.raises(MigrationRefused, match=r"Parts\.bin is required, has no default, and the table has 3 rows"):
        migrate(db, table(1, "Parts", *PARTS["fields"], text(3, "bin", required=True)))
    assert "bin" not in catalog(db).tables["parts"].columns
    migrate(db, table(1, "Parts", *PARTS["fields"], text(3, "bin", required=True, default="A")))
    assert not catalog(db).tables["parts"].columns["bin"].nullable
    assert rows(db, "SELECT DISTINCT bin FROM parts") == [("A",)]


def test_an_autonumber_numbers_old_rows_in_order(db: Database) -> None:
    """M-012"""
    wider = table(1, "Parts", *PARTS["fields"], field(3, "no", "autonumber", startFrom=100))
    migrate(db, wider)
    assert rows(db, "SELECT id, no FROM parts ORDER BY id") == [(1, 100), (2, 101), (3, 102)]
    insert(db, "parts", [{"part_no": "p4"}], wider)
    assert rows(db, "SELECT no FROM parts WHERE id = 4") == [(103,)]


def test_a_dropped_column_needs_permission(db: Database) -> None:
    """M-014, M-015"""
    narrower = table(1, "Parts", text(1, "part_no"))
    with pytest.raises(MigrationRefused) as caught:
        migrate(db, narrower)
    assert caught.value.details == ("Drop column parts.stock with its values",)
    assert len(history(db)) == 1
    migrate(db, narrower, allow_destructive=True)
    assert "stock" not in catalog(db).tables["parts"].columns
    assert rows(db, "SELECT id, part_no FROM parts ORDER BY id") == [(1, "p1"), (2, "p2"), (3, "p3")]


def test_the_table_itself_may_allow_it(db: Database) -> None:
    """M-015"""
    migrate(db, table(1, "Parts", text(1, "part_no"), allowDestructive=True))
    assert "stock" not in catalog(db).tables["parts"].columns


def test_a_removed_table_needs_permission_and_strangers_are_never_touched(db: Database) -> None:
    """M-016"""
    db.submit_write(Call(lambda tx: tx.execute("CREATE TABLE stranger (a INTEGER)"))).result()
    other = table(2, "Other", text(1, "a"))
    with pytest.raises(MigrationRefused, match="lose data"):
        migrate(db, other)
    migrate(db, other, allow_destructive=True)
    found = catalog(db)
    assert "parts" not in found
    assert "stranger" in found
    assert "system_change" in found
    assert "seq_parts_id" not in found.sequences
    with pytest.raises(MigrationRefused, match="was not made by this app"):
        migrate(db, other, table(3, "Stranger", text(1, "a")))


def test_a_field_is_renamed_by_its_id(db: Database) -> None:
    """M-019, T-137"""
    indexed = table(1, "Parts", text(1, "part_no", unique=True), field(2, "stock", "integer", indexed=True))
    migrate(db, indexed)
    renamed = table(1, "Parts", text(1, "number", unique=True), field(2, "amount", "integer", indexed=True))
    migrate(db, renamed)
    found = catalog(db).tables["parts"]
    assert {"number", "amount"} <= set(found.columns)
    assert rows(db, "SELECT number, amount FROM parts ORDER BY id") == [("p1", 1), ("p2", 2), ("p3", 3)]
    assert len(found.indexes) == 3
    assert sum(index.unique for index in found.indexes.values()) == 1


def test_a_table_is_renamed_by_its_id(db: Database) -> None:
    """M-020: rows, keys and numbers go on."""
    renamed = table(1, "Spare Parts", *PARTS["fields"])
    migrate(db, renamed)
    found = catalog(db)
    assert "parts" not in found
    assert list(found.tables["spare_parts"].indexes) == ["idx_spare_parts_deleted_at"]
    insert(db, "spare_parts", [{"part_no": "p4"}], renamed)
    assert rows(db, "SELECT id, part_no FROM spare_parts ORDER BY id")[-1] == (4, "p4")
    assert {name for name in found.sequences if name.startswith("seq_")} == {"seq_spare_parts_id"}


def test_tables_of_a_database_that_was_just_opened_are_renamed(open_db: Callable[..., Database]) -> None:
    """M-020: with their indexed fields, while other fields go. DuckDB has not looked at the indexes by then."""
    before = table(1, "Parts", text(1, "part_no", indexed=True), field(2, "stock", "integer"))
    with closing(open_db()) as first:
        migrate(first, before)
        insert(first, "parts", [{"part_no": "p1", "stock": 4}], before)
    again = open_db()
    migrate(again, table(1, "Spares", text(1, "number", indexed=True)), allow_destructive=True)
    assert rows(again, "SELECT id, number FROM spares") == [(1, "p1")]


def test_names_change_places(db: Database) -> None:
    """M-021"""
    migrate(db, table(1, "Parts", text(1, "stock"), field(2, "part_no", "integer")))
    assert rows(db, "SELECT stock, part_no FROM parts ORDER BY id") == [("p1", 1), ("p2", 2), ("p3", 3)]
    other = table(2, "Other", text(1, "a"))
    now = table(1, "Parts", text(1, "stock"), field(2, "part_no", "integer"))
    migrate(db, now, other)
    migrate(db, {**now, "name": "Other"}, {**other, "name": "Parts"})
    assert rows(db, "SELECT count(*) FROM other") == [(3,)]
    assert rows(db, "SELECT count(*) FROM parts") == [(0,)]


def test_what_is_kept_about_records_follows_a_renamed_table(db: Database) -> None:
    """M-019 to M-021: history and the uses of files, also when two tables exchange their names."""
    other = table(2, "Other", text(1, "a"))
    migrate(db, PARTS, other)

    def keep(tx: Transaction) -> None:
        ensure(tx, read_catalog(tx), FILES, USES)
        tx.insert(USES, [{"key": "k", "table_name": "parts", "field": "part_no", "record": "1"}])
        tx.log([ChangeRow(table="parts", record="1", operation="create", after={"part_no": "p1"})])
        tx.log([ChangeRow(table="other", record="7", operation="create", after={"a": "x"})])

    db.submit_write(Call(keep)).result()
    migrate(db, table(1, "Other", text(1, "number"), PARTS["fields"][1]), {**other, "name": "Parts"})
    changes = rows(db, 'SELECT "table", record FROM system_change ORDER BY sequence')
    assert changes[-2:] == [("other", "1"), ("parts", "7")]
    assert rows(db, "SELECT table_name, field, record FROM system_file_use") == [("other", "number", "1")]


def test_a_rename_onto_a_stranger_is_refused(db: Database) -> None:
    """M-021"""
    db.submit_write(Call(lambda tx: tx.execute("CREATE TABLE stranger (a INTEGER)"))).result()
    db.submit_write(Call(lambda tx: tx.execute("ALTER TABLE parts ADD COLUMN byhand INTEGER"))).result()
    with pytest.raises(MigrationRefused, match="stranger is there already"):
        migrate(db, table(1, "Stranger", *PARTS["fields"]))
    with pytest.raises(MigrationRefused, match="has a column byhand already"):
        migrate(db, table(1, "Parts", text(1, "byhand"), field(2, "stock", "integer")))


def test_without_ids_the_plan_says_that_it_is_no_rename(db: Database) -> None:
    """M-022"""
    new = plan(db, app(table(1, "Parts", text(1, "part_no"), field(9, "amount", "integer"))))
    assert any("If that is a rename" in warning for warning in new.warnings)
    assert len(new.unconfirmed) == 1


def test_types_widen_and_become_text(db: Database) -> None:
    """M-025, M-027: every row is kept."""
    migrate(db, table(1, "Parts", text(1, "part_no"), field(2, "stock", "decimal", precision=2)))
    assert [str(row[0]) for row in rows(db, "SELECT stock FROM parts ORDER BY id")] == ["1.00", "2.00", "3.00"]
    migrate(db, table(1, "Parts", field(1, "part_no", "long-text"), field(2, "stock", "integer")))
    assert rows(db, "SELECT stock FROM parts ORDER BY id") == [(1,), (2,), (3,)]
    migrate(db, table(1, "Parts", field(1, "part_no", "long-text"), text(2, "stock")))
    assert rows(db, "SELECT stock FROM parts ORDER BY id") == [("1",), ("2",), ("3",)]


def test_an_instant_becomes_the_text_of_the_api(db: Database) -> None:
    """M-025"""
    before = table(2, "Event", field(1, "moment", "datetime"), field(2, "day", "date"), field(3, "done", "checkbox"))
    migrate(db, PARTS, before)
    db.submit_write(
        Call(
            lambda tx: tx.execute(
                "INSERT INTO event (moment, day, done) VALUES ('2026-02-01 08:00:00+00', '2026-02-01', true)"
            )
        )
    ).result()
    migrate(db, PARTS, table(2, "Event", text(1, "moment"), text(2, "day"), text(3, "done")))
    assert rows(db, "SELECT moment, day, done FROM event") == [("2026-02-01T08:00:00.000Z", "2026-02-01", "true")]


def test_values_that_do_not_fit_are_listed(db: Database) -> None:
    """M-025"""
    wide = table(1, "Parts", text(1, "part_no"), field(2, "stock", "decimal", precision=2))
    migrate(db, wide)
    db.submit_write(Call(lambda tx: tx.execute("UPDATE parts SET stock = 2.5 WHERE id = 2"))).result()
    with pytest.raises(MigrationRefused) as caught:
        migrate(db, PARTS)
    assert caught.value.details == ("1 values of Parts.stock do not fit integer", "2: 2.50")


def test_other_types_are_refused_with_a_way_out(db: Database) -> None:
    """§12.6, anything else"""
    with pytest.raises(MigrationRefused, match="from integer to checkbox by itself") as caught:
        migrate(db, table(1, "Parts", text(1, "part_no"), field(2, "stock", "checkbox")))
    assert "Add a new field" in str(caught.value.hint)


def test_required_is_turned_on_and_off(db: Database) -> None:
    """M-031"""
    db.submit_write(Call(lambda tx: tx.execute("UPDATE parts SET part_no = NULL WHERE id > 1"))).result()
    with pytest.raises(MigrationRefused) as caught:
        migrate(db, table(1, "Parts", text(1, "part_no", required=True), field(2, "stock", "integer")))
    assert caught.value.details == ("Parts.part_no becomes required, but 2 rows have no value", "2", "3")
    migrate(db, table(1, "Parts", text(1, "part_no", required=True, default="?"), field(2, "stock", "integer")))
    assert rows(db, "SELECT part_no FROM parts ORDER BY id") == [("p1",), ("?",), ("?",)]
    assert not catalog(db).tables["parts"].columns["part_no"].nullable
    migrate(db, PARTS)
    assert catalog(db).tables["parts"].columns["part_no"].nullable


def test_unique_is_turned_on_and_off(db: Database) -> None:
    """M-032"""
    unique = table(1, "Parts", text(1, "part_no", unique=True), field(2, "stock", "integer"))
    db.submit_write(Call(lambda tx: tx.execute("UPDATE parts SET part_no = 'same' WHERE id > 1"))).result()
    with pytest.raises(MigrationRefused) as caught:
        migrate(db, unique)
    assert caught.value.details[1:] == ("'same': 2 rows",)
    db.submit_write(Call(lambda tx: tx.execute("UPDATE parts SET part_no = 'other' WHERE id = 3"))).result()
    migrate(db, unique)
    with pytest.raises(Exception, match="exists already"):
        insert(db, "parts", [{"part_no": "same"}], unique)
    migrate(db, PARTS)
    insert(db, "parts", [{"part_no": "same"}], PARTS)


def test_a_composite_unique_entry(db: Database) -> None:
    """T-132, T-136, M-032"""
    entry = {"fields": ["part_no", "stock"]}
    migrate(db, {**PARTS, "unique": [entry]})
    insert(db, "parts", [{"part_no": "p1", "stock": 2}, {"part_no": None, "stock": 1}], {**PARTS, "unique": [entry]})
    with pytest.raises(Exception, match="exists already"):
        insert(db, "parts", [{"part_no": "p1", "stock": 1}], {**PARTS, "unique": [entry]})
    assert status(db, app({**PARTS, "unique": [entry]})).drift == ()


def test_indexes_come_change_and_go(db: Database) -> None:
    """M-033"""
    first = {**PARTS, "indexes": [{"name": "by_stock", "fields": ["stock"]}]}
    second = {**PARTS, "indexes": [{"name": "by_stock", "fields": ["stock", "part_no"]}]}
    for version, expected in ((first, 1), (second, 2)):
        migrate(db, version)
        assert len(catalog(db).tables["parts"].indexes["by_stock"].definition.split("(")[-1].split(",")) == expected
    migrate(db, PARTS)
    assert "by_stock" not in catalog(db).tables["parts"].indexes


def test_an_option_in_use_cannot_go(db: Database) -> None:
    """M-028, M-030"""
    kind = field(3, "kind", "single-select", options=["a", "b"], default="a")
    migrate(db, table(1, "Parts", *PARTS["fields"], kind))
    with pytest.raises(MigrationRefused, match="break its new rules") as caught:
        migrate(db, table(1, "Parts", *PARTS["fields"], field(3, "kind", "single-select", options=["b", "c"])))
    assert "'a': 3 rows" in caught.value.details[1]
    migrate(db, table(1, "Parts", *PARTS["fields"], {**kind, "options": ["c", "a"]}))


def test_a_limit_that_old_values_break_is_refused(db: Database) -> None:
    """M-028"""
    with pytest.raises(MigrationRefused, match="new rules"):
        migrate(db, table(1, "Parts", text(1, "part_no"), field(2, "stock", "integer", min=2)))
    migrate(db, table(1, "Parts", text(1, "part_no"), field(2, "stock", "integer", min=1)))


def test_a_failure_leaves_everything_as_it_was(db: Database) -> None:
    """M-036, M-051: the schema, the rows, the version; a line of the log tells of it."""
    before = {name: found.columns for name, found in catalog(db).tables.items()}
    good = plan(db, app({**PARTS, "name": "Renamed"}, table(2, "New", text(1, "a"))))
    db.submit_write(Call(lambda tx: tx.execute("CREATE TABLE new (a INTEGER)"))).result()
    with pytest.raises(MigrationRefused, match="has changed since"):
        run(db, good)
    db.submit_write(Call(lambda tx: tx.execute("DROP TABLE new"))).result()
    assert {name: found.columns for name, found in catalog(db).tables.items()} == before
    assert status(db, app(PARTS)).is_current
    assert rows(db, "SELECT status FROM system_migration_log ORDER BY id") == [("COMPLETED",), ("ROLLBACK",)]


def test_several_refusals_are_told_together(db: Database) -> None:
    """D-22"""
    both = plan(
        db,
        app(
            table(1, "Parts", field(1, "part_no", "integer"), field(2, "stock", "integer"), text(3, "a", required=True))
        ),
    )
    assert len(both.refusals) == 2
    with pytest.raises(MigrationRefused, match="and 1 more"):
        run(db, both)


def test_keys_other_than_a_counter(open_db: Callable[..., Database]) -> None:
    """T-016, T-017, T-019"""
    database = open_db()
    tables = (
        table(1, "Codes", text(1, "code"), primaryKey={"type": "text", "field": "code"}),
        table(
            2,
            "Seats",
            field(1, "line", "integer", required=True),
            field(2, "seat", "integer", required=True),
            text(3, "who"),
            primaryKey={"type": "composite", "fields": ["line", "seat"]},
        ),
    )
    migrate(database, *tables)
    assert catalog(database).tables["seats"].key == ("line", "seat")
    insert(database, "seats", [{"line": 1, "seat": 1, "who": "x"}, {"line": 1, "seat": 2, "who": "y"}], *tables)
    with pytest.raises(Exception, match="exists already"):
        insert(database, "seats", [{"line": 1, "seat": 1, "who": "z"}], *tables)
    changed = {**tables[1], "fields": [*tables[1]["fields"][:2], text(3, "who", required=True, default="?")]}
    migrate(database, tables[0], changed)
    assert rows(database, "SELECT who FROM seats ORDER BY seat") == [("x",), ("y",)]


def test_the_plan_is_data(db: Database) -> None:
    """M-042"""
    data = plan(db, app(table(1, "Parts", text(1, "part_no")))).data()
    assert json.loads(json.dumps(data)) == data
    assert "destructive" in [step["kind"] for step in data["steps"]]
    assert {"kind", "table", "text", "sql", "confirmed"} == set(data["steps"][0])


def test_tables_are_known_again_without_their_snapshot(db: Database) -> None:
    """T-047: a rename stays one, a column made by hand stays, and nothing is made twice"""
    wider = table(
        1,
        "Parts",
        text(1, "part_no", unique=True),
        field(2, "stock", "integer"),
        field(3, "price", "decimal", precision=2),
        field(4, "tags", "multi-select", options=["a", "b"]),
        field(5, "no", "autonumber"),
        field(6, "seen", "datetime", required=True, default="NOW()"),
    )
    migrate(db, wider, allow_destructive=True)
    for statement in ("ALTER TABLE parts ADD COLUMN by_hand INTEGER", "DELETE FROM system_schema_checksum"):
        db.submit_write(Call(lambda tx, sql=statement: tx.execute(sql))).result()  # type: ignore[misc]
    assert plan(db, app(wider)).data()["steps"] == []

    renamed = {**wider, "name": "Pieces", "fields": [{**wider["fields"][0], "name": "piece_no"}, *wider["fields"][1:]]}
    made = plan(db, app(renamed))
    assert "marks" in made.warnings[0]
    assert {step.kind for step in made.steps} == {"change", "add"}  # an index under its new name
    run(db, made)
    assert rows(db, "SELECT piece_no, stock, no, by_hand FROM pieces ORDER BY id") == [
        (f"p{at}", at, at, None) for at in (1, 2, 3)
    ]
    assert plan(db, app(renamed)).is_empty
    assert status(db, app(renamed)).drift == ("Column pieces.by_hand was added by hand",)


def test_wide_tables_are_known_again(open_db: Callable[..., Database], monkeypatch: pytest.MonkeyPatch) -> None:
    """T-047: where a comment for each column would take too long they stand together"""
    monkeypatch.setattr(mark, "WIDE", 2)
    database = open_db()
    migrate(database, PARTS)
    drop = "DELETE FROM system_schema_checksum"
    database.submit_write(Call(lambda tx: tx.execute(drop))).result()
    renamed = table(1, "Parts", text(1, "no"), field(2, "stock", "integer"))
    assert "Rename column part_no to no" in [step.text for step in plan(database, app(renamed)).steps]


def test_what_people_say_of_tables_stays(db: Database) -> None:
    """T-047: comments of people stand above the mark, also when the table is written anew under another name"""
    for what in ("TABLE parts", "COLUMN parts.stock"):
        sql = f"COMMENT ON {what} IS 'Counted on Fridays'"
        db.submit_write(Call(lambda tx, sql=sql: tx.execute(sql))).result()  # type: ignore[misc]
    after = table(1, "Pieces", text(1, "part_no"), field(2, "count", "decimal"))
    migrate(db, after)
    comments = db.submit_read(Call(read_comments)).result()
    assert comments["pieces", None] == "Counted on Fridays\ntable:1"
    assert comments["pieces", "count"] == "Counted on Fridays\nfield:2"
    assert comments["pieces", "part_no"] == "field:1"


def test_indexes_of_big_tables_are_built_beside_the_work(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """M-033: on PostgreSQL the table is written while its index is built; on DuckDB it is part of the migration"""
    monkeypatch.setattr(deferred, "MANY_ROWS", 2)
    indexed = table(1, "Parts", text(1, "part_no", unique=True), field(2, "stock", "integer", indexed=True))
    found = plan(db, app(indexed))
    run(db, found)
    assert "parts_part_no_key" in catalog(db).tables["parts"].indexes
    if db.dialect == "duckdb":
        assert "idx_parts_stock" in catalog(db).tables["parts"].indexes
        assert not deferred.waiting(db)
        return
    assert [name for step in found.steps for name, _ in step.later] == ["idx_parts_stock"]
    assert "idx_parts_stock" not in catalog(db).tables["parts"].indexes
    waits = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND wait_event_type = 'Lock'"

    def write(name: str) -> None:
        db.submit_write(Call(lambda tx: tx.execute(f"INSERT INTO parts (part_no) VALUES ('{name}')"))).result()

    # One who has not committed yet keeps the build waiting, and nobody else waits with it.
    began, go_on = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        tx.execute("INSERT INTO parts (part_no) VALUES ('held')")
        began.set()
        go_on.wait()

    holding = db.submit_write(Call(hold))
    began.wait()
    builder = deferred.IndexBuilder(db)
    try:
        while not rows(db, waits)[0][0]:
            assert builder._thread.is_alive()
        write("beside")
    finally:
        go_on.set()
        holding.result()
        builder._thread.join()
    assert "idx_parts_stock" in catalog(db).tables["parts"].indexes
    assert status(db, app(indexed)).drift == ()

    # What was broken off has left an index that is not valid: it is begun anew.
    spoil = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_parts_stock'::regclass"
    db.submit_write(Call(lambda tx: tx.execute(spoil))).result()
    assert list(deferred.waiting(db)) == ["idx_parts_stock"]
    assert deferred.build(db) == ["idx_parts_stock"]


def test_checks_in_the_database(open_db: Callable[..., Database]) -> None:
    """S-006, T-063, T-080, M-028: with `physicalChecks` typed SQL, too, meets the rules; they come, change and go"""
    database = open_db()

    def parts(most: int, **more: Any) -> Mapping[str, Any]:
        return table(
            1,
            "Parts",
            field(1, "stock", "integer", min=0, max=most),
            field(2, "state", "single-select", options=["it's", "used"]),
            text(3, "bin"),
            constraints=[
                {"name": "has_bin", "check": "stock = 0 OR bin IS NOT NULL"},
                {"name": "is_recent", "check": "created_at < NOW()"},  # only the engine can say it
            ],
            **more,
        )

    def refused(values: str) -> bool:
        sql = f"INSERT INTO parts (stock, state, bin) VALUES ({values})"
        error = database.submit_write(Call(lambda tx: tx.execute(sql))).exception()
        return isinstance(error, Conflict)

    physical = {"physicalChecks": True}
    migrate(database, parts(9))
    assert not refused("10, 'odd', NULL")
    broken = plan(database, app(parts(9, **physical)))
    assert broken.refusals
    database.submit_write(Call(lambda tx: tx.execute("DELETE FROM parts"))).result()
    made = plan(database, app(parts(9, **physical)))
    assert {'Check check_stock_range in the database: "stock" >= 0 AND "stock" <= 9'} <= {
        step.text for step in made.steps
    }
    run(database, made)
    assert [refused(each) for each in ("10, NULL, 'a'", "1, 'odd', 'a'", "1, NULL, NULL", "1, 'it''s', 'a'")] == [
        True,
        True,
        True,
        False,
    ]
    migrate(database, parts(19, **physical))
    assert (refused("20, NULL, 'a'"), refused("10, NULL, 'a'")) == (True, False)
    renamed = parts(19, **physical)
    renamed["fields"][0]["name"] = "amount"  # type: ignore[index]
    renamed["constraints"][0]["check"] = "amount = 0 OR bin IS NOT NULL"
    migrate(database, renamed)
    assert rows(database, "SELECT amount FROM parts ORDER BY 1") == [(1,), (10,)]
    migrate(database, parts(19))
    assert not refused("99, 'odd', NULL")
