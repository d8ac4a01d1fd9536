"""Values on their way out of DuckDB."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from core.storage.database import Row
from core.storage.value import load_json

_READ: Mapping[str, Callable[[Any], Any]] = {
    "JSON": load_json,
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
