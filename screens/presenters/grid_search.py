"""The search in a grid: what is looked for, and the way from one row that has it to the next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from core.client import SovriumError

if TYPE_CHECKING:
    from screens.presenters.grid_model import GridModel


SLOW_AFTER = 0.3
"""Seconds after which it is said that the server is still looking."""


class GridSearch:
    """Moves the cursor of its grid; the server looks, so that rows far away are found."""

    def __init__(self, model: GridModel) -> None:
        self.model = model
        self.text = ""
        self.failed = False
        """It is nowhere."""
        self.slow = False
        """The server has been looking for a while."""
        self._asked = 0
        self._answered = asyncio.Event()
        self._answered.set()

    async def answered(self) -> None:
        """Wait until nothing is looked for any more."""
        await self._answered.wait()

    def look_for(self, text: str, row: int = 0, *, backward: bool = False, home: tuple[int, int] | None = None) -> None:
        """Look for a text from a displayed row on and move the cursor to it; "" ends the search.

        home: the cell to stand on when the text is nowhere, or empty.
        """
        self.text, self.failed = text, False
        self._asked += 1
        if text:
            start = self.model.to_base(row) if row >= 0 else -1
            self._answered.clear()
            self.model.run(self._look(self._asked, text, start, backward, home))
            return
        self._end()
        self._go_home(home)
        self.model.tell("search")

    async def _look(self, token: int, text: str, start: int, backward: bool, home: tuple[int, int] | None) -> None:
        timer = asyncio.get_running_loop().call_later(SLOW_AFTER, self._tell_slow, token)
        try:
            await self._find(token, text, start, backward, home)
        finally:
            timer.cancel()
            if token == self._asked:
                self._end()
                self.model.tell("search")

    def _tell_slow(self, token: int) -> None:
        if token == self._asked:
            self.slow = True
            self.model.tell("search")

    def _end(self) -> None:
        self.slow = False
        self._answered.set()

    def next(self, *, backward: bool = False) -> None:
        """The next row that has the text, around the end."""
        if self.text:
            self.look_for(self.text, self.model.selection.row + (-1 if backward else 1), backward=backward)

    def _go_home(self, home: tuple[int, int] | None) -> None:
        model = self.model
        if home is not None:
            model.selection.row, model.selection.column = home
            model.selection.clamp(model.count, len(model.layout.shown))

    async def _find(self, token: int, text: str, start: int, backward: bool, home: tuple[int, int] | None) -> None:
        model = self.model
        view, names = model.view, model.layout.names
        if view is None or not view["count"]:
            return
        end = view["count"] - 1
        around = end if backward else 0
        position, name = None, ""
        try:
            for begin in [start, around] if 0 <= start <= end else [around]:
                found = await model.source.find(view["id"], text, begin, backward=backward, names=names)
                position, name = found["position"], found.get("field") or ""
                if position is not None or token != self._asked:
                    break
        except SovriumError as error:
            if token == self._asked:
                model.fail(error)
            return
        if token != self._asked:
            return
        self.failed = position is None
        if position is None:
            self._go_home(home)
        else:
            model.selection.row = model.to_displayed(position)
            place = model.layout.index(name)
            model.selection.column = model.selection.column if place is None else place
