"""What the caller may not do is said where it bites (P-043)."""

from screens.tables import TablesScreen
from tests.support.console import console, running, screen_text, until
from tests.support.memory_port import MemoryPort


async def test_a_read_only_table_says_so_and_takes_no_edit() -> None:
    """P-043: the title, the new row, the deletion, the cell."""
    port = MemoryPort()
    port.may = {"read": True, "create": False, "update": False, "delete": False}
    app = console(port)
    async with running(app) as pilot:
        await pilot.press("g", "t")
        await until(pilot, lambda: isinstance(app.screen, TablesScreen))
        screen = app.screen
        assert isinstance(screen, TablesScreen)
        await until(pilot, lambda: screen.pane.grid is not None and screen.pane.grid.has_focus)
        await until(pilot, lambda: "read only" in screen_text(app))
        await pilot.press("o", "o", "d")
        told = [message.text for message in app.context.messages.messages]
        assert [word in text for word, text in zip(("create", "create", "delete"), told, strict=True)] == [True] * 3
        assert len(app._notifications) == 2, "the same is told again, not twice"
        for key in ("e", "delete", "ctrl+e", "enter"):
            await pilot.press("right")
            await until(pilot, lambda: "may not change it" not in screen_text(app))
            await pilot.press(key)
            await until(pilot, lambda: "may not change it" in screen_text(app))
        assert "`:whoami` tells what you may" in screen_text(app), "all of it, in 80 columns"
        assert app.context.pending.count() == 0
        assert screen.pane.host.current is None
        assert "✗o New" in screen_text(app).splitlines()[-1]
        await pilot.press("full_stop", *"duplicate")
        await until(pilot, lambda: "✗ companies: your roles do not let you create" in screen_text(app))
