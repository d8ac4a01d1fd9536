"""All staged edits at a glance: what changes, what is wrong, what the server will run."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from screens.actions.binding import bindings_of
from screens.presenters.link import REF
from screens.presenters.staged import CellChange, RowChange
from screens.presenters.value import show, title_of
from screens.services.context import Context
from screens.services.text import grouped, t
from screens.widgets.sheet import Sheet

Tab = Literal["changes", "problems", "statements"]
MARKS = {
    "create": ("+", "$success"),
    "update": ("*", "$warning"),
    "delete": ("-", "$error"),
    "restore": ("+", "$success"),
}
SHORTEST, LONGEST = 12, 60
"""Cells of a value before and after; between them as many as the panel has room for."""
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Spot:
    """A row, or a cell of it, that a line of the panel stands for."""

    table: str
    key: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the panel was left with: save everything, or go to a place."""

    save: bool = False
    go: Spot | None = None


class ChangePanel(Sheet[Verdict | None]):
    """statements: what a trial run answered; None when none was made. asking: it is the question before saving."""

    DEFAULT_CSS = """
    ChangePanel #change-tabs { height: 1; margin-bottom: 1; }
    ChangePanel #change-note { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("changes")]
    action_context = "changes"

    def __init__(
        self, context: Context, statements: list[str] | None = None, *, asking: bool = False, tab: Tab = "changes"
    ) -> None:
        super().__init__(context, t("changes.ask" if asking else "changes.title", count=context.pending.count()))
        self.statements = statements
        self.asking = asking
        self.tab: Tab = tab
        self._spots: list[Spot | None] = []

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="change-tabs", markup=False)
        yield OptionList(id="change-list", compact=True, markup=False)
        yield Static(id="change-note", classes="sheet-note", markup=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.paint)

    def on_mount(self) -> None:
        self.paint()
        self.query_one(OptionList).focus()

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def tabs(self) -> list[Tab]:
        return ["changes", "problems", *(["statements"] if self.statements is not None else [])]  # type: ignore[list-item]

    def paint(self) -> None:
        pending = self.context.pending
        problems = len(pending.problems()) + len(pending.conflicts)
        counts = {"changes": pending.count(), "problems": problems, "statements": len(self.statements or ())}
        pieces: list[Any] = []
        for tab in self.tabs:
            style = (
                "bold reverse $primary"
                if tab == self.tab
                else "bold $error"
                if tab == "problems" and problems
                else "$foreground-muted"
            )
            pieces += [(f" {t(f'changes.tab.{tab}')} {grouped(counts[tab])} ", style), "  "]
        self.query_one("#change-tabs", Static).update(Content.assemble(*pieces))
        lines = {"changes": self._changes, "problems": self._problems, "statements": self._statements}[self.tab]()
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        self._spots = [spot for _, spot in lines]
        options.add_options(Option(content, disabled=spot is None and self.tab == "changes") for content, spot in lines)
        first = next((i for i, spot in enumerate(self._spots) if spot is not None), 0)
        options.highlighted = max(min(at, len(lines) - 1), first) if lines else None
        self.query_one("#change-note", Static).update(self._note(bool(lines)))

    def _note(self, any_lines: bool) -> str:
        if not any_lines:
            return t(f"changes.none.{self.tab}")
        if self.context.port is None:
            return t("changes.offline")
        return t("changes.asking") if self.asking else ""

    def _changes(self) -> list[tuple[Content, Spot | None]]:
        lines: list[tuple[Content, Spot | None]] = []
        table = ""
        for change in sorted(self.context.pending.rows(), key=lambda change: change.table):
            if change.table != table:
                table = change.table
                info = self.context.table(table)
                lines.append((Content(info["name"] if info else table), None))
            lines += self._row(change)
            if len(lines) > MOST_LINES:
                lines.append((Content(t("changes.more")), None))
                break
        return lines

    def _row(self, change: RowChange) -> list[tuple[Content, Spot | None]]:
        mark, style = MARKS[change.op]
        title = self.context.pending.title_of(change.table, change.key)
        name = title or ("" if change.op == "create" else change.key)
        spot = Spot(change.table, change.key)
        what = "" if change.op == "update" else t(f"changes.op.{change.op}")
        conflict = (change.table, change.key) in self.context.pending.conflicts
        head = Content.assemble(
            (f" {mark} ", f"bold {style}"),
            (name, "bold"),
            f"  {what}" if name else what,
            (f"  ≠ {t('changes.conflict')}", "bold $error") if conflict else "",
        )
        return [
            (head, spot),
            *((self._cell(change, cell), Spot(change.table, change.key, cell.field)) for cell in change.cells),
        ]

    def _cell(self, change: RowChange, cell: CellChange) -> Content:
        info = self.context.table(change.table)
        field = next((f for f in info["fields"] if f["name"] == cell.field), None) if info else None
        title = title_of(field) if field else cell.field
        room = self.query_one(OptionList).size.width or 72
        sides = 1 if change.op == "create" else 2
        room = (room - 12 - Content(title).cell_length) // sides
        longest = max(SHORTEST, min(LONGEST, room))
        new = Content(show(field, cell.new)).truncate(longest, ellipsis=True)
        old = Content(show(field, cell.old)).truncate(longest, ellipsis=True)
        before = (
            () if change.op == "create" else ((old.plain, "$foreground-muted strike"), (" → ", "$foreground-muted"))
        )
        wrong = (f"\n     ! {cell.message}", "bold $error") if cell.message else ""
        return Content.assemble(
            "     ", (f"{title}  ", "$foreground-muted"), *before, (new.plain, "$foreground"), wrong
        )

    def _problems(self) -> list[tuple[Content, Spot | None]]:
        lines: list[tuple[Content, Spot | None]] = []
        for (table, key), current in self.context.pending.conflicts.items():
            text = t("changes.changed_by_others" if current else "changes.gone")
            name = self.context.pending.title_of(table, key) or key
            lines.append((Content.assemble(("≠ ", "bold $error"), (name, "bold"), f"  {text}"), Spot(table, key)))
        for table, key, field, message in self.context.pending.problems():
            name = self.context.pending.title_of(table, key) or (t("changes.op.create") if key.startswith(REF) else key)
            lines.append(
                (
                    Content.assemble(("! ", "bold $error"), (name, "bold"), f"  {field}: {message}"),
                    Spot(table, key, field),
                )
            )
        return lines

    def _statements(self) -> list[tuple[Content, Spot | None]]:
        return [(Content(statement), None) for statement in self.statements or ()]

    # ── Actions ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def spot(self) -> Spot | None:
        """What the highlighted line stands for."""
        at = self.query_one(OptionList).highlighted
        return self._spots[at] if at is not None and at < len(self._spots) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "changes_save":
            return self.context.pending.count() > 0
        if action == "changes_go":
            return not self.asking and self.spot() is not None  # Enter is the answer to the question
        return action != "changes_revert" or self.spot() is not None

    def action_changes_save(self) -> None:
        self.dismiss(Verdict(save=True))

    def action_changes_go(self) -> None:
        if self.spot() is not None:
            self.dismiss(Verdict(go=self.spot()))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.asking:
            self.action_changes_save()
        else:
            self.action_changes_go()

    def action_changes_revert(self) -> None:
        spot = self.spot()
        if spot is None:
            return
        self.context.pending.revert(spot.table, spot.key, spot.field or None)
        if not self.context.pending.count():
            self.dismiss(None)
            return
        self.paint()

    def action_changes_turn(self) -> None:
        self.tab = self.tabs[(self.tabs.index(self.tab) + 1) % len(self.tabs)]
        self.paint()

    def action_changes_turn_back(self) -> None:
        self.tab = self.tabs[self.tabs.index(self.tab) - 1]
        self.paint()
