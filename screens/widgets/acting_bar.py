"""The banner over everything while somebody acts as another: as whom, how long yet, how to end it (A-171)."""

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from screens.presenters.acting import clock_text
from screens.services.context import Context
from screens.services.text import t


class ActingBar(Static):
    """Not there while one is oneself."""

    DEFAULT_CSS = """
    ActingBar { height: 1; padding: 0 1; background: $error; color: $background; text-style: bold reverse; display: none; }
    ActingBar:dark { text-style: bold; }
    """

    def __init__(self, context: Context) -> None:
        super().__init__(markup=False)
        self.context = context
        self._clock: Timer | None = None

    def on_mount(self) -> None:
        self._stop = self.context.switched.listen(lambda _: self.paint())
        self._clock = self.set_interval(1, self.paint, pause=True)
        self.paint()

    def on_unmount(self) -> None:
        self._stop()

    def paint(self) -> None:
        acting = self.context.connection.acting
        self.display = acting is not None
        if self._clock is None:
            return
        if acting is None:
            self._clock.pause()
            return
        self._clock.resume()
        left = acting.seconds()
        self.update(Content(f"! {t('acting.banner', name=acting.name, time=clock_text(left))}"))
        if not left:
            self.context.be_oneself()
