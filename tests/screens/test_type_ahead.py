"""Keys that come faster than the console works: none is lost, none goes to the wrong place."""

from textual.events import Key
from textual.pilot import Pilot

from screens.tables import TablesScreen
from screens.widgets.finder import Finder
from screens.widgets.sql_editor import SqlEditor
from tests.support.console import console, running, until
from tests.support.memory_port import MemoryPort


def burst(pilot: Pilot[int], *keys: str) -> None:
    """All keys at once, as a fast hand or a slow line brings them."""
    for key in keys:
        pilot.app.post_message(Key(key, {"space": " "}.get(key, key if len(key) == 1 else None)))


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
