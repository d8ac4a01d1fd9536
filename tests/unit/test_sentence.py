"""Sentences that come from a server, be it one of ours or not."""

from string import Formatter
from typing import Any

import pytest

from core.errors import Invalid, SovriumError, error_from_body
from core.sentence import Sentence, arrived, say
from screens.services.wording import sentences


def nested(depth: int) -> dict[str, Any]:
    body: dict[str, Any] = {"pattern": "", "values": {}}
    for _ in range(depth):
        body = {"pattern": "{a}{a}{a}x", "values": {"a": body}}
    return body


@pytest.mark.parametrize(
    "said",
    [
        {"pattern": "{a:>2000000000}", "values": {"a": 1}},
        {"pattern": "{a.__class__.__mro__}", "values": {"a": 1}},
        {"pattern": "{a}", "values": {"b": 1}},
        {"pattern": "{a:,}", "values": {"a": "x"}},
        {"pattern": "{", "values": {"a": 1}},
        {"pattern": 5, "values": {"a": 1}},
        {"pattern": "{a}", "values": 5},
        {"values": {}},
        nested(30),
        nested(3000),
    ],
)
def test_what_is_no_sentence_leaves_the_text_as_it_is(said: Any) -> None:
    """R-006, T25: the console of who connects to another server neither fills its memory nor ends for what that says."""
    for body in ({"message": "plain", "said": {"message": said}}, {"message": "plain", "said": said}):
        error = error_from_body(400, body)
        assert error.message == "plain"
        assert not isinstance(error.message, Sentence)


def test_answers_of_other_servers_are_errors_all_the_same() -> None:
    """R-006: a proxy, another API behind the address: told by what they share with ours."""
    problem = {"type": "about:blank", "title": "Bad", "status": 422, "errors": {"name": ["is required"]}}
    for body in (
        problem,
        {"errors": "all of it"},
        {"errors": [5]},
        {"code": 7, "message": {"en": "no"}},
        {"details": 1},
    ):
        error = error_from_body(422, body)
        assert (type(error), error.status, bool(error.message)) == (SovriumError, 422, True)
    found = error_from_body(422, {"status": 422, "errors": [{"field": "name", "message": None}], "hint": 3})
    assert isinstance(found, Invalid)
    assert [(each.field, each.message) for each in found.errors] == [("name", "")]
    assert (error_from_body(409, {"code": "MIGRATION_REFUSED", "details": 4}).message, found.status) == (
        "HTTP 409",
        422,
    )


def test_a_sentence_travels_with_nothing_that_its_text_does_not_show() -> None:
    """R-006: who asks for patterns is told no more than others."""
    said = say("{a} and {b!r} of {most:,}", a="x", b="y", most=5, near="hidden", aa=1)
    assert said.body()["values"] == {"a": "x", "b": "y", "most": 5}


def test_every_sentence_of_ours_arrives() -> None:
    for pattern in sentences("fr"):
        places = {name: form for _, name, form, _ in Formatter().parse(pattern) if name is not None}
        is_filled = all(name.isidentifier() and " " not in (form or "") for name, form in places.items())
        values = dict.fromkeys(places, 1) if is_filled else {}  # else braces stand for themselves
        assert arrived({"pattern": pattern, "values": values}).pattern == pattern
