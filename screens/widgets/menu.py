"""A list to choose from, a line a choice: label and detail to the left, kind and key to the right."""

from collections.abc import Sequence

from textual.binding import Binding
from textual.content import Content
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.presenters.finder import Hit

LABEL = 26
"""Widest column of labels; longer ones push their detail aside."""


class Menu(OptionList):
    """Shows `Hit`s; `OptionSelected.option_index` is the index in `hits`. Parts differ by weight, not by colour: the
    highlighted line has its own colours in every theme."""

    DEFAULT_CSS = """
    Menu { border: none; background: transparent; padding: 0; scrollbar-size-vertical: 1; height: auto; max-height: 100%; }
    Menu:focus { border: none; background-tint: transparent 0%; }
    """
    BINDINGS = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("G", "last", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None, key_style: str = "bold") -> None:
        super().__init__(id=id, classes=classes, markup=False, compact=True)
        self.hits: list[Hit] = []
        self._key_style = key_style
        self._laid_out_for = 0

    def show(self, hits: Sequence[Hit]) -> None:
        """Replace the choices; the highlight stays on the same label where it can."""
        before = self.current()
        self.hits = list(hits)
        self._lay_out()
        labels = [hit.label for hit in self.hits]
        if before is not None and before.label in labels:
            self.highlighted = labels.index(before.label)
        elif self.hits:
            self.highlighted = 0

    def current(self) -> Hit | None:
        """The highlighted choice."""
        at = self.highlighted
        return self.hits[at] if at is not None and at < len(self.hits) else None

    def on_resize(self, event: Resize) -> None:
        if self.hits and self.scrollable_content_region.width != self._laid_out_for:
            at = self.highlighted
            self._lay_out()
            self.highlighted = at

    def _lay_out(self) -> None:
        width = self._laid_out_for = self.scrollable_content_region.width
        key_width = max((Content(hit.key).cell_length for hit in self.hits), default=0)
        label_width = min(LABEL, max((Content(hit.label).cell_length for hit in self.hits if hit.detail), default=0))
        self.clear_options()
        self.add_options([Option(self._line(hit, width, label_width, key_width)) for hit in self.hits])

    def _line(self, hit: Hit, width: int, label_width: int, key_width: int) -> Content:
        marks = set(hit.marks)
        label = Content.assemble(
            *((letter, "bold underline" if at in marks else "") for at, letter in enumerate(hit.label))
            if marks
            else ((hit.label, ""),)
        )
        right = Content.assemble((hit.kind, "dim"))
        if key_width:
            pad = key_width - Content(hit.key).cell_length
            right = Content.assemble(right, "  ", " " * pad, (hit.key, self._key_style))
        room = width - 4 - right.cell_length
        pad = " " * (2 + max(0, label_width - label.cell_length))
        detail = f"✗ {hit.barred}" if hit.barred else hit.detail
        if hit.barred:
            label = Content.styled(label.plain, "dim")
        left = Content.assemble(label, (pad + detail if detail else "", "dim"))
        if left.cell_length > room:
            left = left.truncate(max(1, room), ellipsis=True)
        gap = " " * max(1, room - left.cell_length + 1)
        return Content.assemble("  ", left, gap, right, " ")
