"""The SQL screen over a real server: running, errors at their place, tabs, completion, history, cancel, confirmation."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from textual.pilot import Pilot

from core.client.client import Client
from screens.services.session import SessionStore
from screens.sql import SqlScreen
from screens.widgets.confirm import Confirm
from screens.widgets.finder import Finder
from screens.widgets.grid.grid import VirtualGrid
from sovrium_tui import __version__
from sovrium_tui.console import ConsoleApp
from tests.support.console import console, running, screen_text, until
from tests.support.server import RunningServer

APP = """
name: shop
tables:
  - id: 1
    name: deals
    fields:
      - {id: 1, name: title, type: single-line-text, required: true}
      - {id: 2, name: amount, type: decimal, precision: 2}
      - {id: 3, name: stage, type: single-select, options: [lead, won]}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(APP, tmp_path_factory.mktemp("shop"), version=__version__) as server:
        for number in range(5):
            fields = {"title": f"deal {number}", "amount": str(number * 10), "stage": "won" if number % 2 else "lead"}
            server.local.post("/api/tables/deals/records", json={"fields": fields}).raise_for_status()
        yield server


@pytest_asyncio.fixture
async def pilot(shop: RunningServer) -> AsyncIterator[Pilot[int]]:
    app = console(Client(shop.socket), session=SessionStore(None))
    async with running(app) as pilot:
        await pilot.press("g", "s")
        await until(pilot, lambda: isinstance(app.screen, SqlScreen))
        await until(pilot, lambda: sql(pilot).session.index.tables)
        yield pilot


def sql(pilot: Pilot[int]) -> SqlScreen:
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    assert isinstance(app.screen, SqlScreen)
    return app.screen


async def write(pilot: Pilot[int], text: str) -> None:
    """Put a text into the editor as a paste does."""
    screen = sql(pilot)
    screen.editor.insert(text)
    await pilot.pause()


async def ended(pilot: Pilot[int]) -> None:
    await until(pilot, lambda: (run := sql(pilot).session.tab.run) is not None and run["state"] != "running")


async def test_a_result_is_read_in_the_grid(pilot: Pilot[int]) -> None:
    await write(pilot, "select title, amount from deals order by title")
    await pilot.press("f5")
    await until(pilot, lambda: "deal 4" in screen_text(pilot.app))  # type: ignore[arg-type]
    assert "5 rows" in sql(pilot).status.text("rows")


async def test_the_statement_under_the_cursor_runs_and_only_that(pilot: Pilot[int]) -> None:
    await write(pilot, "select 1 as one;\nselect 2 as two")
    await pilot.press("ctrl+j")
    await ended(pilot)
    run = sql(pilot).session.tab.run
    assert run is not None
    assert [s["text"].strip() for s in run["statements"]] == ["select 2 as two"]


async def test_all_statements_run_until_one_fails_and_its_place_is_marked(pilot: Pilot[int]) -> None:
    await write(pilot, "select 1;\nselect nowhere from deals;\nselect 3")
    await pilot.press("shift+f5")
    await ended(pilot)
    run = sql(pilot).session.tab.run
    assert run is not None
    assert [s["state"] for s in run["statements"]] == ["done", "failed", "skipped"]
    await until(pilot, lambda: sql(pilot).editor.cursor_location == (1, 7))
    assert "nowhere" in screen_text(pilot.app)  # type: ignore[arg-type]


async def test_completion_knows_columns_and_tab_takes_one(pilot: Pilot[int]) -> None:
    await write(pilot, "select  from deals")
    sql(pilot).editor.move_to(7)
    await pilot.press("a", "m")
    await until(pilot, lambda: sql(pilot).editor.completing)
    await pilot.press("tab")
    assert sql(pilot).editor.text == "select amount from deals"
    assert not sql(pilot).editor.completing


async def test_tabs_keep_their_texts_and_survive_the_program(pilot: Pilot[int]) -> None:
    await write(pilot, "select 1")
    await pilot.press("ctrl+t")
    await write(pilot, "select 2")
    await pilot.press("ctrl+pageup")
    assert sql(pilot).editor.text == "select 1"
    sql(pilot).write_down()
    store = sql(pilot).context.session
    assert [tab["text"] for tab in store.get("sql.tabs")] == ["select 1", "select 2"]
    await pilot.press("alt+w")
    assert sql(pilot).editor.text == "select 2"


async def test_history_brings_a_statement_back(pilot: Pilot[int]) -> None:
    await write(pilot, "select 41 + 1 as answer")
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: sql(pilot).session.history())
    await pilot.press("f8")
    await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press(*"41", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    assert len(sql(pilot).session.tabs) == 2
    assert sql(pilot).editor.text == "select 41 + 1 as answer"


async def test_a_destructive_statement_asks_first(pilot: Pilot[int], shop: RunningServer) -> None:
    await write(pilot, "delete from deals")
    await pilot.press("f5")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    assert shop.local.get("/api/tables/deals/records").json()["pagination"]["total"] == 5


async def test_a_write_says_how_many_rows_it_changed(pilot: Pilot[int], shop: RunningServer) -> None:
    await write(pilot, "update deals set amount = 99 where title = 'deal 0'")
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: "1 row changed" in sql(pilot).status.text("rows"))
    changed = shop.local.get("/api/tables/deals/records", params={"filter": "title:deal 0"}).json()
    assert changed["records"][0]["fields"]["amount"] == "99.00"


async def test_a_long_statement_is_stopped(pilot: Pilot[int]) -> None:
    await write(pilot, "select count(*) from range(100000000) a, range(100000) b")
    await pilot.press("f5")
    await until(pilot, lambda: sql(pilot).session.tab.running)
    await pilot.press("f9")
    await ended(pilot)
    run = sql(pilot).session.tab.run
    assert run is not None
    assert run["state"] == "cancelled"


async def test_an_export_becomes_a_job(pilot: Pilot[int]) -> None:
    await write(pilot, "select * from deals")
    await pilot.press("f5")
    await until(pilot, lambda: bool(sql(pilot).query(VirtualGrid)))
    await pilot.press("f7")
    await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    jobs = sql(pilot).context.jobs
    await until(pilot, lambda: [job for job in jobs.all() if job["state"] == "done" and job.get("rows") == 5])
