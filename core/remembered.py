"""What was read a moment ago: remembered for a while, and read once for all who ask at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values that hold for `seconds` after they were asked for, at most `most` of them. `clock` gives seconds that only
    grow."""

    def __init__(self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._kept: dict[K, tuple[float, V]] = {}
        self._reading: dict[K, asyncio.Task[V | None]] = {}

    def known(self, key: K) -> V | None:
        """The value, where it need not be read."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < self._seconds else None

    async def get(self, key: K, read: Callable[[], Awaitable[V | None]]) -> V | None:
        """The value, read when it is not known. None is not remembered. Raises what `read` raises."""
        if (known := self.known(key)) is not None:
            return known
        task = self._reading.get(key)
        if task is None:
            # A task of its own: who has begun it may go away, the others wait on.
            task = self._reading[key] = asyncio.ensure_future(self._read(key, read))
            task.add_done_callback(partial(_over, self._reading, key))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """What is known holds no more, nor what is being read now: it may be of before."""
        self._kept.clear()
        self._reading = {}

    async def _read(self, key: K, read: Callable[[], Awaitable[V | None]]) -> V | None:
        begun, reading = self._clock(), self._reading
        value = await read()
        if reading is not self._reading:
            return value
        if value is None:
            self._kept.pop(key, None)
            return None
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[key] = begun, value
        return value


def _over(reading: dict[K, asyncio.Task[V | None]], key: K, task: asyncio.Task[V | None]) -> None:
    reading.pop(key, None)
    if not task.cancelled():
        task.exception()  # nobody may wait for it any more, and then nobody is to be told
