"""A view that is a query of the app file: its rows to look at. They are no records; nothing is changed in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rich.cells import cell_len
from textual import work
from textual.widget import Widget
from textual.widgets import Static

from core.client import SovriumError
from screens.presenters.format import compact
from screens.presenters.format.line import one_line
from screens.presenters.migration import Line
from screens.presenters.value import NULL
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet, padded

MOST = 100
"""Rows that are shown; who wants all of them asks in SQL."""
WIDEST = 28


class QueryView(Sheet[None]):
    """Esc closes."""

    DEFAULT_CSS = """
    QueryView > .sheet { width: 110; }
    QueryView LineView { height: auto; max-height: 28; overflow-x: auto; }
    QueryView LineView > Static { width: auto; }
    """

    def __init__(self, context: Context, table: str, view: str, name: str) -> None:
        super().__init__(context, name)
        self.table, self.view = table, view

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()
        yield Static(t("grid.loading"), id="query-note", classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(LineView).focus()
        self.load()

    @work(exclusive=True, group="query-view", exit_on_error=False)
    async def load(self) -> None:
        port, note = self.context.port, self.query_one("#query-note", Static)
        if port is None:
            note.update(t("change.offline"))
            return
        path = f"/api/tables/{quote(self.table, '')}/views/{quote(self.view, '')}/records?limit={MOST}"
        try:
            found: Any = await port.request("GET", path)
        except SovriumError as error:
            note.update(f"! {error.message}")
            return
        rows = [record["fields"] for record in found["records"]]
        total = int(found["pagination"]["total"])
        self.query_one(LineView).show(table_lines(rows))
        note.update(t("views.query_rows", count=total, shown=grouped(len(rows)), number=grouped(total)))


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Rows under the names of their columns; numbers to the right."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [[_text(row.get(name)) for name in names] for row in rows]
    widths = [
        min(WIDEST, max([cell_len(one_line(name)), *(cell_len(row[at]) for row in texts)]))
        for at, name in enumerate(names)
    ]
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]

    def line(cells: Sequence[str]) -> str:
        told = []
        for text, width, right in zip(cells, widths, numeric, strict=True):
            fitted = padded(text, width).plain
            told.append(" " * (width - len(fitted.rstrip())) + fitted.rstrip() if right else fitted)
        return "  ".join(told)

    return [(line([one_line(name) for name in names]), "title"), *((line(row), "plain") for row in texts)]


def _text(value: Any) -> str:
    if value is None:
        return NULL
    return one_line(value if isinstance(value, str) else compact(value))
