"""Filter trees turned into SQL conditions for DuckDB and PostgreSQL; one meaning on both (R-107…R-112).

A condition that meets NULL is false, and its negation therefore true: `notEquals`, `notIn`, `doesNotContain` and `not`
include rows without a value, unless the caller asked for SQL's own rule.
"""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    ColumnElement,
    Double,
    FromClause,
    Numeric,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.fields.column import ColumnType
from core.formulas.sql_text import json_text
from core.query.distance import within_radius
from core.query.filter import All, Given, Leaf, Node, Not, Some, Written
from core.query.operand import Radius, Span
from core.query.scope import Ref, Scope
from core.storage.table import sqlalchemy_type
from core.storage.value import dump_json

Condition = ColumnElement[bool]
Value = ColumnElement[Any]

_JSON_NUMBERS = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE")
_NEGATIONS = {"notEquals": "equals", "notIn": "in", "doesNotContain": "contains"}
_LARGEST_INTEGER = 2**63
_WILD = re.compile(r"[%_\\]")
_SPACED = re.compile(r'(["\]}\d]|\btrue|\bfalse|\bnull)([:,]) (?=["\[{\d-]|true\b|false\b|null\b)')
"""Between values of JSON as people see it."""


def compile_filter(node: Node | None, scope: Scope, source: FromClause | None = None) -> Condition:
    """The condition of a tree on the table, or on another FROM that has its columns."""
    return true() if node is None else _Compiler(scope, source).condition(node)


def icontains(column: Value, text: str, scope: Scope) -> Condition:
    """`text` occurs in `column`, whatever the case of its letters; `%` and `_` are ordinary characters."""
    needle = func.lower(literal(text, Text))
    if scope.dialect == "duckdb":
        if not _WILD.search(text):
            # Twice as fast as comparing lowered copies.
            return column.ilike(literal(f"%{text}%", Text))
        return func.contains(func.lower(column), needle)
    return func.strpos(func.lower(column), needle) > 0


class _Compiler:
    def __init__(self, scope: Scope, source: FromClause | None) -> None:
        self.scope = scope
        self.source = source
        self.duckdb = scope.dialect == "duckdb"

    def condition(self, node: Node) -> Condition:
        match node:
            case All(parts):
                return and_(true(), *(self.condition(part) for part in parts))
            case Some(parts):
                return or_(false(), *(self.condition(part) for part in parts))
            case Not(part):
                return self._negated(self.condition(part))
            case Leaf():
                return self._leaf(node)
            case Written(expression):
                from core.query.formula import condition_value

                return func.coalesce(condition_value(self.scope, expression, self.source), false())
            case Given(make):
                return make(self.scope, self.source)

    def _negated(self, condition: Condition) -> Condition:
        if self.scope.sql_nulls:
            return not_(condition)
        return not_(func.coalesce(condition, false()))

    def _leaf(self, leaf: Leaf) -> Condition:
        column = self.scope.column(leaf.ref, self.source)
        if leaf.operator in _NEGATIONS:
            return self._negated(self._positive(column, leaf.ref, _NEGATIONS[leaf.operator], leaf.value))
        return self._positive(column, leaf.ref, leaf.operator, leaf.value)

    def _positive(self, column: Value, ref: Ref, operator: str, value: Any) -> Condition:
        if ref.path:
            return self._json_path(column, ref, operator, value)
        if operator in ("isNull", "isNotNull", "isEmpty", "isNotEmpty"):
            empty = column.is_(None) if operator.endswith("Null") else self._is_empty(column, ref)
            return not_(empty) if "Not" in operator else empty
        if operator == "isCurrentUser":
            return false() if value is None else self._user(column, ref, value)
        if operator in ("isTrue", "isFalse"):
            return column.is_(operator == "isTrue")
        if ref.is_list:
            return self._members(column, ref, operator, value)
        if ref.family == "json":
            return self._json(column, operator, value)
        return self._scalar(column, ref, operator, value)

    def _is_empty(self, column: Value, ref: Ref) -> Condition:
        if ref.is_list:
            length = func.len(column) if self.duckdb else func.cardinality(column)
            return func.coalesce(length, 0) == 0
        if ref.kind == "json":
            return func.coalesce(cast(column, Text), "null").in_(["null", "{}", "[]"])
        if ref.kind == "text":
            return func.coalesce(column, "") == ""
        return column.is_(None)

    # ── Text, numbers, dates, choices, links ──

    def _scalar(self, column: Value, ref: Ref, operator: str, value: Any) -> Condition:
        if operator == "in":
            return self._in(column, ref, value)
        if operator == "between":
            low, high = value
            return and_(
                _compare(column, "greaterThanOrEqual", low, ref), _compare(column, "lessThanOrEqual", high, ref)
            )
        if operator == "isWithin":
            return _within(column, value, ref)
        if isinstance(value, str) and operator in ("contains", "startsWith", "endsWith", "matches"):
            return self._text(column, operator, value)
        return _compare(column, operator, value, ref)

    def _in(self, column: Value, ref: Ref, values: tuple[Any, ...]) -> Condition:
        points = [_bind(value, ref) for value in values if not isinstance(value, Span)]
        spans = [_within(column, value, ref) for value in values if isinstance(value, Span)]
        return or_(false(), *([column.in_(points)] if points else []), *spans)

    def _text(self, column: Value, operator: str, value: str) -> Condition:
        if operator == "matches":
            if self.duckdb:
                return func.regexp_matches(column, literal(value, Text))
            return column.op("~", is_comparison=True)(literal(value, Text))
        if operator == "contains":
            return icontains(column, value, self.scope)
        text, piece = func.lower(column), func.lower(literal(value, Text))
        if operator == "startsWith":
            return func.starts_with(text, piece)
        if self.duckdb:
            return func.suffix(text, piece)
        return func.right(text, func.length(piece)) == piece

    def _user(self, column: Value, ref: Ref, user: str) -> Condition:
        return self._members(column, ref, "in", (user,)) if ref.is_list else column == literal(user, Text)

    # ── Lists ──

    def _members(self, column: Value, ref: Ref, operator: str, value: tuple[Any, ...]) -> Condition:
        if operator == "in" and not value:
            return false()
        type_ = ARRAY(sqlalchemy_type((ref.type.result() or ColumnType(ref.kind)).item))
        given = cast(bindparam(None, list(value), type_, unique=True), type_)
        has_all: Callable[[Value, Value], Condition]
        has_any: Callable[[Value, Value], Condition]
        if self.duckdb:
            has_all, has_any = func.list_has_all, func.list_has_any
        else:
            column = cast(column, type_)
            has_all = lambda left, right: left.op("@>", is_comparison=True)(right)  # noqa: E731
            has_any = lambda left, right: left.op("&&", is_comparison=True)(right)  # noqa: E731
        if operator == "equals":
            return and_(has_all(column, given), has_all(given, column))
        return has_any(column, given) if operator == "in" else has_all(column, given)

    # ── JSON ──

    def _json(self, column: Value, operator: str, value: Any) -> Condition:
        if isinstance(value, Radius):
            return within_radius(column, value, self.scope.dialect)
        if operator == "contains":
            wanted = dict.fromkeys((value, _SPACED.sub(r"\1\2", value)))
            return or_(*(icontains(json_text(column), each, self.scope) for each in wanted))
        text = cast(column, Text)
        given = literal(dump_json("filter", value), Text)
        if not self.duckdb:
            return cast(column, JSONB) == cast(given, JSONB)
        if not isinstance(value, dict):
            return text == given
        # DuckDB keeps JSON as text: objects are equal whatever the order of their keys.
        return and_(
            func.length(text) == func.length(given),
            func.json_contains(column, given),
            func.json_contains(given, column),
        )

    def _json_path(self, column: Value, ref: Ref, operator: str, value: Any) -> Condition:
        text = self._path_text(column, ref)
        if operator in ("isNull", "isNotNull"):
            return text.is_(None) if operator == "isNull" else text.is_not(None)
        if operator in ("isEmpty", "isNotEmpty"):
            empty = func.coalesce(text, "").in_(["", "{}", "[]"])
            return empty if operator == "isEmpty" else not_(empty)
        if operator in ("isTrue", "isFalse"):
            return self._path_equals(column, ref, operator == "isTrue")
        if operator == "equals":
            return self._path_equals(column, ref, value)
        if operator == "in":
            return or_(false(), *(self._path_equals(column, ref, item) for item in value))
        if operator in ("contains", "startsWith", "endsWith", "matches"):
            return self._text(text, operator, value)
        if operator == "between":
            low, high = (self._path_compare(column, ref, name, end) for name, end in zip(_ENDS, value, strict=True))
            return and_(low, high)
        return self._path_compare(column, ref, operator, value)

    def _path_equals(self, column: Value, ref: Ref, value: Any) -> Condition:
        if isinstance(value, bool):
            is_boolean = self._path_type(column, ref) == ("BOOLEAN" if self.duckdb else "boolean")
            return and_(is_boolean, self._path_text(column, ref) == literal(str(value).lower(), Text))
        return self._path_compare(column, ref, "equals", value)

    def _path_compare(self, column: Value, ref: Ref, operator: str, value: Any) -> Condition:
        """Numbers are compared with numbers only, text with the text of whatever stands there."""
        text = self._path_text(column, ref)
        if isinstance(value, str):
            return _OPERATIONS[operator](text, literal(value, Text))
        kind = self._path_type(column, ref)
        is_number = kind.in_(_JSON_NUMBERS) if self.duckdb else kind == "number"
        return _OPERATIONS[operator](case((is_number, cast(text, Double))), literal(float(value), Double))

    def _path_text(self, column: Value, ref: Ref) -> Value:
        if self.duckdb:
            return func.json_extract_string(column, _pointer(ref.path), type_=Text)
        return func.jsonb_extract_path_text(cast(column, JSONB), *(literal(p, Text) for p in ref.path), type_=Text)

    def _path_type(self, column: Value, ref: Ref) -> Value:
        if self.duckdb:
            return func.json_type(column, _pointer(ref.path), type_=Text)
        node = func.jsonb_extract_path(cast(column, JSONB), *(literal(p, Text) for p in ref.path))
        return func.jsonb_typeof(node, type_=Text)


_ENDS = ("greaterThanOrEqual", "lessThanOrEqual")
_OPERATIONS: dict[str, Callable[[Value, Value], Condition]] = {
    "equals": lambda column, value: column == value,
    "greaterThan": lambda column, value: column > value,
    "greaterThanOrEqual": lambda column, value: column >= value,
    "lessThan": lambda column, value: column < value,
    "lessThanOrEqual": lambda column, value: column <= value,
    "isBefore": lambda column, value: column < value,
    "isAfter": lambda column, value: column > value,
}


def _compare(column: Value, operator: str, value: Any, ref: Ref) -> Condition:
    """A comparison; one with a `Span` means the whole of it: later than a day is from the next day on (R-110)."""
    if not isinstance(value, Span):
        return _OPERATIONS[operator](column, _bind(value, ref))
    first, end = _bind(value.first, ref), _bind(value.end, ref)
    match operator:
        case "equals":
            return _within(column, value, ref)
        case "greaterThan" | "isAfter":
            return column >= end
        case "greaterThanOrEqual":
            return column >= first
        case "lessThan" | "isBefore":
            return column < first
        case _:
            return column < end


def _within(column: Value, span: Span, ref: Ref) -> Condition:
    return and_(column >= _bind(span.first, ref), column < _bind(span.end, ref))


def _bind(value: Any, ref: Ref) -> Value:
    """A parameter of the value's own type: the column's would round 2.5 to an integer."""
    if ref.kind == "timestamp":
        return literal(value, TIMESTAMP(timezone=True))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return literal(value, Numeric()) if ref.kind in ("integer", "bigint", "decimal") else literal(value)
    if isinstance(value, float):
        return literal(value, Double)
    return literal(value, BigInteger if abs(value) < _LARGEST_INTEGER else Numeric())


def _pointer(path: tuple[str, ...]) -> Value:
    """A JSON pointer (RFC 6901): names need no quoting in it."""
    return literal("".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path), Text)
