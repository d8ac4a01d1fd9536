"""Formulas written in the console: completion, mistakes at their place, values of the first records; over a real server."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.pilot import Pilot

from core.client.client import Client
from screens.services.session import SessionStore
from screens.services.text import set_language
from screens.widgets.formula_editor import FormulaSheet
from screens.widgets.sql_editor import CompletionList
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: desk
tables:
  - id: 1
    name: Parts
    fields:
      - { id: 1, name: title, type: single-line-text }
      - { id: 2, name: price, type: decimal, precision: 2 }
      - { id: 3, name: stock, type: integer }
      - { id: 4, name: xor, type: date }
"""
FIELDS = [("title", "single-line-text"), ("price", "decimal"), ("stock", "integer"), ("xor", "date")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("desk"), version=__version__) as server:
        for number in range(1, 7):
            fields = {"title": f"Part {number}", "price": str(number * 1.25), "stock": number if number != 3 else None}
            server.local.post("/api/tables/parts/records", json={"fields": fields})
        yield server


@asynccontextmanager
async def sheet(
    desk: RunningServer, text: str = "", size: tuple[int, int] = (120, 40), **more: Any
) -> AsyncIterator[tuple[Pilot[int], FormulaSheet, list[str | None]]]:
    """The dialog over the console, and what it is dismissed with."""
    app: ConsoleApp = console(Client(desk.socket), session=SessionStore(None))  # type: ignore[arg-type]
    taken: list[str | None] = []
    async with running(app, size) as pilot:
        await until(pilot, lambda: app.context.port is not None)
        opened = FormulaSheet(app.context, "total · ƒ", more.pop("table", "parts"), FIELDS, text, **more)
        app.push_screen(opened, taken.append)
        await until(pilot, lambda: opened.is_mounted and opened.editor.draft.functions and opened.editor.area.has_focus)
        yield pilot, opened, taken


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def test_values_of_the_first_records_are_shown_while_one_types(desk: RunningServer) -> None:
    """F-001, F-011, F-013"""
    async with sheet(desk, "price * ", result_type="number") as (pilot, opened, taken):
        await pilot.press(*"stock")
        await until(pilot, lambda: opened.editor.draft.rows)
        assert opened.editor.draft.rows == [
            ("Part 1", "1.25"), ("Part 2", "5"), ("Part 3", "nothing"), ("Part 4", "20"), ("Part 5", "31.25"),
        ]  # fmt: skip
        await until(pilot, lambda: "✓ gives a number" in shown(pilot))
        await pilot.press("escape", "ctrl+s")
        await until(pilot, lambda: taken)
        assert taken == ["price * stock"]


async def test_fields_and_functions_complete_with_their_documentation(desk: RunningServer) -> None:
    """F-014: a field that is called like a word of the language is quoted."""
    async with sheet(desk) as (pilot, opened, _):
        choices = opened.query_one(CompletionList)
        await pilot.press(*"rou")
        await until(pilot, lambda: "To so many places" in shown(pilot))
        assert [each.label for each in choices.candidates][:3] == ["ROUND", "ROUNDUP", "ROUNDDOWN"]
        await pilot.press("tab", *"pri", "tab")
        assert opened.editor.area.text == "ROUND(price"
        await until(pilot, lambda: "ROUND(number, [number])" in shown(pilot))
        await pilot.press(*", 1) || XO")
        await until(pilot, lambda: choices.candidates[0].label == "xor")
        await pilot.press("tab")
        assert opened.editor.area.text == 'ROUND(price, 1) || "xor"'
        assert not choices.display
        await pilot.press(*" || 'pri")
        assert not choices.display


async def test_the_documentation_is_in_the_language_of_the_console(desk: RunningServer) -> None:
    async with sheet(desk) as (pilot, _, _taken):
        try:
            set_language("fr")
            await pilot.press(*"rou")
            await until(pilot, lambda: "À tant de décimales" in shown(pilot))
        finally:
            set_language("en")


async def test_a_mistake_is_told_with_its_place(desk: RunningServer) -> None:
    """F-016: on its line; the cursor stays where one types, Esc closes without a word."""
    async with sheet(desk, "price *\n  stok") as (pilot, opened, taken):
        await until(pilot, lambda: opened.editor.draft.preview)
        assert opened.editor.draft.position == 10
        await until(pilot, lambda: "! line 2, column 3: There is no field `stok`" in shown(pilot))
        assert opened.editor.area.cursor_location == (1, 6)
        await pilot.press("backspace", "c", "k", "escape")
        await until(pilot, lambda: opened.editor.draft.rows)
        await pilot.press("enter", *"+ 1")
        assert opened.editor.area.text == "price *\n  stock\n+ 1" or "stock" in opened.editor.area.text
        await pilot.press("escape", "escape")
        await until(pilot, lambda: taken)
        assert taken == [None]


async def test_a_table_that_is_not_there_yet_has_no_preview(desk: RunningServer) -> None:
    async with sheet(desk, "price", table="nowhere") as (pilot, opened, taken):
        await until(pilot, lambda: opened.editor.draft.trouble)
        await until(pilot, lambda: "not in the app yet" in shown(pilot))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: taken)
        assert taken == ["price"]


@pytest.mark.parametrize("size", [(80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_dialog_as_it_looks(desk: RunningServer, size: tuple[int, int], snap_compare: Any) -> None:
    app = console(Client(desk.socket), session=SessionStore(None))  # type: ignore[arg-type]

    async def write(pilot: Pilot[int]) -> None:
        await until(pilot, lambda: app.context.port is not None)
        text = "CASE WHEN stock > 3 THEN 'plenty'\n     ELSE ROUND(price, 1) || ' each' END"
        opened = FormulaSheet(app.context, "label · ƒ", "parts", FIELDS, text, result_type="text")
        app.push_screen(opened)
        await until(pilot, lambda: opened.is_mounted and opened.editor.draft.functions and opened.editor.draft.rows)
        opened.editor.area.move_to(text.index("price"))
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=write)
