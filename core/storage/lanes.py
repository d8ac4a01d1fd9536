"""What both databases share: three lanes of readers, a writer, listeners, the tables of models."""

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import ref

from sqlalchemy import Table

from core.errors import SovriumError, StorageError
from core.fields.model import TableModel
from core.principal import credited
from core.storage.database import Cancel, Commit, Database, Job, Lane
from core.storage.lane import Lane as ReadLane
from core.storage.session import Session
from core.storage.table import build_table
from core.storage.ticket import Ticket
from core.storage.watch import Watch
from core.storage.writer import Writer

T = TypeVar("T")
POINTS_TOGETHER = 64
_THREADS: dict[Lane, int] = {"point": 1, "scan": 2, "long": 2}
log = logging.getLogger(__name__)


class LaneDatabase(Database):
    """A database that answers through lanes and a writer. Subclasses open sessions and say how one is renewed."""

    writer: Writer

    def __init__(self) -> None:
        self._watch = Watch()
        self._listeners: list[Callable[[Commit], None]] = []
        self._tables: dict[int, tuple[ref[TableModel], Table]] = {}
        self._lanes: dict[Lane, ReadLane] = {}
        self._gathered: dict[asyncio.AbstractEventLoop, list[tuple[ReadLane | Writer, Ticket]]] = {}
        """By event loop, what waits for the end of its turn."""
        self._closed = False
        self._read_at = 0.0
        """When somebody last asked for a reading, by the monotonic clock."""

    @abstractmethod
    def _recover(self, session: Session) -> None:
        """Make a lost session usable again; called by its thread, without its lock."""

    def _open_lanes(self, open_session: Callable[[], Session]) -> None:
        for name, threads in _THREADS.items():
            batch = POINTS_TOGETHER if name == "point" else 1
            self._lanes[name] = ReadLane(name, open_session, self._recover, self._watch, threads=threads, batch=batch)

    def _sessions(self) -> list[Session]:
        return [*self.writer.sessions, *(session for lane in self._lanes.values() for session in lane.sessions)]

    # Reads and writes.

    def submit_read(
        self, job: Job[T], *, lane: Lane = "scan", deadline: float | None = 5.0, cancel: Cancel | None = None
    ) -> Future[T]:
        future: Future[T] = Future()
        self._read_at = time.monotonic()
        self._put(self._lanes[lane], Ticket(job, future, deadline=deadline, cancel=cancel))
        return future

    def submit_write(
        self, job: Job[T], *, actor: str | None = None, cause: str | None = None, cancel: Cancel | None = None
    ) -> Future[T]:
        future: Future[T] = Future()
        self._check_writable()
        self._put(self.writer, Ticket(job, future, actor=actor, cause=credited(cause), cancel=cancel))
        return future

    async def read(
        self,
        job: Job[T],
        *,
        lane: Lane = "scan",
        deadline: float | None = 5.0,
        cancel: Cancel | None = None,
        single: bool = False,
    ) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if lane != "point":  # a caller that goes away stops the work that it has started
            cancel = cancel or Cancel()
            future.add_done_callback(_stopper(cancel))
        self._read_at = time.monotonic()
        self._put_soon(
            loop, self._lanes[lane], Ticket(job, future, loop=loop, deadline=deadline, cancel=cancel, single=single)
        )
        return await future

    async def write(
        self, job: Job[T], *, actor: str | None = None, cause: str | None = None, cancel: Cancel | None = None
    ) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._check_writable()
        self._put_soon(
            loop, self.writer, Ticket(job, future, loop=loop, actor=actor, cause=credited(cause), cancel=cancel)
        )
        return await future

    def _put_soon(self, loop: asyncio.AbstractEventLoop, lane: ReadLane | Writer, ticket: Ticket) -> None:
        """What one turn of the loop asks for is handed over together at its end: the thread would wake at the first, serve
        it alone, and let the others wait for a commit."""
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append((lane, ticket))

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        for lane, ticket in self._gathered.pop(loop):
            try:
                self._put(lane, ticket)
            except SovriumError as error:
                if not ticket.future.done():
                    ticket.future.set_exception(error)

    def _put(self, lane: ReadLane | Writer, ticket: Ticket) -> None:
        if self._closed:
            raise StorageError("The database is closed")
        lane.put(ticket)

    def _check_writable(self) -> None:
        """Raise when it is known already that a write must fail."""

    # Listeners and tables.

    def listen(self, listener: Callable[[Commit], None]) -> Callable[[], None]:
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def _publish(self, commit: Commit) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(commit)
            except Exception:
                log.exception("A listener failed on commit %d", commit.transaction)

    def table(self, model: TableModel) -> Table:
        known = self._tables.get(id(model))
        if known is not None and known[0]() is model:
            return known[1]
        table = build_table(model)
        key = id(model)

        def forget(_: ref[TableModel]) -> None:
            self._tables.pop(key, None)

        self._tables[key] = (ref(model, forget), table)
        return table

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.writer.close()
        for lane in self._lanes.values():
            lane.close()
        self._watch.close()
        self._release()

    @abstractmethod
    def _release(self) -> None:
        """Let go of the database, after the last session has been closed."""


def _stopper(cancel: Cancel) -> Callable[["asyncio.Future[Any]"], None]:
    def stop(future: "asyncio.Future[Any]") -> None:
        if future.cancelled():
            cancel.cancel()

    return stop
