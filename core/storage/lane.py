"""A lane: threads that serve reads. What waits with the same group is served together."""

from collections.abc import Callable

from core.errors import DeadlinePassed
from core.storage.database import Lane as LaneName
from core.storage.pool import SessionPool, by_group, drain
from core.storage.session import Session, SessionReader
from core.storage.ticket import Outcome, Ticket, deliver
from core.storage.watch import Guard, Watch

WAITING_AT_MOST = 5_000


class Lane(SessionPool):
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
        super().__init__(name, "reads", [open_session() for _ in range(threads)], WAITING_AT_MOST)
        self._recover = recover
        self._watch = watch
        self._batch = batch
        self._start()

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
