"""The writer: grouped commits, on one thread for DuckDB, on a few for PostgreSQL.

Jobs that wait together share one transaction, and those of the same group, actor and cause share statements. When
anything in it fails, the transaction is rolled back and each job runs alone, so a job must be able to run twice. A
commit is never tried after an error: DuckDB would answer success for a transaction that it has thrown away.
"""

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty
from typing import Any

from core.clock import Clock
from core.errors import DeadlinePassed
from core.storage.database import Commit
from core.storage.pool import SessionPool, by_group, drain
from core.storage.session import Session, SessionTransaction, WriteConflict
from core.storage.ticket import Outcome, Ticket, deliver
from core.storage.watch import Guard, Watch

WAITING_AT_MOST = 1_000
TOGETHER_AT_MOST = 64
REST_AFTER = 2.0
"""Seconds without a write after which `rest` may use the pause."""
PAUSES = (0, 0.05, 0.25)
"""Seconds before each further run of a job that met another writer on the same rows. Our own writers let it pass; those of
another server do not know of it, and are met less after a while."""


class Writer(SessionPool):
    """`rest(session, idle)` is called between groups and after a pause; `recover` when a session is lost."""

    def __init__(
        self,
        sessions: Sequence[Session],
        *,
        watch: Watch,
        clock: Clock,
        publish: Callable[[Commit], None],
        rest: Callable[[Session, bool], None],
        recover: Callable[[Session], None],
    ) -> None:
        super().__init__("writer", "writes", sessions, WAITING_AT_MOST)
        self._watch = watch
        self._clock = clock
        self._publish = publish
        self._rest = rest
        self._recover = recover
        self._commit_order = threading.Lock()
        """From the first number of the change log to the last listener: commits are heard in their order."""
        self._again = threading.Lock()
        """Held by the job that runs once more: until it is done, no other begins that could meet it again."""
        self._start()

    def _run(self, session: Session) -> None:
        closed, rested, answered = False, True, 0
        while not closed:
            try:
                batch, closed = drain(self._queue, TOGETHER_AT_MOST, None if rested else REST_AFTER, answered=answered)
                answered = len(batch)
            except Empty:
                rested, answered = True, 0
                with session.lock:
                    self._rest(session, True)
                continue
            rested = False
            with session.lock:
                self._serve(session, batch)
                if not session.is_lost:
                    self._rest(session, False)
            if session.is_lost:
                self._recover(session)

    def _serve(self, session: Session, batch: list[Ticket]) -> None:
        live = [ticket for ticket in batch if not ticket.abandoned]
        if len(live) < len(batch):
            deliver((ticket, None, _cancelled()) for ticket in batch if ticket not in live)
        if not live:
            return
        # What may be cancelled may take long, and only a ticket alone can be interrupted.
        together = [ticket for ticket in live if ticket.cancel is None]
        if len(together) > 1:
            runs = by_group(together, lambda ticket: (ticket.job.group, ticket.actor, ticket.cause))
            self._let_pass()
            try:
                deliver(self._commit(session, runs))
            except BaseException:
                session.rollback()
            else:
                live = [ticket for ticket in live if ticket.cancel is not None]
        for ticket in live:
            if session.is_lost:
                session.rollback()
                self._recover_here(session)
            deliver([self._alone(session, ticket)])

    def _recover_here(self, session: Session) -> None:
        """Between the jobs of a failed group; the lock is given up, for recovery takes all of them in order."""
        session.lock.release()
        try:
            self._recover(session)
        finally:
            session.lock.acquire()

    def _alone(self, session: Session, ticket: Ticket) -> Outcome:
        self._let_pass()
        outcome = self._once(session, ticket)
        if not isinstance(outcome[2], WriteConflict):
            return outcome
        with self._again:
            for pause in PAUSES:
                time.sleep(pause)
                outcome = self._once(session, ticket)
                if not isinstance(outcome[2], WriteConflict):
                    break
        return outcome

    def _let_pass(self) -> None:
        """Wait for the job that runs once more, if there is one."""
        with self._again:
            pass

    def _once(self, session: Session, ticket: Ticket) -> Outcome:
        try:
            with Guard(self._watch, session.interrupt, None, ticket.cancel) as guard:
                session.guard = guard
                return self._commit(session, [[ticket]])[0]
        except BaseException as error:
            session.rollback()
            return ticket, None, error
        finally:
            session.guard = None

    def _commit(self, session: Session, runs: list[list[Ticket]]) -> list[Outcome]:
        """Run everything in one transaction. Raises when it must not be committed; nothing is rolled back here."""
        session.begin(read_only=False)
        session.made_tables.clear()
        outcomes: list[Outcome] = []
        done: list[SessionTransaction] = []
        for run in runs:
            tx = SessionTransaction(session, self._clock(), run[0].actor, run[0].cause)
            outcomes += self._answers(tx, run)
            if session.broken is not None:
                raise session.broken
            done.append(tx)
        if not any(tx.touched for tx in done):
            session.rollback()
            return outcomes
        with self._commit_order:
            entries = [tx.entry() for tx in done if tx.touched]
            numbers = session.append_changes(entries)
            session.commit()
            for entry, (transaction, sequence) in zip(entries, numbers, strict=True):
                self._publish(
                    Commit(
                        transaction=transaction,
                        sequence=sequence,
                        time=entry.time,
                        actor=entry.actor,
                        changes=tuple(entry.changes),
                    )
                )
        return outcomes

    def _answers(self, tx: SessionTransaction, run: list[Ticket]) -> list[Outcome]:
        first = run[0].job
        if len(run) > 1:
            results: list[Any] = first.run_group(tx, [ticket.job for ticket in run])
            return [
                (ticket, None, result) if isinstance(result, Exception) else (ticket, result, None)
                for ticket, result in zip(run, results, strict=True)
            ]
        try:
            return [(run[0], first.run(tx), None)]
        except Exception as error:
            if tx.touched or tx.session.broken is not None:
                raise
            return [(run[0], None, error)]  # refused before it wrote anything: no harm to its neighbours


def _cancelled() -> DeadlinePassed:
    return DeadlinePassed("Cancelled", cancelled=True)
