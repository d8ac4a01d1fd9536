"""Conditions on rows, judged by the engine in the writing transaction."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Conflict, Invalid, SchemaError
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Rooms
    fields:
      - { name: title, type: single-line-text }
      - { name: seats, type: integer }
  - name: Bookings
    fields:
      - { name: room, type: integer }
      - { name: slot, type: integer }
      - { name: state, type: single-line-text }
      - { name: start, type: date }
      - { name: end_day, type: date }
      - { name: guests, type: integer }
      - { name: code, type: single-line-text, unique: true }
      - { name: hall, type: relationship, relatedTable: Rooms, relationType: many-to-one }
      - { name: seats, type: lookup, relationshipField: hall, relatedField: seats }
      - { name: nights, type: formula, formula: "end_day - start", resultType: integer }
    constraints:
      - { name: ends_later, check: "nights > 0" }
      - { name: few_guests, check: "guests BETWEEN 1 AND 9" }
      - { name: fits_in, check: "guests <= seats" }
    indexes:
      - { name: uq_open_slot, fields: [room, slot], unique: true, where: "state = 'open'" }
    uniqueConstraints:
      - { name: uq_day_state, fields: [start, state], nullsNotDistinct: true }
"""


class Desk:
    def __init__(self, records: Records) -> None:
        self.records = records
        self.rooms, self.bookings = records.model.tables
        self.days = iter(range(1, 28))

    async def book(self, **values: Any) -> str:
        """A booking on a day of its own."""
        values = {"start": f"2026-01-{next(self.days):02d}", **values}
        return str((await self.records.create(OWNER, self.bookings, values))["id"])

    async def change(self, id: str, **values: Any) -> None:
        await self.records.update(OWNER, self.bookings, id, values)


@pytest.fixture
async def desk(open_db: Callable[..., Database]) -> Desk:
    database = open_db()
    model = app_model(APP)
    create_tables(database, model)
    return Desk(Records(database, model))


async def test_a_false_constraint_refuses_the_row(desk: Desk) -> None:
    """T-141: 400 with the constraint's name; NULL passes; also through formulas and other records."""
    one = await desk.book()
    with pytest.raises(Invalid) as failure:
        await desk.book(guests=10, start="2026-03-01", end_day="2026-03-01")
    assert failure.value.status == 400
    assert [error.field for error in failure.value.errors] == ["ends_later", "few_guests"]
    assert failure.value.body()["constraint"] == "ends_later"
    await desk.change(one, guests=4)
    with pytest.raises(Invalid, match="few_guests"):
        await desk.change(one, guests=0)
    await desk.records.create(OWNER, desk.rooms, {"title": "small", "seats": 2})
    with pytest.raises(Invalid, match="fits_in"):
        await desk.change(one, hall=1)
    await desk.change(one, hall=1, guests=2)
    await desk.change(one, state="open")


async def test_constraints_come_before_links_and_unique_keys(desk: Desk) -> None:
    """T-142: and before all of them what each value must be, those that are wrong told together."""
    await desk.book(code="a")
    with pytest.raises(Invalid) as values:
        await desk.book(code="a", hall=99, guests="many", slot=1.5)
    assert {error.field for error in values.value.errors} == {"slot", "guests"}
    with pytest.raises(Invalid, match="few_guests"):
        await desk.book(code="a", hall=99, guests=50)
    with pytest.raises(Invalid, match="no record 99"):
        await desk.book(code="a", hall=99)
    with pytest.raises(Invalid) as broken:
        await desk.book(start="2026-01-05", end_day="2026-01-04", guests=50)
    assert {error.field for error in broken.value.errors} == {"ends_later", "few_guests"}
    with pytest.raises(Conflict):
        await desk.book(code="a")


async def test_unique_where(desk: Desk) -> None:
    """T-139: unique among the rows that meet the condition, judged with the rows as they will be."""
    one = await desk.book(room=1, slot=1, state="open")
    two = await desk.book(room=1, slot=1, state="shut")
    await desk.book(room=1, slot=2, state="open")
    await desk.book(room=None, slot=1, state="open")
    await desk.book(room=None, slot=1, state="open")
    with pytest.raises(Conflict) as failure:
        await desk.book(room=1, slot=1, state="open")
    assert failure.value.extra["fields"] == ["room", "slot"]
    with pytest.raises(Conflict):
        await desk.change(two, state="open")
    await desk.change(one, state="gone")
    await desk.change(two, state="open")


async def test_unique_where_within_one_batch(desk: Desk) -> None:
    """T-139: also against each other, and by many writers at once."""
    results = await asyncio.gather(*(desk.book(room=5, slot=5, state="open") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 5


async def test_nulls_not_distinct(desk: Desk) -> None:
    """T-136"""
    await desk.book(start="2026-05-01")
    with pytest.raises(Conflict) as failure:
        await desk.book(start="2026-05-01")
    assert failure.value.extra["fields"] == ["start", "state"]
    await desk.book(start="2026-05-01", state="open")
    await desk.book(start=None, state=None)
    with pytest.raises(Conflict):
        await desk.book(start=None, state=None)


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [
        ('constraints: [{ name: c, check: "nope > 1" }]', "formula.unknown-field", "c: There is no field `nope`"),
        ('constraints: [{ name: c, check: "n + 1" }]', "formula.type", "c: A condition is true or false"),
        ('constraints: [{ name: c, check: "n > (1" }]', "formula.parentheses", "column 5"),
        ('indexes: [{ name: i, fields: [n], unique: true, where: "n >" }]', "formula.syntax", "i: The formula ends"),
    ],
)
def test_wrong_conditions_are_refused(key: str, code: str, words: str) -> None:
    with pytest.raises(SchemaError) as failure:
        app_model(f"tables:\n  - name: T\n    fields: [{{ name: n, type: integer }}]\n    {key}\n")
    problem = failure.value.problems[-1]
    assert (problem.code, problem.position.line) == (code, 5)
    assert words in problem.message
