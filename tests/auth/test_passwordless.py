"""Links and codes, by mail and phone, and accounts without an address (auth §7.4); the second step on both databases."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from core.auth.address import normal_phone
from core.auth.error import AuthError
from core.auth.token import TRIES, TRIES_A_DAY
from core.messaging.pace import TEXTS, Limits
from core.messaging.sms import Console, NotDelivered, TextMessage
from core.storage.catalog import table_names
from tests.support.accounts import DESK, PASSWORD, Desk, Visitor
from tests.support.clock import MovingClock
from tests.support.databases import postgresql_schema
from tests.support.factor import enrol
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

JSON = {"Accept": "application/json"}
WAYS = (
    "[{type: emailAndPassword}, {type: magicLink}, {type: anonymous}, "
    "{type: phone, homePrefix: '49', countries: ['33'], testOtps: {'+4915199999': '424242'}}]"
)
APP = DESK.replace("[{type: emailAndPassword}]", WAYS).replace(
    "  roles:",
    '  twoFactor: true\n  mfa: {phone: "on"}\n  redirects: {allow: ["deskapp://**"]}\n  defaultRole: editor\n  roles:',
)
SEND, LINK = "/api/auth/sign-in/magic-link", "/api/auth/magic-link/verify"
SEND_CODE, BY_CODE = "/api/auth/email-otp/send-verification-otp", "/api/auth/sign-in/email-otp"
TEXT, PHONE = "/api/auth/phone-number/send-otp", "/api/auth/phone-number/verify"
NUMBER = "+49 151 00000"


class Quay(Desk):
    """An app with all ways in that need no password, whose time is moved."""

    def __init__(self, server: RunningServer, clock: MovingClock) -> None:
        super().__init__(server)
        self.clock = clock
        self.clear()
        self.mails = Mailbox(self)
        self.write(lambda tx: tx.execute(TEXTS.delete()) if TEXTS.name in table_names(tx) else None)

    def post(self, path: str, client: httpx.Client | None = None, **body: object) -> httpx.Response:
        return (client or self.guest).post(path, json=body)

    def link(self, name: str = "ana") -> str:
        """The path of the newest link that was sent."""
        return self.mails.link("magicLink", name)

    def code(self, to: str = "ana@example.org") -> str:
        """The newest code that was sent."""
        message = [each for each in self.mails.all() if each.to == to][-1]
        assert message.content is not None
        found = re.search(r"\b\d{6}\b", message.content.text)
        assert found is not None, message.content.text
        return found[0]

    def text(self, number: str = NUMBER, client: httpx.Client | None = None) -> httpx.Response:
        """Ask for a code by text message, more than a minute after the last."""
        self.clock.forward(61)
        return self.post(TEXT, client, phoneNumber=number)


@pytest.fixture(scope="module")
def duck_quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock = MovingClock()
    with RunningServer(APP, tmp_path_factory.mktemp("quay"), clock=clock) as server:
        yield server, clock


@pytest.fixture(scope="module")
def postgresql_quay(
    tmp_path_factory: pytest.TempPathFactory, postgresql_address: str
) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock, folder = MovingClock(), tmp_path_factory.mktemp("quay-pg")
    with (
        postgresql_schema(postgresql_address) as settings,
        RunningServer(APP, folder, clock=clock, database_url=settings.url) as server,
    ):
        yield server, clock


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, MovingClock]]:
    clock, app = MovingClock(), APP.replace("  twoFactor: true", "  twoFactor: true\n  allowSignUp: false")
    with RunningServer(app, tmp_path_factory.mktemp("closed"), clock=clock) as server:
        yield server, clock


def quay_of(running: tuple[RunningServer, MovingClock]) -> Iterator[Quay]:
    running[1].forward(days=2)
    desk = Quay(*running)
    yield desk
    desk.close()


@pytest.fixture
def quay(duck_quay: tuple[RunningServer, MovingClock]) -> Iterator[Quay]:
    yield from quay_of(duck_quay)


@pytest.fixture(params=["duck_quay", "postgresql_quay"], ids=["duckdb", "postgresql"])
def either(request: pytest.FixtureRequest) -> Iterator[Quay]:
    """On both databases."""
    yield from quay_of(request.getfixturevalue(request.param))


@pytest.fixture
def closed(closed_server: tuple[RunningServer, MovingClock]) -> Iterator[Quay]:
    """An app in which administrators alone make accounts: `ana` has one, with a number."""

    def work(tx: object) -> None:
        from core.auth.account import create

        create(tx, email="ana@example.org", name="Ana", email_verified=True, phone="4915100000", phone_verified=True)  # type: ignore[arg-type]

    for desk in quay_of(closed_server):
        desk.write(work)
        yield desk


def at_once(count: int, work: Callable[[int], httpx.Response]) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return sorted(each.status_code for each in pool.map(work, range(count)))


# ── Magic links ──


def test_a_100_a_link_signs_in(either: Quay) -> None:
    """A-103: and makes an account for a new address, with the default role and the address verified."""
    ana = either.sign_up()
    assert either.post(SEND, email="ANA@example.org").json() == {"status": True}
    assert either.mails.told() == [("magicLink", "ana")]
    entered = either.client().get(either.link(), headers=JSON)
    assert (entered.status_code, entered.json()["user"]["id"]) == (200, ana.id)
    assert entered.json()["session"]["userId"] == ana.id
    assert entered.json()["token"]
    assert either.post("/api/auth/magic-link/send", email="bob@example.org", name="Bob <b>B</b>").status_code == 200
    assert either.read(lambda reader: reader.rows("SELECT count(*) FROM auth_user"))[0][0] == 1, "not on sending"
    token = httpx.URL(either.link("bob")).params["token"]
    browser = either.client()
    bob = browser.post(LINK, json={"token": token}).json()["user"]
    assert (bob["name"], bob["role"], bob["emailVerified"]) == ("Bob B", "editor", True)
    assert browser.get("/api/auth/get-session").json()["user"]["id"] == bob["id"]


def test_a_102_what_is_no_address_gets_no_link(quay: Quay, duck_desk: Desk) -> None:
    assert quay.post(SEND).status_code == 400
    assert quay.post(SEND, email="nobody").json()["code"] == "INVALID_EMAIL"
    wrong = quay.post(SEND, email="ana@example.org", errorCallbackURL="https://evil.example")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "INVALID_CALLBACK_URL")
    off = duck_desk.guest.post(SEND, json={"email": "ana@example.org"})
    assert (off.status_code, off.json()["code"]) == (400, "MAGIC_LINK_DISABLED")
    assert duck_desk.guest.get(f"{LINK}?token=x", headers=JSON).status_code == 400


def test_a_104_a_link_that_does_not_hold(quay: Quay) -> None:
    """Invalid, missing, expired and used ones 400; the newest alone holds; a redirect tells the reason."""
    ask = lambda path: quay.client().get(path, headers=JSON)  # noqa: E731
    assert ask(f"{LINK}?token=nothing").json()["code"] == "INVALID_TOKEN"
    assert ask(LINK).status_code == 400
    quay.post(SEND, email="ana@example.org")
    former = quay.link()
    quay.post(SEND, email="ana@example.org")
    assert ask(former).status_code == 400
    assert ask(quay.link()).status_code == 200
    assert ask(quay.link()).status_code == 400
    targets = {"callbackURL": "/home", "newUserCallbackURL": "/welcome", "errorCallbackURL": "deskapp://sorry"}
    quay.post(SEND, email="bob@example.org", **targets)
    quay.clock.forward(minutes=16)
    assert ask(quay.link("bob")).headers["location"] == "deskapp://sorry?error=TOKEN_EXPIRED"
    for expected in ("/welcome", "/home"):
        quay.post(SEND, email="bob@example.org", **targets)
        assert ask(quay.link("bob")).headers["location"] == expected


def test_t28_a_link_that_a_program_opens_is_not_used_up(quay: Quay) -> None:
    """A page asks for one click, and only that uses the link."""
    quay.post(SEND, email="ana@example.org", callbackURL="deskapp://home")
    for _ in range(2):
        page = quay.client().get(quay.link())
        assert page.status_code == 200
        assert "form-action 'self' deskapp:" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers
    token = httpx.URL(quay.link()).params["token"]
    browser = quay.client()
    clicked = browser.post(LINK, data={"token": token, "callbackURL": "deskapp://home"})
    assert (clicked.status_code, clicked.headers["location"]) == (302, "deskapp://home")
    assert browser.get("/api/auth/get-session").json()["user"]["email"] == "ana@example.org"


def test_a_105_a_link_leads_to_the_second_step(quay: Quay) -> None:
    """T32: also in a browser, where a page asks for the code."""
    ana = quay.sign_up()
    phone = enrol(ana, quay.clock)
    quay.post(SEND, email="ana@example.org")
    program = quay.client()
    asked = program.get(quay.link(), headers=JSON)
    assert asked.json()["twoFactorRedirect"] is True
    assert "token" not in asked.json()
    assert program.get("/api/auth/get-session").json() is None
    assert program.post("/api/auth/two-factor/verify", json={"code": phone.next()}).status_code == 200
    quay.post(SEND, email="ana@example.org", callbackURL="/home")
    browser = quay.client()
    clicked = browser.post(LINK, data={"token": httpx.URL(quay.link()).params["token"], "callbackURL": "/home"})
    assert (clicked.status_code, clicked.headers["location"]) == (303, "/two-factor?callbackURL=%2Fhome")
    page = browser.get(clicked.headers["location"])
    assert 'autocomplete="one-time-code"' in page.text
    wrong = browser.post("/two-factor", data={"code": phone.wrong(), "callbackURL": "/home"})
    assert (wrong.status_code, "The code is wrong." in wrong.text) == (401, True)
    right = browser.post("/two-factor", data={"code": phone.next(), "callbackURL": "/home"})
    assert (right.status_code, right.headers["location"]) == (302, "/home")
    assert browser.get("/api/auth/get-session").json()["session"]["assurance"] == "aal2"
    assert quay.guest.post("/two-factor", data={"code": "1"}).status_code == 401


def test_t19_who_proves_an_address_takes_it_from_who_only_claimed_it(quay: Quay) -> None:
    """The password and the sessions of somebody who signed up with it before go."""
    thief = quay.sign_up()
    quay.post(SEND, email="ana@example.org")
    owner = quay.client()
    assert owner.get(quay.link(), headers=JSON).json()["user"]["id"] == thief.id
    assert thief.get("/api/auth/list-sessions").status_code == 401
    assert quay.post("/api/auth/sign-in/email", email="ana@example.org", password=PASSWORD).status_code == 401
    assert owner.get("/api/auth/list-sessions").status_code == 200
    assert quay.mails.told()[-1] == ("passwordChanged", "ana")


# ── Codes by mail ──


def test_a_code_of_a_mail_signs_in(either: Quay) -> None:
    """A-101: an address without an account gets one with the code."""
    assert either.post(SEND_CODE, email="ana@example.org").status_code == 400
    assert either.post(SEND_CODE, email="ana@example.org", type="sign-out").status_code == 400
    assert either.post(SEND_CODE, email="ana@example.org", type="sign-in").json() == {"success": True}
    code = either.code()
    entered = either.post(BY_CODE, email="Ana@example.org", otp=f"{code[:3]} {code[3:]}")
    assert (entered.status_code, entered.json()["user"]["emailVerified"]) == (200, True)
    again = either.post(BY_CODE, email="ana@example.org", otp=code)
    assert (again.status_code, again.json()["code"]) == (400, "INVALID_CODE")
    either.post(SEND_CODE, email="ana@example.org", type="sign-in")
    either.clock.forward(301)
    late = either.post(BY_CODE, email="ana@example.org", otp=either.code())
    assert (late.status_code, late.json()["code"]) == (400, "TOKEN_EXPIRED")


def test_a_code_is_dead_after_three_wrong_tries(quay: Quay) -> None:
    """T2: and an address has so many tries a day, so that guessing is hopeless."""
    quay.post(SEND_CODE, email="ana@example.org", type="sign-in")
    wrong = f"{(int(quay.code()) + 1) % 10**6:06}"
    codes = [quay.post(BY_CODE, email="ana@example.org", otp=wrong).json()["code"] for _ in range(3)]
    assert codes == ["INVALID_CODE", "INVALID_CODE", "TOO_MANY_ATTEMPTS"]
    dead = quay.post(BY_CODE, email="ana@example.org", otp=quay.code())
    assert (dead.status_code, dead.json()["code"]) == (403, "TOO_MANY_ATTEMPTS")
    for _ in range(TRIES_A_DAY // TRIES - 1):
        quay.post(SEND_CODE, email="ana@example.org", type="sign-in")
        wrong = f"{(int(quay.code()) + 1) % 10**6:06}"
        for _ in range(TRIES):
            quay.post(BY_CODE, email="ana@example.org", otp=wrong)
    quay.post(SEND_CODE, email="ana@example.org", type="sign-in")
    assert quay.post(BY_CODE, email="ana@example.org", otp=quay.code()).status_code == 403
    quay.clock.forward(days=1, seconds=1)
    quay.post(SEND_CODE, email="ana@example.org", type="sign-in")
    assert quay.post(BY_CODE, email="ana@example.org", otp=quay.code()).status_code == 200
    limits = Limits()
    assert TRIES_A_DAY / 10**6 < 1e-4
    assert limits.number_day * TRIES / 10**6 < 1e-4, "by phone the messages themselves are counted"


def test_codes_verify_an_address_and_choose_a_password(quay: Quay) -> None:
    """Each for its own purpose alone."""
    ana = quay.sign_up()
    quay.post(SEND_CODE, email="ana@example.org", type="email-verification")
    code = quay.code()
    assert quay.post(BY_CODE, email="ana@example.org", otp=code).status_code == 400
    verified = quay.post("/api/auth/email-otp/verify-email", email="ana@example.org", otp=code)
    assert (verified.status_code, verified.json()["user"]["emailVerified"]) == (200, True)
    assert verified.json()["token"]
    quay.mails.clear()
    quay.post(SEND_CODE, email="ana@example.org", type="email-verification")
    assert quay.mails.told() == [], "it is verified"
    quay.post(SEND_CODE, email="ana@example.org", type="forget-password")
    body = {"email": "ana@example.org", "otp": quay.code(), "password": "a new tide at noon"}
    reset = "/api/auth/email-otp/reset-password"
    assert quay.post(reset, **{**body, "password": "short"}).json()["code"] == "PASSWORD_TOO_SHORT"
    assert quay.post(reset, **body).json() == {"success": True}
    assert ana.get("/api/auth/list-sessions").status_code == 401
    assert quay.sign_in(password="a new tide at noon").id == ana.id


def test_a_046_of_twelve_uses_at_once_one_wins(either: Quay) -> None:
    """T33: of a link, of a code by mail and of a code by phone."""
    either.post(SEND, email="ana@example.org")
    token = httpx.URL(either.link()).params["token"]
    assert at_once(12, lambda _: either.post(LINK, token=token)).count(200) == 1
    either.post(SEND_CODE, email="bob@example.org", type="sign-in")
    code = either.code("bob@example.org")
    assert at_once(12, lambda _: either.post(BY_CODE, email="bob@example.org", otp=code)).count(200) == 1
    either.text()
    code = either.code("+4915100000")
    assert at_once(12, lambda _: either.post(PHONE, phoneNumber=NUMBER, code=code)).count(200) == 1
    count = either.read(lambda reader: reader.rows("SELECT count(*) FROM auth_user"))[0][0]
    assert count == 3, "an account for each"


# ── Phone ──


def test_a_106_a_code_by_phone_signs_up_and_in(either: Quay) -> None:
    """A-107: the number in any spelling."""
    sent = either.text()
    assert (sent.status_code, sent.json()) == (200, {"message": "sent"})
    again = either.post(TEXT, phoneNumber=NUMBER)
    assert (again.status_code, 0 < int(again.headers["retry-after"]) <= 60) == (429, True)
    browser = either.client()
    entered = browser.post(PHONE, json={"phoneNumber": "4915100000", "code": either.code("+4915100000")})
    assert entered.status_code == 200, entered.text
    user = entered.json()["user"]
    assert (user["phoneNumber"], user["phoneNumberVerified"], user["email"]) == ("4915100000", True, None)
    assert "15100" not in user["name"], "others need not read the number"
    assert browser.get("/api/auth/get-session").json()["user"]["id"] == user["id"]
    assert either.text("0049151".replace("0049", "+49") + "00000").status_code == 200
    code = either.code("+4915100000")
    either.clock.forward(301)
    late = either.post(PHONE, phoneNumber=NUMBER, code=code)
    assert (late.status_code, late.json()["code"]) == (400, "TOKEN_EXPIRED")
    either.text()
    code = either.code("+4915100000")
    wrong = f"{(int(code) + 1) % 10**6:06}"
    told = [either.post(PHONE, phoneNumber=NUMBER, code=wrong).json()["code"] for _ in range(3)]
    assert told == ["INVALID_CODE", "INVALID_CODE", "TOO_MANY_ATTEMPTS"]
    assert either.post(PHONE, phoneNumber=NUMBER, code=code).status_code == 403
    either.text()
    quiet = either.post(PHONE, phoneNumber=NUMBER, code=either.code("+4915100000"), disableSession=True)
    assert (quiet.json()["token"], quiet.json()["user"]["id"]) == (None, user["id"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [("+49 151 00000", "4915100000"), ("4915100000", "4915100000"), ("+49 (151) 000-00", "4915100000"),
     ("＋４９１５１０００００", "4915100000")],
)  # fmt: skip
def test_a_107_a_number_in_any_spelling(written: str, meant: str) -> None:
    assert normal_phone(written) == meant


@pytest.mark.parametrize("written", ["", "12345", "+49 CALL ME", "0151 00000", "+4915100000000000", "+49+15100000"])
def test_a_107_what_is_no_number(written: str) -> None:
    with pytest.raises(AuthError, match="not a phone number"):
        normal_phone(written)


def test_a_107_and_what_the_routes_say_to_it(quay: Quay, duck_desk: Desk) -> None:
    """A-109: nor to countries that the app does not send to."""
    for body in ({}, {"phoneNumber": "call me"}, {"phoneNumber": "12345"}, {"phoneNumber": "+15550100000"}):
        assert quay.post(TEXT, **body).status_code == 400, body
    assert quay.text("+33 612345678").status_code == 200
    assert quay.post(PHONE, phoneNumber=NUMBER).status_code == 400
    for path, more in ((TEXT, {}), (PHONE, {"code": "1"}), ("/api/auth/sign-in/phone-number", {"password": "x"})):
        off = duck_desk.guest.post(path, json={"phoneNumber": NUMBER, **more})
        assert (off.status_code, off.json()["code"]) == (400, "STRATEGY_DISABLED")


def test_a_number_that_tests_know_costs_nothing(quay: Quay) -> None:
    assert quay.post(TEXT, phoneNumber="+4915199999").status_code == 200
    assert quay.post(TEXT, phoneNumber="+4915199999").status_code == 200, "nothing leaves, so nothing is counted"
    assert quay.mails.all() == []
    assert quay.post(PHONE, phoneNumber="+4915199999", code="424241").status_code == 400
    assert quay.post(PHONE, phoneNumber="+4915199999", code="424242").status_code == 200


def test_a_108_a_code_that_could_not_leave_is_not_kept(quay: Quay, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the message is not counted, so that trying again is possible at once."""
    auth = quay.server.engine.auth
    assert auth is not None

    class Failing(Console):
        def send(self, message: TextMessage) -> None:
            raise NotDelivered("the provider is down", is_free=True)

    quay.text()
    code = quay.code("+4915100000")
    with monkeypatch.context() as patch:
        patch.setattr(auth.context.post, "_provider", Failing())
        failed = quay.text()
        assert (failed.status_code, failed.json()["code"]) == (502, "DELIVERY_FAILED")
    assert quay.post(PHONE, phoneNumber=NUMBER, code=code).status_code == 200, "the former one holds"
    assert quay.post(TEXT, phoneNumber=NUMBER).status_code == 200


def test_t21_messages_are_bounded_by_number_and_address(quay: Quay) -> None:
    """A-109: five to one number within an hour, ten from one address."""
    answers = [quay.text() for _ in range(6)]
    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert int(answers[-1].headers["retry-after"]) > 60
    others = [quay.text(f"+49 151 3333{digit}").status_code for digit in range(6)]
    assert others == [200] * 5 + [429]


def test_a_number_for_ones_own_account_and_a_password_with_it(either: Quay) -> None:
    ana, bob = either.sign_up(), either.sign_up("bob")
    either.text(client=ana.client)
    code = either.code("+4915100000")
    body = {"phoneNumber": NUMBER, "code": code, "updatePhoneNumber": True}
    assert either.post(PHONE, **body).status_code == 401
    changed = ana.post(PHONE, body)
    assert (changed.status_code, changed.json()["user"]["phoneNumber"]) == (200, "4915100000")
    assert "phone.changed" in either.audited()
    either.text(client=bob.client)
    taken = bob.post(PHONE, {**body, "code": either.code("+4915100000")})
    assert (taken.status_code, taken.json()["code"]) == (409, "CONFLICT")
    by_number = "/api/auth/sign-in/phone-number"
    entered = either.post(by_number, phoneNumber="+49 151 00000", password=PASSWORD)
    assert (entered.status_code, entered.json()["user"]["id"]) == (200, ana.id)
    wrong = either.post(by_number, phoneNumber=NUMBER, password="another harbour at dusk")
    unknown = either.post(by_number, phoneNumber="+49 151 11111", password="another harbour at dusk")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "INVALID_PHONE_NUMBER_OR_PASSWORD")
    assert {**wrong.json(), "requestId": 0} == {**unknown.json(), "requestId": 0}
    assert either.post(by_number, phoneNumber=NUMBER).status_code == 400


def test_a_second_factor_by_text_message(quay: Quay) -> None:
    """Where the app has it on and the account a number; T2: its codes are counted with the others."""
    ana = quay.sign_up()
    quay.text(client=ana.client)
    body = {"phoneNumber": NUMBER, "code": quay.code("+4915100000"), "updatePhoneNumber": True}
    assert ana.post(PHONE, body).status_code == 200
    enrol(ana, quay.clock)
    quay.clock.forward(61)
    browser = quay.client()
    first = {"email": "ana@example.org", "password": PASSWORD}
    begun = browser.post("/api/auth/sign-in/email", json=first).json()
    assert begun["twoFactorMethods"] == ["totp", "backupCode", "otp"]
    send, verify = "/api/auth/two-factor/send-otp", "/api/auth/two-factor/verify-otp"
    assert quay.post(send).status_code == 401
    assert browser.post(send, json={}).json() == {"status": True}
    assert browser.post(send, json={}).status_code == 429
    code = quay.code("+4915100000")
    assert browser.post(verify, json={"code": f"{(int(code) + 1) % 10**6:06}"}).status_code == 401
    assert browser.post(verify, json={"code": code}).status_code == 200
    assert browser.get("/api/auth/get-session").json()["session"]["assurance"] == "aal2"
    assert quay.audited().count("mfa.failed") == 1


def test_t32_one_phone_is_not_both_proofs(quay: Quay) -> None:
    """T32: who came by a text message shows another factor next."""
    ana = quay.sign_up()
    quay.text(client=ana.client)
    body = {"phoneNumber": NUMBER, "code": quay.code("+4915100000"), "updatePhoneNumber": True}
    assert ana.post(PHONE, body).status_code == 200
    phone = enrol(ana, quay.clock)
    quay.clock.forward(61)
    browser = quay.client()
    quay.text()
    begun = quay.post(PHONE, browser, phoneNumber=NUMBER, code=quay.code("+4915100000")).json()
    assert begun["twoFactorMethods"] == ["totp", "backupCode"]
    quay.clock.forward(61)
    refused = browser.post("/api/auth/two-factor/send-otp", json={})
    assert (refused.status_code, refused.json()["code"]) == (400, "STRATEGY_DISABLED")
    assert browser.post("/api/auth/two-factor/verify", json={"code": phone.next()}).status_code == 200


def test_the_second_step_on_either_database(either: Quay) -> None:
    """A-113, A-114, A-117, A-120; T33: of twelve uses at once of one code of the app, or of one backup code, each in a
    sign-in of its own, one wins."""
    ana = either.sign_up()
    app = enrol(ana, either.clock)
    first = {"email": "ana@example.org", "password": PASSWORD}
    verify = "/api/auth/two-factor/verify"
    for code in (app.next(), app.codes[3]):
        tries = [either.client() for _ in range(12)]
        for each in tries:
            assert each.post("/api/auth/sign-in/email", json=first).json()["twoFactorRedirect"] is True
        statuses = at_once(12, lambda number, code=code, tries=tries: tries[number].post(verify, json={"code": code}))  # type: ignore[misc]
        assert statuses.count(200) == 1
        assert set(statuses) <= {200, 401, 429}, "those that were too late are wrong codes, and ten of them a lock"
        either.clock.forward(days=2)
    browser = either.client()
    browser.post("/api/auth/sign-in/email", json=first)
    assert browser.post(verify, json={"code": app.wrong()}).json()["code"] == "INVALID_CODE"
    entered = browser.post(verify, json={"code": app.next(), "trustDevice": True})
    assert entered.status_code == 200
    assert "token" in browser.post("/api/auth/sign-in/email", json=first).json()
    device = browser.get("/api/auth/two-factor/list-devices").json()[0]["id"]
    assert browser.post("/api/auth/two-factor/revoke-device", json={"id": device}).status_code == 200
    renewed = browser.post("/api/auth/two-factor/generate-backup-codes", json={"password": PASSWORD})
    assert len(renewed.json()["backupCodes"]) == 10
    assert browser.post("/api/auth/two-factor/disable", json={"password": PASSWORD}).status_code == 200
    assert "token" in either.client().post("/api/auth/sign-in/email", json=first).json()


# ── Without an address ──


def test_a_215_an_account_without_an_address_becomes_one_like_any_other(quay: Quay) -> None:
    client = quay.client()
    guest = Visitor(client, client.post("/api/auth/sign-in/anonymous", json={}).json())
    assert (guest.user["isAnonymous"], guest.user["email"]) == (True, None)
    assert guest.post("/api/tables/notes/records", {"text": "mine"}).status_code == 201
    quay.clock.forward(days=2)
    asked = guest.post("/api/auth/change-email", {"newEmail": "ana@example.org"})
    assert asked.status_code == 200, "it has no password to show once more"
    assert guest.get("/api/auth/get-session").json()["user"]["isAnonymous"] is True, "not before it is confirmed"
    token = httpx.URL(quay.mails.link("emailChange", "ana")).params["token"]
    assert guest.post("/api/auth/change-email/confirm", {"token": token}).status_code == 200
    user = guest.get("/api/auth/get-session").json()["user"]
    assert (user["id"], user["isAnonymous"], user["email"]) == (guest.id, False, "ana@example.org")


def test_signing_in_anonymously_is_off_unless_the_app_says_so(duck_desk: Desk, closed: Quay) -> None:
    off = duck_desk.guest.post("/api/auth/sign-in/anonymous", json={})
    assert (off.status_code, off.json()["code"]) == (400, "STRATEGY_DISABLED")
    assert closed.post("/api/auth/sign-in/anonymous").json()["code"] == "SIGN_UP_DISABLED"


# ── Who has an account ──


def test_t3_nothing_tells_who_has_an_account(closed: Quay) -> None:
    """A-101: without signing up nothing is sent to others, and every answer is the same: asked once, asked again, guessed
    wrong, guessed too often."""
    known, unknown = "ana@example.org", "eve@example.org"

    def answers(path: str, **body: str) -> tuple[int, str, str | None]:
        answer = closed.post(path, **body)
        return answer.status_code, answer.json().get("code", ""), answer.headers.get("retry-after")

    assert answers(SEND, email=known) == answers(SEND, email=unknown)
    for kind in ("sign-in", "forget-password"):
        assert answers(SEND_CODE, email=known, type=kind) == answers(SEND_CODE, email=unknown, type=kind)
    assert closed.mails.told() == [("magicLink", "ana"), ("emailOtp", "ana"), ("resetPassword", "ana")]
    for _ in range(4):
        wrong = [answers(BY_CODE, email=each, otp="00") for each in (known, unknown)]
        assert wrong[0] == wrong[1]
        body = {"otp": "00", "password": "a new tide at noon"}
        wrong = [answers("/api/auth/email-otp/reset-password", email=each, **body) for each in (known, unknown)]
        assert wrong[0] == wrong[1]
    closed.mails.clear()
    closed.clock.forward(3600)
    other = "+49 151 22222"
    for _ in range(2):
        assert answers(TEXT, phoneNumber=NUMBER) == answers(TEXT, phoneNumber=other)
    assert [each.to for each in closed.mails.all()] == ["+4915100000"]
    for _ in range(4):
        assert answers(PHONE, phoneNumber=NUMBER, code="00") == answers(PHONE, phoneNumber=other, code="00")
