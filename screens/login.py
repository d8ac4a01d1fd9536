"""Signing in and up: address and password, a code by mail, an invitation, a forgotten password, the second factor. Shown
whenever the server asks who one is, or wants something more of who has signed in."""

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
from screens.presenters.connection import WANTED
from screens.presenters.gate import FIELDS, SECRET, Field, Gate, Step
from screens.services.context import Context
from screens.services.style import STYLES
from screens.services.text import t
from screens.widgets.enrolment_sheet import EnrolmentSheet, SecretSheet
from screens.widgets.footer import KeyFooter

ORDER: tuple[Field, ...] = ("current", "email", "code", "name", "password", "again")
"""As the fields stand in the form, of which each step shows some."""
HIDDEN: tuple[Field, ...] = ("current", "password", "again")
TURNS: dict[str, Step] = {"login_join": "join", "login_invited": "invited", "login_forgotten": "forgotten"}
"""Actions that lead to another step."""


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
        self._painted: Step | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="login") as box:
            box.border_subtitle = Content(self.gate.address)
            yield Static(id="login-app", markup=False)
            for name in ORDER:
                yield Static(id=f"{name}-label", classes=f"label {name}", markup=False)
                value = self.gate.email if name == "email" else ""
                yield Input(value, password=name in HIDDEN, id=name, classes=name, compact=True)
            yield Static(id="login-note", markup=False)
            yield Static(id="login-problem", markup=False)
        yield KeyFooter(self.context)

    def on_mount(self) -> None:
        self._stops = [
            self.gate.changed.listen(lambda _: self.paint()),
            self.context.connection.changed.listen(self.follow),
        ]
        self._clock = self.set_interval(1, self.tick, pause=True)
        self.paint()
        self._field("password" if self.gate.email else "email").focus()
        self.run_worker(self.gate.begin(), exit_on_error=False)

    def on_unmount(self) -> None:
        for stop in self._stops:
            stop()

    def follow(self, state: str) -> None:
        """Leave with the session, or when there is no server any more; stay where the server wants something more."""
        if state in ("online", "lost", "refused"):
            self.dismiss(None)
        elif state == "signed-out" and not self.gate.busy:  # else it was found again for what was typed
            self.run_worker(self.gate.begin(), exclusive=True, exit_on_error=False)

    def tick(self) -> None:
        """Count the seconds of a closed prompt."""
        if not self.gate.waits and self._clock is not None:
            self._clock.pause()
        self.paint()

    # ── Painting ──

    def paint(self) -> None:
        gate, ways, wait = self.gate, self.gate.ways, self.gate.waits
        for name in ORDER:
            for widget in self.query(f".{name}"):
                widget.display = name in FIELDS[gate.step]
            self.query_one(f"#{name}-label", Static).update(Content(self._label(name)))
        self.query_one("#login", Vertical).border_title = Content(t(f"login.title.{gate.step}"))
        self.query_one("#login-app", Static).update(Content(ways["app"] if ways else gate.address))
        if wait and self._clock is not None:
            self._clock.resume()
        problem = t("login.closed", count=wait) if wait else gate.problem
        self.query_one("#login-problem", Static).update(Content.styled(problem, "bold $text-error"))
        note = t("login.asking") if gate.busy else gate.note
        self.query_one("#login-note", Static).update(Content.styled(note, "$foreground-muted"))
        for field in self.query(Input):
            field.disabled = bool(wait)
        focused = self.focused
        if not wait and (focused is None or not focused.display or gate.step != self._painted):
            empty = next((each for each in self._fields() if not self._value(each)), self._fields()[-1])
            self._field(empty).focus()
        if gate.step != self._painted:
            self.set_class(len(self._fields()) > 3 and self.app.size.height < 30, "tight")
        self._painted = gate.step
        self.refresh_bindings()

    def _label(self, name: Field) -> str:
        """What a field is called in this step."""
        step = self.gate.step
        if name == "code":
            return t({"second": "login.second", "mail": "login.code"}.get(step, "login.link"))
        if name == "password" and step in ("reset", "renew"):
            return t("account.new")
        return t(
            {"current": "account.current", "again": "login.again", "name": "login.name"}.get(name, f"login.{name}")
        )

    def _fields(self) -> tuple[Field, ...]:
        """The fields of the step, from above to below."""
        return FIELDS[self.gate.step]

    def _field(self, name: Field) -> Input:
        return self.query_one(f"#{name}", Input)

    def _value(self, name: Field) -> str:
        return self._field(name).value

    # ── What is typed ──

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: the next field; from the last one, in."""
        event.stop()
        if self.gate.busy or self.gate.waits:
            return
        names = self._fields()
        at = next(number for number, name in enumerate(names) if name == event.input.id)
        if at + 1 < len(names):
            if self.gate.step == "mail" and not self.gate.note:
                self.run_worker(self.gate.send(self._value("email")), exclusive=True, exit_on_error=False)
            self._field(names[at + 1]).focus()
        else:
            self.run_worker(self.submit(), exclusive=True, exit_on_error=False)

    async def submit(self) -> None:
        """Send what is in the fields; secrets leave them with it."""
        values = {name: self._value(name) for name in self._fields()}
        if (missing := self.gate.missing(values)) is not None:
            self._field(missing).focus()
            return
        link = self.gate.step in ("invited", "reset")
        for name in SECRET:
            if name != "code" or not link:  # a pasted link is good for another try
                self._field(name).clear()
        if await self.gate.submit(values) or self.gate.step not in ("enrol", *TURNS.values(), "reset", "renew"):
            return
        if self.gate.enrolment is not None:
            await self.enrol()
        elif self.gate.problem and "password" in FIELDS[self.gate.step]:
            self._field("password" if "current" not in values else "current").focus()

    async def enrol(self) -> None:
        """Set an authenticator app up, which the server asks for; then go in."""
        begun, door = self.gate.enrolment, self.context.connection.door
        if begun is None or not await self.app.push_screen(
            EnrolmentSheet(self.context, begun, door), wait_for_dismiss=True
        ):
            return
        if codes := begun.get("backupCodes"):
            sheet = SecretSheet(self.context, t("account.codes"), codes, t("account.codes-note"))
            await self.app.push_screen(sheet, wait_for_dismiss=True)
        self.gate.enrolled()

    # ── Actions ──

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "login_mail":
            return self.gate.step == "password" and self.gate.may("mail")
        if action in TURNS:
            return self.gate.step == "password" and self.gate.may(TURNS[action])
        return True

    async def action_login_enter(self) -> None:
        """The next field; from the last one, in."""
        if isinstance(self.focused, Input):
            await self.focused.action_submit()

    def action_login_mail(self) -> None:
        """Have a code sent in place of a password."""
        email = self._value("email")
        if email:
            self.run_worker(self.gate.send(email), exclusive=True, exit_on_error=False)
        else:
            self._field("email").focus()

    def action_login_join(self) -> None:
        self.gate.turn("join")

    def action_login_invited(self) -> None:
        self.gate.turn("invited")

    def action_login_forgotten(self) -> None:
        self.gate.turn("forgotten")

    def action_login_back(self) -> None:
        """Back to the first step; there, leave."""
        for name in SECRET:
            self._field(name).clear()
        if self.gate.step == "password":
            self.run_worker(self.action_app_quit(), exit_on_error=False)
        elif self.gate.step in WANTED.values():
            self.gate.give_up()
        else:
            self.gate.turn("password")

    async def action_app_quit(self) -> None:
        await self.app.run_action("app_quit", self.app)
