"""Sign-in settings: every key of `auth`, by keys over a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from core.fields.registry import FIELD_TYPES
from core.schema.auth_setting import auth_settings
from core.schema.edit import edit_app
from core.schema.loader import load_text
from screens.presenters import auth_value
from screens.presenters.auth_draft import SECTIONS, AuthDraft, section_of
from screens.presenters.auth_value import read, typed
from screens.services.session import SessionStore
from screens.widgets.finder import Finder
from screens.widgets.form_sheet import FormSheet
from screens.widgets.plan_sheet import PlanSheet
from screens.widgets.schema_text import SchemaText
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """# who comes in
name: desk
auth:
  strategies:
    - type: emailAndPassword # and nothing else
  session: {expiresIn: 3600}
tables:
  - id: 1
    name: notes
    fields: [{id: 1, name: text, type: single-line-text}]
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        yield server


@pytest.fixture
def desk(shared: RunningServer) -> RunningServer:
    """The file as it was; the server takes it up again."""
    if shared.app_file.read_text() != APP:
        shared.app_file.write_text(APP)
        assert shared.local.post("/api/console/reload", json={}).status_code == 200
    return shared


@asynccontextmanager
async def settings(desk: RunningServer, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Pilot[int], Any]]:
    """The owner's console on the settings."""
    client = Client(desk.socket)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, size) as pilot:
        await pilot.press("g", "i")
        await until(pilot, lambda: app.current_mode == "auth" and app.screen.draft.settings)  # type: ignore[attr-defined]
        yield pilot, app.screen
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


WRONG: dict[str, Any] = {
    "switch": "maybe",
    "choice": "nonsense",
    "duration": "soon",
    "seconds": "soon",
    "list": ["no such thing \x00"],
    "map": {"no such thing": 7},
    "lines": ["a list"],
    "text": ["a list"],
}
"""By kind, what is not valid; of a number it is one more than the most."""


def test_a_018_what_is_wrong_is_told_at_its_key(tmp_path: Path) -> None:
    """A-018: of every key of the section, a value that is not valid is refused, and the message stands at that very key."""
    file = tmp_path / "app.yaml"
    file.write_text("name: x\nauth: {strategies: [magicLink, emailAndPassword], twoFactor: true}\n")
    draft = AuthDraft()
    draft.renew(auth_settings(replace(load_text("name: x\n", FIELD_TYPES), source=file)))
    assert {section_of(path) for path in draft.settings} == set(SECTIONS), (
        "a key without a section is nowhere to be seen"
    )
    missed = []
    for path, setting in draft.settings.items():
        wrong = setting["most"] + 1 if setting["most"] is not None else WRONG[setting["kind"]]
        draft.clear()
        draft.add(draft.change(path, wrong))
        edited = edit_app(file, draft.steps, FIELD_TYPES)
        told, _ = draft.sort([each.body() for each in edited.problems if each.severity == "error"])
        way = len(path) == 2 and path[0] == "strategies"  # it is there or not: nothing can be wrong with it
        if (path in told) == way:
            missed.append((path, told))
    assert missed == []


def test_a_018_a_place_above_the_keys_is_that_of_the_key_it_names() -> None:
    """A-018: `minPasswordLength 20 exceeds …` is told of a whole way in, and shown where it can be mended."""
    draft = AuthDraft()
    draft.renew(auth_settings(load_text("name: x\n", FIELD_TYPES)))
    draft.add(draft.change(("strategies", "magicLink"), True))
    draft.add(draft.change(("strategies", "emailAndPassword", "minPasswordLength"), 20))
    place = draft.place("auth.strategies[1]", "minPasswordLength 20 exceeds maxPasswordLength 10")
    assert place == ("strategies", "emailAndPassword", "minPasswordLength")
    assert draft.place("auth.strategies[0].type", "x") == ("strategies", "magicLink")
    assert draft.place("auth.emailTemplates.welcome", "`subject` is missing") == (
        "emailTemplates",
        "welcome",
        "subject",
    )
    assert draft.place("auth.sesion", "`sesion` is not a key here") is None
    assert draft.place("tables[0].permissions.read[0]", "role 'x' is not defined") is None


def test_a_018_values_are_typed_as_people_write_them() -> None:
    """A-018: times in units, lists and maps a line each; what does not fit goes to the validator as it was typed."""
    draft = AuthDraft()
    draft.renew(auth_settings(load_text("name: x\n", FIELD_TYPES)))
    cases = [
        ("session.expiresIn", "12 h", 43_200, "12 h"),
        ("session.expiresIn", "soon", "soon", "soon"),
        ("session.maxPerUser", "1000", 1000, "1,000"),
        ("invitationTokenExpiry", "7d", "7d", "7d"),
        ("redirects.allow", "https://a.test/**\n\n https://b.test ", ["https://a.test/**", "https://b.test"], None),
        ("groups", '{"name": "hr"}', [{"name": "hr"}], "hr"),
        ("strategies.oauth.providers", 'google\n{"custom": "own"}', ["google", {"custom": "own"}], "google, own"),
        ("strategies.phone.testOtps", "+49151 = 123456", {"+49151": "123456"}, "+49151 = 123456"),
        ("rateLimit.rules", '/a = {"max": 3}', {"/a": {"max": 3}}, '/a = {"max":3}'),
        ("emailTemplates.welcome.text", "Hello $name,\n\nyours\n", "Hello $name,\n\nyours", None),
        ("landingPath", "  ", None, "–"),
    ]
    for name, text, value, told in cases:
        setting = draft.settings[tuple(name.split("."))]
        assert read(setting, text) == value, name
        assert told is None or auth_value.shown(setting, value) == told, name
        assert value in (None, "soon") or read(setting, typed(value)) == value, name
    for name, text in (("rateLimit.rules", "/a"), ("groups", "{name: hr}")):
        with pytest.raises(ValueError, match=text[:2]):
            read(draft.settings[tuple(name.split("."))], text)


async def on(pilot: Pilot[int], kind: type[Any]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))


async def test_a_018_the_file_is_edited_key_by_key(desk: RunningServer) -> None:
    """A-018: numbers, times, choices and lists are typed; the message stands under the field; what changes is looked at
    before it is written, and comments stay."""
    async with settings(desk) as (pilot, screen):
        assert "app.yaml:5" in shown(pilot)
        await pilot.press("slash", *"minp", "enter")
        await until(pilot, lambda: screen.in_keys and screen.here()[-1] == "minPasswordLength")
        await pilot.press("enter")
        await on(pilot, FormSheet)
        await pilot.press(*"200", "enter")
        await until(pilot, lambda: "200 is outside 6..128" in shown(pilot))
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and screen.draft.steps)
        await pilot.press("down", "enter")
        await on(pilot, FormSheet)
        await pilot.press("9", "enter")
        await until(pilot, lambda: "minPasswordLength 20 exceeds maxPasswordLength 9" in shown(pilot))
        await pilot.press("d", "end", "up", "enter")
        await on(pilot, SchemaText)
        await pilot.press("x", "ctrl+s")
        await until(pilot, lambda: "is not one of" in shown(pilot))
        await pilot.press("backspace", *"digit", "ctrl+s")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("up", "enter")
        await on(pilot, Finder)
        await pilot.press(*"str", "enter")
        await until(pilot, lambda: pilot.app.screen is screen)
        await pilot.press("escape", "down", "down", "enter", "enter")
        await on(pilot, FormSheet)
        await pilot.press("ctrl+u", *"12 h", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and "12 h" in shown(pilot))
        await pilot.press("ctrl+s")
        await on(pilot, PlanSheet)
        assert desk.app_file.read_text() == APP
        await pilot.press("enter")
        await until(pilot, lambda: not screen.draft.steps and "app.yaml:" in shown(pilot))
        text = desk.app_file.read_text()
        assert "- type: emailAndPassword # and nothing else\n" in text
        assert "session: {expiresIn: 43200}" in text
        auth = desk.engine.app.auth
        assert auth is not None
        assert auth.password is not None
        assert (auth.password.min_length, auth.password.max_length, auth.password.cost) == (20, 128, "strong")
        assert auth.password.require_classes == ("digit",)
        assert auth.session.expires_in == 43_200


async def test_a_018_steps_are_undone_and_what_is_not_valid_is_not_written(desk: RunningServer) -> None:
    """A-018: without a way in there is nothing to write; the message is below its key, undo takes it back."""
    async with settings(desk) as (pilot, screen):
        await pilot.press("enter", "down", "space")
        await until(pilot, lambda: "at least one strategy is required" in shown(pilot))
        assert "! 1 problem" in shown(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.context.messages.messages)  # type: ignore[attr-defined]
        assert not isinstance(pilot.app.screen, PlanSheet)
        await pilot.press("u")
        await until(pilot, lambda: not screen.draft.steps and "at least one" not in shown(pilot))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: screen.draft.steps and "at least one strategy is required" in shown(pilot))
        await screen.run_action("auth_discard")
        await until(pilot, lambda: not screen.draft.steps)
        assert desk.app_file.read_text() == APP


async def test_a_044_a_267_another_master_key(desk: RunningServer) -> None:
    """A-044, A-267: once it is confirmed; the key in use is another."""

    def current() -> str:
        return next(each["id"] for each in desk.local.get("/api/admin/master-key").json() if each["isCurrent"])

    before = current()
    async with settings(desk) as (pilot, screen):
        await screen.run_action("auth_rotate")
        await until(pilot, lambda: before in shown(pilot))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "is in use" in "".join(m.text for m in screen.context.messages.messages))
        assert current() != before
