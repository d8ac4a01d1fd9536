"""Broken formulas: each with its code and the place of the mistake. F-016, F-014, D-31"""

from pathlib import Path

import pytest

from core.formulas.call import CALLS
from core.formulas.check import check, names
from core.formulas.function import FUNCTIONS
from core.formulas.kind import Kind
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.formulas.size import check_size
from core.formulas.tree import Expression, Name, walk

CORPUS = Path(__file__).parents[2] / "corpora" / "formulas.txt"
KINDS: dict[str, Kind] = {
    "a": "number", "b": "number", "name": "text", "due": "date", "created_at": "timestamp", "id": "number",
    "done": "boolean", "tags": "text-list", "amounts": "number-list", "t": "time", "order": "text",
}  # fmt: skip
CASES = [line.rsplit(" ;; ", 1) for line in CORPUS.read_text().splitlines()]


@pytest.mark.parametrize(("formula", "expected"), CASES, ids=[formula for formula, _ in CASES])
def test_broken_formula(formula: str, expected: str) -> None:
    """F-016"""
    with pytest.raises(FormulaProblem) as failure:
        check(parse(formula), KINDS)
    assert f"{failure.value.code.removeprefix('formula.')} {failure.value.position}" == expected, failure.value.message


def test_corpus_is_large_enough() -> None:
    assert len(CASES) >= 80


def test_every_function_is_built_and_explained() -> None:
    assert CALLS.keys() == FUNCTIONS.keys()
    for function in FUNCTIONS.values():
        found = {node.function for node in walk(parse(function.example)) if hasattr(node, "function")}
        assert function.name in found or function.name in function.example, function.name


def test_names_match_whatever_their_case() -> None:
    """F-014: also quoted ones that are words of the language; line breaks and comments between."""
    formula = 'NAME\n  || {Due} -- the day\n||"order"'
    assert check(parse(formula), KINDS) == "text"
    assert names(parse(formula)) == {"NAME", "Due", "order"}
    assert parse("[order]".replace("[", "{").replace("]", "}")) == Name(0, "order", quoted=True)


def test_zero_argument_functions() -> None:
    """D-31: NOW() is fine, LOWER() is not."""
    assert check(parse("NOW()"), KINDS) == "timestamp"
    with pytest.raises(FormulaProblem, match="LOWER needs an argument"):
        parse("LOWER()")


@pytest.mark.parametrize(
    "formula",
    [
        "a" + " + a" * 1990,
        " OR ".join(["a = 1"] * 800),
        "IF(a > 1, 1, " * 60 + "2" + ")" * 60,
        "(" * 60 + "a" + ")" * 60,
        "name" + " || name" * 600,
        "a" + " * a" * 60,
    ],
    ids=["sum", "or", "if", "parentheses", "join", "product"],
)
def test_long_and_deep_formulas(formula: str) -> None:
    """F-014"""
    assert len(formula) <= 8000
    check(parse(formula), KINDS)


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("a" + " + a" * 2000, "formula.too-long"),
        ("(" * 70 + "a" + ")" * 70, "formula.too-deep"),
        ("NOT " * 500 + "done", "formula.too-deep"),
        ("POWER(" * 6 + "a" + ", 1.5)" * 6, "formula.too-long"),
    ],
    ids=["long", "deep", "not", "repeats"],
)
def test_too_much_is_refused(formula: str, code: str) -> None:
    with pytest.raises(FormulaProblem) as failure:
        check_size(_checked(formula))
    assert failure.value.code == code


def _checked(formula: str) -> Expression:
    expression = parse(formula)
    check(expression, KINDS)
    return expression
