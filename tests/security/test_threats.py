"""The threats of auth §18: each has a test that names it, and those that had none elsewhere have one here (A-266)."""

import logging
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from core.auth.store import ACCOUNTS, TOKENS
from core.http import protocol
from core.http.call import BODY_LIMIT
from core.http.protocol import peer_of
from sovrium_tui.cli.server import start
from sovrium_tui.process.place import Place
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.clock import MovingClock
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

NAMED = re.compile(r"(?:\bT-?|_t_?)([1-9]|[12]\d|3[0-5])(?=\b|_)")
TO_COME = {
    6: "refresh tokens come with the JWT sessions of /auth/v1",
    16: "JWTs are checked from /auth/v1 on",
    17: "SAML is no way in yet",
    18: "OAuth is no way in yet",
    31: "secret keys come with /auth/v1",
}
"""Threats to what is not there yet. T19 is about OAuth as well, T34 about OpenID Connect and SAML; what is there of them has
its tests."""


@pytest.fixture(scope="module")
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, clock: MovingClock) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("threats")
    data = folder / "data"
    data.mkdir()
    data.chmod(0o755)  # somebody has made it before, as folders are made
    with RunningServer(DESK, folder, clock=clock) as server:
        yield server


@pytest.fixture
def desk(running: RunningServer) -> Iterator[Desk]:
    desk = Desk(running)
    desk.clear()
    yield desk
    desk.close()


def test_a_266_each_threat_has_a_test() -> None:
    folder = Path(__file__).parents[1]
    found: set[int] = set()
    for file in sorted(folder.rglob("test_*.py")):
        names = re.findall(r"^\s*(?:async )?def (test_\w+)", text := file.read_text(), re.MULTILINE)
        told = re.findall(r'"""(.*?)"""', text, re.DOTALL)
        for each in (*names, *told):
            found |= {int(number) for number in NAMED.findall(each)}
    assert set(range(1, 36)) - found - set(TO_COME) == set()
    assert found & set(TO_COME) == set(), "it is there now: take it off the list"


def test_t26_other_users_of_the_machine_read_nothing(desk: Desk) -> None:
    """A-004: nobody else enters the data folder, also where it was there before; key and socket are closed as well."""
    data = desk.server.folder / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE(desk.server.socket.stat().st_mode) == 0o600
    for key in data.rglob("master.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_t26_a_folder_that_was_open_is_not_served(tmp_path: Path) -> None:
    """A-004: what lies in it may have been read; a new one is closed without a word."""
    app, data = tmp_path / "app.yaml", tmp_path / "data"
    app.write_text("name: x")
    (data / "run").mkdir(parents=True)
    data.chmod(0o750)
    told = CliRunner().invoke(start, [str(app), "--data-dir", str(data)], standalone_mode=False)
    assert str(told.exception) == f"{data} has mode 0750, expected 0700"
    assert not list((data / "run").iterdir())
    data.chmod(0o700)
    Place(data).require_private()
    Place(tmp_path / "new").require_private()


def test_t26_the_socket_answers_its_owner_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a mistake of its modes would let somebody else open it: the kernel tells who it is."""
    assert desk.server.local.get("/api/health").status_code == 200
    one, other = socket.socketpair()
    with one, other:
        assert peer_of(one) in (None, os.getuid())
    monkeypatch.setattr(protocol, "peer_of", lambda connection: 64_999)
    transport = httpx.HTTPTransport(uds=str(desk.server.socket), verify=False)
    with httpx.Client(transport=transport, base_url="http://localhost") as stranger, pytest.raises(httpx.HTTPError):
        stranger.get("/api/health")


def test_t35_the_clock_of_the_server_decides(desk: Desk, clock: MovingClock) -> None:
    """To the moment; what a client says of the time changes nothing."""
    ana = desk.sign_up("ana")
    mails = Mailbox(desk)

    def link() -> str:
        desk.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
        return httpx.URL(mails.link("resetPassword", "ana")).params["token"]

    def reset(token: str) -> httpx.Response:
        said = {"date": "Thu, 01 Jan 1970 00:00:00 GMT", "x-client-time": "0"}
        body = {"token": token, "newPassword": "another quiet harbour"}
        return desk.guest.post("/api/auth/reset-password", json=body, headers=said)

    late = link()
    clock.forward(3600)
    assert (reset(late).status_code, reset(late).json()["code"]) == (401, "TOKEN_EXPIRED")
    early = link()
    clock.forward(3599)
    assert reset(early).status_code == 200
    assert desk.read(lambda reader: reader.scalar(f"SELECT count(*) FROM {TOKENS.name} WHERE used_at > now()")) == 0
    assert ana.get("/api/auth/get-session").json() is None
    clock.forward(-3599)


def test_t25_no_log_holds_a_secret_at_any_level(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-252: passwords, tokens and keys, of what succeeds, is refused, and breaks in the middle."""
    mails = Mailbox(desk)
    caplog.set_level(logging.DEBUG)
    ana = desk.sign_up("ana")
    desk.guest.post("/api/auth/sign-in/email", json={"email": "ana@example.org", "password": "marker-wrong-password"})
    desk.guest.post("/api/auth/request-password-reset", json={"email": "ana@example.org"})
    reset = httpx.URL(mails.link("resetPassword", "ana")).params["token"]
    key = ana.post("/api/auth/api-keys", {"name": "nightly"}).json()["key"]
    auth = desk.server.engine.auth
    assert auth is not None

    async def broken(*given: object, **more: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(auth.recovery, "reset", broken)
    monkeypatch.setattr(auth.recovery, "is_open", broken)
    body = {"token": reset, "newPassword": "marker-new-password"}
    assert desk.guest.post("/api/auth/reset-password", json=body).status_code == 500
    assert desk.guest.get(f"/api/auth/reset-password/{reset}?callbackURL=/").status_code == 500
    assert desk.guest.get(f"/reset-password?token={reset}").status_code == 500
    theirs = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    logged = "\n".join(caplog.handler.format(record) for record in theirs)  # the others are of who asks
    assert "broken" in logged, "what breaks is told"
    for secret in (PASSWORD, "marker-wrong-password", "marker-new-password", ana.token, reset, key):
        assert secret not in logged


@pytest.mark.parametrize("path", ["/api/auth/sign-up/email", "/api/auth/sign-in/email", "/api/auth/reset-password"])
def test_t22_a_body_is_refused_before_it_costs(desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too large, too deep, or with a password that is too long: nothing of it is hashed."""
    auth = desk.server.engine.auth
    assert auth is not None
    hashed: list[str] = []
    monkeypatch.setattr(auth.context.hasher, "hash", lambda password: hashed.append(password))
    monkeypatch.setattr(auth.context.hasher, "verify", lambda stored, password: hashed.append(password))
    client = desk.client(**{"content-type": "application/json"})
    who = '"email": "ana@example.org", "name": "Ana", "token": "x"'
    for body, statuses in (
        (b" " * (BODY_LIMIT + 1), (413,)),
        (b'{"password":' + b"[" * 100_000 + b"]" * 100_000 + b"}", (413,)),
        (b'{"password":' + b"[" * 30_000 + b"]" * 30_000 + b"}", (400,)),
        (f'{{{who}, "password": "{"a" * 5000}", "newPassword": "{"a" * 5000}"}}'.encode(), (400, 401)),
        (f'{{{who}, "password": {{"$ne": ""}}, "newPassword": []}}'.encode(), (400,)),
    ):
        answer = client.post(path, content=body)
        assert answer.status_code in statuses, (answer.status_code, answer.text[:200])
    assert hashed == []
    assert desk.read(lambda reader: reader.scalar(f"SELECT count(*) FROM {ACCOUNTS.name}")) == 0


def test_t34_a_picture_is_never_fetched(desk: Desk) -> None:
    """The server keeps the address and leaves reading it to who looks at it; addresses with a name in them are refused."""
    ana = desk.sign_up("ana")
    for image, status in (
        ("http://169.254.169.254/latest", 200), ("http://user@localhost/", 400), ("file:///etc/passwd", 400),
        ("//localhost/x", 400), ("http://[::1", 400),
    ):  # fmt: skip
        assert ana.post("/api/auth/update-user", {"image": image}).status_code == status, image
    assert PASSWORD not in ana.get("/api/account/export").text
