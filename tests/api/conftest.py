"""A server per module and database; scenarios empty its tables before they begin."""

from collections.abc import Iterator

import pytest

from tests.support.databases import postgresql_schema
from tests.support.server import RunningServer

APP = """
name: workshop
version: 1.2.0
description: Parts and their suppliers
rateLimit: {trustedProxies: [127.0.0.1]}
tables:
  - id: 1
    name: suppliers
    fields:
      - {id: 1, name: name, type: single-line-text, required: true, unique: true}
      - {id: 2, name: site, type: url}
  - id: 2
    name: Spare Parts
    fields:
      - {id: 1, name: part_no, type: single-line-text, required: true, unique: true}
      - {id: 2, name: stock, type: integer, min: 0, max: 1000}
      - {id: 3, name: price, type: decimal}
      - {id: 4, name: state, type: single-select, options: [new, used, broken]}
      - {id: 5, name: bought, type: date}
      - {id: 6, name: supplier, type: relationship, relatedTable: suppliers, relationType: many-to-one}
      - {id: 7, name: number, type: autonumber}
      - {id: 8, name: notes, type: json}
      - {id: 9, name: tested, type: checkbox}
  - id: 3
    name: hidden
    disabled: true
    fields:
      - {id: 1, name: secret, type: single-line-text}
"""


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server over each database."""
    folder = tmp_path_factory.mktemp("server")
    if request.param == "duckdb":
        with RunningServer(APP, folder) as running:
            yield running
        return
    address = request.getfixturevalue("postgresql_address")
    with postgresql_schema(address) as settings, RunningServer(APP, folder, database_url=settings.url) as running:
        yield running


@pytest.fixture(scope="module")
def duckdb_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server over DuckDB, for what does not depend on the database."""
    with RunningServer(APP, tmp_path_factory.mktemp("server")) as running:
        yield running
