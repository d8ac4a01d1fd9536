"""Views that the program owns: out of the way while tables change, there again at the end, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import MigrationRefused
from core.fields.model import AppModel
from core.migrations import OwnedViewGroup, plan, run
from core.storage.database import Call, Database, Reader, Transaction
from tests.support.apps import app_model

PARTS = """
    tables:
      - id: 1
        name: Parts
        fields:
          - { id: 1, name: part_no, type: single-line-text }
          - { id: 2, name: stock, type: integer }
"""


class OnePerTable:
    """`<prefix>_<table>`: all columns of a table."""

    def __init__(self, prefix: str, source: str = "") -> None:
        self.prefix = prefix
        self.source = source

    def _wanted(self, model: AppModel) -> dict[str, str]:
        return {f"{self.prefix}_{table.sql_name}": f"{self.source}{table.sql_name}" for table in model}

    def _found(self, reader: Reader) -> set[str]:
        if reader.dialect == "duckdb":
            sql = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
        else:
            sql = "SELECT viewname::text FROM pg_views WHERE schemaname = current_schema()"
        return {name for (name,) in reader.rows(sql) if name.startswith(f"{self.prefix}_")}

    def drop(self, tx: Transaction) -> None:
        for name in self._found(tx):
            tx.execute(f'DROP VIEW "{name}"')

    def create(self, tx: Transaction, model: AppModel) -> None:
        for name, source in self._wanted(model).items():
            tx.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{source}"')

    def is_current(self, reader: Reader, model: AppModel) -> bool:
        return self._found(reader) == set(self._wanted(model))


VIEWS = OwnedViewGroup([OnePerTable("first"), OnePerTable("second", "first_")])


def rows(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    database = open_db()
    model = app_model(PARTS)
    run(database, plan(database, model, owned=VIEWS), owned=VIEWS)
    database.submit_write(Call(lambda tx: tx.execute("INSERT INTO parts (part_no, stock) VALUES ('a', 1)"))).result()
    return database


def test_views_follow_a_renamed_table_and_column(db: Database) -> None:
    """S-014, M-020: they are dropped first and made last, in the order of who reads whom."""
    renamed = app_model(PARTS.replace("Parts", "Pieces").replace("part_no", "piece"))
    run(db, plan(db, renamed, owned=VIEWS), owned=VIEWS)
    assert rows(db, "SELECT piece, stock FROM second_pieces") == [("a", 1)]
    with pytest.raises(Exception, match="first_parts"):
        rows(db, "SELECT * FROM first_parts")


def test_nothing_is_done_while_the_views_stand(db: Database) -> None:
    """M-002"""
    assert plan(db, app_model(PARTS), owned=VIEWS).is_empty


def test_missing_and_obsolete_views_are_mended_without_a_version(db: Database) -> None:
    """M-002, M-004"""
    for sql in ("DROP VIEW second_parts", "CREATE VIEW first_old AS SELECT 1 AS one"):
        db.submit_write(Call(lambda tx, text=sql: tx.execute(text))).result()
        planned = plan(db, app_model(PARTS), owned=VIEWS)
        assert not planned.is_empty
        assert run(db, planned, owned=VIEWS).version == 1
        assert plan(db, app_model(PARTS), owned=VIEWS).is_empty
    assert rows(db, "SELECT part_no FROM second_parts") == [("a",)]
    with pytest.raises(Exception, match="first_old"):
        rows(db, "SELECT * FROM first_old")


def test_a_failure_leaves_the_views_as_they_were(db: Database) -> None:
    """M-024, M-036"""

    class Broken(OnePerTable):
        def create(self, tx: Transaction, model: AppModel) -> None:
            super().create(tx, model)
            tx.execute("CREATE VIEW first_broken AS SELECT * FROM nowhere")

    broken = OwnedViewGroup([Broken("first"), OnePerTable("second", "first_")])
    renamed = app_model(PARTS.replace("part_no", "piece"))
    with pytest.raises(MigrationRefused, match="rolled back"):
        run(db, plan(db, renamed, owned=broken), owned=broken)
    assert rows(db, "SELECT part_no FROM second_parts") == [("a",)]
