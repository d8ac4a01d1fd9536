"""The parse tree of a formula. `at` is the offset of the character that an error about the node points at."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Expression:
    at: int

    def children(self) -> Iterator["Expression"]:
        """The expressions directly below."""
        for field in fields(self):
            yield from _expressions(getattr(self, field.name))


def _expressions(value: Any) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    text: str
    """Digits as written: `1`, `2.50`, `1e3`."""


@dataclass(frozen=True, slots=True)
class Text(Expression):
    value: str


@dataclass(frozen=True, slots=True)
class Truth(Expression):
    value: bool


@dataclass(frozen=True, slots=True)
class Null(Expression):
    pass


@dataclass(frozen=True, slots=True)
class Span(Expression):
    """`INTERVAL '1 month 2 days'`"""

    months: int
    days: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A field: `price`, `"order"`, `{unit price}`, `author.name`."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    operator: Literal["-", "+", "NOT"]
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """Arithmetic, text join, comparison, XOR."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Chain(Expression):
    """`a AND b AND c`, `a OR b`, `a || b || c`: any number of operands of one operator."""

    operator: Literal["AND", "OR", "||"]
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Is(Expression):
    """`x IS NOT NULL`, `x IS TRUE`"""

    operand: Expression
    what: Literal["NULL", "TRUE", "FALSE"]
    negated: bool


@dataclass(frozen=True, slots=True)
class In(Expression):
    operand: Expression
    items: tuple[Expression, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Between(Expression):
    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True)
class Like(Expression):
    operand: Expression
    pattern: Expression
    negated: bool
    ignores_case: bool


@dataclass(frozen=True, slots=True)
class Case(Expression):
    """`CASE WHEN c THEN r … ELSE e END`"""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None


@dataclass(frozen=True, slots=True)
class Cast(Expression):
    operand: Expression
    type: str
    """As the language names it: `numeric`, `integer`, `text`, `date`, …"""


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function of `function.FUNCTIONS`, by its name in capitals."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Listing(Expression):
    """`ARRAY[a, b]`"""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Item(Expression):
    """`x[1]`"""

    operand: Expression
    index: Expression


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all below it."""
    todo = [expression]
    while todo:
        node = todo.pop()
        yield node
        todo.extend(node.children())
