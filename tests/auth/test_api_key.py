"""API keys: shown once, as their account or with roles of their own, narrowed by scopes (auth §4.1)."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.schema.scope import permits, wrong_scope
from tests.auth.test_admin import ADMIN, admin_of, told_code
from tests.support.accounts import Desk, Visitor

KEYS = "/api/auth/api-keys"


def make(visitor: Visitor, **body: Any) -> dict[str, Any]:
    answer = visitor.post(KEYS, {"name": "robot", **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def robot(desk: Desk, key: dict[str, Any]) -> httpx.Client:
    return desk.client(authorization=f"Bearer {key['key']}")


def test_a_key_is_shown_once_and_acts_as_its_account(desk: Desk) -> None:
    """A-041, A-267: what is kept of it is a hash."""
    ana, bob = desk.sign_up("ana"), desk.sign_up("bob")
    key = make(ana)
    assert key["key"].startswith("svt_")
    client = robot(desk, key)
    made = client.post("/api/tables/notes/records", json={"fields": {"text": "by a robot"}})
    assert made.status_code == 201
    assert client.get("/api/access/whoami").json()["id"] == ana.id
    listed = ana.get(KEYS).json()["apiKeys"]
    assert [each["name"] for each in listed] == ["robot"]
    assert listed[0]["lastUsedAt"]
    assert key["key"] not in ana.get(KEYS).text
    assert listed[0]["prefix"] == key["key"][:10]
    rows = desk.read(lambda reader: reader.rows("SELECT * FROM auth_api_key"))
    assert key["key"] not in str(rows)
    desk.give(ana.id, "editor")
    record = made.json()["id"]
    assert client.patch(f"/api/tables/notes/records/{record}", json={"fields": {"text": "x"}}).status_code == 200
    assert bob.get(KEYS).json()["apiKeys"] == []
    own = key["apiKey"]["id"]
    assert bob.client.delete(f"{KEYS}/{own}").status_code == 404
    assert ana.client.delete(f"{KEYS}/{own}").status_code == 204
    assert ana.client.delete(f"{KEYS}/{own}").status_code == 404
    assert client.get("/api/tables/notes/records").status_code == 401
    assert [each for each in desk.audited() if each.startswith("apikey")] == ["apikey.created", "apikey.revoked"]


@pytest.mark.parametrize("change", ["x", "svt_", "svt_é", "svt_" + "a" * 43, "svt_" + "a" * 5000])
def test_what_is_no_key_opens_nothing(duck_desk: Desk, change: str) -> None:
    headers = {"authorization": b"Bearer " + change.encode()}
    assert duck_desk.guest.get("/api/tables/notes/records", headers=headers).status_code == 401


def test_scopes_take_away_and_never_add(duck_desk: Desk) -> None:
    """T11, T12: a key of an administrator is none where its scopes leave that out."""
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    records = "/api/tables/notes/records"
    made = admin.post(records, {"fields": {"text": "one"}}).json()["id"]
    change = {"fields": {"text": "two"}}

    def may(key: dict[str, Any]) -> list[int]:
        client = robot(duck_desk, key)
        return [
            client.get(records).status_code,
            client.post(records, json=change).status_code,
            client.patch(f"{records}/{made}", json=change).status_code,
            client.get(f"{ADMIN}/roles").status_code,
            client.get("/api/admin/migrations").status_code,
        ]

    assert may(make(admin)) == [200, 201, 200, 200, 200]
    assert may(make(admin, scopes=["read"])) == [200, 404, 404, 404, 404]
    assert may(make(admin, scopes=["write"])) == [200, 201, 200, 404, 404]
    assert may(make(admin, scopes=["notes:update"])) == [200, 404, 200, 404, 404]
    assert may(make(admin, scopes=["admin"]))[:4] == [404, 404, 404, 200]
    banning = robot(duck_desk, make(admin, scopes=["admin"]))
    assert banning.post(f"{ADMIN}/unban-user", json={"userId": ana.id}).status_code == 200
    acting = banning.post(f"{ADMIN}/impersonate-user", json={"userId": ana.id})
    assert told_code(acting) == (403, "FORBIDDEN")
    actor = admin.get("/api/admin/audit-log", params={"action": "admin.*"}).json()["items"][0]["actor"]
    assert (actor["type"], actor["id"]) == ("api-token", admin.id)
    assert actor["keyId"]
    assert may(make(ana, scopes=["write", "admin"]))[:4] == [200, 201, 404, 404], "no more than its user"
    own = [("POST", "user-views"), ("PUT", "user-preferences"), ("DELETE", "user-preferences")]
    for scopes, status in ((["read"], 404), (["notes:read"], 404), (["notes:read", "write"], 200)):
        client = robot(duck_desk, make(ana, scopes=scopes))
        kept = [client.request(verb, f"/api/tables/notes/{path}", json={"name": "x"}).status_code for verb, path in own]
        kept.append(client.post("/api/notifications/read", json={}).status_code)
        assert kept == ([404] * 4 if status == 404 else [201, 400, 200, 200]), scopes
    gated = robot(duck_desk, make(admin, scopes=["read"]))
    run = gated.post("/api/console/sql", json={"sql": "delete from notes", "confirmed": True}).json()
    told = gated.get(f"/api/console/sql/{run['id']}", params={"wait": 5000}).json()
    assert told["state"] == "failed", told
    for wrong in (["fly"], ["notes:fly"], ["nothing:read"], [], ["read", "*"]):
        assert told_code(admin.post(KEYS, {"name": "x", "scopes": wrong})) == (400, "VALIDATION_ERROR"), wrong


def test_scopes_as_they_are_read() -> None:
    assert wrong_scope("notes:read") is None
    assert wrong_scope("other:read", {"notes"}) is not None
    assert permits({"notes:create"}, "notes", "read")
    assert not permits({"notes:read"}, "other", "read")
    assert not permits({"read"}, "notes", "comment")
    assert not permits({"admin"}, "notes", "read")


def test_keys_of_others_and_of_nobody_are_for_administrators(duck_desk: Desk) -> None:
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    for body in ({"roles": ["editor"]}, {"userId": admin.id}):
        assert told_code(ana.post(KEYS, {"name": "x", **body})) == (403, "FORBIDDEN"), body
    for query in ({"all": "true"}, {"userId": admin.id}):
        assert ana.get(KEYS, params=query).status_code == 403
    own = make(admin, roles=["viewer"])
    client = robot(duck_desk, own)
    assert client.get("/api/tables/notes/records").status_code == 200
    assert client.get("/api/access/whoami").json()["roles"] == ["viewer"]
    assert told_code(client.post(KEYS, json={"name": "another"}))[0] in (400, 403)
    made = make(admin, roles=["member"])
    robot(duck_desk, made).post("/api/tables/notes/records", json={"fields": {"text": "x"}})
    entry = admin.get("/api/activity", params={"table": "notes"}).json()["activities"][0]
    assert entry["user"] == {"id": f"key:{made['apiKey']['id']}", "name": "robot", "image": None}
    assert admin.client.delete(f"{KEYS}/{made['apiKey']['id']}").status_code == 204
    theirs = robot(duck_desk, make(admin, userId=ana.id))
    assert theirs.get("/api/access/whoami").json()["id"] == ana.id
    assert told_code(theirs.post(KEYS, json={"name": "another"})) == (403, "FORBIDDEN"), "a key makes no keys"
    assert len(admin.get(KEYS, params={"all": "true"}).json()["apiKeys"]) == 3
    assert len(admin.get(KEYS, params={"userId": ana.id}).json()["apiKeys"]) == 1
    assert admin.client.delete(f"{KEYS}/{own['apiKey']['id']}").status_code == 204
    for wrong in ({"name": ""}, {"name": "x" * 101}, {"name": "x", "expiresIn": 0}, {"name": "x\x00"}):
        assert told_code(ana.post(KEYS, wrong)) == (400, "VALIDATION_ERROR"), wrong
    assert duck_desk.guest.get(KEYS).status_code == 401
    local = duck_desk.server.local
    assert local.post(KEYS, json={"name": "x"}).status_code == 400, "of whom?"
    assert local.post(KEYS, json={"name": "x", "userId": ana.id}).status_code == 201


def test_a_key_expires_and_goes_with_its_account(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")
    brief, other = make(ana, expiresIn=60), make(ana)
    assert robot(desk, brief).get("/api/tables/notes/records").status_code == 200
    statement = "UPDATE auth_api_key SET expires_at = ? WHERE id = ?"

    def age(tx: Any) -> None:
        tx.execute(statement, [tx.time - timedelta(seconds=1), brief["apiKey"]["id"]])

    desk.write(age)
    assert robot(desk, brief).get("/api/tables/notes/records").status_code == 401
    assert robot(desk, other).get("/api/tables/notes/records").status_code == 200
    admin.post(f"{ADMIN}/remove-user", {"userId": ana.id})
    assert robot(desk, other).get("/api/tables/notes/records").status_code == 401


def test_a_267_a_key_follows_another_which_holds_a_while_longer(desk: Desk) -> None:
    """§19 `keys rotate`: with the same name and rights, for as long; the former ends at once, or after its grace."""
    admin, ana, bob = admin_of(desk), desk.sign_up("ana"), desk.sign_up("bob")
    notes = "/api/tables/notes/records"
    first = make(ana, scopes=["notes:read"], expiresIn=3600)
    address = f"{KEYS}/{first['apiKey']['id']}/rotate"
    assert bob.post(address).status_code == 404
    assert desk.guest.post(address, json={}).status_code == 401
    assert told_code(robot(desk, first).post(address, json={})) == (403, "FORBIDDEN"), "a key makes no keys"
    assert told_code(ana.post(address, {"grace": 10**9})) == (400, "VALIDATION_ERROR")
    second = ana.post(address, {"grace": 600}).json()
    shared = ("name", "userId", "scopes")
    assert {name: second["apiKey"][name] for name in shared} == {name: first["apiKey"][name] for name in shared}
    assert [robot(desk, each).get(notes).status_code for each in (first, second)] == [200, 200]
    ends = {each["id"]: each["expiresAt"] for each in ana.get(KEYS).json()["apiKeys"]}
    assert ends[first["apiKey"]["id"]] < first["apiKey"]["expiresAt"] <= ends[second["apiKey"]["id"]]
    again = ana.post(address, {"grace": 600})
    assert told_code(again) == (409, "CONFLICT"), (
        "its place is taken: another would take over its last minutes as its life"
    )
    third = admin.post(f"{KEYS}/{second['apiKey']['id']}/rotate").json()
    assert [robot(desk, each).get(notes).status_code for each in (second, third)] == [401, 200]
    assert ana.post(f"{KEYS}/{second['apiKey']['id']}/rotate").status_code == 404, "it has ended"
    told = [each for each in desk.audited() if each.startswith("apikey")]
    assert told == ["apikey.created", *(["apikey.revoked", "apikey.created"] * 2)]
    assert admin.post(f"{KEYS}/{third['apiKey']['id']}/rotate").status_code == 201
    other = make(admin)["apiKey"]["id"]
    desk.give(ana.id, "admin")
    assert told_code(ana.post(f"{KEYS}/{other}/rotate")) == (403, "FORBIDDEN"), "nobody acts as another administrator"
    desk.write(lambda tx: tx.execute("UPDATE auth_api_key SET expires_at = ? WHERE id = ?", [tx.time, other]))
    assert admin.post(f"{KEYS}/{other}/rotate").status_code == 404, "its time is over"
    assert admin.client.delete(f"{KEYS}/{other}").status_code == 404
    assert [each["state"] for each in admin.get(KEYS).json()["apiKeys"]] == ["expired"]
    states = {each["id"]: each["state"] for each in ana.get(KEYS).json()["apiKeys"]}
    assert [states[each["apiKey"]["id"]] for each in (first, second, third)] == ["live", "revoked", "revoked"]


def test_a_067_an_old_session_makes_no_keys(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")

    def age(tx: Any) -> None:
        tx.execute("UPDATE auth_session SET fresh_at = ?", [tx.time - timedelta(days=2)])

    duck_desk.write(age)
    assert told_code(ana.post(KEYS, {"name": "x"})) == (403, "SESSION_NOT_FRESH")
