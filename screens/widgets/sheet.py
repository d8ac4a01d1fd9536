"""The frame of the dialogs over tables: a title and a body."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.worker import Worker

from screens.actions.binding import bindings_for, chain_of
from screens.actions.registry import BY_ID
from screens.services.context import Context
from screens.widgets.defect import tell_defect
from screens.widgets.dialog import Dialog

T = TypeVar("T")


class Sheet(Dialog[T]):
    """Base of a dialog in a frame; a subclass claims an action context and yields its widgets."""

    DEFAULT_CSS = """
    Sheet { align: center middle; background: $background 60%; }
    Sheet > .sheet {
        width: 100; max-width: 96%; height: auto; max-height: 92%; background: $surface;
        border: round $primary; border-title-color: $primary; border-title-style: bold;
        border-subtitle-color: $foreground-muted; padding: 0;
    }
    Sheet .sheet-body { height: auto; padding: 1 2; layers: base editor; }
    Sheet OptionList {
        border: none; background: transparent; padding: 0; height: auto; max-height: 18; scrollbar-size-vertical: 1;
    }
    Sheet OptionList > .option-list--option { padding: 0 1; }
    Sheet OptionList > .option-list--option-disabled { color: $foreground; text-style: bold; }
    Sheet OptionList > .option-list--option-highlighted { background: $block-cursor-blurred-background; color: $foreground; }
    Sheet OptionList:focus > .option-list--option-highlighted {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: none;
    }
    Sheet Input { border: none; height: 1; padding: 0 1; background: $boost; }
    Sheet .sheet-note { color: $foreground-muted; height: auto; }
    Sheet .sheet-problem { color: $text-error; text-style: bold; height: auto; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_for([BY_ID["app.help"]]),
        Binding("j", "list_down", show=False),
        Binding("k", "list_up", show=False),
    ]

    def __init__(self, context: Context, title: str) -> None:
        super().__init__()
        self.context = context
        self.sheet_title = title

    def compose_box(self) -> Iterable[Widget]:
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = Content(self.sheet_title)
            with Container(classes="sheet-body"):
                yield from self.compose_body()

    def compose_body(self) -> Iterable[Widget]:
        """The dialog's own widgets."""
        return ()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        tell_defect(self.app, event)

    def action_list_down(self) -> None:
        if isinstance(self.focused, OptionList):
            self.focused.action_cursor_down()

    def action_list_up(self) -> None:
        if isinstance(self.focused, OptionList):
            self.focused.action_cursor_up()

    def action_app_help(self) -> None:
        from screens.help import HelpScreen

        self.app.push_screen(HelpScreen(self.context, chain_of(self), self.sheet_title))


def padded(text: str, width: int, style: str = "") -> Content:
    """A text in exactly so many cells, cut with `…`."""
    content = Content(text.replace("\n", " "))
    if content.cell_length > width:
        content = content.truncate(max(1, width), ellipsis=True)
    return Content.assemble((content.plain + " " * (width - content.cell_length), style))
