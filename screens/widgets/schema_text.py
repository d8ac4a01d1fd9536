"""What stands in the app file over several lines, as a text to edit: options of a field, items of a list."""

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static, TextArea

from core.client import SovriumError
from screens.actions.binding import bindings_of
from screens.presenters.refusal import problem_of
from screens.services.context import Context
from screens.widgets.sheet import Sheet


class SchemaText(Sheet[str | None]):
    """^S takes the text, Esc leaves it as it was. `check` says before that what is wrong: what it raises stands below the
    text, which stays as it was typed."""

    DEFAULT_CSS = """
    SchemaText > .sheet { width: 84; }
    SchemaText TextArea { height: 10; border: none; background: $boost; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("schema_text", priority=True)]
    action_context = "schema_text"

    def __init__(
        self,
        context: Context,
        title: str,
        text: str,
        hint: str,
        check: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(context, title)
        self.text, self.hint, self.check = text, hint, check

    def compose_body(self) -> Iterable[Widget]:
        yield TextArea(self.text, soft_wrap=True, tab_behavior="focus")
        yield Static(self.hint, classes="sheet-note", markup=False)
        yield Static(id="text-problem", classes="sheet-problem", markup=False)

    def on_mount(self) -> None:
        self.query_one("#text-problem").display = False
        area = self.query_one(TextArea)
        area.move_cursor(area.document.end)
        area.focus()

    @work(exclusive=True, group="accept", exit_on_error=False)
    async def action_schema_text_accept(self) -> None:
        text = self.query_one(TextArea).text
        if self.check is not None:
            try:
                await self.check(text)
            except (SovriumError, ValueError) as error:
                said = self.query_one("#text-problem", Static)
                said.display = True
                said.update(problem_of(error))
                return
        self.dismiss(text)
