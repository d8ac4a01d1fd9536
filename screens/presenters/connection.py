"""The life of the connection to the server: first contact, events, loss, return. No Textual.

`starting` → `online` ⇄ `lost`; `refused` when trying again by itself cannot help (a bad app file, a database held by
someone else, another version): a person mends it and asks again with `retry`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from core.client import Port, ServerGone, SovriumError
from screens.presenters.signal import Signal

if TYPE_CHECKING:
    from screens.services.context import Context

State = Literal["starting", "online", "lost", "refused"]
Opener = Callable[[], Awaitable[Port]]
"""Finds or starts the server and gives the way to it; raises a SovriumError that says why not."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further attempt; the last one repeats."""


class Connection:
    """State for the status line and the trouble screen, and the loop that keeps `Context` filled."""

    def __init__(self) -> None:
        self.state: State = "starting"
        self.problem: SovriumError | None = None
        self.attempt = 0
        self.changed: Signal[State] = Signal()
        self._wake = asyncio.Event()

    def retry(self) -> None:
        """Try again now."""
        self._wake.set()

    async def keep(self, context: Context, opener: Opener, *, pauses: tuple[float, ...] = PAUSES) -> None:
        """Connect, listen, reconnect; for ever, until cancelled."""
        while True:
            try:
                await self._session(context, opener)
            except SovriumError as error:
                self._lose(context, error)
            if self.state == "refused":
                await self._pause(None)
            else:
                await self._pause(pauses[min(self.attempt, len(pauses) - 1)])
                self.attempt += 1

    async def _session(self, context: Context, opener: Opener) -> None:
        port = await opener()
        try:
            hello, schema, jobs = await asyncio.gather(port.hello(), port.schema(), port.jobs())
            context.port, context.hello, context.schema = port, hello, schema
            self.attempt, self.problem = 0, None
            context.jobs.load(jobs["jobs"])
            self._enter("online")
            context.connected.publish(True)
            async for event in port.events():
                if event["kind"] == "schema":
                    context.schema = await port.schema()
                    context.schema_changed.publish(context.schema)
                context.jobs.hear(event)
                context.events.publish(event)
            raise ServerGone("The server has ended the stream of events")
        finally:
            await port.close()

    def _lose(self, context: Context, error: SovriumError) -> None:
        was_online = self.state == "online"
        self.problem = error
        context.port = None
        self._enter("lost" if may_pass(error) else "refused")
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
            if self.state == "refused":
                self._enter("starting")


def may_pass(error: SovriumError) -> bool:
    """Whether waiting can help: the server is away or busy. Not when another process holds the database."""
    return error.status in (503, 504) and error.exit_code == 1
