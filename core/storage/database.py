"""The database as the rest of the engine sees it: reads, writes, commits to listen to. Two implementations, DuckDB and
PostgreSQL, answer to the same contract suite.

A *job* is the unit of work. Jobs that wait at the same time and carry the same `group` are handed over together, so
that one statement can answer them all; that, and not the number of fsyncs, is what bounds throughput on DuckDB. When
`run_group` fails, the transaction is rolled back and every job runs alone: one bad record never harms its neighbours.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from sqlalchemy import Executable, Table

from core.fields.model import TableModel

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Row = tuple[Any, ...]
Parameters = Mapping[str, Any] | Sequence[Any]
Lane = Literal["point", "scan", "long"]
"""Which reader serves a read. `point`: single records, coalesced, one thread. `scan`: lists, counts, windows.
`long`: SQL tabs, exports, index builds; never stands in the way of the other two."""

Operation = Literal[
    "create",
    "update",
    "delete",
    "restore",
    "permanent-delete",
    "import",
    "sql",
    "comment-create",
    "comment-edit",
    "comment-delete",
]
"""What befell a record. Comments leave its fields as they are."""


class ChangeRow(NamedTuple):
    """What a write adds to the change log for one record. `before`/`after` hold JSON-ready values of changed fields. Batches
    make thousands of them, and a frozen dataclass takes three times as long to make."""

    table: str
    record: str
    operation: Operation
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    held: Mapping[str, Any] | None = None
    """All columns of a row that was there before, as they were stored: for who listens, the log keeps `before`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What listeners hear after a commit. `sequence` is that of the last change row; `changes` in order."""

    transaction: int
    sequence: int
    time: datetime
    actor: str | None
    changes: tuple[ChangeRow, ...]


class Cancel:
    """A handle by which a caller stops work that runs on another thread."""

    def __init__(self) -> None:
        self.requested = False
        self._stop: Callable[[], None] | None = None

    def attach(self, stop: Callable[[], None]) -> None:
        """Storage gives the means (the cursor's interrupt) while the work runs."""
        self._stop = stop
        if self.requested:
            stop()

    def detach(self) -> None:
        self._stop = None

    def cancel(self) -> None:
        """Ask the work to end; it then fails with DeadlinePassed."""
        self.requested = True
        stop = self._stop
        if stop is not None:
            stop()


class Reader(ABC):
    """A read-only view of the database, valid inside one job on one thread.

    Statements are SQLAlchemy Core constructs, or SQL text with `?` (both databases) and a sequence of parameters.
    Values come back as the Python types named in `core.fields.column`.
    """

    dialect: Literal["duckdb", "postgresql"]
    made_tables: Set[str] = frozenset()
    """Names of tables that this transaction has made: that it sees them does not tell that they will stand."""

    @abstractmethod
    def rows(self, statement: Executable | str, parameters: Parameters = ()) -> list[Row]:
        """All rows. Callers bound the number themselves."""

    @abstractmethod
    def stream(self, statement: Executable | str, parameters: Parameters = (), size: int = 1000) -> Iterator[list[Row]]:
        """Rows in blocks of `size`, in constant memory."""

    def scalar(self, statement: Executable | str, parameters: Parameters = ()) -> Any:
        """The first value of the first row, None without rows."""
        found = self.rows(statement, parameters)
        return found[0][0] if found else None


class Transaction(Reader):
    """The writer's view: one database transaction. Any error ends it; nothing is left half-done."""

    time: datetime
    """One instant for everything in it."""
    actor: str | None
    cause: str | None
    made_tables: set[str]

    @abstractmethod
    def execute(self, statement: Executable | str, parameters: Parameters = ()) -> int:
        """Run a statement; the number of rows it touched, -1 where the database does not say."""

    @abstractmethod
    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], returning: Sequence[str] = ()) -> list[Row]:
        """Insert many rows by one statement. All rows have the same keys. Absent columns take their defaults
        (sequences). `returning` names columns; rows come back in the order given."""

    @abstractmethod
    def update(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Set columns of many rows by one statement; each row holds `key` and the same other columns, and no key comes
        twice. Rows that are not there are passed over."""

    @abstractmethod
    def next_values(self, sequence: str, count: int) -> list[int]:
        """Draw numbers from a sequence."""

    @abstractmethod
    def log(self, changes: Sequence[ChangeRow]) -> None:
        """Add to the change log; becomes part of this transaction and of the `Commit` that listeners hear."""


class Job(Protocol[T_co]):
    """A piece of work for a lane or the writer."""

    group: Hashable | None
    """Jobs of one group that wait together may be served together; None = always alone."""

    def run(self, tx: Any) -> T_co:
        """Do it alone. `tx` is a Reader, or a Transaction on the writer."""

    def run_group(self, tx: Any, jobs: Sequence[Any]) -> list[Any]:
        """Do all jobs (self is the first) by few statements; results in their order. A result that is an Exception
        instance fails that job alone."""


@dataclass(slots=True)
class Call(Generic[T]):
    """The plain job: one callable, never grouped."""

    work: Callable[[Any], T]
    group: Hashable | None = None

    def run(self, tx: Any) -> T:
        return self.work(tx)

    def run_group(self, tx: Any, jobs: Sequence["Call[T]"]) -> list[T]:
        return [job.work(tx) for job in jobs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """For `/api/health` and the status line."""

    state: Literal["ready", "read-only", "failed"]
    dialect: str
    version: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a database is opened. `url` is a `duckdb:///path` or `postgresql://…` address, or `duckdb:///:memory:`."""

    url: str
    exchange: str | None = None
    """The one folder that SQL may read and write files in (imports, exports)."""
    memory_limit: str | None = None
    accept_lost_log: bool = False
    """Open although writes in the log of a DuckDB file cannot be read any more; the log is kept beside it."""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StillFile:
    """A file of a database whose first `size` bytes stay as they are. `suffix` tells it from the others: "" is the database
    itself, `.wal` its log."""

    path: Path
    suffix: str
    size: int


class Database(ABC):
    """An open database. Thread-safe. Made by `core.storage.engine.open_database(settings)`."""

    dialect: Literal["duckdb", "postgresql"]

    @property
    def fresh_seconds(self) -> float:
        """How long what was read may be taken for what is there, by who hears of the changes of this process: another one
        may change a PostgreSQL database as well."""
        return 1.0 if self.dialect == "postgresql" else 60.0

    @abstractmethod
    def submit_read(
        self, job: Job[T], *, lane: Lane = "scan", deadline: float | None = 5.0, cancel: Cancel | None = None
    ) -> Future[T]:
        """Queue a read. `deadline` in seconds, counted from its start; None = no limit."""

    @abstractmethod
    def submit_write(
        self, job: Job[T], *, actor: str | None = None, cause: str | None = None, cancel: Cancel | None = None
    ) -> Future[T]:
        """Queue a write; the future is done after the commit (durable). Raises Busy when the queue is full."""

    @abstractmethod
    async def read(
        self,
        job: Job[T],
        *,
        lane: Lane = "scan",
        deadline: float | None = 5.0,
        cancel: Cancel | None = None,
        single: bool = False,
    ) -> T:
        """`submit_read`, awaited on the running event loop (one wake-up of the loop for a whole group). `single`: the job,
        or a group of its kind, reads by one statement of ours, which needs no transaction around it."""

    @abstractmethod
    async def write(
        self, job: Job[T], *, actor: str | None = None, cause: str | None = None, cancel: Cancel | None = None
    ) -> T:
        """`submit_write`, awaited."""

    @abstractmethod
    def run_alone(self, statement: str, cancel: Cancel | None = None) -> None:
        """Run a statement that no transaction may hold. Blocks; on PostgreSQL beside everything else, on a connection of its
        own. Raises DeadlinePassed when it is cancelled."""

    @abstractmethod
    def still(self) -> AbstractContextManager[Sequence[StillFile]]:
        """The files of the database as of one moment, all that was acknowledged before it among them. They may be copied in
        the block, while reading and writing go on. Blocks until the writer has come by.

        Raises:
            DialectLimit: at once, where it has no files of its own.
            StorageError: at the end of the block, where it was opened anew meanwhile: what was copied is void.
        """

    @abstractmethod
    def listen(self, listener: Callable[[Commit], None]) -> Callable[[], None]:
        """Call `listener` after each commit, on the writer's thread; it must return at once. Returns how to stop."""

    @abstractmethod
    def table(self, model: TableModel) -> Table:
        """The SQLAlchemy table of a model, one object per model; attribute `c.<column>` for each stored column."""

    @abstractmethod
    def health(self) -> Health: ...

    @abstractmethod
    def close(self) -> None:
        """Finish queued writes, checkpoint, let go of the file. Idempotent."""
