"""Rows of the change log as answers tell them."""

from collections.abc import Mapping
from typing import Any, get_args

from core.storage.database import Operation

OPERATIONS: Mapping[str, Operation] = {name.replace("-", "_"): name for name in get_args(Operation)}
"""By the action that answers call them."""


def action_of(operation: str) -> str:
    return operation.replace("-", "_")


def readable(values: Mapping[str, Any] | None, hidden: frozenset[str]) -> dict[str, Any] | None:
    """What of the values the caller may read (R-083)."""
    return None if values is None else {name: value for name, value in values.items() if name not in hidden}


def changes_of_entry(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, Any]:
    """`{"before": …, "after": …}`, each where there is one (R-080)."""
    told = {"before": before, "after": after}
    return {name: values for name, values in told.items() if values is not None}


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """`{field: {"from": …, "to": …}}` (D-18)."""
    old, new = before or {}, after or {}
    return {name: {"from": old.get(name), "to": new.get(name)} for name in dict.fromkeys((*old, *new))}
