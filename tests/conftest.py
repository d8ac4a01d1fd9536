"""Fixtures that every test may use. Anything that talks to a database runs on both of them."""

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.clock import Clock, system_clock
from core.storage.database import Database, Settings
from tests.support.databases import NoPostgreSQL, duckdb_file, postgresql_database, postgresql_schema

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # the machine's own is nobody's business
OpenDatabase = Callable[..., Database]
gc.set_threshold(10_000, 20, 20)
"""Looking for garbage after every 700 objects, as Python begins with, takes a tenth of the time of tests of screens."""


def pytest_sessionfinish() -> None:
    """Textual freezes what it finds at its start; DuckDB's binding would take its own types for leaks at the end."""
    gc.unfreeze()
    gc.collect()


@pytest.fixture(autouse=True)
def _settings_of_the_process() -> Iterator[None]:
    """What a test sets in the environment ends with it: the program takes settings of an app's `.env` as its own."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


@pytest.fixture(scope="session")
def postgresql_address(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """One server for the whole run, started by the first test that needs it."""
    base = tmp_path_factory.getbasetemp()
    is_worker = hasattr(request.config, "workerinput")
    shared = base.parent if is_worker else base
    try:
        with postgresql_database(shared / "pg") as address:
            yield address
    except NoPostgreSQL as error:
        pytest.skip(f"PostgreSQL cannot start here: {error}")


@pytest.fixture
def duckdb_settings(tmp_path: Path) -> Settings:
    """A new DuckDB file."""
    return duckdb_file(tmp_path)


@pytest.fixture
def postgresql_settings(postgresql_address: str) -> Iterator[Settings]:
    """A new PostgreSQL schema."""
    with postgresql_schema(postgresql_address) as settings:
        yield settings


@pytest.fixture(params=["duckdb", "postgresql"])
def database_settings(request: pytest.FixtureRequest) -> Settings:
    """Both databases, one after the other."""
    settings: Settings = request.getfixturevalue(f"{request.param}_settings")
    return settings


@pytest.fixture
def open_db(database_settings: Settings) -> Iterator[OpenDatabase]:
    """`open_db()` opens a database as the engine does; with settings or a clock of one's own where given. All are closed
    at the end, and a thread that is left behind fails the test."""
    yield from _opener(database_settings)


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def open_shared_db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenDatabase]:
    """As `open_db`, once for a module whose tests only read."""
    if request.param == "duckdb":
        yield from _opener(duckdb_file(tmp_path_factory.mktemp("shared")))
    else:
        with postgresql_schema(request.getfixturevalue("postgresql_address")) as settings:
            yield from _opener(settings)


@pytest.fixture
def open_duckdb(duckdb_settings: Settings) -> Iterator[OpenDatabase]:
    """As `open_db`, for what concerns DuckDB alone."""
    yield from _opener(duckdb_settings)


@pytest.fixture
def db(open_db: OpenDatabase) -> Database:
    """An open, empty database."""
    return open_db()


def _opener(default: Settings) -> Iterator[OpenDatabase]:
    from core.storage.engine import open_database

    opened: list[Database] = []

    def open_(settings: Settings | None = None, clock: Clock = system_clock) -> Database:
        database = open_database(settings or default, clock=clock)
        opened.append(database)
        return database

    yield open_
    for database in opened:
        database.close()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("storage-")]
    assert not left, f"threads left behind: {left}"
