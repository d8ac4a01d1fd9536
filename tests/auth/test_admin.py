"""Administration of accounts through the door (auth §11)."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.auth.store import ACCOUNTS
from core.http.administration import RESTRICTED, is_restricted
from core.http.routes import all_routes
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.server import RunningServer

ADMIN = "/api/auth/admin"
ADMIN_ROUTES = [route for route in all_routes() if route.admin]
NEW = "another quiet harbour"


def admin_of(desk: Desk, name: str = "root") -> Visitor:
    return desk.sign_up(name, roles=("admin",))


def details(admin: Visitor, user: str) -> dict[str, Any]:
    found: dict[str, Any] = admin.get(f"{ADMIN}/get-user/{user}").json()["user"]
    return found


def told_code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def ask(client: httpx.Client, method: str, path: str, body: Any = None) -> httpx.Response:
    return client.request(method, path, json={} if method in ("POST", "PATCH") and body is None else body)


def concrete(path: str) -> str:
    for name in ("user", "group", "message"):
        path = path.replace("{" + name + "}", "x")
    return path


def test_d1_the_admin_api_is_an_unknown_address_to_others(duck_desk: Desk) -> None:
    """A-152…A-160 and A-176: without a session 401; with another role 404, the same body as an unknown address has, for
    every route of it, also by a method that it does not take."""
    ana = duck_desk.sign_up("ana", roles=("editor",))
    unknown = ana.get("/api/nothing/at/all").content
    assert len(ADMIN_ROUTES) > 30
    for route in ADMIN_ROUTES:
        path = concrete(route.path)
        assert ask(duck_desk.guest, route.method, path).status_code == 401, route.path
        answer = ask(ana.client, route.method, path)
        assert (answer.status_code, answer.content) == (404, unknown), f"{route.method} {route.path}"
        other = ana.client.put(path, json={})
        assert (other.status_code, other.content) == (404, unknown), f"PUT {route.path}"


def test_a_152_accounts_are_made(desk: Desk) -> None:
    admin = admin_of(desk)

    def make(**body: Any) -> httpx.Response:
        return admin.post(f"{ADMIN}/create-user", body)

    whole = {"email": "Bob@Example.org", "name": "<b>Bob</b>", "password": PASSWORD}
    made = make(**whole, role="editor", data={"emailVerified": True, "phone": "+49 151 00000"})
    assert made.status_code == 201, made.text
    user = made.json()["user"]
    told = {name: user[name] for name in ("email", "name", "role", "emailVerified", "phoneNumber")}
    assert told == {
        "email": "bob@example.org", "name": "Bob", "role": "editor", "emailVerified": True, "phoneNumber": "4915100000"
    }  # fmt: skip
    assert told_code(make(**whole)) == (422, "USER_ALREADY_EXISTS")
    other = {**whole, "email": "eve@example.org"}
    assert told_code(make(**{**other, "email": ""})) == (400, "VALIDATION_ERROR")
    assert told_code(make(**{**other, "email": "no address"})) == (400, "INVALID_EMAIL")
    assert told_code(make(email="eve@example.org", name="Eve")) == (400, "VALIDATION_ERROR")
    assert told_code(make(**{**other, "password": "short"})) == (400, "PASSWORD_TOO_SHORT")
    assert told_code(make(**other, role="nobody")) == (400, "VALIDATION_ERROR")
    assert told_code(make(**other, data={"banned": True})) == (400, "VALIDATION_ERROR")
    assert told_code(make(**other, data={"phone": "+49 151 00000"})) == (409, "CONFLICT")
    assert make(email="zoe@example.org", name="Zoe", sendInvitation=True).status_code == 201
    assert desk.sign_in("bob").user["role"] == "editor"
    assert "admin.user.created" in desk.audited()


def test_a_029_a_162_without_a_role_it_is_the_default_one(duck_desk: Desk) -> None:
    admin = admin_of(duck_desk)
    made = admin.post(f"{ADMIN}/create-user", {"email": "bob@example.org", "name": "Bob", "password": PASSWORD})
    assert made.json()["user"]["role"] == "member"
    admin.post(f"{ADMIN}/invite-user", {"email": "eve@example.org", "name": "Eve"})
    eve = admin.get(f"{ADMIN}/get-user", params={"email": "eve@example.org"}).json()["user"]
    assert eve["role"] == "member"


def test_a_050_a_hash_of_another_system_is_taken_over(duck_desk: Desk) -> None:
    import bcrypt

    admin = admin_of(duck_desk)
    stored = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    body = {"email": "old@example.org", "name": "Old", "passwordHash": stored}
    assert admin.post(f"{ADMIN}/create-user", body).status_code == 201
    assert duck_desk.sign_in("old").user["name"] == "Old"
    dear = "$argon2id$v=19$m=4194304,t=3,p=1$c29tZXNhbHQ$" + "A" * 43
    for wrong in ("md5:1", "$2b$", stored.replace("$04$", "$31$"), "$argon2id$x", dear, stored + "x" * 600):
        refused = admin.post(f"{ADMIN}/create-user", {**body, "email": "x@example.org", "passwordHash": wrong})
        assert told_code(refused) == (400, "VALIDATION_ERROR"), wrong


def test_a_050_a_hash_of_firebase_is_taken_over(desk: Desk) -> None:
    """§5: `$fbscrypt$` with the figures of Firebase's own example, where the password is `user1password`."""
    signer = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
    hashed = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="
    stored = f"$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk={signer}$42xEC+ixf3L2lw==${hashed}"
    admin = admin_of(desk)
    body = {"email": "old@example.org", "name": "Old"}
    for wrong in (
        stored.replace("n=14", "n=15"), stored.replace("r=8", "r=9"), stored.replace(f"sk={signer}", "sk="),
        stored.replace("Bw==", "B=="), stored.removesuffix(f"${hashed}"),
    ):  # fmt: skip
        refused = admin.post(f"{ADMIN}/create-user", {**body, "passwordHash": wrong})
        assert told_code(refused) == (400, "VALIDATION_ERROR"), wrong
    assert admin.post(f"{ADMIN}/create-user", {**body, "passwordHash": stored}).status_code == 201
    way = {"email": "old@example.org", "password": "user2password"}
    assert desk.guest.post("/api/auth/sign-in/email", json=way).status_code == 401
    for _ in range(2):
        assert desk.sign_in("old", password="user1password").user["name"] == "Old"
        hashes = desk.read(lambda reader: reader.rows("SELECT hash FROM auth_credential"))
        assert all(each.startswith("$argon2id$") for (each,) in hashes)


def test_a_153_accounts_are_listed_searched_and_filtered(desk: Desk) -> None:
    admin = admin_of(desk)
    for name in ("ana", "bob", "cleo"):
        desk.sign_up(name, roles=("editor",) if name == "bob" else ())

    def names(**query: Any) -> list[str]:
        answer = admin.get(f"{ADMIN}/list-users", params={"sortBy": "name", **query})
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["users"]]

    page = admin.get(f"{ADMIN}/list-users", params={"limit": 2, "offset": 1, "sortBy": "name"}).json()
    assert {"id", "email", "name", "role"} <= page["users"][0].keys()
    assert [each["name"] for each in page["users"]] == ["Bob", "Cleo"]
    assert (page["total"], page["limit"], page["offset"]) == (4, 2, 1)
    assert names(limit=2, page=2) == ["Cleo", "Root"]
    assert names(searchValue="O") == ["Ana", "Bob", "Cleo", "Root"], "in addresses as well"
    assert names(searchValue="o", searchField="name") == ["Bob", "Cleo", "Root"]
    assert names(searchValue="bo", searchOperator="starts_with") == ["Bob"]
    assert names(searchValue="eo", searchField="name", searchOperator="ends_with") == ["Cleo"]
    assert names(searchValue="%") == []
    assert names(filterField="role", filterValue="member") == ["Ana", "Cleo"], "who has none has the default role"
    assert names(filterField="role", filterOperator="ne", filterValue="member") == ["Bob", "Root"]
    assert names(filterField="banned", filterValue="false", sortDirection="desc") == ["Root", "Cleo", "Bob", "Ana"]
    assert names(filterField="createdAt", filterOperator="gt", filterValue="2999-01-01") == []
    assert admin.get(f"{ADMIN}/list-users", params={"limit": 100}).json()["limit"] == 100
    for wrong in (
        {"limit": 0}, {"limit": 101}, {"limit": "x"}, {"sortBy": "hash"}, {"filterField": "password", "filterValue": "x"},
        {"filterField": "createdAt", "filterValue": "x"}, {"filterField": "banned", "filterValue": "x"},
    ):  # fmt: skip
        assert admin.get(f"{ADMIN}/list-users", params=wrong).status_code == 400, wrong
    everybody = admin.get("/api/admin/users").json()["users"]
    assert [each["email"].partition("@")[0] for each in everybody] == ["ana", "bob", "cleo", "root"]


def test_a_154_one_account_with_what_belongs_to_it(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana", roles=("editor",))
    found = details(admin, ana.id)
    assert found["role"] == "editor"
    assert (found["banned"], found["emailVerified"]) == (False, False)
    assert found["permissions"]["notes"] == ["read", "create", "update"]
    assert found["identities"] == [{"provider": "credential"}]
    assert found["lastSignInAt"]
    assert admin.get(f"{ADMIN}/get-user", params={"id": ana.id}).json()["user"]["id"] == ana.id
    assert admin.get(f"{ADMIN}/get-user/nobody").status_code == 404
    assert admin.get(f"{ADMIN}/get-user").status_code == 400


def test_a_155_roles_are_set(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")

    def give(user: str, role: Any) -> httpx.Response:
        return admin.post(f"{ADMIN}/set-role", {"userId": user, "role": role})

    assert give(ana.id, "editor").json()["user"]["role"] == "editor"
    assert give(ana.id, ["moderator", "viewer"]).json()["user"]["role"] == "moderator,viewer"
    assert told_code(give(ana.id, "nobody")) == (400, "VALIDATION_ERROR")
    assert told_code(give("", "editor")) == (400, "VALIDATION_ERROR")
    assert told_code(admin.post(f"{ADMIN}/set-role", {"userId": ana.id})) == (400, "VALIDATION_ERROR")
    assert told_code(give("nobody", "editor")) == (404, "NOT_FOUND")
    patched = admin.client.patch(f"{ADMIN}/users/{ana.id}", json={"role": "viewer"})
    assert patched.json()["user"]["role"] == "viewer"


@pytest.fixture(scope="module")
def chief_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    text = DESK.replace("  groups:", "    - {name: chief, level: 95}\n  groups:")
    with RunningServer(text, tmp_path_factory.mktemp("chief")) as server:
        yield server


def test_a_155_a_032_t12_nobody_reaches_above_themselves(chief_server: RunningServer) -> None:
    """A-165: not by setting a role, nor by dealing with who has a higher one; the local owner does."""
    desk = Desk(chief_server)
    admin, ana = admin_of(desk), desk.sign_up("ana")
    for body in ({"userId": ana.id, "role": "chief"}, {"userId": ana.id, "role": "viewer,chief"}):
        assert told_code(admin.post(f"{ADMIN}/set-role", body)) == (403, "FORBIDDEN")
    invited = {"email": "eve@example.org", "name": "Eve", "role": "chief"}
    assert told_code(admin.post(f"{ADMIN}/invite-user", invited)) == (403, "FORBIDDEN")
    assert told_code(admin.post(f"{ADMIN}/create-user", {**invited, "password": PASSWORD})) == (403, "FORBIDDEN")
    assert told_code(admin.post("/api/auth/api-keys", {"name": "x", "roles": ["chief"]})) == (403, "FORBIDDEN")
    local = chief_server.local.post(f"{ADMIN}/set-role", json={"userId": ana.id, "role": "chief"})
    assert local.status_code == 200, "the local owner gives any"
    for path, body in (
        ("set-role", {"role": "viewer"}), ("set-user-password", {"newPassword": NEW}), ("ban-user", {}),
        ("remove-user", {}), ("impersonate-user", {}), ("update-user", {"data": {"name": "X"}}),
    ):  # fmt: skip
        refused = admin.post(f"{ADMIN}/{path}", {"userId": ana.id, **body})
        assert told_code(refused) == (403, "FORBIDDEN"), path
    desk.close()


def test_a_071_t4_changing_the_own_role_gives_the_session_another_secret(duck_desk: Desk) -> None:
    admin_of(duck_desk, "other")
    admin = admin_of(duck_desk)
    before = admin.client.cookies["sid"]
    answer = admin.post(f"{ADMIN}/set-role", {"userId": admin.id, "role": ["admin", "editor"]})
    assert answer.json()["token"] != admin.token
    assert admin.client.cookies["sid"] != before
    assert admin.get(f"{ADMIN}/roles").status_code == 200
    stale = duck_desk.client(cookie=f"sid={before}")
    assert stale.get("/api/auth/get-session").json() is None


def test_a_156_the_last_administrator_stays(desk: Desk) -> None:
    """Also where two take each other away at once; the local owner is bound by it too."""
    one, two = admin_of(desk, "one"), admin_of(desk, "two")

    def demote(admin: Visitor, user: str) -> httpx.Response:
        return admin.post(f"{ADMIN}/set-role", {"userId": user, "role": "viewer"})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: demote(*pair), [(one, two.id), (two, one.id)]))
    codes = sorted(answer.status_code for answer in answers)
    assert codes in ([200, 404], [200, 409]), [answer.text for answer in answers]
    left = one if two.get(f"{ADMIN}/roles").status_code == 404 else two
    assert told_code(demote(left, left.id)) == (409, "LAST_ADMIN")
    assert left.post(f"{ADMIN}/ban-user", {"userId": left.id}).status_code == 400
    assert left.post(f"{ADMIN}/remove-user", {"userId": left.id}).status_code == 400
    for path in ("ban-user", "remove-user"):
        answer = desk.server.local.post(f"{ADMIN}/{path}", json={"userId": left.id})
        assert told_code(answer) == (409, "LAST_ADMIN"), path


def test_a_157_a_password_is_set(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")

    def change(**body: Any) -> httpx.Response:
        return admin.post(f"{ADMIN}/set-user-password", body)

    assert change(userId=ana.id, newPassword=NEW).json() == {"status": True}
    assert ana.get("/api/auth/get-session").json() is None, "sessions end"
    assert desk.sign_in("ana", password=NEW).id == ana.id
    assert told_code(change(userId=ana.id)) == (400, "VALIDATION_ERROR")
    assert told_code(change(userId=ana.id, newPassword="short")) == (400, "PASSWORD_TOO_SHORT")
    assert told_code(change(userId="nobody", newPassword=NEW)) == (404, "NOT_FOUND")


def test_a_157_a_password_for_the_time_being_is_changed_first(desk: Desk) -> None:
    admin, _ = admin_of(desk), desk.sign_up("ana")
    ana = admin.get(f"{ADMIN}/get-user", params={"email": "ana@example.org"}).json()["user"]["id"]
    assert admin.post(f"{ADMIN}/set-user-password", {"userId": ana, "newPassword": NEW, "mustChange": True}).is_success
    visitor = desk.sign_in("ana", password=NEW)
    assert told_code(visitor.get("/api/tables/notes/records")) == (403, "PASSWORD_CHANGE_REQUIRED")
    assert told_code(visitor.post("/api/auth/api-keys", {"name": "x"})) == (403, "PASSWORD_CHANGE_REQUIRED")
    assert visitor.get("/api/auth/get-session").json()["user"]["id"] == ana
    body = {"currentPassword": NEW, "newPassword": "a third quiet harbour"}
    assert visitor.post("/api/auth/change-password", body).status_code == 200
    assert visitor.get("/api/tables/notes/records").status_code == 200


def test_a_158_a_159_sessions_of_others(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")
    second, third = desk.sign_in("ana"), desk.sign_in("ana")
    found = admin.post(f"{ADMIN}/list-user-sessions", {"userId": ana.id}).json()["sessions"]
    assert len(found) == 3
    assert all(each["device"] and each["createdAt"] and each["expiresAt"] for each in found)
    assert admin.get(f"{ADMIN}/list-user-sessions", params={"userId": ana.id}).json()["sessions"] == found
    assert admin.post(f"{ADMIN}/list-user-sessions", {}).status_code == 400
    assert admin.post(f"{ADMIN}/list-user-sessions", {"userId": "x"}).status_code == 404

    def revoke(**body: Any) -> httpx.Response:
        return admin.post(f"{ADMIN}/revoke-user-session", body)

    assert revoke(sessionToken=found[0]["token"]).json() == {"success": True, "revoked": 1}
    assert third.get("/api/auth/get-session").json() is None
    assert revoke(sessionTokens=[each["token"] for each in found[1:]]).json()["revoked"] == 2
    assert second.get("/api/auth/get-session").json() is None
    assert revoke().status_code == 400
    assert revoke(sessionToken=found[0]["token"]).status_code == 404
    again = desk.sign_in("ana")
    listed = admin.get("/api/admin/sessions").json()
    assert {each["user"]["name"] for each in listed["sessions"]} == {"Ana", "Root"}
    assert admin.post(f"{ADMIN}/revoke-user-sessions", {"userId": ana.id}).json()["revoked"] == 1
    assert again.get("/api/auth/get-session").json() is None


def test_a_160_a_070_a_ban_holds_at_once(desk: Desk) -> None:
    admin, ana = admin_of(desk), desk.sign_up("ana")
    key = ana.post("/api/auth/api-keys", {"name": "robot"}).json()["key"]
    robot = desk.client(authorization=f"Bearer {key}")
    assert robot.get("/api/tables/notes/records").status_code == 200
    banned = admin.post(f"{ADMIN}/ban-user", {"userId": ana.id, "banReason": "spam", "banExpiresIn": 3600})
    assert banned.json()["user"]["banReason"] == "spam"
    assert banned.json()["user"]["banExpires"]
    assert ana.get("/api/auth/get-session").json() is None
    assert desk.client(authorization=f"Bearer {ana.token}").get("/api/tables/notes/records").status_code == 401
    assert robot.get("/api/tables/notes/records").status_code == 401
    body = {"email": "ana@example.org", "password": PASSWORD}
    assert told_code(desk.guest.post("/api/auth/sign-in/email", json=body)) == (403, "BANNED_USER")
    assert admin.post(f"{ADMIN}/unban-user", {"userId": ana.id}).json()["user"]["banned"] is False
    assert desk.sign_in("ana").id == ana.id
    assert robot.get("/api/tables/notes/records").status_code == 200
    assert admin.post(f"{ADMIN}/ban-user", {"userId": admin.id}).status_code == 400
    assert admin.post(f"{ADMIN}/ban-user", {"userId": "x"}).status_code == 404
    assert admin.post(f"{ADMIN}/ban-user", {"userId": ana.id, "banExpiresIn": 0}).status_code == 400


def test_an_account_is_changed_and_removed(desk: Desk) -> None:
    """A-045: nothing of it is left."""
    admin, ana = admin_of(desk), desk.sign_up("ana")

    def change(**data: Any) -> httpx.Response:
        return admin.post(f"{ADMIN}/update-user", {"userId": ana.id, "data": data})

    assert change(name="Ana B.", email="ANA.B@example.org").json()["user"]["email"] == "ana.b@example.org"
    for wrong in ({}, {"password": NEW}, {"role": "admin"}, {"id": "x"}, {"name": ""}, {"emailVerified": "yes"}):
        assert change(**wrong).status_code == 400, wrong
    assert told_code(change(email="root@example.org")) == (422, "USER_ALREADY_EXISTS")
    assert admin.post(f"{ADMIN}/verify-user-email", {"userId": ana.id}).json()["user"]["emailVerified"]
    assert admin.post(f"{ADMIN}/remove-user", {"userId": ana.id, "softDelete": True}).json() == {"success": True}
    assert details(admin, ana.id)["eraseAt"]
    assert ana.get("/api/auth/get-session").json() is None
    assert admin.post(f"{ADMIN}/remove-user", {"userId": ana.id}).status_code == 200
    assert admin.get(f"{ADMIN}/get-user/{ana.id}").status_code == 404
    entry = admin.get("/api/admin/audit-log", params={"action": "admin.user.updated"}).json()["items"][0]
    assert entry["metadata"]["changes"]["email"] == {"from": "ana@example.org", "to": "ana.b@example.org"}


def test_a_148_a_lock_is_seen_and_lifted(duck_desk: Desk) -> None:
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    auth = duck_desk.server.engine.auth
    assert auth is not None

    for _ in range(10):
        duck_desk.write(lambda tx: auth.context.lockout.failed(tx, "ana@example.org"))
    assert details(admin, ana.id)["lockedUntil"]
    listed = admin.get(f"{ADMIN}/list-users", params={"searchValue": "ana"}).json()["users"]
    assert listed[0]["lockedUntil"]
    assert admin.post(f"{ADMIN}/unlock-user", {"userId": ana.id}).status_code == 200
    assert details(admin, ana.id)["lockedUntil"] is None
    assert duck_desk.audited()[-1] == "admin.user.unlocked"


def test_a_039_a_033_roles_with_how_many_hold_them(desk: Desk) -> None:
    admin = admin_of(desk)
    desk.sign_up("ana", roles=("editor",))
    desk.sign_up("bob", roles=("gone",))
    answer = admin.get(f"{ADMIN}/roles").json()
    assert [each["name"] for each in answer["roles"]] == ["admin", "member", "editor", "moderator", "viewer"]
    by_name = {each["name"]: each for each in answer["roles"]}
    assert by_name["editor"] == {
        "name": "editor", "level": 30, "description": "Writes", "builtIn": False, "users": 1
    }  # fmt: skip
    assert by_name["admin"]["builtIn"]
    assert by_name["member"]["users"] == 1, "who holds a role that is no more counts as the default one"
    assert answer["lost"] == {"gone": 1}


def test_groups_have_members_and_an_end(desk: Desk) -> None:
    admin, ana, bob = admin_of(desk), desk.sign_up("ana"), desk.sign_up("bob")
    members = f"{ADMIN}/groups/finance/members"
    assert admin.post(members, {"userId": ana.id}).status_code == 200
    assert admin.post(members, {"userId": ana.id}).status_code == 200, "once more is no error"
    assert told_code(admin.post(members, {"userId": bob.id})) == (409, "CONFLICT")
    found = admin.get(f"{ADMIN}/groups").json()["groups"]
    assert found == [{"name": "finance", "description": "", "maxMembers": 1, "members": 1}]
    assert [each["name"] for each in admin.get(members).json()["members"]] == ["Ana"]
    assert details(admin, ana.id)["groups"] == ["finance"]
    assert admin.client.delete(f"{members}/{ana.id}").json() == {"success": True}
    assert admin.client.delete(f"{members}/{ana.id}").status_code == 404
    assert admin.post(f"{ADMIN}/groups/none/members", {"userId": ana.id}).status_code == 404


def test_what_somebody_may_is_asked(duck_desk: Desk) -> None:
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")

    def may(**body: Any) -> Any:
        return admin.post(f"{ADMIN}/has-permission", body).json()

    assert may(permissions={"notes": ["read", "create"]}, userId=ana.id) == {"success": True, "error": None}
    assert may(permissions={"notes": ["update"]}, userId=ana.id)["success"] is False
    assert may(permissions={"notes": ["update"]}, role="editor")["success"] is True
    assert may(permissions={"notes": ["delete"]})["success"] is True
    assert may(permissions={"nothing": ["read"]})["code"] == "VALIDATION_ERROR"
    assert may(permissions={"notes": ["fly"]})["code"] == "VALIDATION_ERROR"


def test_numbers_over_time(desk: Desk) -> None:
    """`active_24h` are people: who has left again, and nobody in whose name another acts (§11.1)."""
    admin, ana, bob = admin_of(desk), desk.sign_up("ana"), desk.sign_up("bob")
    ana.post("/api/auth/sign-out")
    overview = "/api/admin/users/overview"
    assert admin.get(overview).json()["totals"]["active_24h"] == 3
    long_ago = ACCOUNTS.update().where(ACCOUNTS.c.id == bob.id)
    bob.post("/api/auth/sign-out")
    desk.write(lambda tx: tx.execute(long_ago.values(last_sign_in_at=tx.time - timedelta(days=2))))
    assert admin.get(overview).json()["totals"]["active_24h"] == 2
    program = desk.client(authorization=f"Bearer {admin.token}")
    assert program.post(f"{ADMIN}/impersonate-user", json={"userId": bob.id}).status_code == 200
    assert admin.get(overview).json()["totals"]["active_24h"] == 2


def test_numbers_point_by_point(desk: Desk) -> None:
    admin = admin_of(desk)
    desk.sign_up("ana")
    for period, interval, points in (("24h", "hour", 24), ("7d", "day", 7), ("30d", "day", 30)):
        found = admin.get("/api/admin/users/overview", params={"period": period}).json()
        assert found["series"]["interval"] == interval
        assert len(found["series"]["points"]) == points
        assert sum(point["signups"] for point in found["series"]["points"]) == 2
        assert sum(point["sessions_started"] for point in found["series"]["points"]) == 2
        assert found["totals"]["users"] == found["totals"]["active_24h"] == found["totals"]["new_in_period"] == 2
        assert found["totals"]["by_role"] == {
            "admin": 1, "member": 1, "editor": 0, "moderator": 0, "viewer": 0
        }  # fmt: skip
    assert admin.get("/api/admin/users/overview", params={"period": "1y"}).status_code == 400


def test_a_161_no_answer_holds_a_secret(duck_desk: Desk) -> None:
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    answers = [
        admin.get(path, params=query).text
        for path, query in (
            (f"{ADMIN}/list-users", {}), (f"{ADMIN}/get-user/{ana.id}", {}), ("/api/admin/users", {}),
            (f"{ADMIN}/list-user-sessions", {"userId": ana.id}), ("/api/admin/sessions", {}),
            ("/api/admin/audit-log", {}), ("/api/admin/audit-log/export", {}), ("/api/admin/outbox", {}),
        )
    ]  # fmt: skip
    hashes = duck_desk.read(lambda reader: reader.rows("SELECT hash FROM auth_credential"))
    tokens = duck_desk.read(lambda reader: reader.rows("SELECT token_hash FROM auth_session"))
    secrets = [ana.token, admin.token, PASSWORD, *(row[0] for row in [*hashes, *tokens])]
    for text in answers:
        assert not [secret for secret in secrets if secret in text]
        assert "argon2" not in text
        json.loads(text.splitlines()[0])


# ── Acting as somebody else ──


def act(admin: Visitor, user: str) -> httpx.Response:
    return admin.post(f"{ADMIN}/impersonate-user", {"userId": user})


def test_a_168_a_169_a_171_acting_as_somebody_and_back(desk: Desk) -> None:
    """T29: for a set time, named in the log with both."""
    admin, ana = admin_of(desk), desk.sign_up("ana")
    own = admin.client.cookies["sid"]
    begun = act(admin, ana.id)
    assert begun.status_code == 200, begun.text
    body = begun.json()
    assert (body["user"]["id"], body["session"]["impersonatedBy"]) == (ana.id, admin.id)
    assert body["session"]["expiresAt"] > body["session"]["createdAt"]
    cookies = begun.headers.get_list("set-cookie")
    assert any(each.startswith("sid-admin=") and "HttpOnly" in each for each in cookies)
    assert any(each.startswith("sid=") and "Max-Age=3600" in each for each in cookies)
    seen = admin.get("/api/auth/get-session").json()
    assert (seen["user"]["id"], seen["session"]["impersonatedBy"]) == (ana.id, admin.id)
    assert told_code(admin.get(f"{ADMIN}/roles")) == (403, "IMPERSONATION_RESTRICTED")
    end = seen["session"]["expiresAt"]
    assert admin.post("/api/auth/session/refresh").json()["session"]["expiresAt"] == end, "it is not extended"
    made = admin.post("/api/tables/notes/records", {"fields": {"text": "by whom?"}})
    assert made.status_code == 201
    out = admin.post(f"{ADMIN}/stop-impersonating")
    assert out.json()["user"]["id"] == admin.id
    assert admin.client.cookies["sid"] == own
    assert "sid-admin" not in admin.client.cookies
    assert admin.get(f"{ADMIN}/roles").status_code == 200
    dead = desk.client(authorization=f"Bearer {body['token']}")
    assert dead.get("/api/auth/get-session").json() is None
    assert admin.post(f"{ADMIN}/stop-impersonating").status_code == 400
    assert desk.guest.post(f"{ADMIN}/stop-impersonating", json={}).status_code == 401
    entries = admin.get("/api/admin/audit-log", params={"action": "admin.impersonation.*"}).json()["items"]
    assert [each["action"].rpartition(".")[2] for each in entries] == ["stopped", "started"]
    assert {each["actor"]["id"] for each in entries} == {admin.id}
    assert {each["resource"]["id"] for each in entries} == {ana.id}
    assert act(admin, "nobody").status_code == 404
    assert act(admin, admin.id).status_code == 400
    assert desk.guest.post(f"{ADMIN}/impersonate-user", json={"userId": ana.id}).status_code == 401
    other = admin_of(desk, "other")
    assert told_code(act(admin, other.id)) == (403, "FORBIDDEN")


def test_a_170_what_only_a_person_may_do_is_refused_meanwhile(duck_desk: Desk) -> None:
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    assert act(admin, ana.id).status_code == 200
    refused = [route for route in all_routes() if is_restricted(route.method, route.path)]
    for route in refused:
        if route.guests:
            continue  # links of mails: their secret decides
        path = concrete(route.path).replace("{table}", "notes")
        answer = ask(admin.client, route.method, path)
        assert told_code(answer) == (403, "IMPERSONATION_RESTRICTED"), f"{route.method} {path}"
    paths = {route.path for route in refused}
    assert {
        "/api/auth/change-password", "/api/auth/change-email", "/api/auth/delete-user", "/api/account/delete",
        "/api/auth/api-keys", f"{ADMIN}/impersonate-user", f"{ADMIN}/set-role",
    } <= paths  # fmt: skip


@pytest.mark.parametrize("pattern", RESTRICTED)
def test_a_170_every_line_of_the_table_means_something(pattern: str) -> None:
    from fnmatch import fnmatchcase

    found = [route.path for route in all_routes() if fnmatchcase(f"{route.method} {route.path}", pattern)]
    assert found


def test_a_172_it_ends_with_the_administrator(desk: Desk) -> None:
    admin, other, ana = admin_of(desk), admin_of(desk, "other"), desk.sign_up("ana")
    bearer = desk.client(authorization=f"Bearer {act(admin, ana.id).json()['token']}")
    assert bearer.get("/api/auth/get-session").json()["user"]["id"] == ana.id
    other.post(f"{ADMIN}/set-role", {"userId": admin.id, "role": "viewer"})
    assert bearer.get("/api/auth/get-session").json() is None
    desk.give(admin.id, "admin")
    again = desk.sign_in("root")
    bearer = desk.client(authorization=f"Bearer {act(again, ana.id).json()['token']}")
    assert bearer.get("/api/auth/get-session").json() is not None
    other.post(f"{ADMIN}/ban-user", {"userId": admin.id})
    assert bearer.get("/api/auth/get-session").json() is None


def test_a_122_a_second_factor_is_reset(duck_desk: Desk) -> None:
    """T32: with an entry in the log; an unknown user is none."""
    admin, ana = admin_of(duck_desk), duck_desk.sign_up("ana")
    answer = admin.post(f"{ADMIN}/reset-two-factor", {"userId": ana.id})
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["twoFactorEnabled"] is False
    assert admin.post(f"{ADMIN}/reset-two-factor", {"userId": "x"}).status_code == 404
    assert "mfa.reset_by_admin" in duck_desk.audited()
