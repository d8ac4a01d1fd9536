"""How often accounts may be tried, and what wrong passwords lead to (auth §10.1, §10.2; T1, T22)."""

from collections.abc import Iterator

import httpx
import pytest

from core.http.limit import ACCOUNT_CALLERS_MOST, Limiter
from core.http.window import TooMany, Windows
from tests.support.accounts import PASSWORD, Desk
from tests.support.asgi import ask
from tests.support.clock import MovingClock
from tests.support.databases import postgresql_schema
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

APP = """
name: desk
rateLimit: {trustedProxies: ["127.0.0.1"]}
auth:
  strategies: [{type: emailAndPassword}]
  rateLimit: {trustedProxies: ["127.0.0.1"]}
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: authenticated}
"""
SIGN_IN = "/api/auth/sign-in/email"


class Town:
    """A server whose time the test moves, and clients from any address (a proxy that is trusted names them)."""

    def __init__(self, server: RunningServer, clock: MovingClock) -> None:
        self.desk = Desk(server)
        self.clock = clock

    def sign_in(self, name: str, password: str, address: str = "192.0.2.1") -> httpx.Response:
        body = {"email": f"{name}@example.org", "password": password}
        return self.desk.guest.post(SIGN_IN, json=body, headers={"x-forwarded-for": address})

    def wrong(self, name: str, times: int) -> list[int]:
        """Wrong passwords, each from an address of its own and late enough for every window."""
        statuses = []
        for number in range(times):
            self.clock.forward(40)
            statuses.append(self.sign_in(name, "wrong", f"198.51.{number // 250}.{number % 250 + 1}").status_code)
        return statuses


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    clock = MovingClock()
    limiter = Limiter(clock.seconds)
    folder = tmp_path_factory.mktemp("town")
    if request.param == "duckdb":
        with RunningServer(APP, folder, limiter=limiter, clock=clock) as server:
            town = Town(server, clock)
            yield town
            town.desk.close()
        return
    with (
        postgresql_schema(request.getfixturevalue("postgresql_address")) as settings,
        RunningServer(APP, folder, limiter=limiter, clock=clock, database_url=settings.url) as server,
    ):
        town = Town(server, clock)
        yield town
        town.desk.close()


@pytest.fixture
def town(running: Town) -> Town:
    running.desk.clear()
    running.clock.forward(days=2)
    return running


def test_a_137_a_139_an_address_has_its_window(town: Town) -> None:
    """A-138: the answer says when to come back; A-139: another address is another matter, a session is none."""
    ana = town.desk.sign_up("ana")
    statuses = [town.sign_in(f"nobody{number}", "x").status_code for number in range(21)]
    assert statuses == [401] * 20 + [429]
    refused = town.sign_in("nobody", "x")
    assert refused.json()["code"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) == int(refused.headers["x-retry-after"]) == 60
    assert (refused.headers["ratelimit-limit"], refused.headers["ratelimit-remaining"]) == ("20", "0")
    assert town.sign_in("nobody", "x", "192.0.2.2").status_code == 401
    for path in (SIGN_IN, "/api/auth/verify-password"):
        assert ana.post(path, {}, headers={"x-forwarded-for": "192.0.2.1"}).status_code == 429, path
    town.clock.forward(61)
    assert town.sign_in("nobody", "x").status_code == 401


def test_a_140_an_account_cannot_be_tried_from_many_addresses(town: Town) -> None:
    town.desk.sign_up("ana")
    statuses = [town.sign_in("ana", "wrong", f"203.0.113.{n}").status_code for n in range(1, 101)]
    assert statuses.count(401) == 5
    assert statuses[5:] == [429] * 95


@pytest.mark.parametrize(
    ("method", "path", "most"),
    [("GET", "two-factor/list-devices", 20), ("POST", "two-factor/revoke-device", 20),
     ("POST", "admin/stop-impersonating", 10)],
)  # fmt: skip
def test_a_137_what_is_in_a_group_counts_in_it(town: Town, method: str, path: str, most: int) -> None:
    """§10.1: all of `/two-factor/*` with what signs in, all of `/admin/*` within a second."""
    headers = {"x-forwarded-for": "192.0.2.77"}
    told = [town.desk.guest.request(method, f"/api/auth/{path}", headers=headers).status_code for _ in range(most + 1)]
    assert told == [401] * most + [429]


def test_a_137_the_app_file_has_limits_of_its_own(tmp_path) -> None:
    """§10.1, `rateLimit.rules`: the first pattern that fits, counted by itself; also where there is no other limit."""
    rules = (
        '{"/sign-in/*": {window: 10, max: 2}, "/sign-*": {window: 60, max: 3}, "/list-sessions": {window: 60, max: 1}}'
    )
    app = APP.replace('rateLimit: {trustedProxies: ["127.0.0.1"]}\ntables', f"rateLimit: {{rules: {rules}}}\ntables")
    clock = MovingClock()
    with RunningServer(app, tmp_path, limiter=Limiter(clock.seconds), clock=clock) as server:
        guest = Desk(server).guest

        def ask(path: str, times: int, method: str = "POST") -> list[int]:
            return [guest.request(method, f"/api/auth/{path}", json={}).status_code for _ in range(times)]

        assert ask("verify-password", 15) == [401] * 15
        assert ask("sign-in/email", 3) == [400, 400, 429], "what its group has had is another count"
        clock.forward(11)
        assert ask("sign-in/email", 1) == [400]
        assert ask("verify-password", 6) == [401] * 5 + [429], "a shorter window does not empty that of the group"
        assert ask("sign-up/email", 4) == [400] * 3 + [429]
        assert ask("list-sessions", 2, "GET") == [401, 429]
        assert ask("revoke-sessions", 2) == [401, 401]
        guest.close()


def test_a_141_forged_addresses_change_nothing(tmp_path) -> None:
    """From a peer that is no trusted proxy, X-Forwarded-For is not heard."""
    app = APP.replace('["127.0.0.1"]', "[]")
    with RunningServer(app, tmp_path, limiter=Limiter(MovingClock().seconds)) as server:
        desk = Desk(server)
        statuses = [
            desk.guest.post(
                SIGN_IN,
                json={"email": f"x{n}@example.org", "password": "x"},
                headers={"x-forwarded-for": f"192.0.2.{n}"},
            ).status_code
            for n in range(21)
        ]
        desk.close()
    assert statuses == [401] * 20 + [429]


def test_a_143_spoofed_keys_are_bounded() -> None:
    windows = Windows(10_000, MovingClock().seconds)
    for number in range(20_000):
        windows.take(("address", str(number)), 5, 60)
    assert len(windows) == 10_000 < ACCOUNT_CALLERS_MOST <= 100_000
    for _ in range(4):
        windows.take(("address", "19999"), 5, 60)
    with pytest.raises(TooMany):
        windows.take(("address", "19999"), 5, 60)


def test_a_145_a_146_ten_failures_lock_a_known_and_an_unknown_account_alike(town: Town) -> None:
    """The right password is refused as well, with the same body, until the lock is over."""
    town.desk.sign_up("ana")
    known, unknown = town.wrong("ana", 10), town.wrong("ghost", 10)
    assert known == unknown == [401] * 10
    town.clock.forward(61)
    right, wrong, ghost = town.sign_in("ana", PASSWORD), town.sign_in("ana", "wrong"), town.sign_in("ghost", "wrong")
    assert {each.status_code for each in (right, wrong)} == {429}
    assert right.json() == wrong.json()
    assert right.json()["code"] == ghost.json()["code"] == "ACCOUNT_TEMPORARILY_LOCKED"
    assert set(right.headers) == set(ghost.headers)
    assert 0 < int(right.headers["retry-after"]) <= 900
    assert town.desk.audited().count("signin.locked") == 2
    mails = town.desk.server.call_in_loop(town.desk.server.engine.auth.context.post.outbox())
    assert [(mail.template, mail.to) for mail in mails] == [("accountLocked", "ana@example.org")]
    town.clock.forward(minutes=16)
    assert town.sign_in("ana", PASSWORD).status_code == 200


def test_t35_a_clock_that_was_ahead_locks_nobody_out(town: Town) -> None:
    """Once it is put right, the lock that it has made is none, and what it has counted is forgotten."""
    town.desk.sign_up("ana")
    town.clock.forward(days=2)
    assert town.wrong("ana", 10) == [401] * 10
    town.clock.forward(61)
    assert town.sign_in("ana", PASSWORD).status_code == 429
    town.clock.forward(days=-2)
    assert town.wrong("ana", 1) == [401]
    assert town.sign_in("ana", PASSWORD).status_code == 200


def test_a_147_a_reset_of_the_password_lifts_the_lock(town: Town) -> None:
    town.desk.sign_up("ana")
    town.wrong("ana", 10)
    town.clock.forward(61)
    assert town.sign_in("ana", PASSWORD).status_code == 429
    mail, guest = Mailbox(town.desk), town.desk.guest
    guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    token = httpx.URL(mail.link("resetPassword", "ana")).params["token"]
    new = {"token": token, "newPassword": "one harbour at noon"}
    assert guest.post("/api/auth/reset-password", json=new).status_code == 200
    assert town.sign_in("ana", "one harbour at noon").status_code == 200


def test_between_five_failures_and_the_lock_every_try_must_wait(town: Town) -> None:
    town.desk.sign_up("ana")
    assert town.wrong("ana", 5) == [401] * 5
    refused = town.sign_in("ana", PASSWORD)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    town.clock.forward(61)
    assert town.sign_in("ana", "wrong").status_code == 401
    assert town.sign_in("ana", PASSWORD).headers["retry-after"] == "2"
    town.clock.forward(61)
    assert town.sign_in("ana", PASSWORD).status_code == 200
    town.clock.forward(61)
    assert town.wrong("ana", 4) == [401] * 4, "the right password has ended the count"


def test_a_lock_that_follows_a_lock_is_twice_as_long(town: Town) -> None:
    town.desk.sign_up("ana")
    waits = []
    for _ in range(3):
        assert town.wrong("ana", 10)[:1] == [401]
        town.clock.forward(1)
        waits.append(int(town.sign_in("ana", PASSWORD).headers["retry-after"]))
        town.clock.forward(waits[-1] + 1)
    assert [round(wait / 900) for wait in waits] == [1, 2, 4]


@pytest.mark.slow
def test_t1_ten_thousand_tries_from_many_addresses(tmp_path) -> None:
    """Credential stuffing, and one account tried from everywhere: the limits hold, and who is honest gets in."""
    clock = MovingClock()
    with RunningServer(APP, tmp_path, limiter=Limiter(clock.seconds), clock=clock) as server:
        desk = Desk(server)
        desk.sign_up("ana")
        desk.sign_up("bob")

        async def tries(names: int, addresses: int, count: int) -> list[int]:
            return [
                await ask(
                    server.app,
                    "POST",
                    SIGN_IN,
                    {"email": f"user{n % names}@example.org", "password": "123456"},
                    client=f"198.51.{n % addresses // 250}.{n % addresses % 250 + 1}",
                )
                for n in range(count)
            ]

        stuffing = server.call_in_loop(tries(1000, 1, 1000))
        assert stuffing.count(401) == 20, "a thousand accounts from one address"
        clock.forward(61)
        spread = server.call_in_loop(tries(3000, 10, 3000))
        assert spread.count(401) == 200, "ten addresses, twenty each"
        clock.forward(61)
        aimed = server.call_in_loop(tries(1, 500, 6000))
        assert 0 < aimed.count(401) <= 5, "one account, from five hundred addresses"
        assert set(stuffing + spread + aimed) == {401, 429}
        assert desk.guest.post(SIGN_IN, json={"email": "ana@example.org", "password": PASSWORD}).status_code == 200
        desk.close()
