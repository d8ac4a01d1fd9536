"""What opens over a place and keeps all keys until it is left: its own keys stand in the last line."""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from screens.actions.binding import bindings_of
from screens.widgets.footer import KeyFooter

T = TypeVar("T")


class Dialog(ModalScreen[T]):
    """Base of a dialog; a subclass yields its box in `compose_box` and may claim action contexts. Esc leaves."""

    DEFAULT_CSS = """
    Dialog KeyFooter { dock: bottom; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("dialog")]
    action_context: str | tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        yield from self.compose_box()
        yield KeyFooter(self.app.context)

    def compose_box(self) -> Iterable[Widget]:
        """The dialog itself."""
        return ()

    def action_dialog_leave(self) -> None:
        """Without an answer."""
        self.dismiss(None)
