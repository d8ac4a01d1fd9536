"""`/api/openapi.json`: whole, and true to the routes and tables."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from core.http.openapi import REASONS
from core.http.routes import all_routes
from tests.support.server import RunningServer


def document(server: RunningServer) -> Any:
    return server.http.get("/api/openapi.json").json()


def test_every_route_is_there_and_has_a_name_of_its_own(duckdb_server: RunningServer) -> None:
    found = document(duckdb_server)
    ids = [operation["operationId"] for path in found["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    for route in all_routes():
        paths = [route.path, route.path.replace("{table}", "spare_parts")]
        told = any(route.method.lower() in found["paths"].get(path, {}) for path in paths)
        assert told is not route.accounts, f"{route.path}: routes of accounts are told where there are accounts only"
        assert route.summary


def test_an_app_with_accounts_tells_of_their_routes(tmp_path: Path) -> None:
    app = "name: desk\nauth: {strategies: [{type: emailAndPassword}]}\ntables: []\n"
    with RunningServer(app, tmp_path) as server:
        found = server.local.get("/api/openapi.json").json()
    ids = [operation["operationId"] for path in found["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    missing = [r.path for r in all_routes() if r.accounts and r.method.lower() not in found["paths"].get(r.path, {})]
    assert missing == []


def test_every_handler_has_a_name_of_its_own() -> None:
    """Whatever tables an app has: the name is the operation's, and that of a generated client's method."""
    names = Counter(route.handler.__name__ for route in all_routes())
    assert [name for name, count in names.items() if count > 1] == []


def test_every_status_of_a_route_is_explained() -> None:
    told = {(status, route.path) for route in all_routes() for status in route.errors}
    assert {each for each in told if each[0] not in REASONS} == set()
    assert [status for status in REASONS if not 400 <= status < 600] == []


def test_every_reference_leads_somewhere(duckdb_server: RunningServer) -> None:
    found = document(duckdb_server)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(found)):
        assert name in found["components"]["schemas"], name


def test_tables_have_their_own_fields_and_disabled_ones_nothing(duckdb_server: RunningServer) -> None:
    found = document(duckdb_server)
    body = found["components"]["schemas"]["spare_parts.RecordBody"]["anyOf"][0]["properties"]["fields"]
    assert "part_no" in body["properties"]
    assert "number" not in body["properties"], "read-only fields are not for writing"
    assert "number" in found["components"]["schemas"]["spare_parts.Fields"]["properties"]
    assert "hidden" not in json.dumps(found)
