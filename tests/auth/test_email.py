"""Addresses: verified, changed, taken back (auth §7.2)."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from core.auth.store import ACCOUNTS, TOKENS
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

JSON = {"Accept": "application/json"}
STRICT = DESK.replace("{type: emailAndPassword}", "{type: emailAndPassword, requireEmailVerification: true}").replace(
    "  roles:", '  redirects: {siteUrl: "https://desk.example.org", allow: ["deskapp://**"]}\n  roles:'
)


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(STRICT, tmp_path_factory.mktemp("strict")) as server:
        yield server


@pytest.fixture
def strict(strict_server: RunningServer) -> Iterator[Desk]:
    """An app in which nobody signs in before the address is verified, and nothing tells who has an account."""
    desk = Desk(strict_server)
    desk.clear()
    yield desk
    desk.close()


def join(desk: Desk, name: str = "ana", **more: str) -> httpx.Response:
    body = {"name": name.title(), "email": f"{name}@example.org", "password": PASSWORD, **more}
    return desk.guest.post("/api/auth/sign-up/email", json=body)


def enter(desk: Desk, name: str = "ana") -> httpx.Response:
    body = {"email": f"{name}@example.org", "password": PASSWORD}
    return desk.client().post("/api/auth/sign-in/email", json=body)


def expire(desk: Desk) -> None:
    """All links have had their time."""
    desk.write(lambda tx: tx.execute(TOKENS.update().values(expires_at=TOKENS.c.created_at)))


def verify_behind_doors(desk: Desk, user: str) -> None:
    desk.write(lambda tx: tx.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == user).values(email_verified=True)))


# ── Verification ──


def test_a_084_nobody_signs_in_before_the_address_is_verified(strict: Desk) -> None:
    mails = Mailbox(strict)
    joined = join(strict, callbackURL="/welcome")
    assert (joined.status_code, joined.json()["token"]) == (200, None)
    assert "set-cookie" not in joined.headers
    assert mails.told() == [("verification", "ana")]
    assert (enter(strict).status_code, enter(strict).json()["code"]) == (403, "EMAIL_NOT_VERIFIED")
    assert strict.guest.get("/api/tables/notes/records").status_code == 401
    link = mails.link("verification", "ana")
    assert "callbackURL=%2Fwelcome" in link
    browser = strict.client()
    verified = browser.get(link.partition("&callbackURL")[0], headers=JSON)
    assert verified.status_code == 200, verified.text
    assert verified.json()["user"]["emailVerified"] is True
    assert browser.get("/api/tables/notes/records").status_code == 200, "verifying signs in"
    assert enter(strict).status_code == 200
    assert "user.verified" in strict.audited()


def test_who_signs_in_too_early_gets_the_mail_again_but_not_at_once(strict: Desk) -> None:
    mails = Mailbox(strict)
    join(strict)
    enter(strict)
    assert mails.told() == [("verification", "ana")]
    strict.write(
        lambda tx: tx.execute("UPDATE auth_one_time_token SET created_at = TIMESTAMPTZ '2026-01-01 00:00:00Z'")
    )
    enter(strict)
    assert mails.told() == [("verification", "ana")] * 2


def test_a_085_a_link_of_verification(strict: Desk) -> None:
    """Invalid and expired 400; already verified 401; an account that is going 401; a second use does no harm."""
    mails = Mailbox(strict)
    join(strict)
    link = mails.link("verification", "ana")
    ask = lambda path: strict.client().get(path, headers=JSON)  # noqa: E731
    assert ask("/api/auth/verify-email?token=nothing").status_code == 400
    assert ask("/api/auth/verify-email").status_code == 400
    expire(strict)
    assert (ask(link).status_code, ask(link).json()["code"]) == (400, "TOKEN_EXPIRED")
    join(strict, "bob")
    link = mails.link("verification", "bob")
    assert ask(link).status_code == 200
    again = ask(link)
    assert (again.status_code, again.json()["code"]) == (401, "EMAIL_ALREADY_VERIFIED")
    assert enter(strict, "bob").status_code == 200
    join(strict, "eve")
    strict.write(lambda tx: tx.execute(ACCOUNTS.update().values(deleted_at=tx.time)))
    assert ask(mails.link("verification", "eve")).status_code == 401


def test_a_086_asking_for_the_mail_of_verification(duck_desk: Desk) -> None:
    mails = Mailbox(duck_desk)
    ana = duck_desk.sign_up("ana")
    assert mails.told() == []
    path, body = "/api/auth/send-verification-email", {"email": "ana@example.org", "callbackURL": "/done"}
    assert duck_desk.guest.post(path, json=body).status_code == 401
    assert ana.post(path, {"email": "ana@example.org"}).status_code == 400
    for wrong in ("https://evil.example", "//evil.example", "javascript:alert(1)"):
        refused = ana.post(path, {**body, "callbackURL": wrong})
        assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_CALLBACK_URL")
    assert ana.post(path, {**body, "email": "nobody"}).status_code == 400
    assert ana.post(path, {**body, "email": "bob@example.org"}).json() == {"status": True}
    assert mails.told() == [], "to one's own address alone"
    assert ana.post(path, body).json() == {"status": True}
    assert mails.told() == [("verification", "ana")]
    answer = duck_desk.client().get(mails.link("verification", "ana"), headers=JSON, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/done")
    assert ana.post(path, body).json() == {"status": True}
    assert mails.told() == [("verification", "ana")], "who is verified gets none"


def test_a_084_who_has_an_account_is_told_by_mail_alone(strict: Desk) -> None:
    """T3: signing up answers alike for addresses with and without an account."""
    mails = Mailbox(strict)
    first = join(strict).json()["user"]
    second = join(strict).json()["user"]
    assert first.keys() == second.keys()
    assert {**first, **dict.fromkeys(("id", "createdAt", "updatedAt"))} == {
        **second, **dict.fromkeys(("id", "createdAt", "updatedAt"))
    }  # fmt: skip
    assert mails.told() == [("verification", "ana"), ("signUpAttempt", "ana")]
    assert strict.read(lambda reader: reader.scalar("SELECT count(*) FROM auth_user")) == 1
    assert "user.repeated_signup" in strict.audited()


def test_a_083_a_callback_that_is_not_allowed_makes_no_account(strict: Desk) -> None:
    for wrong in ("https://evil.example/", "https://desk.example.org.evil.example/", "data:text/html,x"):
        refused = join(strict, callbackURL=wrong)
        assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_CALLBACK_URL")
    assert strict.read(lambda reader: reader.scalar("SELECT count(*) FROM auth_user")) == 0
    assert join(strict, callbackURL="deskapp://open/here").status_code == 200
    wrong = strict.guest.post(
        "/api/auth/sign-in/email", json={"email": "ana@example.org", "password": PASSWORD, "callbackURL": "//x"}
    )
    assert wrong.json()["code"] == "INVALID_CALLBACK_URL"


def test_a_sign_in_says_where_to_go_on_to(duck_desk: Desk) -> None:
    duck_desk.sign_up("ana")
    body = {"email": "ana@example.org", "password": PASSWORD}
    answer = duck_desk.client().post("/api/auth/sign-in/email", json={**body, "callbackURL": "/notes"}).json()
    assert (answer["redirect"], answer["url"]) == (True, "/notes")
    assert duck_desk.client().post("/api/auth/sign-in/email", json=body).json()["redirect"] is False


def test_t_28_opening_a_link_uses_nothing_up(strict: Desk) -> None:
    """A mail scanner that follows links gets a page; its button uses the link, and leads on."""
    mails = Mailbox(strict)
    join(strict, callbackURL="deskapp://done")
    link = mails.link("verification", "ana")
    for _ in range(2):
        opened = strict.client().get(link, headers={"Accept": "text/html,*/*"})
        assert opened.status_code == 200
        assert opened.headers["content-type"] == "text/html; charset=utf-8"
        assert "form-action 'self' deskapp:" in opened.headers["content-security-policy"]
    assert enter(strict).status_code == 403, "not verified yet"
    query = httpx.URL(link).params
    browser = strict.client()
    pressed = browser.post("/api/auth/verify-email", data=dict(query))
    assert (pressed.status_code, pressed.headers["location"]) == (302, "deskapp://done")
    assert browser.get("/api/tables/notes/records").status_code == 200
    again = strict.client().post("/api/auth/verify-email", data=dict(query))
    assert again.headers["location"] == "deskapp://done?error=EMAIL_ALREADY_VERIFIED"
    page = strict.client().post("/api/auth/verify-email", data={"token": query["token"]})
    assert (page.status_code, "is confirmed already" in page.text) == (401, True)


def test_t_28_looking_uses_nothing_up_even_where_opening_does(strict: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`links.confirmPage: false`: opening the link is enough; HEAD, which scanners send first, only looks."""
    auth = strict.server.engine.auth
    assert auth is not None
    spec = replace(auth.context.spec, confirm_links=False)
    monkeypatch.setattr(auth, "context", replace(auth.context, spec=spec))
    mails = Mailbox(strict)
    join(strict)
    link = mails.link("verification", "ana")
    assert strict.client().head(link, headers=JSON).status_code == 200
    assert enter(strict).status_code == 403
    opened = strict.client().get(link, headers={"Accept": "text/html"})
    assert (opened.status_code, "Your address is confirmed" in opened.text) == (200, True)
    assert enter(strict).status_code == 200


# ── Another address ──


def change_email(desk: Desk, mails: Mailbox) -> httpx.Response:
    """Ana's address becomes anna's, with all its steps."""
    approved = desk.client().get(mails.link("emailChange", "ana"), headers=JSON)
    assert approved.json() == {"status": True}, approved.text
    return desk.client().get(mails.link("emailChange", "anna"), headers=JSON)


def test_a_087_a_change_of_address_and_its_refusals(desk: Desk) -> None:
    mails = Mailbox(desk)
    ana, _ = desk.sign_up("ana"), desk.sign_up("bob")
    verify_behind_doors(desk, ana.id)
    path = "/api/auth/change-email"
    assert desk.guest.post(path, json={"newEmail": "x@example.org"}).status_code == 401
    assert ana.post(path, {}).status_code == 400
    assert ana.post(path, {"newEmail": "x"}).json()["code"] == "INVALID_EMAIL"
    taken = ana.post(path, {"newEmail": "BOB@Example.org"})
    assert (taken.status_code, taken.json()["code"]) == (409, "USER_ALREADY_EXISTS")
    assert ana.post(path, {"newEmail": "Ana@example.org"}).json() == {"status": True}
    assert mails.told() == [], "to the address that one has nothing is sent"
    assert ana.post(path, {"newEmail": "anna@example.org"}).json() == {"status": True}
    assert mails.told() == [("emailChange", "ana")], "the old address is asked first"
    assert change_email(desk, mails).status_code == 200
    user = ana.get("/api/auth/get-session").json()["user"]
    assert (user["email"], user["emailVerified"]) == ("anna@example.org", True)
    assert desk.sign_in("anna").id == ana.id


def test_a_088_both_addresses_are_told_and_the_old_one_can_take_it_back(desk: Desk) -> None:
    mails = Mailbox(desk)
    ana = desk.sign_up("ana")
    verify_behind_doors(desk, ana.id)
    ana.post("/api/auth/change-email", {"newEmail": "anna@example.org"})
    change_email(desk, mails)
    assert mails.told()[-2:] == [("emailChanged", "ana"), ("emailChanged", "anna")]
    undo = mails.link("emailChanged", "ana")
    told = mails.all()[-1].content
    assert told is not None
    assert "http" not in told.text, "the new address cannot take it back"
    assert join(desk, "ana").status_code == 422, "nobody can have the old address meanwhile"
    page = desk.client().post("/api/auth/change-email/undo", data=dict(httpx.URL(undo).params))
    assert page.status_code == 200
    assert ana.get("/api/auth/get-session").json() is None, "all sessions have ended"
    assert desk.sign_in("ana").user["email"] == "ana@example.org"
    assert "/reset-password?token=" in page.text, "whoever changed it may know the password"
    again = desk.client().get(undo, headers=JSON)
    assert again.json()["code"] == "INVALID_TOKEN"
    assert desk.audited().count("email.change_undone") == 1


def test_a_088_an_address_that_was_never_verified_cannot_take_an_account(duck_desk: Desk) -> None:
    mails = Mailbox(duck_desk)
    ana = duck_desk.sign_up("ana")
    ana.post("/api/auth/change-email", {"newEmail": "anna@example.org"})
    assert mails.told() == [("emailChange", "anna")]
    assert duck_desk.client().get(mails.link("emailChange", "anna"), headers=JSON).status_code == 200
    notice = next(each for each in mails.all() if each.to == "ana@example.org")
    assert notice.content is not None
    assert "http" not in notice.content.text


def test_a_087_a_taken_address_is_not_told_where_nothing_may_tell(strict: Desk) -> None:
    """T3"""
    mails = Mailbox(strict)
    for name in ("ana", "bob"):
        join(strict, name)
    browser = strict.client()
    assert browser.get(mails.link("verification", "ana"), headers=JSON).status_code == 200
    mails.clear()
    taken, free = (
        browser.post("/api/auth/change-email", json={"newEmail": f"{name}@example.org"}) for name in ("bob", "free")
    )
    assert (taken.status_code, taken.content) == (free.status_code, free.content)
    assert taken.status_code == 200
    assert mails.told() == [("emailChange", "ana")], "for the free one"


def test_a_071_the_session_that_confirms_goes_on_under_a_new_secret(duck_desk: Desk) -> None:
    """T4"""
    mails = Mailbox(duck_desk)
    ana = duck_desk.sign_up("ana")
    before = ana.client.cookies["sid"]
    ana.post("/api/auth/change-email", {"newEmail": "anna@example.org"})
    assert ana.get(mails.link("emailChange", "anna"), headers=JSON).status_code == 200
    assert ana.client.cookies["sid"] != before
    assert ana.get("/api/tables/notes/records").status_code == 200
    stale = duck_desk.guest.get("/api/tables/notes/records", headers={"Cookie": f"sid={before}"})
    assert stale.status_code == 401


def test_a_later_request_voids_the_links_of_the_one_before(duck_desk: Desk) -> None:
    mails = Mailbox(duck_desk)
    ana = duck_desk.sign_up("ana")
    for new in ("one", "two"):
        ana.post("/api/auth/change-email", {"newEmail": f"{new}@example.org"})
    assert duck_desk.client().get(mails.link("emailChange", "one"), headers=JSON).status_code == 401
    assert duck_desk.client().get(mails.link("emailChange", "two"), headers=JSON).status_code == 200
