"""One's own account, the outbox and the audit log, by keys over a real server with accounts."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from core.auth.password import PROFILES
from core.client.client import Client
from screens.presenters.qr import in_groups, qr_lines
from screens.services.session import SessionStore, staged_log
from screens.widgets.confirm import Confirm
from screens.widgets.enrolment_sheet import EnrolmentSheet, SecretSheet
from screens.widgets.form_sheet import FormSheet
from screens.widgets.listing_screen import Listing
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.accounts import DESK, PASSWORD, Desk
from tests.support.console import console, running, screen_text, until
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
async def at(
    desk: Desk, key: str, token: str | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[Pilot[int], Any]]:
    """The console on a place: of the owner, or of somebody who has signed in over TCP."""
    client = Client(desk.server.url if token else desk.server.socket, token=token)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, size) as pilot:
        await pilot.press("g", key)
        await until(pilot, lambda: app.screen.query(Listing))
        yield pilot, app.screen
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def on(pilot: Pilot[int], kind: type[Any]) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    return pilot.app.screen


async def test_a_110_an_authenticator_is_set_up_by_picture_or_text(desk: Desk) -> None:
    """A-110, A-268, A-269: a QR code in half blocks in 80×24, the secret as text, the backup codes once."""
    ana = desk.sign_up("ana")
    async with at(desk, "a", ana.token, size=(80, 24)) as (pilot, screen):
        await until(pilot, lambda: screen.user is not None)
        await pilot.press("t")
        await on(pilot, FormSheet)
        await pilot.press(*PASSWORD)
        assert PASSWORD not in shown(pilot)
        assert PASSWORD not in pilot.app.export_screenshot()
        await pilot.press("enter")
        sheet = await on(pilot, EnrolmentSheet)
        secret = sheet.enrolment["secret"]
        await until(pilot, lambda: "█▀" in shown(pilot))
        assert all(group in shown(pilot) for group in in_groups(secret).split())
        await pilot.press(*"000000", "enter")
        await until(pilot, lambda: sheet.query_one("#form-problem").display)
        await pilot.press(*pyotp.TOTP(secret).now(), "enter")
        codes = await on(pilot, SecretSheet)
        assert len(codes.lines) >= 8
        assert codes.lines[0] in shown(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: screen.user["twoFactorEnabled"])
        await pilot.press("c")
        await on(pilot, FormSheet)
        await pilot.press(*PASSWORD, "enter")
        renewed = await on(pilot, SecretSheet)
        assert renewed.lines != codes.lines


def test_a_110_the_picture_is_the_code() -> None:
    """A-110: two rows of squares a line; light is drawn, with light around it."""
    import segno

    code = segno.make("otpauth://totp/x?secret=ABC", error="l", micro=False, boost_error=False)
    lines = qr_lines("otpauth://totp/x?secret=ABC", border=1)
    squares = [[cell in "█▀" if not low else cell in "█▄" for cell in line] for line in lines for low in (False, True)]
    wanted = [[not dark for dark in row] for row in code.matrix_iter(border=1)]
    assert squares[: len(wanted)] == wanted
    assert all(all(row) for row in squares[len(wanted) :]), "what fills the last line is light, too"


async def test_ones_own_password_sessions_and_keys(desk: Desk) -> None:
    """A-268: three lines that echo nothing; what is wrong empties them."""
    ana, other = desk.sign_up("ana"), desk.sign_in("ana")
    async with at(desk, "a", ana.token) as (pilot, screen):
        await until(pilot, lambda: len(screen.items) == 3)
        await pilot.press("o")
        await on(pilot, FormSheet)
        await pilot.press(*"robot", "enter", "enter", *"7", "enter")
        key = await on(pilot, SecretSheet)
        secret = key.lines[0]
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.items) == 4 and "robot" in shown(pilot))
        whoami = "/api/access/whoami"
        assert desk.client(authorization=f"Bearer {secret}").get(whoami).json()["email"] == "ana@example.org"
        await pilot.press("end", "r")  # another in its place, the former at its end now
        await on(pilot, FormSheet)
        await pilot.press("enter")
        key = await on(pilot, SecretSheet)
        renewed = key.lines[0]
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is screen and len(screen.items) == 4)
        shows = [desk.client(authorization=f"Bearer {each}").get(whoami).status_code for each in (secret, renewed)]
        assert shows == [401, 200]
        await pilot.press("p")
        sheet = await on(pilot, FormSheet)
        await pilot.press(*PASSWORD, "enter", *"one harbour at noon", "enter", *"another", "enter")
        await until(pilot, lambda: "! New password again" in shown(pilot) and "not the same" in shown(pilot))
        assert pilot.app.focused is sheet.query_one("#ask-current"), "all three are to be typed again"
        assert shown(pilot).splitlines()[-1].strip().startswith("Enter Go on   ^S Done   Esc Close")
        assert [sheet.query_one(f"#ask-{name}").value for name in ("current", "new", "again")] == ["", "", ""]
        await pilot.press(*PASSWORD, "enter", *"one harbour at noon", "enter", *"one harbour at noon", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and len(screen.items) == 3)
        assert other.get("/api/auth/get-session").json() is None
        assert desk.sign_in("ana", password="one harbour at noon").id == ana.id


async def test_a_087_a_091_ones_own_address_export_keys_and_end(desk: Desk, tmp_path: Path) -> None:
    """A-087, A-091, A-270: another address is asked for, a file has everything, a key and a session end, the account is
    given up once its address and password were typed."""
    ana, other = desk.sign_up("ana"), desk.sign_in("ana")
    key = ana.post("/api/auth/api-keys", {"name": "robot"}).json()["key"]
    mail = Mailbox(desk)
    async with at(desk, "a", ana.token) as (pilot, screen):
        app: Any = pilot.app
        await until(pilot, lambda: len(screen.items) == 4)
        await pilot.press("m")
        await on(pilot, FormSheet)
        await pilot.press("ctrl+u", *"ana", "enter")
        await until(pilot, lambda: "! E-mail" in shown(pilot) and app.screen.query_one("#form-problem").display)
        await pilot.press(*"2@example.org", "enter")
        await until(pilot, lambda: app.screen is screen and any(to.startswith("ana2") for _, to in mail.told()))
        await pilot.press("x")
        await until(pilot, lambda: app.screen.query(Input))
        await pilot.press("ctrl+u", *str(tmp_path / "me.json"), "enter")
        await until(pilot, lambda: app.screen is screen and (tmp_path / "me.json").exists())
        assert json.loads((tmp_path / "me.json").read_text())["user"]["email"] == "ana@example.org"
        await pilot.press("end", "d")
        await on(pilot, Confirm)
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(screen.items) == 3)
        who = desk.client(authorization=f"Bearer {key}").get("/api/access/whoami")
        assert who.status_code == 401
        at_ = next(n for n, each in enumerate(screen.items) if each.session and not each.session["isCurrent"])
        await pilot.press("home", *["down"] * at_, "d")
        await until(pilot, lambda: len(screen.items) == 2)
        assert other.get("/api/auth/get-session").json() is None
        await screen.run_action("account_leave")
        await on(pilot, Confirm)
        await pilot.press(*"ana@example.org", "enter")
        await on(pilot, FormSheet)
        await pilot.press(*"wrong", "enter")
        await until(pilot, lambda: app.screen.query_one("#form-problem").display)
        await pilot.press(*PASSWORD, "enter")
        await until(pilot, lambda: ("accountDeletion", "ana") in mail.told())
    assert ana.get("/api/auth/get-session").json() is None
    assert "account.deletion.scheduled" in desk.audited()


async def test_a_271_switching_the_account_keeps_nothing_that_was_read(desk: Desk) -> None:
    """A-271"""
    ana = desk.sign_up("ana")
    async with at(desk, "a", ana.token) as (pilot, screen):
        app: Any = pilot.app
        await until(pilot, lambda: screen.user is not None)
        app.opener = None
        await screen.action_account_switch()
        await until(pilot, lambda: not screen.is_attached and app.context.schema is None)
        assert app.current_mode == "home"
    assert ana.get("/api/auth/get-session").json() is None


class Keeper:
    """Remembers one session."""

    address = "desk"

    def __init__(self, token: str, email: str) -> None:
        self.token: str | None = token
        self.email = email

    def keep(self, token: str, email: str) -> None:
        self.token, self.email = token, email

    def forget(self) -> None:
        self.token = None


async def test_a_271_who_signs_in_after_somebody_sees_nothing_of_theirs(desk: Desk) -> None:
    """A-271: the session ends, somebody else signs in at the prompt: every place is made anew, and what was staged stays
    for who has staged it."""
    ana, bo = desk.sign_up("ana"), desk.sign_up("bo")
    keeper = Keeper(ana.token, "ana@example.org")

    async def find() -> Client:
        return Client(desk.server.url, token=keeper.token)

    app: ConsoleApp = console(session=SessionStore(None))
    app.opener, app.context.keeper = find, keeper  # type: ignore[assignment]
    async with running(app) as pilot:
        await pilot.press("g", "a")
        await until(pilot, lambda: app.current_mode == "account" and app.screen.query(Listing))
        before: Any = app.screen
        await until(pilot, lambda: before.user is not None)
        staged = app.context.pending
        staged.insert("notes", [{"text": "of Ana"}])
        desk.server.local.post("/api/auth/admin/revoke-user-sessions", json={"userId": ana.id})
        assert app.context.port is not None
        await app.context.port.close()  # else it is noticed with the next ping
        await until(pilot, lambda: type(app.screen).__name__ == "LoginScreen")
        await pilot.press("shift+tab", "ctrl+u", *"bo@example.org", "enter", *PASSWORD, "enter")
        await until(pilot, lambda: app.context.connection.state == "online")
        await until(pilot, lambda: not before.is_attached and app.current_mode == "home")
        assert app.context.port is not None
        assert (await app.context.port.whoami())["id"] == bo.id
        assert "ana" not in shown(pilot)
        assert staged.count() == 0
        staged.turn_to(staged_log(app.context.session, "ana@example.org"))
        assert staged.count() == 1


async def test_a_167_the_outbox_shows_what_has_not_left(desk: Desk) -> None:
    """A-167: the link of an invitation is read and copied there, and leads in."""
    desk.server.local.post("/api/auth/admin/invite-user", json={"email": "bo@example.org", "name": "Bo"})
    async with at(desk, "b") as (pilot, screen):
        await until(pilot, lambda: "bo@example.org" in shown(pilot) and "http" in shown(pilot))
        copied: list[str] = []

        async def copy(text: str, held: Any = None) -> None:
            copied.append(text)

        screen.context.clipboard.copy = copy
        await pilot.press("y")
        await until(pilot, lambda: copied)
        token = re.search(r"token=([^&]+)", copied[0])
        assert token is not None
        answer = desk.client().post(
            "/api/auth/admin/accept-invitation", json={"token": token[1], "password": PASSWORD, "name": "Bo"}
        )
        assert answer.status_code == 200
        gone = screen.chosen()["id"]
        await pilot.press("s")
        await until(pilot, lambda: screen.context.messages.messages)
        assert screen.chosen()["id"] == gone
        desk.server.local.post("/api/auth/admin/invite-user", json={"email": "cy@example.org", "name": "Cy"})
        screen.load()
        await until(pilot, lambda: screen.items[0]["to"] == "cy@example.org")
        assert screen.chosen()["id"] == gone, "another comes above it: the key is still meant for this one"
        await pilot.press("d")
        await until(pilot, lambda: gone not in [item["id"] for item in screen.items])
        await pilot.press("X")
        await on(pilot, Confirm)
        await pilot.press("right", "enter")
        await until(pilot, lambda: not screen.items)


async def test_what_was_noted_beside_an_act_reads_as_a_text(desk: Desk) -> None:
    desk.sign_up("ana")
    async with at(desk, "l") as (pilot, screen):
        await until(pilot, lambda: any(item["metadata"].get("methods") for item in screen.items))
        place = next(at for at, item in enumerate(screen.items) if item["metadata"].get("methods"))
        await pilot.press(*["down"] * place)
        await until(pilot, lambda: "methods: password" in shown(pilot))


async def test_a_175_a_176_the_audit_log_is_narrowed_exported_and_verified(desk: Desk, tmp_path: Path) -> None:
    """A-175, A-176: filters, detail, a file, and an entry that was changed is named."""
    desk.sign_up("ana")
    async with at(desk, "l") as (pilot, screen):
        await until(pilot, lambda: len(screen.items) >= 2)
        await pilot.press("v")
        await until(pilot, lambda: "as written" in shown(pilot))
        await pilot.press("f")
        await on(pilot, FormSheet)
        await pilot.press(*"user.*", "ctrl+s")
        await until(pilot, lambda: {item["action"] for item in screen.items} == {"user.signed_up"})
        await pilot.press("X")
        await until(pilot, lambda: "File, .csv" in shown(pilot))
        await pilot.press("ctrl+u", *str(tmp_path / "a.csv"), "enter")
        await until(pilot, lambda: (tmp_path / "a.csv").exists())
        assert (tmp_path / "a.csv").read_text().count("user.signed_up") == 1
        await pilot.press("escape")
        await until(pilot, lambda: not screen.filters and len(screen.items) >= 2)
        desk.write(lambda tx: tx.execute("UPDATE auth_audit_log SET action = 'user.verified' WHERE sequence = 1"))
        await pilot.press("v")
        await until(pilot, lambda: "Not as it was written" in shown(pilot))


async def test_a_040_who_may_not_write_the_file_is_told_at_the_first_step(desk: Desk) -> None:
    """A-040: an administrator from elsewhere reads the rules; the file belongs to the machine's owner."""
    boss = desk.sign_up("boss", roles=("admin",))
    client = Client(desk.server.url, token=boss.token)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, (120, 40)) as pilot:
        await pilot.press("g", "o")
        await until(pilot, lambda: app.current_mode == "roles" and app.screen.draft.rules["tables"])  # type: ignore[attr-defined]
        screen: Any = app.screen
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: screen.in_matrix)
        await pilot.press("space")
        await until(pilot, lambda: "Only the owner of the app file" in shown(pilot))
        await until(pilot, lambda: not screen.draft.steps)
