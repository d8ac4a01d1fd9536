"""A server with accounts, emptied before every test. Tests that need another app start a server of their own."""

from collections.abc import Iterator

import pytest

from core.auth import neutral
from core.auth.password import PROFILES
from tests.support.accounts import DESK, Desk
from tests.support.databases import postgresql_schema
from tests.support.server import RunningServer


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """A hash that costs what it should costs more than most tests; those of hashes take the real figures."""
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    yield
    PROFILES.update(real)


@pytest.fixture(scope="session", autouse=True)
def no_waiting() -> Iterator[None]:
    """Answers that are held back, so that their time tells nothing, come at once."""
    real, neutral.LEAST_SECONDS = neutral.LEAST_SECONDS, 0.0
    yield
    neutral.LEAST_SECONDS = real


@pytest.fixture(scope="module")
def duck_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(DESK, tmp_path_factory.mktemp("desk")) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory, postgresql_address: str) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("desk-pg")
    with (
        postgresql_schema(postgresql_address) as settings,
        RunningServer(DESK, folder, database_url=settings.url) as server,
    ):
        yield server


@pytest.fixture(params=["duck_server", "postgresql_server"], ids=["duckdb", "postgresql"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """An app with accounts and nobody in it, on both databases."""
    yield from _empty(request.getfixturevalue(request.param))


@pytest.fixture
def duck_desk(duck_server: RunningServer) -> Iterator[Desk]:
    """The same on DuckDB alone, for what does not depend on the database."""
    yield from _empty(duck_server)


def _empty(server: RunningServer) -> Iterator[Desk]:
    desk = Desk(server)
    desk.clear()
    try:
        yield desk
    finally:
        desk.close()
