"""The SQL screen over a real server: running, errors at their place, tabs, completion, history, cancel, confirmation."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from textual.events import Paste
from textual.pilot import Pilot

from core.client import Port, ServerGone
from core.client.client import Client
from core.contract.console import SqlRun
from screens.presenters.sql_favourite import Favourites
from screens.presenters.sql_session import SqlSession
from screens.presenters.sql_text import Span
from screens.services.session import SessionStore
from screens.services.text import t
from screens.sql import SqlScreen
from screens.widgets.confirm import Confirm
from screens.widgets.export_dialog import ExportDialog
from screens.widgets.finder import Finder
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.name_dialog import NameDialog
from screens.widgets.result_row import ResultRow
from screens.widgets.tab_strip import TabStrip
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


def shown(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


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


async def ended(pilot: Pilot[int], before: SqlRun | None = None) -> None:
    """`before` is the run that the tab had before, and has until the new one is there."""

    def is_over() -> bool:
        run = sql(pilot).session.tab.run
        return run is not None and run["state"] != "running" and (before is None or run["id"] != before["id"])

    await until(pilot, is_over)


async def test_a_result_is_read_in_the_grid(pilot: Pilot[int]) -> None:
    await write(pilot, "select title, amount from deals order by title")
    await pilot.press("f5")
    await until(pilot, lambda: "deal 4" in screen_text(pilot.app))  # type: ignore[arg-type]
    assert "5 rows" in sql(pilot).status.text("rows")


async def test_a_result_is_copied_and_its_rows_are_read_whole(pilot: Pilot[int]) -> None:
    """What windows cut is whole in a copy and in the row; F5 in the rows runs the statement again."""
    await write(pilot, "select n, repeat('x', 300) || n as long, '{\"a\": [1]}'::json as nested from range(3) r(n)")
    await pilot.press("f5")
    await until(pilot, lambda: "3 rows" in sql(pilot).status.text("rows"))
    await pilot.press("f6", "down", "right", "v", "down", "y")
    held = sql(pilot).context.clipboard
    await until(pilot, lambda: held.held is not None)
    assert held.held is not None
    assert held.held.rows == (("x" * 300 + "1",), ("x" * 300 + "2",))
    assert sql(pilot).status.text("rows") == "3 / 3 rows"
    await pilot.press("escape", "up", "right", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ResultRow) and '"a": [' in shown(pilot))
    assert "2 / 3" in shown(pilot)
    await pilot.press("n", "n")
    await until(pilot, lambda: "3 / 3" in shown(pilot))
    await pilot.press("escape", "f5")
    await until(pilot, lambda: len(sql(pilot).session.store.log("sql.history")) == 2)
    await until(pilot, lambda: isinstance(pilot.app.focused, VirtualGrid))


async def test_escape_leaves_the_text_and_letters_are_keys_then(pilot: Pilot[int]) -> None:
    """Without rows, where no other pane can take the focus; in the rows Escape gives up a range first."""
    await write(pilot, "select 1")
    await pilot.press("escape", "z", "i", "x")
    assert sql(pilot).editor.text == "select 1x"
    await pilot.press("backspace", "f5")
    await until(pilot, lambda: sql(pilot).query(VirtualGrid))
    await pilot.press("escape")
    grid = sql(pilot).query_one(VirtualGrid)
    await until(pilot, lambda: grid.has_focus)
    await pilot.press("v", "escape")
    await until(pilot, lambda: not grid.model.selection.active)
    await pilot.press("escape", "g", "h")
    await until(pilot, lambda: pilot.app.current_mode == "home")  # type: ignore[attr-defined]


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
    assert "nowhere" in shown(pilot)


async def test_brackets_turn_results_once_the_text_is_left(pilot: Pilot[int]) -> None:
    """More of them than fit side by side: the one that is shown is always among the tabs that are."""
    await write(pilot, ";\n".join(f"select {number} as column_{number}_of_the_rows" for number in range(6)) + ";[]")
    await pilot.press("shift+f5")
    await ended(pilot)
    tab, strip = sql(pilot).session.tab, sql(pilot).query_one("#sql-results", TabStrip)
    assert sql(pilot).editor.text.endswith(";[]")
    tab.shown = 0
    await pilot.press("escape", "]")
    await until(pilot, lambda: "column_1_of" in shown(pilot))
    await pilot.press("[", "[", "[")
    await until(pilot, lambda: "✓ select 5 as column_5" in strip.render().plain)
    assert strip.render().plain.startswith("‹")
    await pilot.click("#sql-results", offset=(3, 0))
    assert 0 < tab.shown < 5
    await pilot.press("f4", *["]"] * (6 - tab.shown))
    assert tab.shown == 0
    assert strip.render().plain.rstrip().endswith("›")


async def test_a_result_without_rows_expects_none(pilot: Pilot[int]) -> None:
    await write(pilot, "select * from deals where amount > 1000")
    await pilot.press("f5")
    await until(pilot, lambda: "No rows" in shown(pilot))
    assert "No rows yet" not in shown(pilot)


async def test_a_problem_is_at_its_line_of_the_text(pilot: Pilot[int]) -> None:
    """Not of the statement, which alone was run."""
    await write(pilot, "select 1;\nselect 2; select *\nfrom nowhere")
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: "Line 3, column 6" in shown(pilot))
    await write(pilot, ";\nselect 2; selec 3")
    await pilot.press("f5")
    await until(pilot, lambda: "Line 4, column 11" in shown(pilot))


async def test_what_is_run_while_the_server_starts_runs_when_it_has(shop: RunningServer) -> None:
    """One types faster than a server starts; it is not away."""
    app, ready = console(Client(shop.socket), session=SessionStore(None)), asyncio.Event()
    opener = app.opener

    async def slowly() -> Port:
        await ready.wait()
        return await opener()

    app.opener = slowly
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("g", "s")
        await until(pilot, lambda: isinstance(app.screen, SqlScreen))
        await write(pilot, "select 41 + 1 as answer")
        await pilot.press("f5")
        await until(pilot, lambda: [each.text for each in app.context.messages.messages] == [t("sql.starting")])
        ready.set()
        await until(pilot, lambda: sql(pilot).session.tab.run is not None)
        await ended(pilot)
        run = sql(pilot).session.tab.run
        assert run is not None
        assert run["state"] == "done"


async def test_completion_knows_columns_and_tab_takes_one(pilot: Pilot[int]) -> None:
    await write(pilot, "select  from deals")
    sql(pilot).editor.move_to(7)
    await pilot.press("a", "m")
    await until(pilot, lambda: sql(pilot).editor.completing)
    await pilot.press("tab")
    assert sql(pilot).editor.text == "select amount from deals"
    assert not sql(pilot).editor.completing


@pytest.mark.parametrize("key", ["left", "delete", "alt+t", "f8"])
async def test_the_list_goes_when_the_cursor_the_text_or_the_focus_goes(pilot: Pilot[int], key: str) -> None:
    await write(pilot, "select 1 from deals")
    await pilot.press("f5")
    await ended(pilot)
    editor = sql(pilot).editor
    await pilot.press("ctrl+a", *"select ti")
    assert editor.text == "select ti"
    await until(pilot, lambda: editor.completing)
    await pilot.press(key)
    await until(pilot, lambda: not editor.completing)


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


async def test_a_run_whose_server_is_gone_has_ended(pilot: Pilot[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count on, and nobody is told that it was or was not done."""

    async def gone(*_: object, **__: object) -> None:
        raise ServerGone("No server answers")

    monkeypatch.setattr(sql(pilot).context.port, "sql", gone)
    await write(pilot, "select count(*) from range(10000000) a")
    await pilot.press("f5")
    await until(pilot, lambda: "The connection was lost while this ran" in shown(pilot))
    assert not sql(pilot).session.tab.running
    assert "Running" not in shown(pilot)


async def test_a_result_is_exported_to_a_file(pilot: Pilot[int], tmp_path: Path) -> None:
    await write(pilot, "select * from deals")
    await pilot.press("f5")
    await until(pilot, lambda: bool(sql(pilot).query(VirtualGrid)))
    await pilot.press("f7")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
    assert "5 rows   all columns" in shown(pilot)
    pilot.app.post_message(Paste(f"{tmp_path}/deals.json"))  # the ending decides the form
    await pilot.press("enter")
    await until(pilot, lambda: (tmp_path / "deals.json").exists())
    assert len(json.loads((tmp_path / "deals.json").read_text())) == 5


async def test_favourites_are_kept_found_and_deleted(pilot: Pilot[int]) -> None:
    await write(pilot, "select 40 + 2 as answer")
    await pilot.press("alt+s")
    await until(pilot, lambda: isinstance(pilot.app.screen, NameDialog))
    await pilot.press(*"deep", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    assert [each.name for each in sql(pilot).favourites.kept.all()] == ["deep"]
    await pilot.press("ctrl+g")
    await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press(*"dee", "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    assert len(sql(pilot).session.tabs) == 2
    assert sql(pilot).editor.text == "select 40 + 2 as answer"
    sql(pilot).action_sql_favourite_drop()
    await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    await until(pilot, lambda: not sql(pilot).favourites.kept.all())


def test_favourites_survive_the_program_and_are_shared(tmp_path: Path) -> None:
    here, there = Favourites(SessionStore(tmp_path)), Favourites(SessionStore(tmp_path))
    here.keep("  Big   deals ", "select 1")
    assert [(each.name, each.sql) for each in there.all()] == [("Big deals", "select 1")]
    there.keep("big deals", "select 2")
    assert [(each.name, each.sql) for each in here.all()] == [("big deals", "select 2")]
    here.drop("big deals")
    assert Favourites(SessionStore(tmp_path)).all() == []
    (tmp_path / "sql.favourites.json").write_text('{"not": "a list"}')
    assert here.all() == []


async def test_a_statement_is_laid_out_in_one_step_of_undo(pilot: Pilot[int]) -> None:
    text = "select 1;\nselect title, amount::int from deals where stage = 'won' -- won"
    await write(pilot, text)
    sql(pilot).editor.move_to(text.index("where"))
    await pilot.press("alt+t")
    laid_out = "select 1;\nselect title,\n       amount::int\nfrom deals\nwhere stage = 'won' -- won"
    assert sql(pilot).editor.text == laid_out
    assert sql(pilot).editor.text[sql(pilot).editor.offset_in_text :].startswith("where")
    await pilot.press("ctrl+z")
    assert sql(pilot).editor.text == text


async def test_find_goes_around_and_replaces(pilot: Pilot[int]) -> None:
    await write(pilot, "select title from deals;\nselect Title from deals")
    sql(pilot).editor.move_to(0)
    await pilot.press("ctrl+f", *"title")
    editor = sql(pilot).editor
    assert (editor.selected_span, "1 of 2" in screen_text(pilot.app)) == (Span(7, 12), True)  # type: ignore[arg-type]
    await pilot.press("f3")
    assert editor.selected_span == Span(32, 37)
    await pilot.press("f3", "shift+f3")
    assert editor.selected_span == Span(32, 37)
    await pilot.press("tab", *"stage", "enter")
    assert editor.text == "select title from deals;\nselect stage from deals"
    await pilot.press("escape")
    assert pilot.app.focused is editor
    await pilot.press("ctrl+z")
    assert editor.text == "select title from deals;\nselect Title from deals"
    await pilot.press("ctrl+f", *"nowhere")
    assert "not found" in shown(pilot)


async def test_find_in_a_result(pilot: Pilot[int]) -> None:
    await write(pilot, "select title from deals order by title")
    await pilot.press("f5")
    await until(pilot, lambda: bool(sql(pilot).query(VirtualGrid)))
    grid = sql(pilot).query_one(VirtualGrid)
    grid.focus()
    await pilot.press("slash", *"deal 3", "enter")
    await until(pilot, lambda: grid.model.selection.row == 3)


async def test_a_transaction_is_seen_by_its_reads_and_written_at_the_commit(
    pilot: Pilot[int], shop: RunningServer
) -> None:
    def titles() -> list[str]:
        answer = shop.local.get("/api/tables/deals/records", params={"filter": "title:changed"}).json()
        return [record["fields"]["title"] for record in answer["records"]]

    await pilot.press("f2")
    assert "TRANSACTION" in sql(pilot).status.text("transaction")
    await write(
        pilot,
        "update deals set title = 'changed' where title = 'deal 4';\nselect count(*) from deals where title = 'changed'",
    )
    sql(pilot).editor.move_to(0)
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: "1 statement not committed" in sql(pilot).status.text("transaction"))
    assert "1 row would change" in sql(pilot).status.text("rows")
    assert titles() == []
    sql(pilot).editor.move_to(len(sql(pilot).editor.text))
    before = sql(pilot).session.tab.run
    await pilot.press("f5")
    await ended(pilot, before)
    run = sql(pilot).session.tab.run
    assert run is not None
    port = sql(pilot).context.port
    assert port is not None
    assert (await port.sql_window(run["id"], 0, 0, 1))["rows"] == [[1]]
    await pilot.press("f2")
    await until(pilot, lambda: isinstance(pilot.app.screen, Finder))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    await until(pilot, lambda: sql(pilot).session.tab.transaction is None)
    assert titles() == ["changed"]
    assert sql(pilot).status.text("transaction") == ""


async def test_an_open_transaction_outlives_the_console_and_is_asked_about(pilot: Pilot[int]) -> None:
    await pilot.press("f2")
    await write(pilot, "delete from deals where title = 'deal 3'")
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: (open_ := sql(pilot).session.tab.transaction) is not None and open_.statements)
    again = SqlSession(sql(pilot).context.session)
    assert again.tab.transaction is not None
    assert again.tab.transaction.text == "delete from deals where title = 'deal 3'"
    await pilot.press("alt+w")
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    pilot.app.action_app_quit()  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
    assert "not committed" in pilot.app.screen.text  # type: ignore[attr-defined]
    await pilot.press("escape")
    await until(pilot, lambda: isinstance(pilot.app.screen, SqlScreen))
    sql(pilot).action_sql_roll_back()
    assert sql(pilot).session.tab.transaction is None
    await until(pilot, lambda: "1 row would change" in sql(pilot).status.text("rows"))  # it has not


async def test_data_never_steers_the_terminal(pilot: Pilot[int]) -> None:
    """What a result, an error, a tab, a toast or the editor shows of an escape sequence is its picture."""
    hostile = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eend"
    screen = sql(pilot)
    screen.editor.load_text(f"select '{hostile}' as \"{hostile}\", nope('{hostile}')")
    await pilot.press("f5")
    await ended(pilot)
    await pilot.pause()
    assert not controls(pilot)
    screen.editor.load_text(f"select '{hostile}' as \"{hostile}\"")
    await pilot.press("f5")
    await ended(pilot)
    await until(pilot, lambda: bool(screen.query(VirtualGrid)))
    screen.notify(f"name {hostile}")
    await pilot.pause(0.2)
    assert "52;c" in shown(pilot)
    assert not controls(pilot)


def controls(pilot: Pilot[int]) -> set[str]:
    """Characters on the screen that a terminal would obey."""
    strips = pilot.app.screen._compositor.render_strips()
    return {c for strip in strips for segment in strip for c in segment.text if not c.isprintable()}


async def test_many_tabs_and_a_storm_of_cancels(pilot: Pilot[int]) -> None:
    for number in range(12):
        await write(pilot, f"select {number}, count(*) from range(1000000000) a, range(1000) b")
        await pilot.press("f5")
        await pilot.press("f9", "f9", "ctrl+t")
    screen = sql(pilot)
    for _ in range(len(screen.session.tabs)):
        await pilot.press("f9", "ctrl+pagedown")
    await until(pilot, lambda: not any(tab.running for tab in screen.session.tabs))
    await write(pilot, "select 7 as seven")
    await pilot.press("f5")
    await until(pilot, lambda: "seven" in screen_text(pilot.app) and bool(screen.query(VirtualGrid)))  # type: ignore[arg-type]
