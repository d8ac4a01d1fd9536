"""Signing in to a server from the console, by keys (auth §19)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from core.auth.password import PROFILES
from core.client import Client, ServerGone
from screens.login import LoginScreen
from screens.services.text import catalogue, languages
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from sovrium_tui.credential import Credentials, ServerKeeper
from sovrium_tui.idle_lock import IdleLock
from sovrium_tui.opening import server_at
from tests.support.accounts import PASSWORD, Desk
from tests.support.clock import MovingClock
from tests.support.console import new_context, screen_text, until
from tests.support.server import RunningServer

APP = """
name: desk
auth:
  strategies: [{type: emailAndPassword}, {type: magicLink}]
  twoFactor: true
tables:
  - name: notes
    fields: [{name: text, type: single-line-text}]
    permissions: {read: authenticated, create: authenticated, update: authenticated, delete: authenticated}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        desk = Desk(server)
        yield desk
        desk.close()
    PROFILES.update(real)


@pytest.fixture
def desk(shared: Desk) -> Desk:
    shared.clear()
    return shared


def console(desk: Desk, folder: Path) -> ConsoleApp:
    """As `sovrium-tui connect` opens it."""
    keeper = ServerKeeper(desk.server.url, folder)
    context = new_context()
    context.keeper = keeper
    app = ConsoleApp(context, server_at(keeper))
    app.context.connection.pauses = (0.01,)
    return app


def kept_in(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.iterdir())


def prompt(app: ConsoleApp) -> bool:
    return isinstance(app.screen, LoginScreen) and app.screen.gate.ways is not None and not app.screen.gate.busy


async def test_a_person_signs_in_and_is_known_the_next_time(desk: Desk, tmp_path: Path) -> None:
    desk.sign_up("ana")
    app = console(desk, tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: prompt(app))
        assert "desk" in screen_text(app)
        assert "Sign i" in screen_text(app), "the place behind does not wait for a server that is there"
        assert screen_text(app).splitlines()[-1].strip().startswith("Enter Go on")
        await pilot.press(*"ana@example.org", "enter", *"wrong", "enter")
        await until(pilot, lambda: "is wrong" in screen_text(app))
        await pilot.press(*PASSWORD, "enter")
        await until(pilot, lambda: app.context.connection.state == "online" and not isinstance(app.screen, LoginScreen))
        assert PASSWORD not in app.export_screenshot()
        assert app.context.schema is not None
        assert [table["name"] for table in app.context.schema["tables"]] == ["notes"]
    token = Credentials(tmp_path).token(desk.server.url)
    assert token is not None
    assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
    assert PASSWORD not in kept_in(tmp_path)
    again = console(desk, tmp_path)
    async with again.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: again.context.connection.state == "online" and "notes" in screen_text(again))
        assert again.context.hello is not None
        clock = MovingClock()
        again.idle = IdleLock(again.context, again.lock, seconds=clock.seconds)
        again.context.hello["idleSeconds"] = 900
        clock.forward(899)
        await pilot.press("f1", "escape")  # somebody is there
        clock.forward(899)
        await again.idle.look()
        assert again.context.keeper.token
        clock.forward(1)
        await again.idle.look()
        await until(pilot, lambda: prompt(again))
        assert "ana@example.org" in screen_text(again)
        assert "notes" not in screen_text(again), "what was on the screen is not, any more"
        assert "locked itself" in again.context.messages.messages[-1].text
    assert Credentials(tmp_path).token(desk.server.url) is None
    assert json.loads((tmp_path / "tokens.json").read_text()) == {}


async def test_a_code_of_a_mail_signs_in(desk: Desk, tmp_path: Path) -> None:
    desk.sign_up("ana")
    app = console(desk, tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: prompt(app))
        await pilot.press(*"ana@example.org", "ctrl+l")
        await until(pilot, lambda: "has an account" in screen_text(app))
        auth = desk.server.engine.auth
        assert auth is not None
        mail = desk.server.call_in_loop(auth.context.post.outbox())[0]
        code = next(word for word in mail.content.text.split() if word.isdigit() and len(word) == 6)
        await pilot.press(*code, "enter")
        await until(pilot, lambda: app.context.connection.state == "online")


async def test_who_takes_long_to_sign_in_gets_in_all_the_same(desk: Desk, tmp_path: Path) -> None:
    """A server in the background has ended meanwhile: it is found again for what was typed, which is no refusal."""
    desk.sign_up("ana")
    app = console(desk, tmp_path)

    async def gone(*_: object) -> None:
        raise ServerGone("No server answers")

    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: prompt(app))
        former = app.context.connection.door
        former.account.sign_in = gone  # type: ignore[union-attr, method-assign, assignment]
        await pilot.press(*"ana@example.org", "enter", *PASSWORD, "enter")
        await until(pilot, lambda: app.context.connection.state == "online" and not isinstance(app.screen, LoginScreen))
        assert app.context.port is not former


async def test_the_second_factor_is_asked_for(desk: Desk, tmp_path: Path) -> None:
    ana = desk.sign_up("ana")
    enrolled = ana.post("/api/auth/two-factor/enable", {"password": PASSWORD}).json()
    code = pyotp.TOTP(enrolled["secret"]).now()
    assert ana.post("/api/auth/two-factor/verify-totp", {"code": code}).status_code == 200
    app = console(desk, tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: prompt(app))
        await pilot.press(*"ana@example.org", "enter", *PASSWORD, "enter")
        await until(pilot, lambda: "authenticator" in screen_text(app))
        await pilot.press(*enrolled["backupCodes"][0], "enter")
        await until(pilot, lambda: app.context.connection.state == "online")


async def test_a_002_three_refusals_close_the_prompt(desk: Desk, tmp_path: Path) -> None:
    desk.sign_up("ana")
    app = console(desk, tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: prompt(app))
        await pilot.press(*"ana@example.org", "enter")
        screen = app.screen
        assert isinstance(screen, LoginScreen)
        for _ in range(3):
            await until(pilot, lambda: not screen.gate.busy)
            await pilot.press(*"wrong", "enter")
            await until(pilot, lambda: not screen.gate.busy and screen.gate.problem)
        await until(pilot, lambda: "opens again in" in screen_text(app))
        before = len(desk.audited())
        await pilot.press(*"wrong", "enter")
        assert len(desk.audited()) == before, "nothing is sent meanwhile"


async def test_a_session_that_is_ended_elsewhere_asks_again(desk: Desk, tmp_path: Path) -> None:
    """A-070: the console is told at once, and keeps what is staged."""
    ana = desk.sign_up("ana")
    keeper = ServerKeeper(desk.server.url, tmp_path)
    keeper.keep(desk.sign_in("ana").token, "ana@example.org")
    app = console(desk, tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.context.connection.state == "online")
        assert ana.post("/api/auth/revoke-other-sessions").json()["revoked"] == 1
        ana.post("/api/tables/notes/records", {"fields": {"text": "something happens"}})
        await until(pilot, lambda: prompt(app))


async def test_the_client_asks_as_who_has_signed_in(desk: Desk) -> None:
    desk.sign_up("ana")
    async with Client(desk.server.url) as client:
        answer = await client.account.sign_in("ana@example.org", PASSWORD)
        assert client.token == answer["token"]
        who = await client.account.who()
        assert who is not None
        assert who["user"]["email"] == "ana@example.org"
        await client.account.rename("Ana Maria")
        sessions = await client.account.sessions()
        other = next(each["id"] for each in sessions if not each["isCurrent"])
        await client.account.end_session(other)
        desk.sign_in("ana")
        assert await client.account.end_other_sessions() == 1
        await client.account.change_password(PASSWORD, "another quiet harbour")
        assert client.token != answer["token"]
        assert (await client.hello())["app"] == "desk"
        await client.account.sign_out()
        assert await client.account.who() is None


@pytest.mark.parametrize("language", languages())
def test_labels_of_the_prompt_fit_into_their_lines(language: str) -> None:
    """54 columns are what borders and edges leave of the box."""
    named = ("email", "password", "again", "name", "code", "second", "link")
    labels = [
        catalogue(language)[key] for key in ("account.current", "account.new", *(f"login.{name}" for name in named))
    ]
    assert [label for label in labels if len(label) > 54] == []
