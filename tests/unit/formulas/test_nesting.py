"""Functions within one another: the SQL grows with the formula, and says what one step after the other would."""

import math
from collections.abc import Callable

import pytest
from sqlalchemy import Double, cast, column, literal, select

from core.formulas.check import check
from core.formulas.compile import Context, compile_sql
from core.formulas.parse import parse
from core.storage.database import Call, Database
from core.storage.duckdb.dialect import make_dialect

STEPS: dict[str, Callable[[float], float]] = {
    "ROUND({} / 3, 2)": lambda x: math.floor(abs(x) / 3 * 100 + 0.5) / 100 * (1 if x > 0 else -1),
    "({} / 3 % 7)": lambda x: math.fmod(x / 3, 7),
    "SQRT({} / 3)": lambda x: math.sqrt(x / 3),
    "POWER({} / 3, 1.01)": lambda x: (x / 3) ** 1.01,
    "ROUNDUP({} / 3, 3)": lambda x: math.ceil(x / 3 * 1000 - 1e-9) / 1000,
    "(1000 / (1 + {}))": lambda x: 1000 / (1 + x),
    "EVEN({} / 3)": lambda x: math.ceil(x / 6) * 2,
}


def nested(step: str, depth: int) -> str:
    return step.format("x" if depth == 1 else nested(step, depth - 1))


@pytest.mark.parametrize("step", STEPS)
def test_sql_grows_with_the_formula(step: str) -> None:
    """F-014: ten steps are at most twice as long as five, and a bit."""

    def length(depth: int) -> int:
        formula = parse(nested(step, depth))
        value = compile_sql(
            formula, lambda name: column(name, Double()), Context("duckdb", {"x": "number"}, "UTC", None)
        )
        return len(str(value.compile(dialect=make_dialect())))

    assert length(10) < 2.5 * length(5)


def test_steps_say_what_they_do_one_by_one(db: Database) -> None:
    """F-011, F-012: on both databases."""
    for step, python in STEPS.items():
        formula = parse(nested(step, 3))
        check(formula, {"x": "number"})
        for start in (1234.5, 7.25):
            context = Context(db.dialect, {"x": "number"}, "UTC", None)
            value = compile_sql(formula, lambda name, x=start: cast(literal(x, Double()), Double()), context)
            found = db.submit_read(Call(lambda reader, v=value: reader.scalar(select(v)))).result()
            expected = python(python(python(start)))
            assert float(found) == pytest.approx(expected, rel=1e-9), (step, start)
