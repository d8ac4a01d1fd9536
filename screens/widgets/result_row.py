"""A row of a result, to read: the chosen value whole, then all of its columns."""

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget

from core.client import SovriumError
from screens.actions.binding import bindings_of
from screens.presenters.sql_result import SqlResult
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet


class ResultRow(Sheet[None]):
    """n and p go to the next and the previous row; the cursor of the grid goes with them."""

    DEFAULT_CSS = """
    ResultRow > .sheet { width: 100; }
    ResultRow LineView { height: auto; max-height: 70vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("result_row")]
    action_context = "result_row"

    def __init__(self, context: Context, result: SqlResult, grid: VirtualGrid) -> None:
        super().__init__(context, "")
        self.result, self.grid = result, grid

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()

    def on_mount(self) -> None:
        self.query_one(LineView).focus()
        self.load()

    @work(exclusive=True, group="result-row", exit_on_error=False)
    async def load(self) -> None:
        """Read the row under the cursor."""
        model = self.grid.model
        at = model.selection.row
        title = t("tables.row", row=grouped(at + 1), count=grouped(model.count))
        self.query_one(".sheet").border_title = Content(title)
        try:
            lines = await self.result.lines(at)
        except SovriumError as error:
            lines = [(f"! {error.message}", "refused")]
        self.query_one(LineView).show(lines)

    def _step(self, step: int) -> None:
        selection = self.grid.model.selection
        self.grid.move_to(selection.row + step, selection.column)
        self.load()

    def action_result_next(self) -> None:
        self._step(1)

    def action_result_previous(self) -> None:
        self._step(-1)
