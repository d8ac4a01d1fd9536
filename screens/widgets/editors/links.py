"""The editor of links to several records: the linked ones ticked on top, all others found while typing."""

from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList

from core.contract.console import LinkHit
from screens.presenters.link import REF, NewRecord, key_of, link_value
from screens.presenters.value import ValueRefused, title_of
from screens.services.text import t
from screens.widgets.editors.base import EditedCell, Move
from screens.widgets.editors.choice import FilterInput
from screens.widgets.editors.link import NEW, LinkEditor, name_in

TICKED, FREE = "[x] ", "[ ] "


class LinksEditor(LinkEditor):
    """Type to search; Enter or Space ticks and unticks; Enter in the empty line takes, Tab always does. Delete in the
    empty line unlinks all."""

    kind = "links"
    line = FilterInput
    least_width = 48
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "space", show=False, priority=True)]

    def show_cell(self, cell: EditedCell) -> None:
        self.original = list(cell.value) if isinstance(cell.value, list) else []
        self.ticked = list(self.original)
        self._numbers = any(isinstance(each, int) for each in self.original)
        self._labels = dict(cell.labels or {})
        self._moved = False
        super().show_cell(replace(cell, label=""))
        self.cell = cell

    # ── The list ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def show_hits(self, hits: list[LinkHit], text: str) -> None:
        """What was found; without a text the linked ones come first, in their order."""
        self._labels |= {hit["id"]: hit["label"] for hit in hits if hit["label"]}
        if not text:
            own = [key_of(each) for each in self.ticked]
            details = {hit["id"]: hit["detail"] for hit in hits}
            linked = [LinkHit(id=key, label=self.called(key), detail=details.get(key, "")) for key in own]
            hits = [*linked, *(hit for hit in hits if hit["id"] not in own)]
        self._moved = False
        super().show_hits(hits, text)
        self._redraw()
        if not text and self.hits:
            self.choices.highlighted = 0
        self._count()

    def called(self, key: str) -> str:
        """What people call a record; its key where nobody said."""
        return self._labels.get(key) or (t("value.new_record") if key.startswith(REF) else key)

    def _redraw(self) -> None:
        ticked = {key_of(each) for each in self.ticked}
        for at, hit in enumerate(self.hits):
            mark = TICKED if hit["id"] in ticked else FREE
            line = Content.assemble(mark, hit["label"] or hit["id"], "  ", (hit["detail"], "$foreground-muted"))
            self.choices.replace_option_prompt_at_index(at, line)

    def _count(self) -> None:
        if self.hits:
            self.tell(t("edit.links_keys", count=len(self.ticked)))

    # ── Ticking ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _tick(self) -> bool:
        """Turn the highlighted record; False where there is none."""
        hit = self._hit()
        if hit is None:
            return False
        held = [each for each in self.ticked if key_of(each) != hit["id"]]
        if len(held) == len(self.ticked):
            if self.cell is not None and self.cell.field["options"].get("allowMultiple") is False:
                held = []
            held.append(self._value_of(hit["id"]))
        self.ticked = held
        self._redraw()
        self._count()
        return True

    def _value_of(self, key: str) -> Any:
        known = next((each for each in self.original if key_of(each) == key), None)
        if known is not None:
            return known
        value = link_value(key)
        return int(key) if self._numbers and isinstance(value, str) and key.isdecimal() else value

    def action_space(self) -> None:
        """A blank belongs to the name that is being typed; else it ticks."""
        if self.input.value and not self._moved:
            self.input.insert_text_at_cursor(" ")
        else:
            self._tick()

    def action_move(self, by: int) -> None:
        super().action_move(by)
        self._moved = True

    def action_unlink(self) -> None:
        if self.input.value:
            self.input.action_delete_right()
            return
        self.ticked = []
        self._redraw()
        self._count()

    def narrow(self, text: str) -> None:
        self._moved = False
        super().narrow(text)

    # ── Taking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def draft(self) -> Any:
        """The linked records, those that were linked before in their old order."""
        keys = {key_of(each) for each in self.ticked}
        kept = [each for each in self.original if key_of(each) in keys]
        return kept + [each for each in self.ticked if each not in kept]

    def touched(self) -> bool:
        return bool(self.draft() != self.original)

    def value(self) -> Any:
        assert self.cell is not None
        draft = self.draft()
        if not draft and self.cell.field["required"]:
            raise ValueRefused(t("value.required", field=title_of(self.cell.field)))
        return draft

    def picked(self) -> dict[str, str]:
        return {key: label for each in self.ticked if (label := self._labels.get(key := key_of(each)))}

    def wanted(self, made: NewRecord) -> NewRecord:
        return replace(made, beside=tuple(self.draft()))

    def action_accept(self, move: Move) -> None:
        """Enter on what was typed ticks it and empties the line, so that the next name can be typed."""
        typed = self.input.value
        if not typed:
            self._then = None
            self._take(move)
            return
        at = self.choices.highlighted
        if typed.startswith(NEW) if at is None else at >= len(self.hits):
            self._make(move)
        elif self._searching:
            self._then = move
            self.search(typed, 0)
        elif not self._tick():
            self.tell(self._nowhere(typed), refused=True)
        elif move == "stay":
            self._clear()
        else:
            self._take(move)

    def _take(self, move: Move) -> None:
        if not self.is_open:
            return
        if not self.touched():
            self._finish(False, None, move)
            return
        try:
            self._finish(True, self.value(), move)
        except ValueRefused as problem:
            self.tell(str(problem), refused=True)

    def _clear(self) -> None:
        self.input.value = ""

    def kept(self) -> Any:
        return self.draft()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click ticks; on the last line it makes the new record."""
        event.stop()
        if event.option_index >= len(self.hits) and name_in(self.input.value):
            self._make("stay")
        else:
            self._tick()
