"""A list of lines that comes anew now and then."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.binding import Binding
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option


class Listing(OptionList):
    """Lines to choose from; j and k move, too."""

    BINDINGS = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._keys: list[str] = []
        """What the lines are known by. Not ids of options: of two pages, one may end with what the other begins with."""

    def renew(self, lines: Iterable[tuple[str, Content]]) -> None:
        """Replace the lines, each with its key. The cursor stays on its line, wherever that stands now; nobody is told that
        it moved."""
        shown, at = list(lines), self.highlighted or 0
        keys = [key for key, _ in shown]
        if at < len(self._keys) and self._keys[at] in keys:
            at = keys.index(self._keys[at])
        self._keys = keys
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Option(line) for _, line in shown])
            self.highlighted = min(at, len(shown) - 1) if shown else None
