"""History of records, activity, the log for SQL users, undoing an entry, forgetting (tables-records §10.11)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.history.retention import Retention
from core.storage.database import Call, ChangeRow, Transaction
from core.storage.journal import CHANGES
from tests.support.principals import by_header, headers
from tests.support.server import RunningServer, running_on

APP = """
name: history
auth: {strategies: [{type: emailAndPassword}]}
history: {retentionDays: 3650}
tables:
  - id: 4
    name: Work Orders
    fields:
      - {name: title, type: single-line-text, required: true}
      - {name: owner, type: single-line-text}
      - {name: cost, type: decimal}
      - {name: tags, type: multi-select, options: [a, b]}
      - {name: number, type: autonumber}
    permissions:
      read: [member]
      create: [member]
      update: [member]
      delete: [member]
      fields: [{field: cost, read: [admin], write: [admin]}]
    rowLevelPermissions:
      read: {when: {field: owner, operator: in, value: [ada, all]}}
  - id: 5
    name: plain
    fields: [{name: a, type: integer}]
    permissions: {read: all, create: all, update: all, delete: all}
"""
ORDERS = "/api/tables/4/records"
ADA, ROOT, EVE = headers("ada", "member"), headers("root", "admin"), headers("eve", "viewer")


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("history")
    with running_on(request, APP, folder, authenticate=by_header) as running:
        yield running


def make(server: RunningServer, who: Any = ROOT, **fields: Any) -> str:
    answer = server.http.post(ORDERS, json={"fields": fields}, headers=who)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def history(server: RunningServer, id_: str, who: Any = ROOT, **params: Any) -> list[dict[str, Any]]:
    answer = server.http.get(f"{ORDERS}/{id_}/history", params=params, headers=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["history"]
    return found


def test_every_write_is_an_entry_with_its_values(server: RunningServer) -> None:
    """R-079 R-080 R-014 R-047 R-084 D-18: action, user, time, changes; the oldest first."""
    id_ = make(server, ADA, title="Fix", owner="ada", tags=["a"])
    server.http.patch(f"{ORDERS}/{id_}", json={"fields": {"title": "Mend", "owner": "ada"}}, headers=ADA)
    server.http.delete(f"{ORDERS}/{id_}", headers=ADA)
    server.http.post(f"{ORDERS}/{id_}/restore", headers=ADA)
    server.local.patch(f"{ORDERS}/{id_}", json={"tags": ["a", "b"]})
    found = history(server, id_)
    assert [each["action"] for each in found] == ["create", "update", "delete", "restore", "update"]
    assert [each["user"]["id"] for each in found] == ["ada", "ada", "ada", "ada", "owner"]
    assert found[0]["changes"]["after"]["title"] == "Fix"
    assert "before" not in found[0]["changes"]
    assert found[1]["changes"] == {"before": {"title": "Fix"}, "after": {"title": "Mend"}}
    assert found[2]["changes"]["before"]["deleted_at"] is None
    assert found[3]["changes"]["after"]["deleted_at"] is None
    assert [each["createdAt"] for each in found] == sorted(each["createdAt"] for each in found)
    newest = history(server, id_, sort="createdAt:desc", diff="fields", limit=1)
    assert newest[0]["diff"] == {"tags": {"from": ["a"], "to": ["a", "b"]}}


def test_history_is_paged_and_addressed_by_name_too(server: RunningServer) -> None:
    """R-081 R-082: without `limit` all entries; unknown records are 404; tables by name, SQL name and id."""
    id_ = make(server, title="0", owner="ada")
    for n in range(1, 6):
        server.http.patch(f"{ORDERS}/{id_}", json={"title": str(n)}, headers=ROOT)
    assert len(history(server, id_)) == 6
    for table in ("4", "Work%20Orders", "work_orders"):
        answer = server.http.get(f"/api/tables/{table}/records/{id_}/history?limit=2&offset=3", headers=ROOT).json()
        assert [each["changes"]["after"]["title"] for each in answer["history"]] == ["3", "4"]
        assert answer["pagination"] == {"limit": 2, "offset": 3, "total": 6}
    beyond = server.http.get(f"{ORDERS}/{id_}/history?limit=2&offset=30", headers=ROOT).json()
    assert (beyond["history"], beyond["pagination"]["total"]) == ([], 6)
    for wrong in ("999999", "x", "-1"):
        assert server.http.get(f"{ORDERS}/{wrong}/history", headers=ROOT).status_code == 404
    assert server.http.get(f"{ORDERS}/{id_}/history?sort=title", headers=ROOT).status_code == 400


def test_history_needs_read_and_a_visible_row_and_hides_fields(server: RunningServer) -> None:
    """R-083 R-082: unreadable fields leave no trace; rows of others none; what is gone for good is for admins."""
    id_ = make(server, title="Fix", owner="ada", cost="10.5")
    server.http.patch(f"{ORDERS}/{id_}", json={"cost": "99.5"}, headers=ROOT)
    server.http.patch(f"{ORDERS}/{id_}", json={"cost": "77.5", "title": "Both"}, headers=ROOT)
    seen = server.http.get(f"{ORDERS}/{id_}/history?limit=10", headers=ADA)
    assert [each["action"] for each in seen.json()["history"]] == ["create", "update"]
    assert seen.json()["pagination"]["total"] == 2
    assert "cost" not in seen.text
    assert "99.5" not in seen.text
    assert len(history(server, id_)) == 3
    other = make(server, title="Hers", owner="bob")
    path = f"{ORDERS}/{other}/history"
    assert server.http.get(path, headers=ADA).status_code == 404
    assert server.http.get(path, headers=EVE).status_code == 404
    assert server.http.get(path).status_code == 401
    assert server.http.delete(f"{ORDERS}/{id_}?permanent=true", headers=ROOT).status_code == 200
    assert server.http.get(f"{ORDERS}/{id_}/history", headers=ADA).status_code == 404
    gone = history(server, id_)
    assert gone[-1]["action"] == "permanent_delete"
    assert gone[-1]["changes"]["before"]["cost"] == "77.5"


def test_names_of_the_past_and_statements_are_for_those_who_see_all(server: RunningServer) -> None:
    """R-083: what a field was called before says nothing of who may read it; a statement holds values."""
    id_ = make(server, title="Fix", owner="ada")

    def work(tx: Transaction) -> None:
        change = {"table": "work_orders", "record": id_, "operation": "update"}
        tx.log([ChangeRow(**change, before={"salary": 1}, after={"salary": 2})])  # type: ignore[arg-type]
        tx.log([ChangeRow(**change, before={"title": "Fix"}, after={"title": "Mend"})])  # type: ignore[arg-type]

    server.engine.database.submit_write(Call(work), actor="root", cause="update work_orders set cost = 4242").result()
    told = server.http.get(f"{ORDERS}/{id_}/history", headers=ADA)
    assert [each["action"] for each in told.json()["history"]] == ["create", "update"]
    assert "salary" not in told.text
    assert "4242" not in told.text
    everything = history(server, id_)
    assert [list(each["changes"]["after"]) for each in everything[1:]] == [["salary"], ["title"]]
    assert "4242" in everything[1]["cause"]
    secret = everything[1]["id"]
    assert server.http.get(f"/api/activity/{secret}", headers=ADA).status_code == 404
    assert "salary" in server.http.get(f"/api/activity/{secret}", headers=ROOT).text


def test_a_batch_has_one_entry_for_each_record_and_a_common_id(server: RunningServer) -> None:
    """R-058 R-067"""
    body = {"records": [{"fields": {"title": "x", "owner": "ada"}}, {"fields": {"title": "y", "owner": "ada"}}]}
    made = server.http.post(ORDERS + "/batch", json=body | {"returnRecords": True}, headers=ROOT).json()["records"]
    entries = [history(server, each["id"]) for each in made]
    assert [len(each) for each in entries] == [1, 1]
    assert entries[0][0]["batchId"] == entries[1][0]["batchId"]


def test_an_entry_is_undone_by_a_write_like_any_other(server: RunningServer) -> None:
    """R-088: updates get their old values, deletions are restored, creations trashed; permissions and rules hold."""
    id_ = make(server, title="first", owner="ada", cost="5")
    server.http.patch(f"{ORDERS}/{id_}", json={"title": "second", "tags": ["b"]}, headers=ROOT)
    server.http.patch(f"{ORDERS}/{id_}", json={"cost": "6"}, headers=ROOT)
    created, second, cost = (each["id"] for each in history(server, id_))

    def revert(entry: str, who: Any = ADA) -> Any:
        return server.http.post(f"{ORDERS}/{id_}/history/{entry}/revert", headers=who)

    done = revert(second)
    assert done.status_code == 200, done.text
    assert done.json()["record"]["fields"]["title"] == "first"
    assert done.json()["record"]["fields"]["tags"] is None
    assert revert(cost).status_code == 404
    assert revert(cost, ROOT).json()["record"]["fields"]["cost"] == "5"
    assert revert(second, EVE).status_code == 404
    assert revert("999999999", ROOT).status_code == 404
    assert revert("x", ROOT).status_code == 404
    assert history(server, id_)[-1]["action"] == "update"
    assert revert(created).json() == {"success": True, "action": "delete"}
    assert server.http.get(f"{ORDERS}/{id_}", headers=ADA).status_code == 404
    deletion = history(server, id_)[-1]["id"]
    assert revert(deletion).json()["action"] == "restore"
    assert revert(deletion).status_code == 400
    assert server.http.get(f"{ORDERS}/{id_}", headers=ADA).status_code == 200
    another = make(server, title="another", owner="ada")
    wrong = server.http.post(f"{ORDERS}/{another}/history/{second}/revert", headers=ROOT)
    assert wrong.status_code == 404


def activity(server: RunningServer, who: Any = ROOT, **params: Any) -> dict[str, Any]:
    answer = server.http.get("/api/activity", params=params, headers=who)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_activity_is_filtered_paged_and_limited_to_what_the_caller_sees(server: RunningServer) -> None:
    """R-086, A-185: newest first; filters; tables and rows beyond the caller stay out; admins may ask for others."""
    mine = make(server, ADA, title="mine", owner="ada")
    other = make(server, title="other", owner="bob")
    plain = server.local.post("/api/tables/plain/records", json={"a": 1}).json()["id"]
    feed = activity(server)
    assert [each["recordId"] for each in feed["activities"][:3]] == [plain, other, mine]
    assert feed["activities"][2] | {"id": "", "createdAt": "", "timestamp": ""} == {
        "timestamp": "",
        "table": "Work Orders",
        "id": "",
        "createdAt": "",
        "userId": "ada",
        "action": "create",
        "tableName": "Work Orders",
        "recordId": mine,
        "user": {"id": "ada", "name": None, "image": None},
    }
    seen = activity(server, ADA, tableName="Work Orders")
    assert mine in [each["recordId"] for each in seen["activities"]]
    assert other not in [each["recordId"] for each in seen["activities"]]
    assert activity(server, EVE)["activities"][0]["tableName"] == "plain"
    one = activity(server, pageSize=1, page=2, tableName="4")
    assert [each["recordId"] for each in one["activities"]] == [mine]
    assert one["pagination"]["totalPages"] == one["pagination"]["total"]
    assert activity(server, ADA, userId="ada")["activities"][0]["recordId"] == mine
    assert activity(server, userId="ada", action="create")["activities"][0]["recordId"] == mine
    assert activity(server, startDate="2999-01-01")["pagination"]["total"] == 0
    assert activity(server, endDate="1999-01-01T00:00:00Z")["pagination"]["total"] == 0
    assert activity(server, pageSize=100)["pagination"]["pageSize"] == 100
    refused = [
        ({"userId": "root"}, ADA, 404, "NOT_FOUND"),
        ({"tableName": "Work Orders"}, EVE, 404, "NOT_FOUND"),
        ({"tableName": "nowhere"}, ROOT, 404, "NOT_FOUND"),
        ({"action": "explode"}, ROOT, 400, "BAD_REQUEST"),
        ({"page": "0"}, ROOT, 400, "BAD_REQUEST"),
        ({"pageSize": "many"}, ROOT, 400, "BAD_REQUEST"),
        ({"pageSize": "101"}, ROOT, 400, "BAD_REQUEST"),
        ({"startDate": "someday"}, ROOT, 400, "BAD_REQUEST"),
        ({}, {}, 401, "UNAUTHORIZED"),
    ]
    for params, who, status, code in refused:
        answer = server.http.get("/api/activity", params=params, headers=who)
        assert (answer.status_code, answer.json()["code"]) == (status, code), params


def test_activity_lists_nothing_of_which_the_caller_sees_nothing(server: RunningServer) -> None:
    """R-083, R-086, A-185: updates of hidden fields, also by typed SQL, and of fields that are gone. Pages are full."""
    id_ = make(server, ADA, title="Fix", owner="ada")
    for values in ({"cost": 1}, {"title": "b", "cost": 2}, {"cost": 3}, {"title": "c"}):
        assert server.http.patch(f"{ORDERS}/{id_}", json=values, headers=ROOT).status_code == 200

    def work(tx: Transaction) -> None:
        for operation, name in (("update", "gone"), ("sql", "cost"), ("sql", "title")):
            change = ChangeRow("work_orders", id_, operation, {name: "4"}, {name: "5"})  # type: ignore[arg-type]
            tx.log([change])

    server.engine.database.submit_write(Call(work), actor="eva").result()
    everything = activity(server, tableName="4", pageSize=8)["activities"]
    assert [each["recordId"] for each in everything] == [id_] * 8
    seen = activity(server, ADA, tableName="4", pageSize=4)
    wanted = [each["id"] for each in everything]
    assert [each["id"] for each in seen["activities"]] == [wanted[0], wanted[3], wanted[5], wanted[7]]
    assert [each["id"] for each in history(server, id_, ADA)] == [wanted[7], wanted[5], wanted[3], wanted[0]]
    for entry in everything:
        status = server.http.get(f"/api/activity/{entry['id']}", headers=ADA).status_code
        assert status == (200 if entry in seen["activities"] else 404), entry
    hidden = activity(server, tableName="4")["total"] - activity(server, ADA, tableName="4")["total"]
    assert hidden >= 4


def test_one_entry_of_the_activity(server: RunningServer) -> None:
    """R-086: with its changes, as far as they may be read."""
    id_ = make(server, title="t", owner="ada", cost="98765.5")
    entry = activity(server)["activities"][0]["id"]
    told = server.http.get(f"/api/activity/{entry}", headers=ROOT).json()
    assert (told["recordId"], told["changes"]["after"]["cost"]) == (id_, "98765.5")
    assert "98765.5" not in server.http.get(f"/api/activity/{entry}", headers=ADA).text
    assert server.http.get(f"/api/activity/{entry}", headers=EVE).status_code == 404
    assert server.http.get("/api/activity/77777777", headers=ROOT).status_code == 404
    assert server.http.get("/api/activity/x", headers=ROOT).status_code == 400


def test_the_log_is_a_view_for_sql_users(server: RunningServer) -> None:
    """§10.11: `system_activity_logs`; R-079 an entry per write."""
    id_ = make(server, ADA, title="seen", owner="ada")
    columns = "user_id, action, table_name, table_id, session_id, ip_address, user_agent, cascade_id"
    sql = f"SELECT {columns}, changes FROM system_activity_logs WHERE record_id = ? AND table_id = '4' ORDER BY id"
    rows = server.engine.database.submit_read(Call(lambda reader: reader.rows(sql, [id_]))).result()
    assert rows[-1][:8] == ("ada", "create", "work_orders", "4", None, None, None, None)
    assert rows[-1][8]["after"]["title"] == "seen"


def test_old_changes_are_forgotten_in_small_batches(server: RunningServer) -> None:
    """R-085: nothing younger goes, the newest always stays, and what is due is not told of before it is gone."""
    id_ = make(server, title="old", owner="ada")
    server.http.patch(f"{ORDERS}/{id_}", json={"title": "new"}, headers=ROOT)
    database = server.engine.database
    long_ago = datetime.now(UTC) - timedelta(days=4000)
    key = {"id": id_}

    def age(tx: Any) -> None:
        statement = CHANGES.update().where(CHANGES.c.record == key["id"], CHANGES.c.operation == "create")
        tx.execute(statement.values(time=long_ago))

    database.submit_write(Call(age)).result()
    assert [each["action"] for each in history(server, id_)] == ["update"]
    assert activity(server, endDate="2016-01-01")["pagination"]["total"] == 0

    def count() -> int:
        return int(database.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM system_change"))).result())

    before = count()
    everything = lambda tx: tx.execute(CHANGES.update().where(CHANGES.c.sequence < 4).values(time=long_ago))  # noqa: E731
    aged = database.submit_write(Call(everything)).result()
    retention = Retention(database, 3650, batch=2)
    forgotten = retention.purge()
    retention.stop()
    assert forgotten >= aged
    assert count() == before - forgotten
    newest = server.http.patch(f"{ORDERS}/{id_}", json={"title": "newer"}, headers=ROOT)
    assert newest.status_code == 200
    later = Retention(database, 3650, clock=lambda: datetime(2999, 1, 1, tzinfo=UTC), batch=1000)
    later.purge()
    later.stop()
    assert count() == 1
