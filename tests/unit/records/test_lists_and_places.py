"""Arrays and places on both databases: written, filtered, sorted, unique."""

import json
from typing import Any

import pytest

from core.errors import BadRequest, Conflict, Invalid
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Sites
    fields:
      - { name: title, type: single-line-text }
      - { name: place, type: geolocation, unique: true }
      - { name: words, type: array, maxItems: 3 }
      - { name: counts, type: array, itemType: integer, default: [1, 2] }
      - { name: prices, type: array, itemType: decimal }
      - { name: flags, type: array, itemType: boolean }
      - { name: days, type: array, itemType: date }
"""
PARIS, LYON, SUVA = {"lat": 48.8566, "lng": 2.3522}, {"lat": 45.764, "lng": 4.8357}, {"lat": -18.1416, "lng": 178.4419}
POLE = {"lat": 89.9, "lng": -170.0}


class Sites:
    """The records of the one table."""

    def __init__(self, database: Database) -> None:
        model = app_model(APP)
        create_tables(database, model)
        self.records = Records(database, model)
        (self.table,) = model.tables

    async def add(self, title: str, **fields: Any) -> dict[str, Any]:
        return (await self.records.create(OWNER, self.table, {"fields": {"title": title, **fields}}))["fields"]

    async def titles(self, **params: Any) -> list[str]:
        given = {name: each if isinstance(each, str) else json.dumps(each) for name, each in params.items()}
        answer = await self.records.list(OWNER, self.table, {"sort": "title", **given})
        return [record["fields"]["title"] for record in answer["records"]]

    async def within(self, center: dict[str, float], meters: float) -> list[str]:
        value = {**center, "meters": meters}
        return await self.titles(filter={"field": "place", "operator": "withinRadius", "value": value})


@pytest.fixture
def sites(db: Database) -> Sites:
    return Sites(db)


async def test_a_place_is_taken_in_all_its_forms(sites: Sites) -> None:
    """T-097: a map, a pair, a text."""
    for place in ({"lat": 48.85, "lng": 2.35}, [48.8501, 2.35], "48.8502, 2.35", '{"lat": 48.8503, "lng": 2.35}'):
        stored = (await sites.add("a", place=place))["place"]
        assert set(stored) == {"lat", "lng"}
        assert stored["lng"] == 2.35
    for bad in ([91, 0], [0, 181], "here", {"lat": 1}, [1, 2, 3], {"lat": "1", "lng": 2}, [True, 0]):
        with pytest.raises(Invalid) as caught:
            await sites.add("b", place=bad)
        assert caught.value.status == 400


async def test_places_within_a_radius(sites: Sites) -> None:
    """T-097: by the great circle, over the date line and around a pole, and at distance zero."""
    for name, place in (("paris", PARIS), ("lyon", LYON), ("suva", SUVA), ("pole", POLE), ("nowhere", None)):
        await sites.add(name, place=place)
    assert await sites.within(PARIS, 391_000) == ["paris"]  # Lyon is 391.5 km away
    assert await sites.within(PARIS, 392_500) == ["lyon", "paris"]
    assert await sites.within({"lat": -18.1416, "lng": -179.9}, 180_000) == ["suva"]
    assert await sites.within({"lat": 89.9, "lng": 10.0}, 30_000) == ["pole"]
    assert await sites.within(LYON, 0) == ["lyon"]
    assert await sites.within(LYON, 30_000_000) == ["lyon", "paris", "pole", "suva"]
    for bad in ({"lat": 1, "lng": 2}, {**PARIS, "meters": -1}, {**PARIS, "meters": "x"}, 5):
        with pytest.raises(BadRequest):
            await sites.titles(filter={"field": "place", "operator": "withinRadius", "value": bad})
    with pytest.raises(BadRequest):
        await sites.titles(filter={"field": "title", "operator": "withinRadius", "value": {**PARIS, "meters": 1}})


async def test_places_are_compared_by_both_numbers(sites: Sites) -> None:
    """T-097: unique and equals."""
    await sites.add("paris", place=PARIS)
    await sites.add("same latitude", place={**PARIS, "lng": 3})
    await sites.add("none")
    await sites.add("none again")
    with pytest.raises(Conflict):
        await sites.add("double", place=[PARIS["lat"], PARIS["lng"]])
    answer = await sites.records.batches.create(
        OWNER,
        sites.table,
        {"records": [{"fields": {"place": [1, 1]}}, {"fields": {"place": "1,1"}}], "continueOnError": True},
    )
    assert answer["created"] == 1
    for operator, titles in (("equals", ["paris"]), ("notEquals", ["none", "none again", "same latitude"])):
        tree = {"field": "place", "operator": operator, "value": "48.8566,2.3522"}
        assert [each for each in await sites.titles(filter=tree) if each] == titles
    assert await sites.titles(filter={"field": "place.lng", "operator": "gt", "value": 2.9}) == ["same latitude"]


async def test_items_have_their_type(sites: Sites) -> None:
    """T-096"""
    fields = await sites.add("a", words=["b", "a", "a"], prices=["1.50", 2], flags=[True, "false"], days=["2026-02-01"])
    assert fields["words"] == ["b", "a", "a"]
    assert fields["counts"] == [1, 2]
    assert fields["prices"] == ["1.5", "2"]
    assert fields["flags"] == [True, False]
    assert fields["days"] == ["2026-02-01"]
    wrong = {"words": [1], "counts": ["x"], "prices": [[]], "flags": ["maybe"], "days": ["2026-02-30"]}
    for name, value in {**wrong, "words ": None}.items():
        with pytest.raises(Invalid) as caught:
            await sites.add("b", **{name: value})
        assert caught.value.status == 400
    with pytest.raises(Invalid, match="At most 3 items"):
        await sites.add("b", words=list("abcd"))
    with pytest.raises(Invalid):
        await sites.add("b", words=["a", None])


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("words", "x", "y"),
        ("counts", 7, 8),
        ("prices", 1.25, 2),
        ("flags", True, False),
        ("days", "2026-01-01", "2026-01-02"),
    ],
)
async def test_members_are_asked_for(sites: Sites, name: str, one: Any, two: Any) -> None:
    """T-096, R-106: membership filters as of a multi-select, for every type of item."""
    for title, value in (("a", [one]), ("b", [one, two]), ("c", [two]), ("d", []), ("e", None)):
        await sites.add(title, **{name: value})

    async def found(operator: str, value: Any = None) -> str:
        return "".join(await sites.titles(filter={"field": name, "operator": operator, "value": value}))

    assert await found("contains", one) == "ab"
    assert await found("doesNotContain", one) == "cde"
    assert await found("in", [one, two]) == "abc"
    assert await found("notIn", [one]) == "cde"
    assert await found("hasAll", [one, two]) == "b"
    assert await found("equals", [two, one]) == "b"
    assert await found("isEmpty") == "de"
    assert await found("isNull") == "e"
    assert len(await sites.titles(sort=f"{name}:desc")) == 5
