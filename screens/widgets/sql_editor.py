"""The SQL editor: a text area that colours its lines by itself and knows what could come next.

Textual's own highlighting parses the whole document at each key (47 ms at 200 lines); here a line is read once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Offset
from textual.message import Message
from textual.widgets import OptionList, TextArea
from textual.widgets.option_list import Option
from textual.widgets.text_area import Selection

from screens.presenters.completion import Candidate
from screens.presenters.sql_text import LineState, Span, line_tokens, word_before

CONTROLS: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code != 9},
    **dict.fromkeys((*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "�"),
    0x7F: "␡",
}
"""What a terminal would obey, one sign for one: a text from a file or a paste is shown, never sent."""
COLOURED = {"keyword", "function", "string", "name", "comment", "number", "parameter"}


class SqlEditor(TextArea):
    """Posts `WordTyped` when completion may be wanted. Keys for the open list are taken before the text gets them."""

    BINDINGS = [Binding("ctrl+a", "whole_text", show=False)]
    COMPONENT_CLASSES = {*(f"sql--{kind}" for kind in COLOURED), "sql--problem"}
    DEFAULT_CSS = """
    SqlEditor {
        border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & > .sql--keyword { color: $primary; text-style: bold; }
        & > .sql--function { color: $accent; }
        & > .sql--string { color: $success; }
        & > .sql--name { color: $foreground; text-style: italic; }
        & > .sql--comment { color: $text-muted; text-style: italic; }
        & > .sql--number { color: $secondary; }
        & > .sql--parameter { color: $warning; }
        & > .sql--problem { color: $error; text-style: bold underline; }
        &:ansi > .sql--comment { text-style: dim; }
    }
    """

    @dataclass
    class WordTyped(Message):
        """The text before the cursor changed by typing."""

        editor: SqlEditor

        @property
        def control(self) -> SqlEditor:
            return self.editor

    @dataclass
    class CompletionKey(Message):
        """A key for the open list: `up`, `down`, `tab`, `escape`."""

        editor: SqlEditor
        key: str

        @property
        def control(self) -> SqlEditor:
            return self.editor

    def __init__(self, text: str = "", *, id: str | None = None) -> None:
        super().__init__(
            text,
            id=id,
            soft_wrap=False,
            show_line_numbers=True,
            tab_behavior="indent",
            theme="css",
            highlight_cursor_line=False,
        )
        self.completing = False
        """The list is open: arrows, Tab and Esc belong to it."""
        self._states: list[tuple[str, LineState]] = []
        self._problem: Span | None = None
        self._typed = False

    # ── Places ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def offset_in_text(self) -> int:
        """The cursor as a position in the whole text."""
        return self._position(self.cursor_location)

    @property
    def selected_span(self) -> Span | None:
        """The selection, None when nothing is selected."""
        start, end = sorted((self._position(self.selection.start), self._position(self.selection.end)))
        return Span(start, end) if start < end else None

    def move_to(self, offset: int) -> None:
        """Put the cursor at a position of the whole text."""
        self.move_cursor(self._location(offset))

    def select_span(self, start: int, end: int) -> None:
        """Select a part of the text and bring it into view."""
        self.selection = Selection(self._location(start), self._location(end))
        self.scroll_cursor_visible(center=True)

    def replace_span(self, start: int, end: int, text: str) -> None:
        """Put a text in place of another, as one step of undo."""
        self.history.checkpoint()
        self.replace(text, self._location(start), self._location(end), maintain_selection_offset=False)
        self.history.checkpoint()

    def _location(self, offset: int) -> tuple[int, int]:
        before = self.text[:offset]
        return before.count("\n"), len(before) - (before.rfind("\n") + 1)

    def _position(self, location: tuple[int, int]) -> int:
        row, column = location
        return sum(len(self.document.get_line(line)) + 1 for line in range(row)) + column

    def show_problem(self, offset: int | None) -> None:
        """Mark the word at a position and go there; None takes the mark away."""
        self._problem = None
        if offset is not None:
            text = self.text
            end = offset
            while end < len(text) and (text[end].isalnum() or text[end] in "_."):
                end += 1
            self._problem = Span(offset, max(end, offset + 1))
            self.move_to(offset)
        self._line_cache.clear()
        self.refresh()

    def accept(self, candidate: Candidate) -> None:
        """Write a suggestion in place of the word before the cursor."""
        start, _ = word_before(self.text, self.offset_in_text)
        row, column = self.cursor_location
        self.replace(candidate.insert, (row, column - (self.offset_in_text - start)), (row, column))

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def get_line(self, line_index: int) -> Text:
        line = self.document.get_line(line_index)
        text = Text(line.translate(CONTROLS), end="", no_wrap=True)
        found, _ = line_tokens(line, self._state_before(line_index))
        for token in found:
            if token.kind in COLOURED:
                text.stylize(self._style(token.kind), token.start, token.end)
        if self._problem is not None:
            begin = self._position((line_index, 0))
            text.stylize(
                self._style("problem"),
                max(self._problem.start - begin, 0),
                max(min(self._problem.end - begin, len(line)), 0),
            )
        return text

    def _style(self, kind: str) -> Style:
        style = self.get_component_rich_style(f"sql--{kind}", partial=True)
        return Style(color=style.color, bold=style.bold, italic=style.italic, underline=style.underline, dim=style.dim)

    def _state_before(self, line_index: int) -> LineState:
        """What a line starts inside of. Lines above that did not change are not read again."""
        state: LineState = ""
        for number in range(line_index):
            line = self.document.get_line(number)
            if number < len(self._states) and self._states[number][0] == line:
                state = self._states[number][1]
                continue
            _, state = line_tokens(line, state)
            del self._states[number:]
            self._states.append((line, state))
        return state

    # ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # The text area's own F6 and F7: those keys are for panes and export here.
        return False if action in ("select_line", "select_all") else super().check_action(action, parameters)

    def action_whole_text(self) -> None:
        self.select_all()

    def on_key(self, event: events.Key) -> None:
        if self.completing and event.key in ("up", "down", "tab", "escape"):
            event.stop()
            event.prevent_default()
            self.post_message(self.CompletionKey(self, event.key))
        elif event.key == "escape":
            # Esc must reach the screen: leaving the editor by it is the text area's habit, not ours.
            event.prevent_default()
        else:
            self._typed = event.is_printable or event.key == "backspace"
            if not self._typed:
                self._leave_list()

    def on_blur(self) -> None:
        self._leave_list()

    def on_text_area_changed(self) -> None:
        self._problem = None
        if self._typed:
            self._typed = False
            self.post_message(self.WordTyped(self))
        else:
            self._leave_list()

    def _leave_list(self) -> None:
        """The list is about a word that is being typed; it goes when the cursor, the text or the focus goes elsewhere."""
        if self.completing:
            self.post_message(self.CompletionKey(self, "escape"))


class CompletionList(OptionList):
    """Suggestions under the cursor of an editor. It never takes the focus: the editor hands its keys over."""

    can_focus = False
    DEFAULT_CSS = """
    CompletionList {
        layer: overlay; position: absolute; display: none; width: auto; max-width: 60; height: auto; max-height: 9;
        border: round $primary 40%; background: $panel; padding: 0 1; scrollbar-size-vertical: 1;
        & > .option-list--option-highlighted { background: $primary; color: $background; text-style: bold; }
    }
    """
    MARKS = {"column": "▪", "table": "▦", "function": "ƒ", "keyword": " ", "person": "@"}

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.candidates: list[Candidate] = []

    def offer(self, candidates: list[Candidate], at: Offset, room: tuple[int, int]) -> bool:
        """Show candidates below a place on the screen (above it where there is no room); whether there were any."""
        self.candidates = candidates
        self.display = bool(candidates)
        self.clear_options()
        if not candidates:
            return False
        wide = max(len(c.label) for c in candidates)
        rows = [Text.assemble(f"{self.MARKS[c.kind]} {c.label.ljust(wide)}  ", (c.detail, "dim")) for c in candidates]
        self.add_options([Option(row) for row in rows])
        self.highlighted = 0
        width = min(max(row.cell_len for row in rows) + 5, 60)
        height = min(len(rows), 7) + 2
        below = at.y + 1 + height <= room[1]
        self.styles.width = width
        self.absolute_offset = Offset(max(0, min(at.x, room[0] - width)), at.y + 1 if below else max(0, at.y - height))
        return True

    def close(self) -> None:
        self.display = False
        self.candidates = []

    @property
    def chosen(self) -> Candidate | None:
        """The highlighted suggestion."""
        return self.candidates[self.highlighted] if self.candidates and self.highlighted is not None else None
