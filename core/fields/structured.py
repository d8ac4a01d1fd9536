"""Structured fields: json."""

import json
import math
import re
from collections.abc import Iterable
from functools import cached_property
from random import Random
from typing import Any, ClassVar

from core.fields.base import FieldType, ValueProblem
from core.fields.column import ColumnType
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

_MAX_DEPTH = 64
_MAX_INTEGER = 2**63


class JsonOptions(FieldOptions):
    # `schema` is a method name of pydantic models, hence the other name in Python.
    json_schema: dict[str, Any] | None = None

    model_config = FieldOptions.model_config | {"alias_generator": lambda name: "schema"}


class JsonField(FieldType[Any]):
    """A map, list, number or boolean, nested at will. A text is read as JSON text, so that cells of a CSV file and bodies of
    the API mean the same; a text alone is therefore no value of this type."""

    name = "json"
    family = "json"
    editor = "json"
    Options: ClassVar[type[FieldOptions]] = JsonOptions

    def column(self) -> ColumnType:
        return ColumnType("json")

    def accept(self, raw: Any) -> Any:
        if isinstance(raw, str):
            raw = _parse(raw)
            if isinstance(raw, str):
                raise ValueProblem(
                    "json.text", say("{value} is a text alone; a map or a list is expected", value=show(raw))
                )
        if raw is None:
            return None
        _check(raw)
        if self._validator is not None:
            self._check_schema(raw)
        return in_order(raw)

    def _check_schema(self, value: Any) -> None:
        from referencing.exceptions import Unresolvable

        try:
            error = next(self._validator.iter_errors(value), None)
        except (Unresolvable, RecursionError, re.error) as failure:
            reason = f"the field's own schema cannot be used: {str(failure)[:200]}"
            raise ValueProblem("json.schema", reason) from None
        if error is not None:
            pointer = "/" + "/".join(str(step) for step in error.absolute_path)
            raise ValueProblem(
                "json.schema", say("at {pointer}: {reason}", pointer=pointer, reason=error.message[:200])
            )

    @cached_property
    def _validator(self) -> Any:
        if self.options.json_schema is None:
            return None
        from jsonschema import Draft202012Validator
        from referencing import Registry

        # An empty registry: a `$ref` to an address must not make the server fetch it.
        return Draft202012Validator(self.options.json_schema, registry=Registry())

    def to_text(self, value: Any) -> str:
        return "" if value is None else json.dumps(value, ensure_ascii=False)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, JsonOptions)
        if options.json_schema is not None:
            yield from check_json_schema(options.json_schema)

    def example(self, rng: Random) -> Any:
        return {"theme": rng.choice(["light", "dark"]), "columns": rng.randint(1, 6), "tags": ["a", "b"]}


def in_order(value: Any) -> Any:
    """The same with the keys of maps as PostgreSQL keeps them, the shorter ones first: so either database answers, sorts and
    compares a value as the other does."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(encoded := name.encode()), encoded))
        return {name: in_order(value[name]) for name in names}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def check_json_schema(schema: dict[str, Any]) -> Iterable[OptionProblem]:
    """What is wrong with a JSON Schema of the app file."""
    from jsonschema import Draft202012Validator, SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        yield OptionProblem(
            "schema", "field.json-schema", say("not a JSON Schema: {problem}", problem=error.message[:200])
        )
    except RecursionError:
        yield OptionProblem("schema", "field.json-schema", "not a JSON Schema: nested too deep")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = say(
            "Not valid JSON: {reason} (line {line}, column {column})",
            reason=error.msg,
            line=error.lineno,
            column=error.colno,
        )
        raise ValueProblem("json.malformed", message) from None
    except (ValueError, RecursionError):
        raise ValueProblem("json.malformed", "Not valid JSON: nested too deep, or a number that is too long") from None


def _check(value: Any) -> None:
    """Only what JSON, DuckDB and PostgreSQL can all keep."""
    todo = [(value, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > _MAX_DEPTH:
            raise ValueProblem("json.too-deep", say("More than {most} levels of nesting", most=_MAX_DEPTH))
        if isinstance(node, dict):
            for key in node:
                _check_text(key)
            todo.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            todo.extend((child, depth + 1) for child in node)
        else:
            _check_scalar(node)


def _check_scalar(node: Any) -> None:
    if isinstance(node, str):
        _check_text(node)
    elif isinstance(node, float):
        if not math.isfinite(node):
            raise ValueProblem("json.malformed", say("{value} is not a finite number", value=node))
    elif isinstance(node, int):
        if abs(node) >= _MAX_INTEGER:
            raise ValueProblem("json.out-of-range", "A whole number needs more than 64 bits; write it as a text")
    elif node is not None:
        raise ValueProblem("json.malformed", say("{kind} is not a JSON value", kind=type(node).__name__))


def _check_text(text: Any) -> None:
    if not isinstance(text, str):
        raise ValueProblem("json.malformed", say("A key must be a text, not {value}", value=show(text)))
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueProblem("text.bad-character", "A text holds a NUL character or half of a character")
