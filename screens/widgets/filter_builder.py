"""Conditions as a tree that is built by keys, and as the sentence that says the same and can be typed."""

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.contract.records import Filter
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.filter_draft import (
    NO_VALUE,
    SEVERAL,
    SPANS,
    SYMBOLS,
    Condition,
    FilterDraft,
    Group,
    Node,
    SentenceWrong,
    radius_text,
    scalar_field,
)
from screens.presenters.finder import Hit
from screens.presenters.value import ValueRefused, options_of, title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.editors.base import CellEditor, EditedCell, Lookups
from screens.widgets.editors.registry import EditorHost
from screens.widgets.finder import Finder
from screens.widgets.sheet import Sheet

HINTS = {"between": "filter.needs_span", "withinRadius": "filter.radius"} | dict.fromkeys(SEVERAL, "filter.several")
"""What is told while the value of an operator is typed."""

LEAST_VALUE = 24
"""Cells that an editor of a value has at least."""


class Built:
    """The answer of the builder: a filter, None for no conditions."""

    def __init__(self, tree: Filter | None) -> None:
        self.tree = tree


class FilterBuilder(Sheet[Built | None]):
    """Dismisses with what was built; None leaves the conditions as they are."""

    DEFAULT_CSS = """
    FilterBuilder .sheet { width: 96; }
    FilterBuilder #filter-sentence { margin-bottom: 1; }
    FilterBuilder .sheet-body { min-height: 16; }
    FilterBuilder OptionList { min-height: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("filter"), Binding("down", "to_list", show=False)]
    action_context = "filter"

    def __init__(self, context: Context, info: TableInfo, tree: Filter | None, lookups: Lookups) -> None:
        super().__init__(context, t("filter.title", table=info["name"]))
        self.draft = FilterDraft(info["fields"], tree)
        self.lookups = lookups
        self._shown: list[Node | None] = []
        self._editing: Condition | None = None

    def compose_body(self) -> Iterable[Widget]:
        yield Input(id="filter-sentence", placeholder=self._example(), compact=True, select_on_focus=False)
        yield OptionList(compact=True, markup=False)
        yield Static(id="filter-note", classes="sheet-note", markup=False)

    def _example(self) -> str:
        """A sentence about two fields of this table."""
        fields = self.draft.fields
        number = next(
            (f"{field['name']} > 100" for field in fields if "greaterThan" in field["operators"] and field["numeric"]),
            "",
        )
        text = next((f'{field["name"]} contains "a"' for field in fields if field["family"] == "text"), "")
        return " and ".join(part for part in (text, number) if part)

    def on_mount(self) -> None:
        self.host = EditorHost(self.query_one(".sheet-body"))
        self.paint(0)
        self.options.focus()
        if not self.draft.lines():
            self.action_filter_add()

    @property
    def options(self) -> OptionList:
        return self.query_one(OptionList)

    # ── Painting ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def paint(self, at: int | None = None, *, sentence: bool = True) -> None:
        """Tree and sentence from the draft."""
        at = (self.options.highlighted or 0) if at is None else at
        self.options.clear_options()
        self._shown = []
        for depth, node, home in self.draft.lines():
            self._shown.append(node)
            line = self._before_value(depth, node, home)
            if isinstance(node, Condition):
                line = Content.assemble(line, (self.draft.value_text(node), "$primary"))
            self.options.add_option(Option(line))
        self.options.highlighted = max(0, min(at, len(self._shown) - 1)) if self._shown else None
        if sentence:
            with self.prevent(Input.Changed):
                self.query_one(Input).value = self.draft.sentence()
        self._note(t("filter.none") if not self._shown else self.draft.problem())

    def _note(self, text: str, kind: str = "sheet-note") -> None:
        note = self.query_one("#filter-note", Static)
        note.set_classes(kind)
        note.update(text)

    def _before_value(self, depth: int, node: Node, home: Group) -> Content:
        """The line of a node up to the place of its value."""
        first = home.parts[0] is node
        negated = t("filter.word.not") + " " if home.negated and first else ""
        joint = negated if first else t(f"filter.word.{home.joint}")
        lead = Content.assemble("   " * depth, (f"{joint:>6}  ", "$secondary"))
        if isinstance(node, Group):
            word = t("filter.any" if node.joint == "or" else "filter.all")
            not_ = f"{t('filter.word.not')} " if node.negated else ""
            return Content.assemble(lead, (f"{not_}{word}", "bold $secondary"))
        info = self.draft.by_name.get(node.field)
        return Content.assemble(
            lead,
            (title_of(info) if info else node.field, "bold"),
            (f"  {t('operator.' + node.operator)}  ", "$foreground-muted"),
        )

    def current(self) -> Node | None:
        at = self.options.highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("filter_change", "filter_remove", "filter_joint"):
            return self.current() is not None
        return True

    # ── The sentence ───────────────────────────────────────────────────────────────────────────────────────────────────

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id != "filter-sentence":
            return
        event.stop()
        try:
            self.draft.read(event.value)
        except SentenceWrong as wrong:
            self._note(f"{' ' * min(wrong.position + 1, 70)}▲\n! {wrong}", "sheet-problem")
        else:
            self.paint(sentence=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "filter-sentence":
            event.stop()
            self.action_filter_apply()

    def action_filter_sentence(self) -> None:
        self.query_one("#filter-sentence").focus()

    def action_to_list(self) -> None:
        self.options.focus()

    # ── The tree ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def action_filter_apply(self) -> None:
        if problem := self.draft.problem():
            self._note(f"! {problem}", "sheet-problem")
            return
        self.dismiss(Built(self.draft.filter()))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list is self.options:
            event.stop()
            self.action_filter_change()

    @work(exclusive=True, group="filter", exit_on_error=False)
    async def action_filter_add(self) -> None:
        """A new condition: field, operator, value, one after the other."""
        hits = [Hit(label=title_of(f), kind=f["type"], value=f) for f in self.draft.fields]
        hit = await self.app.push_screen_wait(Finder(t("filter.field"), hits))
        if hit is None:
            return
        condition = self.draft.add(self.current(), hit.value)
        self.paint()
        self.paint(self._shown.index(condition))
        if not await self._choose_operator(condition):
            return
        await self._edit_value(condition)

    @work(exclusive=True, group="filter", exit_on_error=False)
    async def action_filter_change(self) -> None:
        """Another operator and value for the condition; a group turns between all and any."""
        node = self.current()
        if isinstance(node, Group):
            self.action_filter_joint()
        elif node is not None and await self._choose_operator(node):
            await self._edit_value(node)

    async def _choose_operator(self, condition: Condition) -> bool:
        info = self.draft.by_name[condition.field]
        hits = [
            Hit(label=t(f"operator.{name}"), kind=SYMBOLS.get(name, ""), value=name, search=name)
            for name in info["operators"]
        ]
        hits.sort(key=lambda hit: hit.value != condition.operator)
        hit = await self.app.push_screen_wait(Finder(t("filter.operator", field=title_of(info)), hits))
        if hit is None:
            return False
        if _shape(hit.value) != _shape(condition.operator):
            condition.value = None
        condition.operator = hit.value
        self.paint()
        return True

    async def _edit_value(self, condition: Condition, typed: str | None = None) -> None:
        """Open the editor on the value; `typed` is a text to begin with instead."""
        if condition.operator in NO_VALUE:
            return
        info = self.draft.by_name[condition.field]
        shape = _shape(condition.operator)
        field = scalar_field(info)
        value: Any = condition.value
        if condition.operator == "isWithin":
            hits = [Hit(label=t(f"span.{span}"), kind=span, value=span) for span in SPANS]
            hit = await self.app.push_screen_wait(Finder(t("filter.span"), hits))
            if hit is not None:
                condition.value = hit.value
                self.paint()
            return
        if condition.operator == "withinRadius":
            field = {**field, "editor": "line", "family": "text", "type": "single-line-text", "options": {}}
            value = radius_text(value) if isinstance(value, dict) else ""
        elif shape == "several" and options_of(info):
            field = {**info, "editor": "choices", "required": False, "options": {"options": info["options"]["options"]}}
        elif shape != "one":
            field = {
                **field,
                "editor": "line",
                "family": "text",
                "type": "single-line-text",
                "options": {"maxLength": 9999},
            }
            parts = [str(part) for part in value] if isinstance(value, list) else []
            value = (" .. " if shape == "span" else ", ").join(parts)
        body = self.query_one(".sheet-body").content_region
        region = self._place_of_value(condition).translate(-body.offset)
        self._editing = condition
        if field["editor"] == "line" and condition.operator in HINTS:
            self._note(t(HINTS[condition.operator]))
        if typed is None and value in (None, "") and field["editor"] not in ("choice", "choices", "link", "checkbox"):
            typed = ""
        await self.host.open(EditedCell(field, value, typed, "", self.lookups), region, body.size)

    def _place_of_value(self, condition: Condition) -> Region:
        """Where its value stands on the screen; beside a long name at least as much as a short value needs."""
        line = next(line for line in self.draft.lines() if line[1] is condition)
        area = self.options.region
        left = min(self._before_value(*line).cell_length, area.width - LEAST_VALUE)
        below = self._shown.index(condition) - int(self.options.scroll_offset.y)
        return Region(area.x + left, area.y + below, area.width - left, 1)

    def on_cell_editor_done(self, event: CellEditor.Done) -> None:
        event.stop()
        condition, self._editing = self._editing, None
        self.options.focus()
        if condition is None:
            return
        if not event.changed:
            self.paint()
            return
        try:
            is_text = _shape(condition.operator) in ("span", "several") or condition.operator == "withinRadius"
            if is_text and isinstance(event.value, str):
                condition.value = self.draft.read_value(condition, event.value)
            else:
                condition.value = event.value
        except ValueRefused as problem:
            self._edit_again(condition, event.value, str(problem))
            return
        self.paint()

    @work(exclusive=True, group="filter", exit_on_error=False)
    async def _edit_again(self, condition: Condition, typed: str, problem: str) -> None:
        """What was refused stays to be mended, under the reason."""
        await self._edit_value(condition, typed)
        self._note(f"! {problem}", "sheet-problem")

    def action_filter_group(self) -> None:
        group = self.draft.add_group(self.current())
        self.paint()
        self.paint(self._shown.index(group))
        self.action_filter_add()

    def _group_here(self) -> Group:
        node = self.current()
        if isinstance(node, Group):
            return node
        return next((home for _, held, home in self.draft.lines() if held is node), self.draft.root)

    def action_filter_joint(self) -> None:
        group = self._group_here()
        group.joint = "or" if group.joint == "and" else "and"
        self.paint()

    def action_filter_negate(self) -> None:
        group = self._group_here()
        group.negated = not group.negated
        self.paint()

    def action_filter_remove(self) -> None:
        node = self.current()
        if node is not None:
            self.draft.remove(node)
            self.paint()


def _shape(operator: str) -> str:
    """How many values an operator takes: none, one, a span, several."""
    if operator in NO_VALUE:
        return "none"
    if operator in SEVERAL:
        return "several"
    return "span" if operator == "between" else "one"
