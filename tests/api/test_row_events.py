"""What the stream of events tells those who may see some rows of a table."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Busy, DeadlinePassed, SovriumError
from core.principal import Principal
from core.records.crossing import LOOKS_MOST, Crossing, Crossings
from core.storage.database import ChangeRow
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: desk
auth: {strategies: [{type: emailAndPassword}], roles: [{name: clerk}]}
tables:
  - name: projects
    fields:
      - {name: title, type: single-line-text, unique: true}
      - {name: owner, type: single-line-text}
    permissions: &everybody {read: all, create: all, update: all, delete: all, restore: all, permanentDelete: all}
    rls: {policies: [{name: own, to: [member], using: "owner = auth.uid()"}, {name: clerks, to: [clerk], using: "false"}]}
  - name: tasks
    fields:
      - {name: title, type: single-line-text}
      - {name: project, type: relationship, relatedTable: projects, relationType: many-to-one, onDelete: cascade}
    permissions: *everybody
    rls:
      policies:
        - {name: of_own, using: "exists (select 1 from projects p where p.id = tasks.project and p.owner = auth.uid())"}
  - name: notes
    fields:
      - {name: text, type: single-line-text}
      - {name: state, type: single-select, options: [open, closed]}
      - {name: project, type: relationship, relatedTable: projects, relationType: many-to-one, onDelete: cascade}
    permissions: *everybody
    rowLevelPermissions:
      read:
        when:
          logic: and
          conditions:
            - {field: state, operator: eq, value: open}
            - {field: project.owner, operator: eq, value: $currentUser.id}
  - name: teams
    fields:
      - {name: title, type: single-line-text}
      - {name: projects, type: relationship, relatedTable: projects, relationType: many-to-many}
      - {name: size, type: count, relationshipField: projects}
    permissions: *everybody
    rowLevelPermissions: {read: {when: {field: size, operator: eq, value: 2}}}
  - name: plain
    fields: [{name: text, type: single-line-text}]
    permissions: *everybody
"""
ADA, BOB = headers("ada", "member"), headers("bob", "member")
Told = tuple[str, str, tuple[str, ...]]


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("events")
    with running_on(request, APP, home, authenticate=by_header) as running:
        yield running


@pytest.fixture
def told(server: RunningServer) -> Iterator[Callable[[Callable[[], Any]], list[Told]]]:
    """What ada is told of what a callable does: table, operation, records; with `elsewhere` also in which tables there
    may be other rows to see."""
    with server.http.stream("GET", "/api/console/events", headers=ADA) as stream:
        lines = stream.iter_lines()
        assert "ping" in next(line for line in lines if line)

        def hear(act: Callable[[], Any], *, elsewhere: bool = False) -> list[Told]:
            act()
            made(server, "plain", text="that was all")
            found: list[Told] = []
            for line in lines:
                event = json.loads(line.removeprefix("data:")) if line else {"kind": "ping"}
                if event.get("table") == "plain":
                    return sorted(found)
                is_vague = event.get("operation") == "update" and not event["ids"]
                assert not (is_vague and event["actor"])
                if event["kind"] == "change" and (elsewhere or not is_vague):
                    assert event["count"] == len(event["ids"])
                    assert event["actor"] is None or event["operation"] != "delete" or event["actor"] == "owner"
                    found.append((event["table"], event["operation"], tuple(sorted(event["ids"], key=int))))
            raise AssertionError("the stream has ended")

        yield hear


def made(server: RunningServer, table: str, **fields: Any) -> str:
    answer = server.local.post(f"/api/tables/{table}/records", json={"fields": fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def done(server: RunningServer, method: str, path: str, body: Any = None) -> None:
    answer = server.local.request(method, f"/api/tables/{path}", json=body)
    assert answer.is_success, answer.text


def run(server: RunningServer, sql: str) -> None:
    found = server.local.post("/api/console/sql", json={"sql": sql, "confirmed": True}).json()
    while found["state"] == "running":
        found = server.local.get(f"/api/console/sql/{found['id']}", params={"wait": "5000"}).json()
    assert found["state"] == "done", found


def test_rows_that_leave_and_rows_that_come(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: by one record, by a batch, by SQL; a row that was never seen is not told at all, whatever becomes of it."""
    mine, his = made(server, "projects", title="a", owner="ada"), made(server, "projects", title="b", owner="bob")
    path = "projects/records"

    def owner(key: str, who: str) -> Callable[[], None]:
        return lambda: done(server, "PATCH", f"{path}/{key}", {"owner": who})

    told(lambda: None)
    assert told(owner(mine, "bob")) == [("projects", "delete", (mine,))]
    assert told(owner(mine, "cy")) == []
    assert told(lambda: done(server, "DELETE", f"{path}/{his}")) == []
    assert told(lambda: done(server, "POST", f"{path}/{his}/restore")) == []
    assert told(lambda: done(server, "DELETE", f"{path}/{his}?permanent=true")) == []
    assert told(owner(mine, "ada")) == [("projects", "create", (mine,))]
    assert told(lambda: done(server, "PATCH", f"{path}/{mine}", {"title": "c"})) == [("projects", "update", (mine,))]

    batch = [{"id": mine, "fields": {"owner": "bob"}}]
    assert told(lambda: done(server, "PATCH", f"{path}/batch", {"records": batch})) == [("projects", "delete", (mine,))]
    assert told(lambda: run(server, "UPDATE projects SET owner = 'ada'")) == [("projects", "create", (mine,))]
    assert told(lambda: run(server, "UPDATE projects SET title = 'd'")) == [("projects", "sql", (mine,))]
    assert told(lambda: run(server, "UPDATE projects SET owner = 'bob'")) == [("projects", "delete", (mine,))]
    assert told(lambda: run(server, "DELETE FROM projects")) == []

    def back_and_forth() -> None:
        for who in ("ada", "bob"):
            done(server, "PATCH", f"{path}/{other}", {"owner": who})

    other = made(server, "projects", title="e", owner="bob")
    told(lambda: None)
    heard = told(back_and_forth)
    assert heard == [] or heard[-1] == ("projects", "delete", (other,))


def test_open_views_follow(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: what a grid pages through has neither a row that has left the caller's sight nor a gap in its place."""
    keys = [made(server, "projects", title=f"v{n}", owner="ada" if n else "bob") for n in range(3)]
    view = server.http.post("/api/console/views", json={"table": "projects"}, headers=ADA).json()
    address = f"/api/console/views/{view['id']}"

    def shown(owner: str, key: str) -> tuple[list[str], int]:
        told(lambda: done(server, "PATCH", f"projects/records/{key}", {"owner": owner}))
        server.http.get(f"{address}/locate?key={key}", headers=ADA)  # waits for the order
        window = server.http.get(f"{address}/window?start=0&limit=10", headers=ADA).json()
        return window["keys"], window["view"]["count"]

    assert shown("bob", keys[1]) == ([keys[2]], 1)
    assert shown("ada", keys[0]) in (([keys[0], keys[2]], 2), ([keys[2], keys[0]], 2))
    assert shown("ada", keys[1])[1] == 3
    run(server, "DELETE FROM projects")


def test_what_a_rule_asks_of_other_records(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: rules that lead to other tables; with a cascade, what the rule asks for goes in the same moment."""
    mine, his = made(server, "projects", title="f", owner="ada"), made(server, "projects", title="g", owner="bob")
    task, hidden = made(server, "tasks", project=int(mine)), made(server, "tasks", project=int(his))
    note = made(server, "notes", state="open", project=int(mine))
    unseen = made(server, "notes", state="closed", project=int(mine))
    told(lambda: None)
    all_of_it = [("notes", "delete", (note,)), ("projects", "delete", (mine,)), ("tasks", "delete", (task,))]
    assert told(lambda: done(server, "DELETE", f"projects/records/{mine}")) == all_of_it
    assert told(lambda: done(server, "POST", f"projects/records/{mine}/restore")) == [
        (table, "restore", keys) for table, _, keys in all_of_it
    ]
    assert told(lambda: done(server, "PATCH", f"notes/records/{note}", {"state": "closed"})) == [
        ("notes", "delete", (note,))
    ]
    assert told(lambda: done(server, "PATCH", f"notes/records/{unseen}", {"text": "x"})) == []
    assert told(lambda: done(server, "PATCH", f"notes/records/{note}", {"state": "open"})) == [
        ("notes", "create", (note,))
    ]
    assert told(lambda: done(server, "PATCH", f"tasks/records/{hidden}", {"project": int(mine)})) == [
        ("tasks", "create", (hidden,))
    ]
    assert told(lambda: done(server, "DELETE", f"projects/records/{his}")) == []
    assert told(lambda: done(server, "DELETE", f"projects/records/{mine}?permanent=true")) == [
        ("notes", "permanent-delete", (note,)),
        ("projects", "permanent-delete", (mine,)),
        ("tasks", "permanent-delete", tuple(sorted((task, hidden), key=int))),
    ]


def test_what_a_rule_asks_of_several_linked_records(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: links are remembered as they were."""
    keys = [made(server, "projects", title=f"p{n}") for n in range(3)]
    team = made(server, "teams", projects=[int(keys[0])])
    told(lambda: None)

    def linked(*places: int) -> list[Told]:
        body = {"projects": [int(keys[place]) for place in places]}
        return [
            each for each in told(lambda: done(server, "PATCH", f"teams/records/{team}", body)) if each[0] == "teams"
        ]

    assert linked(0, 1) == [("teams", "create", (team,))]
    assert linked(1, 2) == [("teams", "update", (team,))]
    assert linked(2) == [("teams", "delete", (team,))]
    assert linked() == []
    run(server, "DELETE FROM projects")


def test_where_rules_ask_of_what_has_changed(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: that there may be other rows is told of the tables whose rules ask of it, and only where they ask for that. A
    policy asks of what its caller sees, a row rule of everything."""
    mine = made(server, "projects", title="w", owner="bob")
    made(server, "tasks", project=int(mine))
    told(lambda: None)
    notes, tasks, teams = (("notes", "update", ()), ("tasks", "update", ()), ("teams", "update", ()))

    def heard(act: Callable[[], Any]) -> list[Told]:
        return told(act, elsewhere=True)

    path = f"projects/records/{mine}"
    come = heard(lambda: done(server, "PATCH", path, {"owner": "ada"}))
    assert come == [notes, ("projects", "create", (mine,)), tasks]
    assert heard(lambda: done(server, "PATCH", path, {"title": "x"})) == [("projects", "update", (mine,))]
    retitled = heard(lambda: run(server, f"UPDATE projects SET title = 'y' WHERE id = {mine}"))
    assert retitled == [("projects", "sql", (mine,))]
    gone = heard(lambda: run(server, f"UPDATE projects SET owner = 'bob' WHERE id = {mine}"))
    assert gone == [notes, ("projects", "delete", (mine,)), tasks]
    assert heard(lambda: done(server, "PATCH", path, {"owner": "cy"})) == [notes]
    assert heard(lambda: made(server, "projects", title="z")) == [notes, teams]
    assert heard(lambda: done(server, "DELETE", path)) == [notes, teams]
    assert heard(lambda: made(server, "tasks", title="of none")) == []
    run(server, "DELETE FROM projects")


def test_many_at_once(server: RunningServer, told: Callable[..., list[Told]]) -> None:
    """A-202: of imported rows those that are seen, of a large batch all of them; more than can be looked at is told without
    a row."""

    def bring(text: str) -> None:
        path = "/api/tables/projects/import?format=csv"
        answer = server.local.post(path, content=text, headers={"content-type": "text/csv"})
        assert answer.is_success, answer.text
        job = answer.json()
        while job["state"] in ("queued", "running"):
            job = server.local.get(f"/api/console/jobs/{job['id']}").json()
        assert job["state"] == "done", job

    told(lambda: None)
    assert told(lambda: bring("title,owner\nh,bob\ni,bob\n")) == []
    (imported,) = told(lambda: bring("title,owner\nj,ada\nk,bob\n"))
    assert imported[:2] == ("projects", "import")
    (key,) = imported[2]
    assert server.http.get(f"/api/tables/projects/records/{key}", headers=ADA).json()["title"] == "j"

    records = [{"fields": {"title": f"n{n}", "owner": "ada" if n == 99 else "bob"}} for n in range(100)]
    (batch,) = told(lambda: done(server, "POST", "projects/records/batch", {"records": records}))
    assert (batch[1], len(batch[2])) == ("create", 1)
    run(server, "UPDATE projects SET owner = 'bob'")
    run(server, "INSERT INTO projects (title, owner) SELECT 'l' || n, 'bob' FROM generate_series(1, 200) AS t(n)")
    run(server, "INSERT INTO projects (title, owner) VALUES ('the last', 'ada')")
    told(lambda: None)
    (swept,) = told(lambda: run(server, "UPDATE projects SET owner = 'cy'"))
    assert (swept[1], len(swept[2])) == ("delete", 1)
    many = "INSERT INTO projects (title, owner) SELECT 'm' || n, 'bob' FROM generate_series(1, 1100) AS t(n)"
    assert told(lambda: run(server, many)) == [("projects", "sql", ())]


def test_others_who_read_do_not_wait_for_all_who_listen(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-202: a change is looked at for a few of them at a time."""
    looking: list[int] = []
    records = server.engine.records

    async def read(*_: Any, **__: Any) -> Crossing:
        looking.append(1)
        most.append(len(looking))
        await asyncio.sleep(0)
        looking.pop()
        return Crossing()

    most: list[int] = []
    monkeypatch.setattr(records.database, "read", read)
    ada, table = Principal("user", id="ada", roles=frozenset({"member"})), records.model.by_address["projects"]

    async def listen() -> None:
        await asyncio.gather(*(records.crossing(ada, table, "update", []) for _ in range(10)))

    server.call_in_loop(listen())
    assert (len(most), max(most)) == (10, LOOKS_MOST)


@pytest.mark.parametrize(
    "error", [DeadlinePassed("too long"), Busy("too many")], ids=lambda error: type(error).__name__
)
def test_a_rule_that_takes_too_long_ends_no_stream(
    server: RunningServer, told: Callable[..., list[Told]], monkeypatch: pytest.MonkeyPatch, error: SovriumError
) -> None:
    """A-202: that there may be other rows is told, as where there are too many of them."""
    database = server.engine.records.database

    async def read(job: Any, **how: Any) -> Any:
        if isinstance(getattr(job.work, "__self__", None), Crossings):
            raise error
        return await real(job, **how)

    real = database.read
    monkeypatch.setattr(database, "read", read)
    heard = told(lambda: made(server, "projects", title=f"slow {type(error).__name__}", owner="ada"))
    assert ("projects", "create", ()) in heard


def test_a_change_of_nothing_hides_no_past(server: RunningServer) -> None:
    """A-202, T-103: that a model is asked for a value is told like a change, and together with those that follow."""
    key = made(server, "projects", title="asked", owner="ada")
    done(server, "PATCH", f"projects/records/{key}", {"owner": "bob"})
    real, records = server.commits[-1], server.engine.records
    nothing = replace(real, changes=(ChangeRow(table="projects", record=key, operation="update"),))
    ada, table = Principal("user", id="ada", roles=frozenset({"member"})), records.model.by_address["projects"]
    found = server.call_in_loop(records.crossing(ada, table, "update", [nothing, real]))
    assert found == Crossing(left=[key], came=[], stayed=[])


@pytest.mark.parametrize("path", ["projects/subscribe", "projects/subscribe/sse"])
def test_a_table_is_listened_to(server: RunningServer, path: str) -> None:
    """§2.5, P-025, L-005: its own changes alone, as far as the listener sees the rows."""
    with server.http.stream("GET", f"/api/tables/{path}", headers=ADA) as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        assert "x-ratelimit-limit" not in stream.headers
        lines = (json.loads(line.removeprefix("data:")) for line in stream.iter_lines() if line)
        assert next(lines)["kind"] == "ping"
        made(server, "plain", text="elsewhere")
        made(server, "projects", owner="bob")
        mine = made(server, "projects", owner="ada")
        event = next(event for event in lines if event["kind"] != "ping")
        assert (event["table"], event["operation"], event["ids"]) == ("projects", "create", [mine])


def test_who_may_listen_to_a_table(server: RunningServer) -> None:
    """§2.5, P-010, P-011: 401 without a session, 404 for a table that is not there, or not to be read."""
    for table, who, status in (("nowhere", {}, 401), ("nowhere", ADA, 404)):
        assert server.http.get(f"/api/tables/{table}/subscribe", headers=who).status_code == status
    with server.local.stream("GET", "/api/tables/projects/subscribe") as stream:
        lines = (json.loads(line.removeprefix("data:")) for line in stream.iter_lines() if line)
        assert next(lines)["kind"] == "ping"
        made(server, "plain", text="elsewhere")
        made(server, "projects", owner="bob")
        assert next(event for event in lines if event["kind"] != "ping")["table"] == "projects"
