"""Invitations (auth §11.4)."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.http.limit import Limiter
from tests.auth.test_admin import ADMIN, admin_of, told_code
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.clock import MovingClock
from tests.support.server import RunningServer

NEW = "another quiet harbour"


def invite(admin: Visitor, name: str = "eve", **more: Any) -> httpx.Response:
    body = {"email": f"{name}@example.org", "name": name.title(), "role": "editor", **more}
    return admin.post(f"{ADMIN}/invite-user", body)


def mail_of(desk: Desk, answer: httpx.Response) -> str:
    """The words of the mail, as the owner of the folder reads them in the outbox."""
    found = desk.server.local.get(f"/api/admin/outbox/{answer.json()['mailId']}").json()
    return str(found["content"]["text"])


def token_of(desk: Desk, answer: httpx.Response) -> str:
    found = re.search(r"/accept-invitation\?token=([\w-]+)", mail_of(desk, answer))
    assert found
    return found[1]


def test_a_164_invited_accepted_signed_in(desk: Desk) -> None:
    admin = admin_of(desk)
    sent = invite(admin)
    assert sent.status_code == 200, sent.text
    assert sent.json()["invitationSent"] is True
    assert sent.json()["user"]["email"] == "eve@example.org"
    first = token_of(desk, sent)
    again = invite(admin)
    token = token_of(desk, again)
    eve = desk.client()

    def accept(token: str, password: str = NEW) -> httpx.Response:
        return eve.post(f"{ADMIN}/accept-invitation", json={"token": token, "password": password})

    assert told_code(accept(first)) == (400, "INVALID_TOKEN"), "the next one voids the one before"
    assert told_code(accept(token, "short")) == (400, "PASSWORD_TOO_SHORT")
    done = accept(token)
    assert (done.status_code, done.json()["status"]) == (200, "accepted")
    user = done.json()["user"]
    assert (user["role"], user["emailVerified"]) == ("editor", True)
    assert eve.get("/api/auth/get-session").json()["user"]["email"] == "eve@example.org"
    assert told_code(accept(token)) == (400, "INVALID_TOKEN")
    assert told_code(invite(admin)) == (422, "EMAIL_ALREADY_REGISTERED")
    assert told_code(invite(admin, "bob", password=NEW)) == (400, "VALIDATION_ERROR")
    assert told_code(accept("")) == (400, "VALIDATION_ERROR")
    assert [each for each in desk.audited() if each.startswith("invitation")] == [
        "invitation.sent", "invitation.sent", "invitation.accepted"
    ]  # fmt: skip


def test_a_166_t20_no_header_has_a_say_in_the_link(duck_desk: Desk) -> None:
    admin = admin_of(duck_desk)
    port = httpx.URL(duck_desk.server.url).port
    headers = {
        "authorization": f"Bearer {admin.token}", "origin": "https://evil.example", "referer": "https://evil.example/",
        "x-forwarded-host": "evil.example", "host": f"localhost:{port}",
    }  # fmt: skip
    body = {"email": "eve@example.org", "name": "Eve"}
    sent = httpx.post(f"{duck_desk.server.url}{ADMIN}/invite-user", json=body, headers=headers, verify=False)
    assert sent.status_code == 200, sent.text
    text = mail_of(duck_desk, sent)
    assert f"http://localhost:{port}/accept-invitation?token=" in text
    assert "evil" not in text


def test_a_167_the_link_is_for_who_runs_the_server_alone(duck_desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    admin = admin_of(duck_desk)
    sent = invite(admin)
    token = token_of(duck_desk, sent)
    path = f"/api/admin/outbox/{sent.json()['mailId']}"
    assert admin.get(path).json()["content"] is None, "an administrator over the net could act as the other"
    assert token not in admin.get("/api/admin/outbox").text
    assert token not in admin.get("/api/admin/audit-log/export").text
    assert token not in caplog.text
    listed = duck_desk.server.local.get("/api/admin/outbox", params={"limit": 1}).json()
    assert listed["messages"][0]["to"] == "eve@example.org"
    assert duck_desk.server.local.get("/api/admin/outbox/none").status_code == 404
    assert duck_desk.server.local.post(f"{path}/retry").status_code == 409
    assert admin.client.delete(path).status_code == 204
    assert admin.client.delete(path).status_code == 404


def test_the_page_takes_an_invitation_and_opening_it_does_not(duck_desk: Desk) -> None:
    """T28: a scanner of mails opens the link, and it still holds."""
    token = token_of(duck_desk, invite(admin_of(duck_desk)))
    eve = duck_desk.client()
    for _ in range(2):
        shown = eve.get("/accept-invitation", params={"token": token})
        assert (shown.status_code, shown.headers["referrer-policy"]) == (200, "no-referrer")
        assert 'value="Eve"' in shown.text
    assert eve.get("/accept-invitation", params={"token": "x"}).status_code == 400

    def send(**fields: str) -> httpx.Response:
        return eve.post("/accept-invitation", data={"token": token, "name": "Eve", **fields})

    assert send(newPassword=NEW, repeated="another").status_code == 400
    assert send(newPassword="short", repeated="short").status_code == 400
    done = send(newPassword=NEW, repeated=NEW)
    assert done.status_code == 200
    assert eve.get("/api/auth/get-session").json()["user"]["name"] == "Eve"
    spent = send(newPassword=NEW, repeated=NEW)
    assert spent.status_code == 400
    assert "<form" not in spent.text


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[RunningServer]:
    limiter = Limiter(clock.seconds)
    with RunningServer(DESK, tmp_path_factory.mktemp("clocked"), clock=clock, limiter=limiter) as server:
        yield server


def test_a_164_an_invitation_expires(clocked: RunningServer, clock: MovingClock) -> None:
    desk = Desk(clocked)
    admin = admin_of(desk)
    token = token_of(desk, invite(admin))
    clock.forward(days=3, seconds=1)
    body = {"token": token, "password": NEW}
    assert told_code(desk.guest.post(f"{ADMIN}/accept-invitation", json=body)) == (410, "TOKEN_EXPIRED")
    assert desk.guest.get("/accept-invitation", params={"token": token}).status_code == 410
    desk.close()


def test_a_168_acting_ends_after_its_time_and_bans_lift_after_theirs(
    clocked: RunningServer, clock: MovingClock
) -> None:
    """A-082, A-160."""
    desk = Desk(clocked)
    desk.clear()
    admin, ana = admin_of(desk), desk.sign_up("ana")
    acting = admin.post(f"{ADMIN}/impersonate-user", {"userId": ana.id}).json()["token"]
    bearer = desk.client(authorization=f"Bearer {acting}")
    clock.forward(3599)
    assert bearer.get("/api/auth/get-session").json() is not None
    clock.forward(2)
    assert bearer.get("/api/auth/get-session").json() is None
    again = desk.sign_in("root")
    again.post(f"{ADMIN}/ban-user", {"userId": ana.id, "banExpiresIn": 60})
    body = {"email": "ana@example.org", "password": PASSWORD}
    assert desk.guest.post("/api/auth/sign-in/email", json=body).status_code == 403
    clock.forward(61)
    assert desk.guest.post("/api/auth/sign-in/email", json=body).status_code == 200
    desk.close()
