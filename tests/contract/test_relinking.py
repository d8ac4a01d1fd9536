"""Links through changes of their shape and of the keys that they hold, on both databases."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from core.errors import MigrationRefused
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.migrations import plan, run, status
from core.migrations.run import plan_rollback
from core.schema.loader import load_data
from core.storage.database import Call, Database

NAME = {"id": 1, "name": "name", "type": "single-line-text"}
ONE = {"id": 2, "name": "author", "type": "relationship", "relatedTable": "people"}
MANY = {**ONE, "relationType": "many-to-many"}


def app(link: Mapping[str, Any], key: str | None = None) -> AppModel:
    people: dict[str, Any] = {"id": 1, "name": "people", "fields": [NAME]}
    if key:
        people["primaryKey"] = {"type": key}
    books = {"id": 2, "name": "books", "fields": [NAME, link]}
    return build_app(load_data({"name": "app", "tables": [people, books]}, FIELD_TYPES))


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


def execute(database: Database, *statements: str) -> None:
    database.submit_write(Call(lambda tx: [tx.execute(each) for each in statements])).result()


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    """Two people, three books: by Ada, by Bob, by nobody."""
    database = open_db()
    run(database, plan(database, app(ONE)))
    execute(
        database,
        "INSERT INTO people (name) VALUES ('Ada'), ('Bob')",
        "INSERT INTO books (name, author) VALUES ('a', 1), ('b', 2), ('c', NULL)",
    )
    return database


def pairs(database: Database) -> list[Any]:
    near, far = (column for (column,) in rows(database, _columns(database)))
    return rows(
        database,
        f'SELECT b.name, p.name FROM books_people j JOIN books b ON b.id = j."{near}" '
        f'JOIN people p ON p.id = j."{far}" ORDER BY 1, 2',
    )


def _columns(database: Database) -> str:
    here = "current_schema()"
    return (
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'books_people' "
        f"AND table_schema = {here} ORDER BY ordinal_position"
    )


def test_links_move_into_pairs_and_back(db: Database) -> None:
    """§12.6, many-to-one ↔ many-to-many: nothing has to be confirmed, for nothing is lost."""
    run(db, plan(db, app(MANY)))
    assert pairs(db) == [("a", "Ada"), ("b", "Bob")]
    assert status(db, app(MANY)).drift == ()
    run(db, plan(db, app(ONE)))
    assert rows(db, "SELECT name, author FROM books ORDER BY id") == [("a", 1), ("b", 2), ("c", None)]
    assert status(db, app(ONE)).drift == ()


def test_several_links_do_not_become_one(db: Database) -> None:
    """§12.6: back only if there is at most one in each row; the records are named."""
    run(db, plan(db, app(MANY)))
    near, far = (column for (column,) in rows(db, _columns(db)))
    execute(db, f'INSERT INTO books_people ("{near}", "{far}") VALUES (1, 2)')
    with pytest.raises(MigrationRefused, match="1 records have more than one link") as caught:
        run(db, plan(db, app(ONE)), allow_destructive=True)
    assert caught.value.details[1:] == ("1: 2 links",)


def test_a_rollback_brings_links_back_from_pairs(db: Database) -> None:
    """M-044"""
    run(db, plan(db, app(MANY)))
    run(db, plan_rollback(db, app(MANY), force=True), allow_destructive=True)
    assert rows(db, "SELECT name, author FROM books ORDER BY id") == [("a", 1), ("b", 2), ("c", None)]


def test_numbers_become_texts_with_their_links(db: Database) -> None:
    """§12.6, id integer → text"""
    run(db, plan(db, app(ONE, "text")))
    assert rows(db, "SELECT id, name FROM people ORDER BY id") == [("1", "Ada"), ("2", "Bob")]
    assert rows(db, "SELECT name, author FROM books ORDER BY id") == [("a", "1"), ("b", "2"), ("c", None)]
    assert status(db, app(ONE, "text")).drift == ()


@pytest.mark.parametrize("link", [ONE, MANY], ids=["one", "many"])
def test_numbers_become_uuids_with_their_links(db: Database, link: Mapping[str, Any]) -> None:
    """§12.6, id integer → uuid: links and history follow; what each record was called is remembered."""
    run(db, plan(db, app(link)))
    change = 'INSERT INTO system_change (sequence, "transaction", time, "table", record, operation) VALUES '
    execute(db, change + "(900, 900, now(), 'people', '1', 'create'), (901, 900, now(), 'books', '1', 'create')")
    run(db, plan(db, app(link, "uuid")))
    people = dict(rows(db, "SELECT name, id FROM people"))
    assert all(len(each) == 36 for each in people.values())
    if link is ONE:
        assert rows(db, "SELECT name, author FROM books ORDER BY id") == [
            ("a", people["Ada"]),
            ("b", people["Bob"]),
            ("c", None),
        ]
    else:
        assert pairs(db) == [("a", "Ada"), ("b", "Bob")]
    history = dict(rows(db, 'SELECT "table", record FROM system_change WHERE sequence >= 900'))
    assert history == {"people": people["Ada"], "books": "1"}
    assert status(db, app(link, "uuid")).drift == ()
