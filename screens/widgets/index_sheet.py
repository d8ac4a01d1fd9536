"""The indexes of a table to look at: name, fields, whether unique, size, who sees to it (T-143)."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from core.contract.tables import IndexInfo
from screens.presenters.migration import Line
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet, padded


class IndexSheet(Sheet[None]):
    """Esc closes."""

    DEFAULT_CSS = """
    IndexSheet > .sheet { width: 100; }
    IndexSheet LineView { height: auto; max-height: 20; }
    """

    def __init__(self, context: Context, table: str, indexes: Sequence[IndexInfo]) -> None:
        super().__init__(context, t("indexes.title", table=table))
        self.indexes = indexes

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()

    def on_mount(self) -> None:
        view = self.query_one(LineView)
        view.show(index_lines(self.indexes))
        view.focus()


def index_lines(indexes: Sequence[IndexInfo]) -> list[Line]:
    """A line an index, under a line of titles."""
    rows = [[t(f"indexes.{name}") for name in ("name", "fields", "unique", "rows", "enforced")]]
    for index in indexes:
        fields = ", ".join(index["fields"]) + (f"  ({index['where']})" if index["where"] else "")
        rows.append(
            [
                index["name"],
                fields,
                "✓" if index["unique"] else "·",
                grouped(index["rows"]) if index["rows"] is not None else "",
                t(f"indexes.by.{index['enforced']}"),
            ]
        )
    widths = (34, 24, 7, 10, 20)
    lines = [
        "".join(padded(text, width - 1).plain + " " for text, width in zip(row, widths, strict=True)) for row in rows
    ]
    return [(line, "title" if at == 0 else "plain") for at, line in enumerate(lines)]
