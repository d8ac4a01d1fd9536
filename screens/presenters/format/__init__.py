"""Values as people read them (spec R-089 to R-096): the text of a cell, by the type of its field.

The same rules as the API's `format=display`, written here because the console reads raw values and must not ask a server
for each cell it paints. Numbers without a format of their own are grouped as the language does it.
"""

import html
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from core.contract.tables import FieldInfo
from screens.presenters.format import moment, number
from screens.presenters.format.line import one_line

Formatter = Callable[[Any], str]
"""Text of a value that is not None. May raise ValueError, TypeError or ArithmeticError on what is not the type's."""


_BLOCK = re.compile(r"</?(?:p|br|li|h[1-6]|tr|div|blockquote)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>?")
SHOWN = 1000
"""Characters of a text that a line can need; the rest of a long one is not looked at."""


def _text(field: FieldInfo) -> Formatter:
    return _as_text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN]
    if isinstance(value, dict) and "cut" in value:
        return f"{value['cut']}…"
    return compact(value)


def _rich(field: FieldInfo) -> Formatter:
    """The text without its marks; Markdown as it was written."""
    if field["options"].get("format") == "markdown":
        return _as_text

    def show(value: Any) -> str:
        spaced = _BLOCK.sub(" ", _as_text(value))
        return " ".join(html.unescape(_TAG.sub("", spaced)).split())

    return show


def _choice(field: FieldInfo) -> Formatter:
    from screens.presenters.value import options_of

    labels = {option.value: option.label for option in options_of(field)}
    return lambda value: labels.get(value, value) if isinstance(value, str) else _as_text(value)


def _choices(field: FieldInfo) -> Formatter:
    one = _choice(field)
    return lambda value: ", ".join(map(one, value)) if isinstance(value, list) else one(value)


def _checkbox(field: FieldInfo) -> Formatter:
    return lambda value: ("✓" if value else "·") if isinstance(value, bool) else _as_text(value)


def compact(value: Any) -> str:
    """Json on one line without blanks that mean nothing."""
    import json

    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)[:SHOWN]


FORMATTERS: Mapping[str, Callable[[FieldInfo], Formatter]] = {
    "integer": number.integer,
    "decimal": number.decimal,
    "currency": number.currency,
    "percentage": number.percentage,
    "rating": number.rating,
    "progress": number.progress,
    "autonumber": number.autonumber,
    "duration": moment.duration,
    "date": moment.date,
    "datetime": moment.instant,
    "created-at": moment.instant,
    "updated-at": moment.instant,
    "deleted-at": moment.instant,
    "time": moment.time,
    "rich-text": _rich,
    "checkbox": _checkbox,
    "single-select": _choice,
    "status": _choice,
    "multi-select": _choices,
}
"""By type; types that are not here are their own text."""


def formatter(field: FieldInfo) -> Formatter:
    """How values of a field read, on one line and with nothing in it that could harm the terminal. Takes None ("") and
    values that are not the type's (as they are)."""
    return partial(_read, FORMATTERS.get(field["type"], _text)(field))


def _read(plain: Formatter, value: Any) -> str:
    if value is None:
        return ""
    try:
        return one_line(plain(value))
    except (ValueError, TypeError, ArithmeticError, OSError):
        return one_line(_as_text(value))


def measured_text(field: FieldInfo, value: Any, labels: Mapping[str, str]) -> str:
    """What a column must be wide enough for: the text, with the blanks around chips and the arrow of a link."""
    if field["family"] == "link" and value is not None:
        parts = value if isinstance(value, list) else [value]
        return one_line(", ".join(labels.get(str(part), str(part)) for part in parts)) + " →"
    text = formatter(field)(value)
    if field["family"] == "select":
        return f" {text} "
    if field["type"] == "color":
        return f"██ {text}"
    if field["family"] == "multi" and isinstance(value, list):
        return text + " " * (len(value) + 1)
    return text
