"""A lane: threads that serve reads, each with a session of its own. What waits with the same group is served together."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from core.errors import Busy, DeadlinePassed
from core.storage.database import Lane as LaneName
from core.storage.session import Session, SessionReader
from core.storage.ticket import Outcome, Ticket, deliver
from core.storage.watch import Guard, Watch

COMPANY_SECONDS = 0.004
"""How long a few tickets wait for the callers that were answered just now."""
WAITING_AT_MOST = 5_000
"""Reads that wait in one lane; more are refused, for nobody would wait so long."""


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


class Lane:
    """`batch` is how many waiting reads a thread takes at once; 1 leaves the others to its neighbours."""

    def __init__(
        self,
        name: LaneName,
        open_session: Callable[[], Session],
        recover: Callable[[Session], None],
        watch: Watch,
        *,
        threads: int,
        batch: int,
    ) -> None:
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._recover = recover
        self._watch = watch
        self._batch = batch
        self.sessions = [open_session() for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(session,), name=f"storage-{name}-{number}", daemon=True)
            for number, session in enumerate(self.sessions)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, ticket: Ticket) -> None:
        if self._queue.qsize() >= WAITING_AT_MOST:
            raise Busy("Too many reads wait already", hint="Try again in a moment")
        self._queue.put(ticket)

    def close(self) -> None:
        """Serve what waits, then end."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        for session in self.sessions:
            session.close()

    def _run(self, session: Session) -> None:
        closed, answered = False, 0
        while not closed:
            batch, closed = drain(self._queue, self._batch, answered=answered)
            answered = len(batch)
            if batch:
                with session.lock:
                    deliver(self._serve(session, batch))
                if session.is_lost:
                    self._recover(session)

    def _serve(self, session: Session, batch: list[Ticket]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for run in by_group(batch, lambda ticket: ticket.job.group):
            live = [ticket for ticket in run if not ticket.abandoned]
            outcomes += [
                (ticket, None, DeadlinePassed("Cancelled", cancelled=True)) for ticket in run if ticket not in live
            ]
            if live:
                outcomes += self._together(session, live)
        return outcomes

    def _together(self, session: Session, run: list[Ticket]) -> list[Outcome]:
        """All tickets of a run by few statements; alone, one after the other, when that fails."""
        first = run[0]
        limits = [ticket.deadline for ticket in run]
        seconds = None if None in limits else max(limit for limit in limits if limit is not None)
        cancel = first.cancel if len(run) == 1 else None
        try:
            with Guard(self._watch, session.interrupt, seconds, cancel) as guard:
                session.guard = guard
                if not first.single:
                    session.begin(read_only=True)
                reader = SessionReader(session)
                if len(run) == 1:
                    results = [first.job.run(reader)]
                else:
                    results = first.job.run_group(reader, [ticket.job for ticket in run])
                if not first.single:
                    session.commit()
            return [
                (ticket, None, result) if isinstance(result, Exception) else (ticket, result, None)
                for ticket, result in zip(run, results, strict=True)
            ]
        except BaseException as error:
            session.rollback()
            if len(run) == 1 or guard.expired or session.is_lost:
                return [(ticket, None, error) for ticket in run]
        finally:
            session.guard = None
        return [outcome for ticket in run for outcome in self._together(session, [ticket])]
