"""Logs: what the server tells, as it comes; narrowed down by gravity and by words (auth §16.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from textual import work
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from core.client import NotFound, SovriumError
from screens.actions.binding import bindings_of
from screens.presenters.format.line import one_line
from screens.presenters.log_feed import LogFeed, Moved, whole_text
from screens.presenters.migration import Line
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.line_view import LineView
from screens.widgets.log_view import LogView
from screens.widgets.name_dialog import NameDialog

PAUSE = 1.0
"""Seconds between two looks at a log that is followed."""
NEAR = 20
"""Lines before the first one at which the page before it is fetched."""


class LogsScreen(ConsoleScreen):
    """The lines above, the whole of the chosen one below."""

    CSS_PATH = STYLES / "logs.tcss"
    BINDINGS = bindings_of("logs")
    AUTO_FOCUS = "LogView"
    action_context = "logs"
    mode = "logs"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.feed = LogFeed()
        self.follows = True
        self.problem = ""
        self.is_barred = False
        """The log is not for this caller."""
        self.searches = False
        """A first page is being looked for."""

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="logs-head", markup=False)
        yield LogView()
        yield LineView(id="logs-detail", classes="pane")

    def on_mount(self) -> None:
        self.until_closed(self.context.connected.listen(lambda online: self.load() if online else None))
        self.set_interval(PAUSE, self.look)
        self.load()

    def on_screen_resume(self) -> None:
        if self.is_mounted and self.follows:
            self.load()

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    def language_changed(self) -> None:
        super().language_changed()
        self.paint()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    # ── Reading ──

    @work(exclusive=True, group="log", exit_on_error=False)
    async def load(self) -> None:
        """Begin anew at the end of the log."""
        port = self.context.port
        if port is None:
            return
        self.searches, self.follows = True, True
        try:
            await self.feed.begin(port, self.paint)
            self.problem, self.is_barred = "", False
        except SovriumError as error:
            self._fail(error)
        finally:
            self.searches = False
        self.paint()

    def _fail(self, error: SovriumError) -> None:
        """Say what is wrong. What passes is tried again with the next look."""
        self.is_barred = isinstance(error, NotFound)
        if self.is_barred:
            self.feed = LogFeed()
        self.problem = t("listing.not-yours") if self.is_barred else error.message

    def look(self) -> None:
        """See what has come, while somebody looks and nothing else is being read."""
        is_busy = any(worker.group == "log" and worker.is_running for worker in self.workers)
        if self.follows and self.is_current and not is_busy and not self.is_barred:
            self.read_on()

    @work(exclusive=True, group="log", exit_on_error=False)
    async def read_on(self) -> None:
        if (port := self.context.port) is not None:
            await self._read(lambda: self.feed.forward(port))

    @work(exclusive=True, group="log", exit_on_error=False)
    async def read_back(self) -> None:
        if (port := self.context.port) is not None:
            await self._read(lambda: self.feed.back(port), back=True)

    async def _read(self, read: Callable[[], Awaitable[Moved]], *, back: bool = False) -> None:
        try:
            moved = await read()
        except SovriumError as error:
            self._fail(error)
            self.paint()
        else:
            if moved != Moved() or self.problem:
                self.problem = ""
                self.paint(shifted=moved.added if back else -moved.dropped)

    # ── Painting ──

    def paint(self, *, shifted: int = 0) -> None:
        """The lines as they are."""
        if not self.is_mounted:
            return
        self.view.placeholder = one_line(self.problem or t("logs.searching" if self.searches else self._nothing()))
        self.view.update(self.feed.entries, shifted=shifted, follow=self.follows)
        self.query_one("#logs-detail").display = bool(self.feed.entries)
        self._paint_head()
        self.refresh_bindings()

    def _nothing(self) -> str:
        return "logs.nothing-fits" if self.feed.is_narrowed else "logs.nothing"

    def _paint_head(self) -> None:
        feed = self.feed
        parts: list[tuple[str, str]] = [(t("place.logs"), "bold $primary")]
        parts.append((f"  {t('logs.lines', count=len(feed.entries), number=grouped(len(feed.entries)))}", "dim"))
        if feed.level != "debug":
            parts.append((f"  ▽ {t('logs.from-level', level=feed.level)}", "bold $secondary"))
        if feed.text:
            parts.append((f"  ▽ {one_line(feed.text)}", "bold $secondary"))
        if self.searches:
            parts.append((f"  ⟳ {t('logs.searching')}", "$foreground-muted"))
        else:
            parts.append(
                (f"  ▶ {t('logs.follows')}", "$success")
                if self.follows
                else (f"  ‖ {t('logs.paused')}", "bold $warning")
            )
        if feed.is_full and feed.has_older:
            parts.append((f"  {t('logs.full')}", "$warning"))
        if self.problem:
            parts.append((f"  ! {one_line(self.problem)}", "bold $error"))
        self.query_one("#logs-head", Static).update(Content.assemble(*parts))

    def on_log_view_chosen(self, event: LogView.Chosen) -> None:
        event.stop()
        entry = self.view.chosen
        if entry is not None:
            first, *rest = whole_text(entry).split("\n")
            lines: list[Line] = [(first, "muted"), *((line, "plain") for line in rest)]
            self.query_one("#logs-detail", LineView).show(lines)
        if event.by_person:
            if self.follows != self.view.is_at_end:
                self.follows = self.view.is_at_end
                self._paint_head()
            if self.view.cursor < NEAR and self.feed.has_older and not self.searches:
                self.read_back()
            self.refresh_bindings()

    # ── Doing ──

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "logs_copy":
            return self.is_mounted and self.view.chosen is not None
        if action == "logs_clear":
            return self.feed.is_narrowed
        return super().check_action(action, parameters)

    def action_logs_follow(self) -> None:
        """Stand still, or go on at the end."""
        if self.follows:
            self.follows = False
            self.paint()
        else:
            self.load()

    def action_logs_level(self) -> None:
        self.feed.turn_level()
        self.load()

    def action_logs_clear(self) -> None:
        self.feed.level, self.feed.text = "debug", ""
        self.load()

    def action_app_back(self) -> None:
        if self.feed.is_narrowed:
            self.action_logs_clear()
        else:
            self.view.focus()

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def action_logs_search(self) -> None:
        typed = await self.app.push_screen_wait(NameDialog(self.context, t("logs.search-for"), self.feed.text))
        if typed is not None:
            self.feed.text = typed
            self.load()

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_logs_copy(self) -> None:
        if (entry := self.view.chosen) is not None:
            await self.context.clipboard.copy(whole_text(entry))
            self.notify(t("account.copied"))
