"""Views of the app file, personal views and preferences, over HTTP and in the database (tables-records §7)."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.http.limit import Limiter
from tests.support.databases import postgresql_schema
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

TODAY = datetime.now(UTC).date()
APP = """
name: plant
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: buyer}]
tables:
  - id: 1
    name: Parts
    fields:
      - {id: 1, name: title, type: single-line-text}
      - {id: 2, name: stock, type: integer}
      - {id: 3, name: state, type: single-select, options: [new, used, broken]}
      - {id: 4, name: due, type: date}
      - {id: 5, name: cost, type: integer}
      - {id: 6, name: owner, type: single-line-text}
      - {id: 7, name: buy, type: button, label: Buy, action: url, url: "https://example.org"}
    permissions:
      read: authenticated
      create: authenticated
      update: authenticated
      fields: [{field: cost, read: [admin]}]
    views:
      - id: open-now
        name: Open
        isDefault: true
        fields: [title, state, due]
        filters:
          and:
            - {field: state, operator: notEquals, value: broken}
            - {or: [{field: stock, operator: greaterThan, value: 4}, {field: due, operator: isBefore, value: $today}]}
        sorts: [{field: stock, direction: desc}]
      - id: 7
        name: Numbered
        sorts: [{field: title, direction: asc}]
        groupBy: {field: state, direction: desc, order: [used]}
      - {id: tight, name: Tight, groupBy: {field: state, hideEmpty: true}}
      - {id: mine, name: Mine, filters: {field: owner, operator: equals, value: $currentUser.id}}
      - {id: cheap, name: Cheap, filters: {field: cost, operator: lessThan, value: 3}, sorts: [{field: cost}]}
      - {id: buyers, name: Buyers, permissions: {read: [buyer]}}
      - {id: everyone, name: Everyone, filters: {field: state, operator: equals, value: used}, permissions: {public: true}}
      - id: shop-window
        name: Shop window
        fields: [title]
        filters: {field: state, operator: equals, value: used}
        sorts: [{field: stock, direction: asc}]
        permissions: {public: true}
      - id: per-state
        name: Per state
        query: SELECT state, count(*) AS many FROM parts WHERE deleted_at IS NULL GROUP BY state ORDER BY state
      - id: kept
        name: Kept
        query: SELECT sum(many) AS total FROM "per-state"
        materialized: true
  - id: 2
    name: Empty
    fields: [{id: 1, name: title, type: single-line-text}]
"""
PARTS = [
    ("a", 1, "new", -1, 1, "ada"),
    ("b", 9, "used", 3, 5, "bob"),
    ("c", 5, "broken", -3, 2, "ada"),
    ("d", 7, "new", None, 9, "bob"),
    ("e", 2, "used", 2, 2, "ada"),
]
BASE = "/api/tables/Parts"


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("views")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        fill(running)
        yield running


def fill(server: RunningServer) -> None:
    for title, stock, state, days, cost, owner in PARTS:
        due = None if days is None else (TODAY + timedelta(days=days)).isoformat()
        record = {"title": title, "stock": stock, "state": state, "due": due, "cost": cost, "owner": owner}
        assert server.local.post(f"{BASE}/records", json=record).status_code == 201


def titles(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [record["fields"].get("title") for record in answer.json()["records"]]


def test_filter_sorts_and_fields_apply(server: RunningServer) -> None:
    """V-001, V-002, V-003, V-004, V-011: nested groups, `$today`, the order, the columns in theirs"""
    answer = server.local.get(f"{BASE}/views/open-now/records")
    assert titles(answer) == ["b", "d", "a"]
    assert list(answer.json()["records"][0]["fields"]) == ["title", "state", "due"]


def test_default_view_is_asked_for(server: RunningServer) -> None:
    """V-006, D-25: `view=default`, the id or the name; without it nothing is filtered"""
    for view in ("default", "open-now", "Open"):
        assert titles(server.local.get(f"{BASE}/records", params={"view": view})) == ["b", "d", "a"]
    assert titles(server.local.get(f"{BASE}/records")) == list("abcde")
    assert server.local.get(f"{BASE}/records", params={"view": "nope"}).status_code == 404
    assert server.local.get("/api/tables/Empty/records", params={"view": "default"}).status_code == 404


def test_groups_come_in_blocks(server: RunningServer) -> None:
    """V-005, D-27: a group of its own first, then by direction; options without rows count 0 unless they are hidden"""
    answer = server.local.get(f"{BASE}/views/7/records")
    assert titles(answer) == ["b", "e", "c", "a", "d"]
    assert [(each["name"], each["count"]) for each in answer.json()["groups"]] == [
        ("used", 2),
        ("broken", 1),
        ("new", 2),
    ]
    only_new = {"filter": "state:new"}
    counts = server.local.get(f"{BASE}/views/Numbered/records", params=only_new).json()["groups"]
    assert [(each["name"], each["count"]) for each in counts] == [("used", 0), ("broken", 0), ("new", 2)]
    counts = server.local.get(f"{BASE}/views/tight/records", params=only_new).json()["groups"]
    assert [(each["name"], each["count"]) for each in counts] == [("new", 2)]


def test_requests_combine_with_the_view(server: RunningServer) -> None:
    """V-014, R-020: limit, offset, filter (both hold), sort (replaces), fields (those of both)"""
    url = f"{BASE}/views/open-now/records"
    assert titles(server.local.get(url, params={"limit": 1, "offset": 1})) == ["d"]
    assert titles(server.local.get(url, params={"filter": "state:new"})) == ["d", "a"]
    assert titles(server.local.get(url, params={"sort": "title"})) == ["a", "b", "d"]
    fields = server.local.get(url, params={"fields": "due,stock,title"}).json()["records"][0]["fields"]
    assert list(fields) == ["due", "title"]


def test_list_and_detail(server: RunningServer) -> None:
    """V-012, V-013"""
    assert server.local.get("/api/tables/Empty/views").json() == []
    listed = server.local.get(f"{BASE}/views").json()
    assert listed[0] == {"id": "open-now", "name": "Open", "isDefault": True}
    assert {"id": "7", "name": "Numbered"} in listed
    detail = server.local.get(f"{BASE}/views/7").json()
    assert detail["groupBy"] == {"field": "state", "direction": "desc", "order": ["used"]}
    assert detail["sorts"] == [{"field": "title", "direction": "asc"}]
    for url in (f"{BASE}/views/nope", f"{BASE}/views/nope/records", "/api/tables/Nope/views"):
        assert server.local.get(url).status_code == 404


def test_views_follow_permissions(server: RunningServer) -> None:
    """V-015, D-26: a list of roles, public views, what is not public"""
    member, buyer = headers("ada", "member"), headers("bob", "buyer")
    assert "buyers" not in {each["id"] for each in server.http.get(f"{BASE}/views", headers=member).json()}
    assert server.http.get(f"{BASE}/views/buyers/records", headers=member).status_code == 404
    assert titles(server.http.get(f"{BASE}/views/buyers/records", headers=buyer)) == list("abcde")
    assert titles(server.http.get(f"{BASE}/views/everyone/records")) == ["b", "e"]
    for url in (f"{BASE}/views/open-now/records", f"{BASE}/records?view=everyone", f"{BASE}/views"):
        assert server.http.get(url).status_code == 401


def test_public_views_tell_no_more_than_they_show(server: RunningServer) -> None:
    """V-015, V-016, P-020: their own order and filter hold; who may not read the table asks for nothing else."""
    url = f"{BASE}/views/shop-window/records"
    assert titles(server.http.get(url)) == ["e", "b"]
    assert titles(server.http.get(f"{url}?filter=title:b&sort=title&aggregate=count&q=B")) == ["b"]
    assert titles(server.http.get(f"{url}?q=bob")) == []
    asked = ("filter=owner:bob", "sort=owner", "groupBy=owner", "aggregate=stock:max", "fields=owner")
    for each in (*asked, "filterByFormula={owner}='bob'"):
        assert server.http.get(f"{url}?{each}").status_code == 404
        assert server.http.get(f"{url}?{each}", headers=headers("ada", "member")).status_code == 200


def test_views_never_widen_access(server: RunningServer) -> None:
    """V-016: a hidden field comes out of no view, not as a value, a name, or an order; its filter holds all the same"""
    member = headers("ada", "member")
    answer = server.http.get(f"{BASE}/views/cheap/records", headers=member)
    assert sorted(titles(answer)) == ["a", "c", "e"]
    assert "cost" not in answer.text
    detail = server.http.get(f"{BASE}/views/cheap", headers=member)
    assert detail.json() == {"id": "cheap", "name": "Cheap", "hasMore": True, "sorts": []}
    guest = server.http.get(f"{BASE}/views/everyone/records")
    assert "cost" not in guest.text
    assert server.http.get(f"{BASE}/views/everyone/records?filter=cost:5").status_code == 404
    assert server.http.get(f"{BASE}/views/per-state/records", headers=member).status_code == 404


def test_current_user_is_resolved_for_each_request(server: RunningServer) -> None:
    """V-011, R-112: `$currentUser.id` and `$currentUser.email`, in views and filters; who has none is equal to nothing."""
    url = f"{BASE}/views/mine/records"
    by_mail = f"{BASE}/records?filter=owner:$currentUser.email"
    assert titles(server.http.get(by_mail, headers=headers("ada", "member", email="bob"))) == ["b", "d"]
    empty = server.local.post(f"{BASE}/records", json={"title": "nobody's", "owner": ""}).json()["id"]
    assert titles(server.http.get(by_mail, headers=headers("ada", "member"))) == []
    assert titles(server.local.get(url)) == []
    server.local.delete(f"{BASE}/records/{empty}?permanent=true")
    assert titles(server.http.get(url, headers=headers("ada", "member"))) == ["a", "c", "e"]
    assert titles(server.http.get(url, headers=headers("bob", "member"))) == ["b", "d"]


def sql(server: RunningServer, text: str) -> tuple[list[list[Any]], dict[str, Any]]:
    run = server.local.post("/api/console/sql", json={"sql": text, "confirmed": True}).json()
    for _ in range(50):
        run = server.local.get(f"/api/console/sql/{run['id']}", params={"wait": 2000}).json()
        if run["state"] != "running":
            break
    statement = run["statements"][0]
    if statement["state"] != "done" or "columns" not in statement:
        return [], statement
    return server.local.get(f"/api/console/sql/{run['id']}/0/window").json()["rows"], statement


def test_text_ids_are_views_of_the_database(server: RunningServer) -> None:
    """V-008, S-014: they can be selected from, `$today` is the day of the question, and none can be written"""
    rows, _ = sql(server, 'SELECT title FROM "open-now"')
    assert [row[0] for row in rows] == ["b", "d", "a"]
    _, whole = sql(server, "SELECT * FROM tight")
    assert [column["name"] for column in whole["columns"]] == "id title stock state due cost owner".split(), "no button"
    for write in ("UPDATE tight SET title = 'x'", "DELETE FROM tight", "INSERT INTO tight (title) VALUES ('x')"):
        _, statement = sql(server, write)
        assert statement["state"] == "failed", statement
    assert titles(server.local.get(f"{BASE}/records")) == list("abcde")


SUMS = """
name: sums
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
    views:
      - id: values
        name: Values
        query: >-
          SELECT 7 AS id, TIMESTAMPTZ '2026-01-01 10:00:00.25+02' AS at, DATE '2026-01-01' AS day, 1e300 AS wide,
          CAST('1e25' AS DECIMAL(38, 0)) AS whole, 1.50 AS part, CAST('nan' AS DOUBLE PRECISION) AS nothing, count(*) AS many
          FROM notes
"""


@pytest.mark.parametrize("database", ["duckdb", "postgresql"])
def test_values_of_a_query_are_those_of_the_api(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """V-009, T-071: instants in UTC, and no number that no answer can hold."""
    url = None
    with ExitStack() as stack:
        if database == "postgresql":
            url = stack.enter_context(postgresql_schema(request.getfixturevalue("postgresql_address"))).url
        server = stack.enter_context(RunningServer(SUMS, tmp_path, database_url=url))
        (record,) = server.http.get("/api/tables/notes/views/values/records").json()["records"]
    assert record["fields"] == {
        "id": 7, "at": "2026-01-01T08:00:00.250Z", "day": "2026-01-01", "wide": 1e300, "whole": 1e25, "part": 1.5,
        "nothing": None, "many": 0,
    }  # fmt: skip


def test_queries_and_stored_results(server: RunningServer) -> None:
    """V-009: a query's rows are read, a stored one is refreshed on demand, by admins"""
    answer = server.local.get(f"{BASE}/views/per-state/records").json()
    rows = [record["fields"] for record in answer["records"]]
    assert rows == [{"state": "broken", "many": 1}, {"state": "new", "many": 2}, {"state": "used", "many": 2}]
    assert answer["pagination"]["total"] == 3
    assert server.local.get(f"{BASE}/views/per-state/records?filter=state:new").status_code == 400
    url = f"{BASE}/views/kept"
    assert server.local.get(f"{url}/records").json()["records"][0]["fields"]["total"] in (0, None)
    assert server.http.post(f"{url}/refresh", headers=headers("ada", "member")).status_code == 404
    assert server.local.post(f"{url}/refresh").json() == {"success": True, "rows": 1}
    assert server.local.get(f"{url}/records").json()["records"][0]["fields"]["total"] == 5
    assert server.local.post(f"{BASE}/views/per-state/refresh").status_code == 400
    _, statement = sql(server, "DELETE FROM mv_kept")
    assert statement["state"] == "failed"


def test_personal_views(server: RunningServer) -> None:
    """V-017: kept per user, checked, named once; another's is not there"""
    ada, bob = headers("ada", "member"), headers("bob", "member")
    url = f"{BASE}/user-views"
    body = {"name": "Mine", "sorts": [{"field": "stock", "direction": "asc"}], "fields": ["title"], "isDefault": True}
    made = server.http.post(url, json=body, headers=ada)
    assert made.status_code == 201, made.text
    view = made.json()
    assert view.pop("createdAt") == view.pop("updatedAt")
    assert view == {
        "id": view["id"],
        "tableName": "Parts",
        "filters": [],
        "groupBy": None,
        "baseViewId": None,
        **body,
    }
    assert server.http.post(url, json=body, headers=ada).status_code == 409
    assert server.http.post(url, json=body, headers=bob).status_code == 201
    for wrong in (
        {"name": "x", "colour": 1},
        {"name": ""},
        {},
        {"name": "x", "sorts": [{"field": "nope", "direction": "asc"}]},
        {"name": "x", "fields": ["nope"]},
        {"name": "x", "filters": [{"field": "stock", "operator": "contains", "value": 1}]},
    ):
        refused = server.http.post(url, json=wrong, headers=ada)
        assert refused.status_code == 400, refused.text
    assert server.http.post(url, json={"name": "x", "fields": ["cost"]}, headers=ada).status_code == 404
    mine = f"{url}/{view['id']}"
    other = server.http.post(url, json={"name": "Other"}, headers=ada).json()["id"]
    for method in (server.http.patch, server.http.put):
        assert method(f"{url}/{other}", json={"name": "Mine"}, headers=ada).status_code == 409
        assert method(f"{url}/{other}", json={"name": "Other", "colour": 1}, headers=ada).status_code == 400
        assert method(f"{url}/{other}", json={"name": "Other"}, headers=ada).status_code == 200, "its own name is free"
    assert server.http.put(f"{url}/{other}", json={}, headers=ada).status_code == 400
    server.http.delete(f"{url}/{other}", headers=ada)
    for answer in (
        server.http.patch(mine, json={"name": "Stolen"}, headers=bob),
        server.http.put(mine, json={"name": "Stolen"}, headers=bob),
        server.http.delete(mine, headers=bob),
        server.http.delete(f"{url}/v_nope", headers=ada),
    ):
        assert answer.status_code == 404
    assert server.http.patch(mine, json={"groupBy": "state"}, headers=ada).json()["sorts"] == body["sorts"]
    whole = server.http.put(mine, json={"name": "Whole"}, headers=ada).json()
    assert (whole["name"], whole["sorts"], whole["groupBy"], whole["isDefault"]) == ("Whole", [], None, False)
    assert [each["name"] for each in server.http.get(url, headers=ada).json()] == ["Whole"]
    shared = server.http.get(f"/api/shared-views/{view['id']}", headers=bob)
    assert shared.json()["name"] == "Whole"
    assert server.http.get("/api/shared-views/v_nope", headers=bob).status_code == 404
    assert server.http.get(f"/api/shared-views/{view['id']}").status_code == 401
    assert server.http.get(url).status_code == 401
    assert server.http.delete(mine, headers=ada).json() == {"success": True}
    assert server.http.get(url, headers=ada).json() == []


def test_preferences(server: RunningServer) -> None:
    """V-018: per user, merged or replaced, nothing unknown"""
    ada, bob = headers("ada", "member"), headers("bob", "member")
    url = f"{BASE}/user-preferences"
    assert server.http.get(url, headers=ada).json() == {"tableName": "Parts"}
    first = server.http.patch(url, json={"columnWidths": {"title": 18}, "rowDensity": "compact"}, headers=ada)
    assert first.status_code == 201
    more = server.http.patch(url, json={"frozenColumns": 1, "columnOrder": ["stock", "title"]}, headers=ada)
    assert more.status_code == 200
    found = more.json()
    found.pop("updatedAt")
    assert found == {
        "tableName": "Parts",
        "columnWidths": {"title": 18},
        "rowDensity": "compact",
        "frozenColumns": 1,
        "columnOrder": ["stock", "title"],
    }
    assert "columnWidths" not in server.http.put(url, json={"frozenColumns": 0}, headers=ada).json()
    for wrong in (
        {"x": 1},
        {"rowDensity": "huge"},
        {"frozenColumns": -1},
        {"frozenColumns": "1"},
        {"columnWidths": {"title": -1}},
        {"columnWidths": {"title": "wide"}},
        {"columnOrder": "title"},
        {"defaultViewId": 7},
    ):
        for method in (server.http.patch, server.http.put):
            refused = method(url, json=wrong, headers=ada)
            assert (refused.status_code, refused.json()["code"]) == (400, "BAD_REQUEST"), (wrong, refused.text)
    for right in (
        *({"rowDensity": density} for density in ("compact", "normal", "spacious")),
        {"columnWidths": {"title": 0, "stock": 2.5}, "defaultViewId": "v_1"},
    ):
        kept = server.http.put(url, json=right, headers=ada).json()
        assert {key: kept[key] for key in right} == right
    assert server.http.get(url, headers=bob).json() == {"tableName": "Parts"}
    assert server.http.delete(url, headers=ada).json() == {"tableName": "Parts"}


def test_the_owner_is_a_user(server: RunningServer) -> None:
    """V-017: over the socket personal views are kept for `owner`"""
    made = server.local.post(f"{BASE}/user-views", json={"name": "Here"}).json()
    assert [each["id"] for each in server.local.get(f"{BASE}/user-views").json()] == [made["id"]]
    server.local.delete(f"{BASE}/user-views/{made['id']}")


def test_shared_views_are_limited(tmp_path: Path) -> None:
    """§7.3: 60 a minute for a user, with a session too"""
    limiter = Limiter(time.monotonic, window=60)
    with RunningServer(APP, tmp_path, authenticate=by_header, limiter=limiter) as running:
        ask = lambda: running.http.get("/api/shared-views/v_x", headers=headers("ada", "member")).status_code  # noqa: E731
        assert [ask() for _ in range(61)] == [404] * 60 + [429]


def changed(server: RunningServer, text: str) -> httpx.Response:
    server.app_file.write_text(text)
    return server.local.post("/api/console/reload", json={})


def test_views_are_made_anew_with_their_tables(tmp_path: Path) -> None:
    """M-034, V-009, S-014: a changed definition, a renamed column, a removed view with what depends on it"""
    with RunningServer(APP, tmp_path, authenticate=by_header) as server:
        fill(server)
        renamed = APP.replace("name: title, type", "name: label, type").replace("[title", "[label")
        renamed = renamed.replace("field: title", "field: label").replace("value: broken", "value: used")
        answer = changed(server, renamed)
        assert answer.status_code == 200, answer.text
        rows, _ = sql(server, 'SELECT label FROM "open-now"')
        assert [row[0] for row in rows] == ["d", "c", "a"]
        without = json_app(renamed, {"per-state", "kept"})
        assert changed(server, without).status_code == 200
        for name in ('"per-state"', "kept", "mv_kept"):
            assert sql(server, f"SELECT * FROM {name}")[1]["state"] == "failed"
        assert sql(server, "SELECT * FROM tight")[1]["state"] == "done"


def test_a_failing_query_stops_the_migration(tmp_path: Path) -> None:
    """V-010: nothing of it stays"""
    with RunningServer(APP, tmp_path, authenticate=by_header) as server:
        fill(server)
        for bad in ("SELECT nothing FROM parts", "DELETE FROM parts", "SELECT 1; SELECT 2"):
            text = APP.replace('SELECT sum(many) AS total FROM "per-state"', bad)
            answer = changed(server, text)
            assert answer.status_code == 409, answer.text
            assert sql(server, "SELECT * FROM kept")[1]["state"] == "done"
        assert titles(server.local.get(f"{BASE}/records")) == list("abcde")


def json_app(text: str, dropped: set[str]) -> str:
    import yaml

    data = yaml.safe_load(text)
    table = data["tables"][0]
    table["views"] = [view for view in table["views"] if view["id"] not in dropped]
    return json.dumps(data)
