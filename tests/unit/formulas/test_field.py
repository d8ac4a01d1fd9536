"""Formula fields through the records of an app, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import SchemaError
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.tables import create_tables

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)

APP = """
tables:
  - name: Invoices
    fields:
      - { name: qty, type: integer }
      - { name: unit_price, type: currency, currency: EUR }
      - { name: tax, type: percentage }
      - { name: first, type: single-line-text }
      - { name: middle, type: single-line-text }
      - { name: last, type: single-line-text }
      - { name: born, type: date }
      - { name: due, type: date }
      - { name: done, type: checkbox }
      - { name: tags, type: multi-select, options: [a, b, c] }
      - { name: note, type: long-text }
      - { name: about, type: json }
      - { name: counts, type: array, itemType: integer }
      - { name: sizes, type: array, itemType: decimal }
      - { name: flags, type: array, itemType: boolean }
      - { name: net, type: formula, formula: "qty * unit_price", resultType: decimal }
      - name: total
        type: formula
        formula: "ROUND(net * (1 + tax / 100), 2)"
        resultType: decimal
        format: "currency:EUR"
      - name: discounted
        type: formula
        formula: |
          CASE WHEN Net >= 1000 THEN net * 0.9   -- a tier
               WHEN net >= 100 THEN net * 0.95
               ELSE net END
        resultType: decimal
      - { name: age, type: formula, formula: "EXTRACT(YEAR FROM AGE(CURRENT_DATE, born))", resultType: integer }
      - name: state
        type: formula
        formula: >-
          CASE WHEN done THEN 'done' WHEN due < CURRENT_DATE THEN 'late' WHEN due IS NULL THEN 'open' ELSE 'planned' END
      - { name: full_name, type: formula, formula: "first || COALESCE(' ' || NULLIF(TRIM(middle), ''), '') || ' ' || last" }
      - name: slug
        type: formula
        formula: "TRIM(REGEXP_REPLACE(LOWER(full_name), '[^a-z0-9]+', '-', 'g'), '-')"
      - { name: days_left, type: formula, formula: "due - CURRENT_DATE", resultType: integer }
      - { name: late, type: formula, formula: "due < CURRENT_DATE AND done = false", resultType: boolean }
      - { name: has, type: formula, formula: "CARDINALITY(tags)", resultType: integer }
      - { name: parts, type: formula, formula: "ARRAY_REMOVE(tags, 'a')", resultType: "text[]" }
      - { name: made, type: formula, formula: "created_at", resultType: datetime }
      - { name: broken, type: formula, formula: "qty / (qty - 3)", resultType: decimal }
      - { name: number, type: formula, formula: "note::numeric * 2", resultType: decimal }
      - { name: squared, type: formula, formula: "qty * qty", resultType: integer }
      - { name: largest, type: formula, formula: "9223372036854775808 - qty", resultType: integer }
      - { name: said, type: formula, formula: "'= ' || about" }
      - { name: always, type: formula, formula: "'the same'" }
"""


class Ledger:
    def __init__(self, records: Records) -> None:
        self.records = records
        self.table = records.model.tables[0]

    async def add(self, **values: Any) -> dict[str, Any]:
        return await self.first(id=(await self.records.create(OWNER, self.table, values))["id"])

    async def first(self, id: str = "1", **params: str) -> dict[str, Any]:
        found = await self.records.list(OWNER, self.table, params)
        return next(record["fields"] for record in found["records"] if str(record["id"]) == str(id))

    async def ids(self, **params: str) -> list[int]:
        return [int(record["id"]) for record in (await self.records.list(OWNER, self.table, params))["records"]]


@pytest.fixture
async def ledger(open_db: Callable[..., Database]) -> Ledger:
    database = open_db(clock=lambda: NOW)
    model = app_model(APP)
    create_tables(database, model)
    return Ledger(Records(database, model, clock=lambda: NOW))


async def test_worked_cases(ledger: Ledger) -> None:
    """F-018 F-001 F-013 F-014 F-015 F-017"""
    found = await ledger.add(
        qty=7,
        unit_price=19.99,
        tax=20,
        first="Ada",
        last="Lovelace",
        born="1985-03-11",
        due="2026-03-08",
        tags=["a", "b"],
    )
    assert found["net"] == 139.93
    assert found["total"] == 167.92
    assert found["discounted"] == 132.9335
    assert found["age"] == 40  # a day before the birthday
    assert (found["state"], found["late"], found["days_left"]) == ("late", None, -2)
    assert (found["full_name"], found["slug"]) == ("Ada Lovelace", "ada-lovelace")
    assert (found["has"], found["parts"]) == (2, ["b"])
    assert found["made"].startswith("20")
    assert found["made"].endswith("Z")
    other = await ledger.add(
        qty=100, unit_price=20, first="Ann", middle=" M. ", last="O'Neil", due="2026-03-20", done=False
    )
    assert other["discounted"] == 1800
    assert (other["full_name"], other["slug"]) == ("Ann M. O'Neil", "ann-m-o-neil")
    assert (other["state"], other["late"], other["total"]) == ("planned", False, None)


async def test_no_row_fails_a_list(ledger: Ledger) -> None:
    """F-020 F-011 F-003: a division by zero, and a text that is no number, are NULL for their row only."""
    await ledger.add(qty=3, note="12,5")
    await ledger.add(qty=5, note=" 12.5 ")
    rows = [await ledger.first(id) for id in ("1", "2")]
    assert [row["broken"] for row in rows] == [None, 2.5]
    assert [row["number"] for row in rows] == [None, 25]


async def test_whole_numbers_are_exact_up_to_the_largest(ledger: Ledger) -> None:
    """F-001 F-002: also those that no double can tell apart; what does not fit is NULL."""
    found = await ledger.add(qty=2**31 - 1)
    assert (found["squared"], found["largest"]) == ((2**31 - 1) ** 2, 2**63 - 2**31 + 1)
    assert [(await ledger.add(qty=qty))["largest"] for qty in (1, 0)] == [2**63 - 1, None]


@pytest.mark.parametrize(
    ("formula", "found"),
    [
        ("counts = sizes", [1]),
        ("counts = ARRAY[1, 2]", [1]),
        ("sizes IN (counts, NULL)", [1]),
        ("NULLIF(sizes, ARRAY[1.5]) IS NULL", [2, 3]),
        ("SWITCH(counts, sizes, 1, 2) = 1", [1]),
        ("tags = ARRAY['a']", [1]),
        ("tags IN (ARRAYUNIQUE(tags), NULL)", [1]),
        ("tags = NULL", []),
        ("MAX(flags)", [1]),
        ("MIN(flags)", []),
        ("NOT MIN(flags)", [1, 2]),
    ],
)
async def test_lists_are_compared_whatever_their_numbers_are(ledger: Ledger, formula: str, found: list[int]) -> None:
    """F-008, F-020, T-150"""
    await ledger.add(counts=[1, 2], sizes=["1", "2.00"], tags=["a"], flags=[False, True])
    await ledger.add(counts=[1], sizes=["1.5"], flags=[False])
    await ledger.add()
    assert await ledger.ids(filterByFormula=formula) == found


async def test_json_is_the_same_text_on_both_databases(ledger: Ledger) -> None:
    """F-012 T-150"""
    found = await ledger.add(about={"a": [1, {"b": 'x, "y": z'}], "c": "\\", "d": ", "})
    assert found["said"] == r'= {"a":[1,{"b":"x, \"y\": z"}],"c":"\\","d":", "}'


async def test_formulas_filter_and_sort(ledger: Ledger) -> None:
    for qty, price in ((1, 5), (2, 50), (3, 1), (4, None)):
        await ledger.add(qty=qty, unit_price=price, first=f"n{qty}", last="x")
    assert await ledger.ids(filter='{"field": "net", "operator": "gt", "value": 4}', sort="net:desc") == [2, 1]
    assert await ledger.ids(filter="net:3") == [3]
    assert await ledger.ids(filter='{"field": "full_name", "operator": "contains", "value": "N2"}') == [2]
    assert await ledger.ids(filter='{"field": "net", "operator": "isNull"}') == [4]
    assert await ledger.ids(sort="net:desc") == [2, 1, 3, 4]


async def test_formulas_with_texts_of_their_own_make_groups(ledger: Ledger) -> None:
    """R-024, R-025, F-015: also in an order, also where the formula is nothing but a text."""
    for qty, due, done in ((1, "2026-03-09", True), (2, "2026-03-09", False), (3, "2026-03-09", True)):
        await ledger.add(qty=qty, unit_price=10, due=due, done=done)
    for params in ({}, {"sort": "state:asc"}, {"groupSort": "name:asc"}):
        asked = {"groupBy": "state", "aggregate": "qty:sum", **params}
        groups = (await ledger.records.list(OWNER, ledger.table, asked))["groups"]
        told = [(group["name"], group["count"], group["aggregations"]) for group in groups]
        assert told == [("done", 2, {"sum": 4}), ("late", 1, {"sum": 2})], params
    same = await ledger.records.list(OWNER, ledger.table, {"groupBy": "always", "sort": "always,qty:desc"})
    assert same["groups"] == [{"name": "the same", "count": 3}]
    assert [record["fields"]["qty"] for record in same["records"]] == [3, 2, 1]


async def test_values_for_people(ledger: Ledger) -> None:
    await ledger.add(qty=2, unit_price=1234.5, tax=0)
    shown = await ledger.first(format="display")
    assert shown["total"]["displayValue"] == "€2,469.00"


async def test_sent_value_is_refused(ledger: Ledger) -> None:
    """T-043"""
    from core.errors import Invalid

    with pytest.raises(Invalid):
        await ledger.records.create(OWNER, ledger.table, {"net": 3})


@pytest.mark.parametrize(
    ("field", "code", "place", "words"),
    [
        ('formula: "qty + nope"', "formula.unknown-field", (7, 44), "`nope`"),
        ('formula: "qty + * 2"', "formula.two-operators", (7, 44), "column 7"),
        ('formula: "(qty"', "formula.parentheses", (7, 44), "column 1"),
        ('formula: "LOWER()"', "formula.arguments", (7, 44), "LOWER needs an argument"),
        ('formula: "ROUNT(qty)"', "formula.unknown-function", (7, 44), "ROUNT"),
        ('formula: "(SELECT 1)"', "formula.subquery", (7, 44), "column 2"),
        ('formula: "qty; qty"', "formula.separator", (7, 44), "column 4"),
        ('formula: "tags"', "formula.result", (7, 44), "list of texts"),
        ('formula: "qty", resultType: decimal, format: "DD.MM"', "field.format", (7, 44), "DD.MM"),
        ("formula: \"b || 'x'\"", "field.circle", (7, 9), "T.a → T.b → T.a"),
        ('formula: "A"', "field.circle", (7, 9), "T.a → T.a"),
    ],
)
def test_wrong_formulas_are_refused(field: str, code: str, place: tuple[int, int], words: str) -> None:
    """F-016 D-31: named, with the place in the file and in the formula."""
    app = f"""
tables:
  - name: T
    fields:
      - {{ name: qty, type: integer }}
      - {{ name: tags, type: multi-select, options: [a] }}
      - {{ name: a, type: formula, {field} }}
      - {{ name: b, type: formula, formula: "a || 'y'" }}
"""
    with pytest.raises(SchemaError) as failure:
        app_model(app)
    problem = next(each for each in failure.value.problems if each.code == code)
    assert words in problem.message
    assert problem.position is not None
    if code not in ("formula.result", "field.format"):
        assert (problem.position.line - 1, problem.position.column) == place


def test_formulas_that_hold_each_other_stay_small() -> None:
    """A chain of formulas that doubles at each step is refused, not compiled."""
    fields = "\n".join(
        f"      - {{ name: f{n}, type: formula, formula: 'f{n - 1} + f{n - 1}', resultType: decimal }}"
        for n in range(1, 30)
    )
    with pytest.raises(SchemaError) as failure:
        app_model(f"tables:\n  - name: T\n    fields:\n      - {{ name: f0, type: integer }}\n{fields}\n")
    assert {each.code for each in failure.value.problems} <= {"formula.too-long", "formula.too-deep"}


async def test_filter_by_formula(ledger: Ledger) -> None:
    """§10.4: AND, OR, nesting, braces, quoted text; also on formula fields; bad syntax is a 400 with its place."""
    from core.errors import BadRequest

    for qty, first in ((1, "open"), (3, "open"), (5, "shut"), (None, "open")):
        await ledger.add(qty=qty, first=first, unit_price=2, last="x")

    async def found(formula: str, **params: str) -> list[int]:
        return await ledger.ids(filterByFormula=formula, **params)

    assert await found("AND({first}='open',{qty}>=3)") == [2]
    assert await found("OR({first}='shut', AND({qty}<2, {first}='open'))") == [1, 3]
    assert await found("NOT({net} > 2)") == [1]
    assert await found("qty = 3 OR qty IS NULL") == [2, 4]
    assert await found("{qty} != 3", filter="first:open") == [1]
    assert await found("  ") == [1, 2, 3, 4]
    for formula, column, code in (
        ("AND({first}='open'", 4, "formula.parentheses"),
        ("{nope} = 1", 1, "formula.unknown-field"),
        ("qty", 1, "formula.type"),
        ("qty = 'x'", 7, "formula.type"),
        ("qty = 1; DROP TABLE x", 8, "formula.separator"),
    ):
        with pytest.raises(BadRequest) as failure:
            await found(formula)
        assert failure.value.extra | {"line": 1, "column": column, "reason": code} == failure.value.extra
