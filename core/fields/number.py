"""Number fields: integer, decimal, currency, percentage, rating, progress, duration, autonumber.

A number is exact: amounts travel as Decimal and are stored as DECIMAL(p, s), never as float, because a total shown in the
grid must equal the total of a SQL query.
"""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cached_property
from math import isfinite
from random import Random
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field

from core.fields.base import EditorKind, FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.pattern import COLOR, CURRENCY_CODE
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

N = TypeVar("N", int, Decimal)
Bound = int | float

INTEGER_LIMIT = 2**31
BIGINT_LIMIT = 2**63
WHOLE_DIGITS = 18
"""Digits before the point of decimal, currency and percentage."""
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DIGITS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMBERS = (int, float, Decimal)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_QUANTA = tuple(Decimal(1).scaleb(-places) for places in range(39))
"""The last place of numbers with so many digits behind the point."""


def summed(value: Any) -> Any:
    """A computed value as an answer tells it: a whole number of more than 64 bits is its text."""
    return str(value) if type(value) is int and not -(2**63) <= value < 2**63 else value


def decimal_of(raw: Any) -> Decimal:
    """A raw value as an exact finite number. Raises ValueProblem."""
    if type(raw) is float and isfinite(raw):
        return Decimal(repr(raw))
    if isinstance(raw, str):
        text = raw.strip()
        if _NUMBER.fullmatch(text) and len(text) <= 100:
            return Decimal(text)
        has_digits = re.search(r"[0-9]", text) is not None
        pattern = "{value} is not a number; write it like 1234.5" if has_digits else "{value} is not a number"
        raise ValueProblem("number.not-a-number", say(pattern, value=show(raw)))
    if isinstance(raw, bool) or not isinstance(raw, _NUMBERS):
        raise ValueProblem("number.not-a-number", say("A number is expected, not {value}", value=show(raw)))
    value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite():
        raise ValueProblem("number.not-a-number", say("{value} is not a finite number", value=raw))
    return value


def whole_of(raw: Any, limit: int = BIGINT_LIMIT) -> int:
    """A raw value as a whole number. Raises ValueProblem."""
    if type(raw) is int or (isinstance(raw, str) and len(raw) < 19 and raw.isascii() and raw.isdigit()):
        number = int(raw)  # nearly always, and in a tenth of the time
        if -limit <= number < limit:
            return number
    value = decimal_of(raw)
    if value and value.adjusted() > 30:
        raise ValueProblem("number.out-of-range", say("{value} is too large", value=_plain(value)))
    if value != value.to_integral_value():
        raise ValueProblem("number.not-whole", say("A whole number is expected, not {value}", value=_plain(value)))
    if not -limit <= value < limit:
        raise ValueProblem(
            "number.out-of-range",
            say("{value} is outside {least} to {most}", value=_plain(value), least=-limit, most=limit - 1),
        )
    return int(value)


def _plain(value: Decimal) -> str:
    """A number for a message."""
    return f"{value:f}" if abs(value.adjusted()) <= 30 else str(value)


def _decimal(bound: Bound) -> Decimal:
    return Decimal(repr(bound))


def _check_bounds(value: int | Decimal, options: "RangeOptions") -> None:
    """Inclusive (T-063)."""
    low, high = options.min, options.max
    if (low is not None and value < _decimal(low)) or (high is not None and value > _decimal(high)):
        pattern = (
            "{value} is not allowed; {least} to {most} is"
            if None not in (low, high)
            else "{value} is not allowed; {least} or more is"
            if low is not None
            else "{value} is not allowed; {most} or less is"
        )
        raise ValueProblem("number.out-of-range", say(pattern, value=value, least=low, most=high))


class RangeOptions(FieldOptions):
    min: Bound | None = None
    max: Bound | None = None


class NumberField(FieldType[N]):
    """What all number fields share."""

    family = "number"
    editor: ClassVar[EditorKind] = "number"
    numeric = True

    def accept_json(self, raw: Any) -> N | None:
        """A JSON number (T-063)."""
        if isinstance(raw, str):
            raise ValueProblem(
                "number.not-a-number", say("A number is expected, not the text {value}", value=show(raw))
            )
        return self.accept(raw)

    def physical_check(self) -> tuple[str, str] | None:
        """T-063"""
        options = self.options
        return range_check(self.spec.name, getattr(options, "min", None), getattr(options, "max", None))

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        low, high = getattr(field.options, "min", None), getattr(field.options, "max", None)
        if low is not None and high is not None and low > high:
            yield OptionProblem("min", "field.bounds", say("min {least} is above max {most}", least=low, most=high))


class IntegerOptions(FieldOptions):
    min: Annotated[int, Field(ge=-BIGINT_LIMIT, lt=BIGINT_LIMIT)] | None = None
    max: Annotated[int, Field(ge=-BIGINT_LIMIT, lt=BIGINT_LIMIT)] | None = None


def range_check(name: str, low: Any, high: Any) -> tuple[str, str] | None:
    """The formula of bounds that are given."""
    parts = [f'"{name}" {sign} {bound}' for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
    return ("range", " AND ".join(parts)) if parts else None


class IntegerField(NumberField[int]):
    """A whole number; 32 bits unless a bound asks for more."""

    name = "integer"
    Options = IntegerOptions

    @property
    def is_big(self) -> bool:
        return any(abs(bound) >= INTEGER_LIMIT for bound in (self.options.min, self.options.max) if bound is not None)

    def column(self) -> ColumnType:
        return ColumnType("bigint" if self.is_big else "integer")

    def accept(self, raw: Any) -> int | None:
        if raw is None:
            return None
        value = whole_of(raw, BIGINT_LIMIT if self.is_big else INTEGER_LIMIT)
        _check_bounds(value, self.options)
        return value

    def example(self, rng: Random) -> int:
        low = self.options.min if self.options.min is not None else min(0, self.options.max or 0)
        high = self.options.max if self.options.max is not None else max(low, 1000)
        return rng.randint(low, max(low, min(high, low + 1000)))


class ExactField(NumberField[Decimal]):
    """A number with a fixed count of digits behind the point."""

    @cached_property
    def scale(self) -> int:
        return int(self.options.precision)

    @cached_property
    def _quantum(self) -> Decimal:
        return _QUANTA[self.scale]

    @cached_property
    def _is_bounded(self) -> bool:
        return self.options.min is not None or self.options.max is not None

    def column(self) -> ColumnType:
        return ColumnType("decimal", WHOLE_DIGITS + self.scale, self.scale)

    def accept(self, raw: Any) -> Decimal | None:
        if raw is None:
            return None
        value = self.parse(raw)
        if value and value.adjusted() >= WHOLE_DIGITS:
            raise ValueProblem(
                "number.out-of-range",
                say("{value} has more than {most} digits before the point", value=_plain(value), most=WHOLE_DIGITS),
            )
        value = value.quantize(self._quantum, context=_EXACT)
        if not value:
            value = abs(value)  # there is one zero
        elif value.adjusted() >= WHOLE_DIGITS:
            raise ValueProblem(
                "number.out-of-range",
                say("{value} has more than {most} digits before the point", value=f"{value:f}", most=WHOLE_DIGITS),
            )
        if self._is_bounded:
            _check_bounds(value, self.options)
        return value

    def accept_json(self, raw: Any) -> Decimal | None:
        """A JSON number, or the digits as text, which a JSON reader does not round."""
        if isinstance(raw, str) and not _DIGITS.fullmatch(raw):
            raise ValueProblem(
                "number.not-a-number", say("{value} is not a number; write it like 1234.5", value=show(raw))
            )
        return self.accept(raw)

    def parse(self, raw: Any) -> Decimal:
        """The number that a raw value means, before rounding."""
        return decimal_of(raw)

    def to_json(self, value: Decimal | None) -> Any:
        """A number; a text where a double would lose digits."""
        if value is None:
            return None
        if self.scale == 0:
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else f"{value:f}"

    def to_text(self, value: Decimal | None) -> str:
        return "" if value is None else f"{value:f}"

    def example(self, rng: Random) -> Decimal:
        low = (
            _decimal(self.options.min)
            if self.options.min is not None
            else min(Decimal(0), _decimal(self.options.max or 0))
        )
        high = _decimal(self.options.max) if self.options.max is not None else low + 1000
        share = Decimal(rng.randint(0, 1000)) / 1000
        value = self.accept(
            low if low == high else (low + (high - low) * share).quantize(Decimal("0.01")).max(low).min(high)
        )
        assert value is not None
        return value


class DecimalOptions(RangeOptions):
    precision: Annotated[int, Field(ge=1, le=10)] | None = None


class DecimalField(ExactField):
    """An exact number. The API answers text, because JSON numbers are read as doubles."""

    name = "decimal"
    Options = DecimalOptions

    @property
    def scale(self) -> int:
        return self.options.precision or 10

    def to_json(self, value: Decimal | None) -> str | None:
        """All digits: `1.50` with `precision: 2`, `1.5` without."""
        if value is None:
            return None
        text = f"{value:f}"
        return text if self.options.precision else text.rstrip("0").rstrip(".") if "." in text else text

    def to_text(self, value: Decimal | None) -> str:
        return self.to_json(value) or ""


class CurrencyOptions(RangeOptions):
    currency: Annotated[str, Field(pattern=CURRENCY_CODE)]
    precision: Annotated[int, Field(ge=0, le=10)] = 2
    symbol_position: Literal["before", "after"] = "before"
    negative_format: Literal["minus", "parentheses"] = "minus"
    thousands_separator: Literal["comma", "period", "space", "none"] | None = None


_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "$", "AUD": "$"}


class CurrencyField(ExactField):
    """An amount in one currency; the currency belongs to the field, not to the value."""

    name = "currency"
    Options = CurrencyOptions

    def present(self, value: Decimal | None, how: Format) -> str:
        """R-089: `$1,234.50`, `1.234,50 €`, `($5.00)`."""
        if value is None:
            return ""
        options = self.options
        separator = options.thousands_separator or ("comma" if options.precision else "none")
        amount = f"{abs(value):,.{options.precision}f}"
        marks = {"comma": (",", "."), "period": (".", ","), "space": ("\u00a0", "."), "none": ("", ".")}
        thousands, point = marks[separator]
        amount = amount.translate({ord(","): thousands, ord("."): point})
        symbol = _SYMBOLS.get(options.currency, options.currency)
        gap = " " if symbol == options.currency else ""
        shown = f"{symbol}{gap}{amount}" if options.symbol_position == "before" else f"{amount} {symbol}"
        if value >= 0:
            return shown
        return f"({shown})" if options.negative_format == "parentheses" else f"-{shown}"


class PercentageOptions(RangeOptions):
    precision: Annotated[int, Field(ge=0, le=10)] = 0


class PercentageField(ExactField):
    """A percentage as it is shown: 45 means 45 %."""

    name = "percentage"
    Options = PercentageOptions

    def parse(self, raw: Any) -> Decimal:
        return decimal_of(_without_percent(raw))

    def present(self, value: Decimal | None, how: Format) -> str:
        return "" if value is None else f"{value:f} %"


def _without_percent(raw: Any) -> Any:
    return raw.strip().removesuffix("%") if isinstance(raw, str) else raw


class RatingOptions(FieldOptions):
    max: Annotated[int, Field(ge=1, le=10)] = 5
    style: str = "stars"


class RatingField(NumberField[int]):
    """One to `max` stars."""

    name = "rating"
    editor = "rating"
    Options = RatingOptions

    def physical_check(self) -> tuple[str, str] | None:
        return range_check(self.spec.name, 1, self.options.max)

    def column(self) -> ColumnType:
        return ColumnType("integer")

    def accept(self, raw: Any) -> int | None:
        if raw is None:
            return None
        value = whole_of(raw)
        if not 1 <= value <= self.options.max:
            raise ValueProblem(
                "number.out-of-range",
                say("{value} is not allowed; {least} to {most} is", value=value, least=1, most=self.options.max),
            )
        return value

    def present(self, value: int | None, how: Format) -> str:
        return "" if value is None else "★" * value + "☆" * (self.options.max - value)

    def example(self, rng: Random) -> int:
        return rng.randint(1, self.options.max)


class ProgressOptions(FieldOptions):
    color: Annotated[str, Field(pattern=COLOR)] | None = None


class ProgressField(NumberField[int]):
    """How far something is, 0 to 100."""

    name = "progress"
    Options = ProgressOptions

    def physical_check(self) -> tuple[str, str] | None:
        return range_check(self.spec.name, 0, 100)

    def column(self) -> ColumnType:
        return ColumnType("integer")

    def accept(self, raw: Any) -> int | None:
        if raw is None:
            return None
        value = whole_of(_without_percent(raw))
        if not 0 <= value <= 100:
            raise ValueProblem(
                "number.out-of-range",
                say("{value} is not allowed; {least} to {most} is", value=value, least=0, most=100),
            )
        return value

    def default(self) -> int | None:
        """0 where the field is required and names no default."""
        return 0 if self.spec.required and self.spec.default is None else super().default()

    def present(self, value: int | None, how: Format) -> str:
        return "" if value is None else f"{value} %"

    def example(self, rng: Random) -> int:
        return rng.randint(0, 100)


class AutonumberOptions(FieldOptions):
    prefix: str = ""
    suffix: str = ""
    start_from: Annotated[int, Field(ge=1, lt=BIGINT_LIMIT)] = 1
    digits: Annotated[int, Field(ge=1, le=10)] | None = None


class AutonumberField(NumberField[int]):
    """A number that the engine gives to every new record, shown as `INV-00042`."""

    name = "autonumber"
    editor = "none"
    read_only = True
    takes_default = False
    Options = AutonumberOptions

    def column(self) -> ColumnType:
        return ColumnType("bigint")

    def accept(self, raw: Any) -> int | None:
        """Filters and pasted cells name a number by itself or as it is shown."""
        if isinstance(raw, str):
            raw = raw.strip().removeprefix(self.options.prefix).removesuffix(self.options.suffix)
        return None if raw is None else whole_of(raw)

    def present(self, value: int | None, how: Format) -> str:
        if value is None:
            return ""
        return f"{self.options.prefix}{value:0{self.options.digits or 1}d}{self.options.suffix}"

    def example(self, rng: Random) -> int:
        return int(self.options.start_from) + rng.randint(0, 1000)
