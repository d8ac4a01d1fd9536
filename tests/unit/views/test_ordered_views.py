"""Ordered views on both databases: windows, positions, counts, and what commits do to them."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from core.contract.console import Event, SortKey, ViewSpec
from core.errors import BadRequest, Invalid, NotFound
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from core.views import ordered
from core.views.ordered import OrderedViews
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Companies
    fields:
      - { name: name, type: single-line-text }
      - { name: city, type: single-line-text }
  - name: Contacts
    fields:
      - { name: name, type: single-line-text }
      - { name: rank, type: integer }
      - { name: state, type: single-select, options: [new, old] }
      - { name: tags, type: multi-select, options: [x, y] }
      - { name: company, type: relationship, relatedTable: Companies, relationType: many-to-one }
      - { name: notes, type: long-text }
      - { name: data, type: json }
  - name: Codes
    primaryKey: { type: text }
    fields:
      - { name: label, type: single-line-text }
"""
COUNT = 300


class Desk:
    def __init__(self, database: Database) -> None:
        model = app_model(APP)
        create_tables(database, model)
        self.records = Records(database, model)
        self.companies, self.contacts, self.codes = model.tables
        self.events: list[Event] = []
        self.news = asyncio.Event()
        self.views = OrderedViews(self.records, self.hear)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.news.set()

    async def fill(self) -> None:
        rng = Random(11)
        for number in range(3):
            await self.records.create(OWNER, self.companies, {"name": f"Co {number}", "city": f"City {number}"})
        rows = [
            {
                "name": f"N{rng.randrange(60):02d}",
                "rank": rng.choice([None, *range(9)]),
                "state": rng.choice(["new", "old", None]),
                "tags": rng.choice([None, ["x"], ["x", "y"]]),
                "company": rng.choice([None, 1, 2, 3]),
            }
            for _ in range(COUNT)
        ]
        await self.records.batches.create(OWNER, self.contacts, {"records": rows})

    async def open(self, **spec: Any) -> str:
        view = await self.views.open({"table": "Contacts", **spec})  # type: ignore[typeddict-item]
        while True:
            self.news.clear()
            if (await self.views.get(view["id"]))["ready"]:
                return view["id"]
            await self.news.wait()

    async def keys(self, view: str, start: int = 0, limit: int = 1000) -> list[str]:
        return (await self.views.window(view, start, limit, ["name"]))["keys"]

    async def plain(self, spec: ViewSpec) -> list[str]:
        """The keys that an ordinary list gives, page by page."""
        import json

        params = {"limit": "100", "fields": "id", "sort": "id"}
        if spec.get("sort"):
            params["sort"] = ",".join(f"{key['field']}:{key['direction']}" for key in spec["sort"])
        if spec.get("filter"):
            params["filter"] = json.dumps(spec["filter"])
        if spec.get("q"):
            params["q"] = spec["q"]
        if spec.get("deleted"):
            params["deleted"] = "only"
        found: list[str] = []
        for offset in range(0, COUNT + 100, 100):
            answer = await self.records.list(OWNER, self.contacts, {**params, "offset": str(offset)})
            found += [record["id"] for record in answer["records"]]
        return found


@pytest.fixture
async def desk(open_db: Callable[..., Database]) -> Desk:
    desk = Desk(open_db())
    await desk.fill()
    return desk


FIELDS = ["name", "rank", "state", "company", "company.name", "id", "created_at"]
FILTERS: list[dict[str, Any] | None] = [
    None,
    None,
    {"state": "new"},
    {"field": "rank", "operator": "gt", "value": 4},
    {"or": [{"field": "rank", "operator": "isNull"}, {"field": "company.name", "operator": "equals", "value": "Co 1"}]},
    {"field": "name", "operator": "equals", "value": "nobody"},
]


async def test_windows_are_the_ordered_list(desk: Desk) -> None:
    """Random filters and sorts: windows laid side by side are the list; locate is the inverse of window."""
    rng = Random(23)
    await desk.records.batches.delete(OWNER, desk.contacts, [5, 77, 78, 200])
    for number in range(24):
        sort: list[SortKey] = [
            {"field": name, "direction": rng.choice(["asc", "desc"])} for name in rng.sample(FIELDS, number % 3)
        ]
        spec: ViewSpec = {"table": "Contacts", "filter": rng.choice(FILTERS), "sort": sort, "deleted": number % 8 == 7}
        spec["q"] = "n1" if number % 5 == 4 else ""
        view = await desk.open(**{key: value for key, value in spec.items() if key != "table"})
        expected = await desk.plain(spec)
        state = await desk.views.get(view)
        assert (state["count"], state["countKind"]) == (len(expected), "exact")
        size = rng.choice([7, 64, 1000])
        found = [key for start in range(0, len(expected) + 1, size) for key in await desk.keys(view, start, size)]
        assert found == expected, spec
        for position in rng.sample(range(len(expected)), min(3, len(expected))):
            located = await desk.views.locate(view, expected[position])
            assert located == {"position": position, "key": expected[position]}
        await desk.views.close(view)


async def test_rows_come_with_versions_labels_and_cuts(desk: Desk) -> None:
    record = await desk.records.create(
        OWNER, desk.contacts, {"name": "Zed", "company": 2, "notes": "é" * 300, "data": {"a": 1}, "rank": 3}
    )
    view = await desk.open(sort=[{"field": "id", "direction": "desc"}])
    window = await desk.views.window(view, 0, 1, ["name", "rank", "company", "notes", "data", "createdAt"])
    assert window["keys"] == [record["id"]]
    assert window["stamps"] == [record["updatedAt"]]
    (row,) = window["rows"]
    assert row[:4] == ["Zed", 3, 2, {"cut": "é" * 200, "length": 300}]
    assert row[4].replace(" ", "") == '{"a":1}'
    assert row[5] == record["createdAt"]
    assert window["labels"] == {"company": {"2": "Co 1"}}
    assert window["view"]["id"] == view


@pytest.mark.parametrize("sort", [[], [{"field": "name", "direction": "desc"}]], ids=["natural", "sorted"])
async def test_commits_are_taken_up(desk: Desk, sort: list[SortKey]) -> None:
    """What is deleted leaves, what is new joins, what is edited stays where it is."""
    view = await desk.open(filter={"state": "new"} if sort else None, sort=sort)
    keys = await desk.keys(view)
    version = (await desk.views.get(view))["version"]

    await desk.records.update(OWNER, desk.contacts, keys[4], {"fields": {"name": "AAA", "state": "old"}})
    if sort and desk.records.database.dialect == "postgresql":
        # There the database is asked anew each time: an edited row goes where it belongs.
        assert set(await desk.keys(view)) == {key for key in keys if key != keys[4]}
        return
    assert await desk.keys(view) == keys
    await desk.records.batches.delete(OWNER, desk.contacts, [keys[0], keys[6]])
    left = [key for key in keys if key not in (keys[0], keys[6])]
    assert await desk.keys(view) == left
    assert await desk.keys(view, 3, 5) == left[3:8]
    assert (await desk.views.locate(view, keys[7]))["position"] == 5
    assert (await desk.views.locate(view, keys[6]))["position"] is None

    new = await desk.records.create(OWNER, desk.contacts, {"name": "new", "state": "new"})
    await desk.records.create(OWNER, desk.contacts, {"name": "old", "state": "old"})
    joined = [*left, new["id"]] if sort else [*left, new["id"], str(int(new["id"]) + 1)]
    state = (await desk.views.window(view, 0, 1, ["name"]))["view"]
    assert await desk.keys(view) == joined
    assert (await desk.views.locate(view, new["id"]))["position"] == len(left)

    await desk.records.restore(OWNER, desk.contacts, keys[6])
    assert keys[6] in await desk.keys(view)
    if desk.records.database.dialect == "duckdb":
        assert (await desk.keys(view))[5] == keys[6]
    assert state["version"] == version
    assert any(event["kind"] == "view" for event in desk.events)


async def test_many_changes_build_the_order_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.views.order.PATCHES_AT_MOST", 5)
    sort: list[SortKey] = [{"field": "rank", "direction": "desc"}, {"field": "name", "direction": "asc"}]
    view = await desk.open(sort=sort)
    await desk.records.batches.delete(OWNER, desk.contacts, list(range(1, 21)))
    expected = await desk.plain({"table": "Contacts", "sort": sort})
    while True:
        desk.news.clear()
        if await desk.keys(view) == expected:
            break
        await desk.news.wait()
    if desk.records.database.dialect == "duckdb":
        assert (await desk.views.get(view))["version"] == 2


async def test_find(desk: Desk) -> None:
    """The nearest row in either direction, in the view's own order."""
    for sort in ([], [{"field": "name", "direction": "desc"}]):
        view = await desk.open(sort=sort)
        names = [row[0] for row in (await desk.views.window(view, 0, 1000, ["name"]))["rows"]]
        place = names.index("N33")
        assert (await desk.views.find(view, "n33", 0, fields=["name"]))["position"] == place
        found = await desk.views.find(view, "n33", place + 1, fields=["name"])
        later = names.index("N33", place + 1) if "N33" in names[place + 1 :] else None
        assert found["position"] == later
        last = len(names) - 1 - names[::-1].index("N33")
        assert (await desk.views.find(view, "n33", 9999, backward=True, fields=["name"])) == {
            "position": last, "key": (await desk.keys(view))[last], "field": "name",
        }  # fmt: skip
        assert (await desk.views.find(view, "no such text"))["position"] is None


async def test_text_keys(desk: Desk) -> None:
    for label in "cab":
        await desk.records.create(OWNER, desk.codes, {"label": label})
    view = await desk.views.open({"table": "Codes", "sort": [{"field": "label", "direction": "asc"}]})
    window = await desk.views.window(view["id"], 0, 9, ["label"])
    assert [row[0] for row in window["rows"]] == ["a", "b", "c"]
    assert (await desk.views.locate(view["id"], window["keys"][2]))["position"] == 2


async def test_values_and_links(desk: Desk) -> None:
    """Frequencies with a prefix; candidates of a link by a part of their label, or by key."""
    states = (await desk.views.values("Contacts", "state"))["values"]
    assert {state for state, _ in states} == {"new", "old"}
    assert states == sorted(states, key=lambda pair: -pair[1])
    assert {name[:2] for name, _ in (await desk.views.values("Contacts", "name", prefix="n1", limit=3))["values"]} == {
        "N1"
    }
    assert [value for value, _ in (await desk.views.values("Contacts", "tags"))["values"]] == ["x", "y"]
    hits = (await desk.views.links("Contacts", "company", "co"))["hits"]
    assert hits[0] == {"id": "1", "label": "Co 0", "detail": "City 0"}
    assert [hit["id"] for hit in (await desk.views.links("Contacts", "company", "3"))["hits"]] == ["3"]


async def test_the_first_rows_do_not_wait_for_the_order(desk: Desk) -> None:
    """While the order is being built, the first rows come by sorting, and the count says at least."""
    sort: list[SortKey] = [{"field": "name", "direction": "asc"}]
    open_views = [await desk.views.open({"table": "Contacts", "sort": sort}) for _ in range(2)]
    for view in open_views:
        window = await desk.views.window(view["id"], 0, 50, ["name"])
        assert [row[0] for row in window["rows"]] == sorted(row[0] for row in window["rows"])
        assert window["view"]["count"] >= 50


async def test_views_are_few(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was used least recently is closed; an unknown one is not found."""
    monkeypatch.setattr(ordered, "OPEN_AT_MOST", 3)
    views = [await desk.open(sort=[{"field": "name", "direction": "asc"}]) for _ in range(3)]
    await desk.keys(views[0])
    await desk.open()
    with pytest.raises(NotFound):
        await desk.keys(views[1])
    assert await desk.keys(views[0], 0, 1)
    await desk.views.close(views[0])
    with pytest.raises(NotFound):
        await desk.views.close(views[0])


async def test_wrong_requests(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.views.open({"table": "nothing"})
    view = await desk.open()
    with pytest.raises(Invalid):
        await desk.views.window(view, 0, 1, ["nothing"])
    with pytest.raises(BadRequest):
        await desk.views.window(view, -1, 1)
    assert (await desk.views.window(view, 5000, 10))["rows"] == []
    assert await desk.views.locate(view, "x") == {"position": None, "key": None}
