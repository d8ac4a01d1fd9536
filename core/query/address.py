"""The address of a record (`core.fields.address`) as SQL makes it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, types

from core.fields.address import ESCAPE, SEPARATOR


def address(keys: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    """The address from the columns of the key."""
    several = sum(isinstance(key.type, types.String) for key in keys) > 1
    parts = [_escaped(key) if several and isinstance(key.type, types.String) else cast(key, Text) for key in keys]
    return func.concat_ws(SEPARATOR, *parts, type_=Text()) if len(parts) > 1 else parts[0]


def _escaped(text: ColumnElement[Any]) -> ColumnElement[str]:
    for mark in (ESCAPE, SEPARATOR):
        text = func.replace(text, mark, ESCAPE + mark, type_=Text())
    return text
