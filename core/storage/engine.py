"""Opening a database by its address."""

from pathlib import Path

from core.clock import Clock, system_clock
from core.errors import StorageError
from core.storage.database import Database, Settings


def open_database(settings: Settings, *, clock: Clock = system_clock) -> Database:
    """Open, creating it where it is missing, the database at `settings.url`.

    Raises Locked, Damaged, DiskFull or StorageError when it cannot be opened, FeatureMissing without the driver.
    """
    scheme = settings.url.split("://", 1)[0]
    if scheme == "duckdb":
        from core.storage.duckdb.database import DuckDBDatabase

        return DuckDBDatabase(settings, clock)
    if scheme in ("postgresql", "postgres"):
        from core.storage.postgresql.database import PostgreSQLDatabase

        return PostgreSQLDatabase(settings, clock)
    raise StorageError(
        "The address of the database is neither duckdb:///path nor postgresql://…",
        hint="Check DATABASE_URL",
    )


def files_database(folder: Path) -> Database:
    """A DuckDB in memory that may use the files of one folder."""
    return open_database(Settings(url="duckdb:///:memory:", exchange=str(folder)))
