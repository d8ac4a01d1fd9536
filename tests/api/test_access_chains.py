"""Row rules that ask of records several links away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import SchemaError
from core.storage.session import SessionReader
from tests.support.apps import app_model
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: chains
auth: {strategies: [{type: emailAndPassword}]}
tables:
  - name: clients
    fields:
      - {name: owner, type: single-line-text}
      - {name: pin, type: single-line-text}
    permissions: {read: authenticated, fields: [{field: pin, read: [admin]}]}
  - name: projects
    fields:
      - {name: client, type: relationship, relatedTable: clients}
    permissions: {read: [admin]}
  - name: tickets
    fields:
      - {name: text, type: single-line-text}
      - {name: project, type: relationship, relatedTable: projects}
      - {name: after, type: relationship, relatedTable: tickets}
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: authenticated}
    rowLevelPermissions:
      read: {when: {field: project.client.owner, operator: eq, value: $currentUser.id}}
      write: {when: {field: project.client.owner, operator: eq, value: $currentUser.id}}
"""
TICKETS = "/api/tables/tickets/records"
ADA, BOB, ROOT = headers("ada", "member"), headers("bob", "member"), headers("root", "admin")


@pytest.fixture(params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, APP, tmp_path, authenticate=by_header) as running:
        yield running


def made(server: RunningServer, table: str, **fields: Any) -> int:
    answer = server.local.post(f"/api/tables/{table}/records", json={"fields": fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def texts(server: RunningServer, who: Any, **params: str) -> list[str]:
    answer = server.http.get(TICKETS, params={"sort": "text:asc", **params}, headers=who)
    assert answer.status_code == 200, answer.text
    return [record["fields"]["text"] for record in answer.json()["records"]]


def test_a_rule_follows_several_links(server: RunningServer) -> None:
    """P-033: through tables that the caller cannot read; what is missing on the way is nobody's; results are judged, too."""
    project: dict[str, int] = {}
    for owner in ("ada", "bob"):
        project[owner] = made(server, "projects", client=made(server, "clients", owner=owner, pin=f"{owner}1"))
    mine = made(server, "tickets", text="mine", project=project["ada"])
    theirs = made(server, "tickets", text="theirs", project=project["bob"])
    made(server, "tickets", text="none")
    made(server, "tickets", text="open", project=made(server, "projects"))
    assert (texts(server, ADA), texts(server, BOB)) == (["mine"], ["theirs"])
    assert texts(server, ROOT) == ["mine", "none", "open", "theirs"]
    assert server.http.get(f"{TICKETS}/{theirs}", headers=ADA).status_code == 404
    assert server.http.patch(f"{TICKETS}/{theirs}", json={"text": "x"}, headers=ADA).status_code == 404
    assert server.http.patch(f"{TICKETS}/{mine}", json={"text": "still mine"}, headers=ADA).status_code == 200
    server.local.patch(f"/api/tables/clients/records/{1}", json={"owner": "bob"})
    assert (texts(server, ADA), texts(server, BOB)) == ([], ["still mine", "theirs"])


def test_what_is_hidden_takes_as_long_as_what_is_not_there(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-037: the same statements are run for both, to read and to write."""
    hidden = made(server, "tickets", text="hidden")
    run: list[str] = []
    rows = SessionReader.rows

    def told(self: SessionReader, statement: Any, *given: Any) -> Any:
        if "tickets" in str(statement):  # and nothing of what the server does beside requests
            run.append(str(statement))
        return rows(self, statement, *given)

    monkeypatch.setattr(SessionReader, "rows", told)

    def statements(method: str, id_: int) -> int:
        run.clear()
        body = {"text": "x"} if method == "PATCH" else None
        assert server.http.request(method, f"{TICKETS}/{id_}", json=body, headers=ADA).status_code == 404
        return len(run)

    for method in ("GET", "PATCH", "DELETE"):
        assert statements(method, hidden) == statements(method, 10**9) > 0, method


def test_names_of_people_go_no_further_than_they_may_see(server: RunningServer) -> None:
    """P-033, P-020: an administrator filters through several links; others not through what they cannot read."""
    client = made(server, "clients", owner="ada", pin="7")
    first = made(server, "tickets", text="first", project=made(server, "projects", client=client))
    made(server, "tickets", text="second", after=made(server, "tickets", text="between", after=first))
    assert texts(server, ROOT, filter="project.client.pin:7") == ["first"]
    assert texts(server, ROOT, filter="after.after.text:first") == ["second"]
    assert texts(server, ROOT, filter="after.after.project.client.pin:7") == ["second"]
    for name in ("project.client.owner", "project.client.pin", "project.id"):
        assert server.http.get(TICKETS, params={"filter": f"{name}:7"}, headers=ADA).status_code == 404
    for name in ("after.after.nothing", ".".join(["after"] * 200)):
        assert server.http.get(TICKETS, params={"filter": f"{name}:7"}, headers=ROOT).status_code == 400


def test_chains_are_checked_with_the_file() -> None:
    """P-033: every step but the last is a link, to one record; and there are not too many."""
    assert app_model(APP)
    for wrong in ("project.owner.id", "project.client.ownr", "text.client.owner", ".".join(["after"] * 6 + ["text"])):
        with pytest.raises(SchemaError):
            app_model(APP.replace("project.client.owner", wrong, 1))
    with pytest.raises(SchemaError, match="several records of clients"):
        app_model(APP.replace("relatedTable: clients}", "relatedTable: clients, relationType: many-to-many}"))
