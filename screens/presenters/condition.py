"""Conditions of a view as trees: one by a cell's value, added to others or taken away again."""

from typing import Any

from core.contract.records import Filter
from core.contract.tables import FieldInfo


def value_condition(field: FieldInfo, value: Any) -> Filter | None:
    """Only rows whose field has this value; None where the value at hand cannot say (a cut text, json)."""
    name = field["name"]
    if value is None:
        return {"field": name, "operator": "isNull"}
    if isinstance(value, bool):
        return {"field": name, "operator": "isTrue" if value else "isFalse"}
    if isinstance(value, list):
        operator = "hasAll" if value else "isEmpty"
        return {"field": name, "operator": operator, "value": value} if value else {"field": name, "operator": operator}
    if isinstance(value, dict) or field["family"] == "json":
        return None
    return {"field": name, "operator": "equals", "value": value}


def same_condition(tree: Filter | None, leaf: Filter) -> bool:
    """Whether the condition stands in the tree already, alone or joined by `and`."""
    return tree == leaf or (tree is not None and leaf in tree.get("and", ()))


def with_condition(tree: Filter | None, leaf: Filter) -> Filter:
    """Both must hold; an older condition `equals` on the same field gives way."""
    parts = [] if tree is None else list(tree["and"]) if set(tree) == {"and"} else [tree]
    kept = [part for part in parts if part.get("field") != leaf["field"]]
    return {"and": [*kept, leaf]} if kept else leaf


def without_condition(tree: Filter | None, leaf: Filter) -> Filter | None:
    """The tree without a condition that `same_condition` found."""
    if tree is None or tree == leaf:
        return None
    parts = [part for part in tree["and"] if part != leaf]
    return parts[0] if len(parts) == 1 else {"and": parts}
