"""Date and time fields: date, datetime, time, created-at, updated-at, deleted-at.

An instant is kept in UTC and cut to milliseconds, the precision of the API, so that what was read compares equal to what is
stored. A date is a calendar day and knows no zone.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from random import Random
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from core.clock import to_iso
from core.fields.base import EditorKind, FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

NOW = ("NOW()", "CURRENT_TIMESTAMP")
TODAY = "CURRENT_DATE"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?:[.,]([0-9]{1,9}))?"
    r"\s?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,9}))?)?\s?([AaPp][Mm])?")


class MomentOptions(FieldOptions):
    """How dates and times are shown; `timeZone` also reads input without an offset.

    The console shows what has no form of its own as ISO does, `format=display` of the API as R-090 says (US).
    """

    date_format: Literal["US", "European", "ISO"] | None = None
    time_format: Literal["12-hour", "24-hour"] | None = None
    time_zone: str | None = None
    format: str | None = None


class DateOptions(MomentOptions):
    include_time: bool = False


class TimeOptions(FieldOptions):
    time_format: Literal["12-hour", "24-hour"] | None = None


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo | None:
    """The zone of an IANA name; None for `local`, the machine's own. Raises ValueError."""
    if name == "local":
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError(say("{name!r} is not a time zone such as Europe/Paris", name=name)) from error


def instant_of(raw: Any, zone_name: str) -> datetime:
    """A raw value as a UTC instant; a wall time without offset is read in the zone (T-071, T-072)."""
    if isinstance(raw, datetime):
        moment = raw
    elif isinstance(raw, date):
        moment = datetime.combine(raw, time())
    elif isinstance(raw, str):
        moment = _parse_datetime(raw.strip(), raw)
    else:
        raise ValueProblem(
            "date.not-text",
            say("A date and time such as 2026-02-01T08:00:00Z is expected, not {value}", value=show(raw)),
        )
    try:
        if moment.tzinfo is None:
            place = zone(zone_name)
            # fold=0 takes the earlier offset of an ambiguous time, and moves a skipped one forward.
            moment = moment.replace(tzinfo=place, fold=0) if place else moment.astimezone()
        moment = moment.astimezone(UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueProblem(
            "date.out-of-range", say("{value} is outside the years 1 to 9999", value=show(raw))
        ) from None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _parse_datetime(text: str, raw: str) -> datetime:
    match = _DATETIME.fullmatch(text)
    if not match:
        raise _malformed(raw, "a date and time such as 2026-02-01T08:00:00Z")
    day, clock, fraction, offset = match.groups()
    written = day
    if clock:
        written += f"T{clock}" + (":00" if len(clock) == 5 else "") + f".{(fraction or '0').ljust(6, '0')[:6]}"
        written += (offset or "").upper()
    try:
        return datetime.fromisoformat(written)
    except ValueError as error:
        raise _malformed(raw, "a date and time", str(error)) from None


def _malformed(raw: Any, wanted: str, why: str = "") -> ValueProblem:
    pattern = "{value} is not {wanted}: {reason}" if why else "{value} is not {wanted}"
    return ValueProblem("date.malformed", say(pattern, value=show(raw), wanted=say(wanted), reason=why))


def _day_of(raw: str) -> date:
    """A day, or the midnight that it begins with. Raises ValueProblem."""
    text = raw if len(raw) == 10 else re.sub(r"[T ]00:00(:00(\.0+)?)?Z?$", "", raw.strip())
    if not _DATE.fullmatch(text):
        raise _malformed(raw, "a date such as 2026-02-01")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _malformed(raw, "a date", str(error)) from None


def show_date(value: date, form: str | None) -> str:
    """R-090: `2/1/2026` (also for no form), `1/2/2026`, `2026-02-01`."""
    if form == "ISO":
        return f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
    first, second = (value.month, value.day) if form != "European" else (value.day, value.month)
    return f"{first}/{second}/{value.year}"


def show_time(value: time | datetime, form: str | None) -> str:
    """R-090: `8:05`, `8:05 AM`."""
    if form != "12-hour":
        return f"{value.hour}:{value.minute:02d}"
    return f"{value.hour % 12 or 12}:{value.minute:02d} {'AM' if value.hour < 12 else 'PM'}"


_PATTERN = re.compile(r"YYYY|MM|DD|HH|mm|ss|M|D|H")


def show_pattern(value: datetime, pattern: str) -> str:
    """`format: "DD.MM.YYYY HH:mm"`"""
    parts = {
        "YYYY": f"{value.year:04d}", "MM": f"{value.month:02d}", "DD": f"{value.day:02d}", "HH": f"{value.hour:02d}",
        "mm": f"{value.minute:02d}", "ss": f"{value.second:02d}", "M": str(value.month), "D": str(value.day),
        "H": str(value.hour),
    }  # fmt: skip
    return _PATTERN.sub(lambda match: parts[match.group()], pattern)


def _check_zone(options: FieldOptions) -> Iterable[OptionProblem]:
    name = getattr(options, "time_zone", None)
    if name is not None:
        try:
            zone(name)
        except ValueError as error:
            yield OptionProblem("timeZone", "field.time-zone", error.args[0])


class InstantField(FieldType[datetime]):
    """What fields that keep an instant share."""

    family = "date"
    editor: ClassVar[EditorKind] = "datetime"
    Options = MomentOptions

    @property
    def zone_name(self) -> str:
        return self.options.time_zone or "UTC"

    def column(self) -> ColumnType:
        return ColumnType("timestamp")

    def accept(self, raw: Any) -> datetime | None:
        return None if raw is None else instant_of(raw, self.zone_name)

    def to_json(self, value: datetime | None) -> str | None:
        return None if value is None else _iso(value)

    def present(self, value: datetime | None, how: Format) -> str:
        """In the zone asked for, else in the field's (R-091)."""
        if value is None:
            return ""
        try:
            local = value.astimezone(zone(how.timezone or self.zone_name))
        except (OverflowError, OSError):
            local = value
        if self.options.format:
            return show_pattern(local, self.options.format)
        return f"{show_date(local, self.options.date_format)} {show_time(local, self.options.time_format)}"

    def beside(self, value: datetime, how: Format) -> Mapping[str, Any]:
        """R-091"""
        return {"timezone": self.zone_name, "displayTimezone": how.timezone or self.zone_name}

    def default_is_now(self) -> bool:
        return isinstance(self.spec.default, str) and self.spec.default.strip().upper() in (*NOW, TODAY)

    def value_at(self, moment: datetime) -> datetime:
        return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from _check_zone(field.options)

    def example(self, rng: Random) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randint(0, 500_000))


def _iso(value: datetime) -> str:
    """As `to_iso`, with four digits for years before 1000, which strftime does not give everywhere."""
    text = to_iso(value)
    return text if len(text) == 24 else text.rjust(24, "0")


class DatetimeField(InstantField):
    """A moment, the same for everybody, shown in a zone."""

    name = "datetime"


class StampField(InstantField):
    """An instant that the engine writes."""

    editor = "none"
    read_only = True
    ignores_input = True
    takes_default = False


class CreatedAtField(StampField):
    """When the record was made."""

    name = "created-at"


class UpdatedAtField(StampField):
    """When the record was last written."""

    name = "updated-at"


class DeletedAtField(StampField):
    """When the record went to the trash; empty while it lives."""

    name = "deleted-at"


class DateField(FieldType[date]):
    """A calendar day, the same in every zone; with `includeTime` a moment."""

    name = "date"
    family = "date"
    Options = DateOptions
    editor = "date"

    def column(self) -> ColumnType:
        return ColumnType("date")

    def accept(self, raw: Any) -> date | None:
        if raw is None:
            return None
        if isinstance(raw, str):
            return _day_of(raw)
        if isinstance(raw, datetime):
            if raw.time() != time():
                raise _malformed(str(raw), "a day: it has a time")
            return raw.date()
        if isinstance(raw, date):
            return raw
        raise ValueProblem("date.not-text", say("A date such as 2026-02-01 is expected, not {value}", value=show(raw)))

    def to_json(self, value: date | None) -> str | None:
        return None if value is None else value.isoformat()

    def present(self, value: date | None, how: Format) -> str:
        if value is None:
            return ""
        if self.options.format:
            return show_pattern(datetime.combine(value, time()), self.options.format)
        return show_date(value, self.options.date_format)

    def default_is_now(self) -> bool:
        return isinstance(self.spec.default, str) and self.spec.default.strip().upper() in (*NOW, TODAY)

    def value_at(self, moment: datetime) -> date:
        """The day in the field's zone."""
        return moment.astimezone(zone(self.options.time_zone or "UTC")).date()

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from _check_zone(field.options)

    def example(self, rng: Random) -> date:
        return date(2026, 1, 1) + timedelta(days=rng.randint(0, 364))


class DateWithTimeField(InstantField):
    """A `date` with `includeTime: true`."""

    name = "date"
    Options = DateOptions


class TimeField(FieldType[time]):
    """A time of day."""

    name = "time"
    family = "date"
    editor = "time"
    Options = TimeOptions

    def column(self) -> ColumnType:
        return ColumnType("time")

    def accept(self, raw: Any) -> time | None:
        if raw is None:
            return None
        if isinstance(raw, time):
            return raw.replace(microsecond=0, tzinfo=None, fold=0)
        match = _TIME.fullmatch(raw.strip()) if isinstance(raw, str) else None
        if not match:
            raise ValueProblem("time.malformed", say("{value} is not a time such as 9:05 or 17:30:00", value=show(raw)))
        hour, minute, second = (int(part or 0) for part in match.groups()[:3])
        half = (match.group(5) or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else 99
        try:
            return time(hour, minute, second)
        except ValueError:
            message = say("{value} is not a time of day; 00:00 to 23:59:59 is", value=show(raw))
            raise ValueProblem("time.out-of-range", message) from None

    def to_json(self, value: time | None) -> str | None:
        return None if value is None else value.strftime("%H:%M:%S")

    def present(self, value: time | None, how: Format) -> str:
        return "" if value is None else show_time(value, self.options.time_format)

    def example(self, rng: Random) -> time:
        return time(rng.randint(0, 23), rng.randint(0, 59))
