"""Links to several records and computed values in files, and in the windows of views; on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.principal import OWNER
from core.records.importing import import_file
from core.records.transfer import export_file
from core.storage.database import Cancel
from core.views.ordered import OrderedViews
from tests.unit.relations.conftest import Open, OpenApp, OpenWithFiles

APP = """
tables:
  - name: Posts
    fields:
      - { name: title, type: single-line-text }
      - { name: tags, type: relationship, relatedTable: Tags, relationType: many-to-many, reciprocalField: posts }
      - { name: tag_names, type: lookup, relationshipField: tags, relatedField: name }
  - name: Tags
    fields:
      - { name: name, type: single-line-text }
      - { name: uses, type: count, relationshipField: posts }
"""


class Quiet:
    def __init__(self) -> None:
        self.cancel = Cancel()

    def report(self, done: int, total: int | None = None, note: str | None = None) -> None: ...

    def warn(self, warning: str) -> None: ...

    def reject(self, rejected: dict[str, Any]) -> None: ...


async def filled(app: OpenApp) -> OpenApp:
    for name in ("red", "green", "blue"):
        await app.create("Tags", name=name)
    await app.create("Posts", title="One", tags=[1, 3])
    await app.create("Posts", title="Two")
    return app


@pytest.mark.parametrize("format_", ["csv", "json"])
async def test_what_is_exported_links_again_when_imported(
    open_app_with_files: OpenWithFiles, folder: Path, format_: Any
) -> None:
    """R-097, T-106"""
    app = await filled(open_app_with_files(APP))
    path = folder / f"posts.{format_}"
    posts = app.table("Posts")
    await export_file(app.database, app.records.scope(OWNER, posts), path, format_, Quiet())
    if format_ == "csv":
        assert path.read_text() == 'title,tags,tag_names\nOne,1;3,"blue, red"\nTwo,,\n'
    target = app.records.writable(posts)
    await import_file(
        app.database, target, path, format_, Quiet(), clock=app.records.clock, actor="test",
        mapping={"title": "title", "tags": "tags"},
    )  # fmt: skip
    assert await app.column("Posts", "tags") == [[1, 3], [], [1, 3], []]
    assert await app.column("Tags", "uses") == [2, 0, 2]


async def test_windows_hold_links_with_labels_and_computed_values(open_app_with_files: OpenWithFiles) -> None:
    """T-118, T-120"""
    app = await filled(open_app_with_files(APP))
    views = OrderedViews(app.records)
    view = await views.open({"table": "posts", "sort": [{"field": "tag_names", "direction": "desc"}]})
    window = await views.window(view["id"], 0, 10, ["title", "tags", "tag_names"])
    assert window["rows"] == [["One", [1, 3], "blue, red"], ["Two", [], None]]
    assert window["labels"] == {"tags": {"1": "red", "3": "blue"}}
    found = await views.find(view["id"], "blue", 0, fields=["tag_names"])
    assert found["key"] == "1"
    await views.close(view["id"])
    hits = await views.links("posts", "tags", "re")
    assert [(hit["id"], hit["label"]) for hit in hits["hits"]] == [("1", "red"), ("2", "green")]
    views.stop()


FAR = """
tables:
  - name: Customers
    fields: [{ name: name, type: single-line-text }]
  - name: Orders
    fields:
      - { name: title, type: single-line-text }
      - { name: customer, type: relationship, relatedTable: Customers }
  - name: Lines
    fields:
      - { name: order_of, type: relationship, relatedTable: Orders }
      - { name: orders_of, type: relationship, relatedTable: Orders, relationType: many-to-many }
      - { name: who, type: lookup, relationshipField: order_of, relatedField: customer }
      - { name: whos, type: lookup, relationshipField: orders_of, relatedField: customer }
  - name: Notes
    fields:
      - { name: line, type: relationship, relatedTable: Lines }
      - { name: who, type: lookup, relationshipField: line, relatedField: who }
"""


async def test_lookups_of_links_are_shown_by_what_they_lead_to(open_app: Open) -> None:
    """T-118, T-119, T-120: the API tells keys; in windows, groups and `format=display` stand the records that they are of,
    through a lookup of a lookup as well."""
    app = open_app(FAR)
    for name in ("Zoe", "Bob", "Ada"):
        await app.create("Customers", name=name)
    for customer in (2, 3):
        await app.create("Orders", title="o", customer=customer)
    await app.create("Lines", order_of=2, orders_of=[1, 2])
    await app.create("Lines")
    await app.create("Notes", line=1)
    assert await app.column("Lines", "who", "whos") == [[3, "2, 3"], [None, None]]
    shown = (await app.list("Lines", format="display"))["records"]
    assert shown[0]["fields"]["who"] == {"value": 3, "displayValue": "Ada"}
    assert shown[0]["fields"]["whos"] == {"value": "2, 3", "displayValue": "Bob, Ada"}
    assert shown[1]["fields"]["who"] is None
    assert (await app.get("Notes", 1, format="display"))["fields"]["who"] == "Ada"
    views = OrderedViews(app.records)
    for table, fields, labels in (
        ("lines", ["who", "whos"], {"who": {"3": "Ada"}, "whos": {"2, 3": "Bob, Ada"}}),
        ("notes", ["who"], {"who": {"3": "Ada"}}),
    ):
        view = await views.open({"table": table, "groupBy": {"field": "who", "direction": "asc"}})
        window = await views.window(view["id"], 0, 10, fields)
        assert window["labels"] == labels
        assert (await views.groups(view["id"]))["groups"][0]["name"] == "Ada"
    views.stop()


def test_a_table_knows_whose_records_it_shows(open_app_with_files: OpenWithFiles) -> None:
    """T-119, T-130: a change of those makes its windows stale."""
    app = open_app_with_files(APP)
    assert app.model.read_by(app.table("Tags")) == {"posts"}
    assert app.model.read_by(app.table("Posts")) == {"tags"}


async def test_an_open_view_hears_of_changes_in_linked_records(open_app_with_files: OpenWithFiles) -> None:
    """T-130"""
    app = await filled(open_app_with_files(APP))
    heard = asyncio.Event()
    views = OrderedViews(app.records, lambda event: heard.set())
    view = await views.open({"table": "tags"})
    heard.clear()
    await app.create("Posts", title="Three", tags=[2])
    while (await views.get(view["id"]))["version"] == view["version"]:  # its order may just have been built, too
        await asyncio.wait_for(heard.wait(), 10)
        heard.clear()
    window = await views.window(view["id"], 0, 10, ["uses"])
    assert window["rows"] == [[1], [1], [1]]
    await views.close(view["id"])
    views.stop()
