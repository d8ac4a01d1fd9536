"""The line below the editor that looks for a text in it, and puts another in its place."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label

from screens.presenters.sql_find import Found, find, replace_all
from screens.services.text import t
from screens.widgets.sql_editor import SqlEditor


class FindBar(Horizontal):
    """Looks at every key, from where the cursor stood. Enter and F3 go on, Shift+F3 back, Esc closes it."""

    DEFAULT_CSS = """
    FindBar {
        height: 1; width: 1fr; display: none; background: $panel; padding: 0 1;
        & Label { width: auto; padding: 0 1 0 0; color: $foreground-muted; }
        & Input { width: 1fr; min-width: 10; height: 1; border: none; background: $surface; }
        & Input.-textual-compact { padding: 0 1; }
        & Input:focus { background: $background; }
        & #find-count { min-width: 10; padding: 0 1; }
        & #find-count.-none { color: $text-error; }
    }
    """

    def __init__(self, editor: SqlEditor, id: str | None = None) -> None:
        super().__init__(id=id)
        self.editor = editor
        self._origin = 0

    def compose(self) -> ComposeResult:
        yield Label(t("sql.find.find"), markup=False)
        yield Input(id="find-text", compact=True)
        yield Label("", id="find-count", markup=False)
        yield Label(t("sql.find.replace"), markup=False)
        yield Input(id="find-replacement", compact=True)

    @property
    def text(self) -> str:
        return self.query_one("#find-text", Input).value

    def open(self) -> None:
        """Show it; what is selected on one line is looked for."""
        self.display = True
        self._origin = self.editor.offset_in_text
        selected = self.editor.selected_text
        if selected and "\n" not in selected:
            self.query_one("#find-text", Input).value = selected
        line = self.query_one("#find-text", Input)
        line.focus()
        line.action_select_all()

    def close(self) -> None:
        """Back to the editor, at what was found."""
        self.display = False
        self.editor.focus()

    def step(self, *, backward: bool = False) -> None:
        """The next place, or the one before."""
        span = self.editor.selected_span
        start = self.editor.offset_in_text if span is None else span.start if backward else span.end
        self._show(find(self.editor.text, self.text, start, backward=backward))

    def _show(self, found: Found | None) -> None:
        count = self.query_one("#find-count", Label)
        count.set_class(found is None and bool(self.text), "-none")
        if found is None:
            count.update(t("sql.find.none") if self.text else "")
            return
        count.update(t("sql.find.count", number=found.number, count=found.count))
        self.editor.select_span(found.start, found.end)

    def _replace(self) -> None:
        """Put the replacement where the selection is a place of the text, then go on."""
        found = self.editor.selected_span
        if found is not None:
            here = find(self.editor.text, self.text, found.start)
            if here is not None and (here.start, here.end) == (found.start, found.end):
                self.editor.replace_span(found.start, found.end, self.query_one("#find-replacement", Input).value)
        self.step()

    def _replace_all(self) -> None:
        text, count = replace_all(self.editor.text, self.text, self.query_one("#find-replacement", Input).value)
        if count:
            self.editor.replace_span(0, len(self.editor.text), text)
        self.app.notify(t("sql.find.replaced", count=count))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.input.id == "find-text":
            self._show(find(self.editor.text, self.text, self._origin))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "find-text":
            self.step()
        else:
            self._replace()

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            self.close()
        elif event.key == "down":
            self.step()
        elif event.key == "up":
            self.step(backward=True)
        elif event.key == "alt+a":
            self._replace_all()
        else:
            return
        event.stop()
        event.prevent_default()
