"""How many text messages may leave: each costs money, and there are people who earn by having them sent (auth A-109, T21).

Counted in the database, so that neither a restart nor a second server begins anew. Neither numbers nor addresses are kept,
only what proves that two are the same.
"""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table, Text, and_, delete, not_, select

from core.errors import RequestError
from core.ids import uuid7
from core.secrets.envelope import Secrets
from core.storage.database import Transaction
from core.storage.own import OwnTables
from core.storage.table import instant_type

TEXTS = Table(
    "system_text_sent",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("address", Text),
    Column("sent_at", instant_type(), nullable=False),
)
"""What left within a day. `number` and `address` are proofs, not the thing itself."""
Index("idx_system_text_sent_at", TEXTS.c.sent_at)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class TooManyTexts(RequestError):
    """More messages than may leave. `retry_after` in whole seconds."""

    code = "RATE_LIMITED"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many messages", hint=f"try again in {retry_after} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """So many within a window."""

    pause: timedelta = timedelta(seconds=60)
    """Between two to one number (A-106)."""
    number_hour: int = 5
    number_day: int = 10
    address_hour: int = 10
    instance_hour: int = 30


class TextPace:
    """The count of one database."""

    def __init__(self, secrets: Secrets, limits: Limits = Limits()) -> None:
        self._secrets = secrets
        self._limits = limits
        self._own = OwnTables(TEXTS)

    def take(self, tx: Transaction, now: datetime, number: str, address: str | None) -> str:
        """Count one message to a number on behalf of a client's address; the id to give it back by. Raises TooManyTexts."""
        self._own.ensure(tx)
        to = self._secrets.mac("sms", "number", number)
        by = None if address is None else self._secrets.mac("sms", "address", network_of(address))
        t = TEXTS.c
        # A clock that was ahead and has been put right leaves times to come; they must not lock anybody out.
        counts = and_(t.sent_at > now - DAY, t.sent_at <= now + HOUR)
        rows = tx.rows(select(t.number, t.address, t.sent_at).where(counts).order_by(t.sent_at))
        limits = self._limits
        mine = [sent for number_, _, sent in rows if number_ == to]
        theirs = [sent for _, address_, sent in rows if by is not None and address_ == by]
        everyone = [sent for *_, sent in rows]
        waits = (
            _wait(mine, 1, limits.pause, now),
            _wait(mine, limits.number_hour, HOUR, now),
            _wait(mine, limits.number_day, DAY, now),
            _wait(theirs, limits.address_hour, HOUR, now),
            _wait(everyone, limits.instance_hour, HOUR, now),
        )
        if any(waits):
            raise TooManyTexts(max(waits))
        tx.execute(delete(TEXTS).where(not_(counts)))
        row: dict[str, Any] = {"id": uuid7(), "number": to, "address": by, "sent_at": now}
        tx.insert(TEXTS, [row])
        return str(row["id"])

    @staticmethod
    def give_back(tx: Transaction, id_: str) -> None:
        """It did not leave, so it does not count."""
        tx.execute(delete(TEXTS).where(TEXTS.c.id == id_))


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, the /64 of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


def _wait(times: Sequence[datetime], most: int, window: timedelta, now: datetime) -> int:
    """Seconds until another may leave, 0 for now. `times` the oldest first."""
    recent = [time for time in times if time > now - window]
    if len(recent) < most:
        return 0
    free = recent[len(recent) - most] + window - now
    return max(1, math.ceil(free.total_seconds()))
