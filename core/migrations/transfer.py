"""Moving a database to another kind: the version in force is built there, every table copied and compared (M-055).

Values travel as the Python values of storage, so nothing depends on how one database writes what the other reads. The
target must be empty; it is filled in one transaction, so that a move that is cut off has not happened. Whoever moves
keeps writers away from the source meanwhile.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, select

from core.clock import to_iso
from core.errors import MigrationRefused, StorageError
from core.fields.model import AppModel, TableModel
from core.migrations.bookkeeping import CHECKSUM, HISTORY, LOG, State, create_bookkeeping, read_state
from core.migrations.layout import layout_of
from core.migrations.owned import NO_VIEWS, OwnedViews
from core.migrations.rollback import model_of
from core.migrations.statement import create_table
from core.sentence import say
from core.storage.catalog import table_names
from core.storage.database import Call, Cancel, Database, Reader, Row, Transaction
from core.storage.ddl import Ddl, literal, quote
from core.storage.journal import CHANGES
from core.storage.own import ensure
from core.storage.postgresql.session import CHANGE_NUMBERS, TRANSACTION_NUMBERS

BLOCK = 5_000
"""Rows that are written by one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One table that has been copied and found equal."""

    table: str
    rows: int
    checksum: str


Report = Callable[[str, int, int], None]
"""Table, rows copied, rows in all."""


def move(
    source: Database,
    target: Database,
    model: AppModel,
    *,
    owned: OwnedViews = NO_VIEWS,
    own: Sequence[Table] = (),
    report: Report = lambda *_: None,
    cancel: Cancel | None = None,
) -> list[Moved]:
    """Copy the version in force with its rows, its history and the change log. `model` is the app as its file is, for what
    is not versioned. `own` are tables of services (accounts, personal views); those that are there go along. Copies of
    dropped data and tables that the app did not make stay behind: see `left_behind`.

    Raises:
        MigrationRefused: the target is not empty, there is nothing to move, or a copied table differs.
        DeadlinePassed: it was cancelled; the target is as it was.
    """

    if target.dialect != "postgresql":
        raise StorageError("Data can be moved to PostgreSQL alone")

    def read(reader: Reader) -> list[Moved]:
        state = read_state(reader, table_names(reader))
        if state.version == 0:
            raise MigrationRefused("There is nothing to move: no migration has run here")
        work = _Move(reader, target, model_of(state.tables, model), state, owned, own, report)
        writing: Call[list[Moved]] = Call(work.write)
        return target.submit_write(writing, cause="move", cancel=cancel).result()

    job: Call[list[Moved]] = Call(read)
    return source.submit_read(job, lane="long", deadline=None).result()


@dataclass(frozen=True, slots=True)
class _Move:
    """One move, inside the reading transaction of the source and the writing one of the target."""

    reader: Reader
    target: Database
    model: AppModel
    state: State
    owned: OwnedViews
    own: Sequence[Table]
    report: Report

    def write(self, tx: Transaction) -> list[Moved]:
        self._check_empty(tx)
        ddl = Ddl(tx.dialect)
        done: list[Moved] = []
        models = [*self.model, *self.model.junctions]
        for layout in layout_of(self.model):
            for statement in create_table(ddl, layout, frozenset()):
                tx.execute(statement.text, statement.parameters)
        create_bookkeeping(tx, table_names(tx))
        for table in models:
            done.append(self._copy(tx, self.target.table(table), table.key.fields))
            self._go_on_counting(tx, table)
        there = table_names(self.reader)
        others = [each for each in self.own if each.name in there]
        ensure(tx, table_names(tx), *others)
        done += [
            self._copy(tx, each, [column.name for column in each.primary_key.columns])
            for each in (HISTORY, LOG, CHECKSUM, *others)
        ]
        done.append(self._copy(tx, CHANGES, ["sequence"]))
        self._go_on_logging(tx)
        self.owned.create(tx, self.model)
        return done

    def _check_empty(self, tx: Transaction) -> None:
        wanted = {layout.name for layout in layout_of(self.model)}
        taken = [name for name in sorted(table_names(tx)) if name in wanted or name == HISTORY.name]
        if taken:
            hint = "Move into an empty database or schema"
            raise MigrationRefused(
                say("The target holds a table {table} already", table=taken[0]), details=taken, hint=hint
            )

    def _copy(self, tx: Transaction, table: Table, key: Sequence[str]) -> Moved:
        """All rows in the order of the key, then both sides compared by count and checksum."""
        names = [column.name for column in table.columns]
        total = int(self.reader.scalar(f"SELECT count(*) FROM {quote(table.name)}"))
        done, sent = 0, hashlib.sha256()
        for block in self._rows(self.reader, table, key):
            for row in block:
                sent.update(fingerprint(row))
            tx.insert(table, [dict(zip(names, row, strict=True)) for row in block])
            done += len(block)
            self.report(table.name, done, total)
        found, count = hashlib.sha256(), 0
        for block in self._rows(tx, table, key):
            for row in block:
                found.update(fingerprint(row))
            count += len(block)
        if (count, found.digest()) != (done, sent.digest()):
            raise MigrationRefused(
                say(
                    "The copy of {table} differs from the original: {done} rows were read, {count} are there",
                    table=table.name,
                    done=done,
                    count=count,
                ),
                hint="Nothing was kept of the copy",
            )
        return Moved(table=table.name, rows=count, checksum=found.hexdigest())

    def _go_on_logging(self, tx: Transaction) -> None:
        """The change log of PostgreSQL draws its numbers from sequences."""
        for column, sequence in (("sequence", CHANGE_NUMBERS), ("transaction", TRANSACTION_NUMBERS)):
            highest = int(tx.scalar(f"SELECT coalesce(max({quote(column)}), 0) FROM {quote(CHANGES.name)}"))
            if highest:
                tx.rows(f"SELECT setval({literal(sequence)}, {highest})")

    @staticmethod
    def _rows(reader: Reader, table: Table, key: Sequence[str]) -> Iterator[list[Row]]:
        statement = select(*table.columns).order_by(*(table.c[name] for name in key))
        return reader.stream(statement, size=BLOCK)

    def _go_on_counting(self, tx: Transaction, table: TableModel) -> None:
        """Sequences go on behind the numbers that are there."""
        for column in table.columns:
            if not column.sequence:
                continue
            highest = int(tx.scalar(f"SELECT coalesce(max({quote(column.name)}), 0) FROM {quote(table.sql_name)}"))
            if highest:
                tx.rows(f"SELECT setval({literal(quote(column.sequence))}, {highest})")


def left_behind(source: Database, moved: Sequence[Moved]) -> list[str]:
    """Tables that were not moved."""
    job: Call[list[str]] = Call(lambda reader: sorted(table_names(reader)))
    known = {each.table for each in moved} | {"system_idempotency"}
    return [name for name in source.submit_read(job, lane="long", deadline=None).result() if name not in known]


def fingerprint(row: Sequence[Any]) -> bytes:
    """The same bytes for the same values, whatever database they come from."""
    return json.dumps([_plain(value) for value in row], ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def summary(moved: Sequence[Moved]) -> str:
    """`12 tables, 34,567 rows`"""
    rows = sum(each.rows for each in moved)
    return f"{len(moved)} tables, {rows:,} rows"
