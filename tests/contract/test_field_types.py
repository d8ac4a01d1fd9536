"""What every field type promises, over all of them (contract of `core.fields.base`)."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.contract.records import Operator
from core.fields.base import EditorKind, Family, FieldType, Format, ValueProblem
from core.fields.column import ColumnKind, ColumnType
from core.fields.operator import ALIASES, JSON_PATH_OPERATORS, OPERATORS, canonical
from core.fields.registry import FIELD_TYPES
from tests.support.depth import examples
from tests.support.fields import field_of, samples, spec_of

SAMPLES = samples()
BUILT = {f"{name}-{keys}": field_of(name, **keys) for name, keys in SAMPLES}
each_sample = pytest.mark.parametrize(("type_name", "keys"), SAMPLES, ids=[f"{n}-{k}" for n, k in SAMPLES])

PYTHON_KINDS = {
    "text": "str",
    "integer": "int",
    "bigint": "int",
    "decimal": "Decimal",
    "double": "float",
    "boolean": "bool",
    "date": "date",
    "time": "time",
    "timestamp": "datetime",
    "text-list": "list",
    "json": "dict list int float bool",
    "integer-list": "list",
    "bigint-list": "list",
    "decimal-list": "list",
    "boolean-list": "list",
    "date-list": "list",
}

SCALARS = "Int Float String Boolean BigInt BigFloat Date Time Datetime JSON".split()
"""Of the GraphQL door."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
typed_texts = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"[+-]?[0-9]{0,40}[.,:]?[0-9]{0,40}([eE][+-]?[0-9]{1,4})? ?[%hms]?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?", fullmatch=True
    ),
    st.from_regex(r"-?P([0-9]{1,12}D)?(T[0-9]{1,3}[HMS])?", fullmatch=True),
    st.sampled_from(
        [
            "<p>a</p><script>x</script>",
            "<a href='javascript:x'>",
            "[x](javascript:y)",
            "http://[",
            "http://a:99999",
            "a@b.c",
        ]
    ),
    st.sampled_from(
        [
            "red",
            "Sky blue",
            "red, green",
            '["a, b"]',
            "[",
            "[odd]",
            "yes",
            "off",
            "{}",
            '{"a": "\\u0000"}',
            "[1e999]",
            "NaN",
        ]
    ),
)


def check_value(field_type: FieldType[Any], value: Any) -> None:
    """A stored value has the Python type of its column and survives both ways out and back in."""
    column = field_type.result()
    if column is None:
        assert value is None  # a button
        return
    assert isinstance(column, ColumnType)
    assert type(value).__name__ in PYTHON_KINDS[column.kind].split()
    as_json = field_type.to_json(value)
    assert json.loads(json.dumps(as_json)) == as_json
    if field_type.column() is None and field_type.read_only:
        return  # computed: nobody writes it
    assert field_type.accept(as_json) == value
    assert field_type.accept_json(as_json) == value
    text = field_type.to_text(value)
    assert isinstance(text, str)
    assert field_type.accept(text) == value
    assert isinstance(field_type.present(value, Format()), str)
    assert isinstance(field_type.present(value, Format(timezone="Asia/Tokyo")), str)


@each_sample
def test_example_is_a_value(type_name: str, keys: dict[str, Any]) -> None:
    field_type = field_of(type_name, **keys)
    for seed in range(20):
        check_value(field_type, field_type.example(Random(seed)))


@example(raw="/ 0")
@given(raw=json_values | typed_texts)
@settings(max_examples=examples(400), deadline=None)
def test_any_input_is_a_value_or_a_problem(raw: Any) -> None:
    """Whatever a client sends is taken by a type and survives, or is refused by a ValueProblem with a code and a sentence.
    All types are asked about each input: making it up is what costs."""
    for name, field_type in BUILT.items():
        try:
            take_or_refuse(field_type, raw)
        except Exception as error:
            error.add_note(name)
            raise


def take_or_refuse(field_type: FieldType[Any], raw: Any) -> None:
    problem = None
    try:
        value = field_type.accept(raw)
    except ValueProblem as refused:
        problem = refused
    if problem is not None:
        assert problem.status in (400, 422)
        assert "." in problem.code
        assert 0 < len(problem.message) < 500
        assert problem.message.encode("utf-8")
        assert problem.message.isprintable()
    elif value is not None:
        check_value(field_type, value)


JSON_TEXTS = {
    "integer": ("", "5 1e3 5.0 five"),
    "decimal": ("5 -5.25", "1e3 +5 .5 5. five"),
    "currency": ("5 -5.25", "1e3 5% five"),
    "percentage": ("5 50.4", "5% 1e1"),
    "rating": ("", "5 ★"),
    "progress": ("", "5 5%"),
    "duration": ("5 2:30 2h PT2H30M", "soon"),
    "checkbox": ("true false", "yes 1 0 on x True"),
    "multi-select": ("", "red red,green"),
    "array": ("", "5 a,b [] [5] true 2026-02-01"),
    "ai-tag": ("", "urgent urgent,paid"),
}
"""Texts in a JSON body where the API answers something else: those that are taken, those that are not."""
FREE_FORM = {"json", "geolocation", "single-attachment", "multiple-attachments", "relationship", "user"}
"""What is answered as a map, and takes texts of its own; ids, which are texts."""


@each_sample
def test_a_text_of_json_is_no_number_and_no_list(type_name: str, keys: dict[str, Any]) -> None:
    """T-063, D-07: in a cell `5` is a number, in a JSON body `"5"` is a text."""
    field_type = field_of(type_name, **keys)
    if field_type.read_only or field_type.column() is None:
        return
    answered = field_type.to_json(field_type.example(Random(1)))
    if isinstance(answered, str) and type_name not in JSON_TEXTS:
        return
    if type_name in FREE_FORM or (type_name.startswith("ai-") and isinstance(answered, dict)):
        return
    taken, refused = JSON_TEXTS[type_name]
    for text in taken.split():
        if "min" not in keys:
            assert field_type.accept_json(text) == field_type.accept(text), text
    for text in refused.split():
        with pytest.raises(ValueProblem) as caught:
            field_type.accept_json(text)
        assert caught.value.status == 400, text


@each_sample
def test_null_stays_null(type_name: str, keys: dict[str, Any]) -> None:
    """T-039"""
    field_type = field_of(type_name, **keys)
    assert field_type.accept(None) is None
    assert field_type.to_json(None) is None
    assert field_type.to_text(None) == ""
    assert field_type.present(None, Format()) == ""


@each_sample
def test_declarations(type_name: str, keys: dict[str, Any]) -> None:
    field_type = field_of(type_name, **keys)
    assert field_type.family in get_args(Family)
    assert field_type.editor in get_args(EditorKind)
    column = field_type.column()
    assert column is None or column.kind in get_args(ColumnKind)
    assert column is None or column.kind.startswith("decimal") == (column.precision is not None)
    scalar = field_type.graphql()
    assert (scalar is None) == (field_type.result() is None)
    assert scalar is None or scalar.strip("[]") in SCALARS
    assert bool(field_type.operators()) == (field_type.result() is not None)
    assert set(field_type.operators()) <= set(get_args(Operator))
    assert json.dumps(field_type.info())
    assert type(field_type).__doc__
    moment = datetime(2026, 2, 1, 8, 30, 15, 123456, tzinfo=UTC)
    if field_type.value_at(moment) is not None:
        check_value(field_type, field_type.value_at(moment))


@pytest.mark.parametrize("type_name", [kind.name for kind in FIELD_TYPES])
def test_options_have_a_json_schema_and_hold_what_was_written(type_name: str) -> None:
    for name, keys in SAMPLES:
        if name == type_name:
            spec = spec_of(type_name, **keys)
            schema = type(spec.options).model_json_schema(by_alias=True)
            assert schema["additionalProperties"] is False
            assert set(keys) - {"label"} <= set(schema.get("properties", {}))


@pytest.mark.parametrize(
    ("type_name", "keys", "scalar"),
    [
        ("single-line-text", {}, "String"),
        ("integer", {}, "Int"),
        ("integer", {"max": 2**40}, "BigInt"),
        ("currency", {"currency": "EUR"}, "BigFloat"),
        ("checkbox", {}, "Boolean"),
        ("date", {}, "Date"),
        ("date", {"includeTime": True}, "Datetime"),
        ("multi-select", {"options": ["a"]}, "[String]"),
        ("json", {}, "JSON"),
        ("button", {"label": "Go", "action": "url", "url": "/"}, None),
    ],
)
def test_graphql_scalars(type_name: str, keys: dict[str, Any], scalar: str | None) -> None:
    """T-146"""
    assert field_of(type_name, **keys).graphql() == scalar


def test_operators_cover_the_families_and_their_names() -> None:
    """D-12, R-106: every operator of the contract belongs to a family, every alias means one of them."""
    known = (
        {operator for operators in OPERATORS.values() for operator in operators}
        | set(JSON_PATH_OPERATORS)
        | {"hasAll", "withinRadius"}
    )
    assert known == set(get_args(Operator))
    assert set(OPERATORS) == set(get_args(Family))
    assert all(canonical(alias) == operator for alias, operator in ALIASES.items())
    assert all(canonical(operator) == operator for operator in known)
    assert canonical("almost") is None


# As the specification lists them, not as the product does.
NAMES = """single-line-text long-text rich-text email url phone-number integer decimal currency percentage rating progress
date datetime time duration checkbox single-select multi-select status relationship lookup rollup count user created-by
updated-by deleted-by created-at updated-at deleted-at single-attachment multiple-attachments barcode formula autonumber
button color geolocation json array code ai-categorize ai-extract ai-generate ai-sentiment ai-summary ai-tag
ai-translate""".split()


def test_all_names_of_the_specification_are_known() -> None:
    """T-037"""
    names = set(FIELD_TYPES.built())
    assert names >= set(NAMES)
    assert set(FIELD_TYPES.aliases().values()) <= names
