"""Permissions at the door: sessions, the one body of refusals, what is told about them, grants, and who is above them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import SchemaError
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: access
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: editor, level: 30}, {name: chief, level: 90}]
  groups: [{name: finance}]
  scopeTables: [clients]
tables:
  - name: plain
    fields: [{name: text, type: single-line-text}]
  - name: notes
    fields:
      - {name: text, type: single-line-text, required: true}
      - {name: cost, type: integer}
      - {name: pin, type: integer, unique: true}
      - {name: user_id, type: single-line-text}
    permissions:
      read: all
      create: [editor]
      update: [editor, "group:finance"]
      delete: [editor]
      permanentDelete: [editor]
      restore: [viewer]
      fields:
        - {field: cost, read: [chief], write: [chief]}
        - {field: pin, read: [admin]}
  - name: inbox
    fields: [{name: text, type: single-line-text}]
    permissions: {create: all}
  - name: closed
    fields: [{name: text, type: single-line-text}]
    permissions: {}
  - name: mine
    fields:
      - {name: owner, type: single-line-text}
      - {name: text, type: single-line-text}
      - {name: notes, type: relationship, relatedTable: shy, relationType: many-to-one}
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: authenticated}
    rowLevelPermissions:
      read: {when: {field: owner, operator: eq, value: $currentUser.id}}
      write: {when: {field: owner, operator: eq, value: $currentUser.id}}
      create: {when: {field: owner, operator: eq, value: $currentUser.id}}
  - name: loose
    fields: [{name: owner, type: single-line-text}]
    rowLevelPermissions:
      write: {when: {field: owner, operator: eq, value: $currentUser.id}, checkResult: false}
  - name: clients
    fields: [{name: name, type: single-line-text}]
    permissions: {read: [viewer]}
    rowLevelPermissions: {read: {when: {field: id, operator: in, value: $currentUser.assignments.clients}}}
  - name: shy
    fields: [{name: owner, type: single-line-text}]
    rowLevelPermissions: {read: {when: {field: owner, operator: eq, value: $currentUser.id}}}
"""
MISSING = '{"success":false,"message":"Not found","code":"NOT_FOUND"}'
MEMBER, EDITOR, VIEWER, ADMIN, CHIEF = (
    headers(name, role)
    for name, role in (("m", "member"), ("e", "editor"), ("v", "viewer"), ("a", "admin"), ("c", "chief"))
)


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("access")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(server: RunningServer) -> None:
    server.empty()


def made(server: RunningServer, table: str, **fields: Any) -> str:
    answer = server.local.post(f"/api/tables/{table}/records", json={"fields": fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def typed(server: RunningServer, sql: str, **who: Any) -> dict[str, Any]:
    """The first statement of an SQL run when it has ended."""
    run = server.http.post("/api/console/sql", json={"sql": sql}, **who).json()
    while run["state"] == "running":
        run = server.http.get(f"/api/console/sql/{run['id']}", params={"wait": "5000"}, **who).json()
    return dict(run["statements"][0])


def is_missing(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.text) == (404, MISSING)


def test_without_a_session(server: RunningServer) -> None:
    """P-008, P-010, T-033, A-205: `all` admits, anything else is 401, known or not; writes with `all` have no author."""
    key = made(server, "notes", text="a")
    assert server.http.get("/api/tables/notes/records").status_code == 200
    assert server.http.get(f"/api/tables/notes/records/{key}").status_code == 200
    assert server.http.post("/api/tables/inbox/records", json={"text": "x"}).status_code == 201
    assert server.commits[-1].actor == "guest"
    for method, path in (
        ("POST", "/api/tables/notes/records"),
        ("PATCH", f"/api/tables/notes/records/{key}"),
        ("DELETE", f"/api/tables/notes/records/{key}"),
        ("GET", "/api/tables/inbox/records"),
        ("GET", "/api/tables/plain/records"),
        ("GET", "/api/tables/nothing/records"),
        ("GET", "/api/tables/closed/records"),
        ("GET", "/api/tables/plain/records?limit=many"),
        ("GET", "/api/tables"),
        ("GET", "/api/tables/notes"),
        ("GET", "/api/tables/notes/permissions"),
        ("GET", "/api/nothing"),
        ("GET", "/api/console/events"),
        ("GET", "/api/console/jobs"),
        ("POST", "/api/console/sql"),
        ("POST", "/api/console/views"),
        ("POST", "/api/access/explain"),
        ("POST", "/api/tables/user_access/records"),
    ):
        answer = server.http.request(method, path, json={"fields": {"text": "x"}} if method != "GET" else None)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), (method, path, answer.text)


def test_refusals_are_one_and_the_same(server: RunningServer) -> None:
    """P-011, P-014, P-036, P-038, D-01, A-205: no such table, not readable, no such record, not visible, not allowed."""
    key, other = made(server, "notes", text="a"), made(server, "mine", owner="e", text="x")
    for method, path in (
        ("GET", "/api/tables/nothing/records"),
        ("GET", "/api/tables/closed/records"),
        ("GET", "/api/tables/closed/records/1"),
        ("GET", "/api/tables/closed"),
        ("GET", "/api/tables/closed/permissions"),
        ("GET", "/api/tables/closed/export?format=csv"),
        ("GET", "/api/tables/closed/trash"),
        ("POST", "/api/tables/closed/import?format=csv"),
        ("GET", "/api/tables/notes/records/99999"),
        ("GET", f"/api/tables/mine/records/{other}"),
        ("PATCH", f"/api/tables/mine/records/{other}"),
        ("DELETE", f"/api/tables/mine/records/{other}"),
        ("POST", "/api/tables/notes/records"),
        ("PATCH", f"/api/tables/notes/records/{key}"),
        ("DELETE", f"/api/tables/notes/records/{key}"),
        ("POST", f"/api/tables/notes/records/{key}/restore"),
        ("POST", "/api/tables/notes/records/batch"),
        ("PATCH", "/api/tables/notes/records/batch"),
        ("DELETE", "/api/tables/notes/records/batch"),
        ("POST", "/api/tables/notes/records/batch/restore"),
        ("GET", "/api/access/roles"),
    ):
        body: Any = {"fields": {"text": "x"}}
        if "batch" in path:
            body = {"records": [{"id": key, "fields": {"text": "x"}}]} if method != "DELETE" else {"ids": [key]}
            body = {"ids": [key]} if "restore" in path else body
        if "sql" in path:
            body = {"sql": "select 1"}
        answer = server.http.request(method, path, json=body if method != "GET" else None, headers=MEMBER)
        assert is_missing(answer), (method, path, answer.text)
    assert server.local.get(f"/api/tables/notes/records/{key}").json()["text"] == "a"


def test_order_of_the_checks(server: RunningServer) -> None:
    """§8.6: session, table, shape, gate, record, read-only, field rule, values."""

    def code(method: str, path: str, body: Any, who: Any) -> int:
        content = body if isinstance(body, str) else json.dumps(body)
        return server.http.request(method, path, content=content, headers=who).status_code

    key = made(server, "notes", text="a")
    records = "/api/tables/notes/records"
    assert code("POST", records, "not json", {}) == 401
    assert code("POST", "/api/tables/closed/records", "not json", MEMBER) == 404  # nothing admits: it is not there
    assert code("POST", records, "not json", MEMBER) == 400
    assert code("POST", records, {"fields": {"text": 5}}, MEMBER) == 404
    assert code("PATCH", f"{records}/99999", {"fields": {"created_at": "x", "text": []}}, EDITOR) == 404
    assert code("PATCH", f"{records}/{key}", {"fields": {"created_at": "x", "cost": 1, "text": []}}, EDITOR) == 400
    assert code("PATCH", f"{records}/{key}", {"fields": {"cost": 1, "text": []}}, EDITOR) == 404
    assert code("PATCH", f"{records}/{key}", {"fields": {"text": []}}, EDITOR) == 400
    made(server, "notes", text="b", pin=7)
    assert code("PATCH", f"{records}/{key}", {"fields": {"pin": 7}}, EDITOR) == 409


def test_defaults_of_a_table_without_a_block(server: RunningServer) -> None:
    """D-02, D-04, P-012: every role but viewer may all four, viewer reads; for good is the admins'."""
    for who, may in ((MEMBER, True), (EDITOR, True), (VIEWER, False)):
        key = made(server, "plain", text="a")
        assert server.http.get(f"/api/tables/plain/records/{key}", headers=who).json()["text"] == "a"
        answer = server.http.patch(f"/api/tables/plain/records/{key}", json={"text": "b"}, headers=who)
        assert answer.status_code == (200 if may else 404)
        assert is_missing(server.http.delete(f"/api/tables/plain/records/{key}?permanent=true", headers=who))
        answer = server.http.delete(f"/api/tables/plain/records/{key}", headers=who)
        assert answer.status_code == (204 if may else 404)
    assert server.http.delete(f"/api/tables/plain/records/{key}?purge=true", headers=ADMIN).status_code == 200


def test_an_explicit_list_always_decides(server: RunningServer) -> None:
    """D-03, D-37, D-38: viewer restores where the list says so; who deletes may not; for good by the list."""
    key = made(server, "notes", text="a")
    assert server.http.delete(f"/api/tables/notes/records/{key}", headers=EDITOR).status_code == 204
    assert is_missing(server.http.post(f"/api/tables/notes/records/{key}/restore", headers=EDITOR))
    assert server.http.post(f"/api/tables/notes/records/{key}/restore", headers=VIEWER).status_code == 200
    assert server.http.delete(f"/api/tables/notes/records/{key}?permanent=true", headers=EDITOR).status_code == 200


def test_restore_follows_delete(server: RunningServer) -> None:
    """D-38: where no rule of its own is declared."""
    key = made(server, "mine", owner="m", text="x")
    assert server.http.delete(f"/api/tables/mine/records/{key}", headers=MEMBER).status_code == 204
    assert is_missing(server.http.post(f"/api/tables/mine/records/{key}/restore", headers=EDITOR))
    assert server.http.post(f"/api/tables/mine/records/{key}/restore", headers=MEMBER).status_code == 200


def test_groups_and_several_roles(server: RunningServer) -> None:
    """P-004: the union counts."""
    key = made(server, "notes", text="a")
    path = f"/api/tables/notes/records/{key}"
    assert is_missing(server.http.patch(path, json={"text": "b"}, headers=VIEWER))
    grouped = headers("v", "viewer", groups=["finance"])
    assert server.http.patch(path, json={"text": "b"}, headers=grouped).status_code == 200
    assert server.http.patch(path, json={"text": "c"}, headers=headers("v", "viewer editor")).status_code == 200


def test_roles_count_from_the_next_request_on(server: RunningServer) -> None:
    """P-003, P-007: a role that is taken away, and one that has left the file."""
    key = made(server, "notes", text="a")
    path = f"/api/tables/notes/records/{key}"
    assert server.http.patch(path, json={"text": "b"}, headers=headers("x", "editor")).status_code == 200
    assert is_missing(server.http.patch(path, json={"text": "c"}, headers=headers("x", "gone")))
    assert server.http.get("/api/tables/plain/records", headers=headers("x", "")).status_code == 200


def test_who_may_not_any_more_is_not_given_a_kept_answer(server: RunningServer) -> None:
    """P-007, R-007: nor an answer that takes several transactions to make."""
    note = {"fields": {"text": "a"}}
    for path, body in (
        ("notes/records", note),
        ("notes/records/batch", {"records": [note]}),
        ("notes/trash/empty", None),
    ):
        told = []
        for role in ("editor", "editor", "viewer"):
            asking = {**headers("x", role), "Idempotency-Key": path}
            told.append(server.http.post(f"/api/tables/{path}", json=body, headers=asking))
        assert told[0].is_success, told[0].text
        assert told[1].content == told[0].content
        assert is_missing(told[2]), told[2].text


def test_a_key_with_scopes_is_not_given_the_answers_of_its_account(server: RunningServer) -> None:
    """P-016, P-021, R-007: lookups into tables that it may not read stand in them."""
    asking = [headers("x", "member", **more) for more in ({}, *[{"key": "k1", "scopes": ["mine:create"]}] * 2)]
    fields = {"owner": "x", "text": "b"}
    commit = {"idempotencyKey": "c", "changes": [{"ref": "r", "op": "create", "table": "mine", "fields": fields}]}
    for path, body in (("/api/tables/mine/records", fields), ("/api/console/commit", commit)):
        told = [server.http.post(path, json=body, headers={**who, "Idempotency-Key": "k"}) for who in asking]
        assert [each.is_success for each in told] == [True] * 3, [each.text for each in told]
        assert told[2].content == told[1].content
        assert told[1].content != told[0].content


def test_a_view_is_opened_anew_after_a_change_of_roles(server: RunningServer) -> None:
    """P-007, P-016: what was opened with more rights is not read on with fewer."""
    made(server, "notes", text="a", cost=4711)
    opened = server.http.post("/api/console/views", json={"table": "notes"}, headers=headers("x", "chief"))
    view = opened.json()["id"]
    assert "4711" in server.http.get(f"/api/console/views/{view}/window", headers=headers("x", "chief")).text
    answer = server.http.get(f"/api/console/views/{view}/window", headers=headers("x", "viewer"))
    assert answer.status_code == 404
    assert "4711" not in answer.text


def test_field_rules_of_writes(server: RunningServer) -> None:
    """P-017, P-019, A-203: 404 for single writes and batches of new ones; left out of batch updates and of upserts of
    several, unless all is."""
    records = "/api/tables/notes/records"
    assert is_missing(server.http.post(records, json={"text": "a", "cost": 1}, headers=EDITOR))
    batch = {"records": [{"fields": {"text": "a"}}, {"fields": {"text": "b", "cost": 1}}]}
    assert is_missing(server.http.post(f"{records}/batch", json=batch, headers=EDITOR))
    assert server.local.get(records).json()["pagination"]["total"] == 0
    key = made(server, "notes", text="a", cost=1)
    assert is_missing(server.http.patch(f"{records}/{key}", json={"cost": 2}, headers=EDITOR))
    both = {"records": [{"id": key, "fields": {"text": "b", "cost": 2}}]}
    assert server.http.patch(f"{records}/batch", json=both, headers=EDITOR).json()["updated"] == 1
    found = server.local.get(f"{records}/{key}").json()
    assert (found["text"], found["cost"]) == ("b", 1)
    only = {"records": [{"id": key, "fields": {"cost": 2}}]}
    assert is_missing(server.http.patch(f"{records}/batch", json=only, headers=EDITOR))
    merge = {"fieldsToMergeOn": ["text"]}
    upsert = {"records": [{"fields": {"text": "b", "cost": 2}}, {"fields": {"text": "c", "cost": 2}}], **merge}
    done = server.http.post(f"{records}/upsert", json=upsert, headers=EDITOR).json()
    assert (done["created"], done["updated"]) == (1, 1)
    assert [each["fields"]["cost"] for each in server.local.get(records).json()["records"]] == [1, None]
    one = {"fields": {"text": "b", "cost": 2}, "matchFields": ["text"]}
    nothing = {"records": [{"fields": {"cost": 2}}], **merge}
    for body in (one, nothing):
        assert is_missing(server.http.post(f"{records}/upsert", json=body, headers=EDITOR))
    # `pin` may be written by whoever may update, and read by admins alone.
    answer = server.http.patch(f"{records}/{key}", json={"pin": 77}, headers=EDITOR)
    assert answer.status_code == 200
    assert "pin" not in answer.json()["fields"]
    commit = {"changes": [{"ref": "1", "op": "update", "table": "notes", "id": key, "fields": {"cost": 9}}]}
    assert is_missing(server.http.post("/api/console/commit", json=commit, headers=EDITOR))


def test_hidden_fields_in_errors(server: RunningServer) -> None:
    """P-016: neither a conflict nor a hint names what may not be read."""
    key = made(server, "notes", text="a", pin=5)
    made(server, "notes", text="b", pin=6)
    path = f"/api/tables/notes/records/{key}"
    answer = server.http.patch(path, json={"pin": 6}, headers=EDITOR)
    assert answer.status_code == 409
    assert "pin" not in answer.text
    answer = server.http.patch(path, json={"pins": 6}, headers=EDITOR)
    assert answer.status_code == 400
    assert "'pin'" not in answer.text
    stale = {"fields": {"text": "c"}, "updatedAt": "2020-01-01T00:00:00.000Z"}
    answer = server.http.patch(path, json=stale, headers=EDITOR)
    assert answer.status_code == 409
    assert set(answer.json()["current"]["fields"]) == {"text", "user_id"}


def test_system_fields_are_readable_with_the_record(server: RunningServer) -> None:
    """P-022"""
    made(server, "notes", text="a")
    (record,) = server.http.get("/api/tables/notes/records?sort=createdAt", headers=MEMBER).json()["records"]
    assert {"id", "createdAt", "updatedAt"} <= set(record)


def test_user_id_is_not_taken_from_clients(server: RunningServer) -> None:
    """P-024: silently; the owner and admins may."""
    records = "/api/tables/notes/records"
    answer = server.http.post(records, json={"text": "a", "user_id": "somebody"}, headers=EDITOR)
    assert (answer.status_code, answer.json()["user_id"]) == (201, None)
    key = answer.json()["id"]
    answer = server.http.patch(f"{records}/{key}", json={"text": "b", "user_id": "x"}, headers=EDITOR)
    assert (answer.json()["text"], answer.json()["user_id"]) == ("b", None)
    assert server.http.patch(f"{records}/{key}", json={"user_id": "x"}, headers=ADMIN).json()["user_id"] == "x"


def test_rows_cannot_be_moved_out_of_reach(server: RunningServer) -> None:
    """P-026, P-027: the result is judged too, of updates, commits, batches and new records; not with checkResult: false."""
    records, key = "/api/tables/mine/records", made(server, "mine", owner="m", text="x")
    assert is_missing(server.http.patch(f"{records}/{key}", json={"owner": "e"}, headers=MEMBER))
    change = {"ref": "1", "op": "update", "table": "mine", "id": key, "fields": {"owner": "e"}}
    assert is_missing(server.http.post("/api/console/commit", json={"changes": [change]}, headers=MEMBER))
    batch = {"records": [{"id": key, "fields": {"owner": "e"}}]}
    assert is_missing(server.http.patch(f"{records}/batch", json=batch, headers=MEMBER))
    assert server.local.get(f"{records}/{key}").json()["owner"] == "m"
    assert is_missing(server.http.post(records, json={"owner": "e"}, headers=MEMBER))
    assert is_missing(server.http.post(records, json={"text": "nobody's"}, headers=MEMBER))
    both = {"records": [{"fields": {"owner": "m"}}, {"fields": {"owner": "e"}}]}
    refused = server.http.post(f"{records}/batch", json=both, headers=MEMBER)
    assert (refused.status_code, refused.json()) == (404, {**json.loads(MISSING), "record": 1})
    assert server.local.get(records).json()["pagination"]["total"] == 1
    assert server.http.post(records, json={"owner": "m"}, headers=MEMBER).status_code == 201
    loose = made(server, "loose", owner="m")
    assert (
        server.http.patch(f"/api/tables/loose/records/{loose}", json={"owner": "e"}, headers=MEMBER).status_code == 200
    )
    assert is_missing(server.http.patch(f"/api/tables/loose/records/{loose}", json={"owner": "m"}, headers=MEMBER))


def test_a_row_that_is_read_and_not_changed_is_told_apart(server: RunningServer) -> None:
    """P-026, P-039, P-043: before an edit by the permissions of the record, in a commit at its fields; what is not read is
    missing as ever."""
    mine, theirs = made(server, "loose", owner="m"), made(server, "loose", owner="e")
    asked = "/api/tables/loose/permissions?record="
    assert server.http.get("/api/tables/loose/permissions", headers=MEMBER).json()["rows"] == ["update"]
    assert "rows" not in server.http.get("/api/tables/loose/permissions", headers=ADMIN).json()
    assert server.http.get(asked + mine, headers=MEMBER).json()["record"] == {"update": True, "delete": True}
    assert server.http.get(asked + theirs, headers=MEMBER).json()["record"] == {"update": False, "delete": True}
    assert is_missing(server.http.get(asked + "999", headers=MEMBER))
    changes = [
        {"ref": each, "op": "update", "table": "loose", "id": each, "fields": {"owner": "m"}}
        for each in (theirs, "999")
    ]
    (refused, missing) = server.http.post("/api/console/commit", json={"changes": changes}, headers=MEMBER).json()[
        "outcomes"
    ]
    assert (refused["status"], refused["errors"][0]["field"]) == ("invalid", "owner")
    assert missing["status"] == "missing"
    shy = made(server, "shy", owner="e")
    assert is_missing(server.http.get(f"/api/tables/shy/permissions?record={shy}", headers=MEMBER))


def test_imports_obey(server: RunningServer) -> None:
    """P-017, P-027: a row that may not be created refuses the file; fields that may not be written are not mapped."""

    def take(table: str, content: str, who: Any, **params: str) -> dict[str, Any]:
        path = f"/api/tables/{table}/import"
        answer = server.http.post(path, params={"format": "csv", **params}, content=content.encode(), headers=who)
        if answer.status_code != 202:
            return {"state": str(answer.status_code)}
        job: dict[str, Any] = answer.json()
        while job["state"] in ("running", "queued"):
            job = server.http.get(f"/api/console/jobs/{job['id']}", headers=who).json()
        assert is_missing(server.http.get(f"/api/console/jobs/{job['id']}", headers=VIEWER))
        return job

    assert take("mine", "owner,text\nm,a\nm,b\n", MEMBER)["rows"] == 2
    assert take("mine", "owner,text\nm,c\ne,d\n", MEMBER)["state"] == "failed"
    assert server.local.get("/api/tables/mine/records").json()["pagination"]["total"] == 2
    assert take("notes", "text,cost\na,5\n", EDITOR)["state"] == "done"
    assert server.local.get("/api/tables/notes/records").json()["records"][0]["fields"]["cost"] is None
    mapping = json.dumps({"cost": "cost", "text": "text"})
    assert take("notes", "text,cost\na,5\n", EDITOR, mapping=mapping)["state"] == "404"
    assert take("notes", "text\na\n", MEMBER)["state"] == "404"


def test_links_to_what_cannot_be_seen(server: RunningServer) -> None:
    """P-036: a record beyond reach and one that is not there refuse alike."""
    beyond, own = made(server, "shy", owner="e"), made(server, "shy", owner="m")
    records = "/api/tables/mine/records"
    answers = [
        server.http.post(records, json={"owner": "m", "notes": key}, headers=MEMBER) for key in (beyond, "99999")
    ]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].text.replace(beyond, "N") == answers[1].text.replace("99999", "N")
    made_by = server.http.post(records, json={"owner": "m", "notes": own}, headers=MEMBER)
    assert made_by.status_code == 201


def test_who_is_above_the_rules(server: RunningServer) -> None:
    """P-005, P-006, P-028: admin, and the highest role when it is as high; the admin API is not for that one."""
    key = made(server, "mine", owner="e", text="x")
    for who in (ADMIN, CHIEF):
        assert server.http.get(f"/api/tables/mine/records/{key}", headers=who).status_code == 200
        assert server.http.get("/api/tables/closed/records", headers=who).status_code == 200
        assert "cost" in server.http.get("/api/tables/notes/permissions", headers=who).json()["fields"]
    assert is_missing(server.http.get("/api/tables/closed/records", headers=EDITOR))
    assert server.http.get("/api/access/roles", headers=ADMIN).status_code == 200
    assert is_missing(server.http.get("/api/access/roles", headers=CHIEF))
    assert server.http.post("/api/console/sql", json={"sql": "select 1"}, headers=ADMIN).status_code == 202


def test_the_permissions_of_a_table(server: RunningServer) -> None:
    """P-039, P-043, A-204: for the caller, with the fields that have rules, or all; 401 without a session."""
    assert server.http.get("/api/tables/notes/permissions").status_code == 401
    found = server.http.get("/api/tables/notes/permissions", headers=EDITOR).json()
    assert found["table"] == {
        "read": True,
        "comment": False,
        "create": True,
        "update": True,
        "delete": True,
        "permanentDelete": True,
        "restore": False,
        "export": True,
    }
    assert found["fields"] == {"cost": {"read": False, "write": False}, "pin": {"read": False, "write": True}}
    every = server.http.get("/api/tables/notes/permissions?fields=all", headers=MEMBER).json()["fields"]
    assert every["text"] == {"read": True, "write": False}
    admin = server.http.get("/api/tables/notes/permissions?fields=all", headers=ADMIN).json()
    assert set(admin["table"].values()) == {True}
    assert all(each["read"] and each["write"] for each in admin["fields"].values())
    assert is_missing(server.http.get("/api/tables/nothing/permissions", headers=MEMBER))
    only_create = server.http.get("/api/tables/inbox/permissions", headers=MEMBER).json()["table"]
    assert (only_create["create"], only_create["read"]) == (True, False)


def test_what_is_created_blind_is_not_shown(server: RunningServer) -> None:
    """P-016: who may create and not read gets an id."""
    answer = server.http.post("/api/tables/inbox/records", json={"text": "x"}, headers=MEMBER)
    assert answer.status_code == 201
    assert answer.json()["fields"] == {}


def test_explanations(server: RunningServer) -> None:
    """P-043: which rule decides, for anybody that an admin asks as."""

    def explain(**asked: Any) -> Any:
        return server.http.post("/api/access/explain", json=asked, headers=ADMIN).json()

    (decision,) = explain(table="notes", operation="update", roles=["member"])["decisions"]
    assert decision["allowed"] is False
    assert decision["rule"] == "tables[1].permissions.update"
    assert explain(table="notes", roles=["editor"])["unreadable"] == ["cost", "pin"]
    key = made(server, "mine", owner="e")
    for user, reached in (("e", True), ("m", False)):
        (decision,) = explain(table="mine", operation="update", roles=["member"], user=user, record=key)["decisions"]
        assert decision["record"] is reached
        assert decision["rows"] == ["tables[4].rowLevelPermissions.read", "tables[4].rowLevelPermissions.write"]
    guest = explain(table="notes", guest=True)["decisions"]
    assert [each["operation"] for each in guest if each["allowed"]] == ["read"]
    assert is_missing(server.http.post("/api/access/explain", json={"table": "notes"}, headers=EDITOR))
    narrow = headers("root", "admin", key="robot", scopes=["admin"])
    for about, status in (({}, 200), ({"record": key}, 404)):
        asked = {"table": "mine", "user": "ada", "roles": ["member"], **about}
        told = server.http.post("/api/access/explain", json=asked, headers=narrow)
        assert told.status_code == status, "whether rules let a record through tells what it holds"
    assert (
        server.http.post("/api/access/explain", json={"table": "notes", "operation": "x"}, headers=ADMIN).status_code
        == 400
    )


def test_whoami(server: RunningServer) -> None:
    """P-043"""
    said = headers("m", "member editor", groups=["finance"], email="m@x.org")
    assert server.http.get("/api/access/whoami", headers=said).json() == {
        "kind": "user",
        "id": "m",
        "name": "",
        "email": "m@x.org",
        "roles": ["editor", "member"],
        "groups": ["finance"],
        "admin": False,
        "unrestricted": False,
        "accounts": True,
    }
    assert server.local.get("/api/access/whoami").json()["kind"] == "owner"


def test_grants(server: RunningServer) -> None:
    """P-029, P-030, P-042: records of scope tables are granted by admins, with a role that counts where rows have rules."""
    one, two = made(server, "clients", name="one"), made(server, "clients", name="two")
    path = "/api/tables/user_access/records"
    who = headers(f"granted-{one}", "member")
    assert is_missing(server.http.get("/api/tables/clients/records", headers=who))
    grant = {"user_id": f"granted-{one}", "table_slug": "clients", "record_ids": [two], "role": "viewer"}
    assert is_missing(server.http.post(path, json=grant, headers=who))
    keyed = ADMIN | {"Idempotency-Key": "once"}
    answer = server.http.post(path, json=grant, headers=keyed)
    assert answer.status_code == 201
    assert server.http.post(path, json=grant, headers=keyed).json() == answer.json()
    assert answer.json()["fields"]["record_ids"] == [two]
    (record,) = server.http.get("/api/tables/clients/records", headers=who).json()["records"]
    assert record["fields"] == {"name": "two"}
    assert is_missing(server.http.get(f"/api/tables/clients/records/{one}", headers=who))
    listed = server.http.get(f"{path}?user_id=granted-{one}", headers=ADMIN).json()["records"]
    assert [each["fields"]["role"] for each in listed] == ["viewer"]
    empty = server.http.get("/api/tables/clients/records", headers=headers("v", "viewer")).json()
    assert empty["records"] == []
    assert {"total": 0, "limit": 0, "offset": 0}.items() <= empty["pagination"].items()
    for field, wrong in (
        ("user_id", ""),
        ("table_slug", "notes"),
        ("record_ids", []),
        ("role", "boss"),
        ("role", "admin"),
        ("role", "chief"),
    ):
        answer = server.http.post(path, json={**grant, field: wrong}, headers=ADMIN)
        assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_an_app_without_scope_tables_has_no_grants(tmp_path: Path) -> None:
    """P-042"""
    with RunningServer("name: x\ntables: [{name: t, fields: []}]", tmp_path) as server:
        assert server.local.get("/api/tables/user_access/records").status_code == 404
        assert server.local.post("/api/tables/user_access/records", json={}).status_code == 404


def test_an_app_without_accounts(tmp_path: Path) -> None:
    """P-015: everybody is guest, no 401 is ever sent; lists of roles deny, tables without a block are open."""
    app = """
name: open
tables:
  - {name: free, fields: [{name: text, type: long-text}]}
  - {name: partly, fields: [{name: text, type: long-text}], permissions: {read: all, create: [editor]}}
  - {name: nobody, fields: [{name: text, type: long-text}], permissions: {read: authenticated}}
"""
    with RunningServer(app, tmp_path) as server:
        for method in ("GET", "POST"):
            answer = server.http.request(method, "/api/tables/free/records", json={"text": "x"})
            assert answer.status_code in (200, 201)
        assert server.http.get("/api/tables/partly/records").status_code == 200
        assert is_missing(server.http.post("/api/tables/partly/records", json={"text": "x"}))
        assert is_missing(server.http.get("/api/tables/nobody/records"))
        assert [table["name"] for table in server.http.get("/api/tables").json()] == ["free", "partly"]
        assert typed(server, "select * from nobody")["problem"]["code"] == "42P01"
        assert server.local.get("/api/tables/nobody/records").status_code == 200


def test_nobody_is_believed_without_a_session(tmp_path: Path) -> None:
    """Who shows none is a guest, whatever else the request says: what is open to `all` is open, the rest asks to sign in."""
    with RunningServer(APP, tmp_path) as server:
        assert server.http.get("/api/tables/notes/records", headers=ADMIN).status_code == 200
        assert server.http.get("/api/access/roles", headers=ADMIN).status_code == 401
        assert server.http.get("/api/health").status_code == 200


def test_disabled_tables(tmp_path: Path) -> None:
    """T-035: absent and 404 on every route, for admins as well."""
    accounts = "auth: {strategies: [{type: emailAndPassword}], roles: []}"
    app = f"name: x\n{accounts}\ntables: [{{name: off, disabled: true, fields: [{{name: a, type: long-text}}]}}]"
    with RunningServer(app, tmp_path, authenticate=by_header) as server:
        assert server.http.get("/api/tables", headers=ADMIN).json() == []
        for path in ("", "/records", "/records/1", "/trash", "/permissions", "/export?format=csv"):
            assert is_missing(server.http.get(f"/api/tables/off{path}", headers=ADMIN)), path


def test_events_tell_of_what_may_be_seen(server: RunningServer) -> None:
    """P-025: a caller hears of its own rows only, of no closed table, and of nobody else's views and jobs."""

    def heard(who: Any, until: int) -> list[dict[str, Any]]:
        """The events of a stream from its first ping on, `until` changes have come."""
        found: list[dict[str, Any]] = []
        with server.http.stream("GET", "/api/console/events", headers=who) as stream:
            lines = stream.iter_lines()
            assert "ping" in next(line for line in lines if line)
            made(server, "closed", text="x")
            others = made(server, "mine", owner="e", text="x")
            server.local.post("/api/console/views", json={"table": "mine"})
            own = made(server, "mine", owner="m", text="x")
            made(server, "plain", text="last")
            for line in lines:
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                found.append(event)
                if event.get("table") == "plain":
                    break
        told = [(event["kind"], event.get("table")) for event in found]
        assert ("change", "closed") not in told
        assert "view" not in {event["kind"] for event in found}
        ids = [each for event in found if event.get("table") == "mine" for each in event["ids"]]
        assert (own in ids, others in ids) == ((True, False) if until == 1 else (False, True))
        return found

    assert heard(MEMBER, 1)
    assert heard(EDITOR, 2)


def test_what_is_wrong_with_the_app_file_is_for_administrators(server: RunningServer) -> None:
    """P-025: it names tables and fields, and where the file lies."""

    def kinds(who: Any) -> list[str]:
        found: list[str] = []
        with server.http.stream("GET", "/api/console/events", headers=who) as stream:
            lines = (json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:"))
            assert next(lines)["kind"] == "ping"
            server.app.reloading.tell_refused(SchemaError("/srv/app.yaml: tables[2] is wrong"))
            made(server, "plain", text="last")
            while "change" not in found:
                found.append(next(lines)["kind"])
        return found

    assert kinds(ADMIN) == ["schema", "change"]
    assert kinds(MEMBER) == ["change"]
