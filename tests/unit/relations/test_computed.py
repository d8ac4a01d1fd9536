"""Lookups and rollups: their values, what they follow, how they are filtered, sorted and shown; on both databases."""

from typing import Any

import pytest

from core.errors import Invalid
from core.records.transfer import export_select
from core.storage.database import Call
from core.views.ordered import OrderedViews
from tests.unit.relations.conftest import Open, OpenApp

SHOP = """
tables:
  - name: Customers
    fields:
      - { name: name, type: single-line-text }
      - { name: vip, type: checkbox }
      - { name: orders, type: relationship, relatedTable: Orders, relationType: one-to-many, foreignKey: customer }
      - { name: total, type: rollup, relationshipField: orders, relatedField: amount, aggregation: SUM }
      - { name: mean, type: rollup, relationshipField: orders, relatedField: pieces, aggregation: avg }
      - { name: first, type: rollup, relationshipField: orders, relatedField: day, aggregation: min, format: DD.MM.YYYY }
      - { name: last, type: rollup, relationshipField: orders, relatedField: created_at, aggregation: max }
      - { name: given, type: rollup, relationshipField: orders, relatedField: pieces, aggregation: count }
      - { name: noted, type: rollup, relationshipField: orders, relatedField: note, aggregation: counta }
      - { name: rows, type: rollup, relationshipField: orders, relatedField: note, aggregation: countall }
      - { name: sizes, type: rollup, relationshipField: orders, relatedField: pieces, aggregation: arrayunique }
      - { name: notes, type: rollup, relationshipField: orders, relatedField: note, aggregation: concat_distinct }
      - name: big
        type: rollup
        relationshipField: orders
        relatedField: amount
        aggregation: sum
        format: "currency:EUR"
        filters: { or: [{ field: pieces, operator: gte, value: 5 }, { and: [{ field: note, operator: eq, value: big }] }] }
      - { name: order_pieces, type: lookup, relationshipField: orders, relatedField: pieces }
      - { name: tags, type: lookup, relationshipField: customer, relatedField: tags }
      - { name: days, type: lookup, relationshipField: orders, relatedField: at }
      - { name: prices, type: lookup, relationshipField: orders, relatedField: price }
      - { name: paid, type: rollup, relationshipField: orders, relatedField: price, aggregation: sum }
      - { name: doubled, type: rollup, relationshipField: orders, relatedField: twice, aggregation: sum }
      - name: share
        type: formula
        formula: "ROUND(100 * ROUND(total * (1 + doubled / 7) / 3, 2) / (total * (1 + mean / 3)), 1)"
        resultType: decimal
  - name: Orders
    fields:
      - { name: customer, type: relationship, relatedTable: Customers }
      - { name: amount, type: currency, currency: EUR }
      - { name: price, type: decimal }
      - { name: pieces, type: integer }
      - { name: twice, type: formula, formula: "pieces * price * 2", resultType: decimal }
      - { name: note, type: single-line-text }
      - { name: day, type: date }
      - { name: at, type: datetime }
      - { name: tags, type: multi-select, options: [a, b, c] }
      - { name: customer_name, type: lookup, relationshipField: customer, relatedField: name }
      - { name: customer_vip, type: lookup, relationshipField: customer, relatedField: vip }
      - { name: customer_total, type: lookup, relationshipField: customer, relatedField: total }
      - name: vip_name
        type: lookup
        relationshipField: customer
        relatedField: name
        filters: { field: vip, operator: isTrue }
  - name: Parcels
    fields:
      - { name: order_, type: relationship, relatedTable: Orders }
      - { name: name_on_it, type: lookup, relationshipField: order_, relatedField: customer_name }
      - { name: all_pieces, type: rollup, relationshipField: order_, relatedField: customer_total, aggregation: sum }
"""
ORDERS: list[dict[str, Any]] = [
    {"customer": 1, "amount": 10.5, "pieces": 2, "note": "a", "day": "2026-01-05", "tags": ["b", "a"], "price": "1.50"},
    {"customer": 1, "amount": 20, "pieces": 10, "note": "", "day": "2026-01-02", "at": "2026-02-01T08:00:00Z"},
    {"customer": 1, "amount": None, "pieces": 2, "note": "big", "tags": ["c"], "price": "100"},
    {"customer": None, "amount": 7, "pieces": 1},
]


@pytest.fixture
async def shop(open_app: Open) -> OpenApp:
    app = open_app(SHOP)
    for name, vip in (("Ann", True), ("Ben", False)):
        await app.create("Customers", name=name, vip=vip)
    for order in ORDERS:
        await app.create("Orders", **order)
    await app.create("Parcels", order_=1)
    return app


async def test_rollups_of_linked_records_and_of_none(shop: OpenApp) -> None:
    """T-124, T-125, T-127, T-128"""
    names = ("total", "mean", "first", "given", "noted", "rows", "sizes", "notes", "big")
    some, none = await shop.column("Customers", *names)
    assert some == [30.5, pytest.approx(14 / 3), "2026-01-02", 3, 2, 3, [2, 10], ", a, big", 20.0]
    assert none == [0, None, None, 0, 0, 0, [], None, 0]
    await shop.delete("Orders", 1)
    assert await shop.column("Customers", "total", "rows") == [[20.0, 2], [0, 0]]
    await shop.update("Orders", 4, customer=2)
    assert await shop.column("Customers", "total", "rows") == [[20.0, 2], [7.0, 1]]


async def test_a_format_is_for_people(shop: OpenApp) -> None:
    """T-129"""
    record = await shop.get("Customers", 1, format="display")
    assert record["fields"]["big"] == "€20.00"
    assert record["fields"]["first"] == "02.01.2026"
    assert (await shop.get("Customers", 1))["fields"]["first"] == "2026-01-02"


async def test_a_lookup_shows_and_follows_the_linked_record(shop: OpenApp) -> None:
    """T-119, T-121"""
    rows = await shop.column("Orders", "customer_name", "customer_vip", "vip_name")
    assert rows == [["Ann", True, "Ann"]] * 3 + [[None, None, None]]
    await shop.update("Customers", 1, name="Anna", vip=False)
    assert (await shop.column("Orders", "customer_name", "customer_vip", "vip_name"))[0] == ["Anna", False, None]
    await shop.delete("Customers", 1)
    assert (await shop.column("Orders", "customer_name"))[0] is None


async def test_lookups_of_several_records_join_distinct_values_in_their_order(shop: OpenApp) -> None:
    """T-120: also the other way round, along a link of another table."""
    names = ("order_pieces", "tags", "days", "prices")
    texts = await shop.column("Customers", *names)
    assert texts == [["2, 10", "a, b, c", "2026-02-01T08:00:00.000Z", "1.5, 100"], [None] * 4]
    lists = await shop.column("Customers", *names, lookups="array")
    assert lists == [[[2, 10], ["a", "b", "c"], ["2026-02-01T08:00:00.000Z"], ["1.5", "100"]], [[], [], [], []]]
    assert (await shop.get("Customers", 1, lookups="array"))["fields"]["order_pieces"] == [2, 10]
    others = await shop.column("Customers", "total", "mean", "rows", "notes", "order_pieces", lookups="array")
    assert others[1] == [0, None, 0, None, []]  # of no linked record: only lookups are lists


async def test_lookups_of_lookups_and_rollups(shop: OpenApp) -> None:
    """T-120, F-015"""
    assert await shop.column("Parcels", "name_on_it", "all_pieces") == [["Ann", 30.5]]
    assert (await shop.column("Orders", "customer_total"))[:2] == [30.5, 30.5]


async def test_formulas_over_rollups_and_rollups_over_formulas(shop: OpenApp) -> None:
    """F-015, T-125: also of customers without orders; each rollup is read once, however often the formula's SQL names it."""
    assert await shop.column("Customers", "doubled", "share") == [[406, 769.6], [0, None]]
    assert [row["fields"]["share"] for row in (await shop.list("Customers", sort="share:desc"))["records"]] == [
        769.6,
        None,
    ]
    assert await shop.column("Customers", "paid") == ["101.5", "0"]


async def test_computed_values_are_filtered_sorted_searched_grouped(shop: OpenApp) -> None:
    """R-106, R-017, R-022, R-024"""
    assert await shop.ids("Customers", filter='{"field": "total", "operator": "gt", "value": 10}') == ["1"]
    assert await shop.ids("Customers", filter='{"field": "sizes", "operator": "contains", "value": 10}') == ["1"]
    assert await shop.ids("Customers", sort="total:asc") == ["2", "1"]
    assert await shop.ids("Customers", sort="mean:asc") == ["1", "2"]
    assert await shop.ids("Orders", filter="customer.total:30.5") == ["1", "2", "3"]
    assert await shop.ids("Orders", q="ann") == ["1", "2", "3"]
    assert (await shop.list("Customers", aggregate="total:sum,total:max"))["aggregations"] == {"sum": 30.5, "max": 30.5}
    groups = (await shop.list("Orders", groupBy="customer_name"))["groups"]
    assert [(group["name"], group["count"]) for group in groups] == [("Ann", 3), ("", 1)]
    page = await shop.list("Customers", sort="total:desc", limit="1")
    following = await shop.ids("Customers", sort="total:desc", limit="1", cursor=page["pagination"]["nextCursor"])
    assert (page["records"][0]["id"], following) == ("1", ["2"])


async def test_computed_values_come_with_what_was_written_and_are_not_written(shop: OpenApp) -> None:
    """T-043, R-031"""
    made = await shop.create("Orders", customer=1, amount=1)
    assert (made["fields"]["customer_name"], made["fields"]["customer_total"]) == ("Ann", 31.5)
    assert (await shop.update("Orders", 5, customer=2))["fields"]["customer_name"] == "Ben"
    for name in ("total", "order_pieces", "rows"):
        with pytest.raises(Invalid):
            await shop.update("Customers", 1, **{name: 1})


async def test_sorts_and_filters_read_the_linked_records_once(shop: OpenApp) -> None:
    """R-026: what is asked of all rows is joined, not looked up row by row; what is shown is read for the page alone."""
    record = (await shop.list("Customers", sort="total:desc,rows:desc", limit="1", fields="name,total"))["records"][0]
    assert record["fields"] == {"name": "Ann", "total": 30.5}
    several = (
        '{"and": [{"field": "total", "operator": "gte", "value": 0}, {"field": "rows", "operator": "lt", "value": 1}]}'
    )
    answer = await shop.list("Customers", filter=several, groupBy="rows", aggregate="total:sum", sort="big:asc")
    assert [each["fields"]["name"] for each in answer["records"]] == ["Ben"]
    assert answer["groups"] == [{"name": "0", "count": 1, "aggregations": {"sum": 0}}]
    assert answer["pagination"]["total"] == 1


async def test_views_and_exports_read_the_linked_records_once(shop: OpenApp) -> None:
    """R-026: the order of a view, its groups and a file join what is computed from linked records."""
    views = OrderedViews(shop.records)
    view = (
        await views.open(
            {
                "table": "customers",
                "filter": {"field": "rows", "operator": "gte", "value": 0},
                "sort": [{"field": "total", "direction": "asc"}],
                "groupBy": {"field": "rows", "direction": "desc"},
            }
        )
    )["id"]
    assert (await views.window(view, 0, 10, ["name", "total"]))["rows"] == [["Ann", 30.5], ["Ben", 0]]
    blocks = await views.groups(view, '{"sum": ["total"]}')
    assert [(each["name"], each["count"], each["aggregations"]["sum"]) for each in blocks["groups"]] == [
        ("3", 1, {"total": 30.5}),
        ("0", 1, {"total": 0}),
    ]
    reading = views.reading(view)
    _, export = export_select(reading.scope.joined(), ["name", "total", "rows"])
    for statement in (reading.keys(), reading.count(), export):
        assert "LEFT OUTER JOIN" in str(statement)
    rows = shop.database.submit_read(Call(lambda reader: reader.rows(export))).result()
    assert [(name, float(total), count) for name, total, count in rows] == [("Ann", 30.5, 3), ("Ben", 0.0, 0)]
    await views.close(view)
    views.stop()
