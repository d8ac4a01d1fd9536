"""The views of a table: open one, keep, rename, delete, choose the one to begin with."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.filter_draft import FilterDraft
from screens.presenters.view_book import Look, ViewBook
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet

SIGNS = {"grid": "▤", "kanban": "▥", "calendar": "▦", "gallery": "▣", "query": "ƒ"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done with which view; `look` None: all rows, or what is shown."""

    what: Literal["open", "query", "all", "trash", "keep", "update", "rename", "delete", "default"]
    look: Look | None = None


class ViewMenu(Sheet[Wish | None]):
    """Dismisses with a wish. `now` is the view that is open, `changed` whether it is not as it was kept."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("views")]
    action_context = "views"
    DEFAULT_CSS = "ViewMenu > .sheet { width: 76; }"

    def __init__(self, context: Context, info: TableInfo, book: ViewBook, now: Look | None, *, changed: bool) -> None:
        super().__init__(context, t("views.title", name=info["name"]))
        self.info = info
        self.book = book
        self.now = now
        self.changed = changed
        self._wishes: list[Wish | None] = []

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(compact=True, markup=False)
        yield Static(
            t("views.hint_changed") if self.changed else "", id="view-note", classes="sheet-note", markup=False
        )

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        self._wishes = []
        at = 0
        looks = self.book.looks()
        for kind in ("app", "own", "query", "suggested"):
            mine = self.book.queries() if kind == "query" else [look for look in looks if look.kind == kind]
            if mine:
                self._add(None, Content.styled(t(f"views.kind.{kind}"), "$foreground-muted"))
            for look in mine:
                if self.now is not None and look.address == self.now.address:
                    at = len(self._wishes)
                self._add(Wish("query" if kind == "query" else "open", look), self._line(look))
        self._add(None, Content.styled(t("views.kind.rows"), "$foreground-muted"))
        if self.now is None:
            at = len(self._wishes)
        self._add(Wish("all"), Content("  " + t("views.all")))
        self._add(Wish("trash"), Content("  " + t("views.trash")))
        options.focus()
        options.highlighted = at if self._wishes[at] is not None else 1

    def _add(self, wish: Wish | None, line: Content) -> None:
        self._wishes.append(wish)
        self.query_one(OptionList).add_option(Option(line, disabled=wish is None))

    def _line(self, look: Look) -> Content:
        is_now = self.now is not None and look.address == self.now.address
        name = look.name if look.kind != "suggested" else t(f"views.suggest.{look.layout}", name=look.name)
        sentence = FilterDraft(self.info["fields"], look.query.filter).sentence() if look.query.filter else ""
        marks = [t("views.default")] if look.is_default else []
        return Content.assemble(
            ("▸ " if is_now else "  ", "bold"),
            (f"{SIGNS.get(look.layout, ' ')} ", "$foreground-muted"),
            (name + ("*" if is_now and self.changed else ""), "bold" if is_now else ""),
            (f"  {sentence}" if sentence else "", "$foreground-muted"),
            (f"  {', '.join(marks)}" if marks else "", "$secondary"),
        )

    @property
    def here(self) -> Look | None:
        at = self.query_one(OptionList).highlighted
        wish = self._wishes[at] if at is not None else None
        return wish.look if wish is not None else None

    def action_dialog_choose(self) -> None:
        self.query_one(OptionList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._wishes[event.option_index])

    def _tell(self, problem: str) -> None:
        self.query_one("#view-note", Static).update(problem)

    def action_views_keep(self) -> None:
        self.dismiss(Wish("keep"))

    def action_views_update(self) -> None:
        if self.now is None or self.now.kind != "own":
            self._tell(t("views.no_update"))
            return
        self.dismiss(Wish("update", self.now))

    def action_views_default(self) -> None:
        here = self.here
        if here is None or here.kind in ("suggested", "query"):
            self._tell(t("views.no_default"))
            return
        self.dismiss(Wish("default", here))

    def action_views_rename(self) -> None:
        self._on_own("rename")

    def action_views_delete(self) -> None:
        self._on_own("delete")

    def _on_own(self, what: Literal["rename", "delete"]) -> None:
        here = self.here
        if here is None or here.kind != "own":
            self._tell(t("views.not_own"))
            return
        self.dismiss(Wish(what, here))
