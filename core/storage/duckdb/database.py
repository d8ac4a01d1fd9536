"""A DuckDB file in this process: one root connection, one writer, lanes of readers, checkpoints of our own."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import duckdb
from sqlalchemy.schema import CreateTable

from core.clock import Clock
from core.errors import BadRequest, Damaged, DialectLimit, DiskFull, SovriumError, StorageError
from core.sentence import say
from core.storage.database import Call, Cancel, Commit, Health, Settings, StillFile, Transaction
from core.storage.ddl import literal
from core.storage.duckdb.dialect import make_dialect
from core.storage.duckdb.errors import translate, translate_open
from core.storage.duckdb.session import DuckDBSession
from core.storage.duckdb.wal import check_log
from core.storage.journal import CHANGES, RECORD_INDEX
from core.storage.lanes import LaneDatabase
from core.storage.scratch import SCRATCH
from core.storage.session import Session
from core.storage.statement import StatementCache
from core.storage.writer import REST_AFTER, Writer

MEMORY = ":memory:"
CHECKPOINT_AT = 64 << 20
"""Bytes of write-ahead log at which the writer stops for a checkpoint, even if it is busy. Writes wait for its end (a
second or more after scattered updates of a big table), so they must be rare; but opening after a crash replays the log
at some 25 MB/s, so they must come."""
CHECKPOINT_IDLE_AT = 16 << 20
"""The same, in a pause of the writer."""
SPACE_AT_LEAST = 16 << 20
"""Free bytes on the disk below which writes are refused: a checkpoint that fails stops the whole engine."""
MEMORY_LIMIT = "400MB"


class DuckDBDatabase(LaneDatabase):
    dialect = "duckdb"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._path = _path_of(settings.url)
        self._statements = StatementCache(make_dialect())
        self._recovery = threading.Lock()
        self._note = ""
        self._tried_at = 0.0
        self._space = SPACE_AT_LEAST
        """Free bytes on the disk when the writer last looked."""
        self._holds: set[object] = set()
        """Of those who copy the files: no checkpoint is taken meanwhile. Between two of them the database's file stays as it
        is, byte by byte, and its log only grows."""
        self._root = self._connect()
        try:
            writing = DuckDBSession(self._cursor, self._statements)
            writing.on_disk_full = self._disk_is_full
            self._prepare(writing)
        except BaseException:
            self._root.close()
            raise
        super().__init__()
        self.writer = Writer(
            [writing],
            watch=self._watch,
            clock=clock,
            publish=self._committed,
            rest=self._rest,
            recover=self._recover,
        )
        self._open_lanes(lambda: DuckDBSession(self._cursor, self._statements))

    # Opening.

    def _connect(self) -> duckdb.DuckDBPyConnection:
        if self._path != MEMORY:
            check_log(self._path, accept_lost=self._settings.accept_lost_log)
        try:
            root = duckdb.connect(self._path, config={"autoinstall_known_extensions": False})
        except Exception as error:
            raise translate_open(error, self._path) from error
        try:
            for statement in _startup(self._settings, self._path):
                root.execute(statement)
        except Exception as error:
            root.close()
            raise translate_open(error, self._path) from error
        return root

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._root.cursor()

    def _prepare(self, session: DuckDBSession) -> None:
        """The change log, and where its numbers stand."""
        session.begin(read_only=False)
        if not session.fetch("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [CHANGES.name]):
            session.execute(str(CreateTable(CHANGES).compile(dialect=self._statements.dialect)), ())
        try:
            [(transaction, sequence)] = session.fetch(
                f'SELECT coalesce(max("transaction"), 0), coalesce(max("sequence"), 0) FROM {CHANGES.name}', ()
            )
        except BadRequest as error:
            raise Damaged(
                say(
                    "{file} is the database of another program: its {table} is none of ours",
                    file=str(self._path),
                    table=CHANGES.name,
                ),
                hint="`sovrium-tui init DIR --from FILE` takes over the tables of a database",
            ) from error
        session.execute(f"CREATE INDEX IF NOT EXISTS {RECORD_INDEX} ON {CHANGES.name} (record)", ())
        session.last_numbers = (transaction, sequence)
        session.commit()
        session.last_numbers = (transaction, sequence)

    def run_alone(self, statement: str, cancel: Cancel | None = None) -> None:
        self.submit_write(Call(lambda tx: tx.execute(statement)), cancel=cancel).result()

    def still(self) -> AbstractContextManager[list[StillFile]]:
        if self._path == MEMORY:
            raise DialectLimit("A database in memory has no files to copy")
        return self._still()

    @contextmanager
    def _still(self) -> Iterator[list[StillFile]]:
        hold = object()

        def look(tx: Transaction) -> list[StillFile]:
            """On the writer's thread, so between two commits."""
            self._holds.add(hold)
            sizes = {suffix: _size(self._path + suffix) for suffix in ("", ".wal")}
            return [StillFile(Path(self._path + suffix), suffix, size) for suffix, size in sizes.items() if size]

        try:
            yield self.submit_write(Call(look)).result()
            if hold not in self._holds:
                raise StorageError("The database had to be opened anew meanwhile", hint="try again")
        finally:
            self._holds.discard(hold)

    # Between groups.

    def _committed(self, commit: Commit) -> None:
        self._note = ""
        self._publish(commit)

    def _rest(self, session: Session, idle: bool) -> None:
        """Checkpoint when the log is long, or worth it in a pause. Look at the disk here: a system call on the event
        loop would hand the interpreter to this thread each time."""
        if self._path == MEMORY:
            return
        self._space = _free(self._path)
        size = _size(self._path + ".wal")
        if not self._holds and size >= (CHECKPOINT_IDLE_AT if idle else CHECKPOINT_AT):
            nobody_reads = idle and time.monotonic() - self._read_at > REST_AFTER
            self._checkpoint(session, beside_readers=not nobody_reads)

    def _checkpoint(self, session: Session, *, beside_readers: bool) -> None:
        """`beside_readers`: readings go on meanwhile, but the room of deleted rows is not given back."""
        if _free(self._path) < SPACE_AT_LEAST:
            self._disk_is_full()
            return
        try:
            with self._older_reader(session) if beside_readers else nullcontext():
                session.execute("CHECKPOINT", ())
        except SovriumError as error:
            session.rollback()
            self._note = error.message

    @contextmanager
    def _older_reader(self, session: Session) -> Iterator[None]:
        """A transaction that began before the last commit. While there is one, DuckDB takes a checkpoint that readings may
        begin beside (measured: 10 ms instead of its whole length); else it would lock them out. So that there is a commit
        after its beginning, one is made here that changes nothing."""
        reader = DuckDBSession(self._cursor, self._statements)
        try:
            reader.begin(read_only=True)
            reader.fetch(f"SELECT 1 FROM {CHANGES.name} LIMIT 1", ())
            session.begin(read_only=False)
            session.execute(f"UPDATE {CHANGES.name} SET cause = cause WHERE sequence < 0", ())
            session.commit()
            yield
        finally:
            reader.rollback()
            reader.close()

    def _disk_is_full(self) -> None:
        self._note = "The disk is full"

    def _check_writable(self) -> None:
        """Refuse a write that would fill the disk. After a failure, one write a second may try whether it works again."""
        if self._space < SPACE_AT_LEAST and (space := _free(self._path)) < SPACE_AT_LEAST:
            self._space = space
            self._disk_is_full()
        elif not self._note:
            return
        elif time.monotonic() - self._tried_at >= 1.0:
            self._tried_at = time.monotonic()
            return
        raise DiskFull(self._note, hint="Free some space; reading goes on meanwhile")

    # After a failure that stops the engine.

    def _recover(self, session: Session) -> None:
        """Open the file again under all sessions; what was acknowledged is in it."""
        with self._recovery:
            if not session.is_lost:
                return
            sessions = [each for each in self._sessions() if isinstance(each, DuckDBSession)]
            for each in sessions:
                while not each.lock.acquire(timeout=0.05):
                    each.interrupt()
            try:
                self._reopen(sessions)
            finally:
                for each in sessions:
                    each.lock.release()

    def _reopen(self, sessions: list[DuckDBSession]) -> None:
        self._note = "The database was opened again after a failed write"
        self._holds.clear()
        for each in sessions:
            each.close()
        self._root.close()
        try:
            self._root = self._connect()
        except SovriumError as error:
            self._note = error.message
            return
        for each in sessions:
            each.renew()

    def health(self) -> Health:
        return Health(
            state="read-only" if self._note else "ready",
            dialect="duckdb",
            version=duckdb.__version__,
            note=self._note,
        )

    def _release(self) -> None:
        try:
            if self._path != MEMORY and not self._note and not self._holds:
                self._root.execute("CHECKPOINT")
        except duckdb.Error as error:
            self._note = translate(error).message
        finally:
            self._root.close()
            for session in self._sessions():
                if isinstance(session, DuckDBSession):
                    session.forget()
            del self._root


def _path_of(url: str) -> str:
    """`duckdb:///relative`, `duckdb:////absolute`, `duckdb:///:memory:`."""
    path = url.removeprefix("duckdb://").removeprefix("/")
    return MEMORY if path in ("", MEMORY) else path


def _startup(settings: Settings, path: str) -> list[str]:
    """The settings of the instance; the last one locks them."""
    exchange = [settings.exchange] if settings.exchange else []
    folders = ", ".join(literal(os.path.join(os.path.abspath(folder), "")) for folder in exchange)
    return [
        # GLOBAL, for each session is a connection of its own and would keep the defaults.
        "SET GLOBAL TimeZone = 'UTC'",
        "SET autoload_known_extensions = false",
        # Handing a small statement to a second thread costs more than the thread gains: with two threads on two cores an
        # update took 1.7 times the processor time. Half the cores stay with Python and with what runs at the same time.
        f"SET threads = {max(1, (os.cpu_count() or 1) // 2)}",
        # Checkpoints are the writer's, and the log alone must hold every change between two of them.
        "SET wal_autocheckpoint = '1TB'",
        "SET auto_checkpoint_skip_wal_threshold = 1000000000000",
        "SET enable_optimistic_write = false",
        "PRAGMA disable_checkpoint_on_shutdown",
        "SET GLOBAL late_materialization_max_rows = 1000",
        f"SET memory_limit = {literal(settings.memory_limit or MEMORY_LIMIT)}",
        f"SET temp_directory = {literal('' if path == MEMORY else path + '.tmp')}",
        f"ATTACH IF NOT EXISTS ':memory:' AS {SCRATCH}",
        f"SET allowed_directories = [{folders}]",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ]


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _free(path: str) -> int:
    return shutil.disk_usage(os.path.dirname(path) or ".").free
