"""Threads that serve one queue of tickets, each with a session of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from core.errors import Busy
from core.sentence import say
from core.storage.session import Session
from core.storage.ticket import Ticket

COMPANY_SECONDS = 0.004
"""How long a few tickets wait for the callers that were answered just now."""


class SessionPool:
    """`what` is what it serves, in words; more than `waiting_most` of it are refused, for nobody would wait so long."""

    def __init__(self, name: str, what: str, sessions: Sequence[Session], waiting_most: int) -> None:
        self.sessions = list(sessions)
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._what = what
        self._waiting_most = waiting_most
        self._threads = [
            threading.Thread(target=self._run, args=(session,), name=f"storage-{name}-{number}", daemon=True)
            for number, session in enumerate(self.sessions)
        ]

    def _start(self) -> None:
        """For a subclass that is complete."""
        for thread in self._threads:
            thread.start()

    def _run(self, session: Session) -> None:
        """What a thread does until the queue is closed."""
        raise NotImplementedError

    def put(self, ticket: Ticket) -> None:
        if self._queue.qsize() >= self._waiting_most:
            raise Busy(say("Too many {what} wait already", what=say(self._what)), hint="Try again in a moment")
        self._queue.put(ticket)

    def close(self) -> None:
        """Serve what waits, then end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for session in self.sessions:
            session.close()


def drain(
    queue: "SimpleQueue[Ticket | None]", at_most: int, timeout: float | None = None, *, answered: int = 0
) -> tuple[list[Ticket], bool]:
    """Wait for the first ticket, take those that wait behind it. True = the queue was closed. Raises queue.Empty.

    `answered` is how many were served just now. Their callers often ask again at once, so a few tickets wait a moment for
    them: else a caller who is out of step with all others would be served alone, by every second commit."""
    ticket = queue.get(timeout=timeout)
    if ticket is None:
        return [], True
    batch = [ticket]
    expected = answered if queue.qsize() + 1 <= answered // 4 else 0
    until = time.monotonic() + COMPANY_SECONDS
    while len(batch) < at_most:
        try:
            patience = until - time.monotonic() if len(batch) < expected else 0.0
            ticket = queue.get(timeout=patience) if patience > 0 else queue.get_nowait()
        except Empty:
            break
        if ticket is None:
            return batch, True
        batch.append(ticket)
    return batch, False


def by_group(batch: list[Ticket], key: Callable[[Ticket], object]) -> list[list[Ticket]]:
    """Tickets of the same group together, in the order in which groups first appear; None is always alone."""
    runs: dict[object, list[Ticket]] = {}
    for ticket in batch:
        runs.setdefault(id(ticket) if ticket.job.group is None else key(ticket), []).append(ticket)
    return list(runs.values())
