"""Days, instants, times of day and durations (R-090 to R-092).

What has no form of its own is shown as ISO does, `2026-02-01 08:05`: it reads the same everywhere, sorts, and can be typed.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.contract.tables import FieldInfo

Formatter = Callable[[Any], str]

_PATTERN = re.compile(r"YYYY|MM|DD|HH|mm|ss|M|D|H")


def date(field: FieldInfo) -> Formatter:
    """`2026-02-01`, `2/1/2026`, `1/2/2026`: a day is the same in every zone."""
    options = field["options"]
    if options.get("includeTime"):
        return instant(field)
    if pattern := options.get("format"):
        return lambda value: _by_pattern(datetime.fromisoformat(value), pattern)
    form = options.get("dateFormat")
    return lambda value: _day(value, form)


def instant(field: FieldInfo) -> Formatter:
    """Date and time in the field's zone, else in the machine's."""
    from screens.presenters.moment import zone_of

    options = field["options"]
    zone = zone_of(options.get("timeZone"))
    form, clock, pattern = options.get("dateFormat"), options.get("timeFormat"), options.get("format")

    def show(value: Any) -> str:
        moment = datetime.fromisoformat(value)
        try:
            there = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone)
        except OverflowError:
            there = moment
        if pattern:
            return _by_pattern(there, pattern)
        return f"{_day(there.date().isoformat(), form)} {_clock(there.hour, there.minute, clock)}"

    return show


def time(field: FieldInfo) -> Formatter:
    """`08:05`, `8:05`, `8:05 AM`"""
    form = field["options"].get("timeFormat")
    return lambda value: _clock(int(value[0:2]), int(value[3:5]), form)


def duration(field: FieldInfo) -> Formatter:
    """`2:30`, `2:30:00`, `2.5`, `2h 30m`, `1d 2h`, `2h30m`"""
    form, letters = field["options"].get("displayFormat", "h:mm"), field["options"].get("letters", "dhms")
    return lambda value: _length(int(value), form, letters)


def _day(iso: str, form: str | None) -> str:
    year, month, day = int(iso[0:4]), int(iso[5:7]), int(iso[8:10])
    if form is None or form == "ISO":
        return iso[:10]
    return f"{month}/{day}/{year}" if form == "US" else f"{day}/{month}/{year}"


def _clock(hour: int, minute: int, form: str | None) -> str:
    if form is None:
        return f"{hour:02d}:{minute:02d}"
    if form == "24-hour":
        return f"{hour}:{minute:02d}"
    return f"{hour % 12 or 12}:{minute:02d} {'AM' if hour < 12 else 'PM'}"


def _by_pattern(value: datetime, pattern: str) -> str:
    parts = {
        "YYYY": f"{value.year:04d}", "MM": f"{value.month:02d}", "DD": f"{value.day:02d}", "HH": f"{value.hour:02d}",
        "mm": f"{value.minute:02d}", "ss": f"{value.second:02d}", "M": str(value.month), "D": str(value.day),
        "H": str(value.hour),
    }  # fmt: skip
    return _PATTERN.sub(lambda match: parts[match.group()], pattern)


def _length(value: int, form: str, letters: Sequence[str]) -> str:
    sign = "-" if value < 0 else ""
    minutes, seconds = divmod(abs(value), 60)
    hours, minutes = divmod(minutes, 60)
    if form in ("h:mm", "h:mm:ss"):
        return f"{sign}{hours}:{minutes:02d}" + (f":{seconds:02d}" if form == "h:mm:ss" else "")
    if form == "decimal":
        text = f"{Decimal(value) / 3600:.2f}".rstrip("0")
        return f"{text}0" if text.endswith(".") else text
    days, hours = divmod(hours, 24) if form == "days" else (0, hours)
    counts = zip((days, hours, minutes, seconds), letters, strict=True)
    parts = [f"{count}{letter}" for count, letter in counts if count]
    return sign + ("" if form == "compact" else " ").join(parts or [f"0{letters[2]}"])
