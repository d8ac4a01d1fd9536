"""A thread that follows the change log: what changed is turned into work, and the work is done, behind the writers' backs.

It reads behind a position that is kept in the database and moves in the transaction that keeps the work. So nothing that
changed is missed whatever breaks in between, and writing records costs nothing for it.
"""

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import BigInteger, Column, MetaData, Table, Text, and_, delete, func, select, update

from core.errors import SovriumError
from core.fields.model import TableModel
from core.storage.database import Call, Commit, Database, Reader, Row, Transaction
from core.storage.journal import CHANGES
from core.storage.own import OwnTables

CHANGES_AT_ONCE = 200
IDLE_SECONDS = 15.0
"""How long a follower rests at most: another process may have left it work."""
_COLUMNS = ("sequence", "record", "operation", "before", "after", "time", "actor", "cause", "table")
_READ = tuple(CHANGES.c[name] for name in _COLUMNS)


def position_table(name: str) -> Table:
    """Where a follower keeps how far it has read."""
    columns = Column("reader", Text, primary_key=True), Column("sequence", BigInteger, nullable=False)
    return Table(name, MetaData(), *columns)


class Follower(ABC):
    """Follows the changes of some tables. `position` is its own, a table made by `position_table`; `kept` are further
    tables of its own, made before it starts."""

    def __init__(
        self,
        name: str,
        database: Database,
        tables: Mapping[str, TableModel],
        position: Table,
        kept: Sequence[Table],
    ) -> None:
        self.name = name
        self.database = database
        self.tables = tables
        """By SQL name."""
        self.own = OwnTables(position, *kept)
        self._position = position
        self._log = logging.getLogger(f"sovrium.{name}")
        self._wake = threading.Event()
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._unlisten: Callable[[], None] = lambda: None

    @abstractmethod
    def take_up(self, tx: Transaction, changes: Sequence[Row]) -> None:
        """Keep what is to be done because of these changes, in the transaction that moves the position behind them. A
        change is `(sequence, record, operation, before, after, time, actor, cause, table)`; `*` is the record of one that
        tells of many."""

    @abstractmethod
    def work(self) -> float:
        """Do, or hand on, what is due; the seconds until more may be."""

    def prepare(self, tx: Transaction) -> None:
        """Make the tables; begin with the changes from now on, or from where an earlier process left off."""
        self.own.ensure(tx)
        if not tx.rows(select(self._position.c.sequence)):
            newest = tx.scalar(select(func.max(CHANGES.c.sequence))) or 0
            tx.insert(self._position, [{"reader": self.name, "sequence": newest}])

    def start(self) -> None:
        """Blocks until the tables stand."""
        self.database.submit_write(Call(self.prepare), actor="system").result()
        self._unlisten = self.database.listen(self._hear)
        self._thread.start()
        self.nudge()

    def stop(self) -> None:
        """Idempotent; returns when its thread has ended."""
        self.stopping.set()
        self.nudge()
        self._unlisten()
        if self._thread.ident is not None:
            self._thread.join()

    def nudge(self) -> None:
        """Something may be due."""
        self._wake.set()

    def _hear(self, commit: Commit) -> None:
        if any(change.table in self.tables for change in commit.changes):
            self.nudge()

    def _run(self) -> None:
        wait = 0.0
        while not self.stopping.is_set():
            self._wake.wait(wait)
            self._wake.clear()
            if self.stopping.is_set():
                return
            try:
                while self.database.submit_write(Call(self._read_on), actor="system").result() == CHANGES_AT_ONCE:
                    pass
                wait = self.work()
            except SovriumError as error:
                self._log.warning("What changed is followed later: %s", error)
                wait = IDLE_SECONDS

    def is_behind(self, reader: Reader, table: str, record: str) -> bool:
        """There are changes of the record that are not taken up yet."""
        position, c = reader.scalar(select(self._position.c.sequence)), CHANGES.c
        newer = select(c.sequence).where(c.sequence > position, c.table == table, c.record == record)
        return bool(reader.rows(newer.limit(1)))

    def _read_on(self, tx: Transaction) -> int:
        """Take up the next changes; how many there were."""
        position, c = self._position.c.sequence, CHANGES.c
        behind = and_(c.sequence > tx.scalar(select(position)), c.table.in_(self.tables))
        changes = tx.rows(select(*_READ).where(behind).order_by(c.sequence).limit(CHANGES_AT_ONCE))
        if changes:
            self.take_up(tx, changes)
            tx.execute(update(self._position).values(sequence=changes[-1][0]))
        return len(changes)


def forget_position(database: Database, position: Table, *kept: Table) -> None:
    """Nobody follows any more: who does again begins with what happens then, and with nothing of `kept`. Blocks."""
    own = OwnTables(position)
    there = select(position.c.sequence)
    if not database.submit_read(Call(lambda reader: own.stand(reader) and bool(reader.rows(there)))).result():
        return

    def work(tx: Transaction) -> None:
        for table in (position, *kept):
            tx.execute(delete(table))

    database.submit_write(Call(work), actor="system").result()
