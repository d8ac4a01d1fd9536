"""A server that counts visits, emptied before every test, on both databases."""

from collections.abc import Iterator

import pytest

from tests.analytics.traffic import Counted
from tests.support.clock import MovingClock
from tests.support.databases import postgresql_schema
from tests.support.server import RunningServer

APP = """
name: shop
analytics: {excludedPaths: [/private/*, "*.pdf"], sessionTimeout: 30}
rateLimit: {trustedProxies: [127.0.0.1]}
tables: []
"""


@pytest.fixture(scope="module")
def duck_counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    clock = MovingClock()
    with RunningServer(APP, tmp_path_factory.mktemp("shop"), clock=clock) as server:
        yield Counted(server, clock)


@pytest.fixture(scope="module")
def postgresql_counting(tmp_path_factory: pytest.TempPathFactory, postgresql_address: str) -> Iterator[Counted]:
    clock, folder = MovingClock(), tmp_path_factory.mktemp("shop-pg")
    with (
        postgresql_schema(postgresql_address) as settings,
        RunningServer(APP, folder, database_url=settings.url, clock=clock) as server,
    ):
        yield Counted(server, clock)


@pytest.fixture(params=["duck_counting", "postgresql_counting"], ids=["duckdb", "postgresql"])
def counted(request: pytest.FixtureRequest) -> Counted:
    """Nobody has visited yet; on both databases."""
    found: Counted = request.getfixturevalue(request.param)
    found.clear()
    return found


@pytest.fixture
def duck_counted(duck_counting: Counted) -> Counted:
    """The same on DuckDB alone, for what does not depend on the database."""
    duck_counting.clear()
    return duck_counting
