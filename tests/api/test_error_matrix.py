"""Every refusal of §10.2, provoked at every route of a table's records, found in the registry of routes: a route that is
added without its cases fails here, and so does one that changes something while it refuses."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import httpx
import pytest

from core.http.call import BODY_LIMIT
from core.http.form import KIND as FORM
from core.http.route import METHODS, Parameter, Route
from core.http.routes import all_routes
from core.http.routes.records import BATCH_LIMIT
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, check_envelope, running_on

APP = """
name: matrix
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: things
    uniqueIgnoresDeleted: true
    fields:
      - {name: code, type: single-line-text, unique: true}
      - {name: stock, type: integer}
      - {name: site, type: url}
    permissions:
      read: [member]
      create: [member]
      update: [member]
      delete: [member]
      restore: [member]
      permanentDelete: [member]
      comment: all
    comments: {threading: true, readTracking: true, guestComments: false}
    webhooks: [{name: hook, url: "http://127.0.0.1:9/", events: [create], enabled: false}]
    views: [{id: every, name: Every}]
  - name: closed
    fields: [{name: a, type: integer}]
    permissions: {read: [admin], create: [admin], update: [admin]}
  - name: talk
    fields: [{name: a, type: integer}]
    permissions: {read: all, create: [admin]}
    comments: {guestComments: true, guestEmailRequired: false, spamProtection: {rateLimitPerIp: 1}}
"""
TAGS = ("records", "history", "comments", "webhooks", "forms", "tables", "access", "views", "files")
ADA = headers("ada", "member")
UNPROVOKED = {
    ("GET /api/tables/{table}/export", 409): "parquet on PostgreSQL alone",
    ("POST /api/tables/{table}/import", 413): "an upload of gigabytes",
    ("POST /api/tables/{table}/files", 413): "an upload of gigabytes",
    ("GET /api/tables/{table}/subscribe", 429): "twenty open streams, in test_limits",
    ("GET /api/tables/{table}/subscribe/sse", 429): "twenty open streams, in test_limits",
}
Ask = Callable[..., httpx.Response]


def routes() -> list[Route]:
    found = [route for route in all_routes() if route.tag in TAGS and "{table}" in route.path]
    return [route for route in found if "/console/" not in route.path]


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("matrix")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        yield running


class World:
    """Records and views to refuse things about."""

    numbers = count(1)

    def __init__(self, server: RunningServer) -> None:
        server.empty()
        self.server = server
        self.a, self.b = self.make("a"), self.make("b")
        self.taken_name = f"mine {next(self.numbers)}"
        mine = "/api/tables/things/user-views"
        self.post(mine, {"name": self.taken_name})
        self.view = str(self.post(mine, {"name": f"mine {next(self.numbers)}"})["id"])
        base = f"/api/tables/things/records/{self.a}"
        first = self.post(f"{base}/comments", {"content": "x"})["comment"]["id"]
        self.comment = first
        self.reply = self.post(f"{base}/comments", {"content": "y", "parentCommentId": first})["comment"]["id"]
        server.http.patch(base, json={"code": "c"}, headers=ADA)
        self.taken = self.make("a")
        self.trashed = self.make("d")
        server.http.delete(f"/api/tables/things/records/{self.trashed}", headers=ADA)
        self.make("d")
        history = server.http.get(f"{base}/history", headers=ADA).json()["history"]
        self.renaming = next(each["id"] for each in history if each["action"] == "update")
        self.said = next(each["id"] for each in history if each["action"] == "comment_create")

    def make(self, code: str) -> str:
        return str(self.post("/api/tables/things/records", {"code": code})["id"])

    def post(self, path: str, body: Any) -> Any:
        answer = self.server.http.post(path, json=body, headers=ADA)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def path(self, route: Route, **segments: str) -> str:
        known = {
            "table": "things",
            "record": self.a,
            "comment": self.comment,
            "entry": self.renaming,
            "webhook": "hook",
            "delivery": "none",
            "view": self.view if "user-views" in route.path else "every",
            "field": "none",
        }
        return route.path.format(**{**known, **segments})


def asked(
    world: World, route: Route, path: str, body: Any = None, who: Mapping[str, str] = ADA, **how: Any
) -> httpx.Response:
    """The request as the route takes it."""
    kind = {"content-type": route.body_kind} if route.body is not None else {}
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    return world.server.http.request(route.method, path, content=content, headers={**kind, **who}, **how)


def form(**fields: Any) -> bytes:
    return str(httpx.QueryParams(fields)).encode()


def good_body(route: Route, world: World) -> Any:
    """A body that the route would take."""
    if route.body is None:
        return None
    ids = {"ids": [world.a]}
    bodies: dict[str, Any] = {
        "POST /api/tables/{table}/records": {"stock": 1},
        "POST /api/tables/{table}/records/batch": {"records": [{"stock": 1}]},
        "PATCH /api/tables/{table}/records/batch": {"records": [{"id": world.a, "stock": 1}]},
        "POST /api/tables/{table}/records/upsert": {"records": [{"code": "z"}], "fieldsToMergeOn": ["code"]},
        "POST /api/tables/{table}/records/{record}/comments": {"content": "x"},
        "PATCH /api/tables/{table}/records/{record}/comments/{comment}": {"content": "x"},
        "POST /api/tables/{table}/user-views": {"name": "another"},
        "PATCH /api/tables/{table}/user-views/{view}": {"name": "another"},
        "PUT /api/tables/{table}/user-views/{view}": {"name": "another"},
        "PATCH /api/tables/{table}/user-preferences": {"rowDensity": "compact"},
        "PUT /api/tables/{table}/user-preferences": {"rowDensity": "compact"},
        "POST /api/tables/{table}/records/bulk-update": form(_ids=f"[{world.a}]", _data='{"stock": 1}'),
        "POST /api/tables/{table}/records/bulk-delete": form(_ids=f"[{world.a}]"),
    }
    if route.body_kind == FORM:
        return bodies.get(name_of(route), form(stock=1))
    if route.body is bytes:
        return b"stock\n1\n"
    return bodies.get(name_of(route), {"stock": 1} if "{record}" in route.path else ids)


def wrong_value(parameter: Parameter) -> str | None:
    if parameter.choices or parameter.kind == "boolean":
        return "certainly-not"
    if parameter.kind == "integer":
        return "many"
    return "{" if parameter.kind == "json" else None


def special(route: Route, world: World) -> list[tuple[int, str, Any]]:
    """What a route refuses for reasons of its own: status, path, body."""
    here, name = world.path(route), name_of(route)
    odd, same = {"site": "no address"}, {"code": "b"}
    row = {"id": world.a}
    writes = {
        "POST /api/tables/{table}/records": (odd, same),
        "PATCH /api/tables/{table}/records/{record}": (odd, same),
        "PUT /api/tables/{table}/records/{record}": (odd, same),
        "POST /api/tables/{table}/records/batch": ({"records": [odd]}, {"records": [{"code": "n"}, same]}),
        "PATCH /api/tables/{table}/records/batch": ({"records": [row | odd]}, {"records": [row | same]}),
        "POST /api/tables/{table}/records/upsert": (
            {"records": [{"stock": 5} | odd], "fieldsToMergeOn": ["stock"]},
            {"records": [{"stock": 5} | same], "fieldsToMergeOn": ["stock"]},
        ),
        "POST /api/tables/{table}/records/{record}/update": (form(**odd), form(**same)),
        "POST /api/tables/{table}/records/bulk-update": (
            form(_ids=f"[{world.a}]", _data=json.dumps(odd)),
            form(_ids=f"[{world.a}]", _data=json.dumps(same)),
        ),
    }
    cases: list[tuple[int, str, Any]] = []
    if name in writes:
        cases += zip((422, 409), (here, here), writes[name], strict=True)
    if name.endswith("{record}/restore"):
        cases += [(409, world.path(route, record=world.trashed), None), (400, here, None)]
    if name.endswith("batch/restore"):
        cases.append((409, here, {"ids": [world.trashed]}))
    if name.endswith("/revert"):
        cases += [(409, here, None), (400, world.path(route, entry=world.said), None)]
    if "user-views" in name and route.body is not None:
        cases += [
            (409, here, {"name": world.taken_name}),
            (400, here, {"name": "n", "odd": 1}),
            (400, here, {"name": ""}),
        ]
    if "user-preferences" in name and route.body is not None:
        cases += [(400, here, {"odd": 1}), (400, here, {"rowDensity": "loose"}), (400, here, {"frozenColumns": -1})]
    if name == "POST /api/tables/{table}/records/{record}/comments":
        cases.append((422, here, {"content": "z", "parentCommentId": world.reply}))
    return cases


def refuse_what_any_route_refuses(route: Route, world: World, expect: Callable[[int, httpx.Response], None]) -> None:
    """No session, nothing there, nothing allowed, parameters and bodies of the wrong form."""
    path, body = world.path(route), good_body(route, world)
    required = {name: "csv" for name, each in route.query.items() if each.required}
    expect(401, asked(world, route, path, body, {}, params=required))
    missing = asked(world, route, world.path(route, table="nowhere"), body, params=required)
    expect(404, missing)
    hidden = asked(world, route, world.path(route, table="closed"), body, params=required)
    expect(404, hidden)
    assert hidden.content == missing.content
    if "{record}" in route.path:
        for key in ("999999", "no-key", "-0"):
            expect(404, asked(world, route, world.path(route, record=key), body, params=required))
    for segment in ("comment", "webhook", "delivery", "entry", "field", "view"):
        if f"{{{segment}}}" in route.path:
            expect(404, asked(world, route, world.path(route, **{segment: "none"}), body, params=required))
    refuse_wrong_forms(route, world, expect, required)


def refuse_wrong_forms(
    route: Route, world: World, expect: Callable[[int, httpx.Response], None], required: Mapping[str, str]
) -> None:
    """Parameters and bodies."""
    path, body = world.path(route), good_body(route, world)
    for name, parameter in route.query.items():
        if (wrong := wrong_value(parameter)) is not None:
            expect(400, asked(world, route, path, body, params={**required, name: wrong}))
    if route.body is not None and route.body_kind == "application/json":
        for bad in (b"", b"{", b"[1]", b'"text"', b"\xff"):
            refused = asked(world, route, path, bad)
            expect(400, refused)
            assert refused.json()["errors"][0]["field"] == "body"
    if route.body_kind == FORM and route.body is not None:
        expect(400, asked(world, route, path, b"%ff"))
    if (route.body is not None and route.body is not bytes) or route.body_kind == FORM:
        limit = BATCH_LIMIT if "/batch" in route.path or "/upsert" in route.path else BODY_LIMIT
        expect(413, asked(world, route, path, b" " * (limit + 1)))


@pytest.mark.parametrize("route", routes(), ids=name_of)
def test_every_refusal_of_every_route(route: Route, server: RunningServer) -> None:
    """R-005 R-006 R-008 R-009 R-052 R-053 P-036 §10.2: each status that a route declares, and 401 and 400; one body for all
    that is not there; nothing is changed by any of it (half-failed batches leave nothing, R-050)."""
    world = World(server)
    before = server.http.get("/api/tables/things/records?includeDeleted=true", headers=ADA).json()["records"]
    logged = len(server.commits)
    seen: set[int] = set()

    def expect(status: int, answer: httpx.Response) -> None:
        assert answer.status_code == status, f"{status} expected: {answer.status_code} {answer.text[:500]}"
        check_envelope(answer)
        seen.add(status)

    refuse_what_any_route_refuses(route, world, expect)
    for status, where, sent in special(route, world):
        expect(status, asked(world, route, where, sent))
    if 429 in route.errors and (name_of(route), 429) not in UNPROVOKED:
        talk = server.local.post("/api/tables/talk/records", json={"a": 1}).json()["id"]
        where = world.path(route, table="talk", record=str(talk))
        asked(world, route, where, {"content": "x"}, {})
        answer = asked(world, route, where, {"content": "x"}, {})
        expect(429, answer)
        assert int(answer.headers["retry-after"]) >= 1
        logged = len(server.commits)
    used = {each.method for each in all_routes() if each.path == route.path}
    other = next(method for method in METHODS if method not in used | {"OPTIONS", "HEAD"})
    answer = server.http.request(other, world.path(route), headers=ADA)
    assert (answer.status_code, route.method in answer.headers["allow"]) in ((405, True), (404, False))
    excused = {status for (name, status) in UNPROVOKED if name == name_of(route)}
    wanted = set(route.errors) | {401} | ({400} if route.body is not None and route.body is not bytes else set())
    assert wanted - excused <= seen, f"no case for {sorted(wanted - excused - seen)}"
    after = server.http.get("/api/tables/things/records?includeDeleted=true", headers=ADA).json()["records"]
    assert after == before
    assert sum(len(commit.changes) for commit in server.commits[logged:]) == 0


@pytest.mark.parametrize("path", ["/api/files/none", "/api/shared-views/none", "/api/tables/nowhere"])
def test_what_is_addressed_by_itself(path: str, server: RunningServer) -> None:
    """P-010 P-036: nobody is told whether it is there"""
    for status, who in ((401, {}), (404, ADA)):
        answer = server.http.get(path, headers=who)
        assert answer.status_code == status, answer.text
        check_envelope(answer)


def test_the_matrix_has_routes() -> None:
    """§2.5 §10: the registry is not empty, and tells of each family."""
    found = routes()
    assert len(found) > 50
    assert {route.tag for route in found} == set(TAGS)
