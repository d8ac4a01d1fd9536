"""What is asked of the visits: a time, and the parts that it is told in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.clock import from_day
from core.contract.analytics import Granularity
from core.errors import FieldError, Invalid

LIMIT, LIMIT_MOST = 100, 1000
LAST_YEAR = 9990
"""Periods after it could not be counted on."""
PERIODS_MOST = 20_000
STEPS: Mapping[Granularity, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),
}
"""The least that a period lasts."""
FROM_MONTH_TO_MONTH = timedelta(days=31)
"""From the first of a month into the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Visits from `since` to before `until`. Lists have at most `limit` entries."""

    since: datetime
    until: datetime
    granularity: Granularity = "day"
    limit: int = LIMIT

    def periods(self) -> list[datetime]:
        """The beginning of each period that the time touches, of UTC; weeks begin on Monday. Raises Invalid for too many."""
        step = STEPS[self.granularity]
        if (self.until - self.since) / step > PERIODS_MOST:
            raise _wrong(
                "granularity", f"These are more than {PERIODS_MOST}: ask for longer ones, or for a shorter time"
            )
        found, at = [], self._begin()
        while at < self.until:
            found.append(at)
            at = (at + FROM_MONTH_TO_MONTH).replace(day=1) if self.granularity == "month" else at + step
        return found

    def _begin(self) -> datetime:
        hour = self.since.replace(minute=0, second=0, microsecond=0)
        if self.granularity == "hour":
            return hour
        day = hour.replace(hour=0)
        if self.granularity == "week":
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self.granularity == "month" else day


def parse(params: Mapping[str, str]) -> Question:
    """A question from `from` and `to`, days or instants, `granularity` and `limit`. A day is in it as a whole.

    Raises:
        Invalid: one of the two is missing or wrong.
    """
    since, until = _instant(params, "from"), _instant(params, "to", end=True)
    if until <= since:
        raise _wrong("to", "to must be later than from")
    granularity: Granularity = params.get("granularity", "day")  # type: ignore[assignment]  # one of them: it was checked
    return Question(
        since=since, until=until, granularity=granularity, limit=min(int(params.get("limit", LIMIT)), LIMIT_MOST)
    )


def _instant(params: Mapping[str, str], name: str, *, end: bool = False) -> datetime:
    text = params.get(name)
    try:
        if not text:
            raise ValueError
        found = from_day(text, end=end).astimezone(UTC)
        if found.year > LAST_YEAR:
            raise ValueError
        return found
    except (ValueError, OverflowError):
        raise _wrong(name, f"{name} must be a day or an instant, such as 2026-02-01") from None


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, "parameter.wrong", message)])
