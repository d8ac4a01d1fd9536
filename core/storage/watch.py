"""Deadlines and cancellation: one thread interrupts whatever runs too long."""

import threading
import time
from collections.abc import Callable

from core.errors import DeadlinePassed
from core.storage.database import Cancel

REPEAT = 0.05
"""Seconds between interrupts of work that has not ended: one that falls between two statements has no effect."""


class Guard:
    """Watches one piece of work. Enter it around the work; statements ask `check()` before they start."""

    __slots__ = ("at", "cancel", "expired", "interrupt", "over", "seconds", "watch")

    def __init__(
        self, watch: "Watch", interrupt: Callable[[], None], seconds: float | None, cancel: Cancel | None
    ) -> None:
        self.watch = watch
        self.interrupt = interrupt
        self.seconds = seconds
        self.cancel = cancel
        self.expired = False
        self.over = False
        self.at = float("inf")

    def __enter__(self) -> "Guard":
        if self.seconds is not None:
            self.at = time.monotonic() + self.seconds
            self.watch.add(self)
        if self.cancel is not None:
            self.cancel.attach(self._stop_now)
        return self

    def __exit__(self, *_: object) -> None:
        if self.cancel is not None:
            self.cancel.detach()
        self.watch.remove(self)

    def check(self) -> None:
        """Raise DeadlinePassed when the time is over or the caller has cancelled."""
        if self.expired or (self.cancel is not None and self.cancel.requested):
            raise self.error()

    def error(self) -> DeadlinePassed:
        if self.cancel is not None and self.cancel.requested:
            return DeadlinePassed("Cancelled", cancelled=True)
        return DeadlinePassed(f"It took longer than {self.seconds:g} s" if self.seconds else "It was interrupted")

    def _stop_now(self) -> None:
        self.at = 0.0
        self.watch.add(self)


class Watch:
    """The thread behind the guards; it sleeps while nothing is due."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._guards: set[Guard] = set()
        self._wake_at = float("inf")
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="storage-watch", daemon=True)
        self._thread.start()

    def add(self, guard: Guard) -> None:
        with self._condition:
            if guard.over:
                return
            self._guards.add(guard)
            if guard.at < self._wake_at:
                self._condition.notify()

    def remove(self, guard: Guard) -> None:
        """After this, the guard's work is interrupted no more."""
        with self._condition:
            guard.over = True
            self._guards.discard(guard)

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        with self._condition:
            while not self._closed:
                now = time.monotonic()
                for guard in self._guards:
                    if guard.at <= now:
                        guard.expired = True
                        guard.at = now + REPEAT
                        guard.interrupt()
                self._wake_at = min((guard.at for guard in self._guards), default=float("inf"))
                self._condition.wait(None if self._wake_at == float("inf") else max(0.0, self._wake_at - now))
