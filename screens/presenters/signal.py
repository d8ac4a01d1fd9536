"""Facts that concern more than one part of the console, told to whoever listens. No Textual: presenters use it."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Signal(Generic[T]):
    """Listeners are called in the order they came, on the event loop."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[T], None]] = []

    def listen(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Be told; returns the way to stop."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def publish(self, fact: T) -> None:
        """Tell all listeners."""
        for listener in tuple(self._listeners):
            listener(fact)
