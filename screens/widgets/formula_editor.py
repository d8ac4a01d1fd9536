"""A formula written over several lines, with what fits at the cursor, what is wrong and where, and its values for the first
records. `FormulaEditor` is the widget; `FormulaSheet` a dialog around it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from core.client import NotFound, ServerGone
from core.contract.formulas import FormulaPreview, FormulaRequest
from screens.actions.binding import bindings_of
from screens.presenters.formula_draft import FormulaDraft
from screens.presenters.sql_text import Span
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet, padded
from screens.widgets.sql_editor import CompletionList, SqlEditor

PAUSE = 0.2
"""Seconds without a key before the server is asked."""
Judge = Callable[[str], Awaitable[Sequence[str]]]
"""What is wrong with a formula where the tables are not as the server has them: in a draft."""


class FormulaText(SqlEditor):
    """The text itself. The language is coloured as SQL is."""

    DEFAULT_CSS = "FormulaText { height: 5; background: $boost; padding: 0 1; }"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.show_line_numbers = False
        self.soft_wrap = True

    def mark(self, offset: int | None) -> None:
        """Underline the word at a position; the cursor stays."""
        text = self.text
        self._problem = None
        if offset is not None:
            end = offset
            while end < len(text) and (text[end].isalnum() or text[end] in "_."):
                end += 1
            self._problem = Span(offset, max(end, offset + 1))
        self._line_cache.clear()
        self.refresh()


class FormulaEditor(Vertical):
    """Posts `Accepted` with the text when it is taken. `table` is the table's address ("" for one that the server does not
    have yet), `fields` the names and types that the formula may use, `result_type` what its value becomes (None: a
    condition). `judge` has the say about what is wrong, the server's table still gives the values."""

    @dataclass
    class Accepted(Message):
        """The formula was taken as it stands."""

        editor: FormulaEditor
        text: str

        @property
        def control(self) -> FormulaEditor:
            return self.editor

    DEFAULT_CSS = """
    FormulaEditor {
        height: auto;
        & > #formula-help { height: 2; color: $foreground-muted; margin-top: 1; }
        & > #formula-verdict { height: auto; max-height: 3; }
        & > #formula-verdict.-wrong { color: $text-error; text-style: bold; }
        & > #formula-rows { height: auto; max-height: 6; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("formula", priority=True)]

    def __init__(
        self,
        context: Context,
        table: str,
        fields: Sequence[tuple[str, str]],
        text: str = "",
        *,
        result_type: str | None = None,
        judge: Judge | None = None,
    ) -> None:
        super().__init__()
        self.context = context
        self.table = table
        self.judge = judge
        self.result_type = result_type
        self.draft = FormulaDraft(fields, text)

    def compose(self) -> ComposeResult:
        yield FormulaText(self.draft.text)
        yield Static(id="formula-help", markup=False)
        yield Static(id="formula-verdict", markup=False)
        yield Static(id="formula-rows", markup=False)
        yield CompletionList()

    @property
    def area(self) -> FormulaText:
        return self.query_one(FormulaText)

    def on_mount(self) -> None:
        self.area.move_cursor(self.area.document.end)
        self.area.focus()
        self.paint()
        self.learn()
        self.ask()

    # ── The server ──

    @work(group="formula-functions", exit_on_error=False)
    async def learn(self) -> None:
        """Which functions there are."""
        port = self.context.port
        if port is not None:
            try:
                self.draft.know((await port.formula_functions())["functions"])
            except ServerGone:
                return
            self.paint()

    @work(exclusive=True, group="formula-preview", exit_on_error=False)
    async def ask(self) -> None:
        """What the formula gives, after a pause in typing."""
        await asyncio.sleep(PAUSE)
        text = self.draft.text
        if not text.strip():
            return
        try:
            wrong = await self.judge(text) if self.judge is not None else None
            preview = await self._preview(text) if self.table or wrong is None else None
        except ServerGone:
            self.draft.refused(text, t("formula.no_server"))
        except NotFound:
            self.draft.refused(text, t("formula.no_table"))
        else:
            # Where the two agree the server's word is better: it has a place, or values.
            if preview is not None and (wrong is None or bool(wrong) == (preview["error"] is not None)):
                self.draft.answered(text, preview)
            else:
                self.draft.judged(text, wrong or [])
        self.area.mark(self.draft.position)
        self.paint()

    async def _preview(self, text: str) -> FormulaPreview:
        request: FormulaRequest = {"table": self.table, "formula": text}
        if self.result_type is not None:
            request["resultType"] = self.result_type
        if self.context.port is None:
            raise ServerGone(t("formula.no_server"))
        return await self.context.port.preview_formula(request)

    # ── Typing ──

    def on_text_area_changed(self, event: FormulaText.Changed) -> None:
        event.stop()
        self.draft.text = self.area.text
        self.paint()
        self.ask()

    def on_text_area_selection_changed(self, event: FormulaText.SelectionChanged) -> None:
        event.stop()
        self.paint()

    def on_sql_editor_word_typed(self, event: SqlEditor.WordTyped) -> None:
        event.stop()
        self.draft.text = self.area.text
        before = self.area.text[: self.area.offset_in_text]
        if before and (before[-1].isalnum() or before[-1] in '_"'):
            self.action_formula_complete()
        else:
            self.close_list()

    def on_sql_editor_completion_key(self, event: SqlEditor.CompletionKey) -> None:
        event.stop()
        choices = self.query_one(CompletionList)
        if event.key == "up":
            choices.action_cursor_up()
        elif event.key == "down":
            choices.action_cursor_down()
        else:
            if event.key == "tab" and choices.chosen is not None:
                self.area.accept(choices.chosen)
            self.close_list()

    def action_formula_complete(self) -> None:
        found = self.draft.complete(self.area.offset_in_text)
        room = (self.screen.size.width, self.screen.size.height)
        self.area.completing = self.query_one(CompletionList).offer(found, self.area.cursor_screen_offset, room)

    def close_list(self) -> None:
        self.query_one(CompletionList).close()
        self.area.completing = False

    def action_formula_accept(self) -> None:
        self.post_message(self.Accepted(self, self.area.text.strip()))

    # ── Painting ──

    def paint(self) -> None:
        draft = self.draft
        function = draft.function_at(self.area.offset_in_text)
        usage = "" if function is None else f"{function['signature']}\n{function['text']} · {function['example']}"
        self.query_one("#formula-help", Static).update(usage)
        sentence, is_wrong = draft.verdict
        verdict = self.query_one("#formula-verdict", Static)
        is_good = (draft.preview is not None or draft.fits) and not is_wrong and bool(draft.text.strip())
        verdict.update(f"! {sentence}" if is_wrong else f"✓ {sentence}" if is_good else sentence)
        verdict.set_class(is_wrong, "-wrong")
        self.query_one("#formula-rows", Static).update(self._rows(is_good and not draft.fits))

    def _rows(self, is_good: bool) -> Content:
        rows = self.draft.rows if is_good else []
        if not rows:
            return Content(t("formula.no_rows") if is_good else "")
        width = max(20, self.area.size.width or 60)
        left = min(max(len(label) for label, _ in rows), width // 3)
        style = "" if self.draft.is_current else "dim"
        lines = [
            Content.assemble(padded(label, left, "$foreground-muted"), "  ", padded(value, width - left - 2, style))
            for label, value in rows
        ]
        return Content("\n").join([Content.styled(t("formula.samples"), "bold"), *lines])


class FormulaSheet(Sheet[str | None]):
    """^S dismisses with the formula, Esc with None."""

    DEFAULT_CSS = "FormulaSheet > .sheet { width: 84; }"
    action_context = "formula"

    def __init__(
        self,
        context: Context,
        title: str,
        table: str,
        fields: Sequence[tuple[str, str]],
        text: str = "",
        *,
        result_type: str | None = None,
        judge: Judge | None = None,
    ) -> None:
        super().__init__(context, title)
        self.editor = FormulaEditor(context, table, fields, text, result_type=result_type, judge=judge)

    def compose_body(self) -> Iterable[Widget]:
        yield self.editor

    def on_formula_editor_accepted(self, event: FormulaEditor.Accepted) -> None:
        event.stop()
        self.dismiss(event.text)
