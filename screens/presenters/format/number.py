"""Numbers: grouped, with currency, as stars, as a share."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from core.contract.tables import FieldInfo
from screens.services.text import t

Formatter = Callable[[Any], str]

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "$", "AUD": "$"}
SEPARATORS = {"comma": (",", "."), "period": (".", ","), "space": ("\u00a0", "."), "none": ("", ".")}
YEARS = 10_000
"""Whole numbers of four digits stay as they are: most of them are years."""


def integer(field: FieldInfo) -> Formatter:
    """`1,234,567`; ids as they are."""
    if field["system"]:
        return str
    mark = t("grid.number.thousands")

    def show(value: Any) -> str:
        if type(value) is not int:
            return _written(value, mark)
        return str(value) if -YEARS < value < YEARS else _grouped(value, mark)

    return show


def decimal(field: FieldInfo) -> Formatter:
    """All digits that were stored, grouped before the point; as many after it as the column of a result has."""
    mark, point = t("grid.number.thousands"), t("grid.number.point")
    scale = field["options"].get("scale")
    if scale is not None:
        return lambda value: _written(f"{Decimal(str(value)):.{scale}f}", mark, point)
    return lambda value: _written(value, mark, point)


def _grouped(value: int, mark: str) -> str:
    return f"{value:,}".replace(",", mark)


def _written(value: Any, mark: str, point: str = ".") -> str:
    if isinstance(value, bool):
        raise TypeError
    text = value if isinstance(value, str) else repr(value)
    whole, dot, rest = text.partition(".")
    return f"{_grouped(int(whole), mark) if whole not in ('-0', '') else whole}{point if dot else ''}{rest}"


def currency(field: FieldInfo) -> Formatter:
    """R-089: `$1,234.50`, `1 234.50 €`, `($5.00)`."""
    options = field["options"]
    precision = int(options.get("precision", 2))
    mark, point = SEPARATORS[options.get("thousandsSeparator") or ("comma" if precision else "none")]
    code = str(options.get("currency", ""))
    symbol = SYMBOLS.get(code, code)
    before = options.get("symbolPosition", "before") == "before"
    parentheses = options.get("negativeFormat") == "parentheses"
    gap = " " if symbol == code else ""

    def show(value: Any) -> str:
        exact = _exact(value)
        amount = f"{abs(exact):,.{precision}f}"
        if (mark, point) != (",", "."):
            amount = amount.replace(",", "\0").replace(".", point).replace("\0", mark)
        shown = f"{symbol}{gap}{amount}" if before else f"{amount} {symbol}"
        if exact >= 0:
            return shown
        return f"({shown})" if parentheses else f"-{shown}"

    return show


def _exact(value: Any) -> Decimal:
    """Raises ValueError for numbers that would fill the memory when they are written out."""
    exact = Decimal(str(value))
    if not exact.is_finite() or exact.adjusted() > 60:
        raise ValueError(value)
    return exact


def percentage(field: FieldInfo) -> Formatter:
    """`45 %`, with as many decimals as are stored; a computed one, which stores none, with those that say something."""
    precision, point = field["options"].get("precision"), t("grid.number.point")
    if precision is None:
        return lambda value: f"{_exact(value).normalize():f} %".replace(".", point)
    return lambda value: f"{_exact(value):.{int(precision)}f} %".replace(".", point)


def rating(field: FieldInfo) -> Formatter:
    """`★★★☆☆`"""
    most = int(field["options"].get("max", 5))

    def show(value: Any) -> str:
        stars = int(value)
        return "★" * stars + "☆" * (most - stars) if 0 <= stars <= most else str(value)

    return show


def progress(field: FieldInfo) -> Formatter:
    """`45 %`; the bar is the cell's."""
    return lambda value: f"{int(value)} %"


def autonumber(field: FieldInfo) -> Formatter:
    """`INV-00042`"""
    options = field["options"]
    prefix, suffix, digits = options.get("prefix", ""), options.get("suffix", ""), options.get("digits") or 1
    return lambda value: f"{prefix}{int(value):0{digits}d}{suffix}"
