"""Which filter operators a family of fields answers to, and the other names that clients use for them."""

from collections.abc import Mapping

from core.contract.records import Operator

_ALWAYS: tuple[Operator, ...] = ("isNull", "isNotNull", "isEmpty", "isNotEmpty")
_EQUAL: tuple[Operator, ...] = ("equals", "notEquals")
_ORDER: tuple[Operator, ...] = ("greaterThan", "greaterThanOrEqual", "lessThan", "lessThanOrEqual", "between")
_HOLDS: tuple[Operator, ...] = ("contains", "doesNotContain")
_LIST: tuple[Operator, ...] = ("in", "notIn")

OPERATORS: Mapping[str, tuple[Operator, ...]] = {
    "text": (*_EQUAL, *_HOLDS, "startsWith", "endsWith", "matches", *_LIST, *_ALWAYS),
    "number": (*_EQUAL, *_ORDER, *_LIST, *_ALWAYS),
    "date": (*_EQUAL, *_ORDER, *_LIST, "isBefore", "isAfter", "isWithin", *_ALWAYS),
    "checkbox": (*_EQUAL, "isTrue", "isFalse", "isNull", "isNotNull", "isEmpty", "isNotEmpty"),
    "select": (*_EQUAL, *_HOLDS, *_LIST, *_ALWAYS),
    "multi": (*_EQUAL, *_HOLDS, *_LIST, "hasAll", *_ALWAYS),
    "link": (*_EQUAL, *_LIST, *_ALWAYS),
    "user": (*_EQUAL, *_LIST, "isCurrentUser", *_ALWAYS),
    "json": (*_EQUAL, *_HOLDS, *_ALWAYS),
    "none": (),
}
"""By family, in the order in which a filter builder offers them (spec tables-records §11)."""

LINKS_OPERATORS: tuple[Operator, ...] = (*_EQUAL, *_HOLDS, *_LIST, "hasAll", *_ALWAYS)
"""Of a link field that holds several records."""

USERS_OPERATORS: tuple[Operator, ...] = (*_EQUAL, *_HOLDS, *_LIST, "hasAll", "isCurrentUser", *_ALWAYS)
"""Of a user field that holds several accounts."""

PLACE_OPERATORS: tuple[Operator, ...] = ("withinRadius", *_EQUAL, *_ALWAYS)
"""Of a geolocation."""

JSON_PATH_OPERATORS: tuple[Operator, ...] = (
    *_EQUAL, *_ORDER, *_HOLDS, "startsWith", "endsWith", "matches", *_LIST, *_ALWAYS
)  # fmt: skip
"""Of a path inside a json field (`settings.theme`)."""

ALIASES: Mapping[str, Operator] = {
    "eq": "equals", "is": "equals", "=": "equals",
    "neq": "notEquals", "ne": "notEquals", "is not": "notEquals", "!=": "notEquals", "<>": "notEquals",
    "gt": "greaterThan", ">": "greaterThan",
    "gte": "greaterThanOrEqual", "ge": "greaterThanOrEqual", ">=": "greaterThanOrEqual",
    "lt": "lessThan", "<": "lessThan",
    "lte": "lessThanOrEqual", "le": "lessThanOrEqual", "<=": "lessThanOrEqual",
    "notContains": "doesNotContain", "does not contain": "doesNotContain",
    "starts with": "startsWith", "ends with": "endsWith", "regex": "matches",
    "isAnyOf": "in", "is any of": "in", "any": "in",
    "isNoneOf": "notIn", "is none of": "notIn", "nin": "notIn",
    "containsAll": "hasAll", "blank": "isEmpty",
}  # fmt: skip


def canonical(name: str) -> Operator | None:
    """The operator that a name means, None when it means none (D-12)."""
    for operators in (*OPERATORS.values(), JSON_PATH_OPERATORS, PLACE_OPERATORS):
        for operator in operators:
            if operator == name:
                return operator
    return ALIASES.get(name)
