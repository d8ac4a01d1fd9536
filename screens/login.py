"""Signing in: address and password, a code by mail, the second factor. Shown whenever the server asks who one is."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static

from screens.actions.binding import bindings_for, bindings_of
from screens.actions.registry import BY_ID
from screens.presenters.gate import Gate, Step
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.footer import KeyFooter

FIELDS: dict[Step, tuple[str, ...]] = {
    "password": ("email", "password"),
    "mail": ("email", "code"),
    "second": ("code",),
}


class LoginScreen(ModalScreen[None]):
    """Stays until the server has let one in. Nothing that is typed into a secret field is ever shown, or kept after it was
    sent (A-268)."""

    CSS_PATH = STYLES / "login.tcss"
    BINDINGS = [*bindings_of("login"), *bindings_for([BY_ID["app.quit"]])]
    action_context = "login"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.gate = Gate(context)
        self._stops: list[Callable[[], None]] = []
        self._clock: Timer | None = None
        self._painted: Step = self.gate.step

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="login") as box:
            box.border_title = t("login.title")
            box.border_subtitle = self.gate.address
            yield Static(id="login-app")
            yield Static(t("login.email"), classes="label email")
            yield Input(self.gate.email, id="email", classes="email", compact=True)
            yield Static(t("login.password"), classes="label password")
            yield Input(password=True, id="password", classes="password", compact=True)
            yield Static(t("login.code"), id="code-label", classes="label code")
            yield Input(id="code", classes="code", compact=True)
            yield Static(id="login-note")
            yield Static(id="login-problem")
        yield KeyFooter(self.context)

    def on_mount(self) -> None:
        self._stops = [
            self.gate.changed.listen(lambda _: self.paint()),
            self.context.connection.changed.listen(self.follow),
        ]
        self._clock = self.set_interval(1, self.tick, pause=True)
        self.paint()
        self.query_one("#password" if self.gate.email else "#email", Input).focus()
        self.run_worker(self.gate.begin(), exit_on_error=False)

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def follow(self, state: str) -> None:
        """Leave with the session, or when there is no server any more."""
        if state in ("online", "lost", "refused"):
            self.dismiss(None)

    def tick(self) -> None:
        """Count the seconds of a closed prompt."""
        if not self.gate.waits and self._clock is not None:
            self._clock.pause()
        self.paint()

    def paint(self) -> None:
        gate = self.gate
        shown = FIELDS[gate.step]
        for name in ("email", "password", "code"):
            for widget in self.query(f".{name}"):
                widget.display = name in shown
        ways = gate.ways
        self.query_one("#login-app", Static).update(Content(ways["app"] if ways else gate.address))
        label = t("login.second" if gate.step == "second" else "login.code")
        self.query_one("#code-label", Static).update(Content(label))
        wait = gate.waits
        if wait and self._clock is not None:
            self._clock.resume()
        problem = t("login.closed", count=wait) if wait else gate.problem
        self.query_one("#login-problem", Static).update(Content.styled(problem, "bold $text-error"))
        note = t("login.asking") if gate.busy else gate.note
        if not note and gate.step == "password" and ways is not None and ways["emailCode"]:
            note = t("login.or-mail")
        self.query_one("#login-note", Static).update(Content.styled(note, "$foreground-muted"))
        for field in self.query(Input):
            field.disabled = bool(wait)
        focused = self.focused
        if not wait and (focused is None or not focused.display or gate.step != self._painted):
            self.query_one(f"#{shown[-1]}", Input).focus()
        self._painted = gate.step

    # ── What is typed ──

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.gate.busy or self.gate.waits:
            return
        names = FIELDS[self.gate.step]
        here = event.input.id or ""
        following = names[names.index(here) + 1 :] if here in names else ()
        if following and not (
            self.gate.step == "mail" and not self._value("code") and here == "email" and self.gate.note
        ):
            if self.gate.step == "mail" and not self.gate.note:
                self.run_worker(self.gate.send(self._value("email")), exclusive=True, exit_on_error=False)
            self.query_one(f"#{following[0]}", Input).focus()
            return
        self.run_worker(self.submit(), exclusive=True, exit_on_error=False)

    async def submit(self) -> None:
        """Send what is in the fields; secrets leave them with it."""
        gate, email = self.gate, self._value("email")
        if gate.step == "password":
            password = self._take("password")
            if not email or not password:
                self.query_one("#email" if not email else "#password", Input).focus()
                return
            await gate.sign_in(email, password)
        elif code := self._take("code"):
            await (gate.second_step(code) if gate.step == "second" else gate.by_mail(code))

    def _value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _take(self, name: str) -> str:
        field = self.query_one(f"#{name}", Input)
        value, field.value = field.value, ""
        return value

    # ── Actions ──

    def action_login_mail(self) -> None:
        """Have a code sent in place of a password."""
        ways, email = self.gate.ways, self._value("email")
        if ways is None or not ways["emailCode"] or self.gate.waits:
            return
        if not email:
            self.query_one("#email", Input).focus()
            return
        self.run_worker(self.gate.send(email), exclusive=True, exit_on_error=False)

    def action_login_back(self) -> None:
        """Back to the first step; there, leave."""
        if self.gate.step == "password":
            self.run_worker(self.action_app_quit(), exit_on_error=False)
        else:
            self._take("code")
            self.gate.start_over()

    async def action_app_quit(self) -> None:
        await self.app.run_action("app_quit", self.app)
