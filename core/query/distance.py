"""Distances between places, by the great circle on a ball of the earth's mean radius (0.5 % off at worst)."""

from math import asin, cos, degrees, pi, radians, sin
from typing import Any

from sqlalchemy import ColumnElement, Double, Text, and_, cast, func, literal, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from core.query.operand import Radius

EARTH = 6_371_008.8
"""Mean radius in metres."""
_SLACK = 1e-6
"""Degrees that the box is wider than the circle: rounding must not cut its edge."""


def within_radius(column: ColumnElement[Any], circle: Radius, dialect: str) -> ColumnElement[bool]:
    """The places of a column in the circle. A box around it, judged first, spares most rows the trigonometry: a million
    places on DuckDB in 0.5 s instead of 2.8 s."""
    lat, lng = (_part(column, name, dialect) for name in ("lat", "lng"))
    angle = circle.meters / EARTH
    conditions: list[ColumnElement[bool]] = []
    if angle < pi:
        reach = degrees(angle) + _SLACK
        width = _half_width(circle.lat, angle)
        if width is None or circle.lng - width < -180 or circle.lng + width > 180:
            conditions.append(lat.between(_number(circle.lat - reach), _number(circle.lat + reach)))
        elif dialect == "duckdb":
            conditions.append(lat.between(_number(circle.lat - reach), _number(circle.lat + reach)))
            conditions.append(lng.between(_number(circle.lng - width), _number(circle.lng + width)))
        else:
            conditions.append(_in_box(column, circle, reach, width))
    half = _number(pi / 360)
    north, east = func.sin((lat - _number(circle.lat)) * half), func.sin((lng - _number(circle.lng)) * half)
    chord = north * north + _number(cos(radians(circle.lat))) * func.cos(lat * _number(pi / 180)) * east * east
    # Half the angle's sine, squared, grows with the distance up to the other side of the earth.
    most = sin(min(angle, pi) / 2) ** 2
    conditions.append(chord <= _number(most + 1e-18))
    return and_(*conditions)


def _half_width(lat: float, angle: float) -> float | None:
    """Degrees of longitude to the circle's sides; None where it holds a pole."""
    if abs(radians(lat)) + angle >= pi / 2:
        return None
    return degrees(asin(sin(angle) / cos(radians(lat)))) + _SLACK


def _in_box(column: ColumnElement[Any], circle: Radius, reach: float, width: float) -> ColumnElement[bool]:
    """On PostgreSQL, in the words that an index over places knows (`ddl.point`)."""
    parts = (func.jsonb_extract_path_text(cast(column, JSONB), literal_column(f"'{name}'")) for name in ("lng", "lat"))
    place = func.point(*(cast(part, Double) for part in parts))
    corners = (func.point(_number(circle.lng + way * width), _number(circle.lat + way * reach)) for way in (-1, 1))
    return place.op("<@", is_comparison=True)(func.box(*corners))


def _part(column: ColumnElement[Any], name: str, dialect: str) -> ColumnElement[Any]:
    if dialect == "duckdb":
        return cast(func.json_extract_string(column, literal(f"/{name}", Text), type_=Text), Double)
    return cast(func.jsonb_extract_path_text(cast(column, JSONB), literal(name, Text), type_=Text), Double)


def _number(value: float) -> ColumnElement[Any]:
    return literal(value, Double)
