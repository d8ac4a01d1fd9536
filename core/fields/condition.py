"""Filters inside the app file (spec §11), checked before anything runs: names, operators, the form of values.

What is compared is converted when the filter is used (`core.query.filter`); this finds what could never be right.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from core.fields.base import FieldType, ValueProblem
from core.fields.operator import JSON_PATH_OPERATORS, canonical
from core.schema.name import nearest
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

TypeOf = Callable[[str], FieldType[Any] | None]
_WITHOUT_VALUE = frozenset({"isNull", "isNotNull", "isEmpty", "isNotEmpty", "isTrue", "isFalse", "isCurrentUser"})
_WITH_LIST = frozenset({"in", "notIn", "hasAll"})
GROUPS = ("and", "or", "not")
MAX_DEPTH = 10
"""So many groups may stand within each other."""


def check_condition(
    raw: Any, type_of: TypeOf, known: Iterable[str], key: str = "filters", depth: int = 1
) -> Iterator[OptionProblem]:
    """Problems of a filter tree at `key`. `type_of` answers None for what is no field, `known` are names to suggest."""
    names = list(known)
    if depth > MAX_DEPTH and _is_group(raw):
        yield OptionProblem(key, "field.filter", say("the filter is nested deeper than {most}", most=MAX_DEPTH))
    elif isinstance(raw, list):
        for place, part in enumerate(raw):
            yield from check_condition(part, type_of, names, f"{key}[{place}]", depth + 1)
    elif not isinstance(raw, Mapping) or not raw:
        yield OptionProblem(
            key, "field.filter", say("a filter is a map with field, operator and value, not {value}", value=show(raw))
        )
    elif "field" in raw and "operator" in raw:
        yield from _check_leaf(raw, type_of, names, key)
    elif group := next((name for name in GROUPS if name in raw), None):
        if len(raw) > 1:
            yield OptionProblem(key, "field.filter", say("nothing may stand beside `{group}` in a filter", group=group))
        if group != "not" and not isinstance(raw[group], list):
            yield OptionProblem(
                f"{key}.{group}", "field.filter", say("`{group}` holds a list of conditions", group=group)
            )
        else:
            inside = depth + 1 if group == "not" else depth  # a list of conditions counts by itself
            yield from check_condition(raw[group], type_of, names, f"{key}.{group}", inside)
    else:
        for name, value in raw.items():
            yield from _check_leaf({"field": name, "operator": "equals", "value": value}, type_of, names, key)


def _is_group(raw: Any) -> bool:
    if isinstance(raw, Mapping):
        return "operator" not in raw and not raw.keys().isdisjoint(GROUPS)
    return isinstance(raw, list)


def condition_fields(raw: Any) -> frozenset[str]:
    """Names of the fields that a filter asks about, without what stands behind a dot."""
    if isinstance(raw, list):
        return frozenset().union(*(condition_fields(part) for part in raw))
    if not isinstance(raw, Mapping):
        return frozenset()
    if "field" in raw and "operator" in raw:
        return frozenset({str(raw["field"]).partition(".")[0]})
    found = [condition_fields(raw[name]) for name in GROUPS if name in raw]
    return frozenset().union(*found) if found else frozenset(str(name).partition(".")[0] for name in raw)


def _check_leaf(raw: Mapping[str, Any], type_of: TypeOf, names: list[str], key: str) -> Iterator[OptionProblem]:
    name, written = raw["field"], raw["operator"]
    head, _, path = str(name).partition(".")
    field = type_of(head)
    if field is None or field.result() is None:
        yield OptionProblem(
            f"{key}.field", "field.filter", say("there is no field `{name}`", name=name), nearest(head, names)
        )
        return
    operator = canonical(str(written))
    if operator is None:
        hint = nearest(str(written), field.operators())
        yield OptionProblem(
            f"{key}.operator", "field.filter", say("{value} is not an operator", value=show(written)), hint
        )
        return
    if path and field.family == "link":
        return  # a field of the linked record: its type is not known here
    allowed = (*JSON_PATH_OPERATORS, "isTrue", "isFalse") if path else field.operators()
    if operator not in allowed:
        text = say(
            "`{name}` of type {type} does not take {operator!r}; it takes {allowed}",
            name=name,
            type=field.name,
            operator=operator,
            allowed=", ".join(allowed),
        )
        yield OptionProblem(f"{key}.operator", "field.filter", text)
    elif operator in _WITHOUT_VALUE:
        return
    elif "value" not in raw:
        yield OptionProblem(
            key, "field.filter", say("{operator!r} on `{name}` needs a value", operator=operator, name=name)
        )
    elif operator in _WITH_LIST and not isinstance(raw["value"], list):
        yield OptionProblem(
            f"{key}.value", "field.filter", say("{operator!r} needs a list of values", operator=operator)
        )
    elif not path and (problem := _value_problem(field, raw["value"])):
        yield OptionProblem(
            f"{key}.value",
            "field.filter",
            say(
                "{value} cannot be compared with `{name}`: {problem}",
                value=show(raw["value"]),
                name=name,
                problem=say(problem),
            ),
        )


def _value_problem(field: FieldType[Any], value: Any) -> str | None:
    if isinstance(value, list):
        return next((found for each in value if (found := _value_problem(field, each))), None)
    if value is None or (isinstance(value, str) and value.startswith("$")):
        return None
    if field.family == "number":
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            return _refused(field, value)
        return None if number.is_finite() and not isinstance(value, bool) else say("a number is expected")
    return _refused(field, value) if field.family == "checkbox" else None


def _refused(field: FieldType[Any], value: Any) -> str | None:
    try:
        field.accept(value)
    except ValueProblem as problem:
        return problem.message
    return None
