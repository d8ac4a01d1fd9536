"""Users, by keys over a real server with accounts: what administrators do, and acting as somebody else."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.pilot import Pilot

from core.auth.password import PROFILES
from core.client.client import Client
from screens.services.session import SessionStore
from screens.widgets.confirm import Confirm
from screens.widgets.form_sheet import FormSheet
from screens.widgets.listing_screen import Listing
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.clock import MovingClock
from tests.support.console import console, running, screen_text, until
from tests.support.factor import enrol
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

APP = DESK.replace("auth:\n", "auth:\n  twoFactor: true\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    real = dict(PROFILES)
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as running_server:
        yield running_server
    PROFILES.update(real)


@pytest.fixture
def desk(server: RunningServer) -> Iterator[Desk]:
    desk = Desk(server)
    desk.clear()
    yield desk
    desk.close()


@asynccontextmanager
async def users(desk: Desk, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Pilot[int], Any]]:
    """The console of the owner, on the users."""
    client = Client(desk.server.socket)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    app.opener = lambda: opened(desk)  # type: ignore[assignment]
    async with client, running(app, size) as pilot:
        await pilot.press("g", "u")
        await until(pilot, lambda: app.current_mode == "users" and app.screen.query(Listing))
        yield pilot, app.screen
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


async def opened(desk: Desk) -> Client:
    """A new connection, as after every loss of the former one."""
    return Client(desk.server.socket)


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def form(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, FormSheet))


async def test_a_267_accounts_are_made_invited_and_given_roles(desk: Desk) -> None:
    """A-267, A-268: by keys; a password is shown nowhere, a refusal stands in the form and keeps what was typed."""
    async with users(desk) as (pilot, screen):
        await until(pilot, lambda: "Nobody yet" in shown(pilot))
        await pilot.press("n")
        await form(pilot)
        await pilot.press(*"ana@example.org", "enter", *"Ana", "enter", "enter", *"short")
        assert "short" not in shown(pilot)
        assert "short" not in pilot.app.export_screenshot()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen.query_one("#form-problem").display)
        assert "ana@example.org" in shown(pilot)
        assert not pilot.app.screen.query_one("#ask-password").value  # type: ignore[attr-defined]
        await pilot.press(*PASSWORD, "enter")
        await until(pilot, lambda: len(screen.items) == 1)
        assert desk.sign_in("ana").user["role"] == "member"
        await pilot.press("r")
        await form(pilot)
        await pilot.press("ctrl+u", *"chef", "enter")
        await until(pilot, lambda: "There is no role chef" in shown(pilot))
        await pilot.press("ctrl+u", *"editor", "enter")
        await until(pilot, lambda: screen.items and screen.items[0]["role"] == "editor")
        await pilot.press("i")
        await form(pilot)
        await pilot.press(*"bo@example.org", "enter", *"Bo", "ctrl+s")
        await until(pilot, lambda: [item["email"] for item in screen.items] == ["ana@example.org", "bo@example.org"])
        assert "invited" in shown(pilot)
    assert {"admin.user.created", "admin.user.role_set", "invitation.sent"} <= set(desk.audited())


async def test_a_267_an_account_is_renamed_and_put_into_groups(desk: Desk) -> None:
    """A-267: with the counts of who is there above the list; a group that is not there is named."""
    ana = desk.sign_up("ana")

    def groups() -> list[str]:
        path = f"/api/auth/admin/get-user/{ana.id}"
        return list(desk.server.local.get(path).json()["user"]["groups"])

    async with users(desk) as (pilot, screen):
        await until(pilot, lambda: "1 account  1 active in 24 h, 1 new in 7 days" in shown(pilot))
        await pilot.press("e")
        await form(pilot)
        await pilot.press("ctrl+u", *"Ana Berg", "enter", "ctrl+u", *"berg@example.org", "enter")
        await until(
            pilot, lambda: [(u["name"], u["email"]) for u in screen.items] == [("Ana Berg", "berg@example.org")]
        )
        await pilot.press("G")
        await form(pilot)
        await pilot.press(*"chefs", "enter")
        await until(pilot, lambda: "There is no group chefs; there are finance" in shown(pilot))
        await pilot.press("ctrl+u", *"finance", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen is screen and groups() == ["finance"])
        await pilot.press("G")
        await form(pilot)
        await pilot.press("ctrl+u", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen is screen and groups() == [])
    assert [each for each in desk.audited() if "group" in each] == ["admin.group.joined", "admin.group.left"]


async def test_a_148_a_270_bans_locks_sessions_and_deletion(desk: Desk) -> None:
    """A-148, A-270: a lock is seen and lifted, sessions end, and only who types the address deletes."""
    ana = desk.sign_up("ana")
    for _ in range(10):
        desk.write(lambda tx: desk.server.engine.auth.context.lockout.failed(tx, "ana@example.org"))  # type: ignore[union-attr]
    async with users(desk) as (pilot, screen):
        await until(pilot, lambda: "locked" in shown(pilot))
        await pilot.press("U")
        await until(pilot, lambda: screen.items and not screen.items[0]["lockedUntil"])
        await pilot.press("s")
        await until(pilot, lambda: "End which session?" in shown(pilot))
        await pilot.press(*"all of", "enter")
        await until(pilot, lambda: ana.get("/api/auth/get-session").json() is None)
        await pilot.press("b")
        await form(pilot)
        await pilot.press(*"spam", "enter", *"3", "enter")
        await until(pilot, lambda: screen.items[0]["banned"] and "banned: spam" in shown(pilot))
        await pilot.press("b")
        await until(pilot, lambda: not screen.items[0]["banned"])
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press(*"ana", "enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press(*"@example.org", "enter")
        await until(pilot, lambda: screen.items == [] and "Nobody yet" in shown(pilot))
    assert {"admin.user.unlocked", "admin.user.banned", "admin.user.unbanned"} <= set(desk.audited())


async def test_a_171_a_271_acting_as_somebody_has_a_banner_and_keeps_no_rows(desk: Desk) -> None:
    """A-171, A-271: the banner with the time left; what the owner had read is gone, and comes back with them."""
    desk.sign_up("ana")
    desk.server.local.post("/api/tables/notes/records", json={"fields": {"text": "x"}})
    async with users(desk) as (pilot, screen):
        app: Any = pilot.app
        await until(pilot, lambda: len(screen.items) == 1)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.context.connection.acting is not None)
        await until(pilot, lambda: app.context.port is not None and app.current_mode == "home")
        await until(pilot, lambda: "You act as ana@example.org" in shown(pilot))
        assert (await app.context.port.whoami())["email"] == "ana@example.org"
        assert not screen.is_attached
        await pilot.press("g", "u")
        await until(pilot, lambda: app.current_mode == "users" and app.screen.problem)
        assert app.screen.items == []
        await app.action_app_be_oneself()
        await until(pilot, lambda: app.context.port is not None and app.current_mode == "home")
        assert (await app.context.port.whoami())["unrestricted"]
        assert "You act as" not in shown(pilot)
    audited = desk.audited()
    assert audited.index("admin.impersonation.started") < audited.index("admin.impersonation.stopped")


async def test_a_267_passwords_addresses_and_factors_of_others(desk: Desk) -> None:
    """A-267, A-268, A-270: an address is taken for proven, a link is sent, factors are taken away once the address is
    typed, a password is set for the time being."""
    ana = desk.sign_up("ana")
    enrol(ana, MovingClock(datetime.now(UTC)))
    mail = Mailbox(desk)
    async with users(desk) as (pilot, screen):
        await until(pilot, lambda: "address not proven" in shown(pilot))
        await pilot.press("V")
        await until(pilot, lambda: screen.items[0]["emailVerified"] and "address not proven" not in shown(pilot))
        await until(pilot, lambda: "Signs in by" in shown(pilot))
        (ways,) = (line for line in shown(pilot).splitlines() if "Signs in by" in line)
        assert "password" in ways
        assert "mail" not in ways  # the app sends no codes: a proven address is no way in
        await pilot.press("L")
        await until(pilot, lambda: ("resetPassword", "ana") in mail.told())
        assert screen.items[0]["twoFactorEnabled"]
        assert "2FA" in shown(pilot)
        await pilot.press("f")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press(*"ana@example.org", "enter")
        await until(pilot, lambda: not screen.items[0]["twoFactorEnabled"])
        pilot.app.context.messages.messages.clear()  # type: ignore[attr-defined]
        await pilot.press("p")
        await form(pilot)
        await pilot.press(*"quay-42!")
        assert "quay-42!" not in pilot.app.export_screenshot()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.context.messages.messages)  # type: ignore[attr-defined]
    answer = desk.client().post("/api/auth/sign-in/email", json={"email": "ana@example.org", "password": "quay-42!"})
    assert answer.status_code == 200
    audited = desk.audited()
    assert {"admin.user.password_set", "password.reset_requested", "mfa.reset_by_admin"} <= set(audited)


async def test_a_267_sessions_of_everybody(desk: Desk) -> None:
    """A-267: who is in, the last one first; one session ends, or all of somebody, and nobody else's."""
    ana, other, bo = desk.sign_up("ana"), desk.sign_up("bo"), desk.sign_in("bo")
    async with users(desk) as (pilot, _):
        app: Any = pilot.app
        await pilot.press("g", "w")
        await until(pilot, lambda: app.current_mode == "sessions" and len(app.screen.items) == 3)
        screen = app.screen
        owners = [item["user"]["email"] for item in screen.items]
        await until(pilot, lambda: "bo@example.org" in shown(pilot) and "3 sessions" in shown(pilot))
        await pilot.press(*["down"] * owners.index("ana@example.org"), "d")
        await until(pilot, lambda: len(screen.items) == 2)
        assert ana.get("/api/auth/get-session").json() is None
        assert bo.get("/api/auth/get-session").json() is not None
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: screen.items == [] and "No session is open" in shown(pilot))
    assert [each.get("/api/auth/get-session").json() for each in (other, bo)] == [None, None]
