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
        await pilot.press("o", "d", "right", "e")
        await until(pilot, lambda: "may not change it" in screen_text(app))
        told = [message.text for message in app.context.messages.messages]
        assert "companies: your roles do not let you create records" in "\n".join(told)
        assert any("delete" in text for text in told)
        assert app.context.pending.count() == 0
        assert screen.pane.host.current is None
        assert "✗o New" in screen_text(app).splitlines()[-1]
        await pilot.press("full_stop", *"duplicate")
        await until(pilot, lambda: "✗ companies: your roles do not let you create" in screen_text(app))
