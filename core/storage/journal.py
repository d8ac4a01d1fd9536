"""The change log, `system_change`: one row for each record that a transaction touched, written in that transaction.

History, undo, events and cache invalidation read it. Rows are only appended; `prune` is the hook of retention.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, delete, func, select

from core.storage.database import ChangeRow, Transaction
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


def prune(tx: Transaction, before: datetime) -> int:
    """Forget changes older than `before`; the newest row stays, because numbers go on from it. The number forgotten."""
    newest = select(func.max(CHANGES.c.sequence)).scalar_subquery()
    return tx.execute(delete(CHANGES).where(CHANGES.c.time < before, CHANGES.c.sequence < newest))
