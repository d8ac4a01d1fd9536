"""How a field is kept in a database, said without naming a database."""

from dataclasses import dataclass
from typing import Literal, get_args

ColumnKind = Literal[
    "text",
    "integer",
    "bigint",
    "decimal",
    "double",
    "boolean",
    "date",
    "time",
    "timestamp",
    "json",
    "text-list",
    "integer-list",
    "bigint-list",
    "decimal-list",
    "boolean-list",
    "date-list",
]
"""`timestamp` is an instant (TIMESTAMPTZ, UTC). Python values on both sides of storage, by kind:
text str · integer, bigint int · decimal Decimal · double float · boolean bool · date date · time time ·
timestamp aware datetime · json any JSON value (parsed) · a list kind a list of its items, none of them None."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A neutral column type; `storage` turns it into the database's own."""

    kind: ColumnKind
    precision: int | None = None
    """All digits of a decimal."""
    scale: int | None = None
    """Digits of a decimal, or of the items of a decimal-list, behind the point."""

    @property
    def is_list(self) -> bool:
        return self.kind.endswith("-list")

    @property
    def item(self) -> "ColumnType":
        """The type of a list's items."""
        return ColumnType(self.kind.removesuffix("-list"), self.precision, self.scale)  # type: ignore[arg-type]

    @property
    def list(self) -> "ColumnType | None":
        """The type of a list of such values; None where there is none."""
        kind = f"{self.kind}-list"
        return ColumnType(kind, self.precision, self.scale) if kind in get_args(ColumnKind) else None  # type: ignore[arg-type]
