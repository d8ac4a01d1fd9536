"""One connection in the hands of one thread, and the views of it that jobs get.

Each database writes one `Session`; lanes, writer, readers and transactions above it are the same for both.
"""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from weakref import WeakKeyDictionary

from sqlalchemy import Executable, Table

from core.errors import Conflict, SovriumError
from core.storage.database import ChangeRow, Parameters, Reader, Row, Transaction
from core.storage.journal import Entry
from core.storage.rows import RowShape, insert_defaults
from core.storage.statement import StatementCache
from core.storage.watch import Guard


class WriteConflict(Conflict):
    """Two transactions met on the same rows; running it again may succeed."""


class Session(ABC):
    """A connection with at most one transaction. Every error of the driver leaves as a `SovriumError` and is kept in
    `broken`: nothing may be committed after it."""

    dialect: Literal["duckdb", "postgresql"]
    statements: StatementCache

    def __init__(self) -> None:
        self.broken: SovriumError | None = None
        self.guard: Guard | None = None
        self.made_tables: set[str] = set()
        """In the transaction under way."""
        self.lock = threading.RLock()
        """Held while the session works, so that recovery can renew it between two jobs."""
        self._shapes: WeakKeyDictionary[Table, dict[Any, tuple[RowShape, str, str]]] = WeakKeyDictionary()

    @abstractmethod
    def begin(self, *, read_only: bool) -> None: ...

    @abstractmethod
    def commit(self) -> None:
        """Returns when the work is durable."""

    @abstractmethod
    def rollback(self) -> None:
        """Never raises."""

    @abstractmethod
    def interrupt(self) -> None:
        """Stop the running statement; called by other threads."""

    @abstractmethod
    def close(self) -> None: ...

    @abstractmethod
    def fetch(self, sql: str, values: Sequence[Any]) -> list[Row]: ...

    @abstractmethod
    def stream(self, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Row]]: ...

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any]) -> int: ...

    @abstractmethod
    def next_values(self, sequence: str, count: int) -> list[int]: ...

    @abstractmethod
    def append_changes(self, entries: Sequence[Entry]) -> list[tuple[int, int]]:
        """Write the change log of this transaction. Per entry: its transaction number and its last sequence number."""

    def prepare(self, sql: str) -> str:
        """SQL of ours with `?`, in the driver's own style; done once for each kept statement."""
        return sql

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], returning: Sequence[str]) -> list[Row]:
        columns = tuple(rows[0])
        if not columns:
            sql = insert_defaults(table, returning or [table.columns[0].name])
            found = [row for _ in rows for row in self.fetch(sql, ())]
            return found if returning else []
        key = ("insert", columns, tuple(returning))
        kept = self._shapes.setdefault(table, {}).get(key)
        if kept is None:
            shape = RowShape(self.dialect, table, columns)
            kept = shape, self.prepare(shape.insert_one(returning)), self.prepare(shape.insert_many(returning))
            self._shapes[table][key] = kept
        shape, single, many = kept
        sql, values = (single, shape.values(rows[0])) if len(rows) == 1 else (many, [shape.pack(rows)])
        if returning:
            return self.fetch(sql, values)
        self.execute(sql, values)
        return []

    def update(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = (*(name for name in rows[0] if name != key), key)
        if len(columns) == 1:
            return
        kept = self._shapes.setdefault(table, {}).get(("update", columns))
        if kept is None:
            shape = RowShape(self.dialect, table, columns)
            kept = shape, self.prepare(shape.update_one()), self.prepare(shape.update_many())
            self._shapes[table]["update", columns] = kept
        shape, single, many = kept
        self.execute(*((single, shape.values(rows[0])) if len(rows) == 1 else (many, [shape.pack(rows)])))

    @property
    def is_lost(self) -> bool:
        """The connection cannot be used again and must be renewed by its database."""
        return False

    def render(self, statement: Executable | str, parameters: Parameters) -> tuple[str, Sequence[Any]]:
        if isinstance(statement, str):
            return statement, list(parameters)
        return self.statements.render(statement, parameters)

    def check(self) -> None:
        """Before each statement: is there still time?"""
        if self.guard is not None:
            self.guard.check()


_WRITES = re.compile(r"\s*(insert|update|delete|merge)\b", re.IGNORECASE)
"""Texts that write."""


class SessionReader(Reader):
    """What a read job gets."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dialect = session.dialect

    def rows(self, statement: Executable | str, parameters: Parameters = ()) -> list[Row]:
        return self.session.fetch(*self.session.render(statement, parameters))

    def stream(self, statement: Executable | str, parameters: Parameters = (), size: int = 1000) -> Iterator[list[Row]]:
        return self.session.stream(*self.session.render(statement, parameters), size)


class SessionTransaction(SessionReader, Transaction):
    """What a write job gets. Several of them, one after the other, may share the session's transaction."""

    def __init__(self, session: Session, time: datetime, actor: str | None, cause: str | None) -> None:
        super().__init__(session)
        self.time = time
        self.actor = actor
        self.cause = cause
        self.changes: list[ChangeRow] = []
        self.made_tables = session.made_tables
        self.touched = False
        """Something was written: a failure must undo it."""

    def rows(self, statement: Executable | str, parameters: Parameters = ()) -> list[Row]:
        if getattr(statement, "is_dml", False) or (isinstance(statement, str) and _WRITES.match(statement)):
            self.touched = True  # `… RETURNING` answers rows and writes as well
        return super().rows(statement, parameters)

    def execute(self, statement: Executable | str, parameters: Parameters = ()) -> int:
        self.touched = True
        return self.session.execute(*self.session.render(statement, parameters))

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], returning: Sequence[str] = ()) -> list[Row]:
        self.touched = True
        return self.session.insert(table, rows, returning) if rows else []

    def update(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.touched = True
        if rows:
            self.session.update(table, key, rows)

    def next_values(self, sequence: str, count: int) -> list[int]:
        self.touched = True
        return self.session.next_values(sequence, count)

    def log(self, changes: Sequence[ChangeRow]) -> None:
        self.touched = True
        self.changes.extend(changes)

    def entry(self) -> Entry:
        return Entry(self.time, self.actor, self.cause, tuple(self.changes))
