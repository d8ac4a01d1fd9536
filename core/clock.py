"""Time, injected: whatever needs the present asks a `Clock`, so that tests can decide what time it is."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from time import time_ns

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC datetime."""


def system_clock() -> datetime:
    """The machine's clock, cut to milliseconds: instants travel as JSON with three decimals and must compare equal."""
    return datetime.fromtimestamp(time_ns() // 1_000_000 / 1000, UTC)  # `replace` takes twice as long as the clock


def to_iso(instant: datetime) -> str:
    """`2026-02-01T08:00:00.000Z`, the one form of an instant on the API."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def from_day(text: str, *, end: bool = False) -> datetime:
    """An instant of a query: `2026-02-01` is its start, with `end` the start of the day after; `2026-02-01T08:00` is that
    moment, of UTC unless it says otherwise. Raises ValueError."""
    try:
        if len(text) == len("2026-02-01"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=end), time(), UTC)
        found = datetime.fromisoformat(text)
    except OverflowError as error:
        raise ValueError(text) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
