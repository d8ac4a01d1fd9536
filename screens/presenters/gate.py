"""Signing in to the server that the console has reached: which step it is, what is wrong, how long to wait. No Textual."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from core.client import Port, SovriumError
from screens.presenters.signal import Signal
from screens.services.text import t

if TYPE_CHECKING:
    from core.contract.auth import SignInAnswer, Ways
    from screens.services.context import Context

Step = Literal["password", "mail", "second"]
"""Address and password; the code, or the link, of a mail; the second factor."""
FAILURES, CLOSED_SECONDS = 3, 30.0
"""So many refusals in a row close the prompt for so long (A-002)."""


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
        """Ask how one can sign in here."""

        async def ask(port: Port) -> None:
            self.ways = await port.account.ways()
            if not self.ways["password"] and self.ways["emailCode"]:
                self.step = "mail"

        await self._do(ask)

    async def sign_in(self, email: str, password: str) -> bool:
        """With a password; True when it is done, else `step` and `problem` tell more."""
        self.email = email.strip()

        async def ask(port: Port) -> None:
            self._went(await port.account.sign_in(self.email, password))

        return await self._try(ask)

    async def second_step(self, code: str, *, trust: bool = False) -> bool:
        """With the code of the authenticator app, or a backup code."""

        async def ask(port: Port) -> None:
            await port.account.second_step("".join(code.split()), trust=trust)

        return await self._try(ask)

    async def send(self, email: str) -> None:
        """Have a code sent by mail; it is the same whether or not there is such an account."""
        self.email = email.strip()

        async def ask(port: Port) -> None:
            await port.account.send_code(self.email)
            self.step, self.note = "mail", t("login.sent", email=self.email)

        await self._do(ask)

    async def by_mail(self, text: str) -> bool:
        """With the code of the mail, or its link."""

        async def ask(port: Port) -> None:
            self._went(await port.account.sign_in_by(self.email, text))

        return await self._try(ask)

    def start_over(self) -> None:
        """Back to address and password."""
        self.step, self.problem, self.note = "password", "", ""
        self.changed.publish(None)

    def _went(self, answer: SignInAnswer) -> None:
        if answer.get("twoFactorRedirect"):
            self.step = "second"

    async def _try(self, ask: Callable[[Port], Awaitable[None]]) -> bool:
        """A try that may be refused; whether the session has begun."""
        if self.waits:
            self.changed.publish(None)
            return False
        refused = not await self._do(ask)
        self._failures = self._failures + 1 if refused else 0
        if self._failures >= FAILURES:
            self._failures, self._closed_until = 0, self._seconds() + CLOSED_SECONDS
        door = self._context.connection.door
        token = None if door is None or refused else door.token
        if token is None:
            self.changed.publish(None)
            return False
        self._context.keeper.keep(token, self.email)
        self._context.connection.retry()
        return True

    async def _do(self, ask: Callable[[Port], Awaitable[None]]) -> bool:
        """Ask the server; whether it was not refused. What is wrong is kept in `problem`."""
        door = self._context.connection.door
        if door is None:
            return False
        self.busy, self.problem = True, ""
        self.changed.publish(None)
        try:
            await ask(door)
        except SovriumError as error:
            self.problem = f"{error.message}. {error.hint}" if error.hint else error.message
            return False
        finally:
            self.busy = False
            self.changed.publish(None)
        return True
