"""Second factors: set up, asked for, guessed at, taken away (auth §8). What they do to the database, on both of them, is in
`test_passwordless`."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest

from core.auth.device import sweep_devices
from core.auth.guess import LOCK_AT, lock_of
from core.auth.store import FACTORS, SESSIONS
from core.auth.totp import WINDOW, Totp
from core.principal import OWNER, Source
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.clock import MovingClock
from tests.support.factor import Authenticator, enrol
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

APP = DESK.replace("  roles:", "  twoFactor: {issuer: Harbour Desk}\n  mfa: {requireFor: [admin]}\n  roles:")
ENABLE, VERIFY, DISABLE = (f"/api/auth/two-factor/{each}" for each in ("enable", "verify", "disable"))
BACKUP = "/api/auth/two-factor/verify-backup-code"


class Harbour(Desk):
    """An app with second factors, whose time is moved."""

    def __init__(self, server: RunningServer, clock: MovingClock) -> None:
        super().__init__(server)
        self.clock = clock

    def begin(self, name: str = "ana", client: httpx.Client | None = None) -> tuple[httpx.Client, httpx.Response]:
        """The first step of signing in, in another browser."""
        client = client or self.client()
        body = {"email": f"{name}@example.org", "password": PASSWORD}
        return client, client.post("/api/auth/sign-in/email", json=body)

    def enter(self, code: str, **more: object) -> tuple[httpx.Client, httpx.Response]:
        """Both steps."""
        client, begun = self.begin()
        assert begun.json()["twoFactorRedirect"] is True, begun.text
        return client, client.post(VERIFY, json={"code": code, **more})


def harbour_of(server: RunningServer, clock: MovingClock) -> Iterator[Harbour]:
    clock.forward(days=2)
    desk = Harbour(server, clock)
    desk.clear()
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def duck_harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock = MovingClock()
    with RunningServer(APP, tmp_path_factory.mktemp("harbour"), clock=clock) as server:
        yield server, clock


@pytest.fixture
def harbour(duck_harbour: tuple[RunningServer, MovingClock]) -> Iterator[Harbour]:
    yield from harbour_of(*duck_harbour)


# ── Setting one up ──


def test_a_110_enabling_tells_the_secret_once(harbour: Harbour) -> None:
    """A-111: with ten backup codes; A-112: again, another secret, and the former one holds no more."""
    ana = harbour.sign_up()
    assert harbour.guest.post(ENABLE, json={"password": PASSWORD}).status_code == 401
    wrong = ana.post(ENABLE, {"password": "another harbour at dusk"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_PASSWORD")
    assert ana.post(ENABLE, {}).status_code == 400
    first = ana.post(ENABLE, {"password": PASSWORD}).json()
    assert first["totpURI"].startswith("otpauth://totp/Harbour%20Desk:ana%40example.org?secret=")
    assert first["secret"] in first["totpURI"]
    assert len(first["secret"]) == 32, "160 bits"
    assert first["qrCode"].startswith("<svg")
    assert len(set(first["backupCodes"])) == 10
    letters = set("".join(first["backupCodes"]))
    assert all(len(each) == 10 for each in first["backupCodes"])
    assert not letters & set("ILOU-"), "none that look like digits"
    assert ana.get("/api/auth/get-session").json()["user"]["twoFactorEnabled"] is False, "not before a code was shown"
    assert "token" in harbour.begin()[1].json(), "so signing in is as before"
    second = ana.post(ENABLE, {"password": PASSWORD}).json()
    assert second["secret"] != first["secret"]
    assert ana.post(VERIFY, {"code": Authenticator(first, harbour.clock).code()}).status_code == 401
    shown = ana.post(VERIFY, {"code": Authenticator(second, harbour.clock).code()})
    assert (shown.status_code, shown.json()["user"]["twoFactorEnabled"]) == (200, True)
    assert "mfa.enrolled" in harbour.audited()


def test_t4_a_session_goes_on_under_a_new_secret_once_the_factor_is_there(harbour: Harbour) -> None:
    """A-071"""
    mails, ana = Mailbox(harbour), harbour.sign_up()
    enrol(ana, harbour.clock)
    old = harbour.client(authorization=f"Bearer {ana.token}")
    assert old.get("/api/auth/list-sessions").status_code == 401
    assert ana.get("/api/auth/get-session").json()["session"]["assurance"] == "aal2"
    assert mails.told() == [("mfaChanged", "ana")]


def test_a_042_the_secret_of_a_factor_opens_in_its_own_place_alone(harbour: Harbour) -> None:
    ana, bob = harbour.sign_up("ana"), harbour.sign_up("bob")
    phone = enrol(ana, harbour.clock)
    enrol(bob, harbour.clock)

    def swap(tx: object) -> None:
        rows = dict(tx.rows("SELECT user_id, secret FROM auth_factor"))  # type: ignore[attr-defined]
        statement = FACTORS.update().where(FACTORS.c.user_id == bob.id).values(secret=rows[ana.id])
        tx.execute(statement)  # type: ignore[attr-defined]

    harbour.write(swap)
    client, _ = harbour.begin("bob")
    refused = client.post(VERIFY, json={"code": phone.next()})
    assert refused.status_code == 500 or refused.json().get("token") is None
    assert client.get("/api/auth/get-session").json() is None
    assert phone.codes, "and hers still opens"
    assert harbour.enter(phone.next())[1].status_code == 200


# ── The second step ──


def test_a_115_the_first_step_alone_opens_nothing(harbour: Harbour) -> None:
    """A-113: a wrong code is refused, a right one is accepted, a backup code once."""
    phone = enrol(harbour.sign_up(), harbour.clock)
    client, begun = harbour.begin()
    assert begun.json() == {"twoFactorRedirect": True, "twoFactorMethods": ["totp", "backupCode"]}
    assert [each.split("=")[0] for each in begun.headers.get_list("set-cookie")] == ["two_factor"]
    assert "Max-Age=600" in begun.headers["set-cookie"]
    for path in ("/api/auth/list-sessions", "/api/tables/notes/records"):
        assert client.get(path).status_code == 401
    assert client.get("/api/auth/get-session").json() is None
    bearer = harbour.client(authorization=f"Bearer {client.cookies['two_factor']}")
    assert bearer.get("/api/auth/list-sessions").status_code == 401
    wrong = client.post(VERIFY, json={"code": phone.wrong()})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_CODE")
    assert client.post(VERIFY, json={}).status_code == 400
    nobody = harbour.guest.post(VERIFY, json={"code": phone.code()})
    assert (nobody.status_code, nobody.json()["code"]) == (401, "INVALID_TWO_FACTOR_COOKIE")
    right = client.post(VERIFY, json={"code": phone.next()})
    assert (right.status_code, right.json()["user"]["email"]) == (200, "ana@example.org")
    assert "two_factor" not in client.cookies
    session = client.get("/api/auth/get-session").json()["session"]
    assert session["assurance"] == "aal2"
    client, _ = harbour.begin()
    code = phone.codes[0]
    assert client.post(BACKUP, json={"code": f"{code[:5]}-{code[5:].lower()}"}).status_code == 200
    client, _ = harbour.begin()
    used = client.post(BACKUP, json={"code": code})
    assert (used.status_code, used.json()["code"]) == (401, "INVALID_BACKUP_CODE")
    assert "mfa.backup_code_used" in harbour.audited()


def test_the_first_step_is_forgotten_after_ten_minutes(harbour: Harbour) -> None:
    phone = enrol(harbour.sign_up(), harbour.clock)
    client, _ = harbour.begin()
    harbour.clock.forward(601)
    late = client.post(VERIFY, json={"code": phone.code()})
    assert (late.status_code, late.json()["code"]) == (401, "INVALID_TWO_FACTOR_COOKIE")


def test_a_116_a_step_is_never_accepted_twice(harbour: Harbour) -> None:
    """Nor is one that lies before it; the clock of a phone may be a step off."""
    phone = enrol(harbour.sign_up(), harbour.clock)
    assert harbour.enter(phone.code())[1].status_code == 401, "the code of setting it up was used by that"
    code = phone.next()
    assert harbour.enter(code)[1].status_code == 200
    assert harbour.enter(code)[1].status_code == 401
    assert harbour.enter(phone.code(-1))[1].status_code == 401
    assert harbour.enter(phone.code(1))[1].status_code == 200, "ahead by a step"
    harbour.clock.forward(90)
    assert harbour.enter(phone.code(2))[1].status_code == 401
    assert harbour.enter(phone.code(-1))[1].status_code == 200, "behind by a step"


def test_a_117_five_wrong_codes_end_the_sign_in_and_ten_lock(harbour: Harbour) -> None:
    """T2"""
    phone = enrol(harbour.sign_up(), harbour.clock)
    for _ in range(2):
        client, begun = harbour.begin()
        assert begun.json()["twoFactorRedirect"] is True
        codes = [client.post(VERIFY, json={"code": phone.wrong()}).json()["code"] for _ in range(5)]
        assert codes == ["INVALID_CODE"] * 4 + ["TOO_MANY_ATTEMPTS"]
        sixth = client.post(VERIFY, json={"code": phone.next()})
        assert (sixth.status_code, sixth.json()["code"]) == (401, "INVALID_TWO_FACTOR_COOKIE"), "a right one as well"
    client, refused = harbour.enter(phone.next())
    assert (refused.status_code, refused.json()["code"]) == (429, "ACCOUNT_TEMPORARILY_LOCKED")
    assert 800 < int(refused.headers["retry-after"]) <= 900
    assert client.post(BACKUP, json={"code": phone.codes[0]}).status_code == 429, "no way past it"
    harbour.clock.forward(minutes=16)
    assert harbour.enter(phone.next())[1].status_code == 200
    assert harbour.audited().count("mfa.failed") == 10


def test_a_148_an_administrator_lifts_the_lock_of_the_second_step(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    phone = enrol(ana, harbour.clock)
    for _ in range(2):
        client, _ = harbour.begin()
        for _ in range(5):
            client.post(VERIFY, json={"code": phone.wrong()})
    assert harbour.enter(phone.next())[1].status_code == 429
    auth = harbour.server.engine.auth
    assert auth is not None
    harbour.server.call_in_loop(auth.administration.unlock(OWNER, Source("tui"), ana.id))
    assert harbour.enter(phone.next())[1].status_code == 200


def test_t2_guessing_a_code_is_hopeless() -> None:
    """The most tries within a day, by how long the locks take, and three codes that hold at any time."""
    now, tries, locks = timedelta(), 0, 0
    while now < timedelta(days=1):
        tries, now, locks = tries + LOCK_AT, now + lock_of(locks), locks + 1
    assert lock_of(0) == timedelta(minutes=15)
    assert tries * (2 * WINDOW + 1) / 10**6 < 1e-4
    assert lock_of(50) == timedelta(days=1)


def test_a_wrong_code_in_between_does_not_count_for_ever(harbour: Harbour) -> None:
    """Ten in a row: a right one begins anew."""
    phone = enrol(harbour.sign_up(), harbour.clock)
    for _ in range(3):
        client, _ = harbour.begin()
        for _ in range(4):
            assert client.post(VERIFY, json={"code": phone.wrong()}).status_code == 401
        assert client.post(VERIFY, json={"code": phone.next()}).status_code == 200


# ── Changing it ──


def test_a_114_disabling(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    assert ana.post(DISABLE, {"password": PASSWORD}).json()["code"] == "TWO_FACTOR_NOT_ENABLED"
    enrol(ana, harbour.clock)
    assert harbour.guest.post(DISABLE, json={"password": PASSWORD}).status_code == 401
    wrong = ana.post(DISABLE, {"password": "another harbour at dusk"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_PASSWORD")
    before = ana.client.cookies["sid"]
    assert ana.post(DISABLE, {"password": PASSWORD}).json()["status"] is True
    assert ana.client.cookies["sid"] != before
    assert "token" in harbour.begin()[1].json()
    session = ana.get("/api/auth/get-session").json()
    assert (session["session"]["assurance"], session["user"]["twoFactorEnabled"]) == ("aal1", False)
    assert harbour.read(lambda reader: reader.rows("SELECT count(*) FROM auth_backup_code"))[0][0] == 0
    assert "mfa.removed" in harbour.audited()


@pytest.mark.parametrize("digits", [6, 7, 8])
def test_codes_are_those_of_authenticator_apps(digits: int) -> None:
    """A-110: against another implementation; and the figures that it does not have, of length alone."""
    ours = Totp.new(digits, 45)
    theirs = pyotp.parse_uri(ours.uri("ana@example.org", "Harbour & Desk"))
    assert isinstance(theirs, pyotp.TOTP)
    assert (theirs.name, theirs.issuer, theirs.interval) == ("ana@example.org", "Harbour & Desk", 45)
    assert [ours.code(step) for step in range(39_000_000, 39_000_050)] == [
        theirs.generate_otp(step) for step in range(39_000_000, 39_000_050)
    ]
    assert len(Totp(secret=ours.secret, digits=4, period=300).code(39_000_000)) == 4
    assert Totp.read(ours.stored()) == ours


def test_a_067_an_old_session_may_not_disable(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    enrol(ana, harbour.clock)
    harbour.clock.forward(days=1, seconds=1)
    old = ana.post(DISABLE, {"password": PASSWORD})
    assert (old.status_code, old.json()["code"]) == (403, "SESSION_NOT_FRESH")


def test_a_session_that_has_not_shown_the_factor_may_not_touch_it(harbour: Harbour) -> None:
    """One that began before there was a factor, in other hands perhaps; a code lets it go on."""
    ana = harbour.sign_up()
    other = harbour.sign_in()
    phone = enrol(ana, harbour.clock)
    for path in ("disable", "enable", "get-totp-uri", "generate-backup-codes"):
        refused = other.post(f"/api/auth/two-factor/{path}", {"password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (403, "MFA_REQUIRED"), path
    before = other.client.cookies["sid"]
    assert other.post(VERIFY, {"code": phone.wrong()}).status_code == 401
    assert other.post(VERIFY, {"code": phone.next()}).status_code == 200
    assert other.client.cookies["sid"] != before
    uri = other.post("/api/auth/two-factor/get-totp-uri", {"password": PASSWORD}).json()["totpURI"]
    assert pyotp.parse_uri(uri).at(harbour.clock.now) == phone.code()  # type: ignore[union-attr]


def test_another_phone_takes_the_place_of_the_first_once_it_has_shown_a_code(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    old = enrol(ana, harbour.clock)
    begun = ana.post(ENABLE, {"password": PASSWORD}).json()
    assert harbour.enter(old.next())[1].status_code == 200, "until then the first one holds"
    assert harbour.enter(old.codes[0])[1].status_code == 200, "and so do its backup codes"
    assert harbour.enter(begun["backupCodes"][0])[1].status_code == 401, "none of a phone that has shown nothing"
    new = Authenticator(begun, harbour.clock)
    assert ana.post(VERIFY, {"code": new.code()}).status_code == 200
    assert harbour.enter(old.next())[1].status_code == 401
    assert harbour.enter(old.codes[1])[1].status_code == 401
    assert harbour.enter(begun["backupCodes"][0])[1].status_code == 200
    assert harbour.enter(new.next())[1].status_code == 200


def test_new_backup_codes_make_the_former_ones_void(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    assert ana.post("/api/auth/two-factor/generate-backup-codes", {"password": PASSWORD}).status_code == 400
    phone = enrol(ana, harbour.clock)
    renewed = ana.post("/api/auth/two-factor/generate-backup-codes", {"password": PASSWORD}).json()["backupCodes"]
    assert not set(renewed) & set(phone.codes)
    assert harbour.enter(phone.codes[0])[1].status_code == 401
    assert harbour.enter(renewed[0])[1].status_code == 200
    assert ana.post("/api/auth/two-factor/generate-backup-codes", {"password": "no"}).status_code == 400


def test_a_122_an_administrator_resets_a_factor(harbour: Harbour) -> None:
    mails, ana = Mailbox(harbour), harbour.sign_up()
    phone = enrol(ana, harbour.clock)
    half, _ = harbour.begin()
    mails.clear()
    auth = harbour.server.engine.auth
    assert auth is not None
    harbour.server.call_in_loop(auth.factors.reset(ana.id, OWNER, Source("tui", os_user="olaf")))
    assert ana.get("/api/auth/list-sessions").status_code == 401, "all sessions have ended"
    assert half.post(VERIFY, json={"code": phone.next()}).status_code == 401
    assert mails.told() == [("mfaChanged", "ana")]
    assert harbour.audited()[-1] == "mfa.reset_by_admin"
    assert "token" in harbour.begin()[1].json()


# ── Devices ──


def test_a_120_a_trusted_device_skips_the_second_step(harbour: Harbour) -> None:
    """Until it is revoked in the list of sessions; it is bound to the account and lasts thirty days."""
    phone = enrol(harbour.sign_up(), harbour.clock)
    harbour.sign_up("bob")
    client, entered = harbour.enter(phone.next(), trustDevice=True)
    assert entered.status_code == 200
    assert any(
        each.startswith("trusted_device=") and "Max-Age=2592000" in each
        for each in entered.headers.get_list("set-cookie")
    )
    ana = Visitor(client, entered.json())
    assert ana.post("/api/auth/sign-out").status_code == 200
    again = harbour.begin(client=client)[1]
    assert "token" in again.json(), "signing out does not end the trust"
    assert ana.get("/api/auth/get-session").json()["session"]["assurance"] == "aal2"
    assert harbour.begin()[1].json()["twoFactorRedirect"] is True, "another browser is asked"
    listed = ana.get("/api/auth/two-factor/list-devices").json()
    assert ana.get("/api/auth/list-sessions").json()[0]["deviceId"] == listed[0]["id"]
    assert [(each["isCurrent"], len(listed)) for each in listed] == [(True, 1)]
    handle = ana.get("/api/auth/get-session").json()["session"]["id"]
    assert ana.post("/api/auth/revoke-session", {"id": handle}).status_code == 200
    assert harbour.begin(client=client)[1].json()["twoFactorRedirect"] is True


def test_a_device_is_trusted_for_thirty_days_by_its_account_alone(harbour: Harbour) -> None:
    """T13: nobody else can forget it."""
    phone = enrol(harbour.sign_up(), harbour.clock)
    bob = harbour.sign_up("bob")
    other = enrol(bob, harbour.clock)
    client, _ = harbour.enter(phone.next(), trustDevice=True)
    device = client.get("/api/auth/two-factor/list-devices").json()[0]["id"]
    revoke = "/api/auth/two-factor/revoke-device"
    assert bob.post(revoke, {"id": device}).status_code == 404
    assert harbour.begin("bob", client)[1].json()["twoFactorRedirect"] is True, "not for another account"
    assert client.post(VERIFY, json={"code": other.next()}).status_code == 200
    harbour.begin(client=client)
    harbour.clock.forward(days=31)
    assert harbour.begin(client=client)[1].json()["twoFactorRedirect"] is True
    client, _ = harbour.enter(phone.next(), trustDevice=True)
    device = client.get("/api/auth/two-factor/list-devices").json()[0]["id"]
    assert client.post(revoke, json={"id": device}).status_code == 200
    assert harbour.begin(client=client)[1].json()["twoFactorRedirect"] is True
    harbour.enter(phone.next(), trustDevice=True)
    harbour.clock.forward(days=31)
    harbour.write(sweep_devices)
    assert harbour.read(lambda reader: reader.rows("SELECT count(*) FROM auth_trusted_device"))[0][0] == 0
    assert {"device.trusted", "device.forgotten"} <= set(harbour.audited())


def test_t32_a_new_password_neither_takes_the_factor_away_nor_leaves_a_device_trusted(harbour: Harbour) -> None:
    """A-098"""
    mails, phone = Mailbox(harbour), enrol(harbour.sign_up(), harbour.clock)
    client, _ = harbour.enter(phone.next(), trustDevice=True)
    harbour.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    token = httpx.URL(mails.link("resetPassword", "ana")).params["token"]
    reset = harbour.guest.post("/api/auth/reset-password", json={"token": token, "newPassword": "a new tide at noon"})
    assert reset.status_code == 200
    body = {"email": "ana@example.org", "password": "a new tide at noon"}
    assert client.post("/api/auth/sign-in/email", json=body).json()["twoFactorRedirect"] is True


# ── Who must have one ──


def test_a_119_an_administrator_without_a_factor_can_only_set_one_up(harbour: Harbour) -> None:
    ana = harbour.sign_up(roles=("admin",))
    for path in ("/api/tables", "/api/tables/notes/records", "/api/auth/list-sessions"):
        refused = ana.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "MFA_REQUIRED"), path
    for path in ("change-password", "two-factor/disable", "revoke-sessions"):
        assert ana.post(f"/api/auth/{path}", {"password": PASSWORD}).json()["code"] == "MFA_REQUIRED", path
    assert ana.get("/api/health").status_code == 200
    phone = enrol(ana, harbour.clock)
    assert ana.get("/api/tables/notes/records").status_code == 200
    assert harbour.enter(phone.next())[0].get("/api/tables/notes/records").status_code == 200
    assert ana.post(DISABLE, {"password": PASSWORD}).status_code == 200
    assert ana.get("/api/tables/notes/records").status_code == 403, "and is asked again without one"
    assert ana.post("/api/auth/sign-out").status_code == 200
    assert harbour.sign_up("bob").get("/api/tables/notes/records").status_code == 200, "others need none"


# ── What the app file says ──


def test_a_118_digits_and_period_are_the_app_files_and_stay_with_the_factor(tmp_path: Path) -> None:
    """A-111: without backup codes there are none. A-113, A-114: without second factors 404, and 400 to set one up."""
    clock = MovingClock()
    app = DESK.replace("  roles:", "  twoFactor: {digits: 8, period: 60, backupCodes: false}\n  roles:")
    with RunningServer(app, tmp_path, clock=clock) as server:
        desk = Harbour(server, clock)
        ana = desk.sign_up()
        begun = ana.post(ENABLE, {"password": PASSWORD}).json()
        assert "backupCodes" not in begun
        assert "digits=8" in begun["totpURI"]
        assert "period=60" in begun["totpURI"]
        phone = Authenticator(begun, clock)
        assert len(phone.code()) == 8
        assert ana.post(VERIFY, {"code": phone.code()}).status_code == 200
        assert desk.begin()[1].json()["twoFactorMethods"] == ["totp"]
        server.app_file.write_text(app.replace("digits: 8, period: 60", "digits: 6, period: 30"))
        assert server.local.post("/api/console/reload", json={}).status_code == 200
        assert desk.enter(phone.next())[1].status_code == 200, "a phone that was set up before still opens"
        closing = app.replace("  roles:", "  mfa: {totp: verifyOnly}\n  roles:")
        server.app_file.write_text(closing)
        assert server.local.post("/api/console/reload", json={}).status_code == 200
        assert ana.post(ENABLE, {"password": PASSWORD}).status_code == 400, "no new ones"
        assert desk.enter(phone.next())[1].status_code == 200, "those that there are still hold"
        server.app_file.write_text(DESK)
        assert server.local.post("/api/console/reload", json={}).status_code == 200
        off = ana.post(ENABLE, {"password": PASSWORD})
        assert (off.status_code, off.json()["code"]) == (400, "TWO_FACTOR_NOT_ENABLED")
        for path in ("verify", "verify-totp", "verify-backup-code", "disable"):
            assert ana.post(f"/api/auth/two-factor/{path}", {"code": "1", "password": PASSWORD}).status_code == 404
        assert "token" in desk.begin()[1].json()
        desk.close()


def test_a_041_nothing_of_a_factor_is_kept_as_it_is(harbour: Harbour) -> None:
    begun = harbour.sign_up().post(ENABLE, {"password": PASSWORD}).json()
    columns = "SELECT secret FROM auth_factor UNION ALL SELECT code_hash FROM auth_backup_code"
    kept = " ".join(row[0] for row in harbour.read(lambda reader: reader.rows(columns)))
    for secret in (begun["secret"], *begun["backupCodes"]):
        assert secret not in kept


def test_sessions_end_with_the_account_and_so_does_its_factor(harbour: Harbour) -> None:
    ana = harbour.sign_up()
    enrol(ana, harbour.clock)
    auth = harbour.server.engine.auth
    assert auth is not None

    def remove(tx: object) -> None:
        from core.auth.account import find

        account = find(tx, ana.id)  # type: ignore[arg-type]
        assert account is not None
        auth.context.remove(tx, account)  # type: ignore[arg-type, union-attr]

    harbour.write(remove)
    for table in (FACTORS, SESSIONS):
        assert harbour.read(lambda reader, table=table: reader.rows(f"SELECT count(*) FROM {table.name}"))[0][0] == 0


def test_a_119_a_key_is_no_way_around_the_factor_that_roles_ask_for(harbour: Harbour) -> None:
    """T32: made while the account had other roles."""
    ana = harbour.sign_up("ana")
    key = ana.post("/api/auth/api-keys", {"name": "robot"}).json()["key"]
    robot = harbour.client(authorization=f"Bearer {key}")
    assert robot.get("/api/tables").status_code == 200
    harbour.give(ana.id, "admin")
    refused = robot.get("/api/auth/admin/list-users")
    assert (refused.status_code, refused.json()["code"]) == (403, "MFA_REQUIRED")
    enrol(ana, harbour.clock)
    assert robot.get("/api/auth/admin/list-users").status_code == 200
