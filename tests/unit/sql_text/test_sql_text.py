"""SQL as text: statements, states of lines, scope and completion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.presenters.completion import CompletionIndex, complete, quoted
from screens.presenters.sql_text import (
    line_tokens,
    statement_at,
    statements,
    tables_in_scope,
    tokens,
    word_before,
)

INDEX = CompletionIndex.of(
    {
        "version": 1,
        "tables": [
            {
                "name": "deals",
                "kind": "table",
                "columns": [["id", "BIGINT"], ["amount", "DECIMAL"], ["deal_stage", "VARCHAR"]],
            },
            {"name": "companies", "kind": "table", "columns": [["id", "BIGINT"], ["Name", "VARCHAR"]]},
            {"name": "system_change", "kind": "system", "columns": [["sequence", "BIGINT"]]},
        ],
        "functions": ["sum", "substring", "count"],
        "keywords": ["SELECT", "SET", "WHERE"],
    }
)


def parts(text: str) -> list[str]:
    return [text[span.start : span.end] for span in statements(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1", ["select 1"]),
        ("select 1; select 2;", ["select 1", "select 2"]),
        ("select ';'; select 2", ["select ';'", "select 2"]),
        ('select "a;b" from t; x', ['select "a;b" from t', "x"]),
        ("select 1 -- not; here\n, 2; y", ["select 1 -- not; here\n, 2", "y"]),
        ("/* ; */ select 1; ; ;", ["select 1"]),
        ("select $$ ; $$; select $t$ ;$$ $t$", ["select $$ ; $$", "select $t$ ;$$ $t$"]),
        ("select 'it''s; ok'; z", ["select 'it''s; ok'", "z"]),
        ("", []),
        ("-- only a comment", []),
    ],
)
def test_statements_know_quotes_and_comments(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sel|ect 1; select 2", "select 1"),
        ("select 1;| select 2", "select 1"),
        ("select 1;\n|select 2", "select 2"),
        ("select 1;\n\n|\nselect 2", "select 2"),
        ("select 1;\n\n|", "select 1"),
        ("|", None),
    ],
)
def test_statement_at_the_cursor(text: str, expected: str | None) -> None:
    offset = text.index("|")
    plain = text.replace("|", "")
    span = statement_at(plain, offset)
    assert (plain[span.start : span.end] if span else None) == expected


@given(st.text(alphabet="ab'\"$-/*;\n (1", max_size=60))
def test_tokens_cover_the_text_in_order_and_never_overlap(text: str) -> None:
    last = 0
    for token in tokens(text):
        assert token.start >= last
        assert text[token.start : token.end] == token.text
        assert not text[last : token.start].strip()
        last = token.end
    assert not text[last:].strip()


@given(st.lists(st.text(alphabet="ab'\"/* -", max_size=12), max_size=6))
def test_line_states_agree_with_the_whole_text(lines: list[str]) -> None:
    """Highlighting line by line sees the same strings and comments as a pass over everything."""
    text = "\n".join(lines)
    whole = [""] * len(text)
    for token in tokens(text):
        for position in range(token.start, token.end):
            whole[position] = token.kind if token.kind in ("string", "comment", "name") else "plain"
    state, offset = "", 0
    for line in lines:
        found, state = line_tokens(line, state)
        for token in found:
            for position in range(token.start, token.end):
                kind = token.kind if token.kind in ("string", "comment", "name") else "plain"
                assert whole[offset + position] == kind, (text, position)
        offset += len(line) + 1


def test_scope_resolves_aliases_and_lists() -> None:
    text = 'select d. from deals as d, main."Big One" b join companies using (id)'
    assert tables_in_scope(text, 9) == {"d": "deals", "b": "Big One", "companies": "companies"}


def test_word_before_takes_the_part_behind_the_dot() -> None:
    assert word_before("select d.am", 11) == (9, "am")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select * from |", ["companies", "deals", "system_change"]),
        ("select * from de|", ["deals"]),
        ("select d.| from deals d", ["id", "amount", "deal_stage"]),
        ("select st| from deals", ["deal_stage"]),
        ("select su| ", ["substring", "sum"]),
        ("select 'de|", []),
        ("-- de|", []),
        ("wh|", ["where"]),
    ],
)
def test_completion_offers_what_fits(text: str, expected: list[str]) -> None:
    offset = text.index("|")
    found = [candidate.label for candidate in complete(text.replace("|", ""), offset, INDEX)]
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)


def test_names_are_quoted_where_sql_needs_it() -> None:
    assert quoted("amount") == "amount"
    assert quoted("Name") == '"Name"'
    assert quoted('a"b') == '"a""b"'
