"""However an app file wanders, the database ends as if it had been built fresh, and surviving data is kept."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import MigrationRefused
from core.fields.build import build_app
from core.fields.model import AppModel
from core.fields.registry import FIELD_TYPES
from core.migrations import plan, run, status
from core.schema.loader import load_data
from core.storage.catalog import Catalog, read_catalog
from core.storage.database import Call, Database
from tests.support.depth import examples, patient
from tests.support.tables import remove_tables

NAMES = ["alpha", "beta", "gamma", "delta"]
TABLES = ["one", "two", "three"]

field = st.fixed_dictionaries(
    {
        "id": st.integers(1, 5),
        "type": st.sampled_from(["single-line-text", "integer"]),
        "name": st.sampled_from(NAMES),
        "required": st.booleans(),
        "indexed": st.booleans(),
    }
).map(lambda each: {**each, "default": "d" if each["type"] == "single-line-text" else 7})
table = st.fixed_dictionaries(
    {
        "id": st.integers(1, 3),
        "name": st.sampled_from(TABLES),
        "fields": st.lists(field, min_size=1, max_size=3, unique_by=(lambda f: f["id"], lambda f: f["name"])),
    }
)
app = st.lists(table, min_size=1, max_size=3, unique_by=(lambda t: t["id"], lambda t: t["name"]))


def model(tables: list[dict[str, Any]]) -> AppModel:
    return build_app(load_data({"name": "app", "tables": tables}, FIELD_TYPES))


def shape(catalog: Catalog) -> dict[str, Any]:
    """What must be equal: columns without their order, keys, indexes, sequences. Bookkeeping is left out."""
    return {
        name: (
            {(column.name, column.type, column.nullable, column.default) for column in each.columns.values()},
            each.key,
            {(index.name, index.unique) for index in each.indexes.values()},
        )
        for name, each in catalog.tables.items()
        if not name.startswith("system_")
    } | {"sequences": {name for name in catalog.sequences if name.startswith("seq_")}}


def read(database: Database, work: Callable[[Any], Any]) -> Any:
    return database.submit_read(Call(work)).result()


def values(database: Database, tables: list[dict[str, Any]]) -> dict[tuple[int, int], list[Any]]:
    """By table and field id the values in the order of the records; texts, for a field may have become one."""
    found = {}
    for each in tables:
        for one in each["fields"]:
            rows = read(
                database, lambda r, t=each, f=one: r.rows(f'SELECT "{f["name"]}" FROM "{t["name"]}" ORDER BY id')
            )
            found[each["id"], one["id"]] = [None if row[0] is None else str(row[0]) for row in rows]
    return found


@patient
@settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=st.lists(app, min_size=2, max_size=4))
def test_any_way_leads_to_the_same_database(open_db: Callable[..., Database], files: list[Any]) -> None:
    """M-007, M-014, M-016, M-019, M-020, M-021, M-033"""
    database = open_db()
    remove_tables(database)
    kept: dict[tuple[int, int], list[Any]] = {}
    tables: list[dict[str, Any]] = []
    for wanted in files:
        try:
            run(database, plan(database, model(wanted)), allow_destructive=True)
        except MigrationRefused:  # a text does not become a number: then nothing has changed
            assert status(database, model(tables)).is_current or not tables
            assert values(database, tables) == kept
            continue
        now = values(database, wanted)
        for key in kept.keys() & now.keys():
            assert [new for old, new in zip(kept[key], now[key], strict=True) if old is not None and old != new] == []
        tables = wanted
        _fill(database, tables)
        kept = values(database, tables)
        assert status(database, model(tables)).drift == ()
    wandered = read(database, read_catalog)
    remove_tables(database)
    run(database, plan(database, model(tables)))
    assert shape(wandered) == shape(read(database, read_catalog))
    database.close()


def _fill(database: Database, tables: list[dict[str, Any]]) -> None:
    """Two more records in each table."""
    built = {each.sql_name: each for each in model(tables)}
    for each in tables:
        target = database.table(built[each["name"]])
        rows = [
            {one["name"]: f"text {at}" if one["type"] == "single-line-text" else at for one in each["fields"]}
            for at in range(2)
        ]
        database.submit_write(Call(lambda tx, t=target, r=rows: tx.insert(t, r))).result()
