"""The messages of this session, for who missed a toast."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.services.context import Context
from screens.services.text import t
from screens.widgets.dialog import Dialog

MARKS = {"information": ("·", "$primary"), "warning": ("!", "bold $warning"), "error": ("✕", "bold $error")}


class MessagesScreen(Dialog[None]):
    """Newest first."""

    BINDINGS = [Binding("q,enter", "dialog_leave", show=False)]

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context

    def compose_box(self) -> Iterable[Widget]:
        with Vertical(classes="dialog", id="messages") as box:
            box.border_title = Content(t("messages.title"))
            with VerticalScroll():
                yield Static(self.text(), id="messages-text", markup=False)

    def text(self) -> Content:
        """All messages; a kind word when there are none."""
        lines = []
        for message in reversed(self.context.messages.messages):
            mark, style = MARKS[message.severity]
            head = f"{message.title}: " if message.title else ""
            lines.append(
                Content.assemble(
                    (f"{message.time:%H:%M:%S} ", "$foreground-muted"), (f"{mark} ", style), f"{head}{message.text}"
                )
            )
        return Content("\n").join(lines) if lines else Content.styled(t("messages.none"), "$foreground-muted")
