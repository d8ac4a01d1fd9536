"""The schema designer and the migrations screen, by keys over a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from core.client.client import Client
from screens.services.session import SessionStore
from screens.widgets.formula_editor import FormulaSheet
from screens.widgets.index_sheet import IndexSheet
from screens.widgets.plan_sheet import PlanSheet
from screens.widgets.schema_text import SchemaText
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """# what we sell
name: desk
tables:
  - id: 1
    name: Parts
    fields:
      - { id: 1, name: name, type: single-line-text, required: true } # what people call it
      - { id: 2, name: stock, type: integer }
      - { id: 3, name: state, type: single-select, options: [New, Used] }
    unique:
      - { fields: [name, state] }
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path, version=__version__) as server:
        yield server


@asynccontextmanager
async def at(desk: RunningServer, key: str, size: tuple[int, int] = (140, 44)) -> AsyncIterator[tuple[Pilot[int], Any]]:
    """The console on the place that `g` and the key lead to."""
    client = Client(desk.socket)
    app: ConsoleApp = console(client, session=SessionStore(None))  # type: ignore[arg-type]
    async with client, running(app, size) as pilot:
        await pilot.press("g", key)
        mode = {"e": "schema", "m": "migrations"}[key]
        await until(pilot, lambda: app.current_mode == mode and app.screen.query(OptionList))
        yield pilot, app.screen


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def judged(pilot: Pilot[int], screen: Any) -> None:
    await until(pilot, lambda: screen.draft.verdict is not None or screen.problem)


def defects(pilot: Pilot[int]) -> list[str]:
    return [m.text for m in pilot.app.context.messages.messages if "defect" in m.title.lower()]  # type: ignore[attr-defined]


async def test_a_field_is_added_shown_and_written(desk: RunningServer) -> None:
    """M-042, M-052: plan and file before anything is written; comments of the file stay."""
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "down", "o", *"colour", "enter")
        await pilot.press(*"color", "enter")
        await judged(pilot, screen)
        assert "+ Parts.colour" not in desk.app_file.read_text()
        assert "Add column colour" in shown(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await until(pilot, lambda: not screen.draft.steps)
        await until(pilot, lambda: "colour" in [f["name"] for f in pilot.app.context.schema["tables"][0]["fields"]])  # type: ignore[attr-defined]
        text = desk.app_file.read_text()
        assert "# what people call it" in text
        assert text.index("name: stock") < text.index("name: colour") < text.index("name: state")
        assert not defects(pilot)


async def test_steps_are_undone_before_they_are_written(desk: RunningServer) -> None:
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "d", "J", "u", "ctrl+y")
        assert [step["op"] for step in screen.draft.steps] == ["remove-field", "move-field"]
        await pilot.press("u", "u")
        assert screen.draft.steps == []
        assert [each.name for each in screen.draft.tables[0].fields] == ["name", "stock", "state"]
        assert desk.app_file.read_text() == APP


async def test_problems_stand_at_their_line_and_forbid_applying(desk: RunningServer) -> None:
    """T-031"""
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "o", *"Bad", "space", *"Name", "enter", *"integer", "enter")
        await judged(pilot, screen)
        text = shown(pilot)
        assert "app.yaml:8:" in text
        assert "not a field name" in text
        assert "8 │" in text
        await pilot.press("ctrl+s")
        await until(pilot, lambda: pilot.app.context.messages.messages)  # type: ignore[attr-defined]
        assert not isinstance(pilot.app.screen, PlanSheet)
        assert desk.app_file.read_text() == APP


async def test_what_loses_data_wants_its_word(desk: RunningServer) -> None:
    """M-042: destructive steps are marked, and carried out only when the table's name is typed."""
    desk.local.post("/api/tables/Parts/records", json={"fields": {"name": "Bolt", "stock": 4}})
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "down", "d")
        await judged(pilot, screen)
        assert "loses data" in shown(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PlanSheet)
        await pilot.press(*"Parts", "enter")
        await until(pilot, lambda: not screen.draft.steps)
        assert "stock" not in desk.app_file.read_text()
        assert not defects(pilot)


async def test_options_and_formula_are_written_as_text(desk: RunningServer) -> None:
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "down", "down", "enter", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SchemaText))
        await pilot.press("enter", *"Gone", "ctrl+s")
        await until(pilot, lambda: screen.draft.steps)
        assert screen.draft.steps[-1]["value"] == ["New", "Used", "Gone"]
        await pilot.press("escape", "o", *"twice", "enter", *"formula", "enter")
        await judged(pilot, screen)
        await pilot.press("enter", "home", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormulaSheet))
        await pilot.press("backspace", *"stock", "asterisk")
        await until(pilot, lambda: "! line 1" in shown(pilot))
        await pilot.press("2")
        await until(pilot, lambda: "gives a number" in shown(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: screen.draft.steps[-1].get("value") == "stock*2")
        assert not defects(pilot)


async def test_a_formula_knows_the_draft_that_it_stands_in(desk: RunningServer) -> None:
    """Fields that the server does not have yet are right in it, what the draft took away is wrong."""
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "down", "o", *"twice", "enter", *"formula", "enter")
        await until(pilot, lambda: screen.draft.steps)
        await pilot.press("enter", "home", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormulaSheet))
        await pilot.press("backspace", *"stock*2", "ctrl+s")
        await until(pilot, lambda: len(screen.draft.steps) == 2)
        await pilot.press("escape", "up", "e", "home", *"in_", "enter")
        await until(pilot, lambda: len(screen.draft.steps) == 3)
        await pilot.press("down", "enter", "home", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormulaSheet))
        assert pilot.app.screen.editor.draft.text == "in_stock*2"  # type: ignore[attr-defined]
        await until(pilot, lambda: "its values come once" in shown(pilot))
        await pilot.press("home", "delete", "delete", "delete")
        await until(pilot, lambda: "! " in shown(pilot))
        assert not defects(pilot)


async def test_a_key_that_is_not_listed_is_added(desk: RunningServer) -> None:
    """Whatever the app file may say of a field; what it may not is told at its line."""
    async with at(desk, "e") as (pilot, screen):
        await pilot.press("enter", "down", "enter", "o", *"colour", "enter", *"red", "enter")
        await judged(pilot, screen)
        assert screen.draft.steps[-1]["key"] == "colour"
        assert "colour" in shown(pilot)
        assert screen.draft.verdict["problems"]
        assert "app.yaml:" in shown(pilot)
        await pilot.press("u", "o", *"deprecated", "enter", *"true", "enter")
        await judged(pilot, screen)
        assert screen.draft.steps[-1]["value"] is True
        assert not defects(pilot)


async def test_indexes_are_told(desk: RunningServer) -> None:
    """T-143: name, fields, unique, size, and who sees to it."""
    async with at(desk, "e") as (pilot, _screen):
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, IndexSheet))
        text = shown(pilot)
        assert "uq_parts_name_state" in text
        assert "parts_pkey" in text
        assert "database" in text


async def test_the_plan_of_a_changed_file_is_applied_and_rolled_back(desk: RunningServer) -> None:
    """M-042, M-044, M-052: plan, history, difference of two versions, the way back."""
    desk.app_file.write_text(APP.replace("name: stock, type: integer", "name: amount, type: integer"))
    async with at(desk, "m") as (pilot, screen):
        await until(pilot, lambda: screen.plan is not None and "~" in shown(pilot))
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await until(pilot, lambda: screen.versions and screen.versions[0]["version"] == 2)
        await pilot.press("down")
        await until(pilot, lambda: "amount" in shown(pilot) and "v1" in shown(pilot))
        await pilot.press("down", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanSheet))
        await pilot.press("enter")
        await until(pilot, lambda: screen.versions and screen.versions[0]["rolledBackAt"])
        fields = desk.local.get("/api/tables/Parts").json()["fields"]
        assert "stock" in [field["name"] for field in fields]
        assert not defects(pilot)


async def test_the_cursor_stays_on_its_version_when_another_comes(desk: RunningServer) -> None:
    """M-044: `r` goes back to the version that one has looked at."""
    async with at(desk, "m") as (pilot, screen):
        await until(pilot, lambda: screen.plan is not None)
        await pilot.press("down")
        assert screen.chosen()["version"] == 1
        desk.app_file.write_text(APP.replace("name: stock, type: integer", "name: amount, type: integer"))
        assert desk.local.post("/api/console/migrations", json={}).status_code == 202
        await until(pilot, lambda: screen.versions[0]["version"] == 2)
        assert screen.chosen()["version"] == 1
        assert "▸" not in str(screen.query_one("#migrations-list").highlighted_option.prompt)


async def test_a_wrong_app_file_is_told_in_the_place_of_the_plan(desk: RunningServer) -> None:
    """T-031"""
    desk.app_file.write_text(APP.replace("type: integer", "type: integr"))
    async with at(desk, "m") as (pilot, screen):
        await until(pilot, lambda: screen.problem)
        assert "integr" in shown(pilot)
