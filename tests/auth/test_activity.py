"""Activity as accounts see it (auth §12.2); the feed itself is tested with the history."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.auth.test_admin import ADMIN, admin_of, told_code
from tests.support.accounts import Desk, Visitor
from tests.support.server import RunningServer


def feed(visitor: Visitor, **query: Any) -> Any:
    answer = visitor.get("/api/activity", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_178_a_179_a_181_pages_filters_and_people(desk: Desk) -> None:
    """D14: both spellings are taken."""
    admin, ana = admin_of(desk), desk.sign_up("ana")
    made = ana.post("/api/tables/notes/records", {"fields": {"text": "one"}}).json()["id"]
    admin.client.patch(f"/api/tables/notes/records/{made}", json={"fields": {"text": "two"}})
    admin.client.delete(f"/api/tables/notes/records/{made}")
    found = feed(admin, userId=ana.id)
    assert (found["total"], found["page"], found["pageSize"], found["totalPages"]) == (1, 1, 20, 1)
    entry = found["activities"][0]
    assert (entry["table"], entry["timestamp"]) == (entry["tableName"], entry["createdAt"])
    assert entry["user"]["name"] == "Ana"
    mine = feed(admin, userId=admin.id, table="notes")["activities"]
    assert [each["action"] for each in mine] == ["delete", "update"], "the newest first"
    assert feed(admin, to="1999-01-01")["activities"] == []
    assert feed(admin, **{"from": "2999-01-01"})["activities"] == []
    assert feed(admin, table="notes", action="update")["total"] >= 1
    told = admin.get(f"/api/activity/{mine[1]['id']}").json()
    assert told["diff"]["text"] == {"from": "one", "to": "two"}
    gone = admin.get(f"/api/activity/{mine[0]['id']}").json()
    assert (gone["action"], gone["changes"], gone["diff"]) == ("delete", None, None), "A-183"
    for entry, status in (("first", 400), ("-1", 400), ("9" * 30, 400), ("999999", 404)):
        assert admin.get(f"/api/activity/{entry}").status_code == status, entry
    assert desk.guest.get("/api/activity").status_code == 401
    assert desk.guest.get(f"/api/activity/{mine[0]['id']}").status_code == 401


def test_a_182_what_others_did_is_for_administrators(duck_desk: Desk) -> None:
    ana, bob = duck_desk.sign_up("ana"), duck_desk.sign_up("bob")
    assert feed(ana, userId=ana.id)["total"] >= 0
    assert told_code(ana.get("/api/activity", params={"userId": bob.id})) == (404, "NOT_FOUND")


def test_a_150_without_accounts_it_is_for_the_owner_alone(tmp_path: Path) -> None:
    with RunningServer(
        "name: open\ntables: [{name: things, fields: [{name: a, type: integer}]}]\n", tmp_path
    ) as server:
        assert server.http.get("/api/activity").status_code == 401
        assert server.http.get("/api/activity/1").status_code == 401
        assert server.local.get("/api/activity").status_code == 200


def test_a_171_what_was_done_as_somebody_names_both(desk: Desk) -> None:
    """T29."""
    admin, ana = admin_of(desk), desk.sign_up("ana")
    ana.post("/api/tables/notes/records", {"fields": {"text": "her own"}})
    admin.post(f"{ADMIN}/impersonate-user", {"userId": ana.id})
    made = admin.post("/api/tables/notes/records", {"fields": {"text": "in her name"}}).json()["id"]
    admin.post(f"{ADMIN}/stop-impersonating")
    entries = feed(admin, userId=ana.id)["activities"]
    assert [(each["user"]["name"], each.get("impersonator", {}).get("name")) for each in entries] == [
        ("Ana", "Root"), ("Ana", None)
    ]  # fmt: skip
    assert entries[0]["recordId"] == made
    history = admin.get(f"/api/tables/notes/records/{made}/history").json()["history"]
    assert history[0]["impersonator"]["name"] == "Root"


def test_a_180_what_cannot_be_asked_and_what_is_too_old(duck_desk: Desk) -> None:
    admin = admin_of(duck_desk)
    sizes = [{"pageSize": size} for size in ("-1", "101")]
    for wrong in (*sizes, {"page": "0"}, {"page": "x"}, {"action": "explode"}, {"from": "someday"}):
        assert admin.get("/api/activity", params=wrong).status_code == 400, wrong
    assert feed(admin, pageSize=100)["pageSize"] == 100
    admin.post("/api/tables/notes/records", {"fields": {"text": "old"}})
    before = feed(admin)["total"]
    statement = "UPDATE system_change SET time = ? WHERE sequence = (SELECT max(sequence) FROM system_change)"
    duck_desk.write(lambda tx: tx.execute(statement, [tx.time - timedelta(days=366)]))
    assert feed(admin)["total"] == before - 1
