"""A row that someone else changed while it was edited: what it was, mine and theirs side by side, chosen field by field."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.contract.tables import FieldInfo
from screens.actions.binding import bindings_of
from screens.presenters.value import show, title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet, padded


class ConflictView(Sheet[bool]):
    """One row in conflict. Dismisses with True when it is settled. Everything is mine to begin with."""

    DEFAULT_CSS = """
    ConflictView .conflict-note { margin-bottom: 1; height: auto; }
    ConflictView #conflict-scroll { height: auto; max-height: 12; margin-top: 1; }
    ConflictView #conflict-whole { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("conflict")]
    action_context = "conflict"

    def __init__(self, context: Context, table: str, key: str) -> None:
        name = context.pending.title_of(table, key) or key
        super().__init__(context, t("conflict.title", name=name))
        self.table, self.key = table, key
        self.cells = context.pending.conflict_fields(table, key)
        self.current = context.pending.conflicts.get((table, key))
        self.theirs: set[str] = set()

    def compose_body(self) -> Iterable[Widget]:
        others = self.current is not None
        yield Static(
            t("conflict.note" if others else "conflict.gone"), classes="conflict-note sheet-note", markup=False
        )
        yield Static(id="conflict-head", markup=False)
        if others:
            yield OptionList(compact=True, markup=False)
            with VerticalScroll(id="conflict-scroll"):
                yield Static(id="conflict-whole", markup=False)

    def on_mount(self) -> None:
        self.paint()

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.paint)

    def _info(self, name: str) -> FieldInfo | None:
        table = self.context.table(self.table)
        return next((f for f in table["fields"] if f["name"] == name), None) if table else None

    def paint(self) -> None:
        """A line a field: name, value as it was, mine, theirs; the chosen side has the dot."""
        if self.current is None:
            return
        options = self.query_one(OptionList)
        room = max(40, options.scrollable_content_region.width - 2)
        name, each = min(20, room // 4), (room - min(20, room // 4)) // 3
        sides = (t("conflict.was"), f"  {t('conflict.mine')}", f"  {t('conflict.theirs')}")
        heads = [padded(side, each, "bold $foreground-muted") for side in sides]
        self.query_one("#conflict-head", Static).update(Content.assemble(" " * name, *heads))
        at = options.highlighted or 0
        options.clear_options()
        for field, was, mine, theirs in self.cells:
            info = self._info(field)
            options.add_option(
                Option(
                    Content.assemble(
                        padded(title_of(info) if info else field, name, "bold"),
                        padded(show(info, was), each - 1, "$foreground-muted"),
                        " ",
                        self._side(info, mine, each, chosen=field not in self.theirs),
                        self._side(info, theirs, each, chosen=field in self.theirs),
                    )
                )
            )
        options.highlighted = min(at, len(self.cells) - 1) if self.cells else None
        self.paint_whole()

    def paint_whole(self) -> None:
        """Values of the highlighted field that do not fit into its line, whole; Tab and the arrows scroll them."""
        options, scroll = self.query_one(OptionList), self.query_one("#conflict-scroll")
        at = options.highlighted
        room = max(40, options.scrollable_content_region.width - 2)
        each = (room - min(20, room // 4)) // 3 - 3
        scroll.display = False
        if at is None or at >= len(self.cells):
            return
        name, *values = self.cells[at]
        texts = [value if isinstance(value, str) else show(self._info(name), value) for value in values]
        if all(Content(text).cell_length <= each and "\n" not in text for text in texts):
            return
        scroll.display = True
        parts = [
            Content.assemble((f"{t(f'conflict.{side}')}\n", "bold $foreground-muted"), text)
            for side, text in zip(("was", "mine", "theirs"), texts, strict=True)
        ]
        self.query_one("#conflict-whole", Static).update(Content("\n").join(parts))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.paint_whole()

    def _side(self, info: FieldInfo | None, value: Any, width: int, *, chosen: bool) -> Content:
        style = "bold $success" if chosen else "$foreground-muted"
        return Content.assemble(("● " if chosen else "○ ", style), padded(show(info, value), width - 3, style), " ")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action == "conflict_settle" or not action.startswith("conflict_") or self.current is not None

    def _choose(self, *, theirs: bool) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self.cells):
            field = self.cells[at][0]
            self.theirs = self.theirs | {field} if theirs else self.theirs - {field}
            self.paint()

    def action_conflict_mine(self) -> None:
        self._choose(theirs=False)

    def action_conflict_theirs(self) -> None:
        self._choose(theirs=True)

    def action_conflict_all_mine(self) -> None:
        self.theirs = set()
        self.paint()

    def action_conflict_all_theirs(self) -> None:
        self.theirs = {field for field, *_ in self.cells}
        self.paint()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_conflict_settle()

    def action_conflict_settle(self) -> None:
        self.context.pending.resolve(self.table, self.key, self.theirs)
        self.dismiss(True)
