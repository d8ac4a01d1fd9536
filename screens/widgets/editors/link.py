"""The editor of links: find a record by what it is called, on the server, while typing; or make it."""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.client import SovriumError
from core.contract.console import LinkHit
from screens.actions.binding import bindings_of
from screens.presenters.link import NewRecord, link_key, link_value, new_record
from screens.presenters.value import ValueRefused
from screens.services.text import t
from screens.widgets.editors.base import EditedCell, Move
from screens.widgets.editors.picker import PickerEditor

DEBOUNCE = 0.15
NEW = "+"
"""Before a name: a record of that name is to be made."""


def name_in(text: str) -> str:
    """The name that a typed text looks for."""
    return text.removeprefix(NEW).strip()


class LinkEditor(PickerEditor):
    """Type to search, ↑ ↓ to choose, Enter to link, Delete in the empty line to unlink.

    The row below the hits, ^N, or a `+` before the name makes a record of what was typed and links it; both are staged
    as one edit.
    """

    kind = "link"
    least_width = 44
    rows = 14
    action_context = ("picker", "editor")
    _searching = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("picker", priority=True),
        Binding("delete", "unlink", show=False, priority=True),
    ]

    @property
    def searching(self) -> bool:
        """Hits for what was typed are still to come."""
        return self.is_open and self._searching

    class Searched(Message):
        """Hits have come; tests wait for it."""

    @dataclass
    class FollowAsked(Message):
        """The person wants to see a linked record; the cell stays as it was."""

        editor: "LinkEditor"
        key: str

    def show_cell(self, cell: EditedCell) -> None:
        self.hits: list[LinkHit] = []
        self._unlinked = False
        self.choices.clear_options()
        self.begin(cell.typed, cell.label or t("edit.type_to_find"))
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
            found = await cell.lookups.links(cell.field["name"], name_in(text))
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
        makes = bool(name_in(text)) and self._target() is not None
        if makes:
            self.choices.add_option(Option(Content.styled(t("edit.new_row", text=name_in(text)), "$success")))
        ids = [hit["id"] for hit in hits]
        own = link_key(self.cell.value)
        first = (ids.index(own) if not text and own in ids else 0) if hits else None
        self.choices.highlighted = len(hits) if makes and text.startswith(NEW) else first
        self._chosen = bool(text)
        self.tell("" if hits else self._nowhere(text))
        self.post_message(self.Searched())
        if self._then is not None:
            self.action_accept(self._then)

    def _nowhere(self, text: str) -> str:
        known = "edit.no_record_new" if name_in(text) and self._target() is not None else "edit.no_record"
        return t(known, text=name_in(text))

    def _target(self) -> Any:
        cell = self.cell
        return cell.lookups.related(cell.field["name"]) if cell is not None and cell.lookups is not None else None

    def _hit(self) -> LinkHit | None:
        at = self.choices.highlighted
        return self.hits[at] if at is not None and at < len(self.hits) else None

    def draft(self) -> Any:
        assert self.cell is not None
        if self._unlinked:
            return None
        hit = self._hit()
        if not self._chosen or hit is None:
            return self.cell.value if not self.input.value else ("?", self.input.value)
        return link_value(hit["id"])

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

    def picked(self) -> dict[str, str]:
        """What the chosen record is called, by its key."""
        hit = self._hit()
        return {hit["id"]: hit["label"]} if hit is not None and link_value(hit["id"]) == self.draft() else {}

    def action_accept(self, move: Move) -> None:
        """Take the first hit; if it is still being looked for, as soon as it is there."""
        at = self.choices.highlighted
        if self.input.value.startswith(NEW) if at is None else at >= len(self.hits):
            self._make(move)
            return
        self._then = move if self._searching and isinstance(self.draft(), tuple) else None
        if self._then is not None:
            self.search(self.input.value, 0)
            return
        if isinstance(self.draft(), tuple):
            self.tell(self._nowhere(self.input.value), refused=True)
            return
        super().action_accept(move)

    def _make(self, move: Move) -> None:
        """A new record with what was typed as its display value, and the link to it."""
        info = self._target()
        if info is None or not self.is_open:
            return
        try:
            made = self.wanted(new_record(info, name_in(self.input.value)))
        except ValueRefused as problem:
            self.tell(str(problem), refused=True)
            return
        self._finish(True, made, move)

    def wanted(self, made: NewRecord) -> NewRecord:
        """The value of the cell that a new record leads to."""
        return made

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "editor_values":
            return False  # its key makes a new record here; Delete unlinks
        if action == "picker_new":
            return self._target() is not None
        return super().check_action(action, parameters)

    def action_picker_new(self) -> None:
        self._make("stay")

    def action_picker_follow(self) -> None:
        """See the chosen record, or the linked one where nothing is chosen."""
        hit = self._hit() if self._chosen else None
        key = hit["id"] if hit is not None else link_key(self.cell.value) if self.cell is not None else None
        if key is None or not self.is_open:
            self.app.bell()
            return
        self._finish(False, None, "stay")
        self.post_message(self.FollowAsked(self, key))

    def action_move(self, by: int) -> None:
        self._chosen, self._unlinked = True, False
        super().action_move(by)

    def action_unlink(self) -> None:
        if self.input.value:
            self.input.action_delete_right()
            return
        self._unlinked = True
        self.tell(t("edit.unlinked"))

    def narrow(self, text: str) -> None:
        self._chosen = self._unlinked = False
        self._searching, self._then = True, None
        # What stood below belongs to another text: the row of the new record must never be taken for it.
        self.choices.highlighted = None
        self.search(text, DEBOUNCE)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._chosen = True
        super().on_option_list_option_selected(event)
