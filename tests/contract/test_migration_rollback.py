"""The way back, on both databases: versions, kept copies, what is refused, what is mended."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.errors import BadRequest, MigrationRefused, StorageError
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.migrations import Applied, history, plan, run, status
from core.migrations.bookkeeping import CHECKSUM
from core.migrations.run import Progress, log, plan_repair, plan_rollback
from core.schema.loader import load_data
from core.storage.catalog import Catalog, read_catalog
from core.storage.database import Call, Database

Field = Mapping[str, Any]
NAME = {"id": 1, "name": "name", "type": "single-line-text"}
STOCK = {"id": 2, "name": "stock", "type": "integer"}


def parts(*fields: Field, **more: Any) -> Mapping[str, Any]:
    return {"id": 1, "name": "Parts", "fields": list(fields), **more}


def app(*tables: Mapping[str, Any], **more: Any) -> AppModel:
    return build_app(load_data({"name": "app", "tables": list(tables), **more}, FIELD_TYPES))


def migrate(database: Database, *tables: Mapping[str, Any], **options: Any) -> Applied:
    return run(database, plan(database, app(*tables)), allow_destructive=True, actor="ada", **options)


def rollback(database: Database, to: int | None = None, *, force: bool = False, reason: str | None = None) -> Applied:
    planned = plan_rollback(database, app(parts(NAME)), to, force=force)
    return run(database, planned, allow_destructive=force, reason=reason, actor="ada")


def execute(database: Database, *statements: str) -> None:
    database.submit_write(Call(lambda tx: [tx.execute(each) for each in statements])).result()


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


def catalog(database: Database) -> Catalog:
    return database.submit_read(Call(read_catalog)).result()


def copies(database: Database) -> set[str]:
    return {name for name in catalog(database).tables if name.startswith("system_trash_")}


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    """Version 1: three parts with stock 1, 2, 3."""
    database = open_db()
    migrate(database, parts(NAME, STOCK))
    execute(database, "INSERT INTO parts (name, stock) VALUES ('a', 1), ('b', 2), ('c', 3)")
    return database


def test_what_a_migration_drops_is_kept(db: Database) -> None:
    """M-018, D-23: the values of a column beside its key; a whole table; nothing of what was empty."""
    other = {"id": 2, "name": "Other", "fields": [NAME]}
    wide = parts(NAME, STOCK, {"id": 3, "name": "empty", "type": "integer"})
    migrate(db, wide, other)
    execute(db, "INSERT INTO other (name) VALUES ('x')")
    migrate(db, parts(NAME))
    assert copies(db) == {"system_trash_3_parts", "system_trash_3_other"}
    assert rows(db, "SELECT id, stock FROM system_trash_3_parts ORDER BY id") == [(1, 1), (2, 2), (3, 3)]
    assert len(catalog(db).tables["system_trash_3_parts"].columns) == 2
    assert rows(db, "SELECT name FROM system_trash_3_other") == [("x",)]


def test_nothing_is_kept_where_the_app_says_so(db: Database) -> None:
    """M-018"""
    model = app(parts(NAME), migrations={"keepDroppedDays": 0})
    run(db, plan(db, model), allow_destructive=True)
    assert copies(db) == set()


def test_copies_go_after_their_days(open_db: Callable[..., Database]) -> None:
    """M-018: thirty days, unless the app says otherwise."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    database = open_db(clock=lambda: now[0])
    migrate(database, parts(NAME, STOCK))
    execute(database, "INSERT INTO parts (stock) VALUES (1)")
    migrate(database, parts(NAME))
    now[0] += timedelta(days=29)
    migrate(database, parts({**NAME, "label": "one"}))
    assert copies(database) == {"system_trash_2_parts"}
    now[0] += timedelta(days=2)
    migrate(database, parts({**NAME, "label": "two"}))
    assert copies(database) == set()


def test_back_to_the_version_before(db: Database) -> None:
    """M-044: the dropped column comes back with its values, the version is marked, the log tells who and why."""
    migrate(db, parts(NAME))
    execute(db, "INSERT INTO parts (name) VALUES ('d')")
    assert rollback(db, reason="too early").version == 1
    assert rows(db, "SELECT name, stock FROM parts ORDER BY id") == [("a", 1), ("b", 2), ("c", 3), ("d", None)]
    assert [(each.version, each.is_live) for each in history(db)] == [(2, False), (1, True)]
    last = log(db)[0]
    assert (last.operation, last.before, last.after, last.status) == ("ROLLBACK", 2, 1, "COMPLETED")
    assert last.reason == "too early (ada)"
    assert status(db, app(parts(NAME, STOCK))).is_current
    assert status(db, app(parts(NAME, STOCK))).drift == ()


def test_back_over_several_versions(db: Database) -> None:
    """M-044, M-046: renames, types, columns and tables at once; numbers go on where they were."""
    other = {"id": 2, "name": "Other", "fields": [NAME]}
    migrate(db, parts(NAME, STOCK), other)
    execute(db, "INSERT INTO other (name) VALUES ('x'), ('y')")
    migrate(db, {**parts({**NAME, "name": "title"}, {**STOCK, "type": "single-line-text"}), "name": "Pieces"}, other)
    migrate(db, {**parts({**NAME, "name": "title"}), "name": "Pieces"}, {**other, "name": "Others"})
    migrate(db, {**parts({**NAME, "name": "title"}), "name": "Pieces"})
    rollback(db, to=2)
    assert rows(db, "SELECT name, stock FROM parts ORDER BY id") == [("a", 1), ("b", 2), ("c", 3)]
    execute(db, "INSERT INTO other (name) VALUES ('z')")
    assert rows(db, "SELECT id, name FROM other ORDER BY id") == [(1, "x"), (2, "y"), (3, "z")]
    assert "pieces" not in catalog(db)
    assert [each.version for each in history(db) if each.is_live] == [2, 1]
    assert migrate(db, parts(NAME), other).version == 6
    assert [each.version for each in history(db)] == [6, 5, 4, 3, 2, 1]


def test_what_would_be_lost_is_refused_without_force(db: Database) -> None:
    """M-045: a column with values and a table with rows; forced, both are kept as copies."""
    other = {"id": 2, "name": "Other", "fields": [NAME]}
    migrate(db, parts(NAME, STOCK, {"id": 3, "name": "place", "type": "single-line-text"}), other)
    rollback(db)  # nothing is in them yet
    migrate(db, parts(NAME, STOCK, {"id": 3, "name": "place", "type": "single-line-text"}), other, reapply=True)
    execute(db, "UPDATE parts SET place = 'A' WHERE id = 1", "INSERT INTO other (name) VALUES ('x')")
    with pytest.raises(MigrationRefused, match="would lose data") as caught:
        rollback(db)
    assert {"parts.place", "other"} <= set(" ".join(caught.value.details).split())
    assert log(db)[0].status == "ROLLBACK"
    rollback(db, force=True)
    assert rows(db, "SELECT name, stock FROM parts ORDER BY id") == [("a", 1), ("b", 2), ("c", 3)]
    assert rows(db, "SELECT place FROM system_trash_3_undone_parts") == [("A",)]
    assert rows(db, "SELECT name FROM system_trash_3_undone_other") == [("x",)]


def test_without_a_copy_things_come_back_empty_with_a_warning(db: Database) -> None:
    """M-045"""
    migrate(db, parts(NAME))
    execute(db, "DROP TABLE system_trash_2_parts")
    planned = plan_rollback(db, app(parts(NAME)))
    assert planned.warnings == ("parts.stock comes back empty: no copy of it was kept",)
    run(db, planned)
    assert rows(db, "SELECT stock FROM parts") == [(None,)] * 3


def test_a_required_field_that_new_rows_lack(db: Database) -> None:
    """M-045"""
    migrate(db, parts(NAME, {**STOCK, "required": True}))
    migrate(db, parts(NAME))
    execute(db, "INSERT INTO parts (name) VALUES ('d')")
    with pytest.raises(MigrationRefused, match="1 rows of parts have no value for stock"):
        rollback(db)
    planned = plan_rollback(db, app(parts(NAME)), force=True)
    assert "it comes back optional" in planned.warnings[0]
    run(db, planned, allow_destructive=True)
    assert rows(db, "SELECT stock FROM parts ORDER BY id") == [(1,), (2,), (3,), (None,)]


def test_types_are_changed_back(db: Database) -> None:
    """M-044"""
    tags = {"id": 3, "name": "tags", "type": "single-select", "options": ["a", "b"]}
    done = {"id": 4, "name": "done", "type": "checkbox"}
    migrate(db, parts(NAME, STOCK, tags, done))
    execute(db, "UPDATE parts SET tags = 'a', done = true WHERE id = 1")
    number = {**done, "type": "integer"}
    migrate(db, parts(NAME, {**STOCK, "type": "long-text"}, {**tags, "type": "multi-select"}, number))
    assert rows(db, "SELECT stock, tags, done FROM parts WHERE id = 1") == [("1", ["a"], 1)]
    rollback(db)
    assert rows(db, "SELECT stock, tags, done FROM parts ORDER BY id LIMIT 2") == [(1, "a", True), (2, None, None)]


def test_an_unknown_version_is_told_with_the_known_ones(db: Database) -> None:
    """M-049"""
    migrate(db, parts(NAME))
    with pytest.raises(BadRequest, match="no version 7") as caught:
        rollback(db, to=7)
    assert "1, 2" in str(caught.value.hint)
    assert plan_rollback(db, app(parts(NAME)), 2).is_empty
    rollback(db)
    with pytest.raises(BadRequest, match="no earlier version"):
        rollback(db)


def test_a_rolled_back_version_is_not_applied_again_by_itself(db: Database) -> None:
    """M-047: `reapply` says that it is meant; another file is no such thing. To be asked is no failed attempt (M-051)."""
    migrate(db, parts(NAME))
    rollback(db)
    again = plan(db, app(parts(NAME)))
    assert again.undone == 2
    with pytest.raises(MigrationRefused, match="version 2, which was rolled back") as caught:
        run(db, again, allow_destructive=True)
    assert "--reapply" in str(caught.value.hint)
    assert log(db)[0].status == "COMPLETED"
    assert run(db, again, allow_destructive=True, reapply=True).version == 3
    assert plan(db, app(parts(NAME))).is_empty
    assert plan(db, app(parts({**NAME, "label": "x"}))).undone is None


def test_a_failed_rollback_changes_nothing(db: Database) -> None:
    """M-036, M-048: a stranger has taken the name."""
    migrate(db, {**parts(NAME, STOCK), "name": "Pieces"})
    execute(db, "CREATE TABLE parts (a INTEGER)")
    with pytest.raises(MigrationRefused, match="was not made by this app"):
        rollback(db)
    assert rows(db, "SELECT count(*) FROM pieces") == [(3,)]
    assert history(db)[0].is_live


def test_repair_puts_an_edited_snapshot_back(db: Database) -> None:
    """M-005"""
    execute(db, "UPDATE system_schema_checksum SET schema = '[]'")
    with pytest.raises(MigrationRefused, match="checksum"):
        plan(db, app(parts(NAME, STOCK)))
    planned = plan_repair(db, app(parts(NAME, STOCK)))
    assert [step.text for step in planned.steps] == ["Put the snapshot of version 1 back in force"]
    run(db, planned)
    assert plan(db, app(parts(NAME, STOCK))).is_empty
    assert log(db)[0].operation == "REPAIR"


def test_tables_described_by_a_newer_version_are_left_alone(db: Database) -> None:
    """No guess is made, and nothing repaired: the hint names the way out."""
    (known,) = rows(db, "SELECT layout FROM system_schema_checksum")
    layout = known[0] if isinstance(known[0], list) else json.loads(known[0])
    layout[0]["columns"][0]["unheard_of"] = True
    newer = update(CHECKSUM).values(layout=layout)
    db.submit_write(Call(lambda tx: tx.execute(newer))).result()
    for look in (plan, status, plan_repair):
        with pytest.raises(StorageError, match="does not know") as refused:
            look(db, app(parts(NAME, STOCK)))
        assert "version" in str(refused.value.hint)


def test_repair_brings_back_what_was_dropped_by_hand(db: Database) -> None:
    """M-006, M-053: columns and indexes of the version in force; the app file is not applied, nothing is dropped."""
    execute(db, "DROP INDEX idx_parts_deleted_at")
    execute(db, "ALTER TABLE parts DROP COLUMN stock", "ALTER TABLE parts ADD COLUMN mine INTEGER")
    newer = app(parts(NAME))
    run(db, plan_repair(db, newer))
    found = catalog(db).tables["parts"]
    assert {"stock", "mine"} <= set(found.columns)
    assert "idx_parts_deleted_at" in found.indexes
    assert len(history(db)) == 1
    assert plan_repair(db, newer).is_empty


def test_repair_needs_a_whole_history(db: Database) -> None:
    """M-005"""
    execute(db, "UPDATE system_schema_checksum SET schema = '[]'", "UPDATE system_migration_history SET schema = '[]'")
    with pytest.raises(MigrationRefused, match="nothing says how the tables should be"):
        plan_repair(db, app(parts(NAME)))


def test_progress_is_told_step_by_step(db: Database) -> None:
    """M-041"""
    told: list[Progress] = []
    migrate(db, parts(NAME, {**STOCK, "type": "long-text"}), report=told.append)
    assert told[-1].step == told[-1].steps
    assert told[-1].text in ("Rewrite table parts", "Alter table parts")
    assert [each.step for each in told] == sorted(each.step for each in told)
