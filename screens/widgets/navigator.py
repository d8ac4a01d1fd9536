"""The tables beside the grid: typed to narrow, with their sizes and what is staged in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static

from core.contract.console import Event
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit, best
from screens.presenters.size import sizes_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.menu import Menu

REST = 2.0
"""Seconds between a change of data and a new count."""


class Navigator(Vertical):
    """`show` sets the tables, `count` their sizes, which follow what is written. Typing narrows, Enter opens."""

    DEFAULT_CSS = """
    Navigator { width: 28; height: 1fr; background: $surface; border-right: solid $border-blurred; }
    Navigator > Input { border: none; height: 1; padding: 0 1; background: $surface; }
    Navigator > Input:focus { background: $boost; }
    Navigator > Menu { height: 1fr; }
    Navigator > .nothing { height: 1fr; padding: 0 2; color: $foreground-muted; }
    """
    BINDINGS = bindings_of("navigator")
    action_context = "navigator"

    @dataclass
    class Chosen(Message):
        """A table to open, by its SQL name."""

        table: str

    def __init__(self, context: Context, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.context = context
        self.tables: list[TableInfo] = []
        self.counts: Mapping[str, str] = {}
        self.open = ""
        self._recount: Timer | None = None
        self._stop: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        yield Input(placeholder=t("navigator.filter"), compact=True, select_on_focus=False)
        yield Menu()
        yield Static(classes="nothing", markup=False)

    def on_mount(self) -> None:
        self._stop = self.context.events.listen(self._heard)

    def on_unmount(self) -> None:
        self._stop()

    def show(self, tables: list[TableInfo]) -> None:
        """Set the tables."""
        self.tables = tables
        self.paint()

    def _heard(self, event: Event) -> None:
        """Records came or went: count again, but not more often than every two seconds."""
        if event["kind"] == "change" and event.get("operation") != "update" and self._recount is None:
            self._recount = self.set_timer(REST, self.count)

    @work(exclusive=True, group="count", exit_on_error=False)
    async def count(self) -> None:
        """The sizes of the tables as they are now."""
        self._recount = None
        port = self.context.port
        if port is not None:
            self.counts = await sizes_of(port, self.tables)
            self.paint()

    def mark(self, table: str) -> None:
        """Say which table is open."""
        self.open = table
        self.paint()

    def paint(self) -> None:
        """The list again, with the marks of what is staged."""
        if not self.is_mounted:
            return
        staged = self.context.pending.counts()
        hits = [
            Hit(
                label=table["name"],
                detail=f"*{staged[table['sqlName']]}" if table["sqlName"] in staged else "",
                kind=self.counts.get(table["sqlName"], ""),
                value=table["sqlName"],
                search=table["sqlName"],
            )
            for table in self.tables
        ]
        self.query_one(Input).placeholder = t("navigator.filter")
        typed = self.query_one(Input).value
        menu = self.query_one(Menu)
        found = best(typed, hits) if typed else hits
        nothing = self.query_one(".nothing", Static)
        nothing.update(t("finder.nothing"))
        nothing.display = bool(typed) and not found
        menu.display = not nothing.display
        if found != menu.hits:  # laying the same list out again would move everything around it
            menu.show(found)
        places = [hit.value for hit in menu.hits]
        if self.open in places and not menu.has_focus:
            menu.highlighted = places.index(self.open)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.paint()
        self.screen.refresh_bindings()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_navigator_open()

    def action_navigator_open(self) -> None:
        hit = self.query_one(Menu).current()
        if hit is not None:
            self.post_message(self.Chosen(hit.value))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        hit = self.query_one(Menu).hits[event.option_index]
        self.post_message(self.Chosen(hit.value))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # Esc is the screen's as long as there is nothing to take back here.
        typing = self.query_one(Input)
        match action:
            case "navigator_back":
                return bool(typing.value) or typing.has_focus
            case "navigator_list":
                return typing.has_focus and bool(self.query_one(Menu).hits)
            case "navigator_open":
                return bool(self.query_one(Menu).hits)
        return super().check_action(action, parameters)

    def action_navigator_list(self) -> None:
        self.query_one(Menu).focus()

    def action_navigator_back(self) -> None:
        """Empty the filter, then leave it: letters are keys again."""
        if self.query_one(Input).value:
            self.query_one(Input).clear()
        else:
            self.action_navigator_list()
