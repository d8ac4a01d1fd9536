"""Row policies at the doors, and how they come into the app file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: desk
auth:
  strategies: [{type: emailAndPassword}]
  roles: [{name: editor, level: 30}]
tables:
  - name: tickets
    fields:
      - {name: title, type: single-line-text, unique: true}
      - {name: owner_id, type: single-line-text}
      - {name: status, type: single-line-text}
      - {name: team, type: relationship, relatedTable: teams, relationType: many-to-one}
    comments: {}
    permissions:
      {read: authenticated, comment: authenticated, create: authenticated, update: authenticated, delete: authenticated}
    # who sees what
    rls:
      enabled: true
      policies:
        - {name: own_rows, for: all, to: [member], using: "owner_id = auth.uid()"}
        - {name: editors, for: all, to: [editor], using: "true"} # all of them
        - {name: open_only, for: update, to: [member], as: restrictive, using: "status <> 'closed'"}
  - name: teams
    fields:
      - {name: name, type: single-line-text}
      - {name: boss, type: single-line-text}
      - {name: open, type: count, relationshipField: tickets}
      - {name: titles, type: rollup, relationshipField: tickets, relatedField: title, aggregation: concat_distinct}
      - {name: tickets, type: relationship, relatedTable: tickets, relationType: one-to-many, foreignKey: team}
  - name: plain
    fields: [{name: text, type: single-line-text}]
"""
ADA, BOB, EDITOR, ADMIN = (
    headers("ada", "member"),
    headers("bob", "member"),
    headers("eve", "editor"),
    headers("x", "admin"),
)


@pytest.fixture(params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, APP, tmp_path, authenticate=by_header) as running:
        yield running


def typed(server: RunningServer, sql: str, who: Mapping[str, str]) -> dict[str, Any]:
    """The last statement of an SQL run that has come to its end, with its rows."""
    run = server.http.post("/api/console/sql", json={"sql": sql, "confirmed": True}, headers=who).json()
    while run["state"] == "running":
        run = server.http.get(f"/api/console/sql/{run['id']}", params={"wait": "5000"}, headers=who).json()
    found: dict[str, Any] = dict(run["statements"][-1], run=run["id"])
    if "columns" in found:
        path = f"/api/console/sql/{run['id']}/{found['index']}/window"
        found["rows"] = server.http.get(path, headers=who).json()["rows"]
    return found


def test_doors(server: RunningServer) -> None:
    """A-187, A-193, A-194, A-195, A-200: one table, the same rows through every door."""
    team = server.local.post("/api/tables/teams/records", json={"name": "red"}).json()["id"]
    keys = {}
    for title, owner, status in (("mine", "ada", "open"), ("shut", "ada", "closed"), ("bobs", "bob", "open")):
        body = {"title": title, "owner_id": owner, "status": status, "team": int(team)}
        answer = server.local.post("/api/tables/tickets/records", json=body)
        assert answer.status_code == 201, answer.text
        keys[title] = answer.json()["id"]
    records = "/api/tables/tickets/records"

    def seen(path: str, who: Mapping[str, str]) -> set[str]:
        answer = server.http.get(path, headers=who)
        assert answer.status_code == 200, (path, answer.text)
        return {title for title in keys if title in answer.text}

    for who, wanted in ((ADA, {"mine", "shut"}), (BOB, {"bobs"}), (EDITOR, set(keys)), (ADMIN, set(keys))):
        for path in (
            records,
            f"{records}?q=s",
            f"{records}?sort=title",
            "/api/tables/tickets/export?format=csv",
            "/api/tables/teams/records",
            f"/api/tables/teams/records/{team}",
        ):
            assert seen(path, who) <= wanted, (path, who)
        assert seen(records, who) == wanted
        listed = server.http.get(f'{records}?aggregate={{"count":["id"]}}', headers=who).json()
        assert listed["pagination"]["total"] == len(wanted)
        counted = server.http.get(f"/api/tables/teams/records/{team}", headers=who).json()
        assert counted["open"] == len(wanted)
        assert {row[0] for row in typed(server, "SELECT title FROM tickets", who)["rows"]} == wanted
        view = server.http.post("/api/console/views", json={"table": "tickets"}, headers=who).json()
        window = server.http.get(f"/api/console/views/{view['id']}/window?start=0&limit=10", headers=who).json()
        assert {title for row in window["rows"] for title in keys if title in row} == wanted
        for title, key in keys.items():
            paths = [f"{records}/{key}", f"{records}/{key}/history", f"{records}/{key}/comments"]
            answers = [server.http.get(path, headers=who).status_code for path in paths]
            assert answers == [200 if title in wanted else 404] * 3, (title, who, answers)
    missing = server.http.get(f"{records}/999", headers=ADA).text
    for method in ("GET", "PATCH", "DELETE"):
        answer = server.http.request(method, f"{records}/{keys['bobs']}", json={"title": "x"}, headers=ADA)
        assert (answer.status_code, answer.text) == (404, missing)
    assert server.http.patch(f"{records}/{keys['shut']}", json={"title": "x"}, headers=ADA).status_code == 404
    taken = server.http.post(records, json={"title": "bobs", "owner_id": "ada"}, headers=ADA)
    assert taken.status_code == 409
    assert keys["bobs"] not in taken.json().values()
    asked = {"table": "tickets", "operation": "update", "record": keys["shut"], "roles": ["member"], "user": "ada"}
    (told,) = server.local.post("/api/access/explain", json=asked).json()["decisions"]
    assert (told["record"], [(each["name"], each["met"]) for each in told["policies"]]) == (
        False,
        [("own_rows", True), ("open_only", False)],
    )


def test_typed_by_a_member(server: RunningServer) -> None:
    """T14, A-194: SQL of a member reads and writes what the member may; runs are the own ones; what completes names nothing
    else."""
    found = typed(
        server, "INSERT INTO tickets (title, owner_id, status) VALUES ('a', 'ada', 'open') RETURNING title", ADA
    )
    assert found["rows"] == [["a"]]
    assert server.commits[-1].actor == "ada"
    assert [change.operation for change in server.commits[-1].changes] == ["create"]
    assert typed(server, "UPDATE tickets SET title = 'b' WHERE title = 'a'", ADA)["changed"] == 1
    assert typed(server, "UPDATE tickets SET owner_id = 'bob'", ADA)["problem"]["code"] == "42501"
    assert typed(server, "UPDATE tickets SET title = 'c'", BOB)["changed"] == 0
    assert (
        typed(server, "INSERT INTO tickets (title, owner_id) VALUES ('b', 'bob')", BOB)["problem"]["code"] == "CONFLICT"
    )
    mine = typed(server, "SELECT title FROM tickets", ADA)
    path = f"/api/console/sql/{mine['run']}"
    for who, status in ((ADA, 200), (BOB, 404), (ADMIN, 200)):
        assert server.http.get(path, headers=who).status_code == status
        assert server.http.get(f"{path}/0/window", headers=who).status_code == status
    export = {"run": mine["run"], "format": "csv"}
    assert server.http.post("/api/console/exports", json=export, headers=BOB).status_code == 404
    assert server.http.delete(path, headers=BOB).status_code == 404
    assert typed(server, "DELETE FROM tickets", ADA)["changed"] == 1
    assert server.http.get("/api/tables/tickets/records", headers=ADA).json()["records"] == []
    index = server.http.get("/api/console/completions", headers=ADA).json()
    assert [table["name"] for table in index["tables"]] == ["tickets", "teams", "plain"]
    assert "getenv" not in index["functions"]
    body = {"sql": "SELECT 1", "transaction": "try"}
    assert server.http.post("/api/console/sql", json=body, headers=ADA).status_code == 400
    assert server.http.post("/api/console/sql", json={"sql": "SELECT 1"}).status_code == 401


def test_statements_about_policies(server: RunningServer) -> None:
    """A-186: typed by an admin they change the app file, comments and all else in it stay, and are in force at once."""
    server.local.post("/api/tables/tickets/records", json={"title": "t", "owner_id": "bob", "status": "late"})
    count = "SELECT count(*) FROM tickets"
    assert typed(server, count, ADA)["rows"] == [[0]]
    late = (
        "CREATE POLICY late ON tickets AS PERMISSIVE FOR SELECT TO member, \"editor\" USING (status IN ('late', ')'))"
    )
    assert "problem" not in typed(server, late, ADMIN)
    assert typed(server, count, ADA)["rows"] == [[1]]
    text = server.app_file.read_text()
    assert "# who sees what" in text
    assert "# all of them" in text
    table = next(each for each in server.engine.app.tables if each.sql_name == "tickets")
    assert table.rls is not None
    assert [each.name for each in table.rls.policies] == ["own_rows", "editors", "open_only", "late"]
    refusals = [
        (late, "CONFLICT"),
        ("CREATE POLICY p ON tickets USING (nothing = 1)", "BAD_REQUEST"),
        ("CREATE POLICY p ON tickets TO nobody USING (true)", "BAD_REQUEST"),
        ("CREATE POLICY p ON nowhere USING (true)", "BAD_REQUEST"),
        ("CREATE POLICY p ON tickets FOR EVERYTHING USING (true)", "BAD_REQUEST"),
        ("CREATE POLICY p ON tickets USING (true", "BAD_REQUEST"),
        ("DROP POLICY p ON tickets", "BAD_REQUEST"),
        ("ALTER TABLE tickets ENABLE TRIGGER x ROW LEVEL SECURITY", "BAD_REQUEST"),
    ]
    for sql, code in refusals:
        assert typed(server, sql, ADMIN)["problem"]["code"] == code, sql
        assert typed(server, sql, ADA)["problem"]["code"] in ("42501", "42601"), sql
    assert server.app_file.read_text() == text
    steps = [
        ("ALTER POLICY late ON tickets USING (status = 'never')", 0),
        ("ALTER TABLE tickets DISABLE ROW LEVEL SECURITY", 1),
        ("ALTER TABLE tickets ENABLE ROW LEVEL SECURITY", 0),
        ("ALTER POLICY late ON tickets RENAME TO later; DROP POLICY later ON tickets", 0),
        ("DROP POLICY IF EXISTS later ON tickets", 0),
    ]
    for sql, rows in steps:
        assert "problem" not in typed(server, sql, ADMIN), sql
        assert typed(server, count, ADA)["rows"] == [[rows]], sql
    assert typed(server, "ALTER TABLE tickets FORCE ROW LEVEL SECURITY", ADMIN)["state"] == "done"
    assert typed(server, count, ADMIN)["rows"] == [[0]]
    assert server.http.get("/api/tables/tickets/records", headers=ADMIN).json()["records"] == []
    assert typed(server, "ALTER TABLE tickets NO FORCE ROW LEVEL SECURITY", ADMIN)["state"] == "done"
    assert typed(server, count, ADMIN)["rows"] == [[1]]
    assert typed(server, "CREATE POLICY one ON plain USING (text = 'x')", ADMIN)["state"] == "done"
    assert (
        typed(server, "DROP POLICY one ON plain; ALTER TABLE plain ENABLE ROW LEVEL SECURITY", ADMIN)["state"] == "done"
    )
    plain = next(each for each in server.engine.app.tables if each.sql_name == "plain")
    assert plain.rls is not None
    assert (plain.rls.enabled, plain.rls.policies) == (True, ())


def test_a_view_follows_what_decides(server: RunningServer) -> None:
    """A-187: an open view loses and gains rows when records of the table that its policies ask change."""
    text = server.app_file.read_text().replace('using: "owner_id = auth.uid()"', TEAMS)
    server.app_file.write_text(text)
    assert server.local.post("/api/console/reload", json={}).status_code == 200
    team = server.local.post("/api/tables/teams/records", json={"name": "red", "boss": "ada"}).json()["id"]
    server.local.post("/api/tables/tickets/records", json={"title": "red", "owner_id": "bob"})
    view = server.http.post("/api/console/views", json={"table": "tickets"}, headers=ADA).json()
    path = f"/api/console/views/{view['id']}"
    for boss, count in (("bob", 0), ("ada", 1)):
        server.local.patch(f"/api/tables/teams/records/{team}", json={"boss": boss})
        for _ in range(200):
            server.http.get(f"{path}/locate?key=1", headers=ADA)  # waits for the order, whose building may rest
            state = server.http.get(path, headers=ADA).json()
            if state["ready"] and state["count"] == count:
                break
        assert state["count"] == count
        window = server.http.get(f"{path}/window?start=0&limit=10", headers=ADA).json()
        assert len(window["rows"]) == count


TEAMS = 'using: "title in (select name from teams where boss = auth.uid())"'
