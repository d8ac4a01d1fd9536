"""Editors that need no typing: a tick, stars, and the one that says why a cell cannot be edited."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.widget import Widget
from textual.widgets import Static

from screens.presenters.value import ValueRefused, title_of
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell


class Focus(Static):
    """A line that takes the focus."""

    can_focus = True


class CheckboxEditor(CellEditor):
    """Turns at once: NULL and false become true, true becomes false."""

    kind = "checkbox"

    def at_once(self, cell: EditedCell) -> tuple[bool, Any]:
        return True, cell.value is not True


class RatingEditor(CellEditor):
    """Digits set it, ← → step, 0 and Delete clear it."""

    DEFAULT_CSS = """
    RatingEditor > Focus { height: 1; padding: 0 1; color: $warning; background: $primary-muted; text-style: bold; }
    """

    kind = "rating"
    least_width = 26
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,up,plus,l,k", "step(1)", show=False),
        Binding("left,down,minus,h,j", "step(-1)", show=False),
        Binding("delete,backspace,x", "step(-100)", show=False),
    ]

    def compose_body(self) -> Iterable[Widget]:
        yield Focus(markup=False)

    @property
    def most(self) -> int:
        return int(self.cell.field["options"].get("max") or 5) if self.cell else 5

    def at_once(self, cell: EditedCell) -> tuple[bool, Any]:
        if cell.typed == "0" and not cell.field["required"]:
            return True, None
        most = int(cell.field["options"].get("max") or 5)
        if cell.typed and cell.typed.isdecimal() and 1 <= int(cell.typed) <= min(most, 9):
            return True, int(cell.typed)
        return False, None

    def show_cell(self, cell: EditedCell) -> None:
        self.stars = int(cell.value or 0)
        self.draw()
        self.query_one(Focus).focus()

    def draw(self) -> None:
        stars = "★" * self.stars + "☆" * (self.most - self.stars)
        self.query_one(Focus).update(f"{stars}  {self.stars or t('edit.no_value')}")
        self.tell(t("edit.rating_keys", most=self.most))

    def draft(self) -> Any:
        return self.stars

    def touched(self) -> bool:
        assert self.cell is not None
        return self.stars != int(self.cell.value or 0)

    def value(self) -> Any:
        assert self.cell is not None
        if self.stars == 0 and self.cell.field["required"]:
            raise ValueRefused(t("value.required", field=title_of(self.cell.field)))
        return self.stars or None

    def action_step(self, by: int) -> None:
        self.stars = max(0, min(self.most, self.stars + by))
        self.draw()

    def on_key(self, event: Key) -> None:
        if event.character and event.character.isdecimal():
            event.stop()
            self.stars = max(0, min(self.most, int(event.character)))
            self.draw()
