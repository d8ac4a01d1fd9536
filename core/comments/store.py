"""The tables of comments and notifications."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table, Text, delete

from core.storage.database import Transaction
from core.storage.own import OwnTables
from core.storage.table import instant_type, json_type

_META = MetaData()
COMMENTS = Table(
    "system_comment",
    _META,
    Column("id", Text, primary_key=True),
    Column("table", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("user_id", Text),
    Column("guest_name", Text),
    Column("guest_email", Text),
    Column("parent", Text),
    Column("content", Text, nullable=False),
    Column("mentions", json_type()),
    Column("status", Text, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
    Column("deleted_at", instant_type()),
)
Index("system_comment_by_record", COMMENTS.c.record)
READS = Table(
    "system_comment_read",
    _META,
    Column("table", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("read_at", instant_type(), nullable=False),
)
NOTIFICATIONS = Table(
    "system_notification",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("table", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("actor", Text),
    Column("created_at", instant_type(), nullable=False),
    Column("read_at", instant_type()),
)
Index("system_notification_by_user", NOTIFICATIONS.c.user_id)


class Forget:
    """What was said of records goes with them: a key of one's own may come again, and must not bring it back."""

    def __init__(self) -> None:
        self._tables = OwnTables(COMMENTS, READS, NOTIFICATIONS)

    def __call__(self, tx: Transaction, table: str, records: Sequence[str]) -> None:
        if not self._tables.stand(tx):
            return
        for kept in (COMMENTS, READS, NOTIFICATIONS):
            tx.execute(delete(kept).where(kept.c.table == table, kept.c.record.in_(records)))


def as_row(table: Table, values: tuple[Any, ...]) -> Mapping[str, Any]:
    """A row of `select(table)` by name."""
    return dict(zip((column.name for column in table.columns), values, strict=True))
