"""The table of what models have filled, or are to fill."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, and_, delete, select, update

from core.ids import uuid7
from core.storage.database import Reader, Transaction
from core.storage.follower import position_table
from core.storage.own import OwnTables
from core.storage.table import instant_type

CAUSE = "ai"
"""What the change log says of a change that a model made."""
POSITION = position_table("system_ai_position")
FILLS = Table(
    "system_ai_fill",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("table", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at", instant_type()),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text),
)
"""A row for each value that is a model's, or is to be one: a value without a row was written by hand, and stays. `status`:
pending, done, failed. `asked` is another number each time that the value is asked for anew, so that an answer to what was
asked before is known as such. While it is being asked for, `due_at` is when it is taken to be lost; it is empty while it
waits for the record to come back from the trash, or for another value that it is to be made from. What has failed is due
again as long as it is tried again by itself."""

Value = tuple[str, str]
"""Of a record, by its address, a field."""


def fills_of(reader: Reader, table: str, records: Iterable[str]) -> dict[Value, tuple[str, int]]:
    """Of the values of these records that have one, the row's id, and the number under which it was asked for last."""
    f = FILLS.c
    rows = reader.rows(select(f.record, f.field, f.id, f.asked).where(f.table == table, f.record.in_(list(records))))
    return {(record, field): (id_, asked) for record, field, id_, asked in rows}


def release(tx: Transaction, table: str, record: str, fields: Iterable[str] | None = None) -> None:
    """A value of the record waits no longer: what waited for it, all of that or these fields, may be asked for."""
    f = FILLS.c
    waiting = and_(f.table == table, f.record == record, f.status == "pending", f.due_at.is_(None))
    if fields is not None:
        waiting = and_(waiting, f.field.in_(list(fields)))
    tx.execute(update(FILLS).where(waiting).values(due_at=tx.time))


def ask(tx: Transaction, table: str, asked: Mapping[Value, int]) -> None:
    """Keep which values are to be asked for, each under a number."""
    kept = fills_of(tx, table, {record for record, _ in asked}) if asked else {}
    there = {value: id_ for value, (id_, _) in kept.items()}
    state = {"status": "pending", "due_at": tx.time, "attempts": 0, "reason": None}
    rows = [
        {
            "id": there.get(value, uuid7()),
            "table": table,
            "record": value[0],
            "field": value[1],
            "asked": number,
            **state,
        }
        for value, number in asked.items()
    ]
    known = set(there.values())
    if new := [row for row in rows if row["id"] not in known]:
        tx.insert(FILLS, new)
    if again := [row for row in rows if row["id"] in known]:
        tx.update(FILLS, "id", again)


class Forget:
    """What is known of the values of records goes with them."""

    def __init__(self) -> None:
        self._own = OwnTables(FILLS)

    def __call__(self, tx: Transaction, table: str, records: Sequence[str]) -> None:
        if self._own.stand(tx):
            tx.execute(delete(FILLS).where(FILLS.c.table == table, FILLS.c.record.in_(records)))
