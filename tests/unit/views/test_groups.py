"""Groups of ordered views on both databases: blocks of positions, their counts, aggregates, and what commits do to them."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from core.contract.console import GroupSpec, ViewSpec
from core.errors import Invalid
from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Database
from core.views import grouping
from core.views import view as view_module
from core.views.order import order_for
from core.views.ordered import OrderedViews
from tests.support.apps import app_model
from tests.support.tables import create_tables

APP = """
tables:
  - name: Teams
    fields:
      - { name: name, type: single-line-text }
  - name: Tasks
    fields:
      - { name: title, type: single-line-text }
      - { name: state, type: single-select, options: [todo, doing, done, dropped] }
      - { name: points, type: integer }
      - { name: due, type: date }
      - { name: flag, type: checkbox }
      - { name: tags, type: multi-select, options: [x, y] }
      - { name: team, type: relationship, relatedTable: Teams, relationType: many-to-one }
      - { name: size, type: formula, formula: "CASE WHEN points > 1 THEN 'large' WHEN points = 1 THEN 'small' ELSE '' END" }
"""
STATES = ("todo", "doing", "done")


class Desk:
    def __init__(self, database: Database) -> None:
        model = app_model(APP)
        create_tables(database, model)
        self.records = Records(database, model)
        self.teams, self.tasks = model.tables
        self.views = OrderedViews(self.records)

    async def fill(self, count: int = 60) -> list[dict[str, Any]]:
        rng = Random(5)
        for number in range(3):
            await self.records.create(OWNER, self.teams, {"name": f"Team {number}"})
        rows = [
            {
                "title": f"t{number:03}",
                "state": rng.choice((*STATES, None)),
                "points": rng.choice((1, 2, 3, None)),
                "due": rng.choice(("2026-01-01", "2026-02-01", None)),
                "flag": rng.random() < 0.5,
                "tags": rng.choice((["x"], ["x", "y"], [])),
                "team": rng.choice((1, 2, 3, None)),
            }
            for number in range(count)
        ]
        await self.records.batches.create(OWNER, self.tasks, {"records": [{"fields": row} for row in rows]})
        return rows

    async def open(self, **spec: Any) -> str:
        return (await self.views.open(ViewSpec(table="Tasks", **spec)))["id"]

    async def rows(self, view: str, *fields: str) -> list[list[Any]]:
        return (await self.views.window(view, 0, 1_000, fields))["rows"]


Story = Callable[[Desk], Awaitable[None]]


@pytest.fixture
def tell(db: Database) -> Callable[[Story], None]:
    desk = Desk(db)

    def run(story: Story) -> None:
        async def main() -> None:
            await story(desk)
            await desk.views.close_all()

        asyncio.run(main())

    return run


@pytest.mark.parametrize("field", ["state", "points", "due", "flag", "tags", "team"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_blocks_are_where_their_rows_are(tell: Callable[[Story], None], field: str, direction: Any) -> None:
    """V-005, V-020: every row of a block has its value, blocks follow one another without a gap"""

    async def story(desk: Desk) -> None:
        await desk.fill()
        sort: Any = [{"field": "title", "direction": "desc"}]
        view = await desk.open(groupBy=GroupSpec(field=field, direction=direction), sort=sort)
        blocks = (await desk.views.groups(view))["groups"]
        rows = await desk.rows(view, field, "title")
        at = 0
        for block in blocks:
            assert block["start"] == at
            part = rows[at : at + block["count"]]
            assert len({str(row[0]) for row in part}) <= 1
            assert [row[1] for row in part] == sorted((row[1] for row in part), reverse=True)
            at += block["count"]
        assert at == len(rows) == 60
        names = [block["name"] for block in blocks if block["count"]]
        assert len(set(names)) == len(names)

    tell(story)


def test_options_without_rows_and_an_order_of_ones_own(tell: Callable[[Story], None]) -> None:
    """V-005, D-27"""

    async def story(desk: Desk) -> None:
        await desk.fill()

        async def names(**group: Any) -> list[tuple[str, bool]]:
            view = await desk.open(groupBy={"field": "state", **group})
            return [(each["name"], each["count"] > 0) for each in (await desk.views.groups(view))["groups"]]

        assert await names() == [("todo", True), ("doing", True), ("done", True), ("dropped", False), ("", True)]
        assert await names(hideEmpty=True, order=["done"]) == [
            ("done", True),
            ("todo", True),
            ("doing", True),
            ("", True),
        ]
        assert [name for name, _ in await names(direction="desc")] == ["dropped", "done", "doing", "todo", ""]

    tell(story)


def test_aggregates_of_groups_and_of_all(tell: Callable[[Story], None]) -> None:
    """V-020: sums by group are those of the rows"""

    async def story(desk: Desk) -> None:
        rows = await desk.fill()
        view = await desk.open(groupBy={"field": "state"})
        answer = await desk.views.groups(view, "points:sum,title:count")
        for block in answer["groups"]:
            mine = [row["points"] for row in rows if (row["state"] or "") == block["name"]]
            if mine:
                assert block["aggregations"]["sum"]["points"] == sum(each or 0 for each in mine)
        assert answer["aggregations"]["count"]["title"] == 60
        sizes = await desk.views.groups(await desk.open(groupBy={"field": "size"}), "points:max")
        told = {block["name"]: block["aggregations"]["max"] for block in sizes["groups"]}
        assert told == {"": None, "large": 3, "small": 1}, "of a formula with texts of its own"
        values = (await desk.views.values("Tasks", "size", prefix="LA"))["values"]
        assert [value for value, _ in values] == ["large"]
        plain = await desk.open()
        assert (await desk.views.groups(plain, "points:max"))["aggregations"] == {"max": 3}
        with pytest.raises(Invalid):
            await desk.views.groups(plain, "title:sum")

    tell(story)


def test_a_change_moves_a_row_to_its_block(tell: Callable[[Story], None]) -> None:
    """V-020: after a commit blocks and rows agree again"""

    async def story(desk: Desk) -> None:
        await desk.fill()
        view = await desk.open(groupBy={"field": "state"})
        before = {each["name"]: each["count"] for each in (await desk.views.groups(view))["groups"]}
        key = (await desk.views.window(view, 0, 1, ["state"]))["keys"][0]
        await desk.records.update(OWNER, desk.tasks, key, {"state": "dropped"})
        while (await desk.views.get(view))["version"] == 1:
            await desk.views.groups(view)
        answer = await desk.views.groups(view)
        after = {each["name"]: each["count"] for each in answer["groups"]}
        assert (after["dropped"], after["todo"]) == (1, before["todo"] - 1)
        start = next(each["start"] for each in answer["groups"] if each["name"] == "dropped")
        assert (await desk.views.window(view, start, 1, ["state"]))["rows"] == [["dropped"]]

    tell(story)


def test_groups_are_made_anew_once_for_many_commits(
    tell: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """V-020: an order that took long to build is built anew when it is asked for, whatever was committed until then; not at
    all where no row leaves its group"""
    made: list[object] = []
    monkeypatch.setattr(view_module, "order_for", lambda *order: made.append(order) or order_for(*order))
    monkeypatch.setattr(view_module, "_PATCHED", -1.0)  # every order takes long
    monkeypatch.setattr(view_module, "_REST", 1e9)
    monkeypatch.setattr(view_module, "_REST_MOST", 1e9)

    async def story(desk: Desk) -> None:
        await desk.fill()
        view = await desk.open(groupBy={"field": "state"})
        before = await desk.views.groups(view)
        keys = (await desk.views.window(view, 0, 3, ["state"]))["keys"]
        built = len(made)
        for key in keys:
            await desk.records.update(OWNER, desk.tasks, key, {"points": 99})
        total = await desk.views.groups(view, '{"sum": ["points"]}')
        while total["version"] < before["version"] + 3:
            total = await desk.views.groups(view, '{"sum": ["points"]}')
        assert total["groups"][0]["aggregations"]["sum"]["points"] >= 3 * 99
        assert len(made) == built
        for key in keys:
            await desk.records.update(OWNER, desk.tasks, key, {"state": "dropped"})
        counts: dict[str, int] = {}
        while counts.get("dropped") != 3:
            after = await desk.views.groups(view)
            counts = {each["name"]: each["count"] for each in after["groups"]}
        assert len(made) <= built + 2  # the last commit may come after the question

    tell(story)


def test_more_values_than_groups(tell: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """V-020: rows of a field with too many values are told as not grouped, and can be read all the same"""
    monkeypatch.setattr(grouping, "GROUPS_MOST", 10)

    async def story(desk: Desk) -> None:
        await desk.fill()
        view = await desk.open(groupBy={"field": "title"})
        answer = await desk.views.groups(view)
        assert answer["groups"] == []
        assert answer["tooMany"] is True
        assert len(await desk.rows(view, "title")) == 60

    tell(story)


def test_groups_of_links_stand_by_their_labels(tell: Callable[[Story], None]) -> None:
    """Not by the keys that nobody sees; without a link at the end in both directions."""

    async def story(desk: Desk) -> None:
        for name in ("Zoo", "Ape", "Mole"):
            await desk.records.create(OWNER, desk.teams, {"name": name})
        for title, team in (("a", 1), ("b", 2), ("c", 3), ("d", None), ("e", 2)):
            await desk.records.create(OWNER, desk.tasks, {"title": title, "team": team})
        for direction, expected in (("asc", "becad"), ("desc", "acbed")):
            view = await desk.open(groupBy=GroupSpec(field="team", direction=direction))
            assert "".join(row[0] for row in await desk.rows(view, "title")) == expected
            blocks = (await desk.views.groups(view))["groups"]
            assert [block["count"] for block in blocks] == ([2, 1, 1, 1] if direction == "asc" else [1, 1, 2, 1])

    tell(story)
