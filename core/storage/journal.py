"""The change log, `system_change`: one row for each record that a transaction touched, written in that transaction.

History, undo, events, webhooks and cache invalidation read it. Rows are only appended, and forgotten by `prune`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import CTE, BigInteger, Column, ColumnElement, MetaData, Table, Text, delete, func, select

from core.storage.database import ChangeRow, Reader, Transaction
from core.storage.table import instant_type, json_type
from core.storage.value import dump_json

CHANGES = Table(
    "system_change",
    MetaData(),
    Column("sequence", BigInteger, nullable=False),
    Column("transaction", BigInteger, nullable=False),
    Column("time", instant_type(), nullable=False),
    Column("actor", Text),
    Column("table", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("before", json_type()),
    Column("after", json_type()),
    Column("cause", Text),
)
"""Without a key: `sequence` only grows, so a range of it is found by the blocks' own minimum and maximum."""

RECORD_INDEX = f"{CHANGES.name}_record"
"""On DuckDB over `record` alone: of an index over several columns it makes no use. An append of 100 rows costs 5 % more
with it; the history of one record among a million changes 3 ms instead of 40."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The changes of one run: a job alone, or a group of jobs of the same actor and cause."""

    time: datetime
    actor: str | None
    cause: str | None
    changes: Sequence[ChangeRow]


def change_rows(entry: Entry, transaction: int, sequence: int) -> list[dict[str, Any]]:
    """The rows of `system_change`; the first gets `sequence`."""
    return [
        {
            "sequence": sequence + position,
            "transaction": transaction,
            "time": entry.time,
            "actor": entry.actor,
            "table": change.table,
            "record": change.record,
            "operation": change.operation,
            "before": None if change.before is None else dict(change.before),
            "after": None if change.after is None else dict(change.after),
            "cause": entry.cause,
        }
        for position, change in enumerate(entry.changes)
    ]


def change_json(values: Mapping[str, Any]) -> str:
    """JSON text of changed values; they have been accepted, so what orjson does not take is rare."""
    try:
        text = orjson.dumps(values).decode()
    except orjson.JSONEncodeError:
        return dump_json("change", dict(values))
    return dump_json("change", values) if "\\u0000" in text else text


RECORDS: frozenset[str] = frozenset(("create", "update", "delete", "restore", "permanent-delete"))
"""Operations that change one record."""


def told_as(operation: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str | None:
    """The operation that a change of the log amounts to: a typed statement is what it did to the record. None for what is no
    change of one record."""
    if operation != "sql":
        return operation if operation in RECORDS else None
    if before is not None and after is not None:
        return "update"
    return "create" if after is not None else "permanent-delete" if before is not None else None


def changes_of(reader: Reader, table: str, records: Sequence[str]) -> CTE:
    """The rows of some records, as a source to select from: `c.<column>`."""
    c = CHANGES.c
    if reader.dialect == "duckdb":
        # With a second condition beside it the index is not used, so the rows are gathered first.
        found = select(CHANGES).where(_one_of(records)).cte("of_records").prefix_with("MATERIALIZED")
        return select(found).where(found.c.table == table).cte("changes")
    return select(CHANGES).where(c.table == table, _one_of(records)).cte("changes")


def _one_of(records: Sequence[str]) -> ColumnElement[bool]:
    column = CHANGES.c.record
    return column == records[0] if len(records) == 1 else column.in_(records)


def prune(tx: Transaction, before: datetime, at_most: int = 10_000) -> int:
    """Forget the oldest of the changes before that instant; the newest row stays, because numbers go on from it. The
    number forgotten, 0 when there are none left."""
    c = CHANGES.c
    first, newest = tx.rows(select(func.min(c.sequence), func.max(c.sequence)))[0]
    if first is None:
        return 0
    # A range of numbers, not of times: blocks out of it are passed over by their minimum and maximum.
    old = delete(CHANGES).where(c.sequence < min(first + at_most, newest), c.time < before)
    return tx.execute(old)
