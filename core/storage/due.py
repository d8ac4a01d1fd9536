"""Rows that wait for their moment: work that is kept in a table until it is done, taken by one process at a time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select, update

from core.clock import Clock
from core.storage.database import Reader, Row, Transaction
from core.storage.follower import IDLE_SECONDS


class DueRows:
    """Those of a table with an `id` and a `due_at`; without one a row waits for something else. What is taken is due again
    after `taken_for`, should who took it be lost. `which` are the rows that are meant each time."""

    def __init__(self, table: Table, taken_for: timedelta, clock: Clock) -> None:
        self._table = table
        self._taken_for = taken_for
        self._clock = clock

    def is_any(self, reader: Reader, which: ColumnElement[bool]) -> bool:
        """One of them is due. Mostly there is none, and so no need to write."""
        c = self._table.c
        return bool(reader.rows(select(c.id).where(which, c.due_at <= self._clock()).limit(1)))

    def take(
        self, tx: Transaction, which: ColumnElement[bool], columns: Sequence[Any], *, order: Sequence[Any], most: int
    ) -> list[Row]:
        """The first of those that are due, as ours: these columns, of which the first is the id."""
        c, now = self._table.c, self._clock()
        rows = tx.rows(select(*columns).where(which, c.due_at <= now).order_by(*order).limit(most))
        if rows:
            taken = update(self._table).where(c.id.in_([row[0] for row in rows]))
            tx.execute(taken.values(due_at=now + self._taken_for))
        return rows

    def rest(self, reader: Reader, which: ColumnElement[bool]) -> float:
        """Seconds until the next of them is due, at most `IDLE_SECONDS`."""
        first = reader.scalar(select(func.min(self._table.c.due_at)).where(which))
        if first is None:
            return IDLE_SECONDS
        return float(min(max((first - self._clock()).total_seconds(), 0.01), IDLE_SECONDS))
