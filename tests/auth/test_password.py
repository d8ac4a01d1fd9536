"""Passwords: shown once more, changed, forgotten; their hashes (auth §5, §7.1, §7.3)."""

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import bcrypt
import httpx
import pytest

from core.auth import neutral, password
from core.auth.account import set_password
from core.auth.address import normal_email
from core.auth.error import AuthError
from core.auth.password import Hasher
from core.auth.store import ACCOUNTS, CREDENTIALS, SESSIONS, TOKENS
from tests.support.accounts import PASSWORD, Desk
from tests.support.mailbox import Mailbox

NEW = "a louder harbour at noon"
FORGOT, RESET = "/api/auth/request-password-reset", "/api/auth/reset-password"


def forget(desk: Desk, name: str = "ana", **more: str) -> httpx.Response:
    return desk.guest.post(FORGOT, json={"email": f"{name}@example.org", **more})


def token_of(mails: Mailbox, name: str = "ana") -> str:
    return httpx.URL(mails.link("resetPassword", name)).params["token"]


def sign_in(desk: Desk, password: str, name: str = "ana") -> httpx.Response:
    return desk.client().post("/api/auth/sign-in/email", json={"email": f"{name}@example.org", "password": password})


# ── Forgotten ──


def test_a_092_a_forgotten_password_is_answered_alike_for_everybody(desk: Desk) -> None:
    """A-093: also the case of the address does not matter."""
    mails = Mailbox(desk)
    desk.sign_up("ana")
    known, unknown = forget(desk, "ANA", redirectTo="/choose"), forget(desk, "nobody", redirectTo="/choose")
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.json()["status"] is True
    assert mails.told() == [("resetPassword", "ana")], "and no mail to who has no account"
    link = mails.link("resetPassword", "ana")
    assert link.endswith("?callbackURL=%2Fchoose")
    followed = desk.guest.get(link)
    assert followed.status_code == 302
    assert followed.headers["location"].startswith("/choose?token=")
    token = httpx.URL(followed.headers["location"]).params["token"]
    assert desk.guest.post(RESET, json={"token": token, "newPassword": NEW}).status_code == 200
    assert desk.guest.get(link).headers["location"] == "/choose?error=INVALID_TOKEN"
    assert desk.guest.post(FORGOT, json={}).status_code == 400
    assert desk.guest.post(FORGOT, json={"email": "nobody"}).status_code == 400
    refused = forget(desk, redirectTo="https://evil.example/")
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_CALLBACK_URL")


def test_a_092_what_is_done_does_not_depend_on_the_account(duck_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: the same statements but for the mail that is taken back."""
    duck_desk.sign_up("ana")
    Mailbox(duck_desk)
    auth = duck_desk.server.engine.auth
    assert auth is not None
    calls: list[str] = []
    context = auth.context
    for service, name in ((context.tokens, "issue_link"), (context.post.queue, "put"), (context.audit, "write")):
        real = getattr(service, name)

        def counted(*given: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            calls.append(_name)
            return _real(*given, **more)

        monkeypatch.setattr(service, name, counted)
    forget(duck_desk, "ana")
    known, calls[:] = list(calls), []
    forget(duck_desk, "nobody")
    assert calls == known == ["issue_link", "put", "write"]


async def test_t_3_a_neutral_answer_comes_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However soon the work is done, and however it ends."""
    monkeypatch.setattr(neutral, "LEAST_SECONDS", 0.02)
    loop = asyncio.get_running_loop()
    for error in (None, AuthError("INVALID_EMAIL")):
        begun = loop.time()
        with pytest.raises(AuthError) if error else nullcontext():
            async with neutral.neutrally():
                if error:
                    raise error
        assert loop.time() - begun >= 0.02


def test_a_094_a_second_request_voids_the_first_link(desk: Desk) -> None:
    mails = Mailbox(desk)
    desk.sign_up("ana")
    forget(desk)
    first = token_of(mails)
    forget(desk)
    assert desk.guest.post(RESET, json={"token": first, "newPassword": NEW}).status_code == 401
    assert desk.guest.post(RESET, json={"token": token_of(mails), "newPassword": NEW}).status_code == 200


def test_a_095_a_096_a_reset_and_its_refusals(desk: Desk) -> None:
    mails = Mailbox(desk)
    ana, other = desk.sign_up("ana"), desk.sign_in("ana")
    forget(desk)
    token = token_of(mails)
    assert desk.guest.post(RESET, json={"token": token}).status_code == 400
    assert desk.guest.post(RESET, json={"newPassword": NEW}).status_code == 400
    short = desk.guest.post(RESET, json={"token": token, "newPassword": "x"})
    assert (short.status_code, short.json()["code"]) == (400, "PASSWORD_TOO_SHORT")
    assert desk.guest.post(RESET, json={"token": "nothing", "newPassword": NEW}).status_code == 401
    assert desk.guest.post(f"{RESET}?token={token}", json={"newPassword": NEW}).json() == {"status": True}
    for session in (ana, other):
        assert session.get("/api/auth/get-session").json() is None
    assert (sign_in(desk, PASSWORD).status_code, sign_in(desk, NEW).status_code) == (401, 200)
    assert desk.guest.post(RESET, json={"token": token, "newPassword": NEW}).status_code == 401
    assert mails.told()[-1] == ("passwordChanged", "ana")
    assert "password.reset" in desk.audited()
    forget(desk)
    desk.write(lambda tx: tx.execute(TOKENS.update().values(expires_at=TOKENS.c.created_at)))
    late = desk.guest.post(RESET, json={"token": token_of(mails), "newPassword": NEW})
    assert (late.status_code, late.json()["code"]) == (401, "TOKEN_EXPIRED")


def test_a_banned_account_gets_no_link(duck_desk: Desk) -> None:
    mails = Mailbox(duck_desk)
    duck_desk.sign_up("ana")
    duck_desk.write(lambda tx: tx.execute(ACCOUNTS.update().values(banned=True)))
    assert forget(duck_desk).status_code == 200
    assert mails.told() == []


def test_t_19_who_signed_up_with_somebody_elses_address_keeps_nothing(duck_desk: Desk) -> None:
    """The owner of the address takes the account by a reset: sessions, the password and keys of before open nothing."""
    mails = Mailbox(duck_desk)
    thief = duck_desk.sign_up("ana")
    key = thief.post("/api/auth/api-keys", {"name": "back door"}).json()["key"]
    by_key = duck_desk.client(authorization=f"Bearer {key}")
    assert by_key.get("/api/tables/notes/records").status_code == 200
    forget(duck_desk)
    duck_desk.guest.post(RESET, json={"token": token_of(mails), "newPassword": NEW})
    assert by_key.get("/api/tables/notes/records").status_code == 401
    assert thief.get("/api/tables/notes/records").status_code == 401
    assert sign_in(duck_desk, PASSWORD).status_code == 401
    assert "apikey.revoked" in duck_desk.audited()
    ana = duck_desk.sign_in("ana", password=NEW)
    key = ana.post("/api/auth/api-keys", {"name": "her own"}).json()["key"]
    forget(duck_desk)
    duck_desk.guest.post(RESET, json={"token": token_of(mails), "newPassword": PASSWORD})
    by_key = duck_desk.client(authorization=f"Bearer {key}")
    assert by_key.get("/api/tables/notes/records").status_code == 200, "a later reset leaves keys alone"


def test_a_046_a_link_that_comes_twelve_times_at_once_works_once(desk: Desk) -> None:
    """T33"""
    mails = Mailbox(desk)
    desk.sign_up("ana")
    forget(desk)
    body = {"token": token_of(mails), "newPassword": NEW}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: desk.guest.post(RESET, json=body).status_code, range(12)))
    assert sorted(answers) == [200] + [401] * 11


def test_a_252_the_log_of_errors_holds_no_link(
    duck_desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mails = Mailbox(duck_desk)
    duck_desk.sign_up("ana")
    forget(duck_desk, redirectTo="/choose")
    auth = duck_desk.server.engine.auth
    assert auth is not None

    async def broken(secret: str) -> bool:
        raise RuntimeError("broken")

    monkeypatch.setattr(auth.recovery, "is_open", broken)
    assert duck_desk.guest.get(mails.link("resetPassword", "ana")).status_code == 500
    assert "/api/auth/reset-password/…?callbackURL=%2Fchoose → 500" in caplog.text
    assert token_of_link(mails) not in caplog.text


def token_of_link(mails: Mailbox) -> str:
    return httpx.URL(mails.link("resetPassword", "ana")).path.rpartition("/")[2]


# ── Changed ──


def test_a_097_a_071_a_change_of_password(desk: Desk) -> None:
    """The session goes on under a new secret, the others end."""
    mails = Mailbox(desk)
    ana, other = desk.sign_up("ana"), desk.sign_in("ana")
    before, path = ana.client.cookies["sid"], "/api/auth/change-password"
    both = {"currentPassword": PASSWORD, "newPassword": NEW}
    for missing in both:
        assert ana.post(path, {name: value for name, value in both.items() if name != missing}).status_code == 400
    assert ana.post(path, {**both, "newPassword": "x"}).json()["code"] == "PASSWORD_TOO_SHORT"
    assert desk.guest.post(path, json=both).status_code == 401
    wrong = ana.post(path, {**both, "currentPassword": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_PASSWORD")
    same = ana.post(path, {**both, "newPassword": PASSWORD})
    assert (same.status_code, same.json()["code"]) == (400, "PASSWORD_UNCHANGED")
    assert other.get("/api/tables/notes/records").status_code == 200, "nothing has changed so far"
    changed = ana.post(path, both)
    assert changed.status_code == 200, changed.text
    assert changed.json()["user"]["id"] == ana.id
    assert ana.client.cookies["sid"] != before
    assert ana.get("/api/tables/notes/records").status_code == 200
    assert other.get("/api/tables/notes/records").status_code == 401
    for stale in (ana.token, other.token):
        bearer = desk.client(authorization=f"Bearer {stale}")
        assert bearer.get("/api/tables/notes/records").status_code == 401
    fresh = desk.client(authorization=f"Bearer {changed.json()['token']}")
    assert fresh.get("/api/tables/notes/records").status_code == 200
    assert (sign_in(desk, PASSWORD).status_code, sign_in(desk, NEW).status_code) == (401, 200)
    assert mails.told() == [("passwordChanged", "ana")]
    assert "password.changed" in desk.audited()


def test_a_097_other_sessions_stay_where_that_is_wanted(duck_desk: Desk) -> None:
    ana, other = duck_desk.sign_up("ana"), duck_desk.sign_in("ana")
    body = {"currentPassword": PASSWORD, "newPassword": NEW, "revokeOtherSessions": False}
    assert ana.post("/api/auth/change-password", body).status_code == 200
    assert other.get("/api/tables/notes/records").status_code == 200


def test_a_link_to_reset_dies_with_a_change_of_the_password(duck_desk: Desk) -> None:
    mails = Mailbox(duck_desk)
    ana = duck_desk.sign_up("ana")
    forget(duck_desk)
    ana.post("/api/auth/change-password", {"currentPassword": PASSWORD, "newPassword": NEW})
    assert duck_desk.guest.post(RESET, json={"token": token_of(mails), "newPassword": PASSWORD}).status_code == 401


def test_a_password_is_set_once_where_there_is_none(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    path = "/api/auth/set-password"
    assert ana.post(path, {"newPassword": NEW}).json()["code"] == "PASSWORD_ALREADY_SET"
    duck_desk.write(lambda tx: tx.execute(CREDENTIALS.delete()))
    duck_desk.write(lambda tx: tx.execute(SESSIONS.update().values(fresh_at="2026-01-01T00:00:00+00:00")))
    old = ana.post(path, {"newPassword": NEW})
    assert (old.status_code, old.json()["code"]) == (403, "SESSION_NOT_FRESH")
    duck_desk.write(lambda tx: tx.execute(SESSIONS.update().values(fresh_at=tx.time)))
    assert ana.post(path, {"newPassword": NEW}).status_code == 200
    assert sign_in(duck_desk, NEW).status_code == 200


def test_a_067_showing_the_password_makes_a_session_fresh(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    duck_desk.write(lambda tx: tx.execute(SESSIONS.update().values(fresh_at="2026-01-01T00:00:00+00:00")))
    for path, body in (("change-email", {"newEmail": "anna@example.org"}), ("delete-user", {})):
        refused = ana.post(f"/api/auth/{path}", body)
        assert (refused.status_code, refused.json()["code"]) == (403, "SESSION_NOT_FRESH"), path
    wrong = ana.post("/api/auth/verify-password", {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_PASSWORD")
    assert ana.post("/api/auth/verify-password", {}).status_code == 400
    assert duck_desk.guest.post("/api/auth/verify-password", json={"password": PASSWORD}).status_code == 401
    assert ana.post("/api/auth/verify-password", {"password": PASSWORD}).json() == {"status": True}
    assert ana.post("/api/auth/change-email", {"newEmail": "anna@example.org"}).status_code == 200


# ── Signing up and in ──


def test_a_072_a_073_signing_up_and_its_refusals(duck_desk: Desk) -> None:
    good = {"name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    path = "/api/auth/sign-up/email"
    for missing, status in (("name", 422), ("email", 400), ("password", 400)):
        body = {name: value for name, value in good.items() if name != missing}
        assert duck_desk.guest.post(path, json=body).status_code == status, missing
    assert duck_desk.guest.post(path, json={**good, "email": "ana"}).status_code == 400
    short = duck_desk.guest.post(path, json={**good, "password": "short"})
    assert (short.status_code, short.json()["code"]) == (400, "PASSWORD_TOO_SHORT")
    joined = duck_desk.guest.post(path, json=good)
    assert (joined.status_code, joined.json()["user"]["email"]) == (200, "ana@example.org")
    for same in ("ANA@example.org", "ａｎａ@example.org"):
        again = duck_desk.guest.post(path, json={**good, "email": same})
        assert (again.status_code, again.json()["code"]) == (422, "USER_ALREADY_EXISTS"), "A-074"


def test_a_074_an_address_has_one_spelling() -> None:
    """Also of a domain in another script, which is one with its ASCII form and with no other domain."""
    assert normal_email("Ana@BÜCHER.example") == normal_email("ana@xn--bcher-kva.example") == "ana@bücher.example"
    assert normal_email("ana@xn--strae-oqa.example") == "ana@straße.example"
    assert normal_email("ana@strasse.example") != normal_email("ana@straße.example")
    for wrong in (
        "xn--",
        "xn--example-",
        "xn--\u00fc",
        "xn--BCHER-kvaa9",
        "xn--a-ecp.ru-9",
        "xn--a@b-3xa",
        "xn--99999999999",
    ):
        with pytest.raises(AuthError):
            normal_email(f"ana@{wrong}.example")


def test_a_075_names_lose_their_markup_and_keep_their_letters(duck_desk: Desk) -> None:
    """Also what is a mark only once another is gone, and what an entity or an unseen character hides (T9, T10)."""
    names = {
        "<b>Ana</b>": "Ana",
        "Eve<script>alert(1)</script>": "Eve",
        "Łukasz 李": "Łukasz 李",
        "Tom & Jerry <3": "Tom & Jerry <3",
        "Ida<<b>i>x": "Idax",
        "Uma<\u200ei>x\x1b": "Umax",
        "&lt;i&gt;Ola": "&lt;i&gt;Ola",
    }
    for number, (typed, kept) in enumerate(names.items()):
        body = {"name": typed, "email": f"n{number}@example.org", "password": PASSWORD}
        assert duck_desk.guest.post("/api/auth/sign-up/email", json=body).json()["user"]["name"] == kept


def test_a_078_refusals_of_signing_in_say_nothing_of_accounts(duck_desk: Desk) -> None:
    """T3"""
    duck_desk.sign_up("ana")
    path, guest = "/api/auth/sign-in/email", duck_desk.client()
    assert guest.post(path, json={"password": PASSWORD}).status_code == 400
    assert guest.post(path, json={"email": "ana@example.org"}).status_code == 400
    for malformed in ("ana", "ana\u200b@example.org", "ana\u202e@example.org", "ana\n@example.org"):
        assert guest.post(path, json={"email": malformed, "password": PASSWORD}).status_code == 400
    wrong, unknown = sign_in(duck_desk, "wrong password"), sign_in(duck_desk, "wrong password", "nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert wrong.headers.keys() == unknown.headers.keys()


def test_a_053_an_unknown_address_costs_the_same_one_hash(duck_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """T3: hashes are counted; the bench measures the time."""
    duck_desk.sign_up("ana")
    hashed: list[str] = []
    real = Hasher._run

    async def counted(self: Hasher, work: Any) -> Any:
        hashed.append("one")
        return await real(self, work)

    monkeypatch.setattr(Hasher, "_run", counted)
    for name in ("ana", "nobody"):
        hashed.clear()
        assert sign_in(duck_desk, "wrong password", name).status_code == 401
        assert hashed == ["one"], name


def test_a_080_a_081_a_082_who_may_not_come_in(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")

    def ban(**values: Any) -> None:
        duck_desk.write(lambda tx: tx.execute(ACCOUNTS.update().values(banned=True, **values)))

    ban(ban_reason="spam", ban_expires="2100-01-01T00:00:00+00:00")
    assert ana.get("/api/auth/get-session").json() is None, "A-070"
    refused = sign_in(duck_desk, PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (403, "BANNED_USER")
    assert (refused.json()["banReason"], refused.json()["banExpires"][:4]) == ("spam", "2100")
    assert sign_in(duck_desk, "wrong password").status_code == 401, "a ban is no oracle"
    ban(ban_expires="2026-01-01T00:00:00+00:00")
    back = sign_in(duck_desk, PASSWORD)
    assert (back.status_code, back.json()["user"]["banned"]) == (200, False)


# ── Hashes ──


@pytest.fixture
def real_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(password.PROFILES, "owasp", (19_456, 2))
    monkeypatch.setitem(password.PROFILES, "strong", (47_104, 1))


async def test_a_048_a_049_hashes_are_what_owasp_asks_for(real_cost: None) -> None:
    hasher, strong = Hasher("owasp"), Hasher("strong")
    try:
        one, two = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
        assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert one != two
        assert not hasher.is_outdated(one)
        assert strong.is_outdated(one)
        assert not hasher.is_outdated(one.replace("m=19456,t=2", "m=12288,t=3")), "another row of OWASP's table"
    finally:
        hasher.close()
        strong.close()


def test_a_054_a_244_health_waits_for_no_hash(duck_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many sign in at once as may wait, and no hash gets done: health answers, one more is sent away, in the end all
    the others are in. There is room for 64; here for fewer, as a test is in a hurry."""
    assert password.WAITING_MOST >= 64
    monkeypatch.setattr(password, "WAITING_MOST", 6)
    auth, gate, priorities = duck_desk.server.engine.auth, threading.Event(), set[int]()
    assert auth is not None
    duck_desk.sign_up("ana")
    real, room = Hasher._matches, 6 + auth.context.hasher._workers

    def held(self: Hasher, stored: str, raw: bytes) -> bool:
        if sys.platform == "linux":
            priorities.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        assert gate.wait(30)
        return real(self, stored, raw)

    monkeypatch.setattr(Hasher, "_matches", held)
    with ThreadPoolExecutor(room) as pool:
        waiting = [pool.submit(sign_in, duck_desk, PASSWORD) for _ in range(room)]
        try:
            while auth.context.hasher._waiting < room:
                assert duck_desk.guest.get("/api/health").status_code == 200
            assert not any(each.done() for each in waiting)
            refused = sign_in(duck_desk, PASSWORD)
            assert (refused.status_code, refused.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
        finally:
            gate.set()
        assert {each.result().status_code for each in waiting} == {200}
    assert all(each >= password.NICENESS for each in priorities)


async def test_a_054_no_more_hashes_at_once_than_the_pool_has_threads() -> None:
    """A-244: what a hash costs times the threads is all the memory that sign-ins take, however many come; none of it is
    made where requests are answered."""
    hasher, inside, most, here = Hasher(workers=2), 0, 0, threading.get_ident()
    meeting, lock = threading.Barrier(2), threading.Lock()

    def work() -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        meeting.wait(30)  # two are at work, or it breaks
        with lock:
            inside -= 1
        return threading.get_ident()

    try:
        threads = await asyncio.gather(*(hasher._run(work) for _ in range(16)))
    finally:
        hasher.close()
    assert (most, len(set(threads))) == (2, 2)
    assert here not in threads


def test_a_049_a_050_a_hash_of_another_kind_signs_in_once_and_is_made_anew(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    duck_desk.write(lambda tx: set_password(tx, ana.id, old))
    assert sign_in(duck_desk, "wrong password").status_code == 401
    stored = lambda: duck_desk.read(lambda reader: reader.scalar("SELECT hash FROM auth_credential"))  # noqa: E731
    assert stored() == old
    assert sign_in(duck_desk, PASSWORD).status_code == 200
    assert stored().startswith("$argon2id$")
    assert sign_in(duck_desk, PASSWORD).status_code == 200


def test_a_051_an_endless_password_is_refused_before_it_is_hashed(
    duck_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T22"""
    ana = duck_desk.sign_up("ana")

    async def never(self: Hasher, work: Any) -> Any:
        raise AssertionError("hashed")

    monkeypatch.setattr(Hasher, "_run", never)
    endless = "é" * 512 * 1024
    up = {"name": "Eve", "email": "eve@example.org", "password": endless}
    assert duck_desk.guest.post("/api/auth/sign-up/email", json=up).json()["code"] == "PASSWORD_TOO_LONG"
    refused = sign_in(duck_desk, endless)
    assert (refused.status_code, refused.json()["code"]) == (400, "PASSWORD_TOO_LONG")
    body = {"currentPassword": PASSWORD, "newPassword": endless}
    assert ana.post("/api/auth/change-password", body).status_code == 400
    wide = {"name": "x" * 65_536, "email": "eve@example.org", "password": PASSWORD}
    refused = duck_desk.guest.post("/api/auth/sign-up/email", json=wide)
    assert (refused.status_code, refused.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_a_052_full_width_letters_are_the_same_and_blanks_count(duck_desk: Desk) -> None:
    duck_desk.sign_up("ana", password="Ｐａｓｓ１２３４ of old")
    assert sign_in(duck_desk, "Pass1234 of old").status_code == 200
    assert sign_in(duck_desk, " Pass1234 of old").status_code == 401
