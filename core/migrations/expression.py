"""New columns said in terms of the old table: what a rewrite copies, and what checks look at before anything moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.model import Column, TableModel
from core.migrations.conversion import Conversion
from core.migrations.difference import TableChange
from core.storage.database import Row
from core.storage.ddl import Ddl, quote, quote_list
from core.storage.value import dump_json


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL text with `?` and its parameters. `copies`: the table whose rows it reads, when it may be run for a range of
    them at a time (`WHERE rowid …` is put behind it)."""

    text: str
    parameters: Row = ()
    copies: str | None = None


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


Conversions = Mapping[str, Conversion]
"""By the name of the new column, how its values are made of the old one's; others stay as they are."""


def converted(conversions: Conversions, old: Column, new: Column) -> str:
    """The new column's value in terms of the old column."""
    found = conversions.get(new.name)
    return quote(old.name) if found is None else found.value(quote(old.name))


def expressions(ddl: Ddl, change: TableChange, fills: Mapping[str, Sql], conversions: Conversions) -> dict[str, Sql]:
    """For each new column its value, computed from a row of the old table."""
    found: dict[str, Sql] = {}
    for old, new in change.pairs:
        text = converted(conversions, old, new)
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
