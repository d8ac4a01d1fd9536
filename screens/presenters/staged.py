"""What is staged, in the shapes that grids, forms and the change panel read."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from screens.presenters.operation import Row

State = Literal["dirty", "invalid", "conflict"]


class Staged(NamedTuple):
    """A cell's staged value. `message` says what is wrong with it, "" when nothing is."""

    value: Any
    state: State = "dirty"
    message: str = ""


class CellEdit(NamedTuple):
    """One value to stage. `original` is the stored value as it was seen, `stamp` the row's `updatedAt` with it."""

    key: str
    field: str
    original: Any
    value: Any
    stamp: str = ""
    problem: str = ""


class CellChange(NamedTuple):
    """One changed cell for the change panel."""

    field: str
    old: Any
    new: Any
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """What is pending for one row. `cells` is empty for a deletion."""

    table: str
    key: str
    op: Literal["create", "update", "delete", "restore"]
    cells: tuple[CellChange, ...] = ()

    @property
    def problem(self) -> bool:
        return any(cell.state != "dirty" for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an answer of the server meant. `cells` are those that it refused, `rows` those changed by others meanwhile."""

    committed: bool
    cells: tuple[tuple[str, str, str], ...] = ()
    rows: tuple[Row, ...] = ()
    other: tuple[str, ...] = ()
    """Messages that belong to no cell."""


def same(a: Any, b: Any) -> bool:
    """Equal as stored values: `true` is not 1, NULL is not empty."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    return bool(a == b)
