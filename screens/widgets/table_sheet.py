"""The tables at a glance: fields, rows, trash, last write; what a table's fields are (T-036)."""

from collections.abc import Iterable
from typing import ClassVar, cast

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.tables import TableInfo, TableOverview
from screens.actions.binding import bindings_of
from screens.presenters.migration import Line, local
from screens.presenters.value import title_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.line_view import LineView
from screens.widgets.sheet import Sheet, padded

WIDTHS = (10, 12, 10)
"""Cells of the numbers: fields, rows, trash."""


class TableSheet(Sheet[str | None]):
    """Enter dismisses with the SQL name of the table to open, i tells its fields. Disabled tables are greyed."""

    DEFAULT_CSS = """
    TableSheet > .sheet { width: 88; }
    TableSheet OptionList { max-height: 22; }
    TableSheet #table-head { color: $primary; text-style: bold; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("table_list")]
    action_context = "table_list"

    def __init__(self, context: Context, here: str = "") -> None:
        super().__init__(context, t("tables.list"))
        self.here = here
        self.tables: list[TableOverview] = []

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="table-head", markup=False)
        yield OptionList(compact=True, markup=False)
        yield Static(t("grid.loading"), id="table-note", classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()
        self.load()

    @work(exclusive=True, group="tables", exit_on_error=False)
    async def load(self) -> None:
        port, note = self.context.port, self.query_one("#table-note", Static)
        if port is None:
            note.update(t("change.offline"))
            return
        try:
            self.tables = cast(list[TableOverview], await port.request("GET", "/api/console/tables"))
        except SovriumError as error:
            note.update(f"! {error.message}")
            return
        note.display = False
        self.paint()

    def paint(self) -> None:
        listing, width = self.query_one(OptionList), self.name_width
        names = [t(f"tables.list.{name}") for name in ("name", "fields", "rows", "trash", "written")]
        head = padded(names[0], width).plain + "".join(
            f"{name:>{w}}" for name, w in zip(names[1:4], WIDTHS, strict=True)
        )
        self.query_one("#table-head", Static).update(f"{head}  {names[4]}")
        listing.clear_options()
        listing.add_options([Option(self._line(each, width), disabled=each["disabled"]) for each in self.tables])
        places = [each["sqlName"] for each in self.tables]
        listing.highlighted = places.index(self.here) if self.here in places else 0 if self.tables else None

    @property
    def name_width(self) -> int:
        longest = max((len(each["name"]) for each in self.tables), default=8)
        return max(8, min(longest + 2, self.query_one(OptionList).size.width - sum(WIDTHS) - 22))

    @staticmethod
    def _line(each: TableOverview, width: int) -> Content:
        if each["disabled"]:
            return Content.styled(
                f"{padded(each['name'], width).plain}{each['fields']:>10}  {t('tables.list.off')}", "dim"
            )
        numbers = (each["fields"], each["records"], each["trash"])
        cells = ("" if number is None else grouped(number) for number in numbers)
        return Content.assemble(
            padded(each["name"], width),
            "".join(f"{cell:>{w}}" for cell, w in zip(cells, WIDTHS, strict=True)),
            (f"  {local(each['lastWrite'])}" if each["lastWrite"] else "", "dim"),
        )

    def chosen(self) -> TableOverview | None:
        at = self.query_one(OptionList).highlighted
        return self.tables[at] if at is not None and at < len(self.tables) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_table_list_open()

    def action_table_list_open(self) -> None:
        if (table := self.chosen()) is not None and not table["disabled"]:
            self.dismiss(table["sqlName"])

    def action_table_list_fields(self) -> None:
        """The fields of the chosen table: name, type, what holds for each."""
        table = self.chosen()
        info = self.context.table(table["sqlName"]) if table is not None else None
        if info is not None:
            self.app.push_screen(FieldSheet(self.context, info))


class FieldSheet(Sheet[None]):
    """Esc closes."""

    DEFAULT_CSS = """
    FieldSheet > .sheet { width: 88; }
    FieldSheet LineView { height: auto; max-height: 24; }
    """

    def __init__(self, context: Context, info: TableInfo) -> None:
        super().__init__(context, t("tables.list.of", table=info["name"]))
        self.info = info

    def compose_body(self) -> Iterable[Widget]:
        yield LineView()

    def on_mount(self) -> None:
        view = self.query_one(LineView)
        view.show(field_lines(self.info))
        view.focus()


def field_lines(info: TableInfo) -> list[Line]:
    """A line a field; the automatic ones below, muted."""
    lines: list[Line] = []
    for each in sorted(info["fields"], key=lambda each: each["system"]):
        marks = [word for word in ("required", "unique", "indexed") if each[word]]  # type: ignore[literal-required]
        told = ", ".join(t(f"tables.list.{word}") for word in marks)
        name = title_of(each) if title_of(each) == each["name"] else f"{title_of(each)} ({each['name']})"
        text = f"{padded(name, 32).plain} {padded(each['type'], 22).plain} {told}"
        lines.append((text.rstrip(), "muted" if each["system"] else "plain"))
    return lines
