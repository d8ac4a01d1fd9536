"""Values of fields between the API's JSON and what a person reads and types, with the rules that need no server.

`edit_text` leads from a value to the text in an editor, `parse` back, `check` says what is wrong with a value, `show`
gives one line for reading. The server has the last word on all of it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.contract.tables import FieldInfo
from screens.presenters.amount import parse_amount, plain
from screens.presenters.moment import (
    duration_text,
    parse_day,
    parse_duration,
    parse_instant,
    parse_time,
    zone_of,
)
from screens.presenters.structured import Unfit, item_text, parse_items, parse_place, place_text, split_items
from screens.services.text import labelled, t

NULL = "∅"
TRUE, FALSE = "✓", "✗"
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(//)?\S+")
YES = ("1", "true", "yes", "y", "x", "✓", "on")
NO = ("0", "false", "no", "n", "✗", "·", "off")


class ValueRefused(ValueError):
    """A text or value that the field does not take; the message is for people."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select."""

    value: str
    label: str
    color: str | None = None


def title_of(field: FieldInfo) -> str:
    """What the field is called on screen."""
    return field["label"] or field["name"]


def editable(field: FieldInfo) -> bool:
    """Whether a person may change cells of this field."""
    return field["editor"] != "none" and not field["readOnly"] and not field["options"].get("readOnly")


def is_generated(field: FieldInfo) -> bool:
    """A language model fills it."""
    return field["type"].startswith("ai-")


def why_read_only(field: FieldInfo) -> str:
    """A sentence for a cell that has no editor."""
    if denied := field["options"].get("denied"):
        reason = str(denied) if denied in ("view", "console") else "denied"
    elif field["name"] == "id" and field["system"]:
        reason = "key"
    elif field["type"] == "autonumber":
        reason = "autonumber"
    elif field["system"] or field["type"] in ("created-at", "updated-at", "deleted-at"):
        reason = "automatic"
    elif field["editor"] == "none":
        reason = "computed"
    else:
        reason = "option"
    return t("value.read_only", field=title_of(field), reason=t(f"value.read_only.{reason}"))


def problem_text(field: FieldInfo, value: Any, message: str) -> str:
    """What is wrong with a value, so that it is understood away from its cell: the field, why, and the value (T-148)."""
    title, text = title_of(field), "" if value is None else show(field, value)
    told = message if title in message else labelled(title, message)
    if not text or text in message:
        return told
    return f"{told} ({t('value.quoted', text=text[:40] + ('…' if len(text) > 40 else ''))})"


def options_of(field: FieldInfo) -> list[Option]:
    """The choices of a select, status or multi-select; [] for other types."""
    found = []
    for entry in field["options"].get("options") or ():
        if isinstance(entry, dict):
            value = str(entry.get("value", ""))
            found.append(Option(value, str(entry.get("label") or value), entry.get("color")))
        else:
            found.append(Option(str(entry), str(entry)))
    return found


def next_options(field: FieldInfo, value: Any) -> list[Option]:
    """The choices that may follow a value: all, unless the status has transitions."""
    allowed = (field["options"].get("transitions") or {}).get(value) if isinstance(value, str) else None
    return [o for o in options_of(field) if allowed is None or o.value in allowed or o.value == value]


def is_cut(value: Any) -> bool:
    """A window carries only the head of a long text; the whole is read with the record."""
    return isinstance(value, dict) and set(value) == {"cut", "length"}


def stored_value(field: FieldInfo, value: Any) -> Any:
    """A window's cell as the record has it: json comes as compact text."""
    if field["editor"] == "json" and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


# ── To text ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def edit_text(field: FieldInfo, value: Any) -> str:
    """What an editor starts with; "" for NULL."""
    if value is None:
        return ""
    match field["editor"]:
        case "number" | "rating":
            return str(value) if isinstance(value, str | int) else plain(Decimal(str(value)))
        case "datetime":
            return instant_text(field, str(value))
        case "duration":
            return duration_text(float(value), str(field["options"].get("displayFormat", "h:mm")))
        case "json":
            return json.dumps(value, ensure_ascii=False, indent=2)
        case "checkbox":
            return "true" if value else "false"
        case "place":
            return place_text(value)
        case "list":
            texts = [item_text(part) for part in value] if isinstance(value, list) else [str(value)]
            text = ", ".join(texts)
            return text if split_items(text) == texts else json.dumps(value, ensure_ascii=False)
        case "files" | "file":
            return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def instant_text(field: FieldInfo, value: str) -> str:
    """An ISO instant on the wall clock of the field's zone: `2026-02-01 08:00`, with seconds when there are any."""
    try:
        there = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(
            zone_of(field["options"].get("timeZone"))
        )
    except ValueError:
        return value
    return there.strftime("%Y-%m-%d %H:%M:%S" if there.second else "%Y-%m-%d %H:%M")


SHAPED = ("place", "list", "file", "files")
MOMENTS = ("date", "datetime", "time", "duration", "created-at", "updated-at", "deleted-at")


def show(field: FieldInfo | None, value: Any, label: str = "") -> str:
    """One line for reading: `∅` for NULL, `""` for the empty text. label: what a link's id stands for."""
    if value is None:
        return NULL
    if value == "" or value == []:
        return '""' if value == "" else NULL if field is not None and field["family"] == "link" else "[]"
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, dict) and set(value) == {"ref"}:
        return t("value.new_record")
    if is_cut(value):
        return " ".join(str(value["cut"]).split()) + "…"
    if label:
        return label
    if field is not None and (field["type"] in MOMENTS or field["editor"] in SHAPED):
        from screens.presenters.format import formatter

        return formatter(field)(value)
    if field is not None and field["family"] in ("select", "multi"):
        labels = {option.value: option.label for option in options_of(field)}
        return ", ".join(labels.get(str(v), str(v)) for v in (value if isinstance(value, list) else [value]))
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return " ".join(str(value).split()) or repr(value)


# ── From text ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse(field: FieldInfo, text: str, *, now: datetime | None = None) -> Any:
    """The value of a typed or pasted text. An empty text is NULL, but for text fields, which keep it. Checks the rules.

    Raises ValueRefused.
    """
    now = now or datetime.now(UTC)
    value = _parse(field, text, now)
    if problem := check(field, value):
        raise ValueRefused(problem)
    return value


def _parse(field: FieldInfo, text: str, now: datetime) -> Any:
    editor = field["editor"]
    if editor == "text":
        return text
    word = text.strip()
    if editor == "line":
        return word.lower() if field["type"] == "email" else word
    if not word:
        return None
    try:
        return PARSERS[editor](field, word, now) if editor in PARSERS else word
    except json.JSONDecodeError as error:
        raise ValueRefused(json_problem(error)) from error
    except ValueRefused:
        raise
    except Unfit as error:
        raise ValueRefused(str(error)) from error
    except ValueError as error:
        raise ValueRefused(t(f"value.not.{editor}", value=word)) from error


def _day(field: FieldInfo, text: str, now: datetime) -> str:
    if field["options"].get("includeTime"):
        return _instant(field, text, now)
    return parse_day(text, now.astimezone(zone_of(None)).date()).isoformat()


def _instant(field: FieldInfo, text: str, now: datetime) -> str:
    instant = parse_instant(text, now, zone_of(field["options"].get("timeZone")))
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parse_lines(field: FieldInfo, lines: list[str], *, now: datetime | None = None) -> list[Any] | None:
    """The items of an array, each a text of its own; None without any. Raises ValueRefused."""
    if not lines:
        value = None
    else:
        moment = now or datetime.now(UTC)
        try:
            value = parse_items(field, lines, moment, lambda text: _plain_day(text, moment))
        except Unfit as error:
            raise ValueRefused(str(error)) from error
    if problem := check(field, value):
        raise ValueRefused(problem)
    return value


def _plain_day(text: str, now: datetime) -> str:
    return parse_day(text, now.astimezone(zone_of(None)).date()).isoformat()


def _choices(field: FieldInfo, text: str, now: datetime) -> list[str]:
    return list(dict.fromkeys(_choice(field, part.strip()) for part in re.split("[,;]", text) if part.strip()))


def json_problem(error: json.JSONDecodeError) -> str:
    """Where JSON goes wrong."""
    return t("value.not.json", line=error.lineno, column=error.colno, reason=error.msg)


def _number(field: FieldInfo, text: str, now: datetime) -> Any:
    number = parse_amount(text, decimal_comma=t("value.decimal_comma") == "yes")
    if field["type"] == "decimal":
        return plain(number)
    if field["type"] in ("integer", "rating", "progress"):
        if number != number.to_integral():
            raise ValueRefused(t("value.not.integer", value=text))
        return int(number)
    return int(number) if number == number.to_integral() else float(number)


def _truth(word: str) -> bool:
    lowered = word.lower()
    if lowered in (*YES, *t("value.words.yes").split()):
        return True
    if lowered in (*NO, *t("value.words.no").split()):
        return False
    raise ValueError(word)


def _files(text: str) -> list[Any]:
    """Keys of files, or what was copied of others."""
    if text[:1] not in ("{", "["):
        return split_items(text)
    found = json.loads(text)
    return found if isinstance(found, list) and found else [found]


def _choice(field: FieldInfo, word: str, now: datetime | None = None) -> str:
    options = options_of(field)
    for option in options:
        if word == option.value:
            return option.value
    for option in options:
        if word.casefold() in (option.value.casefold(), option.label.casefold()):
            return option.value
    raise ValueRefused(t("value.not.option", value=word, options=", ".join(option.label for option in options)))


PARSERS: dict[str, Callable[[FieldInfo, str, datetime], Any]] = {
    "number": _number,
    "rating": _number,
    "date": _day,
    "datetime": _instant,
    "time": lambda field, text, now: parse_time(text).isoformat(),
    "duration": lambda field, text, now: parse_duration(text, str(field["options"].get("format", "seconds"))),
    "checkbox": lambda field, text, now: _truth(text),
    "choice": _choice,
    "choices": _choices,
    "json": lambda field, text, now: json.loads(text),
    "place": lambda field, text, now: parse_place(text),
    "list": lambda field, text, now: parse_items(field, split_items(text), now, lambda day: _plain_day(day, now)),
    "users": lambda field, text, now: split_items(text),
    "file": lambda field, text, now: _files(text)[0],
    "files": lambda field, text, now: _files(text),
}


# ── Rules ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(field: FieldInfo, value: Any) -> str:
    """What is wrong with a value, "" when nothing that can be seen from here is."""
    if value is None or value == "" or value == []:
        blank_counts = field["family"] == "text" or value is None
        return t("value.required", field=title_of(field)) if field["required"] and blank_counts else ""
    match field["family"]:
        case "text":
            return _check_text(field, str(value))
        case "number":
            return _check_number(field, value)
        case "select":
            known = [option.value for option in options_of(field)]
            return t("value.not.option", value=value, options=", ".join(known)) if known and value not in known else ""
        case "multi":
            most = field["options"].get("maxSelections")
            return t("value.too_many", most=most) if most and isinstance(value, list) and len(value) > most else ""
    return ""


def _check_text(field: FieldInfo, text: str) -> str:
    options = field["options"]
    most = options.get("maxLength") or (255 if field["type"] in ("single-line-text", "email", "phone-number") else None)
    if most and len(text) > most:
        return t("value.too_long", most=most, length=len(text))
    if (least := options.get("minLength")) and len(text) < least:
        return t("value.too_short", least=least)
    if pattern := options.get("pattern"):
        try:
            if not re.fullmatch(str(pattern), text):
                return t("value.pattern", pattern=pattern)
        except re.error:
            return ""
    if field["type"] == "email" and not EMAIL.fullmatch(text):
        return t("value.not.email", value=text)
    if field["type"] == "url" and not ADDRESS.fullmatch(text):
        return t("value.not.url", value=text)
    return ""


def _check_number(field: FieldInfo, value: Any) -> str:
    options, least, most = field["options"], field["options"].get("min"), field["options"].get("max")
    if field["type"] == "progress":
        least, most = 0, 100
    if field["type"] == "rating":
        least, most = 1, most or 5
    if field["type"] == "duration" and not options.get("allowNegative"):
        least = 0
    try:
        number = Decimal(str(value))
        if least is not None and number < Decimal(str(least)):
            return t("value.too_small", least=least)
        if most is not None and number > Decimal(str(most)):
            return t("value.too_big", most=most)
    except ArithmeticError:
        return t("value.not.number", value=value)
    return ""
