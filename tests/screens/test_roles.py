"""The roles editor, by keys over a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from core.client.client import Client
from screens.services.session import SessionStore
from screens.widgets.form_sheet import FormSheet
from screens.widgets.plan_sheet import PlanSheet
from screens.widgets.policy_sheet import PolicySheet
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """# who may do what
name: desk
auth:
  strategies: [{type: emailAndPassword}]
  roles:
    - {name: editor, level: 30, description: Writes} # the colleagues
tables:
  - id: 1
    name: notes
    fields:
      - {id: 1, name: text, type: single-line-text}
      - {id: 2, name: owner, type: single-line-text}
    permissions: {read: authenticated, create: [member]} # open to read
  - id: 2
    name: jobs
    fields: [{id: 1, name: text, type: single-line-text}]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path, version=__version__) as server:
        yield server


@asynccontextmanager
async def roles(desk: RunningServer, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Pilot[int], Any]]:
    """The console on the roles, with `editor` chosen and the cursor in the matrix."""
    client = Client(desk.socket)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, size) as pilot:
        await pilot.press("g", "o")
        await until(pilot, lambda: app.current_mode == "roles" and app.screen.query(OptionList))
        await until(pilot, lambda: app.screen.draft.rules["tables"])  # type: ignore[attr-defined]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.screen.in_matrix)  # type: ignore[attr-defined]
        yield pilot, app.screen
        assert not [m.text for m in app.context.messages.messages if "defect" in m.title.lower()]


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def judged(pilot: Pilot[int], screen: Any) -> None:
    await until(pilot, lambda: screen.draft.verdict is not None or screen.problem)


async def test_a_040_the_matrix_gives_a_role_an_operation_and_writes_the_file(desk: RunningServer) -> None:
    """A-040: roles in their order, a matrix of tables and operations; the difference first, comments stay."""
    async with roles(desk) as (pilot, screen):
        assert screen.draft.subjects() == ["admin", "member", "editor", "viewer", ""]
        assert screen.who == "editor"
        await pilot.press("right", "right", "right", "space")
        await judged(pilot, screen)
        assert screen.draft.steps == [
            {"op": "set-rule", "table": "notes", "path": ["permissions", "update"], "value": ["editor"]}
        ]
        assert desk.app_file.read_text() == APP
        assert "+    permissions: {read: authenticated, create: [member], update: [editor]} # open to read" in shown(
            pilot
        )
        await pilot.press("f", "down", "down", "space")
        await judged(pilot, screen)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await until(pilot, lambda: not screen.draft.steps)
        text = desk.app_file.read_text()
        assert "# the colleagues" in text
        assert "# open to read" in text
        assert "update: [editor], fields: [{ field: owner, write: [" in text
        explained = desk.local.post("/api/access/explain", json={"table": "notes", "roles": ["editor"]}).json()
        may = {each["operation"]: each["allowed"] for each in explained["decisions"]}
        assert (may["update"], may["delete"], explained["unwritable"]) == (True, False, ["owner"])


async def test_a_040_undefined_names_are_red_and_forbid_writing(desk: RunningServer) -> None:
    """A-040: a role that goes leaves its name in the rules, which is said before anything is saved."""
    async with roles(desk) as (pilot, screen):
        await pilot.press("right", "right", "right", "space", "escape", "d")
        await until(pilot, lambda: screen.draft.role("editor") is None)
        assert "Undefined: editor" in shown(pilot)
        assert "editor is no role and no group, but notes.update names it" in shown(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.context.messages.messages)  # type: ignore[attr-defined]
        assert not isinstance(pilot.app.screen, PlanSheet)
        await pilot.press("u", "u")
        assert screen.draft.steps == []
        assert "Undefined" not in shown(pilot)
        assert desk.app_file.read_text() == APP


async def test_the_first_rule_of_a_table_keeps_what_has_held(desk: RunningServer) -> None:
    """A block closes what it does not name: the rest is written beside the first rule."""
    async with roles(desk) as (pilot, screen):
        await pilot.press("down", "end", "left", "left", "left", "space")
        await judged(pilot, screen)
        rules = screen.draft.table("jobs")["permissions"]
        assert rules == {
            "read": "authenticated",
            "comment": "authenticated",
            "create": ["member", "editor"],
            "update": ["member", "editor"],
            "delete": ["member"],
        }
        assert not screen.draft.verdict["problems"]


async def test_rules_roles_and_rows_are_typed(desk: RunningServer) -> None:
    """Levels, the default role, who by level, which rows; what is no condition is said in the form."""
    async with roles(desk) as (pilot, screen):
        await pilot.press("e", *"from editor", "enter")
        await until(pilot, lambda: screen.draft.steps)
        assert screen.draft.rule(screen.draft.table("notes"), "read") == {"minRole": "editor"}
        await pilot.press("w", *"owner is me", "ctrl+s")
        await until(pilot, lambda: "is not `field = value`" in shown(pilot))
        await pilot.press("ctrl+u", *"owner = $currentUser.email and text != draft", "ctrl+s")
        await until(pilot, lambda: not isinstance(pilot.app.screen, FormSheet))
        when = screen.draft.table("notes")["rowRules"]["read"]["when"]
        assert when["conditions"][0] == {"field": "owner", "operator": "eq", "value": "$currentUser.email"}
        await pilot.press("escape", "o", *"hr", "enter", *"120", "ctrl+s")
        await until(pilot, lambda: "from 0 to 100" in shown(pilot))
        await pilot.press("shift+tab", "tab", "ctrl+u", *"20", "ctrl+s")
        await until(pilot, lambda: screen.draft.role("hr") is not None)
        await pilot.press("D")
        await judged(pilot, screen)
        assert screen.draft.rules["defaultRole"] == "hr"
        assert not screen.draft.verdict["problems"]


async def test_a_200_policies_are_tried_as_somebody(desk: RunningServer) -> None:
    """A-200: a policy is written for a role; `t` says as whom it lets which record through."""
    for owner in ("ana", "bo"):
        desk.local.post("/api/tables/notes/records", json={"fields": {"text": "x", "owner": owner}})
    async with roles(desk) as (pilot, screen):
        await pilot.press(
            "y", "o", *"own", "enter", "ctrl+u", *"select", "enter", "ctrl+u", *"editor", "enter", "enter"
        )
        await pilot.press(*"ownr = 'ana'", "ctrl+s")
        await until(pilot, lambda: "ownr" in str(pilot.app.screen.query("#form-problem").first().render()))
        await pilot.press("ctrl+u", *"owner = 'ana'", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PolicySheet) and screen.draft.steps)
        await pilot.press("escape", "ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await until(pilot, lambda: not screen.draft.steps)
        await until(pilot, lambda: screen.draft.table("notes")["rls"] is not None)
        await pilot.press("y", "t", *"editor", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormSheet))
        await pilot.press("2", "enter")
        await until(pilot, lambda: "this record is out of reach" in shown(pilot))
        assert "§ ✗ own (lets through)" in shown(pilot)


async def test_as_user_names_the_rule_that_decides(desk: RunningServer) -> None:
    async with roles(desk) as (pilot, screen):
        await pilot.press("t", "enter")
        await until(pilot, lambda: "tables[0].permissions.read" in shown(pilot))
        assert "✗ create" in shown(pilot).lower()
        await pilot.press("escape")
        await until(pilot, lambda: "tables[0].permissions.read" not in shown(pilot))
        assert screen.somebody is None
