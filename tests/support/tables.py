"""A database with an app's tables in it."""

from core.fields.model import AppModel
from core.migrations.run import plan, run
from core.storage.database import Database


def create_tables(database: Database, model: AppModel) -> None:
    """Bring the database to the shape of the model, as a server does when it starts."""
    run(database, plan(database, model), actor="test")
