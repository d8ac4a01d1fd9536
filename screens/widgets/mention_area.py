"""A text in which people are named: after an @ the accounts that fit are offered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import events, work
from textual.geometry import Offset
from textual.widgets import TextArea

from core.client import SovriumError
from screens.presenters.mention import begun, candidates, still_named, word_for
from screens.services.context import Context
from screens.widgets.sql_editor import CompletionList

PAUSE = 0.1
"""Seconds without a key before the server is asked."""


class MentionArea(TextArea):
    """`choices` is the list that it shows its offers in: Tab or Enter takes one, Esc closes."""

    LIST_KEYS: ClassVar[tuple[str, ...]] = ("up", "down", "tab", "enter", "escape")

    def __init__(self, context: Context, choices: CompletionList) -> None:
        super().__init__(soft_wrap=True, tab_behavior="focus")
        self.context = context
        self.choices = choices
        self._chosen: dict[str, str] = {}
        """Ids of people by the words that were written for them."""

    @property
    def named(self) -> Sequence[str]:
        """Ids of the people who were chosen from the list and still stand in the text."""
        return still_named(self.text, self._chosen)

    @property
    def draft(self) -> dict[str, Any]:
        """What stands here, to be kept; empty for nothing."""
        return {"text": self.text, "people": self._chosen} if self.text.strip() else {}

    def restore(self, draft: Mapping[str, Any]) -> None:
        """Take up what `draft` has told, in place of what stands here."""
        self.text, self._chosen = draft.get("text", ""), dict(draft.get("people", {}))
        self.move_cursor(self.document.end)
        self.choices.close()

    def on_key(self, event: events.Key) -> None:
        if event.key == "up" and not self.choices.display and self.cursor_at_first_line:
            event.stop()
            event.prevent_default()
            self.screen.focus_previous()
            return
        if not self.choices.display or event.key not in self.LIST_KEYS:
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "up":
                self.choices.action_cursor_up()
            case "down":
                self.choices.action_cursor_down()
            case "escape":
                self.choices.close()
            case _:
                self._take()

    def on_blur(self) -> None:
        self.choices.close()

    def on_text_area_changed(self) -> None:
        self.offer()

    @property
    def _offset(self) -> int:
        row, column = self.cursor_location
        return sum(len(self.document.get_line(line)) + 1 for line in range(row)) + column

    @work(exclusive=True, group="mention", exit_on_error=False)
    async def offer(self) -> None:
        """The accounts that fit what stands after the @, after a pause in typing."""
        found, port = begun(self.text, self._offset), self.context.port
        if found is None or port is None:
            self.choices.close()
            return
        await asyncio.sleep(PAUSE)
        try:
            people = (await port.people(found[1]))["people"][:20]
        except SovriumError:
            return  # a comment can be written without help
        if begun(self.text, self._offset) != found or not self.has_focus:
            return
        self._people = {word_for(person): person["id"] for person in people}
        at = Offset(self.cursor_screen_offset.x, self.cursor_screen_offset.y)
        self.choices.offer(candidates(people, found[0]), at, (self.screen.size.width, self.screen.size.height))

    def _take(self) -> None:
        chosen = self.choices.chosen
        self.choices.close()
        if chosen is None:
            return
        word = chosen.insert.strip().removeprefix("@")
        self._chosen[word] = self._people[word]
        before = self.text[: chosen.start]
        line = before.count("\n")
        start = (line, len(before) - (before.rfind("\n") + 1))
        self.replace(chosen.insert, start, self.cursor_location, maintain_selection_offset=False)
