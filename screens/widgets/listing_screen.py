"""A place with a list that comes in pages, and what is known of the chosen line beside it (or below)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from textual import work
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static

from core.client import NotFound, Port, SovriumError
from screens.actions.registry import BY_ID
from screens.presenters.migration import Line
from screens.presenters.refusal import problem_of
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.listing import Listing
from screens.widgets.live_screen import ReadingScreen

T = TypeVar("T")


class ListingScreen(ReadingScreen, Generic[T]):
    """A subclass says how a page is fetched, what a line and its details look like, and what can be done."""

    CSS_PATH = STYLES / "listing.tcss"
    AUTO_FOCUS = ".listing-list"
    WIDE = 100
    """Columns from which the details stand beside the list."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.items: list[T] = []
        self.more = False
        """There are further pages."""
        self.problem = ""
        self.is_read = False
        """The server has answered: what is not there is not on its way."""
        self.has_accounts = True
        """Else there is nobody whom the place could be about."""

    # ── What a subclass says ──

    async def fetch(self, port: Port, *, further: bool) -> tuple[Sequence[T], bool]:
        """A page, the next one when `further`, and whether more follow. Raises SovriumError."""
        raise NotImplementedError

    def line(self, item: T, width: int) -> Content:
        raise NotImplementedError

    async def details(self, port: Port, item: T) -> list[Line]:
        """What is known of it, asked from the server where that is needed."""
        raise NotImplementedError

    def head(self) -> list[Any]:
        """What stands above the list, behind the place's name."""
        return []

    def nothing(self) -> str:
        """What to say where there is no line."""
        return t("listing.nothing")

    def key_of(self, item: T) -> str:
        """What it is known by when the list comes anew."""
        raise NotImplementedError

    # ── Life ──

    def compose_body(self) -> Iterable[Widget]:
        yield Static(classes="listing-head", markup=False)
        with Container(classes="listing-body"):
            yield Listing(classes="pane listing-list", markup=False, compact=True)
            yield LineView(classes="pane listing-detail")

    def on_resize(self, event: Resize) -> None:
        self.query_one(".listing-body").set_class(event.size.width >= self.WIDE, "wide")
        self.call_after_refresh(self.paint)

    @property
    def listing(self) -> Listing:
        return self.query_one(Listing)

    @property
    def detail(self) -> LineView:
        return self.query_one(LineView)

    # ── Reading ──

    @work(exclusive=True, group="load", exit_on_error=False)
    async def load(self) -> None:
        await self._load(further=False)

    @work(exclusive=True, group="load", exit_on_error=False)
    async def load_more(self) -> None:
        await self._load(further=True)

    async def _load(self, *, further: bool) -> None:
        port = self.context.port
        if port is None:
            return
        try:
            found, self.more = await self.fetch(port, further=further)
        except NotFound:
            self.has_accounts = await self._has_accounts(port)
            self.items, self.problem = [], t("listing.not-yours") if self.has_accounts else ""
        except SovriumError as error:
            self.problem = error.message
        else:
            self.has_accounts = True
            self.items, self.problem = [*self.items, *found] if further else list(found), ""
        self.is_read = True
        self.paint()

    async def _has_accounts(self, port: Port) -> bool:
        """Whether the app has accounts: without them their addresses are unknown to everybody."""
        try:
            return (await port.whoami())["accounts"]
        except SovriumError:
            return True

    def _no_accounts(self) -> str:
        """What to do about it."""
        return t("listing.no-accounts", key=self.context.keymap.label(BY_ID["go.auth"]))

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def load_detail(self) -> None:
        port, item = self.context.port, self.chosen()
        if item is None or port is None:
            here = self.nothing() if self.has_accounts else self._no_accounts()
            empty = here if self.is_read else "…"
            self.detail.show([(self.problem or empty, "warn" if self.problem else "muted")])
            return
        try:
            self.detail.show(await self.details(port, item))
        except SovriumError as error:
            self.detail.show([(error.message, "refused")])

    def chosen(self) -> T | None:
        at = self.listing.highlighted
        return self.items[at] if at is not None and at < len(self.items) else None

    def paint(self) -> None:
        """The list as it is; what was chosen stays chosen, wherever it stands now."""
        if not self.is_mounted:
            return
        whole = self.size.width
        width = max(20, (whole * 58 // 100 if whole >= self.WIDE else whole) - 4)
        self.listing.renew((self.key_of(item), self.line(item, width)) for item in self.items)
        parts: list[Any] = [(t(f"place.{self.mode}"), "bold $primary"), *(self.head() if self.has_accounts else [])]
        if self.problem:
            parts.append((f"  ! {self.problem}", "bold $error"))
        self.query_one(".listing-head", Static).update(Content.assemble(*parts))
        self.load_detail()
        self.refresh_bindings()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if self.more and event.option_index == len(self.items) - 1:
            self.load_more()
        self.load_detail()
        self.refresh_bindings()

    # ── Doing ──

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # Without accounts there is nothing here to act on, only to look again.
        if self.is_mounted and action.startswith(f"{self.mode}_") and not self.has_accounts:
            return action == f"{self.mode}_refresh"
        return super().check_action(action, parameters)

    async def attempt(self, work: Callable[[Port], Awaitable[object]], told: str = "") -> bool:
        """Ask the server for something and show what has become of it; whether it was done."""
        port = self.context.port
        if port is None:
            self.notify(t("change.offline"), severity="warning")
            return False
        try:
            await work(port)
        except SovriumError as error:
            self.notify(problem_of(error), severity="error")
            return False
        if told:
            self.notify(told)
        self.load()
        return True
