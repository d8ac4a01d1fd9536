"""Conditions by a cell's value."""

from typing import Any

import pytest

from screens.presenters.condition import same_condition, value_condition, with_condition, without_condition
from tests.support.memory_port import field_info

CITY = field_info("city")


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        ("Oslo", {"field": "city", "operator": "equals", "value": "Oslo"}),
        (7, {"field": "city", "operator": "equals", "value": 7}),
        (None, {"field": "city", "operator": "isNull"}),
        (True, {"field": "city", "operator": "isTrue"}),
        (False, {"field": "city", "operator": "isFalse"}),
        (["a"], {"field": "city", "operator": "hasAll", "value": ["a"]}),
        ([], {"field": "city", "operator": "isEmpty"}),
        ({"cut": "long", "length": 900}, None),
    ],
)
def test_a_value_says_its_condition(value: Any, condition: Any) -> None:
    assert value_condition(CITY, value) == condition


def test_json_cannot_be_compared_by_its_text() -> None:
    assert value_condition(field_info("extra", "json"), '{"a":1}') is None


def test_conditions_are_joined_replaced_by_field_and_taken_away() -> None:
    oslo = {"field": "city", "operator": "equals", "value": "Oslo"}
    lyon = {**oslo, "value": "Lyon"}
    stage = {"field": "stage", "operator": "equals", "value": "lead"}
    either = {"or": [stage, lyon]}
    assert with_condition(None, oslo) == oslo
    both = with_condition(oslo, stage)
    assert both == {"and": [oslo, stage]}
    assert same_condition(both, stage)
    assert with_condition(both, lyon) == {"and": [stage, lyon]}
    assert with_condition(either, oslo) == {"and": [either, oslo]}
    assert without_condition(both, stage) == oslo
    assert without_condition(oslo, oslo) is None
    assert not same_condition(either, stage)
