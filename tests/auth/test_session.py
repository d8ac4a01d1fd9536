"""Sessions through the door (auth §6)."""

import base64
import hmac
import json
from typing import Any

from tests.support.accounts import PASSWORD, Desk


def test_a_076_sign_up_out_in_and_the_session_between(desk: Desk) -> None:
    """A-072, A-055…A-058, A-060, A-061, A-076, A-077: the whole round; the case of the address does not matter."""
    ana = desk.sign_up("ana")
    found = ana.get("/api/auth/get-session").json()
    assert found["user"]["id"] == ana.id
    assert {"email", "name"} <= found["user"].keys()
    assert found["session"]["isCurrent"]
    assert found["session"]["createdAt"] < found["session"]["expiresAt"]
    assert ana.get("/api/tables/notes/records").status_code == 200
    out = ana.post("/api/auth/sign-out")
    assert (out.status_code, out.json()) == (200, {"success": True})
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert ana.get("/api/auth/get-session").json() is None
    bearer = desk.client(authorization=f"Bearer {ana.token}")
    assert bearer.get("/api/tables/notes/records").status_code == 401
    assert desk.guest.post("/api/auth/sign-out", json={}).status_code == 401
    again = desk.guest.post("/api/auth/sign-in/email", json={"email": "ANA@example.org", "password": PASSWORD})
    assert (again.status_code, again.json()["user"]["id"]) == (200, ana.id)
    bearer = desk.client(authorization=f"Bearer {again.json()['token']}")
    assert bearer.get("/api/auth/get-session").json()["user"]["email"] == "ana@example.org"
    assert desk.audited() == ["user.signed_up", "session.created", "session.ended", "session.created"]


def test_a_062_a_063_a_064_a_065_own_sessions_are_listed_and_revoked(desk: Desk) -> None:
    ana, bob = desk.sign_up("ana"), desk.sign_up("bob")
    other, third = desk.sign_in("ana"), desk.sign_in("ana")
    assert desk.guest.get("/api/auth/list-sessions").status_code == 401
    listed = ana.get("/api/auth/list-sessions").json()
    assert [each["isCurrent"] for each in listed] == [False, False, True]
    assert all(each["device"] == "Python" and each["createdAt"] for each in listed)
    assert not {ana.token, other.token} & {each["token"] for each in listed}, "a handle opens nothing"
    theirs = bob.get("/api/auth/list-sessions").json()[0]["id"]
    assert ana.post("/api/auth/revoke-session", {"id": theirs}).status_code == 404
    assert bob.get("/api/tables/notes/records").status_code == 200
    assert ana.post("/api/auth/revoke-session", {"token": "nothing"}).status_code == 404
    assert ana.post("/api/auth/revoke-session", {}).status_code == 400
    assert desk.guest.post("/api/auth/revoke-session", json={"id": theirs}).status_code == 401
    newest = listed[0]["id"]
    assert ana.post("/api/auth/revoke-session", {"id": newest}).json() == {"status": True, "revoked": 1}
    assert third.get("/api/tables/notes/records").status_code == 401
    assert ana.post("/api/auth/revoke-other-sessions").json() == {"status": True, "revoked": 1}
    assert other.get("/api/tables/notes/records").status_code == 401
    assert ana.post("/api/auth/revoke-other-sessions").json()["revoked"] == 0
    assert ana.post("/api/auth/revoke-sessions").json() == {"status": True, "revoked": 1}
    assert ana.get("/api/auth/list-sessions").status_code == 401


def test_a_bearer_and_a_cookie_must_agree(duck_desk: Desk) -> None:
    ana, bob = duck_desk.sign_up("ana"), duck_desk.sign_up("bob")
    assert ana.get("/api/tables/notes/records", headers={"Authorization": f"Bearer {ana.token}"}).status_code == 200
    assert ana.get("/api/tables/notes/records", headers={"Authorization": f"Bearer {bob.token}"}).status_code == 401


def test_a_forged_cookie_opens_nothing(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    cookie = ana.client.cookies["sid"]
    changed = cookie[:-1] + ("x" if cookie[-1] != "x" else "y")
    for value in (ana.token, ana.token + ".", changed, "." + cookie, "é", ""):
        answer = duck_desk.guest.get("/api/tables/notes/records", headers={"Cookie": f"sid={value}".encode()})
        assert answer.status_code == 401, value
    assert duck_desk.guest.get("/api/tables/notes/records", headers={"Cookie": f"sid={cookie}"}).status_code == 200


def test_what_looks_like_a_jwt_opens_nothing(duck_desk: Desk) -> None:
    """Sessions are random bytes; claims that somebody wrote are no proof, whatever algorithm they name."""
    ana = duck_desk.sign_up("ana", roles=("admin",))
    claims = {"sub": ana.id, "role": "service_role", "user_role": "admin", "exp": 4_102_444_800}
    for algorithm in ("none", "None", "HS256", "RS256", "ES256"):
        parts = [b64(each) for each in ({"alg": algorithm, "typ": "JWT", "kid": "../../dev/null"}, claims)]
        signed = ".".join(parts).encode()
        proofs = (
            "",
            b64(claims),
            *(b64(hmac.digest(key, signed, "sha256")) for key in (b"", b"secret", ana.id.encode())),
        )
        for proof in proofs:
            token = f"{'.'.join(parts)}.{proof}"
            for headers in ({"authorization": f"Bearer {token}"}, {"cookie": f"sid={token}"}, {"apikey": token}):
                answer = duck_desk.guest.get("/api/tables/notes/records", headers=headers)
                assert answer.status_code == 401, (algorithm, headers)


def b64(part: Any) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_a_034_a_role_holds_from_the_next_request(desk: Desk) -> None:
    ana = desk.sign_up("ana")
    made = ana.post("/api/tables/notes/records", {"fields": {"text": "one"}}).json()["id"]
    change = {"fields": {"text": "two"}}
    assert ana.client.patch(f"/api/tables/notes/records/{made}", json=change).status_code == 404
    desk.give(ana.id, "editor")
    assert ana.client.patch(f"/api/tables/notes/records/{made}", json=change).status_code == 200


def test_a_149_without_accounts_the_addresses_are_unknown(tmp_path) -> None:
    from tests.support.server import RunningServer

    with RunningServer("name: open\ntables: []\n", tmp_path) as server:
        unknown = server.http.get("/api/nothing")
        for path in (
            "/api/auth/sign-in/email",
            "/api/auth/get-session",
            "/api/auth/admin/ban-user",
            "/api/admin/users",
        ):
            for method in ("GET", "POST", "PUT"):
                answer = server.http.request(method, path, json=None if method == "GET" else {})
                assert (answer.status_code, answer.content) == (404, unknown.content), (method, path)


def test_a_034_what_was_found_with_other_rights_is_asked_for_anew(desk: Desk) -> None:
    """A-034: rows of an SQL run, their export, the file of a job. What they held was readable then, and is not now."""
    eve, admin = desk.sign_up("eve", roles=("admin",)), desk.sign_up("root", roles=("admin",))
    console = "/api/console"
    eve.post("/api/tables/notes/records", {"fields": {"text": "x"}})
    run = eve.post(f"{console}/sql", {"sql": "select email from auth_user"}).json()["id"]
    assert eve.get(f"{console}/sql/{run}", params={"wait": "5000"}).json()["state"] == "done"
    window, body = f"{console}/sql/{run}/0/window", {"run": run, "format": "csv"}
    assert len(eve.get(window).json()["rows"]) == 2
    job = eve.post(f"{console}/exports", body).json()["id"]
    file = f"{console}/jobs/{job}/file"
    while eve.get(file).status_code == 404:
        assert eve.get(f"{console}/jobs/{job}").json()["state"] in ("running", "done")
    assert "root@example.org" in eve.get(file).text
    assert len(admin.get(window).json()["rows"]) == 2, "an administrator sees what others run"
    desk.give(eve.id, "member")
    asked = [eve.get(window), eve.get(file), eve.post(f"{console}/exports", body)]
    assert [(each.status_code, each.json()["message"]) for each in asked] == [
        (404, "Your rights have changed since")
    ] * 3
    assert eve.get(f"{console}/jobs/{job}").status_code == 200, "that there was one is no secret"
