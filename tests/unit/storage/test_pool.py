"""Which tickets a thread serves together."""

from queue import Empty
from typing import Any, cast

import pytest

from core.storage.pool import drain


class Queue:
    """Holds the first ticket; the second comes only to who waits for it."""

    def __init__(self) -> None:
        self.tickets = ["out of step", "one that was answered"]

    def get(self, timeout: float | None = None) -> str:
        if not self.tickets:
            raise Empty
        return self.tickets.pop(0)

    def get_nowait(self) -> str:
        raise Empty

    def qsize(self) -> int:
        return 0


@pytest.mark.parametrize(("answered", "together"), [(0, 1), (3, 1), (4, 2), (16, 2)])
def test_few_tickets_wait_a_moment_for_callers_that_were_just_answered(answered: int, together: int) -> None:
    batch, closed = drain(cast(Any, Queue()), 64, answered=answered)
    assert (len(batch), closed) == (together, False)
