"""What came of a statement: its rows in a grid, to read and to copy, or what there is to say where there are none."""

from __future__ import annotations

from collections.abc import Iterable

from textual import work
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker

from core.client import SovriumError
from core.contract.console import SqlStatement
from screens.actions.binding import bindings_of
from screens.presenters.clipboard_block import Form
from screens.presenters.format.line import plain
from screens.presenters.grid_model import GridModel
from screens.presenters.record import MOST_ROWS, TooManyRows
from screens.presenters.row_source import SqlSource
from screens.presenters.signal import Signal
from screens.presenters.sql_result import SqlResult
from screens.presenters.value import show, title_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import labelled, t
from screens.widgets.copy_flow import choose_form, copy
from screens.widgets.defect import tell_defect
from screens.widgets.grid.grid import VirtualGrid
from screens.widgets.grid.surface import GridSurface
from screens.widgets.result_row import ResultRow

TABLE = "result"
"""The name of the table in copied INSERT statements."""


class ResultGrid(VirtualGrid):
    """Nothing is expected to come into it any more."""

    def emptiness(self) -> str:
        return t("sql.no_rows")


class ResultPane(Container):
    """Shows one result or text at a time. `moved` tells that the cursor is on another cell."""

    BINDINGS = bindings_of("result")
    action_context = "result"

    def __init__(self, context: Context, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.context = context
        self.result: SqlResult | None = None
        """What the grid shows; None while there is a text."""
        self.grid: ResultGrid | None = None
        self.moved: Signal[GridSurface] = Signal()
        self._shown: tuple[str, int] | None = None

    def compose(self) -> Iterable[Widget]:
        yield Static("", id="sql-message", markup=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    def show_text(self, text: str, *, failed: bool = False, empty: bool = False) -> None:
        """A text in place of rows. empty: nothing has run yet."""
        message = self.query_one("#sql-message", Static)
        message.set_class(failed, "-failed")
        message.set_class(empty, "-empty")
        message.update(plain(text))
        message.display = True
        self._shown = None
        self._drop()

    def show_rows(self, run: str, statement: SqlStatement) -> None:
        """The rows of a statement; whoever reads rows here reads on in these."""
        if self._shown == (run, statement["index"]) or self.context.port is None:
            return
        self._shown = (run, statement["index"])
        self.query_one("#sql-message").display = False
        source = SqlSource(self.context.port, run, statement)
        model = GridModel(source)
        self.result = SqlResult(model, source)
        if self.grid is None:
            self.grid = ResultGrid(model)
            self.grid.hold_keys = self.context.hold_keys
            self.grid.moved.listen(self.moved.publish)
            self.mount(self.grid)
        else:
            self._close(self.grid.model)
            self.grid.replace_model(model)
        model.open()

    def place(self) -> tuple[str, str]:
        """Where the cursor is and the value there, for the status line; "" while no rows are read."""
        grid, field = self.grid, self.result.field_here() if self.result else None
        if grid is None or field is None or not grid.has_focus or not grid.model.count:
            return "", ""
        row = grid.model.row(grid.model.selection.row)
        value = labelled(title_of(field), show(field, row.value(field["name"]))[:200]) if row is not None else ""
        return grouped(grid.model.selection.row + 1), value

    def _drop(self) -> None:
        if self.grid is not None:
            self._close(self.grid.model)
            self.grid.remove()
        self.result = self.grid = None

    @work(exit_on_error=False)
    async def _close(self, model: GridModel) -> None:
        await model.close()

    # ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action.startswith("result_"):
            return self.result is not None and self.result.model.count > 0
        return super().check_action(action, parameters)

    def action_app_back(self) -> None:
        """Escape: give up what is chosen or looked for."""
        if self.grid is not None:
            self.grid.step_back()

    def on_virtual_grid_open_cell(self, event: VirtualGrid.OpenCell) -> None:
        event.stop()
        self.action_result_open()

    def action_result_open(self) -> None:
        """The row under the cursor, to read."""
        if self.result is not None and self.grid is not None:
            self.app.push_screen(ResultRow(self.context, self.result, self.grid))

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_result_copy(self) -> None:
        await self._copy("tsv")

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_result_copy_as(self) -> None:
        form = await choose_form(self.app)
        if form is not None:
            await self._copy(form)

    async def _copy(self, form: Form) -> None:
        if self.result is None:
            return
        try:
            fields, rows = await self.result.block()
        except SovriumError as error:
            self.app.notify(error.message, severity="error")
        except TooManyRows as many:
            text = t("sql.too_many", count=grouped(many.count), most=grouped(MOST_ROWS))
            self.app.notify(text, severity="warning")
        else:
            await copy(self.app, self.context, form, fields, rows, TABLE)
