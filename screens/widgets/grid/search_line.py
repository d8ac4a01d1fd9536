"""The search line at the foot of a grid: while it is open, typed text is looked for at once, from where it was begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual import events

from screens.presenters.format.line import one_line
from screens.services.text import t
from screens.widgets.grid.painter import fit
from screens.widgets.grid.palette import Palette

if TYPE_CHECKING:
    from screens.widgets.grid.surface import GridSurface


KEYS = frozenset("enter escape backspace ctrl+h ctrl+u down up".split())
"""What the line takes besides letters."""


class SearchLine:
    """`text` is what was typed; None while the line is closed."""

    def __init__(self, grid: GridSurface) -> None:
        self.grid = grid
        self.text: str | None = None
        self._origin = (0, 0)

    @property
    def open(self) -> bool:
        return self.text is not None

    def begin(self) -> None:
        """Open it, empty."""
        selection = self.grid.model.selection
        self._origin, self.text = (selection.row, selection.column), ""
        self.grid.model.search.look_for("")
        self.grid.screen.refresh_bindings()

    def takes(self, key: str, character: str | None) -> bool:
        """A key is for the line alone."""
        return self.open and (key in KEYS or (character is not None and character.isprintable()))

    def end(self, *, cancelled: bool) -> None:
        """Close it; cancelled: forget the text and go back to where it was begun."""
        self.text = None
        if cancelled:
            self.grid.model.search.look_for("", home=self._origin)
        self.grid.repaint()
        self.grid.screen.refresh_bindings()

    def key(self, event: events.Key) -> None:
        """Take a key while the line is open."""
        if self.text is None:
            return
        match event.key:
            case "enter":
                self.end(cancelled=False)
                self.grid.keep_keys_for_hit()
            case "escape":
                self.end(cancelled=True)
            case "backspace" | "ctrl+h":
                self._type(self.text[:-1]) if self.text else self.end(cancelled=True)
            case "ctrl+u":
                self._type("")
            case "down":
                self.grid.model.search.next()
            case "up":
                self.grid.model.search.next(backward=True)
            case _ if event.character is not None and event.character.isprintable():
                self._type(self.text + event.character)
            case _:
                return
        event.stop()
        event.prevent_default()

    def paste(self, event: events.Paste) -> None:
        """Take a pasted text while the line is open."""
        if self.text is not None:
            self._type(self.text + " ".join(event.text.split()))
            event.stop()
            event.prevent_default()

    def _type(self, text: str) -> None:
        self.text = text
        self.grid.model.search.look_for(text, self._origin[0], home=self._origin)
        self.grid.repaint()

    def segments(self, palette: Palette, width: int) -> list[Segment]:
        """The line as it is painted: what was typed, and how to go on."""
        failed = self.grid.model.search.failed
        text = one_line(f" /{self.text}▏")
        slow = self.grid.model.search.slow
        note = t("grid.search.none" if failed else "grid.search.slow" if slow else "grid.search.keys")
        room = max(width - cell_len(text) - 2, 0)
        end = fit(note, room, "right") if room > cell_len(note) else " " * room
        typed = palette.style("invalid" if failed else "text", "entry")
        return [Segment(fit(text, width - room - 1), typed), Segment(f"{end} ", palette.style("muted", "entry"))]
