"""Statements are compiled once, whatever their values, and never answer with another one's values."""

from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam, insert, select, update

from core.storage.duckdb.dialect import make_dialect as duckdb_dialect
from core.storage.postgresql.dialect import make_dialect as postgresql_dialect
from core.storage.statement import StatementCache

T = Table("t", MetaData(), Column("id", BigInteger), Column("name", Text))


@pytest.fixture(params=[duckdb_dialect, postgresql_dialect])
def cache(request: pytest.FixtureRequest) -> StatementCache:
    return StatementCache(request.param())


def test_values_follow_the_statement(cache: StatementCache) -> None:
    texts = set()
    for key in (1, 2, 3):
        sql, values = cache.render(select(T).where(T.c.id == key, T.c.name == f"n{key}"))
        texts.add(sql)
        assert values == [key, f"n{key}"]
    assert len(texts) == 1


def test_a_kept_statement_takes_named_values(cache: StatementCache) -> None:
    kept = select(T).where(T.c.id == bindparam("key"), T.c.name == "fixed")
    assert [cache.render(kept, {"key": key})[1] for key in (1, 2, 1)] == [[1, "fixed"], [2, "fixed"], [1, "fixed"]]


def test_lists_grow_and_shrink(cache: StatementCache) -> None:
    kept = select(T).where(T.c.id.in_(bindparam("keys", expanding=True)))
    for keys in ([1], [1, 2, 3], [4, 5]):
        sql, values = cache.render(kept, {"keys": keys})
        assert values == keys
        assert sql.count("?") + sql.count("$") == len(keys)


def test_changes_take_their_columns_from_the_values(cache: StatementCache) -> None:
    sql, values = cache.render(insert(T), {"name": "x"})
    assert (values, "id" in sql) == (["x"], False)
    sql, values = cache.render(update(T).where(T.c.id == 5), {"name": "y"})
    assert sorted(values, key=str) == [5, "y"]


def test_two_shapes_of_one_statement_object_stay_apart(cache: StatementCache) -> None:
    one: Any = select(T.c.id)
    assert cache.render(one)[0] != cache.render(one.where(T.c.id == 1))[0]


def test_names_are_quoted_whatever_words_are_reserved() -> None:
    assert '"t"."name"' in StatementCache(duckdb_dialect()).render(select(T))[0]
