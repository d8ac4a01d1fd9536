"""Fields through the API: keys, times, members, text that is looked for; locked records, the trash, tables put away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.storage.database import Call
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: fields
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: people
    fields:
      - {name: name, type: single-line-text}
      - {name: email, type: email, required: true, unique: true, indexed: true}
      - {name: phone, type: phone-number, format: e164, unique: true}
      - {name: desk, type: phone-number, format: e164, required: true, default: "+4930123456"}
      - {name: tags, type: multi-select, options: [red, green, blue]}
      - {name: joined, type: created-at}
      - {name: touched, type: updated-at}
      - {name: gone_at, type: deleted-at}
      - {name: about, type: json}
      - {name: words, type: array}
      - {name: place, type: geolocation}
      - {name: number, type: autonumber}
      - {name: until, type: datetime}
  - name: orders
    fields:
      - {name: state, type: single-select, options: [open, locked], conditions: [{when: locked, then: {readOnly: true}}]}
      - {name: n, type: integer, default: 3}
      - {name: whose, type: single-line-text}
      - {name: pay, type: integer}
      - {name: remover, type: deleted-by}
    permissions:
      read: authenticated
      create: authenticated
      update: [member]
      delete: [member]
      fields: [{field: pay, read: [admin], write: [admin]}]
    rowLevelPermissions: {read: {when: {field: whose, operator: in, value: [ada, all]}}}
"""
PEOPLE, ORDERS = "/api/tables/people/records", "/api/tables/orders/records"
ADA, BOB, ROOT = headers("ada", "member"), headers("bob", "member"), headers("root", "admin")


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("fields")
    with running_on(request, APP, folder, authenticate=by_header) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> RunningServer:
    running.empty()
    return running


def post(server: RunningServer, path: str = PEOPLE, **fields: Any) -> httpx.Response:
    return server.local.post(path, json={"fields": fields})


def made(server: RunningServer, path: str = PEOPLE, **fields: Any) -> dict[str, Any]:
    answer = post(server, path, **fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(server: RunningServer, **params: str) -> list[str]:
    answer = server.local.get(PEOPLE, params={"sort": "name:asc", **params})
    assert answer.status_code == 200, answer.text
    return [record["fields"]["name"] for record in answer.json()["records"]]


def test_text_is_looked_for_and_sorted(server: RunningServer) -> None:
    """T-052: by its parts, whatever their case; in the order of the alphabet."""
    for number, name in enumerate(("Pear tree", "apple", "Tree house", "banana")):
        made(server, name=name, email=f"{number}@x.org")
    assert names(server, filter='{"field": "name", "operator": "contains", "value": "TREE"}') == [
        "Pear tree",
        "Tree house",
    ]
    assert names(server, filter='{"field": "name", "operator": "startsWith", "value": "tree"}') == ["Tree house"]
    assert names(server, filter='{"field": "name", "operator": "endsWith", "value": "Tree"}') == ["Pear tree"]
    assert names(server, q="HOUSE") == ["Tree house"]
    assert [name for name in names(server) if name.islower()] == ["apple", "banana"]
    assert [name for name in names(server) if not name.islower()] == ["Pear tree", "Tree house"]


def test_an_address_is_required_and_unique(server: RunningServer) -> None:
    """T-058: in effect without regard to case; and its index is there."""
    assert post(server, name="x").status_code == 400
    made(server, email="Ada@Example.org")
    twice = post(server, email="aDa@eXample.ORG")
    assert (twice.status_code, twice.json()["field"]) == (409, "email")
    one = made(server, email="b@x.org")
    for value, status in ((None, 400), ("ADA@example.org", 409)):
        assert server.local.patch(f"{PEOPLE}/{one['id']}", json={"fields": {"email": value}}).status_code == status
    indexes = server.local.get("/api/tables/people").json()["fields"]
    assert next(field for field in indexes if field["name"] == "email")["indexed"] is True


def test_a_number_is_unique_as_it_is_kept(server: RunningServer) -> None:
    """T-061: two spellings are one number; one that is required cannot be taken away."""
    first = made(server, email="a@x.org", phone="+49 (30) 123-456")
    assert first["fields"]["phone"] == "+4930123456"
    twice = post(server, email="b@x.org", phone="+49 30 123456")
    assert (twice.status_code, twice.json()["field"]) == (409, "phone")
    taken = server.local.patch(f"{PEOPLE}/{first['id']}", json={"fields": {"desk": None}})
    assert taken.status_code == 400
    assert made(server, email="c@x.org")["fields"]["phone"] is None


def test_a_text_is_no_number_in_json_alone(server: RunningServer) -> None:
    """T-063, D-07: every door of JSON refuses it; forms and staged edits hold what somebody has typed."""
    path, wrong = f"{ORDERS}/{made(server, ORDERS, n=1)['id']}", {"fields": {"n": "5"}}
    for method, where, body in (
        ("POST", ORDERS, wrong),
        ("PATCH", path, wrong),
        ("POST", f"{ORDERS}/batch", {"records": [wrong]}),
        ("PATCH", f"{ORDERS}/batch", {"records": [{"id": path.rpartition("/")[2], **wrong}]}),
        ("POST", f"{ORDERS}/upsert", {"records": [wrong], "fieldsToMergeOn": ["n"]}),
    ):
        answer = server.local.request(method, where, json=body)
        told = answer.json()["errors"][0]
        assert (answer.status_code, told["field"], told["code"]) == (400, "n", "number.not-a-number"), (method, where)
    assert server.local.post(f"{path}/update", data={"n": "5"}).json()["n"] == 5
    change = {"ref": "a", "op": "update", "table": "orders", "id": path.rpartition("/")[2], "fields": {"n": "6"}}
    assert server.local.post("/api/console/commit", json={"changes": [change]}).json()["committed"]
    assert server.local.get(path).json()["n"] == 6


def test_times_fill_themselves(server: RunningServer) -> None:
    """T-013, T-076, T-078: under names of their own and of the record; nobody sets them; a record in the trash is not among
    the others."""
    one = made(server, name="a", email="a@x.org", joined="2001-01-01T00:00:00Z", gone_at="2001-01-01T00:00:00Z")
    fields = one["fields"]
    assert fields["joined"] == one["createdAt"] == one["updatedAt"] > "2020"
    assert (fields["touched"], fields["gone_at"]) == (fields["joined"], None)
    path = f"{PEOPLE}/{one['id']}"
    told = server.local.patch(path, json={"fields": {"name": "b", "joined": "2001-01-01T00:00:00Z"}}).json()
    changed = told["fields"]
    assert changed["joined"] == fields["joined"] == told["createdAt"]
    assert changed["touched"] == told["updatedAt"] > fields["touched"]
    assert server.local.patch(path, json={"created_at": "2001-01-01T00:00:00Z"}).status_code == 400
    assert server.local.get(path).json()["createdAt"] == one["createdAt"]
    assert server.local.delete(path).status_code == 204
    assert names(server) == []
    assert server.local.get(path).status_code == 404
    trashed = server.local.get(PEOPLE, params={"deleted": "true"}).json()["records"][0]
    assert trashed["fields"]["gone_at"] == trashed["deletedAt"] is not None
    assert server.local.post(f"{path}/restore").status_code == 200
    assert server.local.get(path).json()["gone_at"] is None
    assert names(server) == ["b"]


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("contains", "red", ["both", "red"]),
        ("isAnyOf", ["green", "blue"], ["both", "green"]),
        ("isNoneOf", ["green"], ["empty", "none", "red"]),
        ("hasAll", ["red", "green"], ["both"]),
        ("hasAll", ["red"], ["both", "red"]),
    ],
)
def test_members_are_asked_for(server: RunningServer, operator: str, value: Any, found: list[str]) -> None:
    """T-085"""
    rows = {"red": ["red"], "green": ["green"], "both": ["red", "green"], "empty": [], "none": None}
    for number, (name, tags) in enumerate(rows.items()):
        made(server, name=name, email=f"{number}@x.org", tags=tags)
    body = {"field": "tags", "operator": operator, "value": value}
    assert names(server, filter=json.dumps(body)) == found


def test_nothing_required_is_enough(server: RunningServer) -> None:
    """R-013: `{}` makes a record of defaults; not where something is required that has none."""
    answer = server.local.post(ORDERS, json={})
    assert (answer.status_code, answer.json()["fields"]["n"], answer.json()["fields"]["state"]) == (201, 3, None)
    refused = server.local.post(PEOPLE, json={})
    assert (refused.status_code, [each["field"] for each in refused.json()["details"]]) == (400, ["email"])


def test_a_locked_record_takes_no_update(server: RunningServer) -> None:
    """R-037, T-082: 400, also in batches; who opens it again is an administrator with `force`."""
    locked = made(server, ORDERS, state="locked", n=1, whose="all")
    path = f"{ORDERS}/{locked['id']}"
    refused = server.http.patch(path, json={"fields": {"n": 2}}, headers=ADA)
    assert (refused.status_code, refused.json()["code"]) == (400, "VALIDATION_ERROR")
    batch = {"records": [{"id": locked["id"], "fields": {"n": 2}}]}
    assert server.http.patch(f"{ORDERS}/batch", json=batch, headers=ADA).status_code == 400
    assert server.http.patch(path, json={"fields": {"n": 2}}, params={"force": "true"}, headers=ADA).status_code == 400
    assert server.local.get(path).json()["n"] == 1
    assert server.http.patch(path, json={"fields": {"n": 2}}, params={"force": "true"}, headers=ROOT).status_code == 200


def test_a_single_read_obeys_the_rules(server: RunningServer) -> None:
    """R-029: hidden fields are left out, a row that the rule does not let through is not there."""
    mine, theirs = (made(server, ORDERS, whose=who, pay=7) for who in ("ada", "bob"))
    seen = server.http.get(f"{ORDERS}/{mine['id']}", headers=ADA)
    assert (seen.status_code, "pay" in seen.text) == (200, False)
    missing, absent = (server.http.get(f"{ORDERS}/{id_}", headers=ADA) for id_ in (theirs["id"], 999_999))
    assert (missing.status_code, missing.content) == (404, absent.content)
    assert server.http.get(f"{ORDERS}/{theirs['id']}", headers=ROOT).json()["pay"] == 7


def test_batches_are_refused_as_single_writes_are(server: RunningServer) -> None:
    """R-053: what is read-only, tables that are not there, callers without a session or without leave."""
    good = {"fields": {"email": "a@x.org"}}
    wrong = {"fields": {"email": "b@x.org", "number": 7}}
    refused = server.local.post(f"{PEOPLE}/batch", json={"records": [good, wrong]})
    assert (refused.status_code, names(server)) == (400, [])
    assert "number" in refused.text
    one = made(server, email="c@x.org")
    for method, body in (
        ("POST", {"records": [good]}),
        ("PATCH", {"records": [{"id": one["id"], "fields": {"name": "x"}}]}),
        ("DELETE", {"ids": [one["id"]]}),
    ):
        ask = lambda path, who, method=method, body=body: server.http.request(  # noqa: E731
            method, f"/api/tables/{path}/records/batch", json=body, headers=who
        )
        assert ask("nowhere", ADA).status_code == 404, method
        assert ask("people", headers()).status_code == 401, method
        assert ask("people", headers("eve", "viewer")).status_code == 404, method
    assert server.local.get(f"{PEOPLE}/{one['id']}").json()["name"] is None


def test_structures_stay_structures(server: RunningServer) -> None:
    """R-094: never text, and no value stays none, in every way to read."""
    about = {"a": [1, {"b": None}], "c": "{}", "d": 1.5}
    full = made(server, name="a", email="a@x.org", about=about, words=["x", "y"], place={"lat": 1.5, "lng": 2})
    bare = made(server, name="b", email="b@x.org")
    listed = server.local.get(PEOPLE, params={"sort": "name:asc"}).json()["records"]
    shown = server.local.get(PEOPLE, params={"sort": "name:asc", "format": "display"}).json()["records"]
    for fields in (full["fields"], server.local.get(f"{PEOPLE}/{full['id']}").json(), listed[0]["fields"]):
        assert (fields["about"], fields["words"], fields["place"]) == (about, ["x", "y"], {"lat": 1.5, "lng": 2})
    assert all(not isinstance(shown[0]["fields"][name], str) for name in ("about", "words", "place"))
    assert all(shown[1]["fields"][name] is None for name in ("about", "words", "place"))
    for fields in (bare["fields"], server.local.get(f"{PEOPLE}/{bare['id']}").json(), listed[1]["fields"]):
        assert (fields["about"], fields["words"], fields["place"]) == (None, None, None)


def test_json_is_sorted_and_compared_alike_by_both_databases(server: RunningServer) -> None:
    """T-095, T-150: keys in one order, whatever the order that they were sent in."""
    kept = [{"b": 1, "aa": [{"y": 1, "x": 2}]}, {"b": 1}, {"a": 3, "b": 0}, {"aa": 0}, [2], 7]
    for number, value in enumerate(kept):
        made(server, name=str(number), email=f"{number}@x.org", about=value)
    assert names(server, sort="about") == ["5", "4", "2", "3", "0", "1"]
    assert '"about":{"b":1,"aa":[{"x":2,"y":1}]}' in server.local.get(PEOPLE).text
    same = {"field": "about", "operator": "equals", "value": {"aa": [{"x": 2, "y": 1}], "b": 1}}
    assert names(server, filter=json.dumps(same)) == ["0"]


@pytest.mark.parametrize(
    ("operator", "day", "zone", "found"),
    [
        ("equals", "9999-12-31", "UTC", ["last"]),
        ("equals", "9999-12-31", "America/Los_Angeles", ["last"]),
        ("equals", "9999-12-31", "Pacific/Kiritimati", []),
        ("lessThan", "9999-12-31", "UTC", ["first", "now"]),
        ("lessThanOrEqual", "9999-12-31", "UTC", ["first", "last", "now"]),
        ("isAfter", "9999-12-31", "UTC", []),
        ("equals", "0001-01-01", "UTC", ["first"]),
        ("equals", "0001-01-01", "Asia/Tokyo", []),
        ("isAfter", "0001-01-01", "UTC", ["last", "now"]),
    ],
)
def test_the_ends_of_the_calendar_are_days_like_others(
    server: RunningServer, operator: str, day: str, zone: str, found: list[str]
) -> None:
    """R-110"""
    for name, until in (("first", "0001-01-01T23:59:59Z"), ("now", "2026-03-29"), ("last", "9999-12-31T23:59:59.999Z")):
        made(server, name=name, email=f"{name}@x.org", until=until)
    asked = {"field": "until", "operator": operator, "value": day}
    assert names(server, filter=json.dumps(asked), timezone=zone) == found


@pytest.mark.parametrize(
    "text", ['"city":"Bonn, Rhine"', '"city": "Bonn, Rhine"', "bonn, r", '[1,{"k":2}]', '[1, {"k": 2}]', '"LIST": [1,']
)
def test_json_is_searched_as_it_is_sent_and_as_it_is_shown(server: RunningServer, text: str) -> None:
    """R-106, T-150: with spaces behind commas and colons, and without."""
    made(server, name="found", email="a@x.org", about={"list": [1, {"k": 2}], "city": "Bonn, Rhine"})
    made(server, name="other", email="b@x.org", about={"list": [12], "city": "Bonn,Rhine"})
    held = {"field": "about", "operator": "contains", "value": text}
    assert names(server, filter=json.dumps(held)) == ["found"]
    assert names(server, filter=json.dumps({**held, "operator": "doesNotContain"})) == ["other"]


@pytest.mark.parametrize("number", [1e308, 1e21, 1e-7, 5e-324, 2**63 - 1, 0.1])
def test_every_number_within_json_is_read_and_found_again(server: RunningServer, number: float) -> None:
    """T-095, R-094: however long the database writes it."""
    about = {"n": number, "list": [number]}
    for value in (about, [number], number):
        one = made(server, name="a", email=f"{len(server.commits)}@x.org", about=value)
        found = server.local.get(PEOPLE, params={"filter": f"id:{one['id']}"}).json()["records"]
        assert found[0]["fields"]["about"] == one["about"] == value
        same = {"field": "about", "operator": "equals", "value": value}
        assert server.local.get(PEOPLE, params={"filter": json.dumps(same)}).json()["records"] == found


def test_numbers_that_only_sql_writes_are_read(server: RunningServer) -> None:
    """R-094: a whole number of more than 64 bits is a double, what is too large for one its text."""
    one = made(server, name="a", email="a@x.org")
    text = f'{{"whole": {10**30}, "huge": 1{"0" * 400}, "small": [1]}}'
    statement = f"UPDATE people SET about = '{text}' WHERE id = {one['id']}"
    server.engine.database.submit_write(Call(lambda tx: tx.execute(statement))).result()
    about = server.local.get(f"{PEOPLE}/{one['id']}").json()["about"]
    assert about == {"whole": 1e30, "huge": "1" + "0" * 400, "small": [1]}


BINS = """
name: bins
tables:
  - name: bins
    fields:
      - {name: items, type: relationship, relatedTable: items, relationType: one-to-many, foreignKey: bin}
      - {name: total, type: rollup, relationshipField: items, relatedField: n, aggregation: sum}
  - name: items
    fields:
      - {name: bin, type: relationship, relatedTable: bins}
      - {name: n, type: integer, max: 9223372036854775807}
"""


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def bins(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_on(request, BINS, tmp_path_factory.mktemp("bins")) as running:
        yield running


@pytest.mark.parametrize(("each", "total"), [(2**61, 3 * 2**61), (2**63 - 1, str(3 * (2**63 - 1)))])
def test_sums_beyond_what_a_number_holds_are_texts(bins: RunningServer, each: int, total: int | str) -> None:
    """T-124, R-022"""
    bins.empty()
    bin_ = post(bins, "/api/tables/bins/records").json()["id"]
    for _ in range(3):
        made(bins, "/api/tables/items/records", bin=bin_, n=each)
    listed = bins.http.get("/api/tables/bins/records", params={"aggregate": "total:max"}).json()
    assert (listed["records"][0]["fields"]["total"], listed["aggregations"]["max"]) == (total, total)
    summed = bins.http.get("/api/tables/items/records", params={"aggregate": "n:sum", "groupBy": "bin"}).json()
    assert summed["aggregations"] == summed["groups"][0]["aggregations"] == {"sum": total}


def test_the_trash_is_asked_for_in_two_words(server: RunningServer) -> None:
    """D-14: `includeDeleted=only` and `deleted=true`; `includeDeleted=true` is everything."""
    gone, _ = made(server, name="gone", email="a@x.org"), made(server, name="here", email="b@x.org")
    server.local.delete(f"{PEOPLE}/{gone['id']}")
    assert names(server) == ["here"]
    assert names(server, includeDeleted="true") == ["gone", "here"]
    assert names(server, includeDeleted="only") == names(server, deleted="true") == ["gone"]


def test_a_restored_batch_has_no_hand_left_on_it(server: RunningServer) -> None:
    """D-39: as a restored record"""
    ids = [made(server, ORDERS, whose="all", state="open")["id"] for _ in range(2)]
    for restore in (
        lambda: server.http.post(f"{ORDERS}/batch/restore", json={"ids": ids}, headers=ADA),
        lambda: max(
            (server.http.post(f"{ORDERS}/{id_}/restore", headers=ADA) for id_ in ids), key=lambda one: one.status_code
        ),
    ):
        assert server.http.request("DELETE", f"{ORDERS}/batch", json={"ids": ids}, headers=ADA).status_code == 200
        trashed = server.local.get(ORDERS, params={"deleted": "true"}).json()["records"]
        assert [record["deletedBy"] for record in trashed] == ["ada", "ada"]
        assert restore().status_code == 200
        for record in server.local.get(ORDERS).json()["records"]:
            assert record["fields"]["remover"] is None
            assert not {"deletedAt", "deletedBy"} & {name for name, value in record.items() if value is not None}


def test_a_table_that_is_put_away_keeps_its_records(tmp_path: Path) -> None:
    """D-33, T-035: it is in no list and at no address, and comes back as it was."""
    app = (
        "name: x\ntables:\n- {{id: 1, name: t{0}, fields: [{{id: 1, name: a, type: integer}}]}}\n"
        "- {{id: 2, name: u, fields: []}}\n"
    )
    with RunningServer(app.format(""), tmp_path) as server:

        def reload(more: str) -> list[str]:
            server.app_file.write_text(app.format(more))
            assert server.local.post("/api/console/reload", json={}).status_code == 200
            return [table["name"] for table in server.local.get("/api/tables").json()]

        before = made(server, "/api/tables/t/records", a=7)
        assert reload(", disabled: true") == ["u"]
        assert server.local.get("/api/tables/t/records").status_code == 404
        assert server.local.get("/api/tables/t").status_code == 404
        assert reload("") == ["t", "u"]
        after = server.local.get(f"/api/tables/t/records/{before['id']}").json()
        assert (after["a"], after["updatedAt"]) == (7, before["updatedAt"])
