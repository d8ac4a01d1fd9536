"""The condition of an index (`where`, T-139) as SQL for PostgreSQL's partial indexes.

A database takes only what can never change its answer for a row: comparisons of the row's own columns with constants.
What says more is left to the engine, which judges every unique key with a condition on both databases.
"""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, column

from core.fields.model import Column
from core.formulas.check import check, field_named, names
from core.formulas.compile import Context, compile_sql
from core.formulas.kind import Kind, kind_of_column
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.formulas.tree import (
    Between,
    Binary,
    Chain,
    Expression,
    In,
    Is,
    Name,
    Null,
    Number,
    Text,
    Truth,
    Unary,
    walk,
)
from core.storage.table import sqlalchemy_type

_COLUMNS = frozenset({"text", "integer", "bigint", "decimal", "double", "boolean", "date", "timestamp"})
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})


def index_condition(
    where: str, columns: Sequence[Column], dialect: Literal["duckdb", "postgresql"] = "postgresql"
) -> str | None:
    """The SQL of a condition on rows with these columns; None when an index, or a CHECK, cannot have it."""
    by_name = {each.name: each for each in columns if each.type.kind in _COLUMNS}
    kinds: dict[str, Kind] = {name: kind_of_column(each.type.kind) for name, each in by_name.items()}

    def own(name: str) -> ColumnElement[bool]:
        return column(name, sqlalchemy_type(by_name[name].type))

    try:
        expression = parse(where)
        if not _is_plain(expression, kinds) or check(expression, kinds) != "boolean":
            return None
        condition = compile_sql(expression, own, Context(dialect, kinds))
    except FormulaProblem:
        return None
    return _as_text(condition, dialect)


def _is_plain(expression: Expression, kinds: dict[str, Kind]) -> bool:
    if any(field_named(name, kinds) is None for name in names(expression)):
        return False
    asked = {id(node.operand) for node in walk(expression) if isinstance(node, Is)}
    return all(_is_lasting(node, kinds, id(node) in asked) for node in walk(expression))


def _is_lasting(node: Expression, kinds: dict[str, Kind], is_asked: bool) -> bool:
    """An instant compares with a text by the session's zone, so it may only be asked whether it is there."""
    match node:
        case Name():
            return is_asked or kinds[field_named(node.name, kinds) or ""] != "timestamp"
        case Binary():
            return node.operator in _COMPARISONS
        case Chain():
            return node.operator != "||"
        case Text() | Number() | Truth() | Null() | Unary() | Is() | In() | Between():
            return True
    return False


def _as_text(condition: ColumnElement[bool], name: str) -> str:
    from core.storage.duckdb.dialect import make_dialect as duckdb
    from core.storage.postgresql.dialect import make_dialect as postgresql

    dialect = duckdb() if name == "duckdb" else postgresql()
    dialect._backslash_escapes = False
    return str(condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
