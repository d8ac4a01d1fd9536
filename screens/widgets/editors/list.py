"""The editor of arrays: one item a line."""

from typing import Any

from screens.presenters.structured import item_text, split_items
from screens.presenters.value import ValueRefused, parse_lines
from screens.services.text import t
from screens.widgets.editors.base import EditedCell
from screens.widgets.editors.text import TextEditor


class ListEditor(TextEditor):
    """Enter begins the next item, ^S takes them; blank lines are no items. No text at all is NULL."""

    kind = "list"
    least_width = 36

    def text_of(self, cell: EditedCell) -> str:
        if cell.typed is not None:
            return "\n".join(split_items(cell.typed)) if cell.typed.startswith("[") else cell.typed
        return "\n".join(map(item_text, cell.value)) if isinstance(cell.value, list) else ""

    def value(self) -> Any:
        assert self.cell is not None
        lines = [line.strip() for line in self.draft().split("\n") if line.strip()]
        if not lines and self.cell.value == []:
            return []
        return parse_lines(self.cell.field, lines)

    def explain(self) -> None:
        try:
            value = self.value()
        except ValueRefused as problem:
            self.tell(str(problem), refused=True)
        else:
            self.tell(t("edit.list_keys", count=len(value or ())))
