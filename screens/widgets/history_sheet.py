"""The history of one record: its changes, newest first, and what each did; one of them can be taken back (R-088)."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import NotFound, SovriumError
from core.contract.activity import HistoryEntry
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.history import diff_lines, entry_line, what
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.confirm import confirm
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet

PAGE = 50


class HistorySheet(Sheet[None]):
    """↑ ↓ choose a change, u takes it back by an update like any other, more are read as the end comes near."""

    DEFAULT_CSS = """
    HistorySheet > .sheet { width: 120; height: 92%; }
    HistorySheet .sheet-body { height: 1fr; layout: vertical; padding: 0 1; }
    HistorySheet OptionList { height: 40%; max-height: 100%; }
    HistorySheet LineView { height: 1fr; border-top: solid $border-blurred; padding: 0 1; }
    HistorySheet.wide .sheet-body { layout: horizontal; }
    HistorySheet.wide OptionList { width: 54; height: 1fr; }
    HistorySheet.wide LineView { border-top: none; border-left: solid $border-blurred; }
    HistorySheet #history-note { dock: bottom; height: auto; color: $foreground-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("history")]
    action_context = "history"

    def __init__(
        self, context: Context, info: TableInfo, key: str, name: str, reverted: Callable[[], None] | None = None
    ) -> None:
        super().__init__(context, f"{t('history.title')} · {name}")
        self.info, self.key, self.reverted = info, key, reverted
        self.entries: list[HistoryEntry] = []
        self.total = 0
        self.loaded = False

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(compact=True, markup=False)
        yield LineView()
        with Container(id="history-note"):
            yield Static(markup=False)

    def on_mount(self) -> None:
        self.set_class(self.app.size.width >= 110, "wide")
        self.query_one(OptionList).focus()
        self.load()

    @work(exclusive=True, group="history", exit_on_error=False)
    async def load(self, anew: bool = False) -> None:
        """The first page, or the next one."""
        port = self.context.port
        if port is None:
            return
        offset = 0 if anew else len(self.entries)
        try:
            found = await port.history(self.info["sqlName"], self.key, limit=PAGE, offset=offset)
        except NotFound:
            self._tell(t("history.none"))
            self.loaded = True
            return
        except SovriumError as error:
            self._tell(error.message)
            return
        self.entries = [*([] if anew else self.entries), *found["history"]]
        self.total, self.loaded = found["pagination"]["total"], True
        self.paint()

    def paint(self) -> None:
        listing = self.query_one(OptionList)
        at = listing.highlighted or 0
        listing.clear_options()
        listing.add_options(Option(Content(entry_line(each))) for each in self.entries)
        listing.highlighted = min(at, len(self.entries) - 1) if self.entries else None
        self._tell(t("history.count", count=self.total) if self.entries else t("history.none"))
        self.refresh_bindings()

    def _tell(self, text: str) -> None:
        self.query_one("#history-note Static", Static).update(text)

    def chosen(self) -> HistoryEntry | None:
        at = self.query_one(OptionList).highlighted
        return self.entries[at] if at is not None and at < len(self.entries) else None

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        entry = self.chosen()
        if entry is not None:
            self.query_one(LineView).show(diff_lines(entry, self.info["fields"]))
            if event.option_index >= len(self.entries) - 3 and len(self.entries) < self.total:
                self.load()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "history_revert" and self.is_mounted:
            entry = self.chosen()
            return entry is not None and entry["action"] in ("update", "delete", "restore", "create")
        return True

    @work(exclusive=True, group="revert", exit_on_error=False)
    async def action_history_revert(self) -> None:
        """Give the record back what this change took away."""
        entry, port = self.chosen(), self.context.port
        if entry is None or port is None:
            return
        if not await confirm(
            self.app, t("history.ask"), entry_line(entry), yes=t("actions.history.revert"), danger=False
        ):
            return
        try:
            done = await port.revert(self.info["sqlName"], self.key, str(entry["id"]))
        except SovriumError as error:
            self.app.notify(error.message, severity="error")
            return
        self.app.notify(t("history.reverted", action=what(done["action"])))
        if self.reverted is not None:
            self.reverted()
        self.load(anew=True)
