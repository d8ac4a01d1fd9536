"""How long sessions last, how many there are, and to whom they are bound (auth §6.1)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from core.auth.store import SESSIONS, TOKENS
from core.auth.upkeep import Upkeep
from core.errors import StorageError
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.clock import MovingClock
from tests.support.server import RunningServer

BOUND = DESK.replace(
    "  roles:", "  session: {bind: both, maxPerUser: 2, expiresIn: 864000, updateAge: 86400}\n  roles:"
)


class Town:
    """A desk whose time is moved by hand."""

    def __init__(self, folder: Path, app: str) -> None:
        self.clock = MovingClock()
        self.server = RunningServer(app, folder, clock=self.clock)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    found = Town(tmp_path_factory.mktemp("bound"), BOUND)
    with found.server:
        yield found


@pytest.fixture
def bound(town: Town) -> Iterator[Desk]:
    desk = Desk(town.server)
    desk.clear()
    yield desk
    desk.close()


def sessions(desk: Desk) -> int:
    return int(desk.read(lambda reader: reader.scalar("SELECT count(*) FROM auth_session")))


def sign_in(desk: Desk, **more: object) -> httpx.Response:
    return desk.client().post(
        "/api/auth/sign-in/email", json={"email": "ana@example.org", "password": PASSWORD, **more}
    )


def expires(desk: Desk) -> datetime:
    return max(row[0] for row in desk.read(lambda reader: reader.rows("SELECT expires_at FROM auth_session")))


def test_a_068_the_third_sign_in_ends_the_oldest_session(bound: Desk, town: Town) -> None:
    first = bound.sign_up("ana")
    town.clock.forward(1)
    second = bound.sign_in("ana")
    town.clock.forward(1)
    third = bound.sign_in("ana")
    alive = [each.get("/api/auth/get-session").json() is not None for each in (first, second, third)]
    assert alive == [False, True, True]


def test_a_069_a_session_shown_from_elsewhere_opens_nothing_and_is_told_to_the_log(bound: Desk, town: Town) -> None:
    ana = bound.sign_up("ana")
    for _ in range(3):
        refused = ana.get("/api/tables/notes/records", headers={"User-Agent": "another browser"})
        assert (refused.status_code, refused.json()["code"]) == (401, "SESSION_BINDING")
    assert bound.audited().count("session.binding_mismatch") == 1, "once a minute"
    town.clock.forward(61)
    ana.get("/api/tables/notes/records", headers={"User-Agent": "another browser"})
    assert bound.audited().count("session.binding_mismatch") == 2
    assert ana.get("/api/tables/notes/records").status_code == 200, "the owner goes on"
    moved = {"User-Agent": "another browser"}
    assert ana.get("/api/health", headers=moved).status_code == 200
    again = ana.post("/api/auth/sign-in/email", {"email": "ana@example.org", "password": PASSWORD}, headers=moved)
    assert again.status_code == 200, "whose browser has changed signs in anew"
    assert ana.get("/api/tables/notes/records", headers=moved).status_code == 200


def test_a_067_a_session_slides_once_in_its_time_and_no_more(bound: Desk, town: Town) -> None:
    ana = bound.sign_up("ana")
    begun = expires(bound)
    town.clock.forward(hours=23)
    assert ana.get("/api/tables/notes/records").status_code == 200
    assert expires(bound) == begun
    town.clock.forward(hours=2)
    assert ana.get("/api/tables/notes/records").status_code == 200
    slid = expires(bound)
    assert slid - begun == timedelta(hours=25)
    assert ana.get("/api/tables/notes/records").status_code == 200
    assert expires(bound) == slid


def test_a_067_the_cookie_lasts_as_long_as_the_session(bound: Desk, town: Town) -> None:
    """§6: a browser that is used keeps its session; what was chosen to end with the browser goes on to."""
    ana, who = bound.sign_up("ana"), "/api/auth/get-session"
    town.clock.forward(hours=23)
    assert "set-cookie" not in ana.get(who).headers
    town.clock.forward(hours=2)
    slid = ana.get(who)
    assert f"sid={ana.client.cookies['sid']}; HttpOnly; Max-Age=864000; " in slid.headers["set-cookie"]
    assert "set-cookie" not in ana.get(who).headers
    town.clock.forward(hours=1)
    assert "Max-Age=864000; " in ana.post("/api/auth/session/refresh").headers["set-cookie"]
    town.clock.forward(hours=5)
    body = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD}, again"}
    changed = ana.post("/api/auth/change-password", body)
    assert "Max-Age=846000; " in changed.headers["set-cookie"], "another secret, no other end"
    town.clock.forward(days=2)
    assert "Max-Age=0" in ana.post("/api/auth/sign-out").headers["set-cookie"]
    bearer = bound.client(authorization=f"Bearer {bound.sign_up('bob').token}")
    town.clock.forward(days=2)
    assert "set-cookie" not in bearer.get(who).headers


def test_t35_a_clock_that_is_put_back_prolongs_nothing_that_is_used(bound: Desk, town: Town) -> None:
    """T35: a session that was used before a correction of the clock lasts from then on as long as any other, and so does one
    that nobody shows any more; acting as somebody else, whose length is fixed, ends. What other servers differ by is no
    correction."""
    admin, ana = bound.sign_up("root", roles=("admin",)), bound.sign_up("ana")
    bound.sign_up("bob")
    town.clock.forward(days=30)
    admin, ana = bound.sign_in("root"), bound.sign_in("ana")
    bound.sign_in("bob")
    acting = admin.post("/api/auth/admin/impersonate-user", {"userId": ana.id})
    assert acting.status_code == 200
    town.clock.forward(seconds=-30)
    begun = expires(bound)
    assert ana.get("/api/tables/notes/records").status_code == 200
    assert expires(bound) == begun
    assert admin.get("/api/auth/get-session").json()["session"]["impersonatedBy"]
    town.clock.forward(days=-29)
    assert admin.get("/api/auth/get-session").json() is None
    assert ana.get("/api/tables/notes/records").status_code == 200
    lasts = ana.get("/api/auth/get-session").json()["session"]["expiresAt"]
    assert datetime.fromisoformat(lasts) == town.clock() + timedelta(days=10)
    auth = bound.server.engine.auth
    assert auth is not None
    auth.upkeep.run()
    latest = bound.read(lambda reader: reader.scalar(select(func.max(SESSIONS.c.expires_at))))
    assert latest == town.clock() + timedelta(days=10)


def test_a_067_an_old_proof_is_no_fresh_one(bound: Desk, town: Town) -> None:
    ana = bound.sign_up("ana")
    town.clock.forward(hours=25)
    for path, body in (("change-email", {"newEmail": "anna@example.org"}), ("delete-user", {})):
        assert ana.post(f"/api/auth/{path}", body).json()["code"] == "SESSION_NOT_FRESH", path
    assert ana.post("/api/auth/verify-password", {"password": PASSWORD}).status_code == 200
    assert ana.post("/api/auth/change-email", {"newEmail": "anna@example.org"}).status_code == 200


def test_a_059_an_expired_session_opens_nothing_and_is_swept(bound: Desk, town: Town) -> None:
    """Links that have expired go as well, a day later."""
    ana = bound.sign_up("ana")
    bound.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    town.clock.forward(days=11)
    assert ana.get("/api/auth/get-session").json() is None
    assert sessions(bound) == 1
    auth = bound.server.engine.auth
    assert auth is not None
    auth.upkeep.run()
    assert sessions(bound) == 0
    assert bound.read(lambda reader: reader.scalar(f"SELECT count(*) FROM {TOKENS.name}")) == 0


def test_a_079_how_long_it_lasts_is_asked_for_at_the_sign_in(bound: Desk, town: Town) -> None:
    bound.sign_up("ana")
    long = sign_in(bound, rememberMe=True)
    assert "Max-Age=864000" in long.headers["set-cookie"]
    assert expires(bound) - town.clock.now == timedelta(days=10)
    bound.write(lambda tx: tx.execute(SESSIONS.delete()))
    short = sign_in(bound, rememberMe=False)
    assert "Max-Age" not in short.headers["set-cookie"]
    assert expires(bound) - town.clock.now == timedelta(days=1)


def test_when_a_session_was_seen_is_kept_at_the_next_upkeep(bound: Desk, town: Town) -> None:
    ana = bound.sign_up("ana")
    town.clock.forward(minutes=5)
    ana.get("/api/tables/notes/records")
    auth = bound.server.engine.auth
    assert auth is not None
    auth.upkeep.run()
    seen = bound.read(lambda reader: reader.scalar("SELECT last_seen_at FROM auth_session"))
    assert seen == town.clock.now


def test_upkeep_goes_on_after_a_task_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def refused() -> None:
        raise StorageError("the disk is gone")

    def broken() -> None:
        raise RuntimeError("a mistake of ours")

    Upkeep((refused, broken, lambda: done.append("done"))).run()
    assert done == ["done"]
    assert "the disk is gone" in caplog.text
    assert "a mistake of ours" in caplog.text


def test_a_060_a_stolen_cookie_dies_with_the_session_on_every_address(duck_desk: Desk) -> None:
    """T4: also the secret of before a sign-in opens nothing after it."""
    ana = duck_desk.sign_up("ana")
    cookie = {"Cookie": f"sid={ana.client.cookies['sid']}"}
    ana.post("/api/auth/sign-out")
    again = duck_desk.sign_in("ana")
    assert again.client.cookies["sid"] != cookie["Cookie"].removeprefix("sid=")
    paths = ("/api/tables", "/api/tables/notes/records", "/api/auth/list-sessions", "/api/account/export")
    for path in paths:
        assert duck_desk.guest.get(path, headers=cookie).status_code == 401, path


def test_cookies_of_several_servers_are_signed_with_what_they_share(tmp_path: Path) -> None:
    """`AUTH_SECRET`: the same value is read, whatever the master keys are."""
    from core.auth.session import Sessions
    from core.schema.auth import SessionSpec
    from core.schema.role import Roles
    from core.secrets.envelope import MasterKey, Secrets

    def server(key: int, secret: str | None) -> Sessions:
        secrets = Secrets(MasterKey(bytes([key]) * 32))
        unread: Any = SimpleNamespace(fresh_seconds=1.0)
        return Sessions(unread, SessionSpec(), Roles(), secrets, MovingClock(), cookie_secret=secret)

    value = server(1, "a long shared secret").sign("x" * 43)
    assert server(2, "a long shared secret").unsign(value) == "x" * 43
    assert server(1, "another shared secret").unsign(value) is None
    assert server(1, None).unsign(value) is None
