"""Editors of one line: text, numbers, times, durations. What the text means is shown below while it is typed."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input

from core.client import SovriumError
from screens.presenters.amount import parse_amount, plain, with_own
from screens.presenters.value import ValueRefused, edit_text, parse, show
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell


class ColumnSuggester(Suggester):
    """Completes a text from the values that the column has already."""

    def __init__(self, editor: "LineEditor") -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.editor = editor
        self._unknown: tuple[EditedCell, str] | None = None
        """A beginning that no value of the column has: whatever goes on from there need not be asked for."""

    async def get_suggestion(self, value: str) -> str | None:
        cell = self.editor.cell
        if cell is None or cell.lookups is None or len(value) < 2 or cell.field["unique"]:
            return None
        if self._unknown and self._unknown[0] is cell and value.startswith(self._unknown[1]):
            return None
        try:
            known = await cell.lookups.values(cell.field["name"], value)
        except SovriumError:
            return None
        if not known["values"]:
            self._unknown = cell, value
        texts = (entry[0] for entry in known["values"] if isinstance(entry[0], str))
        return next((text for text in texts if text.startswith(value) and text != value), None)


class LineEditor(CellEditor):
    """Text, with the column's own values as suggestions."""

    kind = "line"
    least_width = 24
    rows = 3
    suggests: ClassVar[bool] = True

    def compose_body(self) -> Iterable[Widget]:
        yield Input(compact=True, select_on_focus=False, suggester=ColumnSuggester(self) if self.suggests else None)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def show_cell(self, cell: EditedCell) -> None:
        text = edit_text(cell.field, cell.value) if cell.typed is None else cell.typed
        with self.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)
        self.input.placeholder = t("edit.null") if cell.value is None else ""
        self.input.focus()
        self.explain(text)

    def draft(self) -> str:
        return self.input.value

    def value(self) -> Any:
        assert self.cell is not None
        return parse(self.cell.field, self.draft())

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.explain(event.value)

    def explain(self, text: str) -> None:
        """Say below what the text means, where that is not plain to see."""
        self.tell("")


class NumberEditor(LineEditor):
    """Numbers: `=3*12` is calculated, `x` in it is the number that is there; ↑ and ↓ step by one."""

    kind = "number"
    suggests = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", show=False, priority=True),
        Binding("down", "step(-1)", show=False, priority=True),
    ]

    def action_step(self, by: int) -> None:
        try:
            number = parse_amount(self.draft() or "0", decimal_comma=t("value.decimal_comma") == "yes")
        except ValueError:
            return
        self.input.value = plain(number + Decimal(by))
        self.input.cursor_position = len(self.input.value)

    def value(self) -> Any:
        assert self.cell is not None
        return parse(self.cell.field, with_own(self.draft(), self.cell.value))

    def explain(self, text: str) -> None:
        assert self.cell is not None
        if not text.startswith("="):
            self.tell("")
            return
        try:
            self.tell(f"= {edit_text(self.cell.field, parse(self.cell.field, with_own(text, self.cell.value)))}")
        except ValueRefused:
            self.tell(t("edit.formula"))


class MeaningEditor(LineEditor):
    """Base of editors whose text is a way of saying something: the meaning stands below."""

    suggests = False

    def explain(self, text: str) -> None:
        assert self.cell is not None
        try:
            value = parse(self.cell.field, text)
        except ValueRefused:
            self.tell("")
            return
        meaning = show(self.cell.field, value)
        self.tell("" if value is None or meaning == text.strip() else meaning)


class PlaceEditor(MeaningEditor):
    """A latitude and a longitude: `48.85, 2.35`."""

    kind = "place"
    least_width = 30

    def explain(self, text: str) -> None:
        super().explain(text)
        if not text.strip():
            self.tell(t("edit.place"))


class TimeEditor(MeaningEditor):
    """A time of day."""

    kind = "time"


class DurationEditor(MeaningEditor):
    """A length of time: `2h 30m`, `2:30`, `150m`."""

    kind = "duration"
