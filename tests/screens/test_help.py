"""The help overlay: complete, searchable, of the place it was called from."""

from textual.widgets import Input, Static

from screens.actions.registry import actions_of
from screens.help import HelpScreen
from screens.services.text import t
from tests.support.console import console, running, screen_text, until


async def test_help_lists_every_key_of_the_place() -> None:
    app = console()
    async with running(app, (120, 60)) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        text = app.screen.text("").plain
        for action in [*actions_of("home"), *actions_of("global")]:
            if app.context.keymap.label(action) and not action.id.startswith("pane."):
                assert t(f"actions.{action.id}") in text, action.id
        assert "Home lists the tables" in text


async def test_help_is_searched_and_left() -> None:
    app = console()
    async with running(app) as pilot:
        await pilot.press("f1", *"staged")
        await until(pilot, lambda: "Leave the console; asks when edits are staged." in screen_text(app))
        assert "Next pane" not in screen_text(app)
        app.screen.query_one(Input).value = "zzz"
        await until(pilot, lambda: "Nothing fits." in screen_text(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


async def test_help_wraps_in_a_narrow_terminal() -> None:
    app = console()
    async with running(app, (80, 24)) as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await pilot.pause()
        width = app.screen.query_one("#help-text", Static).content_size.width
        rows = [line for line in app.screen.text("").plain.splitlines() if line.startswith("  ")]
        assert len(rows) > 20
        assert max(map(len, rows)) <= width


async def test_help_is_wrapped_in_the_width_that_its_scrollbar_leaves() -> None:
    """What is painted first, before there is a scrollbar, is right afterwards."""
    app = console()
    async with running(app, (100, 30)) as pilot:
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        await until(pilot, lambda: app.screen.query_one("#help-scroll").show_vertical_scrollbar)
        await pilot.pause()
        painted = app.screen.query_one("#help-text", Static)
        assert str(painted.content) == app.screen.text("").plain
