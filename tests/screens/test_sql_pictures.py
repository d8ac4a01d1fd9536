"""Pictures of the SQL screen and of the import dialog over a real server, in three sizes and without colour."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from core.client.client import Client
from core.contract.console import SqlRun
from screens.services.session import SessionStore
from screens.sql import SqlScreen
from screens.tables import TablesScreen
from screens.widgets.import_dialog import ImportDialog
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, until
from tests.support.server import RunningServer

SIZES = [(80, 24), (120, 40), (200, 60)]
size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
Steps = Callable[[Pilot[int]], Awaitable[None]]
APP = """
name: shop
tables:
  - id: 1
    name: deals
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: amount, type: decimal, precision: 2}
      - {id: 3, name: stage, type: single-select, options: [lead, won]}
      - {id: 4, name: closes, type: date}
"""
RESULTS = """select stage, count(*) as deals, sum(amount) as total
from deals
group by stage;

select id, title, amount, stage, closes from deals"""
WRONG = "select stage,\n       sum(amout) as total\nfrom deals\ngroup by stage"


class Steady(Client):
    """A client whose statements all take as long."""

    async def sql(self, run: str, *, wait: float = 0) -> SqlRun:
        answer = await super().sql(run, wait=wait)
        for statement in answer["statements"]:
            statement["elapsedMs"] = 12
        return answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("shop"), version=__version__) as server:
        for number in range(1, 9):
            fields = {
                "title": f"Deal {number}",
                "amount": str(number * 10),
                "stage": "won" if number % 2 else "lead",
                "closes": f"2026-02-0{number}",
            }
            server.local.post("/api/tables/deals/records", json={"fields": fields}).raise_for_status()
        yield server


def shop_console(shop: RunningServer, theme: str = "") -> ConsoleApp:
    return console(Steady(shop.socket), session=SessionStore(None), theme=theme)


def ran(text: str, *keys: str) -> Steps:
    """Open the SQL screen, write a text, press keys, wait for the last answer."""

    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.context.port is not None)
        await pilot.press("g", "s")
        await until(pilot, lambda: isinstance(app.screen, SqlScreen) and app.screen.session.index.tables)
        app.screen.query_one(TextArea).load_text(text)
        app.screen.query_one(TextArea).move_cursor((0, 3))
        for key in keys:
            await pilot.press(key)
            await until(pilot, lambda: app.screen.session.tab.run is not None and not app.screen.session.tab.running)
        await still(pilot)

    return steps


async def still(pilot: Pilot[int]) -> None:
    """Everything is painted."""
    await pilot.pause(0.3)


@size
def test_results(snap_compare, shop: RunningServer, size: tuple[int, int]) -> None:
    assert snap_compare(shop_console(shop), terminal_size=size, run_before=ran(RESULTS, "shift+f5"))


@size
def test_error_at_its_place(snap_compare, shop: RunningServer, size: tuple[int, int]) -> None:
    assert snap_compare(shop_console(shop), terminal_size=size, run_before=ran(WRONG, "f5"))


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_transaction_and_the_find_line(snap_compare, shop: RunningServer, size: tuple[int, int]) -> None:
    """A collected statement, its tab and status marked; the line that finds and replaces."""
    text = "update deals set stage = 'lost'\nwhere amount < 30"

    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await ran(text)(pilot)
        await pilot.press("f2", "f5")
        await until(pilot, lambda: app.screen.session.tab.transaction.statements)
        await pilot.press("ctrl+f", *"deals")
        app.clear_notifications()
        await still(pilot)

    assert snap_compare(shop_console(shop), terminal_size=size, run_before=steps)


def test_error_without_colour(snap_compare, shop: RunningServer) -> None:
    assert snap_compare(shop_console(shop, "ansi-dark"), terminal_size=(80, 24), run_before=ran(WRONG, "f5"))


def test_results_without_colour(snap_compare, shop: RunningServer) -> None:
    assert snap_compare(shop_console(shop, "ansi-dark"), terminal_size=(80, 24), run_before=ran(RESULTS, "f5"))


@size
def test_import(
    snap_compare, shop: RunningServer, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deals.csv").write_text("title,amount,stage,who\nFirst,12.50,won,Ada\nSecond,9,lead,Grace\n")
    monkeypatch.chdir(tmp_path)

    async def steps(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        await until(pilot, lambda: app.context.port is not None)
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.model is not None)
        await until(pilot, lambda: app.screen.pane.model.view is not None and app.screen.navigator.counts)
        await pilot.press("I")
        await until(pilot, lambda: isinstance(app.screen, ImportDialog))
        app.screen.query_one(Input).value = "deals.csv"
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 4)
        await pilot.pause(0.2)

    assert snap_compare(shop_console(shop), terminal_size=size, run_before=steps)
