"""Options of a field, written as text: one a line."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static, TextArea

from screens.actions.binding import bindings_of
from screens.services.context import Context
from screens.widgets.sheet import Sheet


class SchemaText(Sheet[str | None]):
    """^S takes the text, Esc leaves it as it was."""

    DEFAULT_CSS = """
    SchemaText > .sheet { width: 84; }
    SchemaText TextArea { height: 10; border: none; background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("schema_text", priority=True)]
    action_context = "schema_text"

    def __init__(self, context: Context, title: str, text: str, hint: str) -> None:
        super().__init__(context, title)
        self.text, self.hint = text, hint

    def compose_body(self) -> Iterable[Widget]:
        yield TextArea(self.text, soft_wrap=True, tab_behavior="focus")
        yield Static(self.hint, classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    def action_schema_text_accept(self) -> None:
        self.dismiss(self.query_one(TextArea).text)
