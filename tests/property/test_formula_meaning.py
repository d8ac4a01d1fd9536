"""Random formulas over random rows: both databases answer what a plain reading of the formula in Python does.

The generator writes a formula's text and, beside it, its meaning; it knows neither the parser nor the SQL. Numbers are
exact fractions here; a result that was divided may differ in the digits that a double does not have.
"""

import itertools
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Date, Integer, MetaData, Numeric, Table, Text, select

from core.formulas.check import check
from core.formulas.compile import Context, compile_sql
from core.formulas.kind import Kind
from core.formulas.parse import parse
from core.storage.database import Call, Database
from tests.support.depth import DEPTH, patient

Row = dict[str, Any]
Meaning = Callable[[Row], Any]
Formula = tuple[str, Meaning]

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
KINDS: dict[str, Kind] = {
    "a": "number", "b": "number", "s": "text", "t": "text", "d": "date", "e": "date", "f": "boolean"
}  # fmt: skip
TABLE = Table(
    "formula_rows", MetaData(),
    Column("id", Integer), Column("a", Integer), Column("b", Numeric(10, 2)), Column("s", Text), Column("t", Text),
    Column("d", Date), Column("e", Date), Column("f", Boolean),
)  # fmt: skip
TEXTS = ["", "a", "Ab c", "12", "-3.50", "x-y-x", "Élan", "  ", "o'neil", "2026-02-28", "naïve 😀", "%_"]


def rows(rng: Random, count: int) -> list[Row]:
    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.2 else value

    return [
        {
            "id": number,
            "a": maybe(rng.choice([0, 1, -1, 2, 7, -13, 100, 2_000_000_000])),
            "b": maybe(Decimal(rng.choice([0, 1, 25, -250, 12345, 99999999])) / 100),
            "s": maybe(rng.choice(TEXTS)),
            "t": maybe(rng.choice(TEXTS)),
            "d": maybe(date(2026, 1, 31) + timedelta(days=rng.randint(-400, 400))),
            "e": maybe(rng.choice([date(2024, 2, 29), date(2026, 3, 10), date(1999, 12, 31)])),
            "f": maybe(rng.random() < 0.5),
        }
        for number in range(count)
    ]


def strict(function: Callable[..., Any]) -> Callable[..., Any]:
    """NULL in, NULL out (F-011)."""
    return lambda *values: None if None in values else function(*values)


def lift(text: str, function: Callable[..., Any], *parts: Formula, nulls: bool = False) -> Formula:
    meanings = [meaning for _, meaning in parts]
    apply = function if nulls else strict(function)
    return text.format(*(f"({part})" for part, _ in parts)), lambda row: apply(*(meaning(row) for meaning in meanings))


def half_up(value: Fraction, places: int) -> Fraction:
    scaled = abs(value) * 10**places
    whole = math.floor(scaled + Fraction(1, 2))
    return (whole if value >= 0 else -whole) / Fraction(10**places)


def plain(value: Fraction) -> str:
    """A number joined to a text: no zeros at the end."""
    shown = f"{Decimal(value.numerator) / Decimal(value.denominator):f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) or "0"


def logic_and(*values: bool | None) -> bool | None:
    return False if False in values else None if None in values else True


def logic_or(*values: bool | None) -> bool | None:
    return True if True in values else None if None in values else False


def truncated(value: Fraction) -> int:
    return math.trunc(value)


def remainder(left: Fraction, right: Fraction) -> Fraction | None:
    return None if right == 0 else left - right * truncated(left / right)


def month_later(day: date) -> date:
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day.day, last))


def overlay(text: str, new: str, start: int, count: int) -> str:
    return text[: start - 1] + new + text[start - 1 + count :]


def as_number(text: str) -> Fraction | None:
    try:
        return Fraction(Decimal(text.strip())) if text.strip() and set(text.strip()) <= set("0123456789.-") else None
    except ArithmeticError:
        return None


def as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if len(text.strip()) == 10 else None
    except ValueError:
        return None


def leaf_number(rng: Random) -> Formula:
    choice = rng.choice(["a", "b", "whole", "places"])
    if choice in "ab":
        return choice, lambda row: None if row[choice] is None else Fraction(row[choice])
    value = rng.randint(-50, 50) if choice == "whole" else Fraction(rng.randint(-500, 500), 100)
    return f"{float(value):g}", lambda row: Fraction(value)


def number(rng: Random, depth: int) -> Formula:  # noqa: C901
    """An exact number: products are of leaves only, so that 38 digits are enough."""
    if depth == 0:
        return leaf_number(rng)
    one, two = number(rng, depth - 1), number(rng, depth - 1)
    choice = rng.randint(0, 13)
    match choice:
        case 0:
            return lift("{} + {}", lambda x, y: x + y, one, two)
        case 1:
            return lift("{} - {}", lambda x, y: x - y, one, two)
        case 2:
            return lift("{} * {}", lambda x, y: x * y, leaf_number(rng), leaf_number(rng))
        case 3:
            return lift("{} % {}", remainder, leaf_number(rng), leaf_number(rng))
        case 4:
            return lift("ABS({})", abs, one)
        case 5:
            places = rng.randint(0, 2)
            return lift(f"ROUND({{}}, {places})", lambda x: half_up(x, places), one)
        case 6:
            return lift("LENGTH({})", lambda x: Fraction(len(x)), text(rng, depth - 1))
        case 7:
            return lift("COALESCE({}, {})", lambda x, y: y if x is None else x, one, two, nulls=True)
        case 8:
            return lift("GREATEST({}, {})", _most(max), one, two, nulls=True)
        case 9:
            condition = boolean(rng, depth - 1)
            return lift("IF({}, {}, {})", lambda c, x, y: x if c else y, condition, one, two, nulls=True)
        case 10:
            return lift("CEIL({})", lambda x: Fraction(math.ceil(x)), one)
        case 11:
            return lift("TRUNC({})", lambda x: Fraction(truncated(x)), one)
        case 12:
            return lift("SUM({}, {})", _total, one, two, nulls=True)
        case _:
            return lift("{} - {}", lambda x, y: Fraction((x - y).days), day(rng, depth - 1), day(rng, depth - 1))


def _most(pick: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def function(*values: Any) -> Any:
        known = [value for value in values if value is not None]
        return pick(known) if known else None

    return function


def _total(*values: Any) -> Any:
    known = [value for value in values if value is not None]
    return sum(known, Fraction(0)) if known else None


def divided(rng: Random, depth: int) -> Formula:
    """What only doubles can say: never compared, never rounded."""
    one, two = number(rng, depth), number(rng, depth)
    match rng.randint(0, 3):
        case 0:
            return lift("{} / {}", lambda x, y: None if y == 0 else x / y, one, two)
        case 1:
            return lift("SQRT({})", lambda x: None if x < 0 else Fraction(math.sqrt(x)), one)
        case 2:
            return lift("AVG({}, {})", lambda x, y: _mean(x, y), one, two, nulls=True)
        case _:
            return lift(
                "{}::numeric * 2", lambda x: None if as_number(x) is None else as_number(x) * 2, text_field(rng)
            )


def _mean(*values: Any) -> Any:
    known = [value for value in values if value is not None]
    return sum(known, Fraction(0)) / len(known) if known else None


def text_field(rng: Random) -> Formula:
    name = rng.choice("st")
    return name, lambda row: row[name]


def text(rng: Random, depth: int) -> Formula:  # noqa: C901
    if depth == 0:
        name = rng.choice(["s", "t", "literal"])
        if name == "literal":
            value = rng.choice(TEXTS)
            return "'" + value.replace("'", "''") + "'", lambda row: value
        return name, lambda row: row[name]
    one, two = text(rng, depth - 1), text(rng, depth - 1)
    count = rng.randint(0, 4)
    match rng.randint(0, 14):
        case 0:
            return lift("{} || {}", lambda x, y: x + y, one, two)
        case 1:
            return lift("CONCAT({}, {})", lambda x, y: (x or "") + (y or ""), one, two, nulls=True)
        case 2:
            return lift("UPPER({})", str.upper, one)
        case 3:
            return lift("LOWER({})", str.lower, one)
        case 4:
            return lift(f"LEFT({{}}, {count})", lambda x: x[:count], one)
        case 5:
            return lift(f"RIGHT({{}}, {count})", lambda x: x[max(len(x) - count, 0) :], one)
        case 6:
            return lift(f"SUBSTRING({{}}, {count + 1}, 3)", lambda x: x[count : count + 3], one)
        case 7:
            return lift("REPLACE({}, {}, '-')", lambda x, y: x.replace(y, "-") if y else x, one, two)
        case 8:
            return lift("TRIM({})", lambda x: x.strip(" "), one)
        case 9:
            return lift("{} || {}", lambda x, y: x + plain(y), one, number(rng, depth - 1))
        case 10:
            return lift("{} || {}", lambda x, y: x + str(y), one, day(rng, depth - 1))
        case 11:
            return lift("{} || {}", lambda x, y: x + ("true" if y else "false"), one, boolean(rng, depth - 1))
        case 12:
            return lift(f"REPEAT({{}}, {count})", lambda x: x * count, one)
        case 13:
            return lift(f"OVERLAY({{}} PLACING {{}} FROM {count + 1} FOR 2)",
                        lambda x, y: overlay(x, y, count + 1, 2), one, two)  # fmt: skip
        case _:
            condition = boolean(rng, depth - 1)
            shape = "CASE WHEN {} THEN {} ELSE {} END"
            return lift(shape, lambda c, x, y: x if c else y, condition, one, two, nulls=True)


def day(rng: Random, depth: int) -> Formula:
    if depth == 0:
        name = rng.choice(["d", "e", "today"])
        if name == "today":
            return "CURRENT_DATE", lambda row: NOW.date()
        return name, lambda row: row[name]
    one = day(rng, depth - 1)
    count = rng.randint(-60, 60)
    match rng.randint(0, 5):
        case 0:
            return lift(f"{{}} + {count}", lambda x: x + timedelta(days=count), one)
        case 1:
            return lift("{} + INTERVAL '1 month'", month_later, one)
        case 2:
            return lift("DATE_TRUNC('month', {})", lambda x: x.replace(day=1), one)
        case 3:
            return lift("{}::date", as_date, text_field(rng))
        case 4:
            return lift("COALESCE({}, {})", lambda x, y: y if x is None else x, one, day(rng, depth - 1), nulls=True)
        case _:
            return lift("DATE_TRUNC('week', {})", lambda x: x - timedelta(days=x.weekday()), one)


def boolean(rng: Random, depth: int) -> Formula:
    if depth == 0:
        return rng.choice([("f", lambda row: row["f"]), ("TRUE", lambda row: True)])
    operator = rng.choice(["=", "<>", "<", "<=", ">", ">="])
    compare = _COMPARE[operator]
    match rng.randint(0, 8):
        case 0:
            return lift(f"{{}} {operator} {{}}", compare, number(rng, depth - 1), number(rng, depth - 1))
        case 1:
            return lift(f"{{}} {operator} {{}}", compare, text(rng, depth - 1), text(rng, depth - 1))
        case 2:
            return lift(f"{{}} {operator} {{}}", compare, day(rng, depth - 1), day(rng, depth - 1))
        case 3:
            return lift("{} AND {}", logic_and, boolean(rng, depth - 1), boolean(rng, depth - 1), nulls=True)
        case 4:
            return lift("{} OR {}", logic_or, boolean(rng, depth - 1), boolean(rng, depth - 1), nulls=True)
        case 5:
            return lift("NOT {}", lambda x: not x, boolean(rng, depth - 1))
        case 6:
            return lift("{} XOR {}", lambda x, y: x != y, boolean(rng, depth - 1), boolean(rng, depth - 1))
        case 7:
            return lift("{} IS NULL", lambda x: x is None, rng.choice([text, day])(rng, depth - 1), nulls=True)
        case _:
            parts = [number(rng, depth - 1) for _ in range(3)]
            return lift("{} BETWEEN {} AND {}", _between, *parts, nulls=True)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda x, y: x == y, "<>": lambda x, y: x != y, "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
}  # fmt: skip


def _between(value: Any, low: Any, high: Any) -> Any:
    left, right = strict(lambda x, y: x >= y)(value, low), strict(lambda x, y: x <= y)(value, high)
    return logic_and(left, right)


def formulas(rng: Random, count: int) -> list[Formula]:
    kinds = (number, text, day, boolean, divided)
    return [rng.choice(kinds)(rng, rng.randint(1, 3)) for _ in range(count)]


def alike(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, Fraction | int) and not isinstance(wanted, bool):
        if given is None:
            return False
        if isinstance(given, Decimal):
            return Fraction(given) == wanted
        return math.isclose(given, wanted, rel_tol=1e-12, abs_tol=1e-12)
    return type(given) is type(wanted) and given == wanted


BATCH = 48
"""Formulas asked by one statement."""


@pytest.mark.slow
@patient
@pytest.mark.parametrize("seed", range(1, DEPTH + 1))
def test_formulas_mean_what_they_say(db: Database, seed: int) -> None:
    """F-001 F-002 F-003 F-005 F-006 F-007 F-011 F-012 F-020: 1,008 formulas over 25 rows for each seed, on each database."""
    data = rows(Random(seed), 25)
    names = ["INTEGER", "INTEGER", "DECIMAL(10,2)", "VARCHAR", "VARCHAR", "DATE", "DATE", "BOOLEAN"]
    columns = ", ".join(f"{column.name} {name}" for column, name in zip(TABLE.columns, names, strict=True))

    def fill(tx: Any) -> None:
        tx.execute(f"CREATE TABLE formula_rows ({columns})")
        tx.insert(TABLE, data, ())

    db.submit_write(Call(fill)).result()
    asked = itertools.count()

    @settings(max_examples=21, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.randoms(use_true_random=False).map(lambda given: Random(given.randrange(2**32))))
    def ask(rng: Random) -> None:
        batch = formulas(rng, BATCH)
        context = Context(db.dialect, KINDS, "UTC", NOW)
        found = []
        for written, _ in batch:
            expression = parse(written)
            check(expression, KINDS)
            found.append(compile_sql(expression, lambda name: TABLE.c[name], context))
            next(asked)
        statement = select(*(each.label(f"c{place}") for place, each in enumerate(found))).order_by(TABLE.c.id)
        answers = db.submit_read(Call(lambda reader: reader.rows(statement)), deadline=None).result()
        for row, values in zip(data, answers, strict=True):
            for (written, meaning), value in zip(batch, values, strict=True):
                assert alike(value, meaning(row)), f"{written}\n{row}\n{value!r} is not {meaning(row)!r}"

    ask()
    assert next(asked) >= 1000
