"""How a field is kept in a database, said without naming a database."""

from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal[
    "text", "integer", "bigint", "decimal", "double", "boolean", "date", "time", "timestamp", "text-list", "json"
]
"""`timestamp` is an instant (TIMESTAMPTZ, UTC). Python values on both sides of storage, by kind:
text str · integer, bigint int · decimal Decimal · double float · boolean bool · date date · time time ·
timestamp aware datetime · text-list list[str] · json any JSON value (parsed)."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A neutral column type; `storage` turns it into the database's own."""

    kind: ColumnKind
    precision: int | None = None
    """All digits of a decimal."""
    scale: int | None = None
    """Digits of a decimal behind the point."""
