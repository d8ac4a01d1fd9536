"""The tables of webhooks: how far the change log has been read, and what was sent or is to be."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text

from core.storage.follower import position_table
from core.storage.table import instant_type, json_type

_META = MetaData()
POSITION = position_table("system_webhook_position")
"""Changes up to `sequence` have become deliveries."""
DELIVERIES = Table(
    "system_webhook_delivery",
    _META,
    Column("id", Text, primary_key=True),
    Column("table", Text, nullable=False),
    Column("webhook", Text, nullable=False),
    Column("record", Text),
    Column("sequence", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_at", instant_type()),
    Column("attempts", Integer, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("requested_at", instant_type()),
    Column("completed_at", instant_type()),
    Column("duration", Double),
    Column("http_status", Integer),
    Column("error", Text),
    Column("request_headers", json_type()),
    Column("request_body", Text, nullable=False),
    Column("response_headers", json_type()),
    Column("response_body", Text),
    Column("log", json_type()),
)
"""`status`: pending until it succeeds or no attempt is left. While it is being sent `due_at` is when another process may
take it that it was not. `sequence` is the change's. `log` tells of every attempt; `duration` is in milliseconds."""
Index("system_webhook_delivery_by_status", DELIVERIES.c.status)
