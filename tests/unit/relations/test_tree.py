"""Links of a table to itself, and links that may lead only to some records; on both databases."""

import pytest

from core.errors import Invalid
from tests.unit.relations.conftest import Open, OpenApp

STAFF = """
tables:
  - name: Staff
    fields:
      - { name: name, type: single-line-text }
      - name: boss
        type: relationship
        relatedTable: Staff
        preventCycles: true
        reciprocalField: team
        displayField: "{name} of {place}"
      - { name: place, type: single-line-text }
      - { name: friends, type: relationship, relatedTable: Staff, relationType: many-to-many }
"""


async def staff(open_app: Open) -> OpenApp:
    app = open_app(STAFF)
    for name, boss in (("Ann", None), ("Ben", 1), ("Cid", 2), ("Dee", 1)):
        await app.create("Staff", name=name, boss=boss, place="Bonn")
    return app


async def test_the_records_above_and_below_one(open_app: Open) -> None:
    """T-108: roots hold NULL."""
    app = await staff(open_app)
    above = (await app.get("Staff", 3, tree="ancestors"))["ancestors"]
    assert [(each["id"], each["depth"], each["parent"]) for each in above] == [("2", 1, "1"), ("1", 2, None)]
    assert above[0]["display"] == "Ben of Bonn"
    below = (await app.get("Staff", 1, tree="descendants:boss"))["descendants"]
    assert [(each["id"], each["depth"]) for each in below] == [("2", 1), ("4", 1), ("3", 2)]
    assert (await app.get("Staff", 1, tree="ancestors"))["ancestors"] == []
    with pytest.raises(Invalid):
        await app.get("Staff", 1, tree="sideways")


async def test_nobody_stands_above_himself(open_app: Open) -> None:
    """T-108: preventCycles, also through the other side of the link."""
    app = await staff(open_app)
    for key, boss in ((1, 3), (1, 1), (2, 3)):
        with pytest.raises(Invalid, match="above itself"):
            await app.update("Staff", key, boss=boss)
    with pytest.raises(Invalid, match="above itself"):
        await app.update("Staff", 3, team=[1])
    await app.update("Staff", 3, boss=4)
    assert await app.column("Staff", "boss") == [None, 1, 4, 1]


async def test_pairs_within_one_table_have_two_columns(open_app: Open) -> None:
    """T-106, T-108"""
    app = await staff(open_app)
    await app.update("Staff", 1, friends=[2, 3])
    assert await app.column("Staff", "friends") == [[2, 3], [], [], []]
    assert sorted(app.rows("SELECT staff_id, related_staff_id FROM staff_staff")) == [(1, 2), (1, 3)]


LIMITED = """
tables:
  - name: Orders
    fields:
      - { name: part, type: relationship, relatedTable: Parts, limitToView: sold }
      - { name: extras, type: relationship, relatedTable: Parts, relationType: many-to-many, limitToView: sold }
  - name: Parts
    fields:
      - { name: name, type: single-line-text }
      - { name: sold, type: checkbox }
    views:
      - { id: sold, name: Sold, filters: { and: [{ field: sold, operator: isTrue }] } }
"""


async def test_links_lead_only_to_records_of_their_view(open_app: Open) -> None:
    """T-118"""
    app = open_app(LIMITED)
    await app.create("Parts", name="nut", sold=True)
    await app.create("Parts", name="old", sold=False)
    await app.create("Orders", part=1, extras=[1])
    for values in ({"part": 2}, {"extras": [1, 2]}):
        with pytest.raises(Invalid) as refused:
            await app.create("Orders", **values)
        assert refused.value.errors[0].code == "link.not-in-view"


CIRCLE = """
tables:
  - name: Teams
    fields:
      - { name: name, type: single-line-text }
      - { name: lead, type: relationship, relatedTable: People }
  - name: People
    fields:
      - { name: name, type: single-line-text }
      - { name: team, type: relationship, relatedTable: Teams, required: true }
"""


async def test_two_tables_link_to_each_other(open_app: Open) -> None:
    """T-109"""
    app = open_app(CIRCLE)
    await app.create("Teams", name="Blue")
    await app.create("People", name="Ann", team=1)
    await app.update("Teams", 1, lead=1)
    assert await app.column("Teams", "lead") == [1]
    assert await app.ids("People", filter="team.name:Blue") == ["1"]
    assert await app.ids("People", sort="team.name:asc") == ["1"]
