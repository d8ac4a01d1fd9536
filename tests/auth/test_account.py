"""One's own account: name and picture, what is kept of one, and the end of it (auth §7.2)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from core.auth import account as accounts
from core.auth.store import ACCOUNTS, MEMBERS, TABLES
from core.views.personal import VIEWS
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

JSON = {"Accept": "application/json"}
SIGNED = DESK.replace("{name: owner, type: single-line-text}", "{name: author, type: created-by}")


# ── Profile ──


def test_a_089_name_and_picture(desk: Desk) -> None:
    ana = desk.sign_up("ana")
    path = "/api/auth/update-user"
    assert desk.guest.post(path, json={"name": "x"}).status_code == 401
    changed = ana.post(path, {"name": "Łukasz 李 <i>O’Neil</i>", "image": "https://pictures.example/a.png"})
    assert changed.status_code == 200, changed.text
    user = changed.json()["user"]
    assert (user["name"], user["image"]) == ("Łukasz 李 O’Neil", "https://pictures.example/a.png")
    assert ana.get("/api/auth/get-session").json()["user"] == user
    assert ana.client.patch("/api/auth/user/update", json={"image": None}).json()["user"]["image"] is None
    assert ana.post(path, {}).json()["status"] is True
    assert "user.updated" in desk.audited()


@pytest.mark.parametrize(
    "body",
    [
        {"role": "admin"},
        {"roles": ["admin"]},
        {"banned": False},
        {"emailVerified": True},
        {"email": "x@example.org"},
        {"id": "1"},
        {"twoFactorEnabled": True},
        {"name": ""},
        {"name": "<b></b>"},
        {"name": None},
        {"image": "javascript:alert(1)"},
        {"image": "data:image/svg+xml,x"},
        {"image": "//evil.example/a.png"},
        {"image": 7},
    ],
    ids=str,
)
def test_a_090_what_is_not_ones_own_to_set(duck_desk: Desk, body: dict[str, Any]) -> None:
    """T11: and nothing beside it is set either."""
    ana = duck_desk.sign_up("ana")
    before = ana.get("/api/auth/get-session").json()["user"]
    refused = ana.post("/api/auth/update-user", {"name": "Eve", **body})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, next(iter(body)))
    assert ana.get("/api/auth/get-session").json()["user"] == before


def test_a_090_a_role_is_refused_as_such_by_the_other_address(duck_desk: Desk) -> None:
    ana = duck_desk.sign_up("ana")
    refused = ana.client.patch("/api/auth/user/update", json={"name": "Eve", "role": "admin"})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert ana.get("/api/auth/get-session").json()["user"]["name"] == "Ana"


# ── The end ──


def schedule(ana: Visitor, **more: Any) -> httpx.Response:
    return ana.post("/api/account/delete", {"confirm": True, **more})


def sign_in(desk: Desk) -> httpx.Response:
    return desk.client().post("/api/auth/sign-in/email", json={"email": "ana@example.org", "password": PASSWORD})


def test_a_091_an_account_is_deleted_after_thirty_days(desk: Desk) -> None:
    mails = Mailbox(desk)
    ana, auth = desk.sign_up("ana"), desk.server.engine.auth
    assert auth is not None
    assert desk.guest.post("/api/account/delete", json={"confirm": True}).status_code == 401
    assert ana.post("/api/account/delete", {}).status_code == 400
    assert schedule(ana, password="wrong").json()["code"] == "INVALID_PASSWORD"
    answer = schedule(ana)
    assert answer.status_code == 202, answer.text
    assert ana.get("/api/auth/get-session").json() is None, "A-070"
    refused = sign_in(desk)
    assert (refused.status_code, refused.json()["code"]) == (403, "ACCOUNT_DELETION_SCHEDULED")
    assert refused.json()["eraseAt"] == answer.json()["eraseAt"]
    assert mails.told() == [("accountDeletion", "ana")]
    assert auth.deletion.purge() == 0, "it is too early"
    desk.write(lambda tx: tx.execute(ACCOUNTS.update().values(erase_at=tx.time - timedelta(seconds=1))))
    auth.upkeep.run()
    assert [desk.read(lambda reader, t=t: reader.scalar(f"SELECT count(*) FROM {t.name}")) for t in TABLES[:4]] == [
        0
    ] * 4
    assert desk.audited()[-2:] == ["account.deletion.scheduled", "account.deletion.purged"]
    assert sign_in(desk).status_code == 401


def test_a_091_it_can_be_kept_until_then(desk: Desk) -> None:
    mails = Mailbox(desk)
    schedule(desk.sign_up("ana"))
    link = mails.link("accountDeletion", "ana")
    opened = desk.client().get(link, headers={"Accept": "text/html", "Accept-Language": "fr-CH, en;q=0.5"})
    assert "Garder mon compte" in opened.text
    assert sign_in(desk).status_code == 403, "opening it is not enough"
    kept = desk.client().post("/api/account/keep", data=dict(httpx.URL(link).params))
    assert (kept.status_code, "Your account stays" in kept.text) == (200, True)
    assert sign_in(desk).status_code == 200
    assert desk.client().get(link, headers=JSON).json()["code"] == "INVALID_TOKEN"
    assert "account.deletion.cancelled" in desk.audited()


def test_a_091_the_password_keeps_it_too(duck_desk: Desk) -> None:
    schedule(duck_desk.sign_up("ana"), password=PASSWORD)
    body = {"email": "ana@example.org", "password": PASSWORD}
    keep = lambda **more: duck_desk.guest.post("/api/account/keep", json={**body, **more})  # noqa: E731
    assert keep(password="wrong password").status_code == 401
    assert keep(email="nobody@example.org").status_code == 401
    assert keep().json() == {"status": True}
    assert sign_in(duck_desk).status_code == 200
    assert keep().status_code == 401, "there is nothing to keep any more"


def test_a_045_with_an_account_goes_all_that_belongs_to_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """All in one transaction: an error in the middle leaves everything as it was."""
    ana, bob = desk.sign_up("ana"), desk.sign_up("bob")
    assert ana.post("/api/tables/notes/user-views", {"name": "mine"}).status_code == 201
    row = {"group_name": "finance", "user_id": ana.id, "created_at": datetime(2026, 1, 1, tzinfo=UTC)}
    desk.write(lambda tx: tx.insert(MEMBERS, [{"id": "1", **row}]))

    def counts() -> list[int]:
        names = [*(table.name for table in TABLES[:4]), MEMBERS.name, VIEWS.name]
        return [desk.read(lambda reader, name=name: reader.scalar(f"SELECT count(*) FROM {name}")) for name in names]

    before = counts()
    with monkeypatch.context() as broken:
        broken.setattr(accounts.ACCOUNTS, "delete", lambda: (_ for _ in ()).throw(RuntimeError("in the middle")))
        assert ana.post("/api/auth/delete-user", {"password": PASSWORD}).status_code == 500
    assert counts() == before
    assert ana.post("/api/auth/delete-user", {"password": "wrong"}).status_code == 401
    gone = ana.post("/api/auth/delete-user", {"password": PASSWORD})
    assert (gone.status_code, gone.json()) == (200, {"success": True})
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert counts() == [1, 1, 1, 0, 0, 0]
    assert bob.get("/api/tables/notes/records").status_code == 200
    assert desk.sign_up("ana").id != ana.id, "the address is free again"


def test_a_156_the_last_admin_cannot_leave(duck_desk: Desk) -> None:
    root = duck_desk.sign_up("root", roles=("admin",))
    for answer in (schedule(root), root.post("/api/auth/delete-user", {"password": PASSWORD})):
        assert (answer.status_code, answer.json()["code"]) == (409, "LAST_ADMIN")
    duck_desk.sign_up("second", roles=("admin",))
    assert schedule(root).status_code == 202


# ── Export ──


@pytest.fixture(scope="module")
def signed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(SIGNED, tmp_path_factory.mktemp("signed")) as server:
        yield server


def test_a_091_everything_that_is_kept_of_a_person(signed_server: RunningServer) -> None:
    """Their own and nobody else's, and no secret."""
    desk = Desk(signed_server)
    ana, bob = desk.sign_up("ana"), desk.sign_up("bob")
    for visitor, text in ((ana, "one"), (bob, "two"), (ana, "three")):
        assert visitor.post("/api/tables/notes/records", {"fields": {"text": text}}).status_code == 201
    key = ana.post("/api/auth/api-keys", {"name": "robot"}).json()["key"]
    answer = ana.get("/api/account/export")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    body = answer.json()
    assert body["user"]["email"] == "ana@example.org"
    assert [each["isCurrent"] for each in body["sessions"]] == [True]
    assert sorted(each["fields"]["text"] for each in body["records"]["notes"]) == ["one", "three"]
    assert {each["action"] for each in body["log"]} >= {"user.signed_up", "session.created"}
    assert [each["name"] for each in body["apiKeys"]] == ["robot"]
    for secret in (ana.token, key, bob.id, "bob@example.org", "$argon2", "hash"):
        assert secret not in answer.text, secret
    assert desk.guest.get("/api/account/export").status_code == 401
    assert "account.exported" in desk.audited()
    desk.close()


def test_personal_tables_have_a_column_of_the_person() -> None:
    from core.assembly import personal_tables

    assert VIEWS in personal_tables()
    assert all("user_id" in table.columns for table in personal_tables())
