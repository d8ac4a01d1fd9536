"""Moving an app from DuckDB to PostgreSQL: rows, keys, history, counters."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.errors import DeadlinePassed, MigrationRefused
from core.migrations import history, plan, run, status
from core.migrations.transfer import move
from core.storage.catalog import read_catalog
from core.storage.database import Call, Cancel, Database, Settings
from core.storage.journal import CHANGES
from tests.support.apps import app_model

APP = """
tables:
  - id: 1
    name: People
    fields:
      - { id: 1, name: name, type: single-line-text, unique: true }
      - { id: 2, name: born, type: date }
      - { id: 3, name: seen, type: datetime }
      - { id: 4, name: pay, type: decimal, precision: 2 }
      - { id: 5, name: tags, type: multi-select, options: [a, b] }
      - { id: 6, name: more, type: json }
      - { id: 7, name: ok, type: checkbox }
  - id: 2
    name: Books
    fields:
      - { id: 1, name: title, type: long-text }
      - { id: 2, name: author, type: relationship, relatedTable: People }
      - { id: 3, name: readers, type: relationship, relatedTable: People, relationType: many-to-many }
"""
PERSON = {
    "name": "Ada é 📦",
    "born": date(1815, 12, 10),
    "seen": datetime(2026, 2, 1, 8, 30, 15, 123000, tzinfo=UTC),
    "pay": Decimal("12.50"),
    "tags": ["b", "a"],
    "more": {"x": [1, 2.5, None, {"y": "z"}]},
    "ok": True,
}


@pytest.fixture
def source(open_duckdb: Callable[..., Database]) -> Database:
    """Two versions, 12 people, a book of one of them."""
    database = open_duckdb()
    model = app_model(APP)
    run(database, plan(database, app_model(APP.replace("long-text", "single-line-text"))))
    run(database, plan(database, model))
    people, books = (database.table(model.by_address[name]) for name in ("people", "books"))
    pairs = database.table(model.junctions[0])
    near, far = (column.name for column in list(pairs.columns)[:2])

    def fill(tx: Any) -> None:
        tx.insert(people, [{**PERSON, "name": f"{PERSON['name']} {at}"} for at in range(11)])
        tx.insert(people, [{"name": None}])
        tx.insert(books, [{"title": "x" * 5000, "author": 3}])
        tx.insert(pairs, [{near: 1, far: 2}, {near: 1, far: 5}])

    database.submit_write(Call(fill)).result()
    return database


@pytest.fixture
def target(open_duckdb: Callable[..., Database], postgresql_settings: Settings) -> Database:
    return open_duckdb(postgresql_settings)


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


def test_everything_is_moved(source: Database, target: Database) -> None:
    """M-055: the same rows by count and checksum, the history of versions, and numbers that go on."""
    model = app_model(APP)
    told: list[tuple[str, int, int]] = []
    moved = move(source, target, model, report=lambda *how: told.append(how))
    counts = {each.table: each.rows for each in moved}
    assert (counts["people"], counts["books"], counts["system_migration_history"]) == (12, 1, 2)
    assert ("people", 12, 12) in told
    assert status(target, model).is_current
    assert status(target, model).drift == ()
    assert [each.version for each in history(target)] == [2, 1]
    columns = [column.name for column in target.table(model.by_address["people"]).columns]
    sql = f"SELECT {', '.join(columns)} FROM people ORDER BY id"
    assert rows(target, sql) == rows(source, sql)
    people = target.table(model.by_address["people"])
    target.submit_write(Call(lambda tx: tx.insert(people, [{"name": "new"}]))).result()
    assert rows(target, "SELECT id FROM people WHERE name = 'new'") == [(13,)]
    assert counts[model.junctions[0].sql_name] == 2
    assert counts[CHANGES.name] == rows(source, "SELECT count(*) FROM system_change")[0][0]
    assert plan(target, model).is_empty


def test_a_target_that_is_not_empty_is_left_alone(source: Database, target: Database) -> None:
    """M-055"""
    target.submit_write(Call(lambda tx: tx.execute("CREATE TABLE people (a INTEGER)"))).result()
    with pytest.raises(MigrationRefused, match="holds a table people already"):
        move(source, target, app_model(APP))


def test_a_move_that_is_cut_off_has_not_happened(source: Database, target: Database) -> None:
    """M-055: then it succeeds."""
    cancel = Cancel()
    with pytest.raises(DeadlinePassed):
        move(source, target, app_model(APP), cancel=cancel, report=lambda *_: cancel.cancel())
    found = target.submit_read(Call(read_catalog)).result()
    assert set(found.tables) <= {"system_change"}
    assert move(source, target, app_model(APP))


def test_there_must_be_something_to_move(open_duckdb: Callable[..., Database], target: Database) -> None:
    """M-055"""
    with pytest.raises(MigrationRefused, match="nothing to move"):
        move(open_duckdb(), target, app_model(APP))
