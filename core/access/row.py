"""Row rules for one caller, as filters that the database answers (P-025…P-034)."""

from dataclasses import replace
from typing import Any

from core.fields.sameness import stored
from core.principal import Principal
from core.query.filter import All, Leaf, Node, Not, Some
from core.query.scope import Ref, Scope
from core.schema.permission import Condition, Conditions, CurrentUser, RowRule, Scalar

NOTHING: Node = Some(())
EVERYTHING: Node = All(())


def row_filter(rule: RowRule, principal: Principal, scope: Scope) -> Node:
    """The rows that meet the rule. The rule is the app's: it may ask of fields that the caller cannot read."""
    return _node(rule.when, principal, replace(scope, sights=None))


def _node(when: Condition | Conditions, principal: Principal, scope: Scope) -> Node:
    if isinstance(when, Conditions):
        parts = tuple(_node(part, principal, scope) for part in when.parts)
        return All(parts) if when.logic == "and" else Some(parts)
    values = values_of(when.value, principal)
    if not values:
        return NOTHING  # nobody is signed in, nothing is assigned (P-030)
    ref = scope.resolve(when.field)
    found = _equal(ref, values)
    return Not(found) if when.operator == "neq" else found


def values_of(value: Scalar | tuple[Scalar, ...] | CurrentUser, principal: Principal) -> tuple[Scalar, ...]:
    """What a condition compares with, for this caller; none where it cannot be resolved. A caller of several roles is
    each of them."""
    if not isinstance(value, CurrentUser):
        return value if isinstance(value, tuple) else (value,)
    match value.path:
        case "assignments":
            return tuple(sorted(principal.assignments.get(value.table, ())))
        case "role":
            return tuple(sorted(principal.roles))
        case "isUnrestricted":
            return (principal.is_unrestricted,)
        case "id":
            found = principal.id
        case "email":
            found = principal.email
        case "activeAssignment":
            found = principal.active_assignment
    return () if found is None else (found,)


def _equal(ref: Ref, values: tuple[Scalar, ...]) -> Node:
    """The field holds one of the values; a field of several values, any of them."""
    several = ref.kind.endswith("-list")
    kind: Any = ref.kind.removesuffix("-list")
    typed = tuple(each for value in values if (each := stored(value, kind)) is not None)
    if not typed:
        return NOTHING
    return Leaf(ref, "equals", typed[0]) if len(typed) == 1 and not several else Leaf(ref, "in", typed)
