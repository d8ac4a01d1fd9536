"""Pages of a list: by number, by offset, or by a cursor that continues after the last row seen."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, false, literal, or_

from core.errors import BadRequest, FieldError, Invalid
from core.query.sort import Rank
from core.sentence import say

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_LARGEST_OFFSET = 2**62


@dataclass(frozen=True, slots=True)
class Page:
    """`after` are the rank values of the row to continue behind; `offset` counts from there."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: tuple[Any, ...] | None = None


FIRST_PAGE = Page()


def parse_page(params: Mapping[str, str], order: str) -> Page:
    """Read limit, offset, page and cursor (D-10). `order` says which sort a cursor was made for. Raises Invalid or,
    for a cursor, BadRequest."""
    limit = min(_integer(params, "limit", 1) or DEFAULT_LIMIT, MAX_LIMIT)
    offset, number = _integer(params, "offset", 0), _integer(params, "page", 1)
    if offset is None:
        offset = ((number or 1) - 1) * limit
    cursor = params.get("cursor")
    return Page(limit, min(offset, _LARGEST_OFFSET), _read_cursor(cursor, order) if cursor else None)


def _integer(params: Mapping[str, str], name: str, least: int) -> int | None:
    text = params.get(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        what = say("a positive integer") if least else say("an integer, 0 or more")
        field = FieldError(name, f"{name}.invalid", say("Must be {what}", what=what))
        raise Invalid(say("{name} must be {what}", name=name, what=what), [field])
    return int(text)


def write_cursor(values: Sequence[Any], order: str) -> str:
    """An opaque text for the position behind a row with these rank values."""
    tagged = [order, *(_tag(value) for value in values)]
    return urlsafe_b64encode(orjson.dumps(tagged)).decode().rstrip("=")


def _read_cursor(text: str, order: str) -> tuple[Any, ...]:
    try:
        made_for, *values = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        found = tuple(_untag(value) for value in values)
    except (ValueError, TypeError, ArithmeticError):
        raise BadRequest("The cursor cannot be read", hint="Send back nextCursor as it came") from None
    if made_for != order:
        raise BadRequest("The cursor belongs to another sort order", hint="Keep sort and order while paging")
    return found


def after(ranks: Sequence[Rank], values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition of standing behind a row in the order of `ranks`."""
    if len(ranks) != len(values):
        raise BadRequest("The cursor cannot be read")
    behind: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for rank, value in zip(ranks, values, strict=True):
        behind.append(and_(*same, _later(rank, value)))
        same.append(rank.value.is_(None) if value is None else rank.value == literal(value, rank.value.type))
    return or_(*behind)


def _later(rank: Rank, value: Any) -> ColumnElement[bool]:
    if value is None:
        return false()
    given = literal(value, rank.value.type)
    later = rank.value < given if rank.descending else rank.value > given
    return or_(later, rank.value.is_(None)) if rank.nullable else later


def _tag(value: Any) -> Any:
    match value:
        case datetime():
            return ["t", value.isoformat()]
        case date():
            return ["d", value.isoformat()]
        case time():
            return ["h", value.isoformat()]
        case Decimal():
            return ["n", str(value)]
        case list():
            return ["l", [_tag(each) for each in value]]
        case _:
            return value


def _untag(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    tag, plain = value
    readers: dict[str, Any] = {
        "t": datetime.fromisoformat,
        "d": date.fromisoformat,
        "h": time.fromisoformat,
        "n": Decimal,
        "l": lambda items: [_untag(each) for each in items],
    }
    if tag not in readers:
        raise ValueError(tag)
    return readers[tag](plain)
