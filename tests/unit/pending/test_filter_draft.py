"""Filters as trees and as sentences (R-115)."""

import pytest

from core.fields.registry import FIELD_TYPES
from screens.presenters.filter_draft import SYMBOLS, FilterDraft, SentenceWrong
from tests.support.editor_host import a_field
from tests.support.grid_host import TYPED, typed_field

TEXT = "equals notEquals contains startsWith in notIn isNull isNotNull isEmpty isNotEmpty".split()
NUMBER = "equals notEquals greaterThan lessThan lessThanOrEqual between in isNull isNotNull".split()
DATE = "equals isBefore isAfter isWithin between isNull".split()


def a(name, editor, operators, **more):
    return {**a_field(editor, **more), "name": name, "label": "", "operators": operators}


FIELDS = [
    a("bin", "line", TEXT),
    a("stock", "number", NUMBER, kind="integer"),
    a("since", "date", DATE),
    a("done", "checkbox", ["isTrue", "isFalse"]),
    a("stage", "choice", ["equals", "in"], options=["Lead", "Won"]),
    a("unit price", "number", NUMBER, kind="decimal"),
    a("nothing", "none", []),
]

CASES = [
    (
        'stock < 10 and bin = "A1"',
        {
            "and": [
                {"field": "stock", "operator": "lessThan", "value": 10},
                {"field": "bin", "operator": "equals", "value": "A1"},
            ]
        },
    ),
    ("done is true", {"field": "done", "operator": "isTrue"}),
    ("bin is not empty", {"field": "bin", "operator": "isNotEmpty"}),
    ("stock between 1 and 5", {"field": "stock", "operator": "between", "value": [1, 5]}),
    ('stage in ("Lead", "Won")', {"field": "stage", "operator": "in", "value": ["Lead", "Won"]}),
    ('since within "last:7:days"', {"field": "since", "operator": "isWithin", "value": "last:7:days"}),
    ('since before "2026-03-31"', {"field": "since", "operator": "isBefore", "value": "2026-03-31"}),
    ('"unit price" = 1.5', {"field": "unit price", "operator": "equals", "value": "1.5"}),
    (
        'not (bin is null or bin starts with "a")',
        {
            "not": {
                "or": [
                    {"field": "bin", "operator": "isNull"},
                    {"field": "bin", "operator": "startsWith", "value": "a"},
                ]
            }
        },
    ),
]


@pytest.mark.parametrize(("sentence", "tree"), CASES)
def test_sentence_and_tree_say_the_same(sentence, tree):
    """R-115: the expression is shown and can be typed."""
    draft = FilterDraft(FIELDS)
    draft.read(sentence)
    assert draft.filter() == tree
    assert FilterDraft(FIELDS, tree).sentence() == sentence
    assert draft.problem() == ""


@pytest.mark.parametrize(
    ("sentence", "said", "at"),
    [
        ("stok < 1", "stok", 0),
        ("stock contains 1", "between", 6),
        ("stock < many", "not a number", 8),
        ("stock <", "value", 7),
        ("stock < 1 bin = 2", "and", 10),
        ("(stock < 1", ")", 10),
        ("stage = Lost", "Lead", 8),
        ("since within sometime", "today", 13),
    ],
)
def test_a_wrong_sentence_says_what_and_where(sentence, said, at):
    draft = FilterDraft(FIELDS, CASES[0][1])
    with pytest.raises(SentenceWrong) as caught:
        draft.read(sentence)
    assert said in str(caught.value)
    assert caught.value.position == at
    assert draft.filter() == CASES[0][1], "a wrong sentence leaves the filter alone"


def test_lines_are_added_grouped_and_removed():
    draft = FilterDraft(FIELDS, CASES[0][1])
    first = draft.lines()[0][1]
    group = draft.add_group(first)
    inner = draft.add(group, FIELDS[3])
    assert [(depth, type(node).__name__) for depth, node, _ in draft.lines()] == [
        (0, "Condition"),
        (0, "Group"),
        (1, "Condition"),
        (0, "Condition"),
    ]
    assert group.joint == "or"
    assert inner.operator == "isTrue"
    draft.remove(group)
    assert draft.filter() == CASES[0][1]


def test_a_condition_without_value_is_a_problem():
    draft = FilterDraft(FIELDS)
    draft.add(None, FIELDS[1])
    assert "stock" in draft.problem()


def test_every_operator_can_be_written():
    operators = "equals notEquals greaterThan greaterThanOrEqual lessThan lessThanOrEqual between contains "
    operators += (
        "doesNotContain startsWith endsWith matches in notIn hasAll isBefore isAfter isWithin isNull isNotNull "
    )
    operators += "isEmpty isNotEmpty isTrue isFalse"
    assert set(operators.split()) <= set(SYMBOLS)


@pytest.mark.parametrize("kind", [kind.name for kind in FIELD_TYPES])
def test_a_field_is_asked_by_the_operators_of_its_type(kind):
    """R-115: any other is refused where it stands, with those that there are; a type without any is no field to ask of."""
    info = typed_field(kind, **TYPED[kind])
    draft = FilterDraft([info])
    assert [field["name"] for field in draft.fields] == ([info["name"]] if info["operators"] else [])
    if info["operators"]:
        assert draft.add(None, info).operator == info["operators"][0]
    for name in (each for each in SYMBOLS if each not in info["operators"]):
        with pytest.raises(SentenceWrong) as wrong:
            draft.read(f"{info['name']} {SYMBOLS[name]} 1")
        assert wrong.value.position == (len(info["name"]) + 1 if info["operators"] else 0)
