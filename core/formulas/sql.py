"""A piece of SQL with holes: how the formula language writes what SQLAlchemy has no construct for.

Templates are constants of this package. Values of a formula come as bound parameters, fields as SQLAlchemy's own elements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NULLTYPE, TypeEngine

from core.formulas.kind import Kind

Element = ColumnElement[Any]
_LONG = 200
"""Characters of an operand that is not written twice."""


class Piece(ColumnElement[Any]):
    """`template` with `{0}`, `{1}` … where the parts go; a part may stand in several places. `on_duckdb`: another one for
    that database."""

    __visit_name__ = "formula_piece"
    inherit_cache = True
    _traverse_internals = [
        ("template", InternalTraversal.dp_string),
        ("on_duckdb", InternalTraversal.dp_string),
        ("parts", InternalTraversal.dp_clauseelement_tuple),
        ("type", InternalTraversal.dp_type),
    ]

    def __init__(
        self, template: str, parts: tuple[Element, ...], type_: TypeEngine[Any] = NULLTYPE, on_duckdb: str = ""
    ) -> None:
        self.template = template
        self.on_duckdb = on_duckdb
        self.parts = parts
        self.type = type_

    @property
    def _from_objects(self) -> list[FromClause]:
        return [each for part in self.parts for each in part._from_objects]


@compiles(Piece)
def _render(piece: Piece, compiler: Any, **kw: Any) -> str:
    on_duckdb = compiler.dialect.name == "duckdb"
    template = (on_duckdb and piece.on_duckdb) or piece.template
    if compiler.preparer._double_percents:
        template = template.replace("%", "%%")
    parts = list(map(_part, piece.parts, repeat(compiler), repeat(kw)))
    if on_duckdb and any(len(part) > _LONG and _times(template, place) > 1 for place, part in enumerate(parts)):
        return _bound_once(template, parts)
    return template.format(*parts)


def _times(template: str, place: int) -> int:
    """How often DuckDB binds a part of a template. It takes what stands in NULLIF twice."""
    hole = f"{{{place}}}"
    return template.count(hole) + template.count(f"NULLIF({hole}")


def _bound_once(template: str, parts: list[str]) -> str:
    """A template whose parts are members of a row, which is made once: written out, a part that stands in several places
    would be bound in each, and ten such steps in one another a thousand times."""
    if "SELECT" in template:  # no query stands in a lambda
        return template.format(*parts)
    members = ", ".join(f"p{place} := {part}" for place, part in enumerate(parts))
    names = (f"_r.p{place}" for place in range(len(parts)))
    return f"list_transform([struct_pack({members})], lambda _r: {template.format(*names)})[1]"


def _part(part: Element, compiler: Any, kw: dict[str, Any]) -> str:
    """Templates put parentheses where they need them; elements of others may be operators."""
    if isinstance(part, Piece):
        return _render(part, compiler, **kw)  # by itself: three frames fewer for each step of a deep formula
    shown: str = compiler.process(part, **kw)
    return shown if getattr(part, "operator", None) is None else f"({shown})"


def sql(template: str, *parts: Element) -> Element:
    """A template with its parts."""
    return Piece(template, parts)


def text(value: str) -> Element:
    """A text of the formula, as a bound parameter."""
    return literal(value, Text())


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled part. `digits`: places before and behind the point of an exact number (DECIMAL); None: a double."""

    sql: Element
    kind: Kind
    digits: tuple[int, int] | None = None
    constant: float | None = None
    """The number that stands in the formula itself."""

    def piece(self, template: str, *others: "Value | Element", kind: Kind | None = None) -> "Value":
        """A template around this value."""
        parts = [self.sql, *(other.sql if isinstance(other, Value) else other for other in others)]
        return Value(Piece(template, tuple(parts)), kind or self.kind)


def made(kind: Kind, template: str, *parts: "Value | Element") -> Value:
    """A value of a kind from a template."""
    return Value(Piece(template, tuple(each.sql if isinstance(each, Value) else each for each in parts)), kind)


def joined(parts: Iterable[Element], separator: str) -> Element:
    """All parts with an operator between them, in parentheses."""
    found = tuple(parts)
    return Piece("(" + separator.join(f"{{{i}}}" for i in range(len(found))) + ")", found)
