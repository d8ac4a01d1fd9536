"""Places on the earth."""

import json
import math
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from core.contract.records import Operator
from core.fields.base import FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.fields.operator import PLACE_OPERATORS
from core.schema.shape import show
from core.sentence import say

DIGITS = 7
"""Behind the point: a centimetre."""
_PAIR = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)\s*[,;]\s*([+-]?\d+(?:\.\d+)?)\s*")


class GeolocationField(FieldType[dict[str, float]]):
    """A latitude and a longitude in degrees (WGS 84)."""

    name = "geolocation"
    family = "json"
    editor = "place"

    def column(self) -> ColumnType:
        return ColumnType("json")

    def accept(self, raw: Any) -> dict[str, float] | None:
        return None if raw is None else accept_place(raw)

    def to_text(self, value: dict[str, float] | None) -> str:
        return "" if value is None else f"{_plain(value['lat'])},{_plain(value['lng'])}"

    def present(self, value: dict[str, float] | None, how: Format) -> str:
        return "" if value is None else f"{value['lat']:.4f}, {value['lng']:.4f}"

    def operators(self) -> tuple[Operator, ...]:
        return PLACE_OPERATORS

    def example(self, rng: Random) -> dict[str, float]:
        return {"lat": round(rng.uniform(-90, 90), DIGITS), "lng": round(rng.uniform(-180, 180), DIGITS)}


def accept_place(raw: Any) -> dict[str, float]:
    """Raises ValueProblem."""
    lat, lng = _numbers(raw)
    return {"lat": _degrees("lat", lat, 90), "lng": _degrees("lng", lng, 180)}


def _numbers(raw: Any) -> tuple[Any, Any]:
    """`{lat, lng}`, `[lat, lng]`, `"lat,lng"`, or any of them as JSON text."""
    if isinstance(raw, str):
        pair = _PAIR.fullmatch(raw)
        if pair:
            return float(pair[1]), float(pair[2])
        try:
            raw = json.loads(raw)
        except (ValueError, RecursionError):
            raw = None
    if isinstance(raw, Mapping) and set(raw) == {"lat", "lng"}:
        return raw["lat"], raw["lng"]
    if isinstance(raw, list | tuple) and len(raw) == 2:
        return raw[0], raw[1]
    raise ValueProblem("place.malformed", "A place is {lat, lng}, [lat, lng] or “lat,lng”, in degrees")


def _degrees(name: str, raw: Any, most: int) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or abs(raw) > most or not math.isfinite(raw):
        raise ValueProblem(
            "place.out-of-range",
            say("{name} is a number from -{most} to {most}, not {value}", name=name, most=most, value=show(raw)),
        )
    return round(float(raw), DIGITS) + 0.0  # no -0.0: it would be another place


def _plain(degrees: float) -> str:
    """Never `1e-07`: other programs read this, too."""
    return f"{degrees:.{DIGITS}f}".rstrip("0").rstrip(".")
