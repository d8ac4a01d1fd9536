"""The life of two accounts by keyboard alone, over TCP and at the owner's socket: signing up, second factor, invitation,
rights, refusals, the end of a session. Then what the prompt does besides."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pyotp
import pytest
from textual import events
from textual.pilot import Pilot

from core.auth.password import PROFILES
from core.client import Client
from screens.login import LoginScreen
from screens.services.session import SessionStore
from screens.widgets.enrolment_sheet import EnrolmentSheet, SecretSheet
from screens.widgets.form_sheet import FormSheet
from screens.widgets.plan_sheet import PlanSheet
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from sovrium_tui.credential import ServerKeeper
from sovrium_tui.opening import server_at
from tests.support.accounts import Desk
from tests.support.clock import MovingClock
from tests.support.console import burst, console, new_context, running, screen_text, until
from tests.support.mailbox import Mailbox
from tests.support.server import RunningServer

APP = """name: harbour
auth:
  strategies: [{type: emailAndPassword}]
  twoFactor: true
  roles: [{name: editor, level: 30}, {name: keeper, level: 20}]
  mfa: {requireFor: [keeper]}
tables:
  - id: 1
    name: articles
    fields:
      - {id: 1, name: title, type: single-line-text}
      - {id: 2, name: fee, type: integer}
      - {id: 3, name: author, type: single-line-text}
    permissions: {read: authenticated, create: [member], update: [member]}
  - id: 2
    name: ledger
    fields: [{id: 1, name: entry, type: single-line-text}]
    permissions: {read: authenticated, update: [member]}
"""
WORD, NEXT = "quay-42!", "pier-24!"


class Harbour:
    """A server whose clock stands still, and the consoles of those who come to it."""

    def __init__(self, server: RunningServer, clock: MovingClock, folder: Path) -> None:
        self.server, self.clock, self.folder = server, clock, folder
        self.desk = Desk(server)

    @asynccontextmanager
    async def elsewhere(self, name: str, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
        """The console of somebody on another machine, at the prompt: `sovrium-tui connect`."""
        keeper = ServerKeeper(self.server.url, self.folder / name)
        context = new_context()
        context.keeper = keeper
        app = ConsoleApp(context, server_at(keeper))
        app.context.connection.pauses = (0.01,)
        async with app.run_test(size=size) as pilot:
            await prompt(pilot)
            yield pilot
            assert not defects(app)

    @asynccontextmanager
    async def owner(self) -> AsyncIterator[Pilot[int]]:
        """The console of the owner, at the socket."""
        client = Client(self.server.socket)
        app = console(client, session=SessionStore(None))  # type: ignore[arg-type]
        async with client, running(app, (80, 24)) as pilot:
            yield pilot
            assert not defects(app)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    real, clock = dict(PROFILES), MovingClock()
    PROFILES.update(dict.fromkeys(PROFILES, (64, 1)))
    folder = tmp_path_factory.mktemp("harbour")
    with RunningServer(APP, folder, version=__version__, clock=clock) as server:
        harbour = Harbour(server, clock, folder)
        yield harbour
        harbour.desk.close()
    PROFILES.update(real)


@pytest.fixture
def harbour(shared: Harbour, tmp_path: Path) -> Harbour:
    shared.desk.clear()
    shared.folder = tmp_path
    return shared


def defects(app: Any) -> list[str]:
    return [each.text for each in app.context.messages.messages if "defect" in each.title.lower()]


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def see(pilot: Pilot[int], pattern: str) -> None:
    try:
        await until(pilot, lambda: re.search(pattern, shown(pilot)))
    except AssertionError:
        raise AssertionError(f"no {pattern!r} in\n{shown(pilot)}") from None


async def on(pilot: Pilot[int], kind: type[Any]) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    return pilot.app.screen


async def prompt(pilot: Pilot[int], step: str = "password") -> None:
    """Wait until somebody is asked for what that step wants."""
    app: Any = pilot.app
    await on(pilot, LoginScreen)
    await until(pilot, lambda: app.screen.gate.ways and not app.screen.gate.busy and app.screen.gate.step == step)


async def let_in(pilot: Pilot[int]) -> None:
    app: Any = pilot.app
    await until(pilot, lambda: app.context.connection.state == "online" and not isinstance(app.screen, LoginScreen))


async def go(pilot: Pilot[int], key: str, mode: str) -> Any:
    app: Any = pilot.app
    await pilot.press("g", key)
    await until(pilot, lambda: app.current_mode == mode and app.screen.is_mounted)
    return app.screen


async def paste(pilot: Pilot[int], text: str) -> None:
    assert pilot.app.focused is not None
    pilot.app.focused.post_message(events.Paste(text))


def app_of(sheet: EnrolmentSheet) -> pyotp.TOTP:
    """What an authenticator makes of the secret that stands on the screen."""
    secret = str(sheet.query_one("#secret").render())
    return pyotp.TOTP(re.sub(r"[^A-Z2-7]", "", secret))


@pytest.mark.timeout(180)  # three consoles and some three hundred keys
async def test_the_story_of_two_accounts_by_keyboard(harbour: Harbour) -> None:
    """A-072, A-076, A-110, A-163, A-040: who may what is given, seen through another's eyes, and kept to."""
    async with harbour.owner() as boss, harbour.elsewhere("ana") as ana:
        await come(harbour, ana, boss)
        await give_rights(harbour, boss)
        await let_bo_work(harbour, boss, await copied_link(boss))


async def come(harbour: Harbour, ana: Pilot[int], boss: Pilot[int]) -> None:
    """Ana signs up, sets her authenticator up, signs out and in again with a code, and invites Bo. What she types in one
    burst, as a program that fills in passwords does, comes into the fields that it is meant for."""
    burst(ana, "ctrl+n", *"ana@example.org", "enter", *"Ana", "enter", *WORD, "enter", "x", "enter")
    await see(ana, "not the same")
    burst(ana, *WORD, "enter", *WORD, "enter")
    await let_in(ana)
    account = await go(ana, "a", "account")
    await until(ana, lambda: account.user is not None)
    await ana.press("t")
    await on(ana, FormSheet)
    await ana.press(*WORD, "enter")
    totp = app_of(await on(ana, EnrolmentSheet))
    await ana.press(*totp.at(harbour.clock.now), "enter")
    await on(ana, SecretSheet)
    await ana.press("enter")
    await until(ana, lambda: account.user["twoFactorEnabled"])
    await ana.press("ctrl+p", *"sign out", "enter")
    await prompt(ana)
    assert "session has ended" not in shown(ana), "it was she who ended it"
    users = await go(boss, "u", "users")
    await until(boss, lambda: users.items)
    await boss.press("r")
    await on(boss, FormSheet)
    await boss.press("ctrl+u", *"admin", "enter")
    await until(boss, lambda: users.items and users.items[0]["role"] == "admin")
    harbour.clock.forward(totp.interval)  # a code is good for once
    await ana.press(*WORD, "enter")
    await prompt(ana, "second")
    await ana.press(*totp.at(harbour.clock.now), "enter")
    await let_in(ana)
    people = await go(ana, "u", "users")
    await until(ana, lambda: people.items)
    await ana.press("i")
    await on(ana, FormSheet)
    await ana.press(*"bo@example.org", "enter", *"Bo", "enter", "ctrl+u", *"editor", "enter")
    await until(ana, lambda: [each["role"] for each in people.items] == ["admin", "editor"])
    assert "invited" in shown(ana)


async def give_rights(harbour: Harbour, boss: Pilot[int]) -> None:
    """The owner lets editors change their own articles, but not the fee, and looks at it as Bo."""
    roles = await go(boss, "o", "roles")
    await until(boss, lambda: roles.draft.rules["tables"])
    await boss.press("down", "down", "enter", "right", "right", "right", "space", "f", "down", "down", "space")
    await until(boss, lambda: len(roles.draft.steps) == 2)
    await boss.press("w")
    await on(boss, FormSheet)
    await boss.press("enter", "enter")
    await paste(boss, "author = $currentUser.email")
    await boss.press("ctrl+s")
    await until(boss, lambda: len(roles.draft.steps) == 3 and roles.draft.verdict)
    await boss.press("ctrl+s")
    await on(boss, PlanSheet)
    await boss.press("enter")
    await until(boss, lambda: not roles.draft.steps)
    await boss.press("up", "up", "t")
    await see(boss, "admin")
    await boss.press(*"bo@")
    await see(boss, "bo@example.org")
    await boss.press("enter")
    await see(boss, "articles as bo@example.org")
    await see(boss, r"✓ change +rule +tables\[0\]\.permissions\.update")  # until then a toast may lie over it
    await see(boss, r"✗ create +rule +tables\[0\]\.permissions\.create")
    explained = harbour.server.local.post(
        "/api/access/explain", json={"table": "articles", "roles": ["editor"], "operation": "update"}
    ).json()
    assert explained["unwritable"] == ["fee"]
    assert explained["decisions"][0]["rows"] == ["tables[0].rowLevelPermissions.write"]


async def copied_link(boss: Pilot[int]) -> str:
    """The link of the invitation, out of the outbox."""
    outbox = await go(boss, "b", "outbox")
    await until(boss, lambda: outbox.items)
    await see(boss, "Ana invites you to harbour")
    copied: list[str] = []

    async def copy(text: str, held: Any = None) -> None:
        copied.append(text)

    outbox.context.clipboard.copy = copy
    await boss.press("y")
    await until(boss, lambda: copied)
    return copied[0]


async def let_bo_work(harbour: Harbour, boss: Pilot[int], link: str) -> None:
    """Bo comes by the invitation, changes what is his, is refused elsewhere, and loses his session but no edit."""
    records = "/api/tables/articles/records"
    for title, author in (("Ebb", "bo@example.org"), ("Flow", "ana@example.org")):
        fields = {"title": title, "fee": 5, "author": author}
        assert harbour.server.local.post(records, json={"fields": fields}).status_code == 201
    harbour.server.local.post("/api/tables/ledger/records", json={"fields": {"entry": "Dues"}})
    async with harbour.elsewhere("bo") as bo:
        app: Any = bo.app
        await bo.press("ctrl+t")
        await paste(bo, link)
        await bo.press("enter", "enter", *WORD, "enter", *WORD, "enter")
        await let_in(bo)
        tables = await go(bo, "t", "tables")
        await see(bo, "Flow")
        tables.pane.grid.focus()
        await bo.press("e", *"!", "enter")
        await until(bo, lambda: app.context.pending.count() == 1)
        await bo.press("up", "l", "e")
        await see(bo, "fee cannot be edited: you may")
        await bo.press("down", "h", "e")
        await see(bo, "This row may not be changed")
        await tables.pane.open_table(app.context.table("ledger"))
        await see(bo, "Dues")
        tables.pane.grid.focus()
        await bo.press("l", "e")
        await see(bo, "entry cannot be edited: you")
        assert "read only" in shown(bo)
        assert app.context.pending.count() == 1
        users = await go(boss, "u", "users")
        await until(boss, lambda: len(users.items) == 2)
        await boss.press("down", "s")
        await see(boss, "End which session?")
        await boss.press(*"all of", "enter")
        await prompt(bo)
        await see(bo, "Your session has ended; staged edits are kept.")
        await bo.press(*WORD, "enter")
        await let_in(bo)
        assert app.context.pending.count() == 1
        await bo.press("ctrl+s", "ctrl+s")
        await until(bo, lambda: app.context.pending.count() == 0)
    titles = [each["fields"]["title"] for each in harbour.server.local.get(records).json()["records"]]
    assert sorted(titles) == ["Ebb!", "Flow"]


async def test_a_forgotten_password_is_replaced_at_the_prompt(harbour: Harbour) -> None:
    """A-092: by the link of the mail, pasted; the first one that does not hold says so and leaves the link there."""
    harbour.desk.sign_up("ana")
    mail = Mailbox(harbour.desk)
    async with harbour.elsewhere("ana") as pilot:
        await pilot.press("ctrl+r", *"ana@example.org", "enter")
        await prompt(pilot, "reset")
        await paste(pilot, mail.link("resetPassword", "ana"))
        await pilot.press("enter", "x", "enter", "x", "enter")
        await see(pilot, "at least 8 characters")
        assert "token=" in shown(pilot)
        await pilot.press(*WORD, "enter", *WORD, "enter")
        await prompt(pilot)
        await see(pilot, "all sessions have ended")
        await pilot.press(*WORD, "enter")
        await let_in(pilot)


async def test_what_the_server_wants_is_done_at_the_prompt(harbour: Harbour) -> None:
    """A-119, A-163: a password for the time being is replaced, a second factor that a role needs is set up, then one is
    in; Esc leaves it to somebody else."""
    ana = harbour.desk.sign_up("ana", roles=("keeper",))
    body = {"userId": ana.id, "newPassword": WORD, "mustChange": True}
    assert harbour.server.local.post("/api/auth/admin/set-user-password", json=body).status_code == 200
    async with harbour.elsewhere("ana") as pilot:
        await pilot.press(*"ana@example.org", "enter", *WORD, "enter")
        await prompt(pilot, "enrol")
        await see(pilot, "Your role asks for a second factor")
        await pilot.press("escape")
        await prompt(pilot)
        await pilot.press(*WORD, "enter")
        await prompt(pilot, "enrol")
        await pilot.press(*WORD, "enter")
        totp = app_of(await on(pilot, EnrolmentSheet))
        await pilot.press(*totp.at(harbour.clock.now), "enter")
        await on(pilot, SecretSheet)
        await pilot.press("enter")
        await prompt(pilot, "renew")
        await pilot.press(*WORD, "enter", *NEXT, "enter", *NEXT, "enter")
        await let_in(pilot)
