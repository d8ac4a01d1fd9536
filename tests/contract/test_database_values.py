"""Every column kind survives the way into both databases and back, by one row and by many (Hypothesis)."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, select

from core.errors import Invalid
from core.fields.column import ColumnKind, ColumnType
from core.storage.database import Call, Database
from core.storage.ddl import type_name
from core.storage.table import sqlalchemy_type
from core.storage.value import load_json
from tests.support.depth import examples

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
JSONS = st.recursive(
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e15, 1e15).filter(lambda value: math.isfinite(value) and not 0 < abs(value) < 1e-6)
    | TEXTS,
    lambda inner: st.lists(inner | st.none(), max_size=4) | st.dictionaries(TEXTS, inner | st.none(), max_size=4),
    max_leaves=12,
)
VALUES: dict[ColumnKind, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "decimal": st.integers(-(10**38) + 1, 10**38 - 1).map(lambda digits: Decimal(f"{digits}e-10")),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "time": st.times(),
    "timestamp": st.datetimes(timezones=st.just(UTC)),
    "text-list": st.lists(TEXTS, max_size=4),
    "integer-list": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4),
    "bigint-list": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    "decimal-list": st.lists(st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: Decimal(f"{n}e-10")), max_size=4),
    "boolean-list": st.lists(st.booleans(), max_size=4),
    "date-list": st.lists(st.dates(), max_size=4),
    "json": JSONS,
}
TYPES = {kind: ColumnType(kind, 38, 10) if kind.startswith("decimal") else ColumnType(kind) for kind in VALUES}
TABLE = Table(
    "sample",
    MetaData(),
    Column("n", Integer),
    *(Column(kind.replace("-", "_"), sqlalchemy_type(type_)) for kind, type_ in TYPES.items()),
)
ROW = st.fixed_dictionaries({kind.replace("-", "_"): st.none() | values for kind, values in VALUES.items()})
EVERY_TIME = settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    database = open_db()
    columns = ", ".join(
        f"{kind.replace('-', '_')} {type_name(database.dialect, type_)}" for kind, type_ in TYPES.items()
    )
    database.submit_write(Call(lambda tx: tx.execute(f"CREATE TABLE sample (n INTEGER, {columns})"))).result()
    return database


def told(value: Any) -> Any:
    """A JSON value as it is read: a whole number of more than 64 bits, which no answer can hold, is a double."""
    if isinstance(value, dict):
        return {name: told(each) for name, each in value.items()}
    if isinstance(value, list):
        return [told(each) for each in value]
    is_large = type(value) is int and not -(2**63) <= value < 2**64
    return float(value) if is_large else value


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    """With the types made visible: True is not 1 and 1.0 is not 1 where JSON tells them apart."""
    return {name: (value, type(value).__name__) for name, value in row.items() if name not in ("json", "n")}


@EVERY_TIME
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_rows_come_back_as_they_went(db: Database, rows: list[dict[str, Any]]) -> None:
    numbered = [{"n": at, **row} for at, row in enumerate(rows)]

    def work(tx: Any) -> Any:
        tx.execute("DELETE FROM sample")
        tx.insert(TABLE, numbered)

    db.submit_write(Call(work)).result()
    statement = select(TABLE).order_by(TABLE.c.n)
    names = [column.name for column in TABLE.columns]
    found = db.submit_read(Call(lambda r: [dict(zip(names, row, strict=True)) for row in r.rows(statement)])).result()
    assert [comparable(row) for row in found] == [comparable(row) for row in numbered]
    assert [row["json"] for row in found] == [told(row["json"]) for row in numbered]


@EVERY_TIME
@given(first=ROW, second=ROW)
def test_updates_come_back_as_they_went(db: Database, first: dict[str, Any], second: dict[str, Any]) -> None:
    def work(tx: Any) -> Any:
        tx.execute("DELETE FROM sample")
        tx.insert(TABLE, [{"n": 1}, {"n": 2}, {"n": 3}])
        tx.update(TABLE, "n", [{"n": 1, **first}])
        tx.update(TABLE, "n", [{"n": 2, **first}, {"n": 3, **second}])
        return tx.rows(select(TABLE).order_by(TABLE.c.n))

    names = [column.name for column in TABLE.columns]
    found = [dict(zip(names, row, strict=True)) for row in db.submit_write(Call(work)).result()]
    wanted = [first, first, second]
    assert [comparable(row) for row in found] == [comparable(row) for row in wanted]
    assert [row["json"] for row in found] == [told(row["json"]) for row in wanted]


@EVERY_TIME
@given(row=ROW)
def test_values_find_themselves_in_filters(db: Database, row: dict[str, Any]) -> None:
    """A value as a parameter of a Core statement equals the stored one."""

    def work(tx: Any) -> list[int]:
        tx.execute("DELETE FROM sample")
        tx.insert(TABLE, [{"n": 1, **row}])
        counts = []
        for name, value in row.items():
            if name != "json" and value is not None:
                counts.append(len(tx.rows(select(TABLE.c.n).where(TABLE.c[name] == value))))
        return counts

    assert set(db.submit_write(Call(work)).result()) <= {1}


def test_instants_of_other_zones_are_the_same_instants(db: Database) -> None:
    """T-013"""
    moment = datetime(2026, 2, 1, 9, tzinfo=timezone(timedelta(hours=1)))
    rows = [{"n": 1, "timestamp": moment}, {"n": 2, "timestamp": moment}]
    db.submit_write(Call(lambda tx: (tx.insert(TABLE, rows[:1]), tx.insert(TABLE, rows)))).result()
    found = db.submit_read(Call(lambda r: r.rows(select(TABLE.c.timestamp)))).result()
    assert [row[0].isoformat() for row in found] == ["2026-02-01T08:00:00+00:00"] * 3


def test_edges(db: Database) -> None:
    """Infinity, the ends of the calendar, NULL beside an empty text, an empty list, an empty object."""
    row = {
        "text": "",
        "double": -math.inf,
        "date": date.max,
        "time": time.max,
        "timestamp": datetime.max.replace(tzinfo=UTC),
        "text_list": [],
        "bigint_list": [],
        "date_list": [date.min, date.max],
        "json": {"": [None, {}, 0.1]},
        "decimal": Decimal("-0.0000000001"),
    }
    rows = [{"n": 1, **row}, {"n": 2, **dict.fromkeys(row)}]
    columns = [TABLE.c[name] for name in row]
    db.submit_write(Call(lambda tx: (tx.insert(TABLE, rows), tx.insert(TABLE, rows[:1])))).result()
    found = db.submit_read(Call(lambda r: r.rows(select(*columns).order_by(TABLE.c.n)))).result()
    assert found == [tuple(row.values()), tuple(row.values()), (None,) * len(row)]


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("integer", 2**31),
        ("bigint", 2**63),
        ("bigint", -(2**70)),
        ("decimal", Decimal(10) ** 28),
        ("json", {"a": math.nan}),
        ("json", {"a": "b\0"}),
        ("json", ["\ud800"]),
        ("text_list", ["a\0"]),
        ("text_list", ["\ud800"]),
        ("integer_list", [0, 2**31]),
        ("bigint_list", [2**63]),
    ],
)
def test_what_does_not_fit_is_refused(db: Database, name: str, value: Any, many: bool) -> None:
    rows = [{"n": 1, name: value}] * (2 if many else 1)
    with pytest.raises(Invalid):
        db.submit_write(Call(lambda tx: tx.insert(TABLE, rows))).result()
    assert db.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM sample"))).result() == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[9223372036854775807, 1e400]", [9223372036854775807, "1e400"]),
        ("[18446744073709551615, 18446744073709551616, -1e400]", [2**64 - 1, float(2**64), "-1e400"]),
        ("1" * 400, "1" * 400),
    ],
)
def test_numbers_that_no_double_holds_are_their_text(text: str, value: Any) -> None:
    assert load_json(text) == value
