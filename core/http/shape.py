"""Types of the contract as validators of bodies. Beside what the type says, every text is one that a database can keep, and
every list has an end: no route has to remember it."""

from functools import cache
from typing import Any

from core.errors import FieldError, Invalid, TooLarge
from core.sentence import say

LIST_MOST = 10_000
"""Items of a list in a body: as many as the largest commit or export names. What takes fewer says so itself."""
NUL, NUL_SAID = "text.bad-character", "A text cannot hold a NUL character"
"""As a field says it of a value."""
_KEPT, _NOT_KEPT = r"^[^\x00]*$", "string_pattern_mismatch"
"""Looked for by pydantic's own engine, and what it calls it: a function of ours takes five times as long."""

_OBJECT = {
    "type": "custom-error",
    "schema": {"type": "is-instance", "cls": dict},
    "custom_error_type": "dict_type",
}
"""Any object of JSON: its names are texts. Copied name by name, as pydantic's own does it, a batch would take five times as
long; and where any object will do, it is the first that is tried."""


@cache
def adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def check(kind: Any, value: Any) -> Any:
    """The value, if it has the shape of `kind`; all that does not fit is reported together. Raises Invalid, TooLarge."""
    from pydantic import ValidationError

    try:
        return _validator(kind).validate_python(value, strict=True)
    except ValidationError as error:
        problems: dict[str, FieldError] = {}
        found = error.errors(include_url=False, include_input=False)
        # Of a text that may be a list as well, the other branch only says that it is no list.
        for item in [each for each in found if each["type"] == _NOT_KEPT] or found:
            place = _place_of(item["loc"], value, missing=item["type"] == "missing")
            if item["type"] == "too_long":
                count = item["ctx"]["actual_length"]
                refusal = say("At most {most:,} items are allowed, {count:,} are given", most=LIST_MOST, count=count)
                raise TooLarge(refusal, field=place) from error
            code, message = f"body.{item['type'].replace('_', '-')}", f"{place}: {item['msg']}"
            if item["type"] == _NOT_KEPT:
                code, message = NUL, NUL_SAID
            problems.setdefault(place, FieldError(place, code, message))
        raise Invalid("The body does not have the right shape", list(problems.values())[:20]) from error


def _place_of(location: tuple[int | str, ...], value: Any, *, missing: bool) -> str:
    """`ids.0` from pydantic's location, which also names the branches of unions that it has tried."""
    steps: list[str] = []
    for step in location:
        known = isinstance(step, int) if isinstance(value, list) else isinstance(value, dict) and step in value
        if known:
            steps.append(str(step))
            value = value[step]
    if missing:
        steps.append(str(location[-1]))
    return ".".join(steps) or "body"


@cache
def _validator(kind: Any) -> Any:
    from pydantic_core import SchemaValidator

    return SchemaValidator(_bounded(adapter(kind).core_schema))


def _bounded(schema: Any) -> Any:
    """A part of pydantic's schema with what every body keeps to. Values of any kind are passed over, and so are the names
    that they stand under: they are values of fields, each of which the field judges."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_bounded, schema))
    if not isinstance(schema, dict):
        return schema
    whole = {name: part if name == "keys_schema" else _bounded(part) for name, part in schema.items()}
    match whole:
        case {"type": "str"}:
            return {"pattern": _KEPT} | whole
        case {"type": "list"}:
            return {"max_length": LIST_MOST} | whole
        case {"type": "dict", "keys_schema": {"type": "str"}, "values_schema": {"type": "any"}}:
            return _OBJECT
        case {"type": "union", "choices": choices} if _OBJECT in choices:
            return whole | {"choices": sorted(choices, key=lambda each: each is not _OBJECT), "mode": "left_to_right"}
    return whole
