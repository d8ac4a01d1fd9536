"""Indexes of big tables on PostgreSQL, built beside the work once their migration is in force: `CREATE INDEX CONCURRENTLY`
lets everybody read and write meanwhile, and no transaction may hold it (M-033).

What is still to be built stands in the plan of the version in force, so that a server that was stopped goes on with it.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

from core.errors import SovriumError
from core.migrations.bookkeeping import read_history
from core.storage.catalog import read_catalog, table_names
from core.storage.database import Call, Cancel, Database, Reader
from core.storage.ddl import quote

MANY_ROWS = 100_000
"""Rows of a table above which its plain indexes are built beside the work. Unique ones are part of the migration: it must
not be in force with rows that break it."""
log = logging.getLogger("sovrium.migrations")


def is_big(reader: Reader, table: str) -> bool:
    count = f"SELECT count(*) FROM (SELECT 1 FROM {quote(table)} LIMIT {MANY_ROWS + 1:d}) AS rows"
    return reader.dialect == "postgresql" and int(reader.scalar(count)) > MANY_ROWS


def concurrently(create: str) -> str:
    return create.replace("CREATE INDEX ", "CREATE INDEX CONCURRENTLY ", 1)


def waiting(database: Database) -> Mapping[str, str]:
    """The statements of indexes that the version in force waits for, by name."""

    def work(reader: Reader) -> Mapping[str, str]:
        newest = next((version for version in read_history(reader, table_names(reader)) if version.is_live), None)
        wanted = {name: text for step in (newest.plan if newest else ()) for name, text in step.get("later", ())}
        if not wanted:
            return {}
        there = {name for table in read_catalog(reader).tables.values() for name in table.indexes}
        return {name: text for name, text in wanted.items() if name not in there}

    found = Call(work)
    return {} if database.dialect == "duckdb" else database.submit_read(found, lane="long", deadline=None).result()


def build(database: Database, cancel: Cancel | None = None) -> Sequence[str]:
    """Build what is waited for; the names. Blocks, and nobody else meanwhile. Raises StorageError, DeadlinePassed."""
    built = []
    for name, text in waiting(database).items():
        # What an earlier attempt has left is not valid, and of no use.
        database.run_alone(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(name)}", cancel)
        database.run_alone(text, cancel)
        built.append(name)
    return built


class IndexBuilder:
    """Builds them in a thread of its own, which ends when nothing is left to do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cancel = Cancel()
        self._thread = threading.Thread(target=self._run, name="index-builder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up what is under way; the next start begins anew. Idempotent."""
        self._cancel.cancel()
        self._thread.join()

    def _run(self) -> None:
        try:
            for name in build(self._database, self._cancel):
                log.info("The index %s is built", name)
        except SovriumError as error:
            if not self._cancel.requested:
                log.warning("An index was not built: %s", error)
