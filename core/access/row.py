"""Row rules for one caller, as filters that the database answers (P-025…P-034)."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, any_, func

from core.access.connected import Connected, as_text
from core.fields.sameness import stored
from core.principal import GUEST, Principal
from core.query.filter import All, Given, Leaf, Node, Not, Some
from core.query.scope import Ref, Scope
from core.schema.permission import Condition, Conditions, CurrentUser, RowRule, Scalar

NOTHING: Node = Some(())
EVERYTHING: Node = All(())


def row_filter(rule: RowRule, caller: Principal | Connected, scope: Scope) -> Node:
    """The rows that meet the rule. The rule is the app's: it may ask of fields that the caller cannot read."""
    return _node(rule.when, caller, replace(scope, sights=None))


def _node(when: Condition | Conditions, caller: Principal | Connected, scope: Scope) -> Node:
    if isinstance(when, Conditions):
        parts = tuple(_node(part, caller, scope) for part in when.parts)
        return All(parts) if when.logic == "and" else Some(parts)
    ref = scope.resolve(when.field)
    if isinstance(caller, Connected):
        if isinstance(when.value, CurrentUser):
            asked = caller.values(when.value)
            one = _among(ref, asked)
            return All((Not(one), _some_of(asked))) if when.operator == "neq" else one
        caller = GUEST  # nothing is asked of it
    values = values_of(when.value, caller)
    if not values:
        return NOTHING  # nobody is signed in, nothing is assigned (P-030)
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


def _among(ref: Ref, asked: ColumnElement[Any]) -> Node:
    """As `_equal`, of values that the database finds."""

    def make(scope: Scope, source: FromClause | None) -> ColumnElement[bool]:
        text = as_text(scope.column(ref, source), ref.kind)
        return text.op("&&", is_comparison=True)(asked) if ref.is_list else text == any_(asked)

    return Given(make)


def _some_of(asked: ColumnElement[Any]) -> Node:
    """There is a value at all (P-030)."""
    return Given(lambda _scope, _source: func.cardinality(asked) > 0)
