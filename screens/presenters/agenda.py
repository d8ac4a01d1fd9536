"""Days and what stands on them: the range that a calendar shows, the rows of each day, days moved by staged edits."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal

from core.contract.console import GroupBlock
from core.contract.records import Filter
from core.contract.tables import FieldInfo
from screens.presenters.condition import same_condition, without_condition
from screens.presenters.moment import zone_of

Scale = Literal["month", "week"]
WEEK = 7


def first_day(day: date, scale: Scale) -> date:
    """The Monday that the range around a day begins with."""
    start = day.replace(day=1) if scale == "month" else day
    return start - timedelta(days=start.weekday())


def days_shown(day: date, scale: Scale) -> list[date]:
    """All days of the range, in whole weeks from Monday to Sunday."""
    first = first_day(day, scale)
    if scale == "week":
        return [first + timedelta(days=each) for each in range(WEEK)]
    following = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    weeks = ((following - first).days + WEEK - 1) // WEEK
    return [first + timedelta(days=each) for each in range(weeks * WEEK)]


def stepped(day: date, scale: Scale, step: int) -> date:
    """The same day of the next month, or week."""
    if scale == "week":
        return day + timedelta(days=WEEK * step)
    months = day.year * 12 + day.month - 1 + step
    year, month = divmod(months, 12)
    year = max(1, min(year, 9999))
    last = ((date(year, month + 1, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def range_filter(field: FieldInfo, days: Sequence[date], end: FieldInfo | None = None) -> Filter:
    """Rows whose date lies within the days, with `end` also those that began before and are not over; a day more on each
    side for instants, which fall on days by their zone."""
    more = timedelta(days=0 if field["type"] == "date" and is_day(field) else 1)
    first, last = (days[0] - more).isoformat(), (days[-1] + more).isoformat()
    within: Filter = {"field": field["name"], "operator": "between", "value": [first, last]}
    if end is None:
        return within
    before = {"field": field["name"], "operator": "lessThan", "value": first}
    after = {"field": end["name"], "operator": "greaterThanOrEqual", "value": first}
    return {"or": [within, {"and": [before, after]}]}


def is_day(field: FieldInfo) -> bool:
    """The field holds days, not instants."""
    return field["type"] == "date" and not field["options"].get("includeTime")


def without_range(tree: Filter | None, leaf: Filter | None) -> Filter | None:
    """The conditions without those of the range shown so far."""
    return without_condition(tree, leaf) if leaf is not None and same_condition(tree, leaf) else tree


def day_of(field: FieldInfo, value: Any) -> date | None:
    """The day that a value falls on, for instants in the field's zone, else in the machine's; None for no date."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone(field)).date()


def zone(field: FieldInfo) -> tzinfo:
    return zone_of(field["options"].get("timeZone"))


def clock_of(field: FieldInfo, value: Any) -> str:
    """`14:30`; "" for days."""
    if not isinstance(value, str) or len(value) == 10 or day_of(field, value) is None:
        return ""
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone(field)).strftime("%H:%M")


def moved(field: FieldInfo, value: Any, days: int) -> str | None:
    """A date so many days later; an instant keeps its clock in its zone. None where there is no such date."""
    day = day_of(field, value)
    if day is None:
        return None
    try:
        if len(value) == 10:
            return (day + timedelta(days=days)).isoformat()
        moment = datetime.fromisoformat(value)
        there = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone(field))
        naive = there.replace(tzinfo=None) + timedelta(days=days)
        later = naive.replace(tzinfo=there.tzinfo).astimezone(UTC)
    except OverflowError:
        return None
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bases_by_day(field: FieldInfo, blocks: Sequence[GroupBlock]) -> dict[date, list[tuple[int, int]]]:
    """Ranges of positions (first, last) of the rows of each day."""
    found: dict[date, list[tuple[int, int]]] = {}
    for block in blocks:
        day = day_of(field, block["value"])
        if day is not None and block["count"]:
            found.setdefault(day, []).append((block["start"], block["start"] + block["count"] - 1))
    return found
