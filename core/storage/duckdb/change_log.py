"""What a batch adds to the change log, as one row for many records that DuckDB unfolds: the driver takes a row value by
value, at half a microsecond each, and keeps the interpreter meanwhile."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from core.storage.database import ChangeRow
from core.storage.ddl import quote, quote_list
from core.storage.journal import CHANGES, Entry, change_json
from core.storage.rows import microseconds

FOLDED_FROM, FOLDED_AT_MOST = 250, 10_000
"""Records from which that is worth it, as unfolding a few takes longer than a row for each; and of one row, as all its texts
are in memory at once."""
COLUMNS = tuple(column.name for column in CHANGES.columns)

UNFOLDED = f"""INSERT INTO {quote(CHANGES.name)} ({quote_list(COLUMNS)})
SELECT first + generate_subscripts(records, 1), "transaction", "time", actor, "table", unnest(records), operation,
       unnest(from_json_strict(before, '["JSON"]')), unnest(from_json_strict("after", '["JSON"]')), cause
FROM (SELECT *, from_json_strict(record, '["VARCHAR"]') AS records FROM appender_buffer)"""
FOLDED = {
    "first": "BIGINT",
    "transaction": "BIGINT",
    "time": "TIMESTAMPTZ",
    "actor": "VARCHAR",
    "table": "VARCHAR",
    "record": "VARCHAR",
    "operation": "VARCHAR",
    "before": "VARCHAR",
    "after": "VARCHAR",
    "cause": "VARCHAR",
}
"""Columns of such a row and their types; `first` is the number before the run's."""


def runs(changes: Sequence[ChangeRow]) -> Iterator[Sequence[ChangeRow]]:
    """Those behind each other that befell one table in one way, in portions."""
    if len(changes) < FOLDED_FROM:
        if changes:
            yield changes
        return
    for _, alike in groupby(
        changes, lambda each: (each.table, each.operation, each.before is None, each.after is None)
    ):
        run = tuple(alike)
        for start in range(0, len(run), FOLDED_AT_MOST):
            yield run[start : start + FOLDED_AT_MOST]


def folded(entry: Entry, run: Sequence[ChangeRow], transaction: int, first: int) -> list[Any] | None:
    """The row of a run; None where it is short, or holds what only `change_json` can say."""
    if len(run) < FOLDED_FROM:
        return None
    one = run[0]
    try:
        before = None if one.before is None else orjson.dumps([each.before for each in run]).decode()
        after = None if one.after is None else orjson.dumps([each.after for each in run]).decode()
        records = orjson.dumps([each.record for each in run]).decode()
    except orjson.JSONEncodeError:
        return None
    if any(text is not None and "\\u0000" in text for text in (before, after, records)):
        return None
    return [first, transaction, entry.time, entry.actor, one.table, records, one.operation, before, after, entry.cause]


def rows(entry: Entry, run: Sequence[ChangeRow], transaction: int, first: int) -> Iterator[list[Any]]:
    """A row for each record, as it is carried."""
    time = microseconds(entry.time)
    for number, each in enumerate(run, first + 1):
        yield [
            number,
            transaction,
            time,
            entry.actor,
            each.table,
            each.record,
            each.operation,
            None if each.before is None else change_json(each.before),
            None if each.after is None else change_json(each.after),
            entry.cause,
        ]
