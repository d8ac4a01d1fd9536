"""Where visits are kept: a row each, which says what was visited and with what, and of whom a hash that holds for a day."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, delete, func, select

from core.storage.catalog import table_names
from core.storage.database import Transaction
from core.storage.own import ensure
from core.storage.table import instant_type

VISITS = Table(
    "system_page_visit",
    MetaData(),
    Column("time", instant_type(), nullable=False),
    Column("visitor", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("title", Text),
    Column("referrer", Text),
    Column("utm_source", Text),
    Column("utm_medium", Text),
    Column("utm_campaign", Text),
    Column("utm_content", Text),
    Column("utm_term", Text),
    Column("device", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("language", Text),
    Column("screen_width", Integer),
    Column("screen_height", Integer),
)
"""`referrer`: a domain, NULL where people came by themselves."""
Index("idx_system_page_visit_time", VISITS.c.time)
SLICE = timedelta(days=7)
"""How much is forgotten by one transaction: others wait for it no longer."""


def ensure_visits(tx: Transaction) -> None:
    """Make the table where it is not there."""
    ensure(tx, table_names(tx), VISITS)


def keep(tx: Transaction, visits: Sequence[dict[str, Any]]) -> None:
    """Add visits."""
    tx.insert(VISITS, visits)


def forget(tx: Transaction, before: datetime) -> bool:
    """Forget a slice of what is older; whether there may be more of it."""
    time = VISITS.c.time
    oldest = tx.scalar(select(func.min(time)))
    if oldest is None or oldest >= before:
        return False
    tx.execute(delete(VISITS).where(time < min(oldest + SLICE, before)))
    return True
