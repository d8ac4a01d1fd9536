"""The bases of places that show what the server says: read when they are opened, when it is there again, and when the app
has changed."""

from __future__ import annotations

from screens.widgets.console_screen import ConsoleScreen


class LiveScreen(ConsoleScreen):
    """A subclass reads and paints."""

    def load(self) -> object:
        """Ask the server anew, and paint what it says. What is shown stays until then."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.until_closed(
            self.context.connected.listen(lambda online: self.load() if online else None),
            self.context.schema_changed.listen(lambda _: self.load()),
        )
        self.load()

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()


class ReadingScreen(LiveScreen):
    """Reads anew whenever somebody comes back to it as well."""

    def on_screen_resume(self) -> None:
        if self.context.port is not None and self.is_mounted:
            self.load()
