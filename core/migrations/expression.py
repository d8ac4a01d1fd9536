"""New columns said in terms of the old table: what a rewrite copies, and what checks look at before anything moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.column import ColumnType
from core.fields.model import Column, TableModel
from core.migrations.difference import TableChange
from core.storage.database import Row
from core.storage.ddl import Ddl, quote, quote_list
from core.storage.value import dump_json


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL text with `?` and its parameters."""

    text: str
    parameters: Row = ()


def fill_of(ddl: Ddl, table: TableModel, column: Column) -> Sql | None:
    """What old rows get in a column that they lack (M-008, M-009, M-011); None = nothing."""
    type_ = ddl.type_name(column.type)
    field_type = table.fields.get(column.name)
    if field_type is None:
        is_moment = column.type.kind == "timestamp" and not column.nullable
        return Sql(f"CAST(now() AS {type_})") if is_moment else None
    if field_type.default_is_now():
        return Sql(f"CAST(now() AS {type_})")
    value = field_type.default()
    if value is None:
        is_moment = field_type.read_only and column.type.kind == "timestamp" and not column.nullable
        return Sql(f"CAST(now() AS {type_})") if is_moment else None
    given = dump_json(column.name, value) if column.type.kind == "json" else value
    return Sql(f"CAST(? AS {type_})", (given,))


def cast(ddl: Ddl, name: str, old: ColumnType, new: ColumnType) -> str:
    """A stored value as the new type. Instants become the text that the API shows."""
    column = quote(name)
    if old == new:
        return column
    if old.kind == "timestamp" and new.kind == "text":
        if ddl.dialect == "duckdb":
            return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%gZ')"
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    return f"CAST({column} AS {ddl.type_name(new)})"


def expressions(ddl: Ddl, change: TableChange, fills: Mapping[str, Sql]) -> dict[str, Sql]:
    """For each new column its value, computed from a row of the old table."""
    found: dict[str, Sql] = {}
    for old, new in change.pairs:
        text = cast(ddl, old.name, old.type, new.type)
        fill = fills.get(new.name) if old.nullable and not new.nullable else None
        found[new.name] = Sql(f"coalesce({text}, {fill.text})", fill.parameters) if fill else Sql(text)
    for column in change.added:
        if column.sequence:  # in the order of the key (M-012)
            start = column.sequence_start - 1
            found[column.name] = Sql(f"row_number() OVER (ORDER BY {quote_list(change.old.key)}) + {start:d}")
        else:
            found[column.name] = fills.get(column.name) or Sql(f"CAST(NULL AS {ddl.type_name(column.type)})")
    return found


def show(value: Any) -> str:
    """A value in a message, not too long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
