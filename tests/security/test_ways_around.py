"""Ways around proofs, ceilings and the end of rights, each of which was open once (auth §18)."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.auth.password import PROFILES
from core.auth.store import ACCOUNTS, FACTORS
from core.auth.totp import Totp
from core.principal import OWNER, Principal
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.clock import MovingClock
from tests.support.factor import Authenticator, enrol
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

WAYS = "{type: emailAndPassword}, {type: magicLink}, {type: anonymous}, {type: phone, smsProvider: console}"
APP = DESK.replace("{type: emailAndPassword}", WAYS).replace("  roles:", "  twoFactor: true\n  roles:")
ADMIN, KEYS = "/api/auth/admin", "/api/auth/api-keys"
NOTES = "/api/tables/notes/records"
JSON = {"Accept": "application/json"}


class Gate(Desk):
    """An app with every way in, whose time is moved."""

    def __init__(self, server: RunningServer, clock: MovingClock) -> None:
        super().__init__(server)
        self.clock = clock
        clock.forward(days=2)
        self.clear()
        self.mails = Mailbox(self)

    def admin(self) -> Visitor:
        return self.sign_up("root", roles=("admin",))

    def set(self, user: str, **columns: Any) -> None:
        self.write(lambda tx: tx.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == user).values(**columns)))


@pytest.fixture(scope="module", autouse=True)
def cheap_hashes() -> Iterator[None]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    yield
    PROFILES.update(real)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock = MovingClock()
    with RunningServer(APP, tmp_path_factory.mktemp("around"), clock=clock) as server:
        yield server, clock


@pytest.fixture
def gate(running: tuple[RunningServer, MovingClock]) -> Iterator[Gate]:
    desk = Gate(*running)
    yield desk
    desk.close()


def key_of(visitor: Visitor, **body: Any) -> str:
    answer = visitor.post(KEYS, {"name": "robot", **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["key"])


def by(desk: Desk, key: str) -> httpx.Client:
    return desk.client(authorization=f"Bearer {key}")


def test_t32_an_invitation_is_no_way_around_the_second_factor(gate: Gate) -> None:
    """Who was invited and came by another way has left the invitation behind."""
    admin = gate.admin()
    sent = admin.post(f"{ADMIN}/invite-user", {"email": "eve@example.org", "name": "Eve", "role": "editor"})
    link = gate.mails.link("invitation", "eve")
    admin.post(f"{ADMIN}/verify-user-email", {"userId": sent.json()["user"]["id"]})
    gate.guest.post("/api/auth/sign-in/magic-link", json={"email": "eve@example.org"})
    client = gate.client()
    eve = Visitor(client, client.get(gate.mails.link("magicLink", "eve"), headers=JSON).json())
    began = eve.post("/api/auth/two-factor/enable").json()
    eve.post("/api/auth/two-factor/verify", {"code": Authenticator(began, gate.clock).code()})
    thief = gate.client()
    body = {"token": link.partition("token=")[2], "password": "another quiet harbour"}
    refused = thief.post(f"{ADMIN}/accept-invitation", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_TOKEN")
    assert thief.get("/api/auth/get-session").json() is None


def test_t32_a_factor_that_was_begun_does_not_replace_one_that_holds(gate: Gate) -> None:
    """By a session that has not shown the one that holds: two begin at once, one of them is a thief."""
    ana = gate.sign_up("ana")
    thief = gate.sign_in("ana")
    phone = enrol(ana, gate.clock)
    auth = gate.server.engine.auth
    assert auth is not None
    totp, secrets = Totp.new(6, 30), auth.context.secrets
    row = {"id": "f-thief", "user_id": ana.id, "kind": "totp", "verified": False, "name": None, "last_step": None}
    sealed = secrets.seal(totp.stored(), f"{FACTORS.name}/f-thief/secret")
    now = gate.clock.now
    gate.write(lambda tx: tx.insert(FACTORS, [{**row, "secret": sealed, "created_at": now, "updated_at": now}]))
    own = Authenticator({"totpURI": totp.uri("ana", "desk")}, gate.clock)
    assert thief.post("/api/auth/two-factor/verify", {"code": own.code()}).status_code == 401
    gate.clock.forward(30)
    client = gate.client()
    client.post("/api/auth/sign-in/email", json={"email": "ana@example.org", "password": PASSWORD})
    assert client.post("/api/auth/two-factor/verify", json={"code": phone.next()}).status_code == 200


def test_t12_who_was_removed_by_an_administrator_does_not_come_back(gate: Gate) -> None:
    """Their own password keeps only what they have given up themselves."""
    admin, eve = gate.admin(), gate.sign_up("eve")
    removed = admin.post(f"{ADMIN}/remove-user", {"userId": eve.id, "softDelete": True})
    assert removed.status_code == 200
    form = {"email": "eve@example.org", "password": PASSWORD}
    kept = gate.client().post("/api/account/keep", json=form)
    assert (kept.status_code, kept.json()["code"]) == (401, "INVALID_EMAIL_OR_PASSWORD")


def test_t19_what_a_stranger_made_for_ones_address_ends(gate: Gate) -> None:
    """Keys and a phone number as well as the password, when the owner of the address comes for the first time."""
    stranger = gate.sign_up("ana")
    robot = by(gate, key_of(stranger))
    gate.set(stranger.id, phone="4915100000", phone_verified=True)
    assert robot.get(NOTES).status_code == 200
    gate.guest.post("/api/auth/sign-in/magic-link", json={"email": "ana@example.org"})
    ana = gate.client().get(gate.mails.link("magicLink", "ana"), headers=JSON).json()
    assert ana["user"]["id"] == stranger.id
    assert robot.get(NOTES).status_code == 401
    assert gate.read(lambda reader: reader.scalar("SELECT phone FROM auth_user")) is None


def test_t29_a_key_acts_as_nobody_else(gate: Gate) -> None:
    """The session would not be bound by the scopes of the key."""
    admin, eve = gate.admin(), gate.sign_up("eve")
    for scopes in (None, ["admin"]):
        robot = by(gate, key_of(admin, **({"scopes": scopes} if scopes else {})))
        refused = robot.post(f"{ADMIN}/impersonate-user", json={"userId": eve.id})
        assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")


def test_t29_nobody_gets_a_key_of_another_administrator(gate: Gate) -> None:
    """It would act as them without an end, and the log would know of one alone."""
    admin, other, eve = gate.admin(), gate.sign_up("bob", roles=("admin",)), gate.sign_up("eve")
    answers = [admin.post(KEYS, {"name": "robot", "userId": each.id}).status_code for each in (other, eve, admin)]
    assert answers == [403, 201, 201]


def test_t3_who_says_nothing_of_themselves_is_told_of_nobody(gate: Gate) -> None:
    """The picker of people finds addresses by their parts."""
    ana = gate.sign_up("ana")
    assert [each["id"] for each in ana.get("/api/console/people?q=an").json()["people"]] == [ana.id]
    client = gate.client()
    assert client.post("/api/auth/sign-in/anonymous", json={}).status_code == 200
    assert client.get("/api/console/people?q=an").json()["people"] == []


def test_t12_a_narrow_key_has_no_part_in_what_its_account_has_begun() -> None:
    """Jobs with their files, and results of SQL: the scopes might not let the key begin them."""
    session, whole = Principal("user", "u1"), Principal("user", "u1", key="k1")
    narrow = Principal("user", "u1", key="k2", scopes=frozenset({"notes:read"}))
    assert narrow.owns(narrow)
    assert whole.owns(session)
    assert session.owns(narrow)
    assert not narrow.owns(session)
    assert not narrow.owns(whole)
    assert not session.owns(Principal("user", "u2"))
    assert not session.owns(OWNER)


def test_t12_the_jobs_of_an_account_are_kept_from_a_narrow_key(gate: Gate) -> None:
    ana = gate.sign_up("ana")
    view = ana.post("/api/console/views", {"table": "notes"}).json()["id"]
    begun = ana.post("/api/console/exports", {"view": view, "format": "csv"})
    assert begun.status_code == 202, begun.text
    narrow, whole = by(gate, key_of(ana, scopes=["notes:create"])), by(gate, key_of(ana))
    assert [each["id"] for each in whole.get("/api/console/jobs").json()["jobs"]] == [begun.json()["id"]]
    assert narrow.get("/api/console/jobs").json()["jobs"] == []
    assert narrow.get(f"/api/console/jobs/{begun.json()['id']}/file").status_code == 404


def test_t12_a_narrow_key_knows_and_ends_itself_alone(gate: Gate) -> None:
    """Keys are of the account, which is none of its scopes."""
    ana = gate.sign_up("ana")
    whole, narrow = key_of(ana), by(gate, key_of(ana, scopes=["notes:write"]))
    mine, other = (each["id"] for each in ana.get(KEYS).json()["apiKeys"])
    assert [each["id"] for each in narrow.get(KEYS).json()["apiKeys"]] == [mine]
    assert [narrow.delete(f"{KEYS}/{each}").status_code for each in (other, "none", mine)] == [404, 404, 204]
    assert narrow.get(NOTES).status_code == 401
    assert len(by(gate, whole).get(KEYS).json()["apiKeys"]) == 2


def test_t13_the_stream_of_a_key_ends_with_the_key(gate: Gate) -> None:
    """As that of a session does (A-070)."""
    ana = gate.sign_up("ana")
    robot = by(gate, key_of(ana))
    with robot.stream("GET", "/api/console/events") as stream:
        lines = stream.iter_lines()
        assert "ping" in next(line for line in lines if line)
        [key] = ana.get(KEYS).json()["apiKeys"]
        assert ana.client.delete(f"{KEYS}/{key['id']}").status_code == 204
        ana.post(NOTES, {"fields": {"text": "not for a key that has ended"}})
        assert [line for line in lines if '"change"' in line] == []


def test_a_034_a_stream_tells_that_the_rights_of_its_listener_have_changed(gate: Gate) -> None:
    """A-202: what is shown then was seen with others, and is read anew."""
    ana = gate.sign_up("ana")
    with ana.client.stream("GET", "/api/console/events") as stream:
        lines = (json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:"))
        assert next(lines)["kind"] == "ping"
        ana.post(NOTES, {"fields": {"text": "before"}})
        assert next(lines)["kind"] == "change"
        gate.give(ana.id, "editor")
        told = next(lines)
        while told["kind"] == "ping":
            told = next(lines)
        assert (told["kind"], told["state"]) == ("schema", "rights")


@pytest.mark.parametrize("shown", ["Basic Zm9vOmJhcg==", "Bearer", "Negotiate YQ=="])
def test_t7_no_other_authorization_hides_a_cookie(gate: Gate, shown: str) -> None:
    """A browser adds it by itself, as it does the cookie, to what a page of another site sends."""
    ana = gate.sign_up("ana")
    for said in ({"origin": "https://evil.example"}, {"origin": "null"}, {"referer": "http://[evil"}):
        headers = {"authorization": shown, **said}
        ana.client.headers.pop("origin", None)
        refused = ana.post(NOTES, {"fields": {"text": "x"}}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "INVALID_ORIGIN"), said


def test_a_088_an_address_that_is_taken_back_takes_keys_and_number_along(gate: Gate) -> None:
    """Whoever had the account meanwhile has made them, perhaps."""
    thief = gate.sign_up("ana")
    gate.set(thief.id, email_verified=True, phone="4915100000", phone_verified=True)
    robot = by(gate, key_of(thief))
    thief.post("/api/auth/change-email", {"newEmail": "eve@example.org"})
    for name in ("ana", "eve"):
        assert gate.client().get(gate.mails.link("emailChange", name), headers=JSON).status_code == 200
    assert robot.get(NOTES).status_code == 200
    assert gate.client().get(gate.mails.link("emailChanged", "ana"), headers=JSON).status_code == 200
    assert robot.get(NOTES).status_code == 401
    row = gate.read(lambda reader: reader.rows("SELECT email, phone FROM auth_user"))
    assert row == [("ana@example.org", None)]
