"""What both databases can keep: texts without NUL and without lone surrogates, JSON without them, whole numbers that fit.

The check runs where a value leaves for a database, so that no door can go round it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.errors import FieldError, Invalid
from core.fields.column import ColumnKind

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_RANGE: Mapping[ColumnKind, int] = {"integer": 2**31, "bigint": 2**63}


def refuse(column: str, code: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(column, code, message)])


def check_text(column: str, value: str) -> str:
    """The text itself; Invalid for what a database cannot hold."""
    if not value.isascii() or "\0" in value:
        _check_characters(column, value)
    return value


def _check_characters(column: str, value: str) -> None:
    if "\0" in value:
        raise refuse(column, "text.nul", f"{column}: a text cannot hold the character NUL (U+0000)")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refuse(column, "text.surrogate", f"{column}: a text cannot hold half a surrogate pair") from None


def check_texts(column: str, values: Sequence[str]) -> list[str]:
    return [check_text(column, value) for value in values]


def check_column(column: str, values: Sequence[str | None]) -> Sequence[str | None]:
    """The values themselves, looked at in one go: nearly always there is nothing to be found."""
    whole = "".join(filter(None, values))
    if not whole.isascii() or "\0" in whole:
        for value in filter(None, values):
            check_text(column, value)
    return values


def check_integer(column: str, kind: ColumnKind, value: int) -> int:
    limit = _RANGE[kind]
    if not -limit <= value < limit:
        raise refuse(column, "number.out-of-range", f"{column}: {value} is out of range")
    return value


def check_integers(column: str, kind: ColumnKind, values: Sequence[int]) -> list[int]:
    return [check_integer(column, kind, value) for value in values]


def dump_json(column: str, value: Any) -> str:
    """JSON text; Invalid for NaN, infinity, NUL, lone surrogates and what is not JSON at all."""
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except UnicodeEncodeError:
        raise refuse(column, "text.surrogate", f"{column}: a text cannot hold half a surrogate pair") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse(column, "json.not-json", f"{column}: not a JSON value ({error})") from None
    if "\\u0000" in text and _holds_nul(value):
        raise refuse(column, "text.nul", f"{column}: a text cannot hold the character NUL (U+0000)")
    return text


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(_holds_nul(part) for part in value)


def load_json(text: str | bytes) -> Any:
    """A JSON value as answers can tell it. PostgreSQL writes 1e21 with all its digits, and SQL may keep longer numbers: a
    whole one beyond 64 bits is a double, what no double holds its text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text, parse_int=_whole, parse_float=_double)


def _whole(digits: str) -> int | float | str:
    number = int(digits) if len(digits) <= len(str(-(2**63))) else 2**64
    return number if -(2**63) <= number < 2**64 else _double(digits)


def _double(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits
