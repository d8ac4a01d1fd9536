"""Which columns are shown, and in which order."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from screens.actions.binding import bindings_of
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.value import title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet


class ColumnManager(Sheet[None]):
    """Changes the layout at once; `changed` is told each time. reset: the layout as it is without choices."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("columns")]
    action_context = "columns"

    def __init__(
        self, context: Context, layout: ColumnLayout, changed: Callable[[], None], reset: Callable[[], ColumnLayout]
    ) -> None:
        super().__init__(context, t("columns.title"))
        self.layout_ = layout
        self.changed = changed
        self.reset = reset

    def compose_body(self) -> Iterable[Widget]:
        yield OptionList(compact=True, markup=False)

    def on_mount(self) -> None:
        self.paint(0)
        self.query_one(OptionList).focus()

    @property
    def at(self) -> int:
        return self.query_one(OptionList).highlighted or 0

    def paint(self, at: int | None = None) -> None:
        options = self.query_one(OptionList)
        at = self.at if at is None else at
        options.clear_options()
        frozen = {column.name for column in self.layout_.shown[: self.layout_.frozen]}
        for column in self.layout_.columns:
            mark = "[ ] " if column.hidden else "[x] "
            style = "$foreground-muted" if column.hidden else "bold"
            options.add_option(
                Option(
                    Content.assemble(
                        (mark, style),
                        (title_of(column.field), style),
                        (f"  {column.field['type']}", "$foreground-muted"),
                        (f"  {t('columns.frozen')}" if column.name in frozen else "", "$secondary"),
                    )
                )
            )
        options.highlighted = max(0, min(at, len(self.layout_.columns) - 1))

    def _done(self, at: int | None = None) -> None:
        self.changed()
        self.paint(at)

    def action_columns_toggle(self) -> None:
        column = self.layout_.columns[self.at]
        if self.layout_.hide(column.name, not column.hidden):
            self._done()
        else:
            self.app.bell()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_columns_toggle()

    def _move(self, step: int) -> None:
        at, columns = self.at, self.layout_.columns
        column = columns[at]
        if column.hidden or not 0 <= at + step < len(columns):
            return
        place = self.layout_.index(column.name)
        if place is not None:
            self.layout_.move(place, step)
            self._done(self.layout_.columns.index(column))

    def action_columns_up(self) -> None:
        self._move(-1)

    def action_columns_down(self) -> None:
        self._move(1)

    def action_columns_all(self) -> None:
        self.layout_.show_all()
        self._done()

    def action_columns_reset(self) -> None:
        self.layout_ = self.reset()
        self.paint(0)
