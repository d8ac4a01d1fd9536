"""Filters as clients write them, read into a tree (spec §11).

Four forms say the same (D-11): `{"and": [{"field": "status", "operator": "equals", "value": "open"}]}`, the leaf alone,
the shorthand `{"status": "open"}`, and `status:open`. Values are converted and operators checked while reading, so that
what comes out can always be compiled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, FromClause

from core.errors import BadRequest
from core.fields.condition import GROUPS, MAX_DEPTH
from core.formulas.tree import Expression
from core.query import operator as operators
from core.query.operand import Span, fragment, member, operand, pair, pattern, period, radius
from core.query.scope import Ref, Scope, UnknownField
from core.sentence import say

MAX_LEAVES = 200


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. `value` is what the column is compared with; a list for `in`, `notIn`, `hasAll`, `between`."""

    ref: Ref
    operator: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true without parts."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds; false without parts (R-109)."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


@dataclass(frozen=True, slots=True)
class Written:
    """A condition in the formula language, checked (`filterByFormula`)."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class Given:
    """A condition that is put together elsewhere, on the table of a scope or another FROM that has its columns. NULL is as
    good as false where rows are chosen."""

    make: Callable[["Scope", FromClause | None], ColumnElement[bool]]


Node = Leaf | All | Some | Not | Written | Given


def is_never(node: Node | None) -> bool:
    """The form alone says that no row meets it; nobody needs to ask the database."""
    match node:
        case All(parts):
            return any(is_never(part) for part in parts)
        case Some(parts):
            return all(is_never(part) for part in parts)
        case Leaf(_, "in", values):
            return not values
    return False


def parse_filter(raw: Any, scope: Scope) -> Node | None:
    """Read a filter from text (a URL) or JSON data. None and "" mean no filter. Raises BadRequest."""
    if isinstance(raw, str):
        text = raw.strip()
        if not text:
            return None
        if text[0] not in "{[":
            return All(tuple(_pair(part, scope) for part in text.split(",")))
        try:
            raw = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise BadRequest("The filter is not valid JSON") from None
    return None if raw is None else _Parser(scope).node(raw, 1)


def _pair(text: str, scope: Scope) -> Leaf:
    name, colon, value = text.partition(":")
    if not colon:
        raise BadRequest(say("Cannot read the filter {text!r}", text=text), hint="Write field:value, or a JSON filter")
    return leaf(name.strip(), "equals", value.strip(), scope)


class _Parser:
    """Walks the JSON form and counts its leaves."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.leaves = 0

    def node(self, raw: Any, depth: int) -> Node:
        if isinstance(raw, list):
            return All(self._parts(raw, depth))
        if not isinstance(raw, Mapping):
            raise BadRequest("A filter is an object: a condition, or and, or, not")
        groups = [key for key in GROUPS if key in raw and self._is_group(key, raw[key])]
        if groups and len(raw) > 1:
            raise BadRequest(say("Nothing may stand beside {key!r} in a filter", key=groups[0]))
        if groups:
            return self._group(groups[0], raw[groups[0]], depth)
        if "field" in raw and "operator" in raw:
            return self._leaf(raw)
        return All(tuple(self._shorthand(name, value) for name, value in raw.items()))

    @staticmethod
    def _is_group(key: str, value: Any) -> bool:
        return isinstance(value, list | Mapping) if key == "not" else isinstance(value, list)

    def _group(self, key: str, value: Any, depth: int) -> Node:
        if key == "not":
            return Not(self._parts([value], depth)[0])
        parts = self._parts(value, depth)
        return All(parts) if key == "and" else Some(parts)

    def _parts(self, raw: list[Any], depth: int) -> tuple[Node, ...]:
        if depth > MAX_DEPTH:
            raise BadRequest(say("The filter is nested deeper than {most}", most=MAX_DEPTH))
        return tuple(self.node(part, depth + 1) for part in raw)

    def _leaf(self, raw: Mapping[str, Any]) -> Leaf:
        unknown = set(raw) - {"field", "operator", "value"}
        if unknown:
            raise BadRequest(say("Unknown key {key!r} in a filter condition", key=min(unknown)))
        name, operator = raw["field"], raw["operator"]
        if not isinstance(name, str) or not isinstance(operator, str):
            raise BadRequest("field and operator of a filter condition are text")
        self._count()
        return leaf(name, operator, raw.get("value"), self.scope, has_value="value" in raw)

    def _shorthand(self, name: str, value: Any) -> Leaf:
        self._count()
        return leaf(name, "equals", value, self.scope)

    def _count(self) -> None:
        self.leaves += 1
        if self.leaves > MAX_LEAVES:
            raise BadRequest(say("The filter has more than {most} conditions", most=MAX_LEAVES))


def leaf(name: str, operator: str, value: Any, scope: Scope, *, has_value: bool = True) -> Leaf:
    """One checked condition. Raises BadRequest naming field, type and operator (R-106)."""
    if _holds_nul((name, value)):
        raise BadRequest("filter: no text holds the character U+0000")
    try:
        ref = scope.resolve(name)
    except UnknownField as error:
        raise BadRequest(say("filter: {error}", error=say(error.message))) from None
    canonical = operators.canonical(operator)
    if canonical is None:
        raise BadRequest(say("filter: unknown operator {operator!r}", operator=operator))
    allowed = operators.PATH_OPERATORS if ref.path else ref.type.operators()
    if canonical not in allowed:
        raise BadRequest(
            say(
                "filter: field {name!r} of type {kind} does not take the operator {operator!r}",
                name=name,
                kind=ref.type.name,
                operator=canonical,
            ),
            hint=say("It takes {allowed}", allowed=", ".join(allowed)),
        )
    if canonical == "isCurrentUser":
        return Leaf(ref, canonical, scope.user)
    if canonical in operators.WITHOUT_VALUE:
        return Leaf(ref, canonical)
    if not has_value:
        raise BadRequest(say("filter: {operator!r} on {name!r} needs a value", operator=canonical, name=name))
    if value is None and canonical in ("equals", "notEquals"):
        return Leaf(ref, "isNull" if canonical == "equals" else "isNotNull")
    try:
        return Leaf(ref, canonical, _value(canonical, value, ref, scope))
    except (ValueError, OverflowError) as error:
        raise BadRequest(
            say(
                "filter: {name!r} of type {kind}, {operator}: {problem}",
                name=name,
                kind=ref.type.name,
                operator=canonical,
                problem=error.args[0],
            )
        ) from None


def _holds_nul(raw: Any) -> bool:
    """PostgreSQL takes no such text, not even as what is looked for."""
    match raw:
        case str():
            return "\0" in raw
        case list() | tuple():
            return any(map(_holds_nul, raw))
        case Mapping():
            return any(map(_holds_nul, (*raw, *raw.values())))
    return False


def _value(operator: str, raw: Any, ref: Ref, scope: Scope) -> Any:
    if raw is None:
        raise ValueError(say("expected a value, got null"))
    if operator in operators.WITH_LIST:
        if not isinstance(raw, list):
            raise ValueError(say("expected a list"))
        if None in raw:
            raise ValueError(say("null in a list; use isNull"))
        return tuple(member(item, ref, scope) for item in raw)
    if operator == "between":
        return tuple(operand(end, ref, scope) for end in pair(raw))
    if operator == "isWithin":
        return period(raw, ref, scope)
    if operator == "matches":
        return pattern(raw)
    if operator == "withinRadius":
        return radius(raw)
    if operator in operators.TEXT_VALUE and not ref.is_list:
        return fragment(raw, scope)
    if ref.path and operator not in ("equals", "notEquals") and isinstance(operand(raw, ref, scope), bool):
        raise ValueError(say("expected text or a number"))
    value = operand(raw, ref, scope)
    if isinstance(value, list):
        return tuple(value)
    return value


__all__ = ["All", "Given", "Leaf", "Node", "Not", "Some", "Span", "leaf", "parse_filter"]
