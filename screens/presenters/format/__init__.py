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
from screens.services.number import size

Formatter = Callable[[Any], str]
"""Text of a value that is not None. May raise ValueError, TypeError or ArithmeticError on what is not the type's."""


_BLOCK = re.compile(r"</?(?:p|br|li|h[1-6]|tr|div|blockquote)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>?")
NAMED = 2
"""Links that a cell names; further ones are counted."""
NAME_MOST, NAME_END = 48, 12
"""Characters of a file's name that are shown, and how many of them are its end: there the type stands."""
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


def _list(field: FieldInfo) -> Formatter:
    def show(value: Any) -> str:
        parts = ("✓" if part is True else "·" if part is False else str(part) for part in value)
        return ", ".join(parts) if isinstance(value, list) else _as_text(value)

    return show


def _place(field: FieldInfo) -> Formatter:
    return lambda value: f"{value['lat']:.4f}, {value['lng']:.4f}"


def _file(field: FieldInfo) -> Formatter:
    """`report.pdf (1.2 MB)`"""
    return file_text


def _files(field: FieldInfo) -> Formatter:
    """How many, and the first of them."""

    def show(value: Any) -> str:
        if not isinstance(value, list):
            return _as_text(value)
        more = f" +{len(value) - 1}" if len(value) > 1 else ""
        return file_text(value[0]) + more if value else ""

    return show


def file_text(value: Any) -> str:
    """A file as one reads of it: its name, of a long one both ends, and its size."""
    if not isinstance(value, dict):
        return _as_text(value)
    name = str(value.get("displayName") or value.get("filename") or value.get("key"))
    if len(name) > NAME_MOST:
        name = f"{name[: NAME_MOST - NAME_END]}…{name[-NAME_END:]}"
    return f"{name} ({size(value['size'])})" if isinstance(value.get("size"), int) else name


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
    "user": _list,
    "array": _list,
    "geolocation": _place,
    "single-attachment": _file,
    "multiple-attachments": _files,
}
"""By type; types that are not here are their own text."""


def formatter(field: FieldInfo) -> Formatter:
    """How values of a field read, on one line and with nothing in it that could harm the terminal. Takes None ("") and
    values that are not the type's (as they are)."""
    field = shown_as(field)
    return partial(_read, FORMATTERS.get(field["type"], _text)(field))


def shown_as(field: FieldInfo) -> FieldInfo:
    """The field as its values are shown: a computed one as the type of its result, keys of records as their names."""
    result = field["options"].get("result")
    if not isinstance(result, dict):
        return field
    if result.get("labelled"):
        return {**field, "type": "single-line-text", "options": {}}
    return {**field, "type": result["type"], "options": result["options"]}


def is_labelled(field: FieldInfo) -> bool:
    """The values are keys of records; their names come beside the rows."""
    result = field["options"].get("result")
    return field["family"] == "link" or (isinstance(result, dict) and bool(result.get("labelled")))


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
        more = f" +{len(parts) - NAMED}" if len(parts) > NAMED else ""
        return one_line(", ".join(labels.get(str(part), str(part)) for part in parts[:NAMED])) + f"{more} →"
    text = formatter(field)(value if not is_labelled(field) else labels.get(str(value), value))
    if field["family"] == "select":
        return f" {text} "
    if field["type"] == "color":
        return f"██ {text}"
    if field["family"] == "multi" and isinstance(value, list):
        return text + " " * (len(value) + 1)
    return text
