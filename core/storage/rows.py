"""Rows that are written together, as values of one statement.

One row goes as plain parameters. Many rows go as one JSON text which the database unfolds (`from_json_strict`,
`json_to_recordset`): on DuckDB 4 µs a row instead of 400. Whatever JSON cannot say exactly (decimals, instants, JSON
itself) travels in it as text.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Table

from core.fields.column import ColumnKind, ColumnType
from core.storage.ddl import DialectName, quote, quote_list, type_name
from core.storage.table import column_type
from core.storage.value import check_column, check_integer, check_integers, check_text, check_texts, dump_json

Converter = Callable[[Any], Any]
ColumnConverter = Callable[[Sequence[Any]], Sequence[Any]]
CARRIED_AS: Mapping[ColumnKind, ColumnKind] = {"json": "text", "decimal": "text", "timestamp": "bigint"}
"""What DuckDB's appender takes faster as something else, of which a statement makes the whole column."""
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def parameter_encoder(column: str, kind: ColumnKind) -> Converter | None:
    """How a value becomes a plain parameter; None = as it is."""
    match kind:
        case "text":
            return partial(check_text, column)
        case "text-list":
            return partial(check_texts, column)
        case "integer-list" | "bigint-list":
            return partial(check_integers, column, ColumnType(kind).item.kind)
        case "json":
            return partial(dump_json, column)
        case "integer" | "bigint":
            return partial(check_integer, column, kind)
    return None


def batch_encoder(column: str, kind: ColumnKind) -> Converter | None:
    """How a value becomes a part of the JSON text; None = as it is."""
    match kind:
        case "decimal":
            return lambda value: format(value, "f")
        case "double":
            return lambda value: value if math.isfinite(value) else str(value)
        case "date" | "time":
            return lambda value: value.isoformat()
        case "timestamp":
            return _instant_text
        case "decimal-list":
            return lambda values: [format(value, "f") for value in values]
        case "date-list":
            return lambda values: [value.isoformat() for value in values]
    return parameter_encoder(column, kind)


def column_encoder(column: str, kind: ColumnKind) -> ColumnConverter | None:
    """How the values of a column become what an appender takes; None = as they are."""
    if kind == "text":
        return partial(check_column, column)
    if kind == "timestamp":
        return partial(_each, _Microseconds())
    encode = (batch_encoder if kind in CARRIED_AS else parameter_encoder)(column, kind)
    return None if encode is None else partial(_each, encode)


def _each(encode: Converter, values: Sequence[Any]) -> list[Any]:
    return [None if value is None else encode(value) for value in values]


def microseconds(instant: datetime) -> int:
    """Since the epoch: how instants are carried."""
    return (instant - _EPOCH) // _MICROSECOND


class _Microseconds:
    """Of an instant; rows that are written together mostly have the same one."""

    def __init__(self) -> None:
        self._known = _EPOCH, 0

    def __call__(self, value: datetime) -> int:
        if self._known[0] is not value:
            self._known = value, microseconds(value)
        return self._known[1]


def _instant_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


class RowShape:
    """Rows with these columns of this table: their SQL and what turns them into its parameters."""

    def __init__(self, dialect: DialectName, table: Table, columns: Sequence[str]) -> None:
        types = [column_type(table.c[name].type) for name in columns]
        kinds = [(name, type_.kind) for name, type_ in zip(columns, types, strict=True)]
        self.table = quote(table.name)
        self.columns = tuple(columns)
        self._pick = itemgetter(*columns) if len(columns) > 1 else lambda row: (row[columns[0]],)
        encoders = [(at, parameter_encoder(name, kind)) for at, (name, kind) in enumerate(kinds)]
        self._single = [(at, encode) for at, encode in encoders if encode is not None]
        self._appended = [(name, column_encoder(name, kind)) for name, kind in kinds]
        self._batch = [(f"c{at}", name, batch_encoder(name, kind)) for at, (name, kind) in enumerate(kinds)]
        json_name = type_name(dialect, ColumnType("json"))
        self._marks = [f"CAST(? AS {json_name})" if kind == "json" else "?" for _, kind in kinds]
        self._parts = [
            f"CAST(r.c{at} AS {json_name})" if kind == "json" else f"r.c{at}" for at, (_, kind) in enumerate(kinds)
        ]
        carried = [type_name(dialect, ColumnType("text") if type_.kind == "json" else type_) for type_ in types]
        self._source = _source(dialect, carried)

    def insert_one(self, returning: Sequence[str]) -> str:
        return f"{self._into()} VALUES ({', '.join(self._marks)}){_returning(returning)}"

    def insert_many(self, returning: Sequence[str]) -> str:
        return f"{self._into()} SELECT {', '.join(self._parts)} FROM {self._source}{_returning(returning)}"

    def select_many(self) -> str:
        """The packed rows themselves, under their own names; the parameter is called `:rows`."""
        named = ", ".join(f"{part} AS {quote(name)}" for name, part in zip(self.columns, self._parts, strict=True))
        return f"SELECT {named} FROM {self._source.replace('?', ':rows', 1)}"

    def update_one(self) -> str:
        """The last column is the key."""
        pairs = ", ".join(f"{quote(name)} = {mark}" for name, mark in self._pairs(self._marks))
        return f"UPDATE {self.table} SET {pairs} WHERE {quote(self.columns[-1])} = ?"

    def update_many(self) -> str:
        pairs = ", ".join(f"{quote(name)} = {part}" for name, part in self._pairs(self._parts))
        key = quote(self.columns[-1])
        return f"UPDATE {self.table} SET {pairs} FROM {self._source} WHERE {self.table}.{key} = {self._parts[-1]}"

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """One row as plain parameters, in the order of the columns."""
        out = list(self._pick(row))
        for at, encode in self._single:
            if (value := out[at]) is not None:
                out[at] = encode(value)
        return out

    def carried(self, rows: Sequence[Mapping[str, Any]]) -> list[Sequence[Any]]:
        """The columns of many rows, as an appender takes them."""
        columns = ((encode, [row[name] for row in rows]) for name, encode in self._appended)
        return [values if encode is None else encode(values) for encode, values in columns]

    def pack(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Many rows as one text."""
        packed = []
        for row in rows:
            out = {}
            for key, name, encode in self._batch:
                value = row[name]
                out[key] = value if encode is None or value is None else encode(value)
            packed.append(out)
        return orjson.dumps(packed).decode()

    def _into(self) -> str:
        return f"INSERT INTO {self.table} ({quote_list(self.columns)})"

    def _pairs(self, expressions: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(self.columns[:-1], expressions[:-1], strict=True))


def insert_defaults(table: Table, returning: Sequence[str]) -> str:
    """One row of nothing but defaults."""
    return f"INSERT INTO {quote(table.name)} DEFAULT VALUES{_returning(returning)}"


def _returning(columns: Sequence[str]) -> str:
    return f" RETURNING {quote_list(columns)}" if columns else ""


def _source(dialect: DialectName, types: Sequence[str]) -> str:
    """A row source `r` with columns c0, c1, …; its parameter is the text made by `pack`."""
    if dialect == "duckdb":
        structure = json.dumps([{f"c{at}": name for at, name in enumerate(types)}])
        return f"(SELECT unnest(from_json_strict(?, '{structure}')) AS r)"  # from_json makes NULL of what does not fit
    columns = ", ".join(f"c{at} {name}" for at, name in enumerate(types))
    return f"json_to_recordset(CAST(? AS JSON)) AS r({columns})"
