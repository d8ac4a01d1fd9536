"""Sliding windows: how many of something a key has had lately. Exact, and bounded whoever comes with however many keys."""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import NamedTuple

from core.errors import RequestError
from core.sentence import say

Header = tuple[bytes, bytes]
Key = tuple[str, ...]


class TooMany(RequestError):
    """More requests than the caller may send. `retry_after` in whole seconds."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, hint=say("try again in {seconds} s", seconds=retry_after))
        self.retry_after = retry_after
        self.headers: list[Header] = []


class Taken(NamedTuple):
    """One request let in: the limit, what is left of it, and the seconds until the oldest leaves the window."""

    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[Header]:
        """L-008"""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
        ]

    def refusal(self) -> list[Header]:
        """Of an answer 429, which tells the same under the other names as well (auth §10.1)."""
        told = self.headers()
        return [
            *told,
            (b"x-retry-after", b"%d" % self.reset),
            *((name.removeprefix(b"x-"), value) for name, value in told),
        ]


class Windows:
    """At most `most` of them are remembered; the one that was used least recently is forgotten first. `clock` gives seconds
    that only grow."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._windows: OrderedDict[Key, deque[float]] = OrderedDict()

    def take(self, key: Key, limit: int, seconds: float) -> Taken:
        """Count one. Raises TooMany, and does not count then (L-003)."""
        times = self._windows.get(key)
        if times is None:
            times = self._windows[key] = deque()
            if len(self._windows) > self._most:
                self._windows.popitem(last=False)
        else:
            self._windows.move_to_end(key)
        now = self._clock()
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= limit:
            wait = max(1, math.ceil(times[0] + seconds - now))
            error = TooMany("Too many requests", wait)
            error.headers = Taken(limit, 0, wait).refusal()
            raise error
        times.append(now)
        return Taken(limit, limit - len(times), max(1, math.ceil(times[0] + seconds - now)))

    def __len__(self) -> int:
        return len(self._windows)
