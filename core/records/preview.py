"""Writes as SQL text with the values in place, for people to read before they commit. Never run."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from core.records.key import KeyValue
from core.records.shape import stamp
from core.records.writing import WritableTable
from core.storage.ddl import literal, quote, quote_list

_LONGEST = 500


def insert_text(target: WritableTable, values: Mapping[str, Any]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return f"INSERT INTO {quote(target.table.sql_name)} DEFAULT VALUES;"
    shown = ", ".join(map(_shown, given.values()))
    return f"INSERT INTO {quote(target.table.sql_name)} ({quote_list(given)}) VALUES ({shown});"


def update_text(target: WritableTable, key: KeyValue, values: Mapping[str, Any]) -> str:
    sets = ", ".join(f"{quote(name)} = {_shown(value)}" for name, value in values.items())
    return f"UPDATE {quote(target.table.sql_name)} SET {sets} WHERE {_is(target, key)};"


def delete_text(target: WritableTable, key: KeyValue, moment: datetime) -> str:
    return update_text(target, key, {"deleted_at": moment})


def restore_text(target: WritableTable, key: KeyValue) -> str:
    return update_text(target, key, {"deleted_at": None})


def _is(target: WritableTable, key: KeyValue) -> str:
    return " AND ".join(f"{quote(name)} = {_shown(value)}" for name, value in zip(target.key, key, strict=True))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float() | Decimal():
            return str(value)
        case datetime():
            return literal(stamp(value))
        case date() | time():
            return literal(value.isoformat())
        case str():
            return literal(value if len(value) <= _LONGEST else value[:_LONGEST] + "…")
        case _:
            return literal(orjson.dumps(value).decode()[:_LONGEST])
