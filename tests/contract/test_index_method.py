"""`indexed` on values that hold several: what each database makes of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.fields.model import AppModel
from core.migrations import plan, run, status
from core.principal import OWNER
from core.query.distance import within_radius
from core.query.operand import Radius
from core.records.service import Records
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database, Reader
from core.storage.postgresql.dialect import make_dialect
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Sites
    fields:
      - { id: 1, name: about, type: json, indexed: true }
      - { id: 2, name: tags, type: array, indexed: true }
      - { id: 3, name: place, type: geolocation, indexed: true }
      - { id: 4, name: code, type: single-line-text, indexed: true }
"""
NESTED = ("idx_sites_about", "idx_sites_place", "idx_sites_tags")
NEAR = '{"field": "place", "operator": "withinRadius", "value": {"lat": 48.85, "lng": 2.35, "meters": 5000}}'


def definitions(database: Database) -> dict[str, str]:
    catalog = database.submit_read(Call(read_catalog)).result()
    return {name: index.definition for name, index in catalog.tables["sites"].indexes.items()}


@pytest.fixture
def model() -> AppModel:
    return app_model(APP)


@pytest.fixture
def db(open_db: Callable[..., Database], model: AppModel) -> Database:
    database = open_db()
    create_tables(database, model)
    return database


def test_each_database_has_the_indexes_that_serve_it(db: Database, model: AppModel) -> None:
    """T-042: GIN and GiST on PostgreSQL; nothing on DuckDB, which says no word about it."""
    found = definitions(db)
    assert "idx_sites_code" in found
    if db.dialect == "duckdb":
        assert not found.keys() & set(NESTED)
    else:
        assert [found[name].partition("USING ")[2].partition(" ")[0] for name in NESTED] == ["gin", "gist", "gin"]
    assert status(db, model).drift == ()


def test_an_index_that_is_not_made_is_not_missed(db: Database) -> None:
    """T-042, M-033: the next migration has nothing to do with it; one that no longer asks for it removes it."""
    changed = plan(db, app_model(APP.replace("name: code", "name: number")))
    assert not [step.text for step in changed.steps if any(name in step.text for name in NESTED)]
    without = app_model(APP.replace(", indexed: true", ""))
    run(db, plan(db, without))
    assert set(definitions(db)) == {"idx_sites_deleted_at"}
    assert status(db, without).drift == ()


async def test_long_values_are_taken(db: Database, model: AppModel) -> None:
    """T-042: a tree index would refuse them."""
    long = [f"tag {n} of many" for n in range(2000)]
    records = Records(db, model)
    made = await records.create(OWNER, model.tables[0], {"fields": {"about": {"tags": long}, "tags": long}})
    assert made["fields"]["about"] == {"tags": long}
    changed = await records.update(OWNER, model.tables[0], made["id"], {"fields": {"tags": long[:10]}})
    assert changed["fields"]["tags"] == long[:10]


async def test_places_are_found_by_the_index(db: Database, model: AppModel) -> None:
    """T-042, T-097: where there is one, the words of the question are those of the index."""
    records = Records(db, model)
    places = [{"fields": {"place": {"lat": 48.85, "lng": 2.35 + n / 100}}} for n in range(50)]
    await records.batches.create(OWNER, model.tables[0], {"records": [*places, {"fields": {}}]})
    assert len((await records.list(OWNER, model.tables[0], {"filter": NEAR}))["records"]) == 7
    if db.dialect == "duckdb":
        return
    column = db.table(model.tables[0]).c.place
    asked = select(column).where(within_radius(column, Radius(48.85, 2.35, 5000), "postgresql"))
    text = str(asked.compile(dialect=make_dialect(), compile_kwargs={"literal_binds": True}))

    def explained(reader: Reader) -> str:
        reader.rows("SET LOCAL enable_seqscan = off")
        return str(reader.rows(f"EXPLAIN {text}"))

    assert "idx_sites_place" in db.submit_read(Call(explained)).result()
