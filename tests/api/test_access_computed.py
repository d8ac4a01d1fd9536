"""Computed values and links of several tables: they tell no more, and change no more, than the caller may elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: computed
auth: {strategies: [{type: emailAndPassword}], roles: [{name: editor}]}
tables:
  - name: people
    fields:
      - {name: name, type: single-line-text}
      - {name: wage, type: integer}
      - {name: owner, type: single-line-text}
      - {name: jobs, type: relationship, relatedTable: jobs, relationType: one-to-many, foreignKey: person}
    permissions:
      read: authenticated
      update: authenticated
      fields: [{field: wage, read: [editor]}]
    rowLevelPermissions: {read: {when: {field: owner, operator: neq, value: secret}}}
  - name: jobs
    fields:
      - {name: title, type: single-line-text}
      - {name: hours, type: integer}
      - {name: rate, type: integer}
      - {name: cost, type: formula, formula: hours * rate, resultType: integer}
      - {name: twice, type: formula, formula: cost * 2, resultType: integer}
      - {name: person, type: relationship, relatedTable: people, relationType: many-to-one}
      - {name: person_name, type: lookup, relationshipField: person, relatedField: name}
      - {name: person_wage, type: lookup, relationshipField: person, relatedField: wage}
    permissions:
      read: authenticated
      update: [editor]
      fields: [{field: rate, read: [editor]}]
  - name: teams
    fields:
      - {name: title, type: single-line-text}
      - {name: members, type: relationship, relatedTable: people, relationType: many-to-many}
    webhooks: [{name: told, url: "http://127.0.0.1:1/", events: [delete]}]
    permissions: {read: authenticated, update: authenticated}
"""
MEMBER, EDITOR = headers("m", "member"), headers("e", "editor")


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("computed")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        yield running


@pytest.fixture(scope="module")
def ids(server: RunningServer) -> dict[str, str]:
    def made(table: str, **fields: Any) -> str:
        answer = server.local.post(f"/api/tables/{table}/records", json={"fields": fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    ann, spy = made("people", name="ann", wage=51, owner="x"), made("people", name="spy", wage=52, owner="secret")
    return {
        "ann": ann,
        "spy": spy,
        "open": made("jobs", title="open", hours=3, rate=7, person=ann),
        "covert": made("jobs", title="covert", hours=5, rate=7, person=spy),
    }


def test_what_is_computed_from_hidden_fields_is_hidden(server: RunningServer, ids: dict[str, str]) -> None:
    """P-021, T-122: formulas of formulas, lookups; in lists, single reads, exports, filters and permissions."""
    records = "/api/tables/jobs/records"
    seen = server.http.get(f"{records}/{ids['open']}", headers=MEMBER).json()["fields"]
    assert set(seen) == {"title", "hours", "person", "person_name"}
    every = server.http.get(f"{records}/{ids['open']}", headers=EDITOR).json()["fields"]
    assert (every["cost"], every["twice"], every["person_wage"]) == (21, 42, 51)
    for name in ("rate", "cost", "twice", "person_wage"):
        for params in ({"filter": f"{name}:21"}, {"sort": name}, {"fields": name}, {"aggregate": f"{name}:max"}):
            assert server.http.get(records, params=params, headers=MEMBER).status_code == 404, params
            assert server.http.get(records, params=params, headers=EDITOR).status_code == 200, params
    exported = server.http.get("/api/tables/jobs/export?format=json", headers=MEMBER).json()
    assert all(set(row) <= {"title", "hours", "person", "person_name"} for row in exported)
    told = server.http.get("/api/tables/jobs/permissions", headers=MEMBER).json()["fields"]
    assert {name for name, each in told.items() if not each["read"]} == {"rate", "cost", "twice", "person_wage"}


def test_records_beyond_reach_are_not_looked_up(server: RunningServer, ids: dict[str, str]) -> None:
    """P-025, auth A-193: a lookup and an expanded link of a row that the caller cannot see hold nothing."""
    path = f"/api/tables/jobs/records/{ids['covert']}"
    answer = server.http.get(path, params={"expand": "person"}, headers=MEMBER)
    assert answer.json()["fields"]["person_name"] is None
    assert answer.json()["fields"]["person"] is None
    assert "spy" not in answer.text
    assert server.local.get(path).json()["person_name"] == "spy"
    for params in ({"filter": "person_name:spy"}, {"filter": "person.name:spy"}, {"q": "spy"}):
        found = server.http.get("/api/tables/jobs/records", params=params, headers=MEMBER)
        assert found.json()["records"] == [], params


def test_links_are_no_way_around_the_table_that_holds_them(server: RunningServer, ids: dict[str, str]) -> None:
    """P-011, P-017: `jobs` of a person are a column of the jobs, which a member may not change."""
    path = f"/api/tables/people/records/{ids['ann']}"
    refused = server.http.patch(path, json={"jobs": []}, headers=MEMBER)
    assert refused.status_code == 404
    assert server.local.get(f"/api/tables/jobs/records/{ids['open']}").json()["person"] == int(ids["ann"])
    assert server.http.patch(path, json={"name": "ann"}, headers=MEMBER).status_code == 200
    assert server.http.patch(path, json={"jobs": [ids["open"]]}, headers=EDITOR).status_code == 200


def test_links_beyond_reach_are_not_in_what_happened(server: RunningServer, ids: dict[str, str]) -> None:
    """R-083, auth A-193: history, activity and what a webhook was sent tell of the linked records that the record itself
    shows; an update of others leaves no trace, and undoing an entry leaves them as they are."""
    ann, spy = int(ids["ann"]), int(ids["spy"])
    made = server.local.post("/api/tables/teams/records", json={"title": "a", "members": [ann, spy]}).json()["id"]
    path = f"/api/tables/teams/records/{made}"
    server.local.patch(path, json={"members": [ann]})
    server.local.patch(path, json={"title": "b", "members": [spy]})
    every = server.local.get(f"{path}/history").json()["history"]
    assert [each["changes"]["after"]["members"] for each in every] == [[ann, spy], [ann], [spy]]
    _, covert, last = (each["id"] for each in every)

    assert server.http.get(path, headers=MEMBER).json()["members"] == []
    told = server.http.get(f"{path}/history", params={"limit": 9}, headers=MEMBER).json()
    created, update = told["history"]
    assert created["changes"]["after"]["members"] == [ann]
    assert update["changes"] == {"before": {"title": "a", "members": [ann]}, "after": {"title": "b", "members": []}}
    assert told["pagination"]["total"] == 2
    assert server.http.get(f"/api/activity/{covert}", headers=MEMBER).status_code == 404
    assert server.http.get(f"/api/activity/{last}", headers=MEMBER).json()["changes"] == update["changes"]
    feed = {"tableName": "teams", "pageSize": 1}
    for page, entry in ((1, last), (2, created["id"])):
        found = server.http.get("/api/activity", params=feed | {"page": page}, headers=MEMBER).json()
        assert ([each["id"] for each in found["activities"]], found["total"]) == ([entry], 2)
    assert server.local.get("/api/activity", params=feed).json()["total"] == 3
    assert server.http.post(f"{path}/history/{covert}/revert", headers=MEMBER).status_code == 404
    assert server.http.post(f"{path}/history/{last}/revert", headers=MEMBER).status_code == 200
    back = server.local.get(path).json()
    assert (back["title"], sorted(back["members"])) == ("a", sorted([ann, spy]))

    hook = "/api/tables/teams/webhooks/told"
    server.local.post(f"{hook}/test")
    delivery = server.local.get(f"{hook}/deliveries").json()["deliveries"][0]["id"]
    sent = [
        client.get(f"{hook}/deliveries/{delivery}", headers=MEMBER).json() for client in (server.local, server.http)
    ]
    assert ["requestBody" in each for each in sent] == [True, False]
