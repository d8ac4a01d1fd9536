"""Texts of lists and places, to and fro."""

import json
import re
from collections.abc import Callable
from typing import Any

from core.contract.tables import FieldInfo
from screens.presenters.amount import parse_amount, plain
from screens.services.text import t

_PAIR = re.compile(
    r"\(?\s*([+-]?\d+(?:\.\d+)?)\s*°?\s*([NS]?)\s*[,;\s]\s*([+-]?\d+(?:\.\d+)?)\s*°?\s*([EW]?)\s*\)?", re.I
)


class Unfit(ValueError):
    """A text that is none of these; the message is for people."""


def parse_place(text: str) -> dict[str, float]:
    """`48.85, 2.35`, `48.85 N 2.35 E`, `{"lat": …, "lng": …}`. Raises Unfit."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            data = json.loads(text)
            lat, lng = (data["lat"], data["lng"]) if isinstance(data, dict) else data
            lat, lng = float(lat), float(lng)
        except (ValueError, KeyError, TypeError) as error:
            raise Unfit(t("value.not.place", value=text)) from error
    else:
        found = _PAIR.fullmatch(text.strip())
        if found is None:
            raise Unfit(t("value.not.place", value=text))
        lat = float(found[1]) * (-1 if found[2].upper() == "S" else 1)
        lng = float(found[3]) * (-1 if found[4].upper() == "W" else 1)
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):
        raise Unfit(t("value.place_range"))
    return {"lat": round(lat, 7), "lng": round(lng, 7)}


def place_text(value: Any) -> str:
    """What stands in the editor."""
    if not isinstance(value, dict) or set(value) != {"lat", "lng"}:
        return str(value)
    return ", ".join(f"{value[name]:.7f}".rstrip("0").rstrip(".") for name in ("lat", "lng"))


def parse_items(field: FieldInfo, texts: list[str], now: Any, day: Callable[[str], str]) -> list[Any]:
    """Items of an array in their type. `day` reads a date. Raises Unfit."""
    kind = field["options"].get("itemType", "text")
    most = field["options"].get("maxItems")
    if most and len(texts) > most:
        raise Unfit(t("value.too_many", most=most))
    return [_item(kind, text, day) for text in texts]


def _item(kind: str, text: str, day: Callable[[str], str]) -> Any:
    try:
        match kind:
            case "integer":
                number = parse_amount(text)
                if number != number.to_integral():
                    raise ValueError(text)
                return int(number)
            case "decimal":
                return plain(parse_amount(text, decimal_comma=t("value.decimal_comma") == "yes"))
            case "boolean":
                return _truth(text)
            case "date":
                return day(text)
    except ValueError as error:
        raise Unfit(t(f"value.not.item.{kind}", value=text)) from error
    return text


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word in ("true", "yes", "y", "1", "x", "✓", *t("value.words.yes").split()):
        return True
    if word in ("false", "no", "n", "0", "✗", "·", *t("value.words.no").split()):
        return False
    raise ValueError(text)


def split_items(text: str) -> list[str]:
    """`a, b`, or a JSON list."""
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [item_text(each) for each in found]
    return [part.strip() for part in text.split(",") if part.strip()]


def item_text(item: Any) -> str:
    """One item as a line of the editor."""
    return ("true" if item else "false") if isinstance(item, bool) else str(item)
