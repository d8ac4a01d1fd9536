"""Lists: pages, orders, fields, aggregates, groups, display, expansion; on both databases."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import BadRequest, Invalid, SovriumError
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Bins
    fields:
      - { name: code, type: single-line-text }
  - name: Parts
    fields:
      - { name: title, type: single-line-text }
      - { name: stock, type: integer }
      - { name: price, type: currency, currency: EUR }
      - { name: size, type: single-select, options: [small, medium, large] }
      - { name: tags, type: multi-select, options: [a, b] }
      - { name: due, type: date }
      - { name: seen, type: datetime }
      - { name: heard, type: datetime, timeZone: Asia/Tokyo }
      - { name: sizes, type: array, itemType: decimal }
      - { name: days, type: array, itemType: date }
      - { name: bin, type: relationship, relatedTable: Bins, relationType: many-to-one }
"""
ROWS: list[dict[str, Any]] = [
    {
        "title": "bolt",
        "stock": 5,
        "price": 1.5,
        "size": "large",
        "tags": ["b", "a"],
        "bin": 1,
        "due": "2026-01-31",
        "sizes": ["1.5"],
        "days": ["2026-01-31"],
    },
    {"title": "nut", "stock": None, "price": 0.25, "size": "small", "tags": ["b"], "bin": 2},
    {"title": "Washer", "stock": 7, "size": None, "seen": "2026-02-01T08:00:00Z", "heard": "2026-02-01T08:00:00Z"},
    {"title": "cog", "stock": 5, "price": 1234.5, "size": "medium", "tags": [], "sizes": ["1.25", "7"], "days": []},
]


class Shelf:
    def __init__(self, records: Records) -> None:
        self.records = records
        self.bins, self.parts = records.model.tables

    async def fill(self) -> None:
        for code in ("B1", "B2"):
            await self.records.create(OWNER, self.bins, {"code": code})
        for row in ROWS:
            await self.records.create(OWNER, self.parts, row)

    async def ask(self, **params: str) -> dict[str, Any]:
        return {**await self.records.list(OWNER, self.parts, params)}

    async def ids(self, **params: str) -> str:
        return "".join(record["id"] for record in (await self.ask(**params))["records"])


@pytest.fixture(scope="module")
def shelf(open_shared_db: Callable[..., Database]) -> Shelf:
    database = open_shared_db()
    model = app_model(APP)
    create_tables(database, model)
    shelf = Shelf(Records(database, model))
    asyncio.run(shelf.fill())
    return shelf


async def test_orders(shelf: Shelf) -> None:
    """R-017, R-018, T-081, T-111: options in their order, NULL last in both directions, id as tie-breaker."""
    assert await shelf.ids() == "1234"
    assert await shelf.ids(sort="stock") == "1432"
    assert await shelf.ids(sort="stock:desc") == "3142"
    assert await shelf.ids(sort="size") == "2413"
    assert await shelf.ids(sort="size:desc") == "1423"
    assert await shelf.ids(sort="stock,price:desc") == "4132"
    assert await shelf.ids(sort="price", order="desc") == "4123"
    assert await shelf.ids(sort="bin.code:desc") == "2134"
    assert await shelf.ids(sort="id:desc") == "4321"


async def test_pages(shelf: Shelf) -> None:
    """R-015, R-016, D-10."""
    page = (await shelf.ask(limit="3", page="2"))["pagination"]
    assert {key: page[key] for key in ("page", "limit", "offset", "total", "totalPages")} == {
        "page": 2, "limit": 3, "offset": 3, "total": 4, "totalPages": 2,
    }  # fmt: skip
    assert (page["hasNextPage"], page["hasPreviousPage"]) == (False, True)
    assert (await shelf.ask(limit="5000"))["pagination"]["limit"] == 100
    assert await shelf.ids(limit="2", offset="1") == "23"


@pytest.mark.parametrize(
    "sort", ["", "stock", "stock:desc,title", "size:desc", "due,seen:desc", "price", "bin.code", "sizes", "days:desc"]
)
async def test_cursors_lead_through_everything(shelf: Shelf, sort: str) -> None:
    """Page by page gives what one page gives."""
    whole, found, cursor = await shelf.ids(sort=sort), "", ""
    while cursor is not None:
        answer = await shelf.ask(sort=sort, limit="1", cursor=cursor)
        found += answer["records"][0]["id"]
        cursor = answer["pagination"]["nextCursor"]
    assert found == whole


async def test_a_cursor_of_another_order(shelf: Shelf) -> None:
    cursor = (await shelf.ask(limit="1"))["pagination"]["nextCursor"]
    for params in ({"sort": "stock", "cursor": cursor}, {"cursor": "nonsense"}, {"cursor": "W10"}):
        with pytest.raises(BadRequest):
            await shelf.ask(**params)


async def test_fields(shelf: Shelf) -> None:
    """R-019."""
    record = (await shelf.ask(fields="id,title", limit="1"))["records"][0]
    assert (record["id"], record["fields"]) == ("1", {"title": "bolt"})


async def test_search(shelf: Shelf) -> None:
    """R-107."""
    assert await shelf.ids(q="WASH") == "3"
    assert await shelf.ids(q="%") == ""


async def test_aggregates(shelf: Shelf) -> None:
    """R-022, D-13: over all rows, in the three forms."""
    assert (await shelf.ask(aggregate="stock:sum,stock:avg,stock:count", limit="1"))["aggregations"] == {
        "sum": 17, "avg": pytest.approx(17 / 3), "count": 3,
    }  # fmt: skip
    assert (await shelf.ask(aggregate="sum:stock"))["aggregations"] == {"sum": 17}
    asked = '{"count": true, "sum": ["stock"], "max": ["price", "due"]}'
    assert (await shelf.ask(aggregate=asked))["aggregations"] == {
        "count": "4", "sum": {"stock": 17}, "max": {"price": 1234.5, "due": "2026-01-31"},
    }  # fmt: skip


async def test_groups(shelf: Shelf) -> None:
    """R-024, R-025: first appearance, "" for NULL, a multi-select's rows under each value."""
    assert (await shelf.ask(groupBy="size"))["groups"] == [
        {"name": "large", "count": 1}, {"name": "small", "count": 1},
        {"name": "", "count": 1}, {"name": "medium", "count": 1},
    ]  # fmt: skip
    by_size = (await shelf.ask(groupBy="size", sort="size", aggregate="stock:sum"))["groups"]
    assert [(group["name"], group["aggregations"]) for group in by_size] == [
        ("small", {"sum": None}), ("medium", {"sum": 5}), ("large", {"sum": 5}), ("", {"sum": 7}),
    ]  # fmt: skip
    by_tag = (await shelf.ask(groupBy="tags"))["groups"]
    assert [(group["name"], group["count"]) for group in by_tag] == [("b", 2), ("a", 1), ("", 2)]
    counted = (await shelf.ask(groupBy="stock", groupSort="count:desc", hideEmpty="true"))["groups"]
    assert counted == [{"name": "5", "count": 2}, {"name": "7", "count": 1}]
    by_count = (await shelf.ask(groupBy="tags", groupSort="count:desc"))["groups"]
    assert [group["name"] for group in by_count] == ["b", "", "a"]


async def test_display(shelf: Shelf) -> None:
    """R-089, R-090, R-091: wrapped in lists, the text itself in single reads."""
    fields = (await shelf.ask(format="display", timezone="Asia/Tokyo"))["records"]
    assert fields[3]["fields"]["price"] == {"value": 1234.5, "displayValue": "€1,234.50"}
    assert fields[2]["fields"]["seen"]["displayValue"] == "2/1/2026 17:00"
    assert fields[2]["fields"]["price"] is None
    assert fields[0]["fields"]["bin"] == {"value": 1, "displayValue": "B1"}  # §10.12
    assert "iso" not in fields[0]["fields"]["due"]
    single = await shelf.records.get(OWNER, shelf.parts, "4", {"format": "display"})
    assert single["fields"]["price"] == "€1,234.50"
    linked = await shelf.records.get(OWNER, shelf.parts, "1", {"format": "display"})
    assert linked["fields"]["bin"] == "B1"
    whole = (await shelf.ask(format="display", expand="bin"))["records"][0]["fields"]["bin"]
    assert whole == {"id": "1", "display": "B1", "fields": {"code": "B1"}}


@pytest.mark.parametrize(
    ("zone", "text", "shown"),
    [
        ("", "2/1/2026 17:00", "Asia/Tokyo"),
        ("UTC", "2/1/2026 8:00", "UTC"),
        ("Europe/Paris", "2/1/2026 9:00", "Europe/Paris"),
    ],
)
async def test_display_in_a_zone(shelf: Shelf, zone: str, text: str, shown: str) -> None:
    """R-091: the zone asked for, UTC like any other, wins over the field's own."""
    wish = {"format": "display", **({"timezone": zone} if zone else {})}
    listed = (await shelf.ask(**wish))["records"][2]["fields"]["heard"]
    assert (listed["displayValue"], listed["timezone"], listed["displayTimezone"]) == (text, "Asia/Tokyo", shown)
    single = await shelf.records.get(OWNER, shelf.parts, "3", wish)
    assert single["fields"]["heard"] == text


async def test_a_zone_that_is_none(shelf: Shelf) -> None:
    """R-095: also where nothing would be shown in it."""
    with pytest.raises(Invalid):
        await shelf.records.get(OWNER, shelf.parts, "3", {"timezone": "Mars/Olympus"})


async def test_expand(shelf: Shelf) -> None:
    """R-028."""
    records = (await shelf.ask(expand="bin"))["records"]
    assert records[0]["fields"]["bin"] == {"id": "1", "display": "B1", "fields": {"code": "B1"}}
    assert records[2]["fields"]["bin"] is None
    single = await shelf.records.get(OWNER, shelf.parts, "2", {"expand": "bin"})
    assert single["fields"]["bin"]["display"] == "B2"


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"}, {"limit": "x"}, {"offset": "-1"}, {"page": "0"}, {"sort": "nothing"}, {"sort": "stock:up"},
        {"order": "up"}, {"sort": "stock,stock"}, {"fields": "nothing"}, {"aggregate": "title:sum"},
        {"aggregate": "stock:median"}, {"aggregate": "{"}, {"aggregate": "{}"}, {"groupBy": "nothing"},
        {"groupBy": "size", "groupSort": "x"},
        {"format": "pretty"}, {"timezone": "Mars/Olympus"}, {"expand": "title"},
    ],
    ids=str,
)  # fmt: skip
async def test_wrong_parameters_are_named(shelf: Shelf, params: dict[str, str]) -> None:
    """R-023, R-095, R-028."""
    with pytest.raises(Invalid) as caught:
        await shelf.ask(**params)
    assert caught.value.errors[0].field in params


@pytest.mark.parametrize(
    "filter_",
    [
        "{", "[1]", '"x"', "title", '{"field": "title", "operator": "near", "value": 1}', '{"nothing": 1}',
        '{"field": "title", "operator": "greaterThan", "value": 1}',
        '{"field": "stock", "operator": "contains", "value": "x"}',
        '{"field": "stock", "operator": "equals", "value": "many"}', '{"field": "stock", "operator": "in", "value": 1}',
        '{"field": "stock", "operator": "between", "value": [1]}',
        '{"field": "due", "operator": "isWithin", "value": "soon"}',
        '{"field": "title", "operator": "matches", "value": "("}',
        '{"field": "title", "operator": "matches", "value": "(?=a)"}',
        '{"and": [], "or": []}', '{"field": "title", "operator": "equals"}', '{"field": "title.x", "operator": "isNull"}',
        '{"not": ' * 11 + '{"title": 1}' + "}" * 11, '{"or": [' + ",".join(['{"title": "x"}'] * 201) + "]}",
    ],
)  # fmt: skip
async def test_wrong_filters_are_refused(shelf: Shelf, filter_: str) -> None:
    """D-11, D-12, R-106, R-111, R-112."""
    with pytest.raises(SovriumError) as caught:
        await shelf.ask(filter=filter_)
    assert caught.value.status == 400


async def test_filter_spellings(shelf: Shelf) -> None:
    """D-11, D-12, R-113: four forms of one question."""
    for text in (
        "size:small",
        '{"size": "small"}',
        '{"field": "size", "operator": "is", "value": "small"}',
        '{"and": [{"field": "size", "operator": "=", "value": "small"}]}',
        '[{"field": "size", "operator": "eq", "value": "small"}]',
    ):
        assert await shelf.ids(filter=text) == "2"
    assert await shelf.ids(filter="stock:5,size:large") == "1"
    assert await shelf.ids(filter='{"field": "stock", "operator": "notEquals", "value": 5}') == "23"
    assert await shelf.ids(filter='{"field": "stock", "operator": "notEquals", "value": 5}', sqlNulls="true") == "3"
