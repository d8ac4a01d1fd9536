"""Points of the formula language by their names, through records as they are read, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest

from core.migrations.owned import OwnedViewGroup
from core.migrations.run import plan, run
from core.principal import OWNER
from core.query.computed_view import ComputedViews
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model

OWNED = OwnedViewGroup([ComputedViews()])
FIELDS = """
      - { name: a, type: integer }
      - { name: b, type: integer }
      - { name: p, type: decimal, precision: 4 }
      - { name: s, type: single-line-text }
      - { name: t, type: single-line-text }
      - { name: day, type: date }
      - { name: tags, type: multi-select, options: [red, green, blue] }
      - { name: sizes, type: array, itemType: integer }
"""

Ask = Callable[..., Any]


def app(formulas: dict[str, tuple[str, str]]) -> str:
    lines = "".join(
        f"      - {{ name: {name}, type: formula, formula: {formula!r}, resultType: '{result}' }}\n"
        for name, (formula, result) in formulas.items()
    )
    return f"tables:\n  - name: Things\n    fields:{FIELDS}{lines}"


@pytest.fixture
def ask(open_db: Callable[..., Database]) -> Ask:
    """`await ask({formula: result type}, value…)`: what each formula gives for a record of those values."""
    database = open_db()

    async def ask_(formulas: dict[str, str], **values: Any) -> dict[str, Any]:
        named = {f"f{place}": each for place, each in enumerate(formulas.items())}
        model = app_model(app(named))
        records = Records(database, model)
        run(database, plan(database, model, owned=OWNED), owned=OWNED, actor="test", allow_destructive=True)
        made = await records.create(OWNER, model.tables[0], values)
        answer = await records.get(OWNER, model.tables[0], str(made["id"]))
        return {formula: answer["fields"][name] for name, (formula, _) in named.items()}

    return ask_


async def test_texts_of_the_formula_that_are_no_numbers(ask: Ask) -> None:
    """F-003: nor do they keep the view for SQL from being made."""
    formulas = {"VALUE('x')": "decimal", "CAST('x' AS decimal)": "decimal", "'12'::integer + 1": "integer"}
    assert list((await ask(formulas)).values()) == [None, None, 13]


async def test_counting_and_the_first_that_is_there(ask: Ask) -> None:
    """F-004"""
    counted = "CASE WHEN a IS NULL THEN 0 ELSE 1 END + CASE WHEN b IS NULL THEN 0 ELSE 1 END"
    formulas = {counted: "integer", "COUNTA(a, b, s)": "integer", "COALESCE(s, t, 'none')": "text"}
    assert list((await ask(formulas, b=3, t="second")).values()) == [1, 1, "second"]
    assert list((await ask(formulas)).values()) == [0, 0, "none"]
    assert list((await ask(formulas, a=1, b=2, s="x", t="y")).values()) == [2, 3, "x"]


async def test_literals_and_casts_as_sql_writes_them(ask: Ask) -> None:
    """F-007, F-012, F-013, D-35: and a quotient has no digits that nobody divided."""
    formulas = {
        "DATE '2024-01-31' + INTERVAL '1 month'": ("date", "2024-02-29"),
        "TIMESTAMP '2024-01-31 10:00' + '90 minutes'::interval": ("datetime", "2024-01-31T11:30:00.000Z"),
        "TIME '10:00' < CAST('11:00' AS time)": ("boolean", True),
        "DECODE('w6k=', 'base64')": ("text", "é"),
        "ENCODE('é'::bytea, 'hex')": ("text", "c3a9"),
        "UPPER('straße ẞ')": ("text", "STRAßE ẞ"),
        "ARRAYJOIN(sizes, '-')": ("text", "3-1-2147483648"),
        "a / 2": ("decimal", 1073741823),
        "p / 3": ("decimal", 666666.7),
    }
    given = {"a": 2147483646, "p": "2000000.1", "sizes": [3, 1, 2147483648]}
    answer = await ask({formula: result for formula, (result, _) in formulas.items()}, **given)
    assert answer == {formula: wanted for formula, (_, wanted) in formulas.items()}


async def test_lists(ask: Ask) -> None:
    """F-008: join, unique, drop empties, flatten, slice, count."""
    formulas = {
        "ARRAYJOIN(tags, '+')": ("text", "red+blue"),
        "ARRAYJOIN(tags, s)": ("text", "red-blue"),
        "ARRAYJOIN(STRING_TO_ARRAY(',a,,b', ','), s)": ("text", "-a--b"),
        "ARRAYJOIN(ARRAY_REMOVE(tags, 'none'), t)": ("text", None),
        "ARRAYJOIN(ARRAYSLICE(tags, 3), s)": ("text", ""),
        "ARRAYUNIQUE(STRING_TO_ARRAY('b,a,b', ','))": ("text[]", ["b", "a"]),
        "ARRAYUNIQUE(ARRAY[3, 1.5, NULL, 1.5, NULL])": ("text[]", ["3", "1.5", None]),
        "ARRAYUNIQUE(STRING_TO_ARRAY(t, ','))": ("text[]", None),
        "ARRAYCOMPACT(STRING_TO_ARRAY('b,,c', ','))": ("text[]", ["b", "c"]),
        "ARRAYFLATTEN(tags)": ("text[]", ["red", "blue"]),
        "FLATTEN(ARRAY[ARRAY['a', 'b'], tags])": ("text[]", ["a", "b", "red", "blue"]),
        "FLATTEN(ARRAY[ARRAY[1], ARRAY[2, 3]])": ("text[]", ["1", "2", "3"]),
        "ARRAYSLICE(tags, 2, 2)": ("text[]", ["blue"]),
        "ARRAYSLICE(tags, -1)": ("text[]", ["blue"]),
        "CARDINALITY(tags)": ("integer", 2),
        "ARRAY_REMOVE(tags, 'red')": ("text[]", ["blue"]),
    }
    given = {"tags": ["red", "blue"], "s": "-"}
    answer = await ask({formula: result for formula, (result, _) in formulas.items()}, **given)
    assert answer == {formula: wanted for formula, (_, wanted) in formulas.items()}


async def test_what_every_record_has(ask: Ask) -> None:
    """F-009: without being declared, in any letter case."""
    formulas = {
        "id * 10": "integer", "ID || ''": "text", "created_at = updated_at": "boolean", "deleted_at IS NULL": "boolean",
        "YEAR(CREATED_AT) > 2000": "boolean", "RECORD_ID() = id": "boolean", "CREATED_TIME() = created_at": "boolean",
    }  # fmt: skip
    assert list((await ask(formulas)).values()) == [10, "1", True, True, True, True, True]


async def test_regular_expressions(ask: Ask) -> None:
    """F-010: match test, extract, replace."""
    formulas = {
        "REGEX_MATCH(s, '^[A-Z]+-')": "boolean", "REGEXP_MATCH(s, '[0-9]+')": "text", "REGEX_EXTRACT(s, '-(.)')": "text",
        "REGEXP_REPLACE(s, '[0-9]', '#')": "text", "REGEX_REPLACE(s, '[0-9]', '#')": "text",
        "REGEXP_MATCH(s, 'x')": "text",
    }  # fmt: skip
    assert list((await ask(formulas, s="AB-12")).values()) == [True, "12", "1", "AB-#2", "AB-##", None]
    assert list((await ask(formulas)).values()) == [None] * 6


async def test_dividing_by_zero(ask: Ask) -> None:
    """F-011, D-35, S-011: NULL, never infinity, never an error; 5/2 is 2.5 (F-013)."""
    zero = {"1/0": "number", "1 % 0": "number", "MOD(a, b)": "number", "a / b": "number", "p / (b * 1.0)": "number"}
    assert set((await ask(zero, a=1, b=0, p=2)).values()) == {None}
    half = {"5/2": "number", "a / b": "number", "a % b": "number", "MOD(-a, b)": "number"}
    assert list((await ask(half, a=5, b=2)).values()) == [2.5, 2.5, 1, -1]


async def test_functions_that_one_database_lacks(ask: Ask) -> None:
    """S-012"""
    formulas = {
        "TO_CHAR(day, 'DD Mon YYYY')": ("text", "07 Mar 2026"),
        "TO_DATE('31/12/2025', 'DD/MM/YYYY')": ("date", "2025-12-31"),
        "INITCAP('ada LOVELACE')": ("text", "Ada Lovelace"),
        "REGEXP_MATCH('a1', '[0-9]')": ("text", "1"),
        "ARRAY_REMOVE(STRING_TO_ARRAY('a,b', ','), 'a')": ("text[]", ["b"]),
        "ENCODE('Zoé', 'base64')": ("text", "Wm/DqQ=="),
        "CONVERT_FROM(DECODE('Wm/DqQ==', 'base64'), 'UTF8')": ("text", "Zoé"),
        "CONVERT_FROM(DECODE('not base64!', 'base64'), 'UTF8')": ("text", None),
    }
    answer = await ask({formula: result for formula, (result, _) in formulas.items()}, day="2026-03-07")
    assert answer == {formula: wanted for formula, (_, wanted) in formulas.items()}


async def test_another_formula_moves_no_data(open_db: Callable[..., Database]) -> None:
    """F-019: no statement touches the table; the view for SQL users is the new one."""
    database = open_db()
    before, after = (app_model(app({"f": (formula, "integer")})) for formula in ("a + 1", "a * 100"))
    run(database, plan(database, before, owned=OWNED), owned=OWNED, actor="test")
    made = await Records(database, before).create(OWNER, before.tables[0], {"a": 7})
    assert made["fields"]["f"] == 8
    steps = plan(database, after, owned=OWNED)
    assert [statement for step in steps.steps for statement in step.sql] == []
    assert not steps.is_empty
    run(database, steps, owned=OWNED, actor="test")
    assert (await Records(database, after).get(OWNER, after.tables[0], str(made["id"])))["fields"]["f"] == 700
    assert plan(database, after, owned=OWNED).is_empty


async def test_the_largest_numbers(ask: Ask) -> None:
    """F-020: results of narrow numbers that are wider than those do not fail the request."""
    most = "99999999999999.9999"
    formulas = {
        "a * a": "number", "a * a + b": "text", "p + p": "text", "p - (-p)": "text", "SUM(p, p, p)": "text",
        "ROUND(p, 2)": "text", "ROUNDUP(p, 1)": "text", "ROUNDDOWN(p, 1)": "text", "CEIL(p)": "text", "AVG(p, p)": "number",
        "p * p > 0": "boolean", "p * a > 0": "boolean", "-p - p < 0": "boolean", "MOD(p, a) >= 0": "boolean",
    }  # fmt: skip
    answer = await ask(formulas, a=2147483647, b=2147483647, p=most)
    assert answer["a * a + b"] == str(2147483647 * 2147483648)
    assert answer["p + p"] == answer["p - (-p)"] == "199999999999999.9998"
    assert answer["SUM(p, p, p)"] == "299999999999999.9997"
    assert float(answer["ROUND(p, 2)"]) == float(answer["ROUNDUP(p, 1)"]) == float(answer["CEIL(p)"]) == 1e14
    assert float(answer["ROUNDDOWN(p, 1)"]) == 99999999999999.9
    assert [answer[each] for each, kind in formulas.items() if kind == "boolean"] == [True] * 4
