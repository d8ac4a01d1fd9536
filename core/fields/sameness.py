"""Values of rules beside values of columns: the same type strictly, another by their texts (P-031)."""

from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from core.fields.column import ColumnKind
from core.schema.permission import Scalar


def stored(value: Scalar, kind: ColumnKind) -> Any:
    """The one stored value of a column that a value of a rule equals, None when there is none: of the same type strictly, of
    another by their texts (P-031)."""
    text = _text(value)
    match kind:
        case "text":
            return text
        case "integer" | "bigint" | "decimal" | "double":
            return _number(text) if not isinstance(value, bool) else None
        case "boolean":
            return {"true": True, "false": False}.get(text)
        case "date" | "time" | "timestamp":
            return _moment(text, kind)
        case _:
            return value


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _number(text: str) -> int | Decimal | None:
    """The number that is written so: `7` is, `07` and `7.0` are other texts."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > 27:
        return None
    if number == number.to_integral_value():
        return int(number) if str(int(number)) == text else None
    return number if format(number.normalize(), "f") == text else None


def _moment(text: str, kind: ColumnKind) -> Any:
    try:
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "time":
            return time.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
