"""How large a formula becomes as SQL: what guards a computation repeats its operands, and formulas that use formulas hold
them whole. Told when a formula is checked, so that none is accepted that the database would choke on."""

from collections.abc import Callable
from dataclasses import dataclass

from core.formulas.problem import FormulaProblem
from core.formulas.tree import Between, Binary, Call, Cast, Expression, Name
from core.sentence import say

MAX_SIZE = 20_000
MAX_DEPTH = 64

_REPEATS = {
    "POWER": 9, "EXP": 3, "SQRT": 2, "LN": 2, "LOG": 4, "MOD": 3, "ROUND": 2, "ROUNDUP": 4, "ROUNDDOWN": 2, "TRUNC": 2,
    "EVEN": 4, "ODD": 3, "SUBSTRING": 4, "SUBSTR": 4, "MID": 4, "OVERLAY": 4, "REPEAT": 3, "REPT": 3, "FIND": 4,
    "CHR": 3, "ASCII": 2, "DECODE": 2, "CONVERT_FROM": 2, "STRING_TO_ARRAY": 4, "TO_CHAR": 12, "DATETIME_FORMAT": 8,
    "TO_DATE": 8, "TO_TIMESTAMP": 32, "DATETIME_PARSE": 32, "DATE_DIFF": 2, "DATETIME_DIFF": 2, "ARRAYUNIQUE": 3,
    "ARRAYSLICE": 6, "ARRAYJOIN": 3, "ARRAY_TO_STRING": 3, "VALUE": 3, "REGEXP_MATCH": 2, "REGEX_EXTRACT": 2,
    "SUM": 2, "AVG": 4, "SWITCH": 2, "EXTRACT": 2,
}  # fmt: skip
"""How often a function's SQL names an argument, where that is more than once."""


@dataclass(frozen=True, slots=True)
class Size:
    """Parts when all is written out, and how deep they lie."""

    parts: int = 1
    depth: int = 1


def size_of(expression: Expression, of_field: Callable[[str], Size] = lambda name: Size()) -> Size:
    """The size of a formula; `of_field` tells that of a field that is a formula itself."""
    if isinstance(expression, Name):
        return of_field(expression.name)
    below = [size_of(child, of_field) for child in expression.children()]
    parts = 1 + _repeats(expression) * sum(each.parts for each in below)
    return Size(min(parts, 10 * MAX_SIZE), 1 + max((each.depth for each in below), default=0))


def _repeats(node: Expression) -> int:
    match node:
        case Call():
            return _REPEATS.get(node.function, 1)
        case Cast():
            return 4
        case Binary():
            return 2 if node.operator == "%" else 1
        case Between():
            return 2
    return 1


def check_size(expression: Expression, of_field: Callable[[str], Size] = lambda name: Size()) -> Size:
    """Raises FormulaProblem for a formula that is too large when everything it uses is written out."""
    size = size_of(expression, of_field)
    if size.parts > MAX_SIZE:
        message = say("The formula becomes too large with all that it repeats and uses")
        raise FormulaProblem("formula.too-long", message, expression.at, "split it, or use fewer nested functions")
    if size.depth > MAX_DEPTH:
        message = say("The formula, with the formulas that it uses, is nested too deep")
        raise FormulaProblem("formula.too-deep", message, expression.at)
    return size
