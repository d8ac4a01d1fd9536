"""Values of filters turned into what a column holds (R-111), without the limits that writing has: `stock > -1` is a fair
question about a field that takes no negative number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core.fields.base import ValueProblem
from core.fields.person import ME
from core.fields.place import GeolocationField, accept_place
from core.formulas.pattern import check_regex
from core.query.scope import Ref, Scope
from core.sentence import say

NOBODY = "\ue000"
"""Equals nothing that anybody has written: an empty text might."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_RELATIVE = re.compile(r"(last|next):(\d{1,5}):days\Z")


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to just before `end`: a day, or several, of a column of instants or days. None = open."""

    first: Any
    end: Any


@dataclass(frozen=True, slots=True)
class Radius:
    """All places within so many metres of a point."""

    lat: float
    lng: float
    meters: float


def operand(raw: Any, ref: Ref, scope: Scope) -> Any:
    """The value to compare a column with; a `Span` where a day is compared with instants. Raises ValueError."""
    raw = _variable(raw, scope, ref)
    if ref.path:
        return _json_scalar(raw)
    if ref.is_list:
        return [_item(each, ref) for each in raw] if isinstance(raw, list) else [_item(raw, ref)]
    match ref.family:
        case "number":
            return _number(raw, ref)
        case "date":
            return _moment(raw, ref, scope)
        case "checkbox":
            return _accepted(raw, ref)
        case "link":
            return _number(raw, ref) if ref.kind in ("integer", "bigint") else _text(raw)
        case "json":
            return _accepted(raw, ref) if isinstance(ref.type, GeolocationField) else raw
        case _:
            return _number(raw, ref) if ref.kind in ("integer", "bigint") else _stored_text(raw, ref)


def member(raw: Any, ref: Ref, scope: Scope) -> Any:
    """One value of a list: an option of a multi-select, else as `operand`."""
    return _item(_variable(raw, scope, ref), ref) if ref.is_list else operand(raw, ref, scope)


def _item(raw: Any, ref: Ref) -> Any:
    """One value of a list."""
    match ref.kind:
        case "integer-list" | "bigint-list" | "decimal-list":
            number = _number(raw, ref)
            if not isinstance(number, int | Decimal):
                raise ValueError(say("expected a number"))
            if isinstance(number, int) and abs(number) >= 2**63:
                raise ValueError(say("the number is too large"))
            return Decimal(str(number)) if ref.kind == "decimal-list" else number
        case "boolean-list":
            if not isinstance(raw, bool):
                raise ValueError(say("expected true or false"))
            return raw
        case "date-list":
            return date.fromisoformat(_text(raw))
    return _text(raw)


def radius(raw: Any) -> Radius:
    """The value of `withinRadius`. Raises ValueError."""
    if not isinstance(raw, dict) or set(raw) != {"lat", "lng", "meters"}:
        raise ValueError(say("expected {shape}", shape="{lat, lng, meters}"))
    meters = raw["meters"]
    if isinstance(meters, bool) or not isinstance(meters, int | float) or not 0 <= meters <= 1e9:
        raise ValueError(say("meters is a number from 0"))
    try:
        center = accept_place({"lat": raw["lat"], "lng": raw["lng"]})
    except ValueProblem as problem:
        raise ValueError(problem.message) from None
    return Radius(center["lat"], center["lng"], float(meters))


def fragment(raw: Any, scope: Scope) -> str:
    """The text that `contains` and its kin look for."""
    return _text(_variable(raw, scope))


def pattern(raw: Any) -> str:
    """A regular expression that both databases take. Raises ValueError."""
    text = _text(raw)
    problem = check_regex(text)
    if problem is not None:
        raise ValueError(problem)
    return text


def period(raw: Any, ref: Ref, scope: Scope) -> Span:
    """The days that `isWithin` means, as the column's values. Raises ValueError."""
    if ref.kind == "time":
        raise ValueError(say("a time of day lies within no period"))
    first, end = _days(raw, scope.today)
    if ref.kind == "date":
        return Span(first, end)
    return Span(scope.day(first)[0], scope.day(end)[0])


def _days(raw: Any, today: date) -> tuple[date, date]:
    one = timedelta(days=1)
    monday = today - timedelta(days=today.weekday())
    first_of_month = today.replace(day=1)
    match raw:
        case "today":
            return today, today + one
        case "yesterday":
            return today - one, today
        case "tomorrow":
            return today + one, today + 2 * one
        case "thisWeek":
            return monday, monday + 7 * one
        case "lastWeek":
            return monday - 7 * one, monday
        case "nextWeek":
            return monday + 7 * one, monday + 14 * one
        case "thisMonth":
            return first_of_month, _month_after(first_of_month)
        case "lastMonth":
            return (first_of_month - one).replace(day=1), first_of_month
        case "nextMonth":
            following = _month_after(first_of_month)
            return following, _month_after(following)
        case "thisYear":
            return date(today.year, 1, 1), date(today.year + 1, 1, 1)
    relative = _RELATIVE.match(raw) if isinstance(raw, str) else None
    if not relative:
        raise ValueError(
            say(
                "expected today, yesterday, tomorrow, this/last/nextWeek, this/last/nextMonth, thisYear, "
                "last:N:days or next:N:days"
            )
        )
    distance = timedelta(days=int(relative[2]))
    return (today - distance, today + one) if relative[1] == "last" else (today, today + distance + one)


def _month_after(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)


def _variable(raw: Any, scope: Scope, ref: Ref | None = None) -> Any:
    """What stands for a value of the moment or the caller (V-011, R-112), in its place."""
    if raw in ME and isinstance(raw, str) and ref is not None and ref.family == "user":
        return scope.user or NOBODY
    match raw:
        case "$today":
            return scope.today.isoformat()
        case "$now":
            return scope.now
        case "$currentUser" | "$currentUser.id":
            return scope.user or NOBODY
        case "$currentUser.email":
            return scope.email or NOBODY
    return raw


def _text(raw: Any) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise ValueError(say("expected text"))
    return str(raw)


def _stored_text(raw: Any, ref: Ref) -> str:
    """Text as the field would store it, where it takes it at all (`A@B.org` is kept in small letters)."""
    text = _text(raw)
    try:
        accepted = ref.type.accept(text)
    except ValueProblem:
        return text
    return accepted if isinstance(accepted, str) else text


def _number(raw: Any, ref: Ref) -> int | Decimal | float:
    """Not `accept` first: rounding to the field's decimals would change what is asked."""
    if isinstance(raw, bool):
        raise ValueError(say("expected a number"))
    if isinstance(raw, int | float | Decimal | str):
        try:
            number = Decimal(str(raw).strip())
        except InvalidOperation:
            number = None
        if number is not None and number.is_finite():
            if abs(number) >= Decimal(10) ** 28:
                raise ValueError(say("the number is too large"))
            if ref.kind == "double":
                return float(number)
            return int(number) if number == number.to_integral_value() else number
    return _accepted(raw, ref)  # type: ignore[no-any-return]


def _moment(raw: Any, ref: Ref, scope: Scope) -> Any:
    if ref.kind == "timestamp":
        if isinstance(raw, str) and _DAY.match(raw):
            return Span(*scope.day(date.fromisoformat(raw)))
        return raw if isinstance(raw, datetime) else _instant(raw, scope)
    if ref.kind == "date":
        if isinstance(raw, datetime) or (isinstance(raw, str) and len(raw) > 10 and "T" in raw):
            return (raw if isinstance(raw, datetime) else _instant(raw, scope)).astimezone(scope.zone).date()
        if isinstance(raw, str) and _DAY.match(raw):
            return date.fromisoformat(raw)
    return _accepted(raw, ref)


def _instant(raw: Any, scope: Scope) -> datetime:
    if not isinstance(raw, str):
        raise ValueError(say("expected a date or an instant"))
    moment = datetime.fromisoformat(raw)
    return (moment if moment.tzinfo else moment.replace(tzinfo=scope.zone)).astimezone(UTC)


def _json_scalar(raw: Any) -> Any:
    if isinstance(raw, datetime):
        return raw.isoformat()
    if raw is not None and not isinstance(raw, str | int | float | bool):
        raise ValueError(say("expected text, a number, true or false"))
    return raw


def _accepted(raw: Any, ref: Ref) -> Any:
    try:
        return ref.type.accept(raw)
    except ValueProblem as problem:
        raise ValueError(problem.message) from None


def pair(raw: Any) -> Sequence[Any]:
    """The two ends of `between`."""
    if not isinstance(raw, list) or len(raw) != 2 or None in raw:
        raise ValueError(say("expected [low, high]"))
    return raw
