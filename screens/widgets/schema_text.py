"""Options or a formula of a field: written as text, judged by the server while one types."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static, TextArea

from screens.actions.binding import bindings_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet

DEBOUNCE = 0.25
Judge = Callable[[str], Awaitable[Sequence[str]]]
"""What is wrong with a text; awaited after a pause in typing."""


class SchemaText(Sheet[str | None]):
    """^S takes the text, Esc leaves it as it was."""

    DEFAULT_CSS = """
    SchemaText > .sheet { width: 84; }
    SchemaText TextArea { height: 10; border: none; background: $boost; }
    SchemaText #schema-problem { margin-top: 1; max-height: 6; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("schema_text", priority=True)]
    action_context = "schema_text"

    def __init__(self, context: Context, title: str, text: str, hint: str, judge: Judge | None = None) -> None:
        super().__init__(context, title)
        self.text, self.hint, self.judge = text, hint, judge

    def compose_body(self) -> Iterable[Widget]:
        yield TextArea(self.text, soft_wrap=True, tab_behavior="focus")
        yield Static(self.hint, classes="sheet-note", markup=False)
        yield Static(id="schema-problem", markup=False)

    def on_mount(self) -> None:
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self.judge is not None:
            self.look()

    @work(exclusive=True, group="judge", exit_on_error=False)
    async def look(self) -> None:
        await asyncio.sleep(DEBOUNCE)
        if self.judge is None:
            return
        wrong = await self.judge(self.query_one(TextArea).text)
        line = self.query_one("#schema-problem", Static)
        line.update("\n".join(f"! {each}" for each in wrong) if wrong else f"✓ {t('schema.fits')}")
        line.set_class(bool(wrong), "sheet-problem")

    def action_schema_text_accept(self) -> None:
        self.dismiss(self.query_one(TextArea).text)
