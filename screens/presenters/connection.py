"""The life of the connection to the server: first contact, events, loss, return. No Textual.

`starting` → `online` ⇄ `lost`; `signed-out` when the server asks who one is: `door` is the way to it until `retry` is
asked for with a session; `refused` when trying again by itself cannot help (a bad app file, a database held by
someone else, another version): a person mends it and asks again with `retry`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Literal, Protocol

from core.client import Port, ServerGone, SovriumError
from screens.presenters.acting import Acting
from screens.presenters.signal import Signal
from screens.services.text import t
from screens.services.wording import worded

if TYPE_CHECKING:
    from screens.services.context import Context

State = Literal["starting", "online", "lost", "signed-out", "refused"]
Opener = Callable[[], Awaitable[Port]]
"""Finds or starts the server and gives the way to it; raises a SovriumError that says why not."""

SIGNED_OUT = 401
WANTED: Mapping[str, Literal["renew", "enrol"]] = {"PASSWORD_CHANGE_REQUIRED": "renew", "MFA_REQUIRED": "enrol"}
"""Codes by which the server wants something more of who has signed in, and the step of the prompt that does it."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt; the last one repeats."""


class Keeper(Protocol):
    """Remembers sessions between runs of the console."""

    address: str
    """The server, as people call it."""
    email: str
    """The address that was used last."""

    def keep(self, token: str, email: str) -> None: ...
    def forget(self) -> None: ...


class NoKeeper:
    """Remembers nothing."""

    address = email = ""

    def keep(self, token: str, email: str) -> None:
        """Not kept."""

    def forget(self) -> None:
        """Nothing to forget."""


class NoServer(Exception):
    """No server could be found or started; `reason` says why. Waiting does not help."""

    def __init__(self, reason: SovriumError) -> None:
        super().__init__(reason.message)
        self.reason = reason


class WrongVersion(SovriumError):
    """The server that runs is of another version than this console."""

    code = "WRONG_VERSION"
    status = 409

    def __init__(self, theirs: str, ours: str, pid: int) -> None:
        super().__init__(t("connection.wrong-version", theirs=theirs, ours=ours, pid=pid), hint=t("connection.stop-it"))


class Connection:
    """State for the status line and the trouble screen, and the loop that keeps `Context` filled."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self.problem: SovriumError | None = None
        self.attempt = 0
        self.pauses = PAUSES
        self.changed: Signal[State] = Signal()
        self.door: Port | None = None
        """The way to a server that one has to sign in to."""
        self.acting: Acting | None = None
        """As whom everything is asked, where that is somebody else."""
        self._wake = asyncio.Event()

    def retry(self) -> None:
        """Try again now."""
        self._wake.set()

    async def keep(self, context: Context, opener: Opener, *, version: str = "") -> None:
        """Connect, listen, reconnect; for ever, until cancelled. version: what the server must be, "" = any."""
        while True:
            try:
                await self._session(context, opener, version)
            except NoServer as stopper:
                self._lose(context, stopper.reason, "refused")
            except WrongVersion as error:
                self._lose(context, error, "refused")
            except SovriumError as error:
                self._lose(context, error, "signed-out" if self.door is not None else "lost")
            if self.state in ("refused", "signed-out"):
                try:
                    await self._pause(None)
                finally:
                    await self._shut_door()
            else:
                await self._pause(self.pauses[min(self.attempt, len(self.pauses) - 1)])
                self.attempt += 1

    async def _session(self, context: Context, opener: Opener, version: str) -> None:
        try:
            port = await opener()
            port.wording, port.read_only = worded, context.read_only
        except ServerGone:
            raise
        except SovriumError as error:
            raise NoServer(error) from error
        acting = self.acting
        if acting is not None:
            port.token, port.is_acting = acting.token, True
        try:
            hello = await port.hello()
            if version and hello["version"] != version:
                raise WrongVersion(hello["version"], version, hello["pid"])
            schema, jobs = await asyncio.gather(port.schema(), port.jobs())
            context.port, context.hello, context.schema = port, hello, schema
            self.attempt, self.problem = 0, None
            context.jobs.load(jobs["jobs"])
            self._enter("online")
            context.connected.publish(True)
            async for event in port.events():
                if event["kind"] == "schema" and event.get("state") != "refused":
                    context.hello, context.schema = await asyncio.gather(port.hello(), port.schema())
                    context.schema_changed.publish(context.schema)
                context.jobs.hear(event)
                context.events.publish(event)
            raise ServerGone("The server has ended the stream of events")
        except SovriumError as error:
            if (error.status == SIGNED_OUT or error.code in WANTED) and acting is None:
                self.door = port
            elif error.status == SIGNED_OUT:
                self._end(context, acting)
            raise
        finally:
            if self.door is not port:
                await port.close()

    @staticmethod
    def _end(context: Context, acting: Acting | None) -> None:
        """The session in which somebody acted as another is over."""
        if acting is not None and context.connection.acting is acting:
            context.be_oneself()

    async def _shut_door(self) -> None:
        door, self.door = self.door, None
        if door is not None:
            await door.close()

    def _lose(self, context: Context, error: SovriumError, state: State) -> None:
        was_online = self.state == "online"
        error.put(worded)
        self.problem = error
        context.port = None
        self._enter(state)
        if was_online:
            context.connected.publish(False)

    def _enter(self, state: State) -> None:
        self.state = state
        self.changed.publish(state)

    async def _pause(self, seconds: float | None) -> None:
        self._wake.clear()
        jitter = None if seconds is None else seconds * random.uniform(0.9, 1.1)
        try:
            await asyncio.wait_for(self._wake.wait(), jitter)
        except TimeoutError:
            pass
        else:
            self.attempt = 0
            if self.state in ("refused", "signed-out"):
                self._enter("starting")
