"""The grid inside a pane where cells can be typed into: entry mode lets every key start an edit."""

from dataclasses import dataclass
from typing import Self

from textual import events
from textual.message import Message

from screens.widgets.grid.grid import VirtualGrid


class PaneGrid(VirtualGrid):
    """`entry`: typing replaces the cell under the cursor, as in a spreadsheet; letters are no commands then."""

    entry = False

    @dataclass
    class Typed(Message):
        """A character that begins an edit."""

        character: str

    @dataclass
    class Pasted(Message):
        """The terminal pasted a text while the grid had the focus."""

        text: str

    def focus(self, scroll_visible: bool = True) -> Self:
        """Where a board, calendar or gallery stands in the grid's place, it has the keys."""
        face = getattr(self.parent, "face", None)
        if face is None:
            return super().focus(scroll_visible)
        face.focus(scroll_visible)
        return self

    def hint(self) -> str:
        """The pane knows the keys, and what one may do."""
        say = getattr(self.parent, "hint_for_none", None)
        return say() if say is not None else ""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        if super().check_consume_key(key, character):
            return True
        return self.entry and character is not None and character.isprintable()

    async def _on_key(self, event: events.Key) -> None:
        await super()._on_key(event)
        if self.searching is None and self.entry and event.character is not None and event.character.isprintable():
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(event.character))

    async def _on_paste(self, event: events.Paste) -> None:
        await super()._on_paste(event)
        if self.searching is None:
            event.stop()
            event.prevent_default()
            self.post_message(self.Pasted(event.text))
