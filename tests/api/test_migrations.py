"""Versions over the API: history, plans, carrying out, going back, on a server that runs."""

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.assembly import owned_views
from core.migrations.run import Progress
from core.storage.database import Call
from tests.support.server import RunningServer, check_envelope, running_on

APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text }
      - { id: 2, name: price, type: integer }
"""
WIDER = APP + "      - { id: 3, name: place, type: single-line-text }\n"
NARROWER = APP.replace("      - { id: 2, name: price, type: integer }\n", "")


@pytest.fixture(params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    url = request.getfixturevalue("postgresql_settings").url if request.param == "postgresql" else None
    with RunningServer(APP, tmp_path, database_url=url) as running:
        for title, price in (("a", 1), ("b", 2)):
            running.local.post("/api/tables/items/records", json={"fields": {"title": title, "price": price}})
        yield running


def finished(server: RunningServer, answer: httpx.Response) -> Any:
    """The job of an answer, once it has ended."""
    assert answer.status_code == 202, answer.text
    path = f"/api/console/jobs/{answer.json()['id']}"
    while (job := server.local.get(path).json())["state"] == "running":
        time.sleep(0.01)
    return job


def migrate(server: RunningServer, text: str | None = None, **request: Any) -> Any:
    if text is not None:
        server.app_file.write_text(text)
    return finished(server, server.local.post("/api/console/migrations", json=request))


def test_the_history_is_told(server: RunningServer) -> None:
    """M-051, M-052: newest first, by pages; who and when; a version with its snapshot and what differs."""
    assert migrate(server, WIDER)["state"] == "done"
    body = server.local.get("/api/admin/migrations", params={"limit": 1}).json()
    assert (body["total"], body["limit"], body["offset"]) == (2, 1, 0)
    [newest] = body["migrations"]
    assert (newest["version"], newest["current"], newest["appliedBy"]) == (2, True, "owner")
    assert newest["steps"][0] == "Add column place (text)"
    [oldest] = server.local.get("/api/admin/migrations", params={"offset": 1}).json()["migrations"]
    assert (oldest["version"], oldest["current"]) == (1, False)
    detail = server.local.get("/api/admin/migrations/2").json()
    assert detail["against"] == 1
    assert "+  field place (id 3): single-line-text" in detail["diff"]
    assert [field["name"] for field in detail["tables"][0]["fields"]] == ["title", "price", "place"]
    back = server.local.get("/api/admin/migrations/1", params={"against": 2}).json()
    assert "-  field place (id 3): single-line-text" in back["diff"]


@pytest.mark.parametrize(
    "path", ["/api/admin/migrations/9", "/api/admin/migrations/x", "/api/admin/migrations/1?against=7"]
)
def test_an_unknown_version_is_not_found(server: RunningServer, path: str) -> None:
    """M-052"""
    answer = server.local.get(path)
    assert answer.status_code == 404
    check_envelope(answer)


def test_who_is_no_admin_finds_nothing(tmp_path: Path) -> None:
    """M-052: with accounts the door over TCP is closed."""
    with RunningServer(f"{APP}auth: {{strategies: [{{type: emailAndPassword}}]}}\n", tmp_path) as running:
        for path in ("/api/admin/migrations", "/api/admin/migrations/1", "/api/console/migrations/status"):
            assert running.http.get(path).status_code == 401
        assert running.http.post("/api/console/migrations", json={}).status_code == 401


def test_only_the_owner_carries_out(tmp_path: Path) -> None:
    """M-052: over TCP a plan may be looked at, not carried out."""
    with RunningServer(APP, tmp_path) as running:
        running.app_file.write_text(WIDER)
        assert running.http.post("/api/console/migrations/plan", json={}).status_code == 200
        assert running.http.post("/api/console/migrations", json={}).status_code == 404


def test_the_plan_for_the_file_as_it_is_now(server: RunningServer) -> None:
    """M-042: nothing is changed by looking."""
    server.app_file.write_text(NARROWER)
    body = server.local.post("/api/console/migrations/plan", json={}).json()
    assert (body["operation"], body["before"], body["after"]) == ("migrate", 1, 2)
    lost = [step for step in body["steps"] if not step["confirmed"]]
    assert [step["text"] for step in lost] == ["Drop column items.price with its values"]
    assert json.dumps(body["steps"]).count("system_trash_2_items") >= 1
    assert server.local.get("/api/console/migrations/status").json()["current"] is False
    assert server.local.get("/api/tables/items/records/1").json()["fields"]["price"] == 1
    server.app_file.write_text("name: shop\ntables: 1\n")
    assert server.local.post("/api/console/migrations/plan", json={}).status_code == 422


def test_a_plan_is_carried_out_and_rolled_back(server: RunningServer) -> None:
    """M-044, M-047: the server goes on with the tables that are there, and does not take the file up by itself."""
    refused = server.local.post("/api/console/migrations", json={}) if server.app_file.write_text(NARROWER) else None
    assert refused is not None
    assert refused.status_code == 409
    assert refused.json()["details"] == ["Drop column items.price with its values"]
    assert migrate(server, allowDestructive=True)["note"] == "Version 2 is in force"
    assert "price" not in server.local.get("/api/tables/items/records/1").json()["fields"]
    job = migrate(server, operation="rollback", reason="wrong file")
    assert (job["kind"], job["state"], job["title"]) == ("migrate", "done", "Rollback to version 1")
    assert job["note"] == "Version 1 is in force"
    assert server.local.get("/api/console/hello").json()["schemaVersion"] == 1
    assert server.http.get("/api/health").json()["status"] == "ok"
    assert server.local.get("/api/tables/items/records/1").json()["fields"]["price"] == 1
    assert server.local.post("/api/tables/items/records", json={"fields": {"price": 3}}).status_code == 201
    state = server.local.get("/api/console/migrations/status").json()
    assert (state["version"], state["current"], state["undone"], state["drift"]) == (1, False, 2, [])
    answer = server.local.post("/api/console/reload", json={"allowDestructive": True})
    assert answer.status_code == 409
    assert "rolled back" in answer.json()["message"]
    attempt = server.local.get("/api/admin/migrations").json()["attempts"][0]
    assert (attempt["operation"], attempt["reason"]) == ("ROLLBACK", "wrong file (owner)")
    assert migrate(server, allowDestructive=True, reapply=True)["note"] == "Version 3 is in force"


def test_failures_are_recorded(server: RunningServer) -> None:
    """M-051: with the reason."""
    server.app_file.write_text(APP.replace("single-line-text", "integer"))
    answer = server.local.post("/api/console/reload", json={})
    assert answer.status_code == 409
    assert "'a'" in json.dumps(answer.json()["details"])
    attempt = server.local.get("/api/admin/migrations").json()["attempts"][0]
    assert (attempt["operation"], attempt["status"]) == ("MIGRATE", "ROLLBACK")
    assert "are not whole numbers" in attempt["reason"]


def test_another_file_than_was_agreed_to_is_refused(server: RunningServer) -> None:
    """M-042"""
    server.app_file.write_text(WIDER)
    checksum = server.local.post("/api/console/migrations/plan", json={}).json()["checksum"]
    server.app_file.write_text(NARROWER)
    answer = server.local.post("/api/console/migrations", json={"checksum": checksum, "allowDestructive": True})
    assert answer.status_code == 409
    assert "has changed" in answer.json()["message"]


def test_drift_is_told_and_repaired(server: RunningServer) -> None:
    """M-006, M-053"""
    for sql in ("DROP INDEX idx_items_deleted_at", "ALTER TABLE items DROP COLUMN price"):
        server.engine.database.submit_write(Call(lambda tx, text=sql: tx.execute(text))).result()
    drift = server.local.get("/api/console/migrations/status").json()["drift"]
    assert drift == ["Column items.price is missing", "Index idx_items_deleted_at on items is missing"]
    assert migrate(server, operation="repair")["state"] == "done"
    assert server.local.get("/api/console/migrations/status").json()["drift"] == []


def test_while_tables_change_others_are_told_to_wait(
    request: pytest.FixtureRequest, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-040, M-041: 503 for everything else; the job tells how far it is, and can be cancelled."""
    monkeypatch.setattr("core.http.app.HELD_SECONDS", 0.01)
    reached, go_on = threading.Event(), threading.Event()
    request.addfinalizer(go_on.set)  # a failure must not be waited for as well
    report = server.app.reloading.tell_progress

    def slow(job: Any, how: Progress) -> None:
        report(job, how)
        reached.set()
        go_on.wait(20)

    monkeypatch.setattr(server.app.reloading, "tell_progress", slow)
    server.app_file.write_text(NARROWER)
    answer = server.local.post("/api/console/migrations", json={"allowDestructive": True})
    assert answer.status_code == 202
    assert reached.wait(20)
    assert server.local.get("/api/health").json()["status"] == "migrating"
    refused = server.local.get("/api/tables/items/records")
    assert refused.status_code == 503
    check_envelope(refused)
    path = f"/api/console/jobs/{answer.json()['id']}"
    assert re.search(r"\(\d of \d\)", server.local.get(path).json()["note"])
    assert server.local.delete(path).status_code == 204
    go_on.set()
    assert finished(server, answer)["state"] == "cancelled"
    assert server.local.get("/api/tables/items/records/1").json()["fields"]["price"] == 1
    assert server.local.get("/api/health").status_code == 200


def test_the_tables_of_the_migrations_are_for_reading(server: RunningServer) -> None:
    """M-054: not among the app's tables, and not to be written by SQL."""
    names = [table["name"] for table in server.local.get("/api/tables").json()]
    assert names == ["items"]
    for sql in ("delete from system_migration_history", "drop table system_schema_checksum"):
        answer = server.local.post("/api/console/sql", json={"sql": sql, "confirmed": True})
        path = f"/api/console/sql/{answer.json()['id']}"
        while (run := server.local.get(path).json())["state"] == "running":
            time.sleep(0.01)
        assert run["state"] == "failed"
    assert server.local.get("/api/admin/migrations").json()["total"] == 1


def edit(server: RunningServer, *changes: dict[str, Any], status: int = 200, **more: Any) -> Any:
    answer = server.local.post("/api/console/schema/edit", json={"changes": list(changes), **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_app_file_is_edited(server: RunningServer) -> None:
    """M-042: preview first, with the diff and the plan; applied, the file is written and the tables follow."""
    change = {"op": "rename-field", "table": "items", "field": "price", "name": "amount"}
    shown = edit(server, change)
    assert shown["applied"] is False
    assert "+      - { id: 2, name: amount, type: integer }" in shown["diff"]
    assert shown["plan"]["steps"][-1]["text"] in ("Alter table items", "Rewrite table items")
    assert server.app_file.read_text() == APP
    done = edit(server, change, apply=True, checksum=shown["checksum"])
    assert (done["applied"], done["schemaVersion"]) == (True, 2)
    assert server.app_file.read_text() == APP.replace("price", "amount")
    assert server.local.get("/api/tables/items/records/1").json()["fields"]["amount"] == 1
    late = edit(server, change, apply=True, checksum=shown["checksum"], status=409)
    assert "has changed" in late["message"]


def test_an_edit_that_is_not_valid_is_shown_with_its_problems(server: RunningServer) -> None:
    """T-030"""
    shown = edit(server, {"op": "retype-field", "table": "items", "field": "price", "type": "intger"}, apply=True)
    assert (shown["applied"], shown["plan"]) == (False, None)
    assert shown["problems"][0]["line"] == 7
    assert server.app_file.read_text() == APP
    assert "no table nope" in edit(server, {"op": "remove-table", "table": "nope"}, status=400)["message"]


def test_an_edit_that_the_rows_refuse_leaves_the_file(server: RunningServer) -> None:
    """M-015, M-025"""
    gone = {"op": "remove-field", "table": "items", "field": "price"}
    assert "lose data" in edit(server, gone, apply=True, status=409)["message"]
    number = {"op": "retype-field", "table": "items", "field": "title", "type": "integer"}
    assert "whole numbers" in edit(server, number, apply=True, status=409)["message"]
    assert server.app_file.read_text() == APP
    assert edit(server, gone, apply=True, allowDestructive=True)["applied"]
    assert server.app_file.read_text() == NARROWER


PLACED = """\
name: shop
tables:
  - name: items
    fields:
      - { name: title, type: single-line-text }
      - { name: place, type: single-line-text }
"""
MORE = "      - { name: shelf, type: single-line-text }\n"


@pytest.fixture
def placed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningServer]:
    with running_on(request, PLACED, tmp_path) as running:
        running.local.post("/api/tables/items/records", json={"fields": {"title": "a", "place": "b"}})
        yield running


BOTH = pytest.mark.parametrize("placed", ["duckdb", "postgresql"], indirect=True)


@BOTH
def test_a_place_in_the_list_never_moves_data(placed: RunningServer) -> None:
    """M-022: without ids a new field in the middle, another order, a field or table that goes would leave values under other
    names; they are refused with the ids to write."""
    head, title, place = PLACED[: PLACED.index("      - {")], *PLACED.splitlines(keepends=True)[-2:]
    for fields, ids in (
        (title + MORE + place, "title: 1, place: 2"),
        (place + title, "place: 2, title: 1"),
        (place, "place: 2"),
    ):
        refused = migrate_refused(placed, head + fields, allowDestructive=True)
        assert refused["message"] == "items: fields without ids have changed their places"
        assert refused["hint"] == f"Write the ids that they have had ({ids}), or put what is new at the end"
    first = "  - name: first\n    fields: [ { name: x, type: integer } ]\n"
    refused = migrate_refused(placed, PLACED.replace("tables:\n", f"tables:\n{first}"))
    assert refused["message"].startswith("Tables without ids have changed their places")
    assert "(items: 1)" in refused["hint"]
    written = [each.replace("{ name", f"{{ id: {at}, name") for at, each in enumerate((title, place), 1)]
    assert migrate(placed, head + written[0] + MORE + written[1])["state"] == "done"
    fields = placed.local.get("/api/tables/items/records/1").json()["fields"]
    assert fields == {"title": "a", "shelf": None, "place": "b"}


@BOTH
def test_a_name_in_the_place_of_another_is_told(placed: RunningServer) -> None:
    """M-022: the plan says what it takes for a rename, and proposes ids."""
    renamed = PLACED.replace("name: place", "name: shelf").replace("name: items", "name: goods")
    placed.app_file.write_text(renamed + MORE.replace("shelf", "more"))
    warnings = placed.local.post("/api/console/migrations/plan", json={}).json()["warnings"]
    assert [each.partition(" and takes")[0] for each in warnings] == [
        "Table goods stands in the place of items",
        "goods.shelf stands in the place of place",
    ]
    assert all("--assign-ids" in each for each in warnings)
    assert migrate(placed)["state"] == "done"
    fields = placed.local.get("/api/tables/goods/records/1").json()["fields"]
    assert fields == {"title": "a", "shelf": "b", "more": None}


@pytest.mark.parametrize("operation", ["migrate", "repair"])
def test_views_that_are_missing_are_something_to_do(server: RunningServer, operation: str) -> None:
    """M-004: the tables are as they should be, the views are not."""
    database, views = server.engine.database, owned_views()
    database.submit_write(Call(views.drop)).result()
    plan = server.local.post("/api/console/migrations/plan", json={"operation": operation}).json()
    assert (plan["before"], plan["after"]) == (1, 1)
    assert [step["text"] for step in plan["steps"]] == [
        "Make the views anew that are missing or not as this version wants them"
    ]
    assert migrate(server, operation=operation)["state"] == "done"
    model = server.engine.model
    assert database.submit_read(Call(lambda reader: views.is_current(reader, model))).result()
    assert server.local.post("/api/console/migrations/plan", json={"operation": operation}).json()["steps"] == []


def migrate_refused(server: RunningServer, text: str, **request: Any) -> Any:
    server.app_file.write_text(text)
    answer = server.local.post("/api/console/migrations", json=request)
    assert answer.status_code == 409, answer.text
    return answer.json()
