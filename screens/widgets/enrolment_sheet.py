"""Setting up an authenticator app: the code to photograph, the same as text, and the first number of the app (A-110)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from core.client import Port, SovriumError
from core.contract.auth import EnrolmentBody
from screens.actions.binding import bindings_of
from screens.presenters.qr import in_groups, qr_lines, short_uri
from screens.presenters.refusal import problem_of
from screens.services.context import Context
from screens.services.text import t
from screens.widgets.sheet import Sheet

ROUND_ABOUT = 3
"""Lines that the frame needs at least."""


class EnrolmentSheet(Sheet[bool]):
    """True once a code was right. Where the picture does not fit, there is the text alone. `door`: where to show the code,
    for somebody who is not in yet."""

    DEFAULT_CSS = """
    EnrolmentSheet > .sheet { width: auto; max-width: 100%; max-height: 100%; }
    EnrolmentSheet .sheet-body { layout: horizontal; height: auto; width: auto; max-width: 100%; padding: 0 1; }
    EnrolmentSheet #qr { width: auto; color: ansi_white; background: ansi_black; }
    EnrolmentSheet #qr:ansi { color: ansi_default; background: ansi_default; }
    EnrolmentSheet #enrolment-text { width: 34; height: auto; padding: 0 0 0 2; }
    EnrolmentSheet.textual #enrolment-text { width: 70; padding: 1; }
    EnrolmentSheet Static { margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("form", priority=True)]
    action_context = "form"

    def __init__(self, context: Context, enrolment: EnrolmentBody, door: Port | None = None) -> None:
        super().__init__(context, t("account.enrol"))
        self.enrolment, self.door = enrolment, door

    def compose_body(self) -> Iterable[Widget]:
        yield Static(id="qr", markup=False)
        with Vertical(id="enrolment-text"):
            yield Static(t("account.enrol-note"), classes="sheet-note", markup=False)
            yield Static(t("account.enrol-secret"), classes="sheet-note", markup=False)
            yield Static(in_groups(self.enrolment["secret"]), id="secret", markup=False)
            yield Static(t("account.enrol-code"), classes="sheet-note", markup=False)
            yield Input(id="code", compact=True)
            yield Static(id="form-problem", classes="sheet-problem", markup=False)

    def on_mount(self) -> None:
        size = self.app.size
        uri = short_uri(self.enrolment["totpURI"])
        lines = qr_lines(uri)
        if len(lines) + ROUND_ABOUT > size.height:
            lines = qr_lines(uri, 1)
        fits = len(lines) + ROUND_ABOUT <= size.height and len(lines[0]) + 38 <= size.width
        picture = self.query_one("#qr", Static)
        picture.display = fits and not getattr(self.app, "plain", False)
        self.set_class(not picture.display, "textual")
        picture.update(Content("\n".join(lines)))
        self.query_one("#form-problem").display = False
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_form_accept()

    @work(exclusive=True, group="form", exit_on_error=False)
    async def action_form_accept(self) -> None:
        port, line = self.door or self.context.port, self.query_one(Input)
        if port is None:
            return
        try:
            await port.account.confirm_factor("".join(line.value.split()))
        except SovriumError as error:
            said = self.query_one("#form-problem", Static)
            said.display = True
            said.update(problem_of(error))
            line.clear()
            return
        self.dismiss(True)

    def action_dialog_leave(self) -> None:
        self.dismiss(False)


class SecretSheet(Sheet[None]):
    """What is told once: backup codes, the secret of a key. Ctrl+S copies it."""

    DEFAULT_CSS = """
    SecretSheet > .sheet { width: 76; }
    SecretSheet Static, SecretSheet Container { height: auto; }
    SecretSheet .sheet-note { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("secret", priority=True)]
    action_context = "secret"

    def __init__(self, context: Context, title: str, lines: Iterable[str], note: str) -> None:
        super().__init__(context, title)
        self.lines, self.note = list(lines), note

    def compose_body(self) -> Iterable[Widget]:
        with Container():
            yield Static("\n".join(self.lines), markup=False)
        yield Static(self.note, classes="sheet-note", markup=False)

    async def action_secret_copy(self) -> None:
        await self.context.clipboard.copy("\n".join(self.lines))
        self.notify(t("account.copied"))

    def action_secret_done(self) -> None:
        self.dismiss(None)
