"""Signing in to the server that the console has reached: which step it is, what is wrong, how long to wait. No Textual."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal

from core.client import Port, ServerGone, SovriumError
from screens.presenters.connection import WANTED
from screens.presenters.signal import Signal
from screens.services.text import t

if TYPE_CHECKING:
    from core.contract.auth import EnrolmentBody, Ways
    from screens.services.context import Context

Step = Literal["password", "mail", "second", "join", "invited", "forgotten", "reset", "renew", "enrol"]
Field = Literal["name", "email", "current", "code", "password", "again"]
FIELDS: Mapping[Step, tuple[Field, ...]] = {
    "password": ("email", "password"),
    "mail": ("email", "code"),
    "second": ("code",),
    "join": ("email", "name", "password", "again"),
    "invited": ("code", "name", "password", "again"),
    "forgotten": ("email",),
    "reset": ("code", "password", "again"),
    "renew": ("current", "password", "again"),
    "enrol": ("current",),
}
"""What is typed in each step. `join`: a new account; `invited`: with the link of an invitation; `forgotten`, `reset`:
another password by mail; `renew`, `enrol`: what the server wants of somebody who has signed in."""
SECRET: tuple[Field, ...] = ("current", "code", "password", "again")
"""Never kept once they were sent."""
OPTIONAL: Mapping[Step, tuple[Field, ...]] = {"invited": ("name",)}
FAILURES, CLOSED_SECONDS = 3, 30.0
"""So many refusals in a row close the prompt for so long (A-002)."""
Values = Mapping[Field, str]


class Gate:
    """One attempt to get in, from the first prompt to the session."""

    def __init__(self, context: Context, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._seconds = seconds
        self.step: Step = "password"
        self.ways: Ways | None = None
        self.email = context.keeper.email
        self.problem = ""
        self.note = ""
        self.busy = False
        self.enrolment: EnrolmentBody | None = None
        """What an authenticator app is to be told; the session begins once it has shown a code."""
        self.changed: Signal[None] = Signal()
        self._failures = 0
        self._closed_until = 0.0

    @property
    def address(self) -> str:
        return self._context.keeper.address

    @property
    def waits(self) -> int:
        """Seconds until the prompt opens again; 0: it is open."""
        return max(0, round(self._closed_until - self._seconds()))

    async def begin(self) -> None:
        """Ask how one can sign in here, or go on where the server wants something of who has signed in."""
        connection = self._context.connection
        wanted = WANTED.get(connection.problem.code) if connection.problem is not None else None
        if connection.door is not None and connection.door.token is not None and wanted is None:
            connection.door.token, self.note = None, t("login.ended")

        async def ask(port: Port) -> None:
            self.ways = await port.account.ways()
            if not self.ways["password"] and self.ways["emailCode"]:
                self.step = "mail"

        await self._do(ask)
        if wanted is not None:
            self.turn(wanted)

    def may(self, step: Step) -> bool:
        """Whether the app has that way."""
        ways = self.ways
        if ways is None or self.waits:
            return False
        match step:
            case "mail":
                return ways["emailCode"]
            case "join":
                return ways["password"] and ways["signUp"]
        return ways["password"]

    def turn(self, step: Step) -> None:
        """Go to another step."""
        self.step, self.problem = step, ""
        self.note = t(f"login.note.{step}") if step in ("invited", "forgotten", "reset", "renew", "enrol") else ""
        self.changed.publish(None)

    def missing(self, values: Values) -> Field | None:
        """The first field of the step that has to be filled in."""
        optional = OPTIONAL.get(self.step, ())
        return next((each for each in FIELDS[self.step] if not values[each] and each not in optional), None)

    async def submit(self, values: Values) -> bool:
        """Send what was typed in this step; True when the session has begun, else `step` and `problem` tell more."""
        if "again" in FIELDS[self.step] and values["password"] != values["again"]:
            self.problem = t("account.different")
            self.changed.publish(None)
            return False
        self.email = values.get("email", self.email).strip()
        match self.step:
            case "password":
                return await self._try(lambda port: self._sign_in(port, values))
            case "mail":
                return await self._try(lambda port: self._by_mail(port, values))
            case "second":
                return await self._try(lambda port: port.account.second_step("".join(values["code"].split())))
            case "join":
                return await self._try(lambda port: self._join(port, values))
            case "invited":
                return await self._try(lambda port: self._accept(port, values))
            case "forgotten":
                return await self._try(self._forgotten)
            case "reset":
                return await self._try(lambda port: self._reset(port, values))
            case "renew":
                return await self._try(lambda port: port.account.change_password(values["current"], values["password"]))
            case "enrol":
                return await self._try(lambda port: self._enrol(port, values))

    async def send(self, email: str) -> None:
        """Have a code sent by mail; it is the same whether or not there is such an account."""
        self.email = email.strip()

        async def ask(port: Port) -> None:
            await port.account.send_code(self.email)
            self.step, self.note = "mail", t("login.sent", email=self.email)

        await self._do(ask)

    def give_up(self) -> None:
        """Forget the session from which the server wants something more; somebody else may sign in."""
        self._context.keeper.forget()
        if (door := self._context.connection.door) is not None:
            door.token = None
        self.turn("password")

    def enrolled(self) -> None:
        """The authenticator app has shown its first code."""
        self.enrolment = None
        self._enter()

    # ── Steps ──

    async def _sign_in(self, port: Port, values: Values) -> None:
        answer = await port.account.sign_in(self.email, values["password"])
        if answer.get("twoFactorRedirect"):
            self.turn("second")

    async def _by_mail(self, port: Port, values: Values) -> None:
        answer = await port.account.sign_in_by(self.email, values["code"])
        if answer.get("twoFactorRedirect"):
            self.turn("second")

    async def _join(self, port: Port, values: Values) -> None:
        if not (await port.account.sign_up(values["name"], self.email, values["password"])).get("token"):
            self.turn("password")
            self.note = t("login.joined", email=self.email)

    async def _accept(self, port: Port, values: Values) -> None:
        answer = await port.account.accept_invitation(values["code"], values["name"], values["password"])
        self.email = answer["user"]["email"] or ""

    async def _forgotten(self, port: Port) -> None:
        await port.account.forgotten(self.email)
        self.turn("reset")

    async def _reset(self, port: Port, values: Values) -> None:
        await port.account.reset_password(values["code"], values["password"])
        self.turn("password")
        self.note = t("login.reset-done")

    async def _enrol(self, port: Port, values: Values) -> None:
        self.enrolment = await port.account.begin_factor(values["current"])

    async def _try(self, ask: Callable[[Port], Awaitable[None]]) -> bool:
        """A try that may be refused; whether the session has begun."""
        if self.waits:
            self.changed.publish(None)
            return False
        door = self._context.connection.door
        before = door.token if door is not None else None
        refused = not await self._do(ask)
        door = self._context.connection.door
        self._failures = self._failures + 1 if refused else 0
        if self._failures >= FAILURES:
            self._failures, self._closed_until = 0, self._seconds() + CLOSED_SECONDS
        if refused or door is None or door.token == before:
            self.changed.publish(None)
            return False
        self._enter()
        return True

    def _enter(self) -> None:
        """Keep the session that has begun, and go in with it."""
        door = self._context.connection.door
        if door is not None and door.token is not None:
            self._context.keeper.keep(door.token, self.email)
            self._context.connection.retry()

    async def _do(self, ask: Callable[[Port], Awaitable[None]]) -> bool:
        """Ask the server; whether it was not refused. What is wrong is kept in `problem`."""
        door = self._context.connection.door
        if door is None:
            return False
        self.busy, self.problem = True, ""
        self.changed.publish(None)
        try:
            try:
                await ask(door)
            except ServerGone:
                await ask(await self._found_again(door))
        except SovriumError as error:
            self.problem = f"{error.message}. {error.hint}" if error.hint else error.message
            return False
        finally:
            self.busy = False
            self.changed.publish(None)
        return True

    async def _found_again(self, former: Port) -> Port:
        """The server, started anew: one in the background ends when nobody is in, and who takes long to sign in is not yet.
        Raises ServerGone."""
        connection, settled = self._context.connection, asyncio.Event()
        stop = connection.changed.listen(lambda state: settled.set() if state != "starting" else None)
        try:
            connection.retry()
            await settled.wait()
        finally:
            stop()
        if connection.door is None:
            raise ServerGone(t("login.gone"))
        connection.door.token = former.token
        return connection.door
