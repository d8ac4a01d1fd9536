"""Asks for a name."""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input

from screens.services.context import Context
from screens.widgets.sheet import Sheet


class NameDialog(Sheet[str | None]):
    """Dismisses with what was typed; "" and None mean nothing."""

    DEFAULT_CSS = "NameDialog > .sheet { width: 50; }"
    action_context = "form"

    def __init__(self, context: Context, title: str, value: str = "") -> None:
        super().__init__(context, title)
        self.value = value

    def compose_body(self) -> Iterable[Widget]:
        yield Input(self.value, compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_form_next()

    def action_form_next(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())
