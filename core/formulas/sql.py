"""A piece of SQL with holes: how the formula language writes what SQLAlchemy has no construct for.

Templates are constants of this package. Values of a formula come as bound parameters, fields as SQLAlchemy's own elements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import NULLTYPE, TypeEngine

from core.formulas.kind import Kind

Element = ColumnElement[Any]


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
    template = (compiler.dialect.name == "duckdb" and piece.on_duckdb) or piece.template
    if compiler.preparer._double_percents:
        template = template.replace("%", "%%")
    return template.format(*(_part(part, compiler, kw) for part in piece.parts))


def _part(part: Element, compiler: Any, kw: dict[str, Any]) -> str:
    """Templates put parentheses where they need them; elements of others may be operators."""
    shown: str = compiler.process(part, **kw)
    return shown if isinstance(part, Piece) or getattr(part, "operator", None) is None else f"({shown})"


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
