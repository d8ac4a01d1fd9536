"""Numbers as people type them: decimal comma, thousands, percent sign, and sums after an equals sign."""

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, DecimalException, localcontext

OPERATORS: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LONGEST = 200
OWN = re.compile(r"(?<![\w.])x(?![\w.])")
"""In a sum: the number that is there (`=x*1.1`)."""


def parse_amount(text: str, *, decimal_comma: bool = False) -> Decimal:
    """`1 234,5`, `1,234.5`, `45 %`, `=3*12`. Raises ValueError when it is none of them.

    decimal_comma: a lone comma before three digits is a decimal sign, as in French, and not for thousands.
    """
    text = text.strip().replace("\u00a0", " ").replace("\u202f", " ").removesuffix("%").strip()
    if len(text) > LONGEST:
        raise ValueError("too long")
    if text.startswith("="):
        return _calculated(text[1:])
    return _plain(text, decimal_comma)


def mentions_own(text: str) -> bool:
    """Whether it is a sum over the number that is there."""
    return text.startswith("=") and OWN.search(text) is not None


def with_own(text: str, value: str | int | float | None) -> str:
    """A sum with the number that is there in its places; as it is where there is none."""
    return text if value is None or not mentions_own(text) else OWN.sub(f"({plain(Decimal(str(value)))})", text)


def _plain(text: str, decimal_comma: bool) -> Decimal:
    text = re.sub(r"(?<=\d)[ _'’](?=\d)", "", text)
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, sign = (".", ",") if comma > point else (",", ".")
        text = text.replace(thousands, "").replace(sign, ".")
    elif comma >= 0:
        grouped = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", text) is not None
        lone = text.count(",") == 1
        text = text.replace(",", "." if lone and (decimal_comma or not grouped) else "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text):
        raise ValueError(text)
    return Decimal(text)


def _calculated(text: str) -> Decimal:
    try:
        tree = ast.parse(text.strip().replace(",", ".").replace("×", "*").replace("÷", "/"), mode="eval")
        with localcontext() as context:
            context.prec = 40
            value = _evaluate(tree.body, text)
    except (SyntaxError, DecimalException, RecursionError) as error:
        raise ValueError(text) from error
    return value.normalize() if value == value.to_integral() else value.quantize(Decimal("1e-10")).normalize()


def _evaluate(node: ast.expr, text: str) -> Decimal:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return Decimal(str(number))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_evaluate(left, text), _evaluate(right, text))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, text)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluate(operand, text)
        case _:
            raise ValueError(text)


def plain(number: Decimal) -> str:
    """A number without exponent: `1200`, `0.5`."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
