"""Editors that choose from the options of a field: one, or several."""

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from screens.presenters.value import Option as Choice
from screens.presenters.value import ValueRefused, check, next_options, options_of
from screens.services.text import t
from screens.widgets.editors.base import EditedCell
from screens.widgets.editors.picker import PickerEditor


def matching(options: list[Choice], text: str) -> list[Choice]:
    """Options whose label starts with the text, then those that contain it."""
    word = text.strip().casefold()
    starts = [option for option in options if option.label.casefold().startswith(word)]
    return starts + [option for option in options if word in option.label.casefold() and option not in starts]


def chip(option: Choice, mark: str = "") -> Content:
    """An option as it is drawn in lists: its colour as a dot, so that the text stays readable on every theme."""
    dot = ("● ", option.color) if option.color else ""
    return Content.assemble(mark, dot, option.label)


class ChoiceEditor(PickerEditor):
    """Type to narrow, ↑ ↓ to choose, Enter to take. An optional field can be emptied from the list."""

    kind = "choice"
    least_width = 24
    rows = 12

    def show_cell(self, cell: EditedCell) -> None:
        self.options = next_options(cell.field, cell.value)
        self.begin(cell.typed, t("edit.type_to_find"))
        self.fill(cell.typed or "")

    def fill(self, text: str) -> None:
        """Show the options that match; the cell's own value is highlighted first."""
        assert self.cell is not None
        self.shown: list[Choice | None] = list(matching(self.options, text))
        if not text and not self.cell.field["required"]:
            self.shown.append(None)
        self.choices.clear_options()
        self.choices.add_options(Option(self.drawn(choice)) for choice in self.shown)
        values = [choice.value if choice else None for choice in self.shown]
        here = values.index(self.cell.value) if not text and self.cell.value in values else 0
        self.choices.highlighted = here if self.shown else None

    def drawn(self, choice: Choice | None) -> Content:
        return Content(t("edit.no_value")) if choice is None else chip(choice)

    def current(self) -> Choice | None:
        at = self.choices.highlighted
        return self.shown[at] if at is not None and at < len(self.shown) else None

    def draft(self) -> Any:
        at = self.choices.highlighted
        if at is None or at >= len(self.shown):
            return ("?", self.input.value)
        choice = self.shown[at]
        return choice.value if choice else None

    def touched(self) -> bool:
        assert self.cell is not None
        return bool(self.draft() != self.cell.value)

    def value(self) -> Any:
        assert self.cell is not None
        draft = self.draft()
        if isinstance(draft, tuple):
            raise ValueRefused(t("edit.no_option", text=draft[1]))
        return draft

    def action_accept(self, move: Any) -> None:
        if self.choices.highlighted is None and self.input.value:
            self.tell(t("edit.no_option", text=self.input.value), refused=True)
            return
        super().action_accept(move)

    def narrow(self, text: str) -> None:
        self.fill(text)
        self.tell("" if self.shown or not text else t("edit.no_option", text=text))


class FilterInput(Input):
    """A line that leaves the space key to the list below it."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return key != "space" and super().check_consume_key(key, character)


class ChoicesEditor(ChoiceEditor):
    """A checklist: Space ticks, Ctrl+A all or none, Enter takes. Order is the order of ticking."""

    kind = "choices"
    line = FilterInput
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", show=False, priority=True),
        Binding("ctrl+a", "all", show=False, priority=True),
    ]

    def show_cell(self, cell: EditedCell) -> None:
        self.ticked: list[str] | None = list(cell.value) if isinstance(cell.value, list) else None
        super().show_cell(cell)
        self.options = options_of(cell.field)

    def fill(self, text: str) -> None:
        self.shown = list(matching(options_of(self._field), text))
        self.choices.clear_options()
        self.choices.add_options(Option(self.drawn(choice)) for choice in self.shown)
        self.choices.highlighted = 0 if self.shown else None

    @property
    def _field(self) -> Any:
        assert self.cell is not None
        return self.cell.field

    def drawn(self, choice: Choice | None) -> Content:
        assert choice is not None
        return chip(choice, "[x] " if choice.value in (self.ticked or ()) else "[ ] ")

    def draft(self) -> Any:
        return None if self.ticked is None else list(self.ticked)

    def touched(self) -> bool:
        return bool(self.draft() != self._field_value)

    @property
    def _field_value(self) -> Any:
        assert self.cell is not None
        return self.cell.value

    def value(self) -> Any:
        if problem := check(self._field, self.draft()):
            raise ValueRefused(problem)
        return self.draft()

    def action_tick(self) -> None:
        choice = self.current()
        if choice is not None:
            ticked = self.ticked or []
            self.ticked = (
                [v for v in ticked if v != choice.value] if choice.value in ticked else [*ticked, choice.value]
            )
            self._redraw()

    def action_all(self) -> None:
        every = [option.value for option in options_of(self._field)]
        self.ticked = [] if set(self.ticked or ()) == set(every) else every
        self._redraw()

    def _redraw(self) -> None:
        for at, choice in enumerate(self.shown):
            self.choices.replace_option_prompt_at_index(at, self.drawn(choice))
        self.tell("")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_tick()
