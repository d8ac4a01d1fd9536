"""The corpus of filters: each line is read, and compiled for both databases, or refused with a reason."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from core.clock import system_clock
from core.errors import BadRequest
from core.query.compile import compile_filter
from core.query.filter import parse_filter
from core.query.scope import Scope
from core.storage.table import build_table
from tests.support.apps import app_model

APP = """
tables:
  - name: Bins
    fields:
      - { name: code, type: single-line-text }
  - name: Parts
    fields:
      - { name: title, type: single-line-text }
      - { name: stock, type: integer }
      - { name: price, type: decimal, precision: 2 }
      - { name: due, type: date }
      - { name: seen, type: datetime }
      - { name: at, type: time }
      - { name: done, type: checkbox }
      - { name: size, type: single-select, options: [small, large] }
      - { name: tags, type: multi-select, options: [a, b] }
      - { name: bin, type: relationship, relatedTable: Bins, relationType: many-to-one }
      - { name: data, type: json }
      - { name: sizes, type: array, itemType: decimal }
      - { name: counts, type: array, itemType: integer }
"""
MODEL = app_model(APP)
TABLES = {id(table): build_table(table) for table in MODEL.tables}
LINES = [
    line.split(" ", 1)
    for line in (Path(__file__).parents[2] / "corpora" / "filters.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def scope(dialect: Literal["duckdb", "postgresql"] = "duckdb") -> Scope:
    return Scope(MODEL.tables[1], MODEL, lambda table: TABLES[id(table)], dialect, system_clock())


@pytest.mark.parametrize("text", [text for verdict, text in LINES if verdict == "ok"])
@pytest.mark.parametrize("dialect", ["duckdb", "postgresql"])
def test_good_filters_compile(text: str, dialect: Literal["duckdb", "postgresql"]) -> None:
    """D-11, D-12, R-106, R-111…R-114, T-111: no value of the filter stands in the SQL."""
    found = scope(dialect)
    condition = compile_filter(parse_filter(text, found), found)
    sql = str(condition.compile(dialect=postgresql.dialect()))
    assert "100" not in sql
    assert "'" not in sql.replace("'number'", "").replace("'null'", "")


@pytest.mark.parametrize("text", [text for verdict, text in LINES if verdict == "no"])
def test_bad_filters_are_refused(text: str) -> None:
    """R-106, R-111, R-112: 400 with a sentence."""
    with pytest.raises(BadRequest) as caught:
        parse_filter(text, scope())
    assert len(caught.value.message) > 10


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["title", "data.x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["field", "operator", "value", "and", "or", "not", "title", "stock"]), inner)
    ),
    max_leaves=12,
)


@given(st.text() | JSON)
def test_anything_is_read_or_refused(raw: object) -> None:
    """No input leads to another error than BadRequest."""
    found = scope()
    try:
        compile_filter(parse_filter(raw, found), found)
    except BadRequest:
        return


def test_limits() -> None:
    """R-112: ten groups within each other and two hundred conditions are taken, one more of either is not."""
    tree: object = {"title": "x"}
    for depth in range(10):
        tree = {"not": tree} if depth % 2 else {"and": [tree]}
    parse_filter(tree, scope())
    for deeper in ({"not": tree}, {"or": [tree]}, [tree]):
        with pytest.raises(BadRequest, match="nested deeper than 10"):
            parse_filter(deeper, scope())
    parse_filter({"or": [{"title": "x"}] * 200}, scope())
    with pytest.raises(BadRequest):
        parse_filter({"or": [{"title": "x"}] * 201}, scope())
