"""The editor of links: find a record by what it is called, on the server, while typing."""

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.console import LinkHit
from screens.presenters.value import ValueRefused
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell, Move

DEBOUNCE = 0.15


class LinkEditor(CellEditor):
    """Type to search, ↑ ↓ to choose, Enter to link, Delete in the empty line to unlink, Ctrl+Enter to go there."""

    kind = "link"
    least_width = 44
    rows = 13
    _searching = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("delete", "unlink", show=False, priority=True),
    ]

    @property
    def searching(self) -> bool:
        """Hits for what was typed are still to come."""
        return self.is_open and self._searching

    class Searched(Message):
        """Hits have come; tests wait for it."""

    def compose_body(self) -> Iterable[Widget]:
        yield Input(compact=True, select_on_focus=False)
        yield OptionList(compact=True)

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    @property
    def choices(self) -> OptionList:
        return self.query_one(OptionList)

    def show_cell(self, cell: EditedCell) -> None:
        self.hits: list[LinkHit] = []
        self._unlinked = False
        self.choices.clear_options()
        self.choices.can_focus = False
        with self.prevent(Input.Changed):
            self.input.value = cell.typed or ""
        self.input.placeholder = cell.label or t("edit.type_to_find")
        self.input.cursor_position = len(self.input.value)
        self.input.focus()
        self._chosen = False
        self._searching = True
        self._then: Move | None = None
        self.search(self.input.value, 0)

    @work(exclusive=True, group="links", exit_on_error=False)
    async def search(self, text: str, wait: float) -> None:
        """Ask after a pause in typing; an older answer never replaces a newer one."""
        await asyncio.sleep(wait)
        cell = self.cell
        if cell is None or cell.lookups is None:
            return
        try:
            found = await cell.lookups.links(cell.field["name"], text.strip())
        except SovriumError as error:
            self._searching = False
            self.tell(error.message, refused=True)
            return
        if self.is_open and self.cell is cell:
            self.show_hits(found["hits"], text)

    def show_hits(self, hits: list[LinkHit], text: str) -> None:
        assert self.cell is not None
        self.hits, self._searching = hits, False
        self.choices.clear_options()
        self.choices.add_options(
            Option(Content.assemble(hit["label"] or hit["id"], "  ", (hit["detail"], "$foreground-muted")))
            for hit in hits
        )
        ids = [hit["id"] for hit in hits]
        own = str(self.cell.value)
        self.choices.highlighted = (ids.index(own) if not text and own in ids else 0) if hits else None
        self._chosen = bool(text)
        self.tell("" if hits else t("edit.no_record", text=text))
        self.post_message(self.Searched())
        if self._then is not None:
            self.action_accept(self._then)

    def draft(self) -> Any:
        assert self.cell is not None
        if self._unlinked:
            return None
        at = self.choices.highlighted
        if not self._chosen or at is None:
            return self.cell.value if not self.input.value else ("?", self.input.value)
        return self.hits[at]["id"]

    def kept(self) -> Any:
        draft = self.draft()
        return draft[1] if isinstance(draft, tuple) else draft

    def touched(self) -> bool:
        assert self.cell is not None
        draft = self.draft()
        return bool(draft is not None or self.cell.value is not None) and str(draft) != str(self.cell.value)

    def value(self) -> Any:
        draft = self.draft()
        if isinstance(draft, tuple):
            raise ValueRefused(t("edit.no_record", text=draft[1]))
        if draft is None and self.cell is not None and self.cell.field["required"]:
            raise ValueRefused(t("value.required", field=self.cell.field["name"]))
        return draft

    def label(self) -> str:
        """What the chosen record is called."""
        draft = self.draft()
        return next((hit["label"] for hit in self.hits if hit["id"] == draft), "")

    def action_accept(self, move: Move) -> None:
        """Take the first hit; if it is still being looked for, as soon as it is there."""
        self._then = move if self._searching and isinstance(self.draft(), tuple) else None
        if self._then is not None:
            self.search(self.input.value, 0)
            return
        if isinstance(self.draft(), tuple):
            self.tell(t("edit.no_record", text=self.input.value), refused=True)
            return
        super().action_accept(move)

    def action_move(self, by: int) -> None:
        self._chosen, self._unlinked = True, False
        if by > 0:
            self.choices.action_cursor_down()
        else:
            self.choices.action_cursor_up()

    def action_unlink(self) -> None:
        if self.input.value:
            self.input.action_delete_right()
            return
        self._unlinked = True
        self.tell(t("edit.unlinked"))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self._chosen = self._unlinked = False
            self._searching, self._then = True, None
            self.search(event.value, DEBOUNCE)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._chosen = True
        self.action_accept("stay")
