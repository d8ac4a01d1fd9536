"""Keys that come faster than the console works: none is lost, none goes to the wrong place."""

import asyncio
from typing import Any

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste
from textual.pilot import Pilot
from textual.widgets import Input

from screens.services.keymap import Keymap
from screens.tables import TablesScreen
from screens.widgets.comments_sheet import CommentsSheet
from screens.widgets.finder import Finder
from screens.widgets.grid_pane import GridPane
from screens.widgets.history_sheet import HistorySheet
from screens.widgets.name_dialog import NameDialog
from screens.widgets.sql_editor import SqlEditor
from tests.support.console import burst, console, running, screen_text, until
from tests.support.memory_port import MemoryPort, companies


async def test_leader_place_and_text_in_one_burst() -> None:
    app = console(MemoryPort())
    async with running(app) as pilot:
        burst(pilot, "g", "s", *"select", "space", "1")
        await until(pilot, lambda: [editor.text for editor in app.screen.query(SqlEditor)] == ["select 1"])


async def test_a_letter_after_edit_goes_into_the_editor_not_to_the_grid() -> None:
    """`e` opens the editor of the cell; `x` right behind it is text, not the key that clears a cell."""
    app = console(MemoryPort())
    async with running(app) as pilot:
        burst(pilot, "g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        await pilot.press("right")
        burst(pilot, "e", "x", "x", "enter")
        await until(pilot, lambda: app.context.pending.count() == 1)
        (row,) = app.context.pending.rows()
        assert [str(cell.new).endswith("xx") for cell in row.cells] == [True], row


async def test_letters_after_the_palette_key_are_typed_into_it() -> None:
    app = console(MemoryPort())
    async with running(app) as pilot:
        burst(pilot, "ctrl+p", *"jobs", "enter")
        await until(pilot, lambda: app.current_mode == "jobs" and not isinstance(app.screen, Finder))


@pytest.mark.parametrize("digit", "19")
def test_alt_and_a_digit_is_read_as_most_terminals_send_it(digit: str) -> None:
    """The keys of panes, where the terminal has no newer way to tell keys."""
    parser = XTermParser()
    found = [*parser.feed(f"\x1b{digit}")]
    parser._timeout_time = 0  # nothing more comes
    found += parser.tick()
    assert [event.key for event in found if isinstance(event, Key)] == [f"alt+{digit}"]


async def test_a_letter_with_alt_is_a_key_not_a_text() -> None:
    """A terminal sends the letter behind an escape: both come as one key with a character."""
    app = console(MemoryPort())
    async with running(app) as pilot:
        burst(pilot, "g", "s", *"select")
        app.post_message(Key("alt+s", "s"))
        await until(pilot, lambda: isinstance(app.screen, NameDialog))
        app.post_message(Key("alt+2", "2"))
        burst(pilot, *"six", "enter")
        await until(pilot, lambda: [editor.text for editor in app.screen.query(SqlEditor)] == ["select"])
        assert [each.name for each in app.screen.favourites.kept.all()] == ["six"]  # type: ignore[attr-defined]


async def in_the_grid(pilot: Pilot[int]) -> TablesScreen:
    """The screen with the rows of a table, the cursor on the first."""
    burst(pilot, "g", "t")
    await until(pilot, lambda: isinstance(pilot.app.screen, TablesScreen))
    screen = pilot.app.screen
    assert isinstance(screen, TablesScreen)
    await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused is screen.pane.grid)
    await until(pilot, lambda: screen.pane.model is not None and screen.pane.model.row(0) is not None)
    return screen


async def test_a_key_behind_the_one_that_opens_a_table_finds_its_rows() -> None:
    """`T` needs the table that `g t` opens; without rows it says what can be done."""
    app = console(MemoryPort(companies(0)))
    async with running(app) as pilot:
        burst(pilot, "g", "t", "T")
        await until(pilot, lambda: "The trash is empty" in screen_text(app))
        assert "✗o New row" in screen_text(app).splitlines()[-1]
        burst(pilot, "o", "T")
        await until(pilot, lambda: "o makes the first one · I imports a file" in screen_text(app))
        assert "T leads back" in app.context.messages.messages[-1].text
        assert not app.context.pending.count()


async def test_a_text_pasted_behind_the_key_that_opens_a_table_comes_to_its_rows() -> None:
    app = console(MemoryPort())
    async with running(app) as pilot:
        burst(pilot, "g", "t")
        app.post_message(Paste("name\tcity\nAcme\tOslo\n"))
        burst(pilot, "enter")
        await until(pilot, lambda: app.context.pending.count() == 1)
        assert [row.op for row in app.context.pending.rows()] == ["create"]


async def test_tables_are_opened_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first visit of the place and the table that was asked for would put two faces into one pane."""
    app, open_table, inside = console(MemoryPort()), GridPane.open_table, [0, 0]

    async def counted(pane: GridPane, *asked: Any) -> None:
        inside[0] += 1
        inside[1] = max(inside)
        try:
            await open_table(pane, *asked)
        finally:
            inside[0] -= 1

    monkeypatch.setattr(GridPane, "open_table", counted)
    async with running(app) as pilot:
        burst(pilot, "colon", *"contacts", "enter")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen) and app.screen.pane.info_name == "contacts")
        assert inside[1] == 1


async def test_a_key_for_a_row_on_its_way_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed on a row that is not here yet is not lost; a row that does not come is told."""
    port, gate = MemoryPort(), asyncio.Event()
    app = console(port)
    async with running(app) as pilot:
        screen = await in_the_grid(pilot)
        window = port.window

        async def held(*asked: Any) -> Any:
            await gate.wait()
            return await window(*asked)

        monkeypatch.setattr(port, "window", held)
        burst(pilot, "G", "right", "e", "x", "enter")
        await until(pilot, lambda: place(screen) == 4999)
        gate.set()
        await until(pilot, lambda: app.context.pending.count() == 1)
        assert [row.key for row in app.context.pending.rows()] == ["5000"]
        gate.clear()
        monkeypatch.setattr("screens.widgets.cell_editing.PATIENCE", 0)
        burst(pilot, "pageup", "ctrl+home", *["pagedown"] * 40, "e")
        messages = app.context.messages.messages
        await until(pilot, lambda: messages and "has not come yet" in messages[-1].text)


async def test_keys_behind_a_search_are_meant_for_what_it_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """`/text Enter e` edits the hit, however long the server looks for it; so does `n e`."""
    port, gate = MemoryPort(), asyncio.Event()
    app = console(port)
    async with running(app) as pilot:
        screen = await in_the_grid(pilot)
        find = port.find

        async def held(*asked: Any, **more: Any) -> Any:
            await gate.wait()
            return await find(*asked, **more)

        monkeypatch.setattr(port, "find", held)
        monkeypatch.setattr("screens.presenters.grid_search.SLOW_AFTER", 0)
        burst(pilot, "slash", *"0123")
        await until(pilot, lambda: "looking …" in screen_text(app))
        burst(pilot, "enter", "e", "x", "enter")
        await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.searching is None)
        gate.set()
        await until(pilot, lambda: app.context.pending.count() == 1)
        assert [row.key for row in app.context.pending.rows()] == ["123"]
        gate.clear()
        burst(pilot, "n", "e", "y", "enter")
        await pilot.pause()
        gate.set()
        await until(pilot, lambda: app.context.pending.count() == 2)
        assert {row.key for row in app.context.pending.rows()} == {"123", "1230"}


@pytest.mark.parametrize(("key", "sheet"), [("H", HistorySheet), ("c", CommentsSheet)])
async def test_the_past_of_a_row_on_its_way_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, key: str, sheet: type[HistorySheet | CommentsSheet]
) -> None:
    """As the cell that an editor opens on; of a new row there is none."""
    port, gate = MemoryPort(), asyncio.Event()
    app = console(port)
    async with running(app) as pilot:
        screen = await in_the_grid(pilot)
        window = port.window

        async def held(*asked: Any) -> Any:
            await gate.wait()
            return await window(*asked)

        monkeypatch.setattr(port, "window", held)
        burst(pilot, "G", key)
        await until(pilot, lambda: place(screen) == 4999)
        gate.set()
        await until(pilot, lambda: isinstance(app.screen, sheet))
        assert app.screen.key == "5000"  # type: ignore[attr-defined]
        burst(pilot, "escape", "o", "escape", key)
        await until(pilot, lambda: app.context.pending.count() == 1 and app.screen is screen)
        assert screen.check_action("row_history", ()) is False


def place(screen: TablesScreen) -> int:
    """The row under the cursor."""
    assert screen.pane.model is not None
    return screen.pane.model.selection.row


async def test_of_keys_held_down_in_the_grid_none_is_lost() -> None:
    app = console(MemoryPort())
    async with running(app) as pilot:
        screen = await in_the_grid(pilot)
        burst(pilot, *["j"] * 200, *["up"] * 150, *["pagedown"] * 20, *["pageup"] * 20, "e", "x", "enter", "j")
        await until(pilot, lambda: place(screen) == 51 and app.context.pending.count() == 1)


async def test_a_key_bound_in_the_grid_is_carried_to_no_other_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carried through the tree it cost more than painting the cursor; letters that are typed still go where they belong."""
    seen: list[str] = []
    monkeypatch.setattr(TablesScreen, "on_key", lambda _, event: seen.append(event.key), raising=False)
    app = console(MemoryPort(), keymap=Keymap(own={"grid.down": ("x",)}))
    async with running(app) as pilot:
        screen = await in_the_grid(pilot)
        seen.clear()
        burst(pilot, "x", "x", "k", "f7")
        await until(pilot, lambda: seen == ["f7"])
        assert place(screen) == 1
        grid = screen.pane.grid
        assert grid is not None
        burst(pilot, "slash", "x", "k")
        await until(pilot, lambda: grid.searching == "xk")
        burst(pilot, "escape", "insert", "x", "x", "enter")
        await until(pilot, lambda: [cell.new for row in app.context.pending.rows() for cell in row.cells] == ["xx"])


async def test_letters_after_the_key_that_turns_to_the_next_pane_are_typed_there() -> None:
    app = console(MemoryPort())
    async with running(app, (160, 50)) as pilot:
        screen = await in_the_grid(pilot)
        burst(pilot, "f6", *"other")
        await until(pilot, lambda: screen.navigator.query_one(Input).value == "other")
