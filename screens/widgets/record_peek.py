"""A record to look at, over whatever is on screen."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from core.contract.records import Record
from core.contract.tables import FieldInfo, TableInfo
from screens.presenters.format import formatter, is_labelled
from screens.presenters.format.line import one_line
from screens.presenters.value import show, title_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet, padded


class RecordPeek(Sheet[bool]):
    """Esc or K closes; Enter goes to the record (dismisses with True)."""

    DEFAULT_CSS = """
    RecordPeek > .sheet { width: 76; }
    RecordPeek VerticalScroll { height: auto; max-height: 60vh; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+right_square_bracket", "go", show=False),
        Binding("K,q", "dialog_leave", show=False),
    ]

    def __init__(self, context: Context, info: TableInfo, record: Record, shown: Mapping[str, Any]) -> None:
        """shown: the values as people read them, where those of the record are keys of others."""
        label = record["fields"].get(info["displayField"]) or record["id"]
        super().__init__(context, f"{info['name']} · {label}")
        self.info, self.record, self.shown = info, record, shown

    def compose_body(self) -> Iterable[Widget]:
        lines = []
        for field in self.info["fields"]:
            if field["name"] in self.record["fields"] and not field["system"]:
                value = self.record["fields"][field["name"]]
                style = "$foreground-muted" if value is None else "$foreground"
                text = padded(title_of(field), 20, "$foreground-muted")
                lines.append(Content.assemble(text, (self._text(field, value), style)))
        with VerticalScroll():
            yield Static(Content("\n").join(lines), markup=False)
        yield Static(t("peek.keys"), classes="sheet-note", markup=False)

    def _text(self, field: FieldInfo, value: Any) -> str:
        if value is None or value == "" or value == []:
            return show(field, value)
        if is_labelled(field) and (name := self.shown.get(field["name"])):
            return one_line(str(name))
        return formatter(field)(value)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_go(self) -> None:
        self.dismiss(True)
