"""Editors of many lines: long text and code, and JSON with a check at every key."""

import json
from collections.abc import Iterable
from typing import Any

from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import TextArea

from screens.presenters.value import ValueRefused, check, edit_text, json_problem
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell


class TextEditor(CellEditor):
    """Enter is a new line, Ctrl+S takes the text, Tab goes right."""

    DEFAULT_CSS = """
    TextEditor > TextArea { height: 8; border: none; border-left: outer $primary; padding: 0; }
    """

    kind = "text"
    enter_accepts = False
    least_width = 48

    def compose_body(self) -> Iterable[Widget]:
        yield TextArea(soft_wrap=True, compact=True, tab_behavior="focus")

    @property
    def area(self) -> TextArea:
        return self.query_one(TextArea)

    def height_in(self, within: Size) -> int:
        height = max(3, min(within.height - 2, 12 if within.height > 30 else 8))
        self.area.styles.height = height
        return height + 1

    def show_cell(self, cell: EditedCell) -> None:
        text = self.text_of(cell)
        with self.prevent(TextArea.Changed):
            self.area.load_text(text)
        self.area.placeholder = t("edit.null") if cell.value is None else ""
        self.area.move_cursor(self.area.document.end)
        self.area.focus()
        self.explain()

    def text_of(self, cell: EditedCell) -> str:
        """What stands in the editor at first."""
        return edit_text(cell.field, cell.value) if cell.typed is None else cell.typed

    def draft(self) -> str:
        return self.area.text

    def value(self) -> Any:
        assert self.cell is not None
        if problem := check(self.cell.field, self.draft()):
            raise ValueRefused(problem)
        return self.draft()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self.is_open:
            self.explain()

    def explain(self) -> None:
        self.tell(t("edit.text_keys"))


class JsonEditor(TextEditor):
    """JSON, laid out; the place of the first mistake is shown while typing."""

    kind = "json"

    def value(self) -> Any:
        assert self.cell is not None
        text = self.draft().strip()
        try:
            return json.loads(text) if text else None
        except json.JSONDecodeError as error:
            raise ValueRefused(json_problem(error)) from error

    def explain(self) -> None:
        try:
            self.value()
        except ValueRefused as problem:
            self.tell(str(problem), refused=True)
        else:
            self.tell(t("edit.json_keys"))
