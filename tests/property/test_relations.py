"""Random link operations against a plain Python model: what is linked and computed must agree, on both databases."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.principal import OWNER
from core.records.service import Records
from core.storage.database import Call, Database
from tests.support.apps import app_model
from tests.support.depth import examples, patient
from tests.support.tables import create_tables

APP = """
tables:
  - name: Posts
    fields:
      - { name: size, type: integer }
      - { name: tags, type: relationship, relatedTable: Tags, relationType: many-to-many, reciprocalField: posts }
      - { name: author, type: relationship, relatedTable: Authors, reciprocalField: posts, onDelete: set-null }
      - { name: tag_names, type: lookup, relationshipField: tags, relatedField: name }
      - { name: author_total, type: lookup, relationshipField: author, relatedField: total }
  - name: Tags
    fields:
      - { name: name, type: single-line-text }
      - { name: uses, type: count, relationshipField: posts, filters: { field: size, operator: gt, value: 2 } }
      - { name: sizes, type: rollup, relationshipField: posts, relatedField: size, aggregation: arrayunique }
  - name: Authors
    fields:
      - { name: total, type: rollup, relationshipField: posts, relatedField: size, aggregation: sum }
      - { name: largest, type: rollup, relationshipField: posts, relatedField: size, aggregation: max }
"""
KEYS = range(1, 5)
SIZES: list[int | None] = [1, 5, 2, None]
NAMES = ["d", "c", "b", "a"]


@dataclass
class Model:
    """What should be there."""

    pairs: set[tuple[int, int]] = field(default_factory=set)
    authors: dict[int, int | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    gone: set[tuple[str, int]] = field(default_factory=set)

    def live(self, table: str) -> list[int]:
        return [key for key in KEYS if (table, key) not in self.gone]

    def tags_of(self, post: int) -> list[int]:
        return sorted(tag for each, tag in self.pairs if each == post and ("Tags", tag) not in self.gone)

    def posts_of_tag(self, tag: int) -> list[int]:
        return sorted(post for post, each in self.pairs if each == tag and ("Posts", post) not in self.gone)

    def posts_of_author(self, author: int) -> list[int]:
        return [post for post in self.live("Posts") if self.authors[post] == author]

    def sizes(self, posts: list[int]) -> list[int]:
        return [size for post in posts if (size := SIZES[post - 1]) is not None]

    def total(self, author: int) -> int:
        return sum(self.sizes(self.posts_of_author(author)))

    def expected(self) -> dict[str, list[list[Any]]]:
        posts = []
        for post in self.live("Posts"):
            names = sorted(NAMES[tag - 1] for tag in self.tags_of(post))
            author = self.authors[post]
            total = None if author is None else self.total(author)
            posts.append([self.tags_of(post), author, ", ".join(names) or None, total])
        tags = [
            [
                self.posts_of_tag(tag),
                sum((SIZES[post - 1] or 0) > 2 for post in self.posts_of_tag(tag)),
                sorted(set(self.sizes(self.posts_of_tag(tag)))),
            ]
            for tag in self.live("Tags")
        ]
        authors = [
            [self.posts_of_author(each), self.total(each), max(self.sizes(self.posts_of_author(each)), default=None)]
            for each in self.live("Authors")
        ]
        return {"Posts": posts, "Tags": tags, "Authors": authors}


key = st.sampled_from(KEYS)
keys = st.lists(key, max_size=4, unique=True)
operations = st.one_of(
    st.tuples(st.just("tags"), key, keys),
    st.tuples(st.just("add"), key, keys),
    st.tuples(st.just("remove"), key, keys),
    st.tuples(st.just("posts of tag"), key, keys),
    st.tuples(st.just("author"), key, st.none() | key),
    st.tuples(st.just("posts of author"), key, keys),
    st.tuples(st.just("toggle"), st.sampled_from(["Posts", "Tags", "Authors"]), key),
)
FIELDS = {
    "Posts": ("tags", "author", "tag_names", "author_total"),
    "Tags": ("posts", "uses", "sizes"),
    "Authors": ("posts", "total", "largest"),
}


class Run:
    def __init__(self, database: Database) -> None:
        self.records = Records(database, app_model(APP))
        self.tables = {table.name: table for table in self.records.model}
        create_tables(database, self.records.model)

    async def start(self) -> None:
        for table in ("posts_tags", "posts", "tags", "authors"):
            self.records.database.submit_write(Call(lambda tx, t=table: tx.execute(f"DELETE FROM {t}"))).result()  # type: ignore[misc]
        insert = "INSERT INTO {} ({}, created_at, updated_at) VALUES ({}, now(), now())"

        def work(tx: Any) -> None:
            for each in KEYS:
                tx.execute(insert.format("posts", "id, size", "?, ?"), [each, SIZES[each - 1]])
                tx.execute(insert.format("tags", "id, name", "?, ?"), [each, NAMES[each - 1]])
                tx.execute(insert.format("authors", "id", "?"), [each])

        self.records.database.submit_write(Call(work)).result()

    async def change(self, table: str, each: int, **fields: Any) -> None:
        await self.records.update(OWNER, self.tables[table], str(each), {"fields": fields})

    async def apply(self, model: Model, operation: tuple[str, Any, Any]) -> None:
        what, first, second = operation
        if what == "toggle":
            await self._toggle(model, first, second)
            return
        table = {"posts of tag": "Tags", "posts of author": "Authors"}.get(what, "Posts")
        if (table, first) in model.gone:
            return
        if what == "author":
            if second is None or ("Authors", second) not in model.gone:
                await self.change("Posts", first, author=second)
                model.authors[first] = second
        elif what == "posts of author":
            wanted = [each for each in second if ("Posts", each) not in model.gone]
            await self.change("Authors", first, posts=wanted)
            for each in model.live("Posts"):
                if each in wanted:
                    model.authors[each] = first
                elif model.authors[each] == first:
                    model.authors[each] = None
        elif what == "posts of tag":
            wanted = [each for each in second if ("Posts", each) not in model.gone]
            await self.change("Tags", first, posts=wanted)
            model.pairs -= {(each, first) for each in model.live("Posts")}
            model.pairs |= {(each, first) for each in wanted}
        else:
            wanted = [each for each in second if ("Tags", each) not in model.gone]
            await self.change("Posts", first, tags=wanted if what == "tags" else {what: wanted})
            if what == "tags":
                model.pairs -= {(first, each) for each in model.live("Tags")}
            chosen = {(first, each) for each in wanted}
            model.pairs = model.pairs - chosen if what == "remove" else model.pairs | chosen

    async def _toggle(self, model: Model, table: str, each: int) -> None:
        if (table, each) in model.gone:
            await self.records.restore(OWNER, self.tables[table], str(each))
            model.gone.discard((table, each))
            return
        await self.records.delete(OWNER, self.tables[table], str(each))
        model.gone.add((table, each))
        if table == "Authors":
            for post in model.live("Posts"):
                if model.authors[post] == each:
                    model.authors[post] = None

    async def found(self) -> dict[str, list[list[Any]]]:
        out = {}
        for name, fields in FIELDS.items():
            answer = await self.records.list(OWNER, self.tables[name], {"sort": "id"})
            out[name] = [[record["fields"][each] for each in fields] for record in answer["records"]]
        return out


@pytest.fixture
def relations(open_db: Callable[..., Database]) -> Run:
    return Run(open_db())


@patient
@settings(max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(operations, max_size=14))
def test_links_and_what_is_computed_from_them_agree_with_a_plain_model(
    relations: Run, steps: list[tuple[str, Any, Any]]
) -> None:
    """T-106, T-107, T-113, T-119, T-120, T-124, T-128, T-130"""

    async def play() -> None:
        model = Model()
        await relations.start()
        for step in steps:
            await relations.apply(model, step)
        found = await relations.found()
        # The author of a post that was deleted with it stays, so that it comes back.
        assert found == model.expected()

    asyncio.run(play())
