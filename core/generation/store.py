"""The table of what models have filled, or are to fill."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, delete

from core.storage.database import Transaction
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
asked before is known as such. While it is being asked for, `due_at` is when it is taken to be lost; it is empty while the
record is in the trash."""


def fill_id(table: str, record: str, field: str) -> str:
    """The key of a row: names of tables and fields hold no slash."""
    return f"{table}/{field}/{record}"


class Forget:
    """What is known of the values of records goes with them."""

    def __init__(self) -> None:
        self._own = OwnTables(FILLS)

    def __call__(self, tx: Transaction, table: str, records: Sequence[str]) -> None:
        if self._own.stand(tx):
            tx.execute(delete(FILLS).where(FILLS.c.table == table, FILLS.c.record.in_(records)))
