"""Accounts in records: whose hand it was, fields that name people, buttons and what a model fills."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from core.auth.store import ACCOUNTS
from core.storage.database import Call
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: team
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: lead, level: 50}]
tables:
  - name: Tasks
    fields:
      - { name: title, type: single-line-text }
      - { name: doer, type: user }
      - { name: helpers, type: user, allowMultiple: true }
      - { name: maker, type: created-by }
      - { name: changer, type: updated-by }
      - { name: remover, type: deleted-by }
      - { name: created_by, type: single-line-text }
      - name: open
        type: button
        label: Open
        action: url
        url: "https://example.org/{id}/{title}?d={doer}"
        roles: [lead]
      - name: show
        type: button
        label: Show
        action: url
        url: "/x"
        visibleWhen: { field: title, operator: equals, value: on }
      - { name: run, type: button, label: Run, action: automation, automation: nightly, confirm: "Sure?" }
      - { name: digest, type: ai-summary, sourceFields: [title] }
    permissions: { read: authenticated, create: authenticated, update: authenticated, delete: authenticated }
"""
TASKS = "/api/tables/tasks/records"
ADA, BOB, CY = (headers(name, "admin") for name in ("ada", "bob", "cy"))


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("people")
    with running_on(request, APP, folder, authenticate=by_header) as server:
        yield server


@pytest.fixture
def server(running: RunningServer) -> RunningServer:
    """Without records, with three accounts."""
    running.empty()

    def fill(tx: Any) -> None:
        tx.execute(f"DELETE FROM {ACCOUNTS.name}")
        shared = {"email_verified": True, "image": None, "roles": None, "banned": False}
        times = {"created_at": tx.time, "updated_at": tx.time}
        people = (("ada", "Ada Lovelace"), ("bob", "Bob Ray"), ("cy", "Cy Twombly"))
        rows = [{"id": id_, "email": f"{id_}@example.org", "name": name, **shared, **times} for id_, name in people]
        tx.insert(ACCOUNTS, rows)

    running.engine.database.submit_write(Call(fill)).result()
    return running


def create(server: RunningServer, caller: Any, **fields: Any) -> dict[str, Any]:
    answer = server.http.post(TASKS, json={"fields": fields}, headers=caller)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_three_hands_leave_three_marks(server: RunningServer) -> None:
    """R-002, R-100, R-102, R-103, R-105, T-089"""
    made = create(server, ADA, title="a", maker="bob", changer="bob", created_by="me")
    assert (made["fields"]["maker"], made["fields"]["changer"], made["fields"]["remover"]) == ("ada", "ada", None)
    assert (made["createdBy"], made["updatedBy"], made["deletedBy"]) == ("ada", "ada", None)
    assert made["fields"]["created_by"] == "me"  # a column by that name is its owner's
    where = f"{TASKS}/{made['id']}"
    changed = server.http.patch(
        where, json={"fields": {"title": "b", "maker": "cy", "remover": "cy"}}, headers=BOB
    ).json()
    assert (changed["maker"], changed["changer"]) == ("ada", "bob")
    assert server.http.delete(where, headers=CY).status_code == 204
    trashed = server.http.get("/api/tables/tasks/trash", headers=ADA).json()["records"][0]
    assert [trashed[name] for name in ("createdBy", "updatedBy", "deletedBy")] == ["ada", "bob", "cy"]
    restored = server.http.post(f"{where}/restore", headers=BOB).json()["record"]
    assert (restored["deletedBy"], restored["createdBy"]) == (None, "ada")
    listed = server.http.get(TASKS, headers=ADA).json()["records"][0]
    assert (listed["createdBy"], listed["fields"]["maker"]) == ("ada", "ada")
    assert server.http.get(where, headers=ADA).json()["updatedBy"] == "bob"


def test_batches_are_marked_and_nobody_is_null(server: RunningServer) -> None:
    """R-104, R-101"""
    body = {"records": [{"fields": {"title": str(n), "changer": "cy"}} for n in range(3)], "returnRecords": True}
    made = server.http.post(f"{TASKS}/batch", json=body, headers=ADA).json()["records"]
    assert {each["createdBy"] for each in made} == {"ada"}
    ids = [each["id"] for each in made]
    changes = {"records": [{"id": id_, "fields": {"title": "x"}} for id_ in ids], "returnRecords": True}
    assert {
        each["updatedBy"] for each in server.http.patch(f"{TASKS}/batch", json=changes, headers=BOB).json()["records"]
    } == {"bob"}
    server.http.request("DELETE", f"{TASKS}/batch", json={"ids": ids}, headers=CY)
    trashed = server.http.get("/api/tables/tasks/trash", headers=ADA).json()["records"]
    assert {each["deletedBy"] for each in trashed} == {"cy"}
    owner = server.local.post(TASKS, json={"fields": {"title": "o"}}).json()
    assert (owner["createdBy"], owner["updatedBy"]) == (None, None)
    commit = {"changes": [{"ref": "1", "op": "create", "table": "tasks", "fields": {"title": "staged", "doer": "me"}}]}
    outcome = server.http.post("/api/console/commit", json=commit, headers=BOB).json()["outcomes"][0]
    assert (outcome["record"]["createdBy"], outcome["record"]["fields"]["doer"]) == ("bob", "bob")


def test_an_upsert_is_signed_and_knows_who_me_is(server: RunningServer) -> None:
    """R-067, T-088"""
    first = {"fields": {"title": "a", "doer": "me"}}
    body = {"records": [first], "fieldsToMergeOn": ["title"]}
    made = server.http.post(f"{TASKS}/upsert", json=body, headers=ADA).json()["records"][0]
    assert (made["createdBy"], made["updatedBy"], made["fields"]["doer"]) == ("ada", "ada", "ada")
    changed = server.http.post(f"{TASKS}/upsert", json=body, headers=BOB).json()["records"][0]
    assert (changed["createdBy"], changed["updatedBy"], changed["fields"]["doer"]) == ("ada", "bob", "bob")


def test_writes_of_many_hands_that_wait_together_keep_their_own(server: RunningServer) -> None:
    """R-100: coalesced statements."""
    names = ["ada", "bob", "cy"] * 20

    def write(name: str) -> tuple[str, str]:
        made = create(server, headers(name, "admin"), title=name)
        changed = server.http.patch(
            f"{TASKS}/{made['id']}", json={"fields": {"title": "z"}}, headers=headers(name[::-1], "admin")
        )
        return made["createdBy"], changed.json()["updatedBy"]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(write, names)) == [(name, name[::-1]) for name in names]


def test_an_import_is_marked(server: RunningServer) -> None:
    """R-100, T-088: rows of a file have a hand, and name only people that there are."""

    def run(content: str) -> dict[str, Any]:
        job = server.http.post("/api/tables/tasks/import?format=csv", content=content.encode(), headers=ADA).json()
        done = server.call_in_loop(_finished(server, job["id"]))
        return dict(done)

    assert run("title\nfast\n")["state"] == "done"
    assert run("title,doer\nslow,bob\n")["state"] == "done"
    assert run("title,doer\nbad,nobody\n")["state"] == "failed"
    records = server.http.get(TASKS, params={"sort": "title"}, headers=ADA).json()["records"]
    assert [(each["fields"]["title"], each["createdBy"], each["fields"]["doer"]) for each in records] == [
        ("fast", "ada", None),
        ("slow", "ada", "bob"),
    ]


async def _finished(server: RunningServer, job: str) -> Any:
    import asyncio

    while True:
        found = server.engine.jobs.get(job)
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        await asyncio.sleep(0)


def test_a_field_names_people(server: RunningServer) -> None:
    """T-088: known ones; `me`; the caller in filters; expanded."""
    refused = server.http.post(TASKS, json={"fields": {"doer": "nobody", "helpers": ["ada", "dan"]}}, headers=ADA)
    assert refused.status_code == 400
    assert {each["field"] for each in refused.json()["errors"]} == {"doer", "helpers"}
    create(server, ADA, title="1", doer="me", helpers=["bob", "me"])
    create(server, ADA, title="2", doer="bob", helpers=["cy", "bob", "cy"])
    create(server, ADA, title="3")

    def titles(caller: Any, tree: str) -> str:
        found = server.http.get(TASKS, params={"filter": tree, "sort": "title"}, headers=caller)
        assert found.status_code == 200, found.text
        return "".join(each["fields"]["title"] for each in found.json()["records"])

    me = '{"field": "doer", "operator": "isCurrentUser"}'
    assert (titles(ADA, me), titles(BOB, me), titles(CY, me)) == ("1", "2", "")
    for value in ("me", "$currentUser", "$currentUser.id"):
        assert titles(BOB, f'{{"field": "doer", "operator": "equals", "value": "{value}"}}') == "2"
    assert titles(BOB, '{"field": "helpers", "operator": "isCurrentUser"}') == "12"
    assert titles(CY, '{"field": "helpers", "operator": "contains", "value": "me"}') == "2"
    assert titles(ADA, '{"field": "doer", "operator": "in", "value": ["me", "bob"]}') == "12"
    assert titles(ADA, '{"field": "helpers", "operator": "isEmpty"}') == "3"
    shown = server.http.get(TASKS, params={"expand": "doer,helpers", "sort": "title"}, headers=ADA).json()["records"]
    ada = {"id": "ada", "name": "Ada Lovelace", "email": "ada@example.org", "image": None}
    assert shown[0]["fields"]["doer"] == ada
    assert [each["id"] for each in shown[1]["fields"]["helpers"]] == ["cy", "bob"]
    people = server.http.get("/api/console/people", params={"q": "LOVE"}, headers=BOB).json()["people"]
    assert people == [ada]
    assert len(server.http.get("/api/console/people", params={"q": "@example"}, headers=BOB).json()["people"]) == 3


def test_a_button_is_pressed(server: RunningServer) -> None:
    """T-101: no column, no value; by its roles, where it shows, by who may update the record."""
    made = create(server, ADA, title="a/b c", doer="bob")
    assert "open" not in made["fields"]
    press = f"{TASKS}/{made['id']}/buttons"
    opened = server.http.post(f"{press}/open", headers=headers("bob", "lead"))
    assert opened.json() == {
        "success": True,
        "action": "url",
        "url": f"https://example.org/{made['id']}/a%2Fb%20c?d=bob",
    }
    assert server.http.post(f"{press}/open", headers=headers("bob", "member")).status_code == 404
    assert server.http.post(f"{press}/show", headers=ADA).status_code == 404
    server.http.patch(f"{TASKS}/{made['id']}", json={"fields": {"title": "on"}}, headers=ADA)
    assert server.http.post(f"{press}/show", headers=ADA).json()["url"] == "/x"
    assert server.http.post(f"{press}/run", headers=ADA).status_code == 400
    for path in (f"{press}/title", f"{press}/gone", f"{TASKS}/99999/buttons/open"):
        assert server.http.post(path, headers=ADA).status_code == 404
    assert server.http.post(f"{press}/show", headers=headers()).status_code == 401
    fields = {each["name"]: each for each in server.http.get("/api/tables/tasks", headers=ADA).json()["fields"]}
    assert (fields["open"]["label"], fields["open"]["operators"]) == ("Open", [])
    columns = {name for table in server.engine.model for name in table.column_by_name}
    assert columns.isdisjoint({"open", "show", "run"})
    for asked in ({"sort": "open"}, {"fields": "open"}, {"groupBy": "open"}, {"aggregate": "open:count"}):
        refused = server.http.get(TASKS, params=asked, headers=ADA)
        assert (refused.status_code, refused.json()["message"]) == (400, "'open' is a button and has no value"), asked


def test_what_a_model_fills_tells_its_state(server: RunningServer) -> None:
    """T-103, T-102: without a provider it waits; a value written by hand is done."""
    made = create(server, ADA, title="a")
    where = f"{TASKS}/{made['id']}"
    assert server.http.get(where, headers=ADA).json()["_aiCompute"] == {"digest": "pending"}
    server.http.patch(where, json={"fields": {"digest": "by hand"}}, headers=ADA)
    assert server.http.get(where, headers=ADA).json()["_aiCompute"] == {"digest": "done"}
    assert "_aiCompute" not in server.http.get(TASKS, headers=ADA).json()["records"][0]
