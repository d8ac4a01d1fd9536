"""Blocks of cells out of the console and back in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.presenters.clipboard_block import parse_block, to_text
from screens.presenters.paste import PasteDraft, TargetRow
from tests.support.editor_host import a_field

NAME, AGE = a_field("line"), a_field("number", kind="integer", max=150)
NAME["name"], NAME["label"], AGE["name"], AGE["label"] = "name", "Full name", "age", ""


@given(st.lists(st.lists(st.text("ab,;\t\n\"' |", max_size=5), min_size=2, max_size=4), min_size=1, max_size=5))
def test_tsv_comes_back_as_it_was(rows):
    width = min(map(len, rows))
    rows = [row[:width] for row in rows]
    assert parse_block(to_text("tsv", [NAME] * width, rows)) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a\tb\nc", [["a", "b"], ["c", ""]]),
        ("a,b\nc,d", [["a", "b"], ["c", "d"]]),
        ("a;b\r\nc;d\r\n", [["a", "b"], ["c", "d"]]),
        ("Hello, world", [["Hello, world"]]),
        ("one\ntwo, three", [["one"], ["two, three"]]),
        ("", [[""]]),
    ],
)
def test_parse_block(text, rows):
    assert parse_block(text) == rows


def test_forms():
    rows = [["Ada | B", 36], [None, True]]
    assert to_text("markdown", [NAME, AGE], rows) == "| name | age |\n| --- | --- |\n| Ada \\| B | 36 |\n|  | true |"
    assert json.loads(to_text("json", [NAME, AGE], rows)) == [
        {"name": "Ada | B", "age": 36},
        {"name": None, "age": True},
    ]
    assert to_text("csv", [NAME, AGE], rows) == "name,age\nAda | B,36\n,true"
    quoted = to_text("insert", [NAME], [["O'Hara"], [None]], "people")
    assert (
        quoted == 'INSERT INTO "people" ("name") VALUES (\'O\'\'Hara\');\nINSERT INTO "people" ("name") VALUES (NULL);'
    )


def test_paste_over_rows_and_beyond():
    targets = [TargetRow("1", "s1", {"name": "Old", "age": 1})]
    draft = PasteDraft([["Ada", "36"], ["Bob", "x"], ["Cy", "200"]], [NAME, AGE], [NAME, AGE], targets)
    edits, fresh = draft.staged()
    problems = draft.problems()
    assert [(e.key, e.field, e.original, e.value) for e in edits] == [("1", "name", "Old", "Ada"), ("1", "age", 1, 36)]
    assert fresh == [{"name": "Bob", "age": "x"}, {"name": "Cy", "age": "200"}]
    assert [(row, name) for row, name, _ in problems] == [(2, "age"), (3, "age")]


def test_a_header_maps_columns_and_means_new_rows():
    """R-059: header row mapped to fields, mismatches flagged."""
    draft = PasteDraft([["AGE", "full name", "shoe"], ["36", "Ada", "40"]], [NAME], [NAME, AGE], [])
    assert draft.header
    assert draft.new_rows == 1
    assert [info and info["name"] for info in draft.mapping] == ["age", "name", None]
    assert draft.staged()[1] == [{"age": 36, "name": "Ada"}]
    draft.toggle_header()
    assert draft.new_rows == 2


def test_null_survives_a_paste_inside_the_console():
    draft = PasteDraft([[None], [""]], [NAME], [NAME], [TargetRow(k, "", {"name": "x"}) for k in "12"])
    assert [edit.value for edit in draft.staged()[0]] == [None, ""]


def test_five_thousand_rows_stage_quickly_enough_to_count():
    """Behaviour, not time: every cell of a big block arrives."""
    draft = PasteDraft([[f"n{n}", n % 100] for n in range(5000)], [NAME, AGE], [NAME, AGE], [])
    _, fresh = draft.staged()
    problems = draft.problems()
    assert len(fresh) == 5000
    assert not problems
