"""What an operator expects beside its field: nothing, a list, a text. Families and aliases are in `core.fields.operator`."""

from core.contract.records import Operator
from core.fields.operator import JSON_PATH_OPERATORS, canonical

PATH_OPERATORS: tuple[Operator, ...] = (*JSON_PATH_OPERATORS, "isTrue", "isFalse")
"""What a path into a json field takes (`field.path`, T-095)."""

WITHOUT_VALUE = frozenset({"isNull", "isNotNull", "isEmpty", "isNotEmpty", "isTrue", "isFalse", "isCurrentUser"})
WITH_LIST = frozenset({"in", "notIn", "hasAll"})
TEXT_VALUE = frozenset({"contains", "doesNotContain", "startsWith", "endsWith", "matches"})


__all__ = ["PATH_OPERATORS", "TEXT_VALUE", "WITHOUT_VALUE", "WITH_LIST", "canonical"]
