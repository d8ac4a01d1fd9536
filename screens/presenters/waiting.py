"""What the console waits for: told only when it takes longer than a moment, so that nothing flickers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from screens.presenters.signal import Signal

MOMENT = 0.4
"""Seconds that nobody wonders about."""


class Waiting:
    """`changed` publishes what is waited for, "" when nothing is any more."""

    def __init__(self) -> None:
        self.changed: Signal[str] = Signal()
        self._open: list[str] = []
        self._told = ""

    @contextmanager
    def tell(self, text: str) -> Iterator[None]:
        """Around what may take its time. What began first is what is told."""
        self._open.append(text)
        timer = asyncio.get_running_loop().call_later(MOMENT, self._publish)
        try:
            yield
        finally:
            timer.cancel()
            self._open.remove(text)
            if self._told:
                self._publish()

    def _publish(self) -> None:
        text = self._open[0] if self._open else ""
        if text != self._told:
            self._told = text
            self.changed.publish(text)
