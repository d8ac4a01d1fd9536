"""A database with an app's tables in it, and one that has lost them."""

from typing import Any

from core.fields.model import AppModel
from core.migrations.run import plan, run
from core.storage.catalog import read_catalog
from core.storage.database import Call, Database


def create_tables(database: Database, model: AppModel) -> None:
    """Bring the database to the shape of the model, as a server does when it starts."""
    run(database, plan(database, model), actor="test")


def remove_tables(database: Database) -> None:
    """As if nothing had ever run here, but for the change log."""

    def work(tx: Any) -> None:
        catalog = read_catalog(tx)
        for name in catalog.tables:
            if name != "system_change":
                tx.execute(f'DROP TABLE "{name}"')
        for name in catalog.sequences:
            if name.startswith("seq_"):
                tx.execute(f'DROP SEQUENCE "{name}"')

    database.submit_write(Call(work)).result()
