"""A clock that tests move."""

from datetime import UTC, datetime, timedelta


class MovingClock:
    """Stands still until it is moved. `seconds` is the same as a count that only grows."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, tzinfo=UTC)) -> None:
        self.now = now
        self._begun = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return (self.now - self._begun).total_seconds()

    def forward(self, seconds: float = 0, **units: float) -> None:
        """Move on by seconds, or `minutes=…`, `hours=…`, `days=…`."""
        self.now += timedelta(seconds=seconds, **units)
