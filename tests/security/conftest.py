"""A server over each database, shared by the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.databases import postgresql_schema
from tests.support.server import RunningServer

APP = """
name: target
tables:
  - id: 1
    name: canary
    fields:
      - {id: 1, name: name, type: single-line-text, required: true}
      - {id: 2, name: notes, type: long-text}
      - {id: 3, name: amount, type: decimal}
      - {id: 4, name: day, type: date}
      - {id: 5, name: at, type: datetime}
      - {id: 6, name: state, type: single-select, options: [new, old]}
      - {id: 7, name: tags, type: multi-select, options: [a, b]}
      - {id: 8, name: data, type: json}
      - {id: 9, name: parent, type: relationship, relatedTable: canary, relationType: many-to-one}
"""


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("server")
    if request.param == "duckdb":
        with RunningServer(APP, folder) as running:
            yield running
        return
    address = request.getfixturevalue("postgresql_address")
    with postgresql_schema(address) as settings, RunningServer(APP, folder, database_url=settings.url) as running:
        yield running
