"""From the tree of a formula to SQL, with one meaning on DuckDB and PostgreSQL.

Every expression is total (F-020): what would make a database fail for one row (a division by zero, the root of a negative
number, a text that is no number, a day that the calendar lacks, a number without end) is asked for before, and is NULL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ARRAY, BigInteger, BindParameter, Boolean, ColumnElement, Date, Double, Integer, Numeric, Time
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast
from sqlalchemy.types import TIMESTAMP, TypeEngine

from core.formulas.call import CALLS
from core.formulas.check import Kinds, annotate, field_named
from core.formulas.kind import TYPES, WHOLE_TYPES, Kind, is_list, item_of
from core.formulas.sql import Piece, Value, joined, made, text
from core.formulas.sql_date import Dates
from core.formulas.sql_list import TYPE_NAMES, Lists
from core.formulas.sql_number import (
    OPERATORS,
    alike,
    as_decimal,
    as_double,
    limited,
    negative,
    number,
    rounded,
    sure_digits,
)
from core.formulas.sql_text import Texts, json_text
from core.formulas.tree import (
    Between,
    Binary,
    Call,
    Case,
    Cast,
    Chain,
    Expression,
    In,
    Is,
    Item,
    Like,
    Listing,
    Name,
    Null,
    Number,
    Span,
    Text,
    Truth,
    Unary,
)

Dialect = Literal["duckdb", "postgresql"]
Column = Callable[[str], ColumnElement[Any]]
Result = Literal["integer", "number", "text", "boolean", "date", "timestamp", "text-list"]

_RECORD = {"RECORD_ID": "id", "CREATED_TIME": "created_at", "LAST_MODIFIED_TIME": "updated_at"}


@dataclass(frozen=True)
class Context:
    """What a formula is computed in. `kinds`: of the fields; `zone`: an IANA name, decides what a day is; `now` None: the
    database's clock, for views that outlive this moment."""

    dialect: Dialect
    kinds: Mapping[str, Kind]
    zone: str = "UTC"
    now: datetime | None = None


def compile_sql(
    expression: Expression, column: Column, context: Context, result: Result | None = None
) -> ColumnElement[Any]:
    """The SQL of a formula. `column` answers the SQL of a field by its name in `context.kinds`. With `result` the value is
    turned into that kind (the type that `RESULT_TYPES` tells); a condition needs none. Raises FormulaProblem."""
    compiler = Compiler(column, context, annotate(expression, context.kinds))
    value = compiler.build(expression)
    if result is None:
        return _typed(value)
    return _typed(compiler.as_result(value, result))


RESULT_DIGITS = (28, 10)
"""Places before and behind the point of a formula field's decimal."""


def _typed(value: Value) -> ColumnElement[Any]:
    """With the SQLAlchemy type, so that comparisons bind and rows decode as for a stored column."""
    # A formula that is nothing but a text: neither database orders or groups by a bare parameter.
    sql = sql_cast(value.sql, SqlText()) if isinstance(value.sql, BindParameter) else value.sql
    return Piece("{0}", (sql,), _type(value))


def _type(value: Value) -> TypeEngine[Any]:
    if is_list(value.kind):
        return ARRAY(_type(Value(value.sql, item_of(value.kind))))
    if value.kind == "number" and value.digits:
        return Numeric(sum(value.digits), value.digits[1])
    types: dict[str, TypeEngine[Any]] = {
        "number": Double(),
        "boolean": Boolean(),
        "date": Date(),
        "time": Time(),
        "timestamp": TIMESTAMP(timezone=True),
    }
    return types.get(value.kind, SqlText())


class Compiler:
    """One formula on its way to SQL; the functions of `call.CALLS` build with it."""

    texts: Texts
    dates: Dates
    lists: Lists

    def __init__(self, column: Column, context: Context, kinds: Kinds) -> None:
        self.column = column
        self.context = context
        self.kinds = kinds
        self.texts = Texts(context.dialect)
        self.dates = Dates(context.dialect, context.zone, context.now, self.texts)
        self.lists = Lists(context.dialect, self.texts)

    @property
    def dialect(self) -> Dialect:
        return self.context.dialect

    def build(self, node: Expression) -> Value:
        """A part in its own kind."""
        return _BUILD[type(node)](self, node)

    def take(self, parent: Expression, child: Expression) -> Value:
        """A part in the kind in which its parent wants it."""
        kind = self.kinds.wants(parent, child)
        if isinstance(child, Text):
            return self.written(child.value, kind)
        return self.convert(self.build(child), kind)

    def takes(self, parent: Expression, children: Sequence[Expression]) -> list[Value]:
        """Parts that meet in one kind; numbers, and lists of them, in one type."""
        values = [self.take(parent, child) for child in children]
        kinds = {value.kind for value in values}
        if kinds == {"number"}:
            return alike(values)
        return [self.lists.of_doubles(value) for value in values] if kinds == {"number-list"} else values

    def written(self, value: str, kind: Kind) -> Value:
        """A text of the formula as what it stands for."""
        if kind == "number":
            return number(value.strip())
        if kind == "boolean":
            return self.truth(value.strip().lower() == "true")
        if kind in ("date", "time", "timestamp"):
            return self.dates.written(value, kind)
        return Value(text(value), "text")

    # ── Kinds ──

    def convert(self, value: Value, kind: Kind) -> Value:
        """The value as another kind; the checker has allowed it."""
        if value.kind == kind or kind == "null":
            return value
        if value.kind == "null":
            return self.null(kind)
        if is_list(kind):
            return self.lists.as_texts(value) if kind == "text-list" else value
        return _CONVERT[value.kind, kind](self, value)

    def null(self, kind: Kind) -> Value:
        if kind == "number":
            return as_decimal(made("number", "NULL"), 1, 0)
        if is_list(kind):
            return made(kind, f"CAST(NULL AS {TYPE_NAMES[item_of(kind)]}[])")
        names = {"time": "TIME", "interval": "INTERVAL", "bytes": "BYTEA", **TYPE_NAMES}
        return made(kind, f"CAST(NULL AS {names.get(kind, 'VARCHAR')})")

    def as_result(self, value: Value, result: Result) -> Value:
        """The value as a formula field keeps it: numbers are exact, what does not fit is NULL."""
        kind: Kind = "number" if result == "integer" else result
        value = self.convert(value, kind)
        if result == "integer":
            whole = rounded(value, None, self.dialect)
            if whole.digits is None:
                whole = limited(whole, "9.2e18")
            elif whole.digits[0] > 18:
                whole = limited(whole, "9223372036854775808", "DECIMAL(19, 0)")
            return whole.piece("CAST({0} AS BIGINT)", kind="number")
        if result == "number":
            before, behind = RESULT_DIGITS
            if value.digits is None:
                return as_decimal(sure_digits(limited(value, "9e27"), self.dialect, behind), before, behind)
            if value.digits[0] > before:
                most = "9" * before
                value = Value(limited(value, most, f"DECIMAL({before}, 0)").sql, "number", value.digits)
            return as_decimal(value, before, behind)
        return value

    # ── Nodes ──

    def truth(self, value: bool) -> Value:
        return made("boolean", "TRUE" if value else "FALSE")

    def name(self, node: Name) -> Value:
        return self.field(node.name)

    def field(self, name: str) -> Value:
        found = field_named(name, self.context.kinds)
        assert found is not None
        column, kind = self.column(found), self.context.kinds[found]
        if kind == "number":
            return _number(column)
        if kind == "text" and not isinstance(column.type, SqlText):
            column = json_text(column)
        return Value(column, kind)

    def unary(self, node: Unary) -> Value:
        value = self.take(node, node.operand)
        if node.operator == "NOT":
            return value.piece("(NOT {0})")
        if node.operator == "+":
            return value
        return negative(value) if value.kind == "number" else value.piece("(- {0})")

    def chain(self, node: Chain) -> Value:
        parts = [self.take(node, operand).sql for operand in node.operands]
        return Value(joined(parts, f" {node.operator} "), "text" if node.operator == "||" else "boolean")

    def binary(self, node: Binary) -> Value:
        if node.operator == "XOR":
            left, right = self.take(node, node.left), self.take(node, node.right)
            return left.piece("({0} <> {1})", right)
        if node.operator in ("=", "<>", "<", ">", "<=", ">="):
            left, right = self.takes(node, (node.left, node.right))
            return left.piece(f"({{0}} {node.operator} {{1}})", right, kind="boolean")
        left, right = self.take(node, node.left), self.take(node, node.right)
        if left.kind == right.kind == "number":
            return OPERATORS[node.operator](left, right)
        return self.moved(node, left, right)

    def moved(self, node: Binary, left: Value, right: Value) -> Value:
        """Arithmetic of dates and intervals."""
        dates, operator, kind = self.dates, node.operator, self.kinds[node]
        match left.kind, right.kind:
            case "date", "number":
                return dates.shifted(left, right, operator)
            case "number", "date":
                return dates.shifted(right, left, operator)
            case "date", "date":
                return dates.days_between(left, right)
            case (("date" | "timestamp" | "time"), "interval"):
                return dates.moved(left, right, operator, kind)
            case "interval", ("date" | "timestamp"):
                return dates.moved(right, left, operator, kind)
            case "interval", "interval":
                return dates.fitting(left.piece(f"({{0}} {operator} {{1}})", right))
            case "interval", "number":
                return dates.multiplied(left, right)
            case "number", "interval":
                return dates.multiplied(right, left)
            case "null", _:
                return self.null(kind)
            case _, "null":
                return self.null(kind)
        return dates.between(left, right)

    def is_(self, node: Is) -> Value:
        value = self.take(node, node.operand)
        negated = "NOT " if node.negated else ""
        if value.kind == "null":
            value = self.null("boolean")
        return value.piece(f"({{0}} IS {negated}{node.what})", kind="boolean")

    def in_(self, node: In) -> Value:
        values = self.takes(node, (node.operand, *node.items))
        holes = ", ".join(f"{{{i}}}" for i in range(1, len(values)))
        return made("boolean", f"({{0}} {'NOT ' if node.negated else ''}IN ({holes}))", *values)

    def between(self, node: Between) -> Value:
        values = self.takes(node, (node.operand, node.low, node.high))
        return made("boolean", f"({{0}} {'NOT ' if node.negated else ''}BETWEEN {{1}} AND {{2}})", *values)

    def like(self, node: Like) -> Value:
        """`%` and `_` only: there is no escape, which could stand wrong."""
        word = "ILIKE" if node.ignores_case else "LIKE"
        end = "" if self.dialect == "duckdb" else " ESCAPE ''"
        template = f"({{0}} {'NOT ' if node.negated else ''}{word} {{1}}{end})"
        return made("boolean", template, self.take(node, node.operand), self.take(node, node.pattern))

    def case(self, node: Case) -> Value:
        """The branches of a CASE in the last place join its own: `IF` in `IF` grows no deeper."""
        conditions = [self.take(node, condition) for condition, _ in node.branches]
        results = [result for _, result in node.branches] + ([node.otherwise] if node.otherwise else [])
        return self.choice(conditions, self.takes(node, results), self.kinds[node])

    def choice(self, conditions: Sequence[Value], results: Sequence[Value], kind: Kind) -> Value:
        """CASE; one result more than conditions: ELSE."""
        count = len(conditions)
        arms = "".join(f" WHEN {{{i}}} THEN {{{count + i}}}" for i in range(count))
        last = f" ELSE {{{2 * count}}}" if len(results) > count else ""
        found = made(kind, f"CASE{arms}{last} END", *conditions, *results)
        return Value(found.sql, kind, results[0].digits)

    def cast(self, node: Cast) -> Value:
        kind = TYPES[node.type]
        if isinstance(node.operand, Text) and kind not in ("number", "bytes"):
            return self.written(node.operand.value, kind)
        value = self.convert(self.take(node, node.operand), kind)
        if node.type in WHOLE_TYPES:
            return rounded(value, None, self.dialect)
        return value

    def listing(self, node: Listing) -> Value:
        values = self.takes(node, node.items)
        within = any(is_list(value.kind) for value in values)
        return self.lists.gathered(values) if within else self.lists.of(values, self.kinds[node])

    def item(self, node: Item) -> Value:
        value, index = self.take(node, node.operand), self.take(node, node.index)
        if not is_list(value.kind):
            return value  # of REGEXP_MATCH, see the checker
        found = self.lists.item(value, index)
        return as_double(_double(found)) if found.kind == "number" else found

    def call(self, node: Call) -> Value:
        return CALLS[node.function](self, node)

    # ── Arguments ──

    def arguments(self, node: Call) -> list[Value]:
        return self.takes(node, node.arguments)

    def some(self, node: Call, *, at_most: int) -> list[Value | None]:
        """The arguments one by one, None for what is left out."""
        values: list[Value | None] = [self.take(node, child) for child in node.arguments]
        return values + [None] * (at_most - len(values))


def _double(value: Value) -> Value:
    return Value(value.piece("CAST({0} AS FLOAT8)").sql, "number")


def _number(column: ColumnElement[Any]) -> Value:
    """A number of a field, with what its type tells about its digits."""
    kind = column.type
    if isinstance(kind, Integer):
        size = 10 if not isinstance(kind, BigInteger) and hasattr(column, "table") else 19
        return as_decimal(Value(column, "number"), size, 0)
    if isinstance(kind, Numeric) and not isinstance(kind, Double) and kind.precision and kind.asdecimal:
        return Value(column, "number", (kind.precision - (kind.scale or 0), kind.scale or 0))
    return _double(Value(column, "number"))


_CONVERT: dict[tuple[Kind, Kind], Callable[[Compiler, Value], Value]] = {
    ("number", "text"): lambda c, value: c.texts.of_number(value),
    ("number", "boolean"): lambda c, value: value.piece("({0} <> 0)", kind="boolean"),
    ("boolean", "text"): lambda c, value: value.piece("CAST({0} AS VARCHAR)", kind="text"),
    ("boolean", "number"): lambda c, value: as_decimal(value.piece("CAST({0} AS INTEGER)", kind="number"), 1, 0),
    ("text", "number"): lambda c, value: c.texts.to_number(value),
    ("text", "boolean"): lambda c, value: c.texts.to_boolean(value),
    ("text", "date"): lambda c, value: c.dates.read_date(value),
    ("text", "time"): lambda c, value: c.dates.read_time(value),
    ("text", "timestamp"): lambda c, value: c.dates.read_instant(value),
    ("text", "bytes"): lambda c, value: c.texts.as_bytes(value),
    ("bytes", "text"): lambda c, value: c.texts.of_bytes(value),
    ("date", "text"): lambda c, value: c.dates.to_text(value),
    ("time", "text"): lambda c, value: c.dates.to_text(value),
    ("timestamp", "text"): lambda c, value: c.dates.to_text(value),
    ("date", "timestamp"): lambda c, value: c.dates.to_instant(value),
    ("timestamp", "date"): lambda c, value: c.dates.to_date(value),
    ("timestamp", "time"): lambda c, value: c.dates.to_time(value),
}
"""From one kind to another; `check.castable` lists the same pairs."""

_BUILD: dict[type[Expression], Callable[[Compiler, Any], Value]] = {
    Number: lambda c, node: number(node.text),
    Text: lambda c, node: Value(text(node.value), "text"),
    Truth: lambda c, node: c.truth(node.value),
    Null: lambda c, node: made("null", "NULL"),
    Span: lambda c, node: c.dates.interval(node),
    Name: Compiler.name,
    Unary: Compiler.unary,
    Binary: Compiler.binary,
    Chain: Compiler.chain,
    Is: Compiler.is_,
    In: Compiler.in_,
    Between: Compiler.between,
    Like: Compiler.like,
    Case: Compiler.case,
    Cast: Compiler.cast,
    Listing: Compiler.listing,
    Item: Compiler.item,
    Call: Compiler.call,
}
