"""One value for one field of many records: what it becomes is shown for the first rows while one types (R-059)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from core.contract.tables import FieldInfo, TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.paste import TargetRow
from screens.presenters.value import NULL, ValueRefused, check, parse, show, title_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.sheet import Sheet, padded

SHOWN = 10
"""Rows of the preview."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """The value to set."""

    value: Any


class BulkSheet(Sheet[Bulk | None]):
    """Enter takes the value. An empty line means no value; a text field keeps it as the empty text."""

    DEFAULT_CSS = """
    BulkSheet > .sheet { width: 84; }
    BulkSheet #bulk-preview { margin-top: 1; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("bulk", priority=True)]
    action_context = "bulk"

    def __init__(
        self, context: Context, info: TableInfo, field: FieldInfo, rows: Sequence[TargetRow], count: int
    ) -> None:
        super().__init__(context, t("bulk.title", field=title_of(field), count=count, number=grouped(count)))
        self.info, self.field, self.rows = info, field, rows

    def compose_body(self) -> Iterable[Widget]:
        yield Input(placeholder=t("bulk.placeholder"), compact=True)
        yield Static(id="bulk-problem", classes="sheet-problem", markup=False)
        yield Static(id="bulk-preview", markup=False)

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.paint()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.paint()

    def read(self) -> tuple[Any, str]:
        """The value that was typed, and what is wrong with it."""
        text = self.query_one(Input).value
        if not text.strip() and self.field["family"] != "text":
            return None, check(self.field, None)
        try:
            return parse(self.field, text), ""
        except ValueRefused as problem:
            return text, str(problem)

    def paint(self) -> None:
        value, problem = self.read()
        self.query_one("#bulk-problem", Static).update(f"! {problem}" if problem else "")
        lines = []
        for row in self.rows[:SHOWN]:
            name = row.values.get(self.info["displayField"])
            old = show(self.field, row.values.get(self.field["name"])) if self.field["name"] in row.values else NULL
            new = "" if problem else show(self.field, value)
            lines.append(
                Content.assemble(
                    padded(str(name if name is not None else row.key), 26, "bold"), " ", padded(old, 22), " → ", new
                )
            )
        self.query_one("#bulk-preview", Static).update(Content("\n").join(lines))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_bulk_apply()

    def action_bulk_apply(self) -> None:
        value, problem = self.read()
        if problem:
            self.app.bell()
        else:
            self.dismiss(Bulk(value))
