"""The box that finds things by a few letters: palette, goto, choice of theme and language, history."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from textual import work
from textual.binding import Binding
from textual.containers import Vertical
from textual.events import Click
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static

from core.client import SovriumError
from screens.presenters.finder import Hit, Search, best
from screens.services.text import t
from screens.widgets.dialog import Dialog
from screens.widgets.menu import Menu

DEBOUNCE = 0.08
"""Seconds of rest before a source on the server is asked."""


class Finder(Dialog[Hit | None]):
    """Dismisses with the chosen hit, None for none; the caller runs it.

    hits: choices known here. search: one more source, asked on the server. preview: told the highlighted hit (None when
    the box closes without a choice). free: what is typed can be chosen too, as the last of the list.
    """

    BINDINGS = [
        Binding("down,ctrl+n", "move(1)", show=False),
        Binding("up,ctrl+p", "move(-1)", show=False),
        Binding("pagedown", "move(8)", show=False),
        Binding("pageup", "move(-8)", show=False),
    ]

    def __init__(
        self,
        placeholder: str,
        hits: Sequence[Hit],
        search: Search | None = None,
        preview: Callable[[Hit | None], Any] | None = None,
        *,
        free: bool = False,
    ) -> None:
        super().__init__()
        self.placeholder = placeholder
        self.hits = hits
        self.search = search
        self.preview = preview
        self.free = free
        self._typed = ""

    def compose_box(self) -> Iterable[Widget]:
        with Vertical(id="finder"):
            yield Input(placeholder=self.placeholder, id="finder-input", compact=True)
            yield Menu(id="finder-menu")
            yield Static("", id="finder-note", markup=False)

    def on_mount(self) -> None:
        self.query_one(Menu).can_focus = False
        self._show([])

    def on_resize(self) -> None:
        self.call_after_refresh(lambda: self._show([]))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._typed = event.value
        self._show([])
        if self.search is not None:
            self._ask(event.value)

    @work(exclusive=True, group="finder", exit_on_error=False)
    async def _ask(self, typed: str) -> None:
        from asyncio import sleep

        await sleep(DEBOUNCE)
        if self.search is None or not typed.strip():
            return
        try:
            found = await self.search(typed)
        except SovriumError as error:
            self._tell(error.message)
            return
        if typed == self._typed:
            self._show(found)

    def _show(self, found: Sequence[Hit]) -> None:
        menu = self.query_one(Menu)
        hits = [*best(self._typed, self.hits), *best(self._typed, found, 20)]
        word = self._typed.strip()
        if self.free and word and all(hit.label != word for hit in hits):
            hits.append(Hit(label=word))
        menu.highlighted = None
        menu.show(hits)
        if not hits:
            self._tell(t("finder.nothing"))

    def _tell(self, text: str) -> None:
        """Write the line below the list, which is there only in lists whose choices have notes."""
        note = self.query_one("#finder-note", Static)
        note.display = bool(text) or any(hit.note for hit in self.hits)
        note.update(text)

    def on_click(self, event: Click) -> None:
        """Beside the box: that is a way out, too. Nothing was typed that anybody would miss."""
        if event.widget is self:
            self.action_dialog_leave()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        hit = self.query_one(Menu).current()
        self._tell(hit.note if hit else "")
        if self.preview is not None:
            self.preview(hit)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self.query_one(Menu).hits[event.option_index])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_dialog_choose()

    def action_dialog_choose(self) -> None:
        self.dismiss(self.query_one(Menu).current())

    def action_move(self, step: int) -> None:
        menu = self.query_one(Menu)
        if menu.hits:
            at = (menu.highlighted or 0) + step
            menu.highlighted = at % len(menu.hits) if abs(step) == 1 else max(0, min(at, len(menu.hits) - 1))

    def action_dialog_leave(self) -> None:
        if self.preview is not None:
            self.preview(None)
        self.dismiss(None)
