"""What the editors that choose from a list share: a line to narrow it, the list below, ↑ ↓ between the two."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList

from screens.widgets.editors.base import CellEditor


class PickerEditor(CellEditor):
    """A kind says in `narrow` what the typed text leaves, and in `draft` what is chosen; ("?", text): nothing is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]
    line: ClassVar[type[Input]] = Input

    def compose_body(self) -> Iterable[Widget]:
        yield self.line(compact=True, select_on_focus=False)
        yield OptionList(compact=True, markup=False)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    @property
    def choices(self) -> OptionList:
        return self.query_one(OptionList)

    def begin(self, typed: str | None, placeholder: str) -> None:
        """Focus the line, with what was typed already. The list never takes the focus."""
        self.choices.can_focus = False
        with self.prevent(Input.Changed):
            self.input.value = typed or ""
        self.input.placeholder = placeholder
        self.input.cursor_position = len(self.input.value)
        self.input.focus()

    def narrow(self, text: str) -> None:
        """The text in the line has changed."""
        raise NotImplementedError

    def kept(self) -> Any:
        draft = self.draft()
        return draft[1] if isinstance(draft, tuple) else draft

    def action_move(self, by: int) -> None:
        if by > 0:
            self.choices.action_cursor_down()
        else:
            self.choices.action_cursor_up()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.narrow(event.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_accept("stay")
