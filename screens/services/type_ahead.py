"""Keys typed faster than the console works: each waits until the one before has done all that it does.

Textual hands every key at once to the widget that has the focus *now*. Typed quickly, the second key of `e x` (open the
editor, write x) would reach the grid and clear the cell. Here a key is passed on only when the one before has travelled
from the focused widget up to the app, and the screen that it may have opened has taken the focus.
"""

from __future__ import annotations

from asyncio import sleep
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, Paste

Typed = Key | Paste
"""A text that is pasted waits like a key: it is meant for what the key before it opens."""


class TypeAhead:
    """The app gives every key that comes from the terminal to `take`, and tells `returned` when one has come back to it
    unused by the widgets; `pass_on` is what the app does with a key, and says whether that is all of it: then nothing of
    the key is on its way, and the next one need not wait."""

    def __init__(self, app: App[object], pass_on: Callable[[Typed], Awaitable[bool]]) -> None:
        self.app = app
        self.pass_on = pass_on
        self._waiting: deque[Typed] = deque()
        self._current: Typed | None = None
        self._chain: list[DOMNode] = []
        self._climbing = False
        self._once_more = False
        self._held = 0
        self._give_up: Callable[[], object] | None = None

    async def take(self, key: Typed) -> None:
        """A key has come."""
        if self._give_up is not None and isinstance(key, Key) and key.key == "escape":
            self._waiting.clear()  # they were meant for what is given up
            self._give_up()
            return
        self._waiting.append(key)
        if self._held:
            return
        if self._current is None:
            await self._next()
        elif not self._climbing:
            self._climbing = True
            self._climb(self._current)

    def returned(self, key: Typed) -> None:
        """A key has travelled up to the app, which has done what is bound to it. A widget may have been told to say more of
        it (`Input.Submitted`): that travels up as the key has."""
        if key is self._current:
            self._chain = list((self.app.focused or self.app.screen).ancestors_with_self)
            self._climbing = True
            self._climb(key)

    @asynccontextmanager
    async def hold(self, give_up: Callable[[], object] | None = None) -> AsyncIterator[None]:
        """Let keys wait while something is on its way that they are meant for (another place, a dialog). give_up: Esc does
        not wait, but calls it."""
        self._held += 1
        outer, self._give_up = self._give_up, give_up or self._give_up
        try:
            yield
        finally:
            self._held -= 1
            self._give_up = outer
            if self._current is None:
                self._current, self._climbing = HELD, True
                self._arrived(HELD)
            else:
                self._once_more = True
                if self._waiting and not self._climbing:
                    # What was typed meanwhile waits for a key that a widget has used up.
                    self._climbing = True
                    self._climb(self._current)

    async def _next(self) -> None:
        while self._waiting and not self._held:
            key = self._current = self._waiting.popleft()
            start: DOMNode = self.app.focused or self.app.screen
            self._chain = list(start.ancestors_with_self)
            self._climbing = bool(self._waiting)
            if not await self.pass_on(key):
                if self._climbing:
                    self._climb(key)
                return
            self._current = None

    def _climb(self, key: Typed) -> None:
        """A widget may have used the key up, then it never returns: a callback in the queue of each node on its way runs
        behind it."""
        if key is not self._current:
            return
        while self._chain:
            # Behind the app as well: what a key does there may ask for the focus.
            if self._chain.pop(0).call_later(self._climb, key):
                return
        self._arrived(key)

    def _arrived(self, key: Typed) -> None:
        """The key is done with. A screen that came up in the meantime takes the focus first."""
        if not self.app.screen.call_later(self._settle, key):
            self._settle(key)

    def _settle(self, key: Typed) -> None:
        self.app.call_later(self._go_on, key)

    async def _go_on(self, key: Typed) -> None:
        if key is not self._current:
            return
        await sleep(0)  # a worker that the key has started begins here, and may hold
        if self._once_more:
            # Something opened while the key was on its way back: it has asked for the focus, but has not got it yet.
            self._once_more = False
            self._arrived(key)
            return
        self._current = None
        await self._next()


HELD = Key("held", None)
"""Stands for the time between the end of a hold and the focus that it was for."""
