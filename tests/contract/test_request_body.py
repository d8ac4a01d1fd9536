"""What holds for every body, whatever its route: texts that a database can keep, lists that have an end."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.http.routes import all_routes
from core.http.shape import LIST_MOST, adapter
from tests.support.accounts import DESK, Desk
from tests.support.server import running_on

APP = DESK.replace("auth:\n", "analytics: true\nauth:\n", 1)
OTHERWISE = {
    "updatedAt": "a version that is none is no version",
    "/api/tables/{table}/records/upsert": "the fields to merge on are missed first",
    "/api/auth/verify-email": "a link that does not hold",
    "/api/auth/change-email/approve": "a link that does not hold",
    "/api/auth/change-email/confirm": "a link that does not hold",
    "/api/auth/change-email/undo": "a link that does not hold",
    "/api/auth/magic-link/verify": "a link that does not hold",
    "/api/admin/bootstrap/claim": "a link that does not hold",
    "/api/auth/update-user": "a name is kept without signs that nobody sees",
    "/api/auth/user/update": "a name is kept without signs that nobody sees",
    "/api/analytics/collect": "what a browser tells is kept without signs that nobody sees",
}
"""Where a text is judged by somebody else than the shape of the body, and how."""
Schema = dict[str, Any]
Place = tuple[str | int, ...]
BODIES = [route for route in all_routes() if route.body is not None and route.body_kind == "application/json"]


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with running_on(request, APP, tmp_path_factory.mktemp("desk")) as server:
        found = Desk(server)
        yield found
        found.close()


@pytest.fixture(scope="module")
def boss(desk: Desk) -> httpx.Client:
    return desk.sign_up("boss", roles=("admin", "editor")).client


def test_a_text_that_no_database_keeps_is_refused_at_every_route(desk: Desk, boss: httpx.Client) -> None:
    """S-01: U+0000 in each text of each body, half a surrogate in each body: the same answer on both databases."""
    note = boss.post("/api/tables/notes/records", json={"fields": {"text": "a"}}).json()["id"]
    tried = 0
    for route in BODIES:
        client = desk.server.local if route.path.startswith("/api/console") else boss
        path = re.sub(r"\{.*?\}", "x", route.path.replace("{table}", "notes").replace("{record}", note))
        half = client.request(route.method, path, content=b'{"a": "\\ud800"}')
        assert half.status_code == 400 or (half.status_code < 500 and route.path in OTHERWISE), (route.path, half.text)
        schema = adapter(route.body).json_schema()
        for place in places(schema, schema, "string"):
            answer = client.request(route.method, path, json=example(schema, schema, place, "a\0b"))
            tried += 1
            assert answer.status_code < 500, (route.path, place, answer.text)
            if not OTHERWISE.keys() & {route.path, place[-1]}:
                assert answer.status_code == 400, (route.path, place, answer.text)
                assert named(answer.json()) == ".".join(map(str, place)), (route.path, place, answer.text)
    assert tried > 150


def test_a_text_that_no_database_keeps_is_refused_in_every_address(desk: Desk, boss: httpx.Client) -> None:
    for route in all_routes():
        texts = [name for name, each in route.query.items() if each.kind == "text" and not each.choices]
        for text in ("a%00b", "%ED%A0%80") if texts else ():
            path = re.sub(r"\{.*?\}", "x", route.path.replace("{table}", "notes"))
            answer = boss.request(route.method, f"{path}?{texts[-1]}={text}")
            assert answer.status_code == 400, (route.path, answer.text)
        if "{" in route.path:
            assert boss.request(route.method, re.sub(r"\{.*?\}", "%00", route.path)).status_code == 404, route.path


def test_every_list_of_a_body_has_an_end(desk: Desk, boss: httpx.Client) -> None:
    """S-01: of texts, numbers or objects; batches end sooner."""
    tried = 0
    for route in BODIES:
        schema = adapter(route.body).json_schema()
        for place in places(schema, schema, "array"):
            client = desk.server.local if route.path.startswith("/api/console") else boss
            body = example(schema, schema, place, [None] * (LIST_MOST + 1))
            answer = client.request(route.method, re.sub(r"\{.*?\}", "notes", route.path), json=body)
            assert answer.status_code == 413, (route.path, place, answer.text)
            assert answer.json()["field"] == ".".join(map(str, place)), (route.path, answer.text)
            tried += 1
    assert tried > 20


def test_notifications_are_read_by_the_thousand(boss: httpx.Client) -> None:
    """R-073."""
    for count, status in ((LIST_MOST, 200), (LIST_MOST + 1, 413)):
        answer = boss.post("/api/notifications/read", json={"ids": ["x"] * count})
        assert answer.status_code == status, answer.text


def named(error: dict[str, Any]) -> str:
    """The place that an error finds a NUL in, and nothing else wrong; "" where it tells of something else."""
    errors = error.get("errors") or [error]
    is_nul = len(errors) == 1 and errors[0]["message"] == "A text cannot hold a NUL character"
    return str(errors[0]["field"]) if is_nul else ""


def branches(part: Schema, whole: Schema) -> list[Schema]:
    """The forms that a part may have."""
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    return [form for each in part["anyOf"] for form in branches(each, whole)] if "anyOf" in part else [part]


def places(part: Schema, whole: Schema, kind: str) -> Iterator[Place]:
    """Where in a body something of that kind may stand, any text or any list."""
    for form in branches(part, whole):
        if form.get("type") == kind and "enum" not in form and "const" not in form:
            yield ()
        inner: dict[str | int, Any] = dict(form.get("properties", {}))
        if isinstance(form.get("items"), dict):
            inner[0] = form["items"]
        if isinstance(form.get("additionalProperties"), dict):
            inner["notes"] = form["additionalProperties"]
        for step, each in inner.items():
            for place in places(each, whole, kind):
                yield (step, *place)


def example(part: Schema, whole: Schema, place: Place | None, value: Any) -> Any:
    """The smallest body that has the value in that place; `place` None: in none."""
    if place == ():
        return value
    forms = branches(part, whole)
    if place is not None:
        step = place[0]
        holds = "items" if step == 0 else "properties"
        forms = [form for form in forms if holds in form or isinstance(form.get("additionalProperties"), dict)]
    form = forms[0]
    if "enum" in form or "const" in form:
        return form.get("const", form.get("enum", [None])[0])
    match form.get("type"):
        case "array":
            return [] if place is None else [example(form["items"], whole, place[1:], value)]
        case "object":
            known = form.get("properties", {})
            made = {name: example(known[name], whole, None, value) for name in form.get("required", ())}
            if place is not None:
                inner = known.get(place[0], form.get("additionalProperties"))
                made[str(place[0])] = example(inner, whole, place[1:], value)
            return made
    return {"integer": 1, "number": 1, "boolean": False, "null": None}.get(form.get("type", ""), "a")
