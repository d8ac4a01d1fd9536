"""A look at a pasted block before it is staged: which column goes where, what each cell becomes, what does not fit."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.paste import Pasted, PasteDraft
from screens.presenters.value import show, title_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.finder import Finder
from screens.widgets.sheet import Sheet, padded

PREVIEW_ROWS = 10
GUTTER = 6
"""Cells for the mark and the number of a row."""
PROBLEMS = 4


class PastePreview(Sheet[bool]):
    """Changes the draft in place; dismisses with True to stage it."""

    DEFAULT_CSS = """
    PastePreview .paste-scroll { height: auto; max-height: 14; margin: 1 0; }
    PastePreview .paste-scroll:focus { background-tint: transparent 0%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("paste")]
    action_context = "paste"

    def __init__(self, context: Context, draft: PasteDraft, learn: Callable[[PasteDraft], Awaitable[None]]) -> None:
        """learn: has the draft know the records that its texts name."""
        super().__init__(context, t("paste.title"))
        self.draft = draft
        self.learn = learn
        self.column = 0

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="paste-summary", markup=False)
        with VerticalScroll(classes="paste-scroll"):
            yield Static(id="paste-table", markup=False)
        yield Static(id="paste-job", classes="sheet-note", markup=False)
        yield Static(id="paste-problems", classes="sheet-problem", markup=False)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """Everything again, from the draft."""
        draft = self.draft
        problems = draft.problems()
        parts = [_counted("paste.changed", draft.changed_rows)] if draft.changed_rows else []
        parts += [_counted("paste.new", draft.new_rows)] if draft.new_rows else []
        parts += [_counted("paste.problems", len(problems))] if problems else []
        self.query_one("#paste-summary", Static).update(
            Content.assemble(
                (t("paste.size", rows=grouped(len(draft.body)), columns=len(draft.mapping)), "bold"),
                (f"  →  {', '.join(parts)}", "$foreground"),
            )
        )
        self.query_one("#paste-table", Static).update(self._table())
        job = self.query_one("#paste-job", Static)
        job.display = draft.large
        job.update(t("paste.job_skips" if draft.skip_errors else "paste.job"))
        lines = [t("paste.problem", row=row, field=name, message=message) for row, name, message in problems[:PROBLEMS]]
        if len(problems) > PROBLEMS:
            lines.append(_counted("paste.more", len(problems) - PROBLEMS))
        self.query_one("#paste-problems", Static).update("\n".join(lines))

    def _table(self) -> Content:
        draft = self.draft
        room = max(30, self.query_one("#paste-table").content_size.width)
        columns = len(draft.mapping)
        width = max(10, min(24, (room - GUTTER) // max(1, min(columns, 6))))
        fits = max(1, (room - GUTTER) // width)
        first = max(0, min(self.column - fits // 2, columns - fits))
        shown = range(first, min(columns, first + fits))
        heads: list[Any] = [" " * GUTTER]
        for at in shown:
            field = draft.mapping[at]
            style = "bold reverse $primary" if at == self.column else "bold $primary" if field else "$foreground-muted"
            heads += [padded(title_of(field) if field else t("paste.nowhere"), width - 1, style), " "]
        lines = [Content.assemble(*heads)]
        for number, row in enumerate(draft.preview(PREVIEW_ROWS)):
            new = number >= draft.changed_rows
            line: list[Any] = [
                (" + " if new else " * ", "bold $success" if new else "bold $warning"),
                f"{number + 1:<{GUTTER - 3}}",
            ]
            for at in shown:
                line += [self._cell(row[at] if at < len(row) else None, draft, at, number, width), " "]
            lines.append(Content.assemble(*line))
        if len(draft.body) > PREVIEW_ROWS:
            lines.append(
                Content.styled(
                    f"{' ' * GUTTER}{_counted('paste.rest', len(draft.body) - PREVIEW_ROWS)}", "$foreground-muted"
                )
            )
        return Content("\n").join(lines)

    def _cell(self, cell: Pasted | None, draft: PasteDraft, at: int, number: int, width: int) -> Content:
        if cell is None:
            return padded(show(None, draft.body[number][at]), width - 1, "$foreground-muted strike")
        if cell.problem:
            return padded(f"! {show(None, cell.value)}", width - 1, "bold $error underline")
        return padded(show(draft.mapping[at], cell.value, cell.label), width - 1, "$foreground")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A large block is imported, so that its rows are new."""
        if action == "paste_skip":
            return self.draft.large
        return action != "paste_new" or not self.draft.large

    def action_paste_skip(self) -> None:
        self.draft.skip_errors = not self.draft.skip_errors
        self.paint()

    def action_paste_stage(self) -> None:
        self.dismiss(True)

    def action_paste_new(self) -> None:
        self.draft.as_new = not self.draft.as_new
        self.paint()

    def action_paste_header(self) -> None:
        self.draft.toggle_header()
        self.paint_named()

    def action_paste_left(self) -> None:
        self.column = max(0, self.column - 1)
        self.paint()

    def action_paste_right(self) -> None:
        self.column = min(len(self.draft.mapping) - 1, self.column + 1)
        self.paint()

    @work(exit_on_error=False)
    async def action_paste_map(self) -> None:
        """Choose the field of the current column."""
        hits = [Hit(label=title_of(f), kind=f["type"], value=f) for f in self.draft.all_fields]
        hits.append(Hit(label=t("paste.nowhere"), value=None))
        hit = await self.app.push_screen_wait(Finder(t("paste.map"), hits))
        if hit is not None:
            self.draft.mapping[self.column] = hit.value
            self.paint_named()

    @work(exclusive=True, group="names", exit_on_error=False)
    async def paint_named(self) -> None:
        """Other fields may link other records."""
        await self.learn(self.draft)
        self.paint()


def _counted(key: str, count: int) -> str:
    return t(key, count=count, number=grouped(count))
