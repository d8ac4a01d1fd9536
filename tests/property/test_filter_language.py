"""Filters against an evaluator that shares nothing with the compiler: every operator of every family, on both databases.

R-106, R-107, R-108, R-109, R-110, R-111, T-095.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.fields.model import AppModel, TableModel
from core.fields.operator import JSON_PATH_OPERATORS, OPERATORS
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.depth import examples, patient
from tests.support.tables import create_tables

NOW = datetime(2026, 3, 18, 13, 30, tzinfo=UTC)
ZONE = "America/New_York"
APP = """
tables:
  - name: things
    fields:
      - { name: title, type: single-line-text }
      - { name: amount, type: decimal, precision: 2 }
      - { name: stock, type: integer }
      - { name: day, type: date }
      - { name: moment, type: datetime }
      - { name: clock, type: time }
      - { name: done, type: checkbox }
      - { name: state, type: single-select, options: [Open, Won, "50%", lost] }
      - { name: tags, type: multi-select, options: [a, b, c] }
      - { name: parent, type: relationship, relatedTable: things, relationType: many-to-one }
      - { name: data, type: json }
"""
TEXTS = ["", "abc", "ABC", "50%", "a_c", "a%c", "Zoë", "été", "x", "back\\slash", "'quote'"]
DAYS = [date(2026, 3, 18) + timedelta(days=n) for n in (-40, -9, -2, -1, 0, 1, 2, 6, 9, 40, 400)]
MOMENTS = [datetime(2026, 3, d, h, 15, tzinfo=UTC) for d in (1, 16, 17, 18, 19) for h in (1, 3, 4, 5, 23)]
CLOCKS = [time(0, 0), time(9, 30), time(23, 59, 59)]
OPTIONS = ["Open", "Won", "50%", "lost"]
JSONS: list[Any] = [
    {"n": 1, "s": "one", "b": True},
    {"n": 2.5, "s": "Two"},
    {"n": "2.5", "deep": {"x": "y"}},
    {"n": None},
    {},
    [],
    [1, 2],
]


def rows() -> list[dict[str, Any]]:
    """The table's rows, values as Python keeps them; `id` counts from 1."""
    rng = Random(5)

    def some(values: list[Any]) -> Any:
        return rng.choice([*values, None])

    return [
        {
            "id": number,
            "title": some(TEXTS),
            "amount": some([Decimal("0.00"), Decimal("-1.50"), Decimal("12.34"), Decimal("100.00")]),
            "stock": some([0, 1, -7, 5, 2_000_000_000]),
            "day": some(DAYS),
            "moment": some(MOMENTS),
            "clock": some(CLOCKS),
            "done": some([True, False]),
            "state": some(OPTIONS),
            "tags": some([[], ["a"], ["b", "a"], ["a", "b", "c"], ["c"]]),
            "parent": some([1, 2]) if number > 2 else None,
            "data": some(JSONS),
        }
        for number in range(1, 81)
    ]


ROWS = rows()
BY_ID = {row["id"]: row for row in ROWS}


# ── The evaluator ──


def holds(node: dict[str, Any], row: dict[str, Any]) -> bool:
    if "and" in node:
        return all(holds(part, row) for part in node["and"])
    if "or" in node:
        return any(holds(part, row) for part in node["or"])
    if "not" in node:
        return not holds(node["not"], row)
    name, operator, asked = node["field"], node["operator"], node.get("value")
    negations = {"notEquals": "equals", "notIn": "in", "doesNotContain": "contains"}
    if operator in negations:
        return not condition(name, negations[operator], asked, row)
    return condition(name, operator, asked, row)


def condition(name: str, operator: str, asked: Any, row: dict[str, Any]) -> bool:
    head, _, path = name.partition(".")
    if head == "parent" and path:
        linked = BY_ID.get(row["parent"])
        return condition(path, operator, asked, linked or dict.fromkeys(row))
    value = row[head]
    if path:
        return path_condition(at_path(value, path), operator, asked)
    if operator == "isNull":
        return value is None
    if operator == "isNotNull":
        return value is not None
    if operator in ("isEmpty", "isNotEmpty"):
        return (value in (None, "") or (isinstance(value, list | dict) and not value)) == (operator == "isEmpty")
    if value is None:
        return False
    if operator in ("isTrue", "isFalse"):
        return value is (operator == "isTrue")
    if head == "tags":
        return tags_condition(value, operator, asked)
    if head == "data":
        return (
            asked.lower() in json.dumps(value, separators=(",", ":")).lower()
            if operator == "contains"
            else value == asked
        )
    if operator in ("contains", "startsWith", "endsWith", "matches"):
        return text_condition(value, operator, asked)
    if head in ("moment", "day", "clock"):
        return time_condition(head, value, operator, asked)
    return compare(value, operator, asked)


def text_condition(value: str, operator: str, asked: str) -> bool:
    import re

    value_, asked_ = value.lower(), asked.lower()
    return {
        "contains": lambda: asked_ in value_,
        "startsWith": lambda: value_.startswith(asked_),
        "endsWith": lambda: value_.endswith(asked_),
        "matches": lambda: re.search(asked, value) is not None,
    }[operator]()


def tags_condition(value: list[str], operator: str, asked: Any) -> bool:
    wanted = set(asked) if isinstance(asked, list) else {asked}
    return {
        "equals": lambda: set(value) == wanted,
        "contains": lambda: wanted <= set(value),
        "in": lambda: bool(wanted & set(value)),
        "hasAll": lambda: wanted <= set(value),
    }[operator]()


def exact(asked: Any) -> Any:
    """12.34 as it is written, not as a double keeps it."""
    if isinstance(asked, list):
        return [exact(each) for each in asked]
    return Decimal(repr(asked)) if isinstance(asked, float) else asked


def compare(value: Any, operator: str, asked: Any) -> bool:
    if isinstance(value, Decimal):
        asked = exact(asked)
    return {
        "equals": lambda: value == asked,
        "greaterThan": lambda: value > asked,
        "isAfter": lambda: value > asked,
        "greaterThanOrEqual": lambda: value >= asked,
        "lessThan": lambda: value < asked,
        "isBefore": lambda: value < asked,
        "lessThanOrEqual": lambda: value <= asked,
        "between": lambda: asked[0] <= value <= asked[1],
        "in": lambda: value in asked,
    }[operator]()


def time_condition(name: str, value: Any, operator: str, asked: Any) -> bool:
    """A moment is compared by its day where a day is asked, else by its instant."""
    if operator == "isWithin":
        day = value if name == "day" else value.astimezone(ZoneInfo(ZONE)).date()
        first, last = period(asked)
        return first <= day <= last
    if operator == "in":
        return any(time_condition(name, value, "equals", each) for each in asked)
    if operator == "between":
        low, high = asked
        return time_condition(name, value, "greaterThanOrEqual", low) and time_condition(
            name, value, "lessThanOrEqual", high
        )
    if name == "clock":
        return compare(value, operator, time.fromisoformat(asked))
    if len(asked) == 10:
        day = value if name == "day" else value.astimezone(ZoneInfo(ZONE)).date()
        return compare(day, operator, date.fromisoformat(asked))
    return compare(value, operator, datetime.fromisoformat(asked))


def period(asked: str) -> tuple[date, date]:
    """Wednesday 18 March 2026."""
    one, today = timedelta(days=1), date(2026, 3, 18)
    fixed = {
        "today": (today, today),
        "yesterday": (today - one, today - one),
        "tomorrow": (today + one, today + one),
        "thisWeek": (date(2026, 3, 16), date(2026, 3, 22)),
        "lastWeek": (date(2026, 3, 9), date(2026, 3, 15)),
        "nextWeek": (date(2026, 3, 23), date(2026, 3, 29)),
        "thisMonth": (date(2026, 3, 1), date(2026, 3, 31)),
        "lastMonth": (date(2026, 2, 1), date(2026, 2, 28)),
        "nextMonth": (date(2026, 4, 1), date(2026, 4, 30)),
        "thisYear": (date(2026, 1, 1), date(2026, 12, 31)),
    }
    if asked in fixed:
        return fixed[asked]
    way, count, _ = asked.split(":")
    return (today - int(count) * one, today) if way == "last" else (today, today + int(count) * one)


def at_path(value: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def path_condition(value: Any, operator: str, asked: Any) -> bool:
    if operator in ("isNull", "isNotNull"):
        return (value is None) == (operator == "isNull")
    if operator in ("isEmpty", "isNotEmpty"):
        return (value in (None, "") or value in ([], {})) == (operator == "isEmpty")
    if value is None:
        return False
    if operator == "in":
        return any(path_condition(value, "equals", each) for each in asked)
    if operator == "between":
        return path_condition(value, "greaterThanOrEqual", asked[0]) and path_condition(
            value, "lessThanOrEqual", asked[1]
        )
    if isinstance(asked, str):
        text = value if isinstance(value, str) else json.dumps(value)
        if operator in ("contains", "startsWith", "endsWith", "matches"):
            return text_condition(text, operator, asked)
        return compare(text, operator, asked)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and compare(float(value), operator, asked)


# ── Filters ──

WITHOUT = ("isNull", "isNotNull", "isEmpty", "isNotEmpty", "isTrue", "isFalse")
ISO_DAYS = [day.isoformat() for day in DAYS]
ISO_MOMENTS = [moment.isoformat() for moment in MOMENTS]
PERIODS = (
    "today yesterday tomorrow thisWeek lastWeek nextWeek thisMonth lastMonth nextMonth thisYear last:3:days next:9:days"
).split()
SCALARS: dict[str, list[Any]] = {
    "title": [*TEXTS, "nothing"],
    "amount": [0, 12.34, -1.5, 100, 12.345],
    "stock": [0, 1, 5, 2.5, -7],
    "day": ISO_DAYS,
    "moment": [*ISO_DAYS, *ISO_MOMENTS],
    "clock": ["00:00:00", "09:30:00", "12:00:00"],
    "done": [True, False],
    "state": [*OPTIONS, "gone"],
    "parent": [1, 2, 9],
    "parent.title": TEXTS,
    "parent.stock": [0, 1, 5],
    "data.n": [1, 2.5, "2.5", "x"],
    "data.s": ["one", "Two"],
    "data.deep.x": ["y"],
}
FAMILIES = {
    "title": "text", "amount": "number", "stock": "number", "day": "date", "moment": "date", "clock": "date",
    "done": "checkbox", "state": "select", "parent": "link", "parent.title": "text", "parent.stock": "number",
}  # fmt: skip


def scalar_leaf(name: str) -> st.SearchStrategy[dict[str, Any]]:
    operators = list(OPERATORS[FAMILIES[name]] if name in FAMILIES else JSON_PATH_OPERATORS)
    if name == "clock":
        operators.remove("isWithin")
    scalar = st.sampled_from(SCALARS[name])

    def values(operator: str) -> st.SearchStrategy[Any]:
        if operator in WITHOUT:
            return st.none()
        if operator in ("in", "notIn"):
            return st.lists(scalar, max_size=3)
        if operator == "between":
            ends = st.tuples(scalar, scalar).filter(lambda pair: type(pair[0]) is type(pair[1]))
            return ends.map(lambda pair: sorted(pair))
        if operator == "isWithin":
            return st.sampled_from(PERIODS)
        if operator == "matches":
            return st.sampled_from(["^a", "c$", "[0-9]+%", "b|x", "é"])
        if operator in ("contains", "doesNotContain", "startsWith", "endsWith"):
            return st.sampled_from(["a", "C", "%", "_", "é", "", "o", "\\", "'", "2."])
        return scalar

    return st.sampled_from(operators).flatmap(
        lambda operator: values(operator).map(lambda value: {"field": name, "operator": operator, "value": value})
    )


TAG_LEAVES = st.one_of(
    st.tuples(
        st.sampled_from(["equals", "notEquals", "in", "notIn", "hasAll"]), st.lists(st.sampled_from("abc"), max_size=3)
    ),
    st.tuples(st.sampled_from(["contains", "doesNotContain"]), st.sampled_from("abc")),
    st.tuples(st.sampled_from(["isNull", "isNotNull", "isEmpty", "isNotEmpty"]), st.none()),
).map(lambda pair: {"field": "tags", "operator": pair[0], "value": pair[1]})
DATA_LEAVES = st.one_of(
    st.tuples(st.sampled_from(["equals", "notEquals"]), st.sampled_from([*JSONS, {"s": "one", "n": 1, "b": True}])),
    st.tuples(st.sampled_from(["isNull", "isNotNull", "isEmpty", "isNotEmpty"]), st.none()),
).map(lambda pair: {"field": "data", "operator": pair[0], "value": pair[1]})
LEAVES = st.one_of(*(scalar_leaf(name) for name in SCALARS), TAG_LEAVES, DATA_LEAVES)
TREES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda found: {"and": found}),
        st.lists(parts, max_size=3).map(lambda found: {"or": found}),
        parts.map(lambda found: {"not": found}),
    ),
    max_leaves=6,
)


class Asked:
    """A database with the rows, and a way to ask it."""

    def __init__(self, database: Database, model: AppModel) -> None:
        self.database = database
        self.model = model
        self.table: TableModel = model.tables[0]
        self.records = Records(database, model, clock=lambda: NOW)

    async def fill(self) -> None:
        for row in ROWS:
            fields = {name: plain(value) for name, value in row.items() if name != "id"}
            await self.records.create(OWNER, self.table, {"fields": fields})

    async def ids(self, tree: dict[str, Any]) -> list[int]:
        params = {"filter": json.dumps(tree), "limit": "100", "fields": "id", "timezone": ZONE}
        answer = await self.records.list(OWNER, self.table, params)
        return sorted(int(record["id"]) for record in answer["records"])


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | time) else str(value) if isinstance(value, Decimal) else value


@pytest.fixture
def asked(open_db: Callable[..., Database]) -> Asked:
    model = app_model(APP)
    database = open_db()
    create_tables(database, model)
    table = Asked(database, model)
    asyncio.run(table.fill())
    return table


@patient
def test_filters_mean_what_the_evaluator_says(asked: Asked) -> None:
    """R-106 … R-111: every operator of every family, alone and in trees."""

    @settings(max_examples=examples(80), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(TREES)
    def check(tree: dict[str, Any]) -> None:
        expected = [row["id"] for row in ROWS if holds(tree, row)]
        assert loop.run_until_complete(asked.ids(tree)) == expected, tree

    loop = asyncio.new_event_loop()
    try:
        check()
    finally:
        loop.close()


def test_each_operator_of_each_field_once(asked: Asked) -> None:
    """R-106: nothing of the table is left to chance."""
    rng = Random(3)
    leaves = [
        {"field": name, "operator": operator, "value": value_for(rng, name, operator)}
        for name in SCALARS
        for operator in (OPERATORS[FAMILIES[name]] if name in FAMILIES else JSON_PATH_OPERATORS)
        if not (name == "clock" and operator == "isWithin")
    ]

    async def check() -> None:
        for leaf in leaves:
            expected = [row["id"] for row in ROWS if holds(leaf, row)]
            assert await asked.ids(leaf) == expected, leaf

    asyncio.run(check())


def value_for(rng: Random, name: str, operator: str) -> Any:
    if operator in WITHOUT:
        return None
    if operator in ("in", "notIn"):
        return SCALARS[name][:2]
    if operator == "between":
        same = [value for value in SCALARS[name] if type(value) is type(SCALARS[name][0])]
        return sorted([same[0], same[-1]])
    if operator == "isWithin":
        return "thisMonth"
    if operator in ("contains", "doesNotContain", "startsWith", "endsWith", "matches"):
        return "o"
    return rng.choice(SCALARS[name])
