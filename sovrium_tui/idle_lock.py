"""The lock of a console that nobody uses: the server cannot tell a person from a console that reads what has changed."""

import time
from collections.abc import Awaitable, Callable

from screens.services.context import Context

EVERY = 5.0
"""Seconds between two looks."""


class IdleLock:
    """Ends the session once no key was pressed for as long as sessions may be idle (`session.inactivityTimeout`)."""

    def __init__(
        self, context: Context, end: Callable[[], Awaitable[None]], *, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._end = end
        self.seconds = seconds
        self._touched = seconds()

    def touch(self) -> None:
        """Somebody is there."""
        self._touched = self.seconds()

    async def look(self) -> None:
        port, hello = self._context.port, self._context.hello
        limit = hello["idleSeconds"] if hello is not None and port is not None and port.token is not None else 0
        if limit and self.seconds() - self._touched >= limit:
            self.touch()
            await self._end()
