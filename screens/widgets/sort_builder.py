"""The order of a table by several fields."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.contract.records import SortKey
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.finder import Hit
from screens.presenters.value import title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.finder import Finder
from screens.widgets.sheet import Sheet


class SortBuilder(Sheet[list[SortKey] | None]):
    """Dismisses with the keys, the most important first; None leaves the order as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("sort")]
    action_context = "sort"

    def __init__(self, context: Context, info: TableInfo, keys: Sequence[SortKey]) -> None:
        super().__init__(context, t("sort.title", table=info["name"]))
        self.fields = {field["name"]: field for field in info["fields"] if field["family"] != "json"}
        self.keys: list[SortKey] = [SortKey(field=key["field"], direction=key["direction"]) for key in keys]

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(compact=True, markup=False)
        yield Static(classes="sheet-note", markup=False)

    def on_mount(self) -> None:
        self.paint(0)
        self.query_one(OptionList).focus()
        if not self.keys:
            self.action_sort_add()

    def paint(self, at: int | None = None) -> None:
        options = self.query_one(OptionList)
        at = self.at if at is None else at
        options.clear_options()
        for rank, key in enumerate(self.keys, 1):
            field = self.fields.get(key["field"])
            arrow = "↑" if key["direction"] == "asc" else "↓"
            options.add_option(
                Option(
                    Content.assemble(
                        (f"{rank}  ", "$foreground-muted"),
                        (f"{arrow} ", "bold $secondary"),
                        (title_of(field) if field else key["field"], "bold"),
                        (f"   {t('sort.' + key['direction'])}", "$foreground-muted"),
                    )
                )
            )
        options.highlighted = max(0, min(at, len(self.keys) - 1)) if self.keys else None
        self.query_one(Static).update("" if self.keys else t("sort.none"))

    @property
    def at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def action_sort_apply(self) -> None:
        self.dismiss(self.keys)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self.keys)

    @work(exit_on_error=False)
    async def action_sort_add(self) -> None:
        taken = {key["field"] for key in self.keys}
        hits = [
            Hit(label=title_of(f), kind=f["type"], value=name) for name, f in self.fields.items() if name not in taken
        ]
        hit = await self.app.push_screen_wait(Finder(t("filter.field"), hits))
        if hit is not None:
            self.keys.append(SortKey(field=hit.value, direction="asc"))
            self.paint(len(self.keys) - 1)

    def action_sort_turn(self) -> None:
        if self.keys:
            key = self.keys[self.at]
            key["direction"] = "desc" if key["direction"] == "asc" else "asc"
            self.paint()

    def _move(self, step: int) -> None:
        at, target = self.at, self.at + step
        if 0 <= target < len(self.keys):
            self.keys[at], self.keys[target] = self.keys[target], self.keys[at]
            self.paint(target)

    def action_sort_up(self) -> None:
        self._move(-1)

    def action_sort_down(self) -> None:
        self._move(1)

    def action_sort_remove(self) -> None:
        if self.keys:
            del self.keys[self.at]
            self.paint()
