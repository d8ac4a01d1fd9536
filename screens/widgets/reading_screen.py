"""The base of places that show what the server says: read when they are come to, when it is there again, and when
the app has changed."""

from __future__ import annotations

from collections.abc import Callable

from textual.worker import Worker

from screens.services.context import Context
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.defect import tell_defect


class ReadingScreen(ConsoleScreen):
    """A subclass reads and paints."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._stops: list[Callable[[], None]] = []

    def load(self) -> object:
        """Ask the server anew, and paint what it says. What is shown stays until then."""
        raise NotImplementedError

    def paint(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._stops = [
            self.context.connected.listen(lambda online: self.load() if online else None),
            self.context.schema_changed.listen(lambda _: self.load()),
        ]
        self.load()

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def on_screen_resume(self) -> None:
        if self.context.port is not None and self.is_mounted:
            self.load()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()
