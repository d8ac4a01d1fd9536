"""What a person did to the data, before it is saved: the entries of the log behind `PendingChanges`.

A key is a record's id, or the made-up `ref` of a record that does not exist yet.
"""

from dataclasses import dataclass, replace
from typing import Any

Row = tuple[str, str]
"""(table, key)"""


@dataclass(frozen=True, slots=True)
class Set:
    """A cell got another value. `old` is what it showed before, staged or stored. `problem`: why `new` cannot be saved."""

    table: str
    key: str
    field: str
    old: Any
    new: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row with its first values; `key` is its ref."""

    table: str
    key: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """A row is to go to the trash. `fields`: the values of a row that was never saved, to bring it back."""

    table: str
    key: str
    fields: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """A row is to come back from the trash, or is not to be deleted after all."""

    table: str
    key: str


Operation = Set | Insert | Delete | Restore
KINDS: dict[str, type[Any]] = {"set": Set, "insert": Insert, "delete": Delete, "restore": Restore}
NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Step:
    """What one key press did: undone and redone as a whole."""

    operations: tuple[Operation, ...]

    @property
    def tables(self) -> set[str]:
        return {operation.table for operation in self.operations}


def inverse(step: Step) -> Step:
    """The step that takes a step back."""
    return Step(tuple(_inverse(operation) for operation in reversed(step.operations)))


def _inverse(operation: Operation) -> Operation:
    match operation:
        case Set():
            return replace(operation, old=operation.new, new=operation.old, problem="")
        case Insert():
            return Delete(operation.table, operation.key, operation.fields)
        case Restore():
            return Delete(operation.table, operation.key)
        case Delete(fields=None):
            return Restore(operation.table, operation.key)
        case Delete(table, key, fields):
            return Insert(table, key, fields or {})


def renamed(operation: Operation, ids: dict[Row, str]) -> Operation:
    """The operation with refs replaced by the ids that the server gave, in keys and in links to new rows."""
    by_ref = {ref: identity for (_, ref), identity in ids.items()}
    key = ids.get((operation.table, operation.key), operation.key)
    match operation:
        case Set():
            return replace(operation, key=key, old=with_ids(operation.old, by_ref), new=with_ids(operation.new, by_ref))
        case Insert() | Delete(fields=dict()):
            fields = {name: with_ids(value, by_ref) for name, value in (operation.fields or {}).items()}
            return replace(operation, key=key, fields=fields)
        case _:
            return replace(operation, key=key)


def with_ids(value: Any, by_ref: dict[str, str]) -> Any:
    """A link's value `{"ref": …}` as the id that it has become, also in a list; anything else as it is."""
    if isinstance(value, list):
        return [with_ids(each, by_ref) for each in value]
    if isinstance(value, dict) and set(value) == {"ref"}:
        return by_ref.get(value["ref"], value)
    return value


def to_data(step: Step) -> list[list[Any]]:
    """A step as plain data for the session file: kind and values of each operation."""
    return [[NAMES[type(op)], *(getattr(op, name) for name in op.__slots__)] for op in step.operations]


def from_data(data: list[list[Any]]) -> Step:
    """The step that `to_data` wrote. Raises KeyError or TypeError on anything else."""
    return Step(tuple(KINDS[kind](*values) for kind, *values in data))
