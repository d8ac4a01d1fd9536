"""Values on their way into DuckDB and out of it.

One row goes as plain parameters. Many rows go as one JSON text which `from_json` unfolds on the other side: 4 µs a row
instead of 400. Whatever JSON cannot say exactly (decimals, instants, JSON itself) travels in it as text.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Table

from core.fields.column import ColumnKind
from core.storage.database import Row
from core.storage.ddl import type_name
from core.storage.table import column_type, kind_of
from core.storage.value import check_integer, check_text, check_texts, dump_json

Converter = Callable[[Any], Any]


def parameter_encoder(column: str, kind: ColumnKind) -> Converter | None:
    """How a value becomes a plain parameter; None = as it is."""
    match kind:
        case "text":
            return lambda value: check_text(column, value)
        case "text-list":
            return lambda value: check_texts(column, value)
        case "json":
            return lambda value: dump_json(column, value)
        case "integer" | "bigint":
            return lambda value: check_integer(column, kind, value)
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
    return parameter_encoder(column, kind)


def _instant_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


class RowShape:
    """The columns of rows that are written together, with what turns rows into SQL values."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        kinds = [(name, kind_of(table.c[name].type)) for name in columns]
        self.columns = tuple(columns)
        self._single = [(name, parameter_encoder(name, kind)) for name, kind in kinds]
        self._batch = [(f"c{at}", name, batch_encoder(name, kind)) for at, (name, kind) in enumerate(kinds)]
        structure = {
            f"c{at}": "VARCHAR" if kind == "json" else type_name("duckdb", column_type(table.c[name].type))
            for at, (name, kind) in enumerate(kinds)
        }
        self.source = f"(SELECT unnest(from_json(?, '{json.dumps([structure])}')) AS r)"
        """Use in FROM; the parameter is the text made by `pack`."""
        self.expressions = [f"r.c{at}::JSON" if kind == "json" else f"r.c{at}" for at, (_, kind) in enumerate(kinds)]

    def values(self, row: Mapping[str, Any]) -> list[Any]:
        """One row as plain parameters, in the order of the columns."""
        out = []
        for name, encode in self._single:
            value = row[name]
            out.append(value if encode is None or value is None else encode(value))
        return out

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


_READ: Mapping[str, Converter] = {
    "JSON": json.loads,
    "TIMESTAMP WITH TIME ZONE": lambda value: value.replace(tzinfo=UTC),
}


def decode(rows: list[Row], description: Sequence[Any]) -> list[Row]:
    """Rows as the driver gives them to rows of the Python types of `core.fields.column`."""
    converters = [(at, _READ[name]) for at, column in enumerate(description) if (name := str(column[1])) in _READ]
    if not converters or not rows:
        return rows
    out = []
    for row in rows:
        values = list(row)
        for at, convert in converters:
            if values[at] is not None:
                values[at] = convert(values[at])
        out.append(tuple(values))
    return out
