"""A question before something that cannot be taken back, as heavy as what it asks about."""

from collections.abc import Iterable

from textual.app import App
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from screens.services.text import t
from screens.widgets.dialog import Dialog


class Confirm(Dialog[bool]):
    """The safe button has the focus. With `typed`, that text must be written before the other one works."""

    BINDINGS = [
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(
        self, title: str, text: str = "", *, yes: str = "", no: str = "", danger: bool = True, typed: str = ""
    ) -> None:
        super().__init__()
        self.title_text, self.text, self.typed = title, text, typed
        self.yes, self.no, self.danger = yes or t("confirm.yes"), no or t("confirm.no"), danger

    def compose_box(self) -> Iterable[Widget]:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(self.title_text)
            if self.text:
                yield Static(self.text, markup=False, classes="dialog-text")
            if self.typed:
                yield Static(t("confirm.type", name=self.typed), markup=False, classes="dialog-hint")
                yield Input(id="typed")
            with Horizontal(classes="dialog-buttons"):
                yield Button(Content(self.no), id="no")
                yield Button(
                    Content(self.yes),
                    id="yes",
                    variant="error" if self.danger else "primary",
                    disabled=bool(self.typed),
                )

    def on_mount(self) -> None:
        self.query_one("#typed" if self.typed else "#no").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value.strip() != self.typed

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self.typed:
            self.dismiss(True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    async def action_dialog_choose(self) -> None:
        """Enter: the button, or the word, that has the focus."""
        if isinstance(self.focused, Button):
            self.focused.action_press()
        elif isinstance(self.focused, Input):
            await self.focused.action_submit()

    def action_dialog_leave(self) -> None:
        self.dismiss(False)


async def confirm(
    app: App[object],
    title: str,
    text: str = "",
    *,
    yes: str = "",
    no: str = "",
    danger: bool = True,
    typed: str = "",
) -> bool:
    """Ask; True for yes. Await it in a worker (`@work`). All texts come translated."""
    return await app.push_screen_wait(Confirm(title, text, yes=yes, no=no, danger=danger, typed=typed))
