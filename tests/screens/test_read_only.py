"""A console that was opened with --read-only (row 32 of the features): nothing can be staged or written, and it says so."""

from screens.actions.grid import CELLS
from screens.actions.whole_record import RECORDS
from screens.roles import RolesScreen
from screens.services.text import t
from screens.tables import TablesScreen
from screens.widgets.pane_access import OF_CELL
from tests.support.console import console, running, screen_text, until
from tests.support.memory_port import MemoryPort

ON_ROWS = [
    action for action in (*CELLS, *RECORDS) if action.writes and action.keys and not action.id.startswith("trash")
]


async def test_every_key_that_would_write_says_why_not() -> None:
    """In the table, in its footer and menu, on the screens of the app file; the status line tells it once."""
    port = MemoryPort()
    app = console(port)
    app.context.read_only = True
    async with running(app, (80, 24)) as pilot:
        assert port.read_only, "the port refuses by itself what a screen has forgotten"
        assert "read only  ●" in screen_text(app)
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
        assert screen_text(app).count("read only") == 1
        told, at_the_cell = app.context.messages.messages, 0
        for number, action in enumerate(ON_ROWS, 1):
            await pilot.press(action.keys.partition(",")[0])
            if action.textual in OF_CELL:
                at_the_cell += 1
                assert "This console only reads: it was" in screen_text(app).splitlines()[-2], action.id
                await pilot.press("right", "left")
            assert len(told) + at_the_cell == number, action.id
            assert app.screen is screen, action.id
        assert at_the_cell > 4
        assert {message.text for message in told} == {t("read_only.told")}
        await pilot.press("right", "enter")
        await until(pilot, lambda: "cannot be edited: this con" in screen_text(app))
        assert "✗o New" in screen_text(app).splitlines()[-1]
        assert app.context.pending.count() == 0
        await pilot.press("g", "o")
        await until(pilot, lambda: isinstance(app.screen, RolesScreen))
        roles = app.screen
        assert isinstance(roles, RolesScreen)
        roles.step({"op": "rename"})
        assert not roles.draft.steps, "a step that no key leads to is none, either"
        assert not {"commit", "keep_view", "prefer", "edit_schema"} & set(port.calls)
