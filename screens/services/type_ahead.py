"""Keys typed faster than the console works: each waits until the one before has done all that it does.

Textual hands every key at once to the widget that has the focus *now*. Typed quickly, the second key of `e x` (open the
editor, write x) would reach the grid and clear the cell. Here a key is passed on only when the one before has travelled
from the focused widget up to the app, and the screen that it may have opened has taken the focus.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key


class TypeAhead:
    """The app gives every key that comes from the terminal to `take`; `pass_on` is what the app does with one."""

    def __init__(self, app: App[object], pass_on: Callable[[Key], Awaitable[None]]) -> None:
        self.app = app
        self.pass_on = pass_on
        self._waiting: deque[Key] = deque()
        self._busy = False
        self._held = 0

    async def take(self, key: Key) -> None:
        """A key has come."""
        self._waiting.append(key)
        if not self._busy and not self._held:
            await self._next()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Let keys wait while something is on its way that they are meant for (another place, a dialog)."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._busy and not self._held:
                self._busy = True
                self._arrived()

    async def _next(self) -> None:
        if not self._waiting:
            self._busy = False
            return
        self._busy = True
        key = self._waiting.popleft()
        start: DOMNode = self.app.focused or self.app.screen
        await self.pass_on(key)
        self._climb(list(start.ancestors_with_self))

    def _climb(self, chain: list[DOMNode]) -> None:
        """Follow the key's way up: a callback in each node's queue runs behind the key itself."""
        while chain:
            node = chain.pop(0)
            if node is self.app:
                break
            if node.call_later(self._climb, chain):
                return
        self.app.call_later(self._arrived)

    def _arrived(self) -> None:
        """The app itself is done with the key. A screen that came up in the meantime takes the focus first."""
        if not self.app.screen.call_later(self._settled):
            self.app.call_later(self._go_on)

    def _settled(self) -> None:
        self.app.call_later(self._go_on)

    async def _go_on(self) -> None:
        self._busy = False
        if not self._held:
            await self._next()
