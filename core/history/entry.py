"""Rows of the change log as answers tell them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from core.fields.base import ValueProblem
from core.fields.link import LinksField
from core.fields.model import TableModel
from core.principal import Principal
from core.query.scope import Scope
from core.records.service import Records
from core.records.sight import parted_links, seen_links
from core.storage.database import Operation, Reader
from core.storage.journal import told_as

OPERATIONS: Mapping[str, Operation] = {name.replace("-", "_"): name for name in get_args(Operation)}
"""By the action that answers call them."""
Values = Mapping[str, Any]
Change = tuple[str, Values | None, Values | None]
"""Operation, before, after."""


def action_of(operation: str) -> str:
    return operation.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Lens:
    """What of changes their reader may see (R-083): of a restricted one the values of `names`, which are fields as they are
    called now. A name of the past is shown to nobody but those who see all (`names` None): it may have been a hidden
    field's. Nor is the statement that was the cause, for it holds values. Of several linked records those are told that
    the record itself shows, by `scope`."""

    names: frozenset[str] | None = None
    scope: Scope | None = None

    def changes(self, reader: Reader, changes: Sequence[Change]) -> list[Change | None]:
        """What the reader may see of each; None: an update of nothing that it may see."""
        if self.names is None:
            return list(changes)
        told = [(operation, self._named(before), self._named(after)) for operation, before, after in changes]
        parted = frozenset() if self.scope is None else parted_links(self.scope) & self.names
        for name in parted:
            self._narrow(reader, name, [values for _, *both in told for values in both if values and name in values])
        return [_left(change, seen, parted) for change, seen in zip(changes, told, strict=True)]

    def cause(self, cause: str | None) -> str | None:
        return cause if self.names is None or (cause is not None and cause.isidentifier()) else None

    def _named(self, values: Values | None) -> dict[str, Any] | None:
        assert self.names is not None
        return None if values is None else {name: value for name, value in values.items() if name in self.names}

    def _narrow(self, reader: Reader, name: str, told: Sequence[dict[str, Any]]) -> None:
        """Leave of the links in these values those that the reader sees."""
        assert self.scope is not None
        field = self.scope.table.fields[name]
        assert isinstance(field, LinksField)
        for values in told:
            values[name] = _keys(field, values[name])
        seen = seen_links(reader, self.scope, field, {key for values in told for key in values[name]})
        for values in told:
            values[name] = [key for key in values[name] if key in seen]


def _keys(field: LinksField, value: Any) -> list[Any]:
    """The links of a value that is logged; none of one that the field had when it was something else."""
    try:
        keys = field.accept_json(value) if isinstance(value, list) else None
    except ValueProblem:
        return []
    return keys if isinstance(keys, list) else []


def _left(change: Change, seen: Change, parted: frozenset[str]) -> Change | None:
    """What is left of a change, None: nothing of an update. Links that are the same for the reader before and after leave
    no trace. `leaves_trace` asks the database the same."""
    operation, before, after = seen
    if told_as(*change) != "update":
        return seen
    before, after = before or {}, after or {}
    same = {name for name in parted.intersection(after) if before.get(name, []) == after[name]}
    if after.keys() == same:
        return None
    old, new = ({name: values[name] for name in values if name not in same} for values in (before, after))
    return operation, old, new


def lens_of(records: Records, principal: Principal, table: TableModel | None) -> Lens:
    """`table` None: one that is not there any more."""
    if records.access.sees_all(principal):
        return Lens()
    if table is None:
        return Lens(frozenset())
    names = {*table.fields, *table.system, "commentId"}
    return Lens(frozenset(names - records.access.table(principal, table).hidden), records.scope(principal, table))


def changes_of_entry(before: Values | None, after: Values | None) -> dict[str, Any]:
    """`{"before": …, "after": …}`, each where there is one (R-080)."""
    told = {"before": before, "after": after}
    return {name: values for name, values in told.items() if values is not None}


def differences(before: Values | None, after: Values | None) -> dict[str, dict[str, Any]]:
    """`{field: {"from": …, "to": …}}` (D-18)."""
    old, new = before or {}, after or {}
    return {name: {"from": old.get(name), "to": new.get(name)} for name in dict.fromkeys((*old, *new))}
