"""Texts of a file turned into values by SQL, for the types and the spellings where that is certain.

A condition here is narrower than `FieldType.accept`: what it lets through has exactly the value that `accept` would give;
whatever it does not let through is left to `accept`, which takes or refuses it with a message.
"""

from dataclasses import dataclass
from typing import Any

from core.fields.base import FieldType
from core.storage.ddl import literal, quote, type_name

_PLAIN = r"[^\x00-\x1f\x7f-\x{a0}\x{1680}\x{2000}-\x{200f}\x{2028}-\x{202f}\x{205f}\x{3000}\x{fdd0}-\x{feff}]"
"""One character that is no control, no space but the ordinary one, nothing that a trim would take."""
_SMALL_WHOLE = r"-?(0|[1-9][0-9]{0,8})(\.0)?"
_WHOLE = r"-?(0|[1-9][0-9]{0,14})(\.0)?"


@dataclass(frozen=True, slots=True)
class FastValue:
    """`value` is SQL of the column's type, `condition` SQL that says when it may be used. NULL means NULL."""

    value: str
    condition: str


def fast_value(field_type: FieldType[Any], column: str) -> FastValue | None:
    """How SQL reads a text column as this field; None for types that only Python can read."""
    text = quote(column)
    match field_type.name:
        case "single-line-text" | "long-text" | "code" | "email" | "url" | "phone-number":
            condition = _text_condition(field_type, text)
            return None if condition is None else FastValue(text, condition)
        case "integer" | "rating" | "progress" | "relationship":
            return _whole(field_type, text)
        case "decimal" | "currency" | "percentage":
            return _exact(field_type, text)
        case "checkbox":
            return FastValue(f"TRY_CAST({text} AS BOOLEAN)", f"{text} IN ('true', 'false')")
        case "single-select" | "status":
            return FastValue(text, f"{text} IN ({', '.join(map(literal, field_type.sort_order() or ()))})")
        case "date" | "datetime" | "time":
            return _moment(field_type, text)
    return None


def _text_condition(field_type: FieldType[Any], text: str) -> str | None:
    options = field_type.options
    match field_type.name:
        case "single-line-text" if options.pattern is None:
            least, most = options.min_length or 0, options.max_length or 255
            return f"{_full(text, _trimmed())} AND length({text}) BETWEEN {least:d} AND {most:d}"
        case "long-text" | "code":
            return _full(text, _trimmed())
        case "email":
            return _full(text, r"[a-z0-9_%+-]{1,40}(\.[a-z0-9_%+-]{1,40}){0,2}@[a-z0-9]{1,40}(\.[a-z0-9]{1,20}){1,3}")
        case "url":
            return _full(text, r"https?://[a-z0-9]{1,40}(\.[a-z0-9]{1,40}){0,4}(/[A-Za-z0-9._~-]*){0,9}")
        case "phone-number" if options.format is None:
            return _full(text, r"\+?[0-9]([0-9 ()-]{0,30}[0-9])?")
    return None


def _moment(field_type: FieldType[Any], text: str) -> FastValue | None:
    kind = field_type.column()
    if kind is None or (kind.kind == "timestamp" and field_type.name == "date"):
        return None
    clock = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    # A wall time is read in the field's zone; only in UTC does the database read it the same.
    in_utc = field_type.name == "datetime" and field_type.options.time_zone in (None, "UTC")
    spelling = {
        "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        "datetime": rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]{clock}(\.[0-9]{{1,3}})?" + ("Z?" if in_utc else "Z"),
        "time": clock,
    }[field_type.name]
    value = f"TRY_CAST({text} AS {type_name('duckdb', kind)})"
    return FastValue(value, f"{_full(text, spelling)} AND {value} IS NOT NULL")


def _trimmed() -> str:
    inner = _PLAIN.replace("[^", "[^ ", 1)
    return f"{inner}({_PLAIN}*{inner})?"


def _full(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _whole(field_type: FieldType[Any], text: str) -> FastValue | None:
    kind = field_type.column()
    if kind is None or kind.kind not in ("integer", "bigint"):
        return None
    number = f"TRY_CAST({text} AS BIGINT)"
    low, high = getattr(field_type.options, "min", None), getattr(field_type.options, "max", None)
    if field_type.name == "rating":
        low = 1
    elif field_type.name == "progress":
        low, high = 0, 100
    return FastValue(
        number, _full(text, _SMALL_WHOLE if kind.kind == "integer" else _WHOLE) + _within(number, low, high)
    )


def _exact(field_type: FieldType[Any], text: str) -> FastValue | None:
    kind = field_type.column()
    if kind is None or kind.scale is None:
        return None
    number = f"TRY_CAST({text} AS {type_name('duckdb', kind)})"
    spelling = r"-?(0|[1-9][0-9]{0,11})" + (rf"(\.[0-9]{{1,{kind.scale:d}}})?" if kind.scale else "")
    return FastValue(number, _full(text, spelling) + _within(number, field_type.options.min, field_type.options.max))


def _within(number: str, low: Any, high: Any) -> str:
    bounds = [(">=", low), ("<=", high)]
    return "".join(f" AND {number} {sign} {_literal(bound)}" for sign, bound in bounds if bound is not None)


def _literal(bound: float | int) -> str:
    return f"CAST({literal(repr(bound))} AS DECIMAL(38, 10))" if isinstance(bound, float) else f"{bound:d}"
