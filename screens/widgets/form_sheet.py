"""A dialog of a few lines to fill in. What is typed into a secret line is never shown, and not kept after it was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, Static

from core.client import SovriumError
from screens.actions.binding import bindings_of
from screens.presenters.refusal import problem_of, refused_names
from screens.services.context import Context
from screens.widgets.sheet import Sheet

Values = dict[str, str]
ROUND_ABOUT = 12
"""Lines that frame, note, problem and footer need."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One line. name: as the server calls the value. choices: offered while typing (→ takes one)."""

    name: str
    label: str
    value: str = ""
    secret: bool = False
    choices: Sequence[str] = ()


class FormSheet(Sheet[Values | None]):
    """Dismisses with what was typed, by name; None for nothing. `send` is done before it leaves: what it raises stands in
    the form, the lines it is about are marked, and everything but the secrets stays as it was typed."""

    DEFAULT_CSS = """
    FormSheet > .sheet { width: 72; }
    FormSheet .sheet-body { max-height: 100%; }
    FormSheet .label { color: $foreground-muted; height: 1; }
    FormSheet .label.refused { color: $text-error; text-style: bold; }
    FormSheet Input { margin-bottom: 1; }
    FormSheet.tight Input { margin-bottom: 0; }
    FormSheet.tight .sheet-body { padding: 0 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("form", priority=True)]
    action_context = "form"

    def __init__(
        self,
        context: Context,
        title: str,
        asks: Sequence[Ask],
        *,
        note: str = "",
        send: Callable[[Values], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(context, title)
        self.asks, self.note, self.send = asks, note, send
        self._busy = False

    def compose_body(self) -> Iterable[Widget]:
        for ask in self.asks:
            yield Static(ask.label, id=f"label-{ask.name}", classes="label", markup=False)
            suggester = SuggestFromList(ask.choices, case_sensitive=False) if ask.choices else None
            yield Input(ask.value, password=ask.secret, id=f"ask-{ask.name}", compact=True, suggester=suggester)
        if self.note:
            yield Static(self.note, classes="sheet-note", markup=False)
        yield Static(id="form-problem", classes="sheet-problem", markup=False)

    def on_mount(self) -> None:
        self.query_one("#form-problem").display = False
        self.set_class(3 * len(self.asks) + ROUND_ABOUT > self.app.size.height, "tight")
        self.query(Input).first().focus()

    def action_form_next(self) -> None:
        """Enter: the next line; from the last one, done."""
        lines = list(self.query(Input))
        at = lines.index(self.focused) if isinstance(self.focused, Input) else -1
        if at + 1 < len(lines):
            lines[at + 1].focus()
        else:
            self.action_form_accept()

    def action_form_accept(self) -> None:
        if not self._busy:
            self._accept()

    @work(exclusive=True, group="form", exit_on_error=False)
    async def _accept(self) -> None:
        values = {ask.name: self._line(ask).value for ask in self.asks}
        values = {ask.name: values[ask.name] if ask.secret else values[ask.name].strip() for ask in self.asks}
        if self.send is not None:
            self._busy = True
            try:
                await self.send(values)
            except (SovriumError, ValueError) as error:
                self.tell(error)
                return
            finally:
                self._busy = False
                self._wipe()
        self._wipe()
        self.dismiss(values)

    def tell(self, error: Exception) -> None:
        """Say what is wrong and mark where. One goes on in the first line that is wrong, or in the first secret one: all
        of these are empty now."""
        said = self.query_one("#form-problem", Static)
        said.display = True
        said.update(problem_of(error))
        names = refused_names(error)
        refused = [ask for ask in self.asks if ask.name in names]
        for ask in self.asks:
            label = self.query_one(f"#label-{ask.name}", Static)
            label.set_class(ask in refused, "refused")
            label.update(f"! {ask.label}" if ask in refused else ask.label)
        if go_on := [*(ask for ask in refused if not ask.secret), *(ask for ask in self.asks if ask.secret)]:
            self._line(go_on[0]).focus()

    def action_dialog_leave(self) -> None:
        self._wipe()
        self.dismiss(None)

    def _line(self, ask: Ask) -> Input:
        return self.query_one(f"#ask-{ask.name}", Input)

    def _wipe(self) -> None:
        for ask in self.asks:
            if ask.secret:
                self._line(ask).clear()
