"""Values of a result as they travel: JSON, with nothing lost. Numbers that JSON readers round become text."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson

from core.clock import to_iso

SAFE_INTEGER = 2**53
CUT_AT = 200
"""Characters of a text in a window (`core.contract.console`)."""
FAMILIES = (
    (("BOOL",), "checkbox"),
    (("DATE", "TIMESTAMP"), "date"),
    (("JSON", "STRUCT", "MAP", "UNION", "VARIANT"), "json"),
    (("TINYINT", "SMALLINT", "INT", "BIGINT", "HUGEINT", "UTINY", "USMALL", "UINT", "UBIG", "UHUGE"), "number"),
    (("DECIMAL", "NUMERIC", "FLOAT", "DOUBLE", "REAL", "OID"), "number"),
)


def family_of(type_name: str) -> str:
    """How a column of that database type is drawn."""
    name = type_name.upper()
    if name.endswith("]"):
        return "json"
    if name.startswith("INTERVAL"):
        return "text"
    return next((family for starts, family in FAMILIES if name.startswith(starts)), "text")


def to_cell(value: Any) -> Any:
    """A driver's value as JSON: instants in UTC, exact numbers, nested values as compact JSON text."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return _instant(value) if value.tzinfo is not None else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping | list | tuple):
        return orjson.dumps(value, default=to_cell, option=orjson.OPT_NON_STR_KEYS).decode()
    return str(value)


def cut(cell: Any) -> Any:
    """The cell as windows carry it: long text as its head and its length."""
    if isinstance(cell, str) and len(cell) > CUT_AT:
        return {"cut": cell[:CUT_AT], "length": len(cell)}
    return cell


def _instant(value: datetime) -> str:
    """As the API writes it; with all six digits where the database keeps more than milliseconds."""
    if value.microsecond % 1000:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return to_iso(value)


def _number(value: Decimal) -> float | int | str:
    if not value.is_finite():
        return str(value)
    near = float(value)
    if Decimal(repr(near)) == value:
        return int(near) if near.is_integer() and abs(near) <= SAFE_INTEGER else near
    return str(value)
