"""Links to several records: one-to-many, many-to-many, their other sides; read and written on both databases."""

import pytest

from core.errors import Conflict, Invalid
from tests.unit.relations.conftest import Open

POSTS = """
tables:
  - name: Posts
    fields:
      - { name: title, type: single-line-text }
      - { name: tags, type: relationship, relatedTable: Tags, relationType: many-to-many, reciprocalField: posts }
      - { name: author, type: relationship, relatedTable: Authors, reciprocalField: posts }
  - name: Tags
    fields:
      - { name: name, type: single-line-text }
  - name: Authors
    fields:
      - { name: name, type: single-line-text }
      - { name: desk, type: relationship, relatedTable: Desks, relationType: one-to-one, reciprocalField: authors }
  - name: Desks
    fields:
      - { name: place, type: single-line-text }
"""


async def test_a_write_replaces_the_set_and_an_edit_adds_and_removes(open_app: Open) -> None:
    """T-106, R-012"""
    app = open_app(POSTS)
    for name in ("red", "green", "blue"):
        await app.create("Tags", name=name)
    made = await app.create("Posts", title="One", tags=[2, 1, 2])
    assert made["fields"]["tags"] == [1, 2]
    assert sorted(app.rows("SELECT post_id, tag_id FROM posts_tags")) == [(1, 1), (1, 2)]
    assert (await app.update("Posts", 1, tags=[3]))["fields"]["tags"] == [3]
    assert (await app.update("Posts", 1, tags={"add": [1], "remove": [3]}))["fields"]["tags"] == [1]
    assert (await app.update("Posts", 1, tags="2"))["fields"]["tags"] == [2]
    assert (await app.update("Posts", 1, tags=None))["fields"]["tags"] == []
    with pytest.raises(Invalid, match="no record 9"):
        await app.update("Posts", 1, tags=[1, 9])
    assert await app.column("Posts", "tags") == [[]]


async def test_links_are_logged_as_lists_and_move_the_version(open_app: Open) -> None:
    """T-106, R-035"""
    app = open_app(POSTS)
    await app.create("Tags", name="red")
    before = await app.create("Posts", title="One", tags=[1])
    same = await app.update("Posts", 1, tags=[1])
    assert same["updatedAt"] == before["updatedAt"]
    after = await app.update("Posts", 1, tags=[])
    assert after["updatedAt"] > before["updatedAt"]
    changes = app.rows("SELECT operation, before, after FROM system_change WHERE \"table\" = 'posts' ORDER BY sequence")
    assert changes[0][2]["tags"] == [1]
    assert [(c[1]["tags"], c[2]["tags"]) for c in changes[1:]] == [([1], [])]


async def test_the_other_side_shows_and_writes_the_same_pairs(open_app: Open) -> None:
    """T-107"""
    app = open_app(POSTS)
    for title in ("One", "Two", "Three"):
        await app.create("Posts", title=title)
    await app.create("Tags", name="red", posts=[1, 3])
    assert await app.column("Posts", "tags") == [[1], [], [1]]
    await app.update("Posts", 2, tags=[1])
    assert await app.column("Tags", "posts") == [[1, 2, 3]]
    await app.update("Tags", 1, posts=[2])
    assert await app.column("Posts", "tags") == [[], [1], []]


async def test_the_other_side_of_a_link_moves_the_links_of_the_records(open_app: Open) -> None:
    """T-107"""
    app = open_app(POSTS)
    await app.create("Authors", name="Ann")
    for title in ("One", "Two"):
        await app.create("Posts", title=title, author=1)
    made = await app.create("Authors", name="Ben", posts=[2])
    assert made["fields"]["posts"] == [2]
    assert await app.column("Authors", "posts") == [[1], [2]]
    await app.update("Authors", 2, posts=[])
    assert await app.column("Posts", "author") == [1, None]


async def test_one_to_one_takes_one_link_on_each_side(open_app: Open) -> None:
    """T-105"""
    app = open_app(POSTS)
    await app.create("Desks", place="window")
    await app.create("Authors", name="Ann", desk=1)
    with pytest.raises(Conflict):
        await app.create("Authors", name="Ben", desk=1)
    await app.create("Authors", name="Ben")
    await app.update("Desks", 1, authors=[2])
    assert await app.column("Authors", "desk") == [None, 1]
    with pytest.raises(Invalid):
        await app.update("Desks", 1, authors=[1, 2])


async def test_links_are_filtered_by_their_members(open_app: Open) -> None:
    """T-111, R-106"""
    app = open_app(POSTS)
    for name in ("red", "green", "blue"):
        await app.create("Tags", name=name)
    for tags in ([1, 2], [2], [], [3]):
        await app.create("Posts", title=str(tags), tags=tags)

    async def ids(operator: str, value: object = None) -> str:
        import json

        condition = {"field": "tags", "operator": operator, "value": value}
        return "".join(await app.ids("Posts", filter=json.dumps(condition)))

    assert await ids("contains", 2) == "12"
    assert await ids("in", [1, 3]) == "14"
    assert await ids("hasAll", [1, 2]) == "1"
    assert await ids("equals", [2]) == "2"
    assert await ids("notIn", [2]) == "34"
    assert await ids("isEmpty") == "3"
    assert await ids("doesNotContain", 2) == "34"


async def test_expand_answers_all_linked_records(open_app: Open) -> None:
    """R-028, T-118"""
    app = open_app(POSTS)
    for name in ("red", "green"):
        await app.create("Tags", name=name)
    await app.create("Posts", title="One", tags=[1, 2])
    (record,) = (await app.list("Posts", expand="tags"))["records"]
    assert [(each["id"], each["display"]) for each in record["fields"]["tags"]] == [("1", "red"), ("2", "green")]
    assert (await app.get("Posts", 1, expand="tags"))["fields"]["tags"][1]["fields"]["name"] == "green"


async def test_both_sides_of_pairs_are_in_the_log(open_app: Open) -> None:
    """R-079, T-107: what a link does to the record at its other end is told there, too"""
    app = open_app(POSTS_AND_TAGS)
    for name in ("red", "green"):
        await app.create("Tags", name=name)
    await app.create("Posts", title="One", tags=[1, 2])
    await app.update("Posts", 1, tags=[2])
    await app.update("Tags", 1, posts=[1])
    told = app.rows(
        "SELECT \"table\", record, before, after FROM system_change WHERE operation = 'update' ORDER BY sequence"
    )
    assert told == [
        ("tags", "1", {"posts": []}, {"posts": [1]}),
        ("tags", "2", {"posts": []}, {"posts": [1]}),
        ("tags", "1", {"posts": [1]}, {"posts": []}),
        ("posts", "1", {"tags": [1, 2]}, {"tags": [2]}),
        ("posts", "1", {"tags": [2]}, {"tags": [1, 2]}),
        ("tags", "1", {"posts": []}, {"posts": [1]}),
    ]


POSTS_AND_TAGS = """
tables:
  - name: Posts
    fields:
      - { name: title, type: single-line-text }
      - { name: tags, type: relationship, relatedTable: Tags, relationType: many-to-many, reciprocalField: posts }
  - name: Tags
    fields:
      - { name: name, type: single-line-text }
"""
