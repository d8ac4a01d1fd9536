"""Rows of the change log as answers tell them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from core.access.table import Access
from core.fields.model import TableModel
from core.principal import Principal
from core.storage.database import Operation

OPERATIONS: Mapping[str, Operation] = {name.replace("-", "_"): name for name in get_args(Operation)}
"""By the action that answers call them."""


def action_of(operation: str) -> str:
    return operation.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Lens:
    """What of changes their reader may see (R-083): of a restricted one the values of `names`, which are fields as they are
    called now. A name of the past is shown to nobody but those who see all (`names` None): it may have been a hidden
    field's. Nor is the statement that was the cause, for it holds values."""

    names: frozenset[str] | None = None

    def values(self, values: Mapping[str, Any] | None) -> dict[str, Any] | None:
        if values is None or self.names is None:
            return None if values is None else dict(values)
        return {name: value for name, value in values.items() if name in self.names}

    def cause(self, cause: str | None) -> str | None:
        return cause if self.names is None or (cause is not None and cause.isidentifier()) else None

    def is_blind_to(self, operation: str, after: Mapping[str, Any] | None) -> bool:
        """An update of nothing that the reader may see."""
        return self.names is not None and operation == "update" and bool(after) and self.names.isdisjoint(after or ())


def lens_of(access: Access, principal: Principal, table: TableModel | None) -> Lens:
    """`table` None: one that is not there any more."""
    if access.sees_all(principal):
        return Lens()
    if table is None:
        return Lens(frozenset())
    names = {*table.fields, *table.system, "commentId"}
    return Lens(frozenset(names - access.table(principal, table).hidden))


def changes_of_entry(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """`{"before": …, "after": …}`, each where there is one (R-080)."""
    told = {"before": before, "after": after}
    return {name: values for name, values in told.items() if values is not None}


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """`{field: {"from": …, "to": …}}` (D-18)."""
    old, new = before or {}, after or {}
    return {name: {"from": old.get(name), "to": new.get(name)} for name in dict.fromkeys((*old, *new))}
