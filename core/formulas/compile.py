"""From the tree of a formula to SQL, with one meaning on DuckDB and PostgreSQL.

Every expression is total (F-020): what would make a database fail for one row (a division by zero, the root of a negative
number, a text that is no number, a day that the calendar lacks, a number without end) is asked for before, and is NULL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Date, Double, Integer, Numeric, Time
from sqlalchemy import Text as SqlText
from sqlalchemy import cast as sql_cast
from sqlalchemy.types import TIMESTAMP, TypeEngine

from core.formulas.check import Kinds, annotate, field_named, switch_results
from core.formulas.function import unit_of
from core.formulas.kind import TYPES, WHOLE_TYPES, Kind, is_list, item_of
from core.formulas.pattern import date_pieces, moment_pieces, number_pattern, reading_form
from core.formulas.sql import Piece, Value, joined, made, text
from core.formulas.sql_date import Dates
from core.formulas.sql_list import TYPE_NAMES, Lists, comma
from core.formulas.sql_number import (
    OPERATORS,
    absolute,
    alike,
    as_decimal,
    as_double,
    even,
    exponential,
    limit,
    logarithm,
    natural_logarithm,
    negative,
    next_whole,
    number,
    odd,
    power,
    rest,
    root,
    rounded,
    sign,
)
from core.formulas.sql_text import Texts
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
    compiler = _Compiler(column, context, annotate(expression, context.kinds))
    value = compiler.build(expression)
    if result is None:
        return _typed(value)
    return _typed(compiler.as_result(value, result))


RESULT_DIGITS = (28, 10)
"""Places before and behind the point of a formula field's decimal."""


def _typed(value: Value) -> ColumnElement[Any]:
    """With the SQLAlchemy type, so that comparisons bind and rows decode as for a stored column."""
    return Piece("{0}", (value.sql,), _type(value))


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


class _Compiler:
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
        """Parts that meet in one kind; numbers in one type."""
        values = [self.take(parent, child) for child in children]
        return alike(values) if values and all(value.kind == "number" for value in values) else values

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
            if whole.digits and whole.digits[0] <= 18:
                return whole.piece("CAST({0} AS BIGINT)", kind="number")
            return as_double(whole).piece(f"CAST({limit('{0}', '9.2e18')} AS BIGINT)", kind="number")
        if result == "number":
            before, behind = RESULT_DIGITS
            if value.digits is None:
                return as_decimal(value.piece(limit("{0}", "9e27")), before, behind)
            if value.digits[0] > before:
                most = "9" * before
                value = Value(value.piece(limit("{0}", most, f"DECIMAL({before}, 0)")).sql, "number", value.digits)
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
            column = sql_cast(column, SqlText)
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
        if isinstance(node.operand, Text) and kind != "number":
            return self.written(node.operand.value, kind)
        value = self.convert(self.take(node, node.operand), kind)
        if node.type in WHOLE_TYPES:
            return rounded(value, None, self.dialect)
        return value

    def listing(self, node: Listing) -> Value:
        return self.lists.of(self.takes(node, node.items), self.kinds[node])

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


def _text_of(node: Expression) -> str:
    assert isinstance(node, Text)
    return node.value


def _unit(node: Call, index: int, otherwise: str = "day") -> str:
    """The unit that a call names."""
    if len(node.arguments) <= index:
        return otherwise
    return unit_of(_text_of(node.arguments[index])) or otherwise


# ── Functions: a line each ──

_Builder = Callable[[_Compiler, Call], Value]


def _each(function: Callable[..., Value]) -> _Builder:
    """A function of the arguments' values."""
    return lambda c, node: function(*(c.take(node, child) for child in node.arguments))


def _texts(name: str) -> _Builder:
    return lambda c, node: getattr(c.texts, name)(*(c.take(node, child) for child in node.arguments))


def _lists(name: str) -> _Builder:
    return lambda c, node: getattr(c.lists, name)(*(c.take(node, child) for child in node.arguments))


def _if(c: _Compiler, node: Call) -> Value:
    condition = c.take(node, node.arguments[0])
    return c.choice([condition], c.takes(node, node.arguments[1:]), c.kinds[node])


def _switch(c: _Compiler, node: Call) -> Value:
    subject, *others = node.arguments
    pairs = len(others) // 2
    first, *matches = c.takes(node, (subject, *others[: 2 * pairs : 2]))
    conditions = [first.piece("({0} = {1})", match, kind="boolean") for match in matches]
    return c.choice(conditions, c.takes(node, switch_results(others)), c.kinds[node])


def _same(template: str) -> _Builder:
    """A function of values of one kind that gives one of them: `NAME({*})`."""

    def build(c: _Compiler, node: Call) -> Value:
        values = c.arguments(node)
        holes = ", ".join(f"{{{i}}}" for i in range(len(values)))
        found = made(c.kinds[node], template.replace("*", holes), *values)
        return Value(found.sql, c.kinds[node], values[0].digits)

    return build


def _logic(word: str) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        return Value(joined([c.take(node, child).sql for child in node.arguments], word), "boolean")

    return build


def _xor(c: _Compiler, node: Call) -> Value:
    first, *others = (c.take(node, child) for child in node.arguments)
    for other in others:
        first = first.piece("({0} <> {1})", other)
    return first


def _t(c: _Compiler, node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    return value if value.kind == "text" else c.null("text")


def _round(how: str) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        value, places = c.some(node, at_most=2)
        assert value is not None
        return rounded(value, places, c.dialect, how)

    return build


def _log(c: _Compiler, node: Call) -> Value:
    values = [c.take(node, child) for child in node.arguments]
    return logarithm(values[0] if len(values) > 1 else None, values[-1])


def _part(name: str) -> _Builder:
    return lambda c, node: c.dates.part(name, c.take(node, node.arguments[0]))


def _extract(c: _Compiler, node: Call) -> Value:
    return c.dates.part(_text_of(node.arguments[0]), c.take(node, node.arguments[1]))


def _moved(sign: str) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        moment, amount = (c.take(node, child) for child in node.arguments[:2])
        if amount.kind != "interval":
            amount = c.dates.units(amount, _unit(node, 2))
        return c.dates.moved(moment, amount, sign, c.kinds[node])

    return build


def _borders(c: _Compiler, node: Call) -> Value:
    first, last = (c.take(node, child) for child in node.arguments[1:])
    return c.dates.borders(_unit(node, 0), first, last)


def _whole_units(c: _Compiler, node: Call) -> Value:
    later, earlier = (c.take(node, child) for child in node.arguments[:2])
    return c.dates.whole_units(_unit(node, 2), later, earlier)


def _age(c: _Compiler, node: Call) -> Value:
    values = [c.take(node, child) for child in node.arguments]
    return c.dates.age(*values) if len(values) == 2 else c.dates.age(c.dates.today(), values[0])


def _to_char(c: _Compiler, node: Call) -> Value:
    value, pattern = c.take(node, node.arguments[0]), _text_of(node.arguments[1])
    if value.kind == "null":
        return c.null("text")
    if value.kind == "number":
        return c.texts.by_pattern(value, number_pattern(pattern))
    return c.dates.by_pattern(value, date_pieces(pattern))


def _format(c: _Compiler, node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    if len(node.arguments) == 1:
        return c.convert(value, "text")
    if value.kind == "null":
        return c.null("text")
    return c.dates.by_pattern(value, moment_pieces(_text_of(node.arguments[1])))


def _reading(kind: Kind, *, moment: bool) -> _Builder:
    """TO_DATE, TO_TIMESTAMP, DATETIME_PARSE."""

    def build(c: _Compiler, node: Call) -> Value:
        value = c.take(node, node.arguments[0])
        if value.kind == "number":
            return c.dates.of_epoch(value)
        if value.kind == "null":
            return c.null(kind)
        if len(node.arguments) == 1:
            return c.convert(value, kind)
        pieces = (moment_pieces if moment else date_pieces)(_text_of(node.arguments[1]))
        return c.dates.read_pattern(value, reading_form(pieces), kind)

    return build


def _ordered(operator: str) -> _Builder:
    """IS_BEFORE and IS_AFTER: a day meets an instant at its beginning."""

    def build(c: _Compiler, node: Call) -> Value:
        left, right = _alike_moments(c, node)
        return left.piece(f"({{0}} {operator} {{1}})", right, kind="boolean")

    return build


def _alike_moments(c: _Compiler, node: Call) -> list[Value]:
    values = [c.take(node, child) for child in node.arguments[:2]]
    if {value.kind for value in values} == {"date"}:
        return values
    return [c.convert(value, "timestamp") for value in values]


def _is_same(c: _Compiler, node: Call) -> Value:
    left, right = _alike_moments(c, node)
    if len(node.arguments) == 3:
        unit = _unit(node, 2)
        left, right = (c.dates.truncated(unit, value) for value in (left, right))
    return left.piece("({0} = {1})", right, kind="boolean")


def _array_length(c: _Compiler, node: Call) -> Value:
    """As PostgreSQL: NULL for an empty list, and for a second dimension."""
    count = c.lists.count(c.take(node, node.arguments[0]))
    if len(node.arguments) == 1:
        return Value(count.piece("NULLIF({0}, 0)").sql, "number", count.digits)
    dimension = c.take(node, node.arguments[1])
    return Value(count.piece("CASE WHEN {1} = 1 THEN NULLIF({0}, 0) END", dimension).sql, "number", count.digits)


def _removed(c: _Compiler, node: Call) -> Value:
    value, item = (c.take(node, child) for child in node.arguments)
    wanted = item_of(value.kind)
    if item.kind in (wanted, "null"):
        item = c.convert(item, wanted)
        return c.lists.removed(value, as_double(item) if wanted == "number" else item)
    return value


def _slice(c: _Compiler, node: Call) -> Value:
    value, first, last = c.some(node, at_most=3)
    assert value is not None
    assert first is not None
    return c.lists.slice(value, first, last)


def _array_join(c: _Compiler, node: Call) -> Value:
    value, separator = c.some(node, at_most=2)
    assert value is not None
    return c.lists.join(value, separator or comma())


def _extreme(name: str) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        values = c.arguments(node)
        if not any(is_list(value.kind) for value in values):
            values = [c.convert(value, c.kinds[node]) for value in values]
        return c.lists.extreme(name, values)

    return build


def _regex(function: Literal["match", "extract"]) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        value, regex = c.take(node, node.arguments[0]), _text_of(node.arguments[1])
        if function == "match":
            return value.piece(c.texts.matches(), text(regex), kind="boolean")
        return c.texts.found(value, regex, groups=_has_groups(regex))

    return build


def _has_groups(regex: str) -> bool:
    import re

    return re.compile(regex).groups > 0


def _regex_replaced(flags: str | None) -> _Builder:
    def build(c: _Compiler, node: Call) -> Value:
        value, new = c.take(node, node.arguments[0]), c.take(node, node.arguments[2])
        given = _text_of(node.arguments[3]) if len(node.arguments) > 3 else ""
        literal = isinstance(node.arguments[2], Text)
        regex = _text_of(node.arguments[1])
        return c.texts.regex_replaced(value, regex, new, given if flags is None else flags, literal=literal)

    return build


def _find(c: _Compiler, node: Call) -> Value:
    wanted, value, start = c.some(node, at_most=3)
    assert wanted is not None
    assert value is not None
    return c.texts.position(value, wanted) if start is None else c.texts.position_from(value, wanted, start)


def _search(c: _Compiler, node: Call) -> Value:
    wanted, value = (c.take(node, child).piece("LOWER({0})") for child in node.arguments)
    found = c.texts.position(value, wanted)
    return Value(found.piece("NULLIF({0}, 0)").sql, "number", found.digits)


def _trim(c: _Compiler, node: Call) -> Value:
    value, marks = c.some(node, at_most=2)
    assert value is not None
    return c.texts.trimmed(value, marks)


def _substring(c: _Compiler, node: Call) -> Value:
    value, start, count = c.some(node, at_most=3)
    assert value is not None
    assert start is not None
    return c.texts.part(value, start, count)


def _overlay(c: _Compiler, node: Call) -> Value:
    value, other, start, count = c.some(node, at_most=4)
    assert value is not None
    assert other is not None
    assert start is not None
    return c.texts.overlaid(value, other, start, count)


def _encoding(name: str) -> _Builder:
    return lambda c, node: getattr(c.texts, name)(c.take(node, node.arguments[0]), _text_of(node.arguments[1]))


def _iserror(c: _Compiler, node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    return c.truth(True) if value.kind == "null" else value.piece("({0} IS NULL)", kind="boolean")


_CONVERT: dict[tuple[Kind, Kind], Callable[[_Compiler, Value], Value]] = {
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
    ("date", "text"): lambda c, value: c.dates.to_text(value),
    ("time", "text"): lambda c, value: c.dates.to_text(value),
    ("timestamp", "text"): lambda c, value: c.dates.to_text(value),
    ("date", "timestamp"): lambda c, value: c.dates.to_instant(value),
    ("timestamp", "date"): lambda c, value: c.dates.to_date(value),
    ("timestamp", "time"): lambda c, value: c.dates.to_time(value),
}
"""From one kind to another; `check.castable` lists the same pairs."""

CALLS: dict[str, _Builder] = {
    "IF": _if,
    "SWITCH": _switch,
    "COALESCE": _same("COALESCE(*)"),
    "NULLIF": _same("NULLIF(*)"),
    "GREATEST": _same("GREATEST(*)"),
    "LEAST": _same("LEAST(*)"),
    "AND": _logic(" AND "),
    "OR": _logic(" OR "),
    "XOR": _xor,
    "NOT": _each(lambda value: value.piece("(NOT {0})")),
    "TRUE": lambda c, node: c.truth(True),
    "FALSE": lambda c, node: c.truth(False),
    "BLANK": lambda c, node: made("null", "NULL"),
    "IFERROR": _same("COALESCE(*)"),
    "ISERROR": _iserror,
    "CONCAT": lambda c, node: c.texts.join([c.take(node, child) for child in node.arguments]),
    "CONCATENATE": lambda c, node: c.texts.join([c.take(node, child) for child in node.arguments]),
    "UPPER": _each(lambda value: value.piece("UPPER({0})")),
    "LOWER": _each(lambda value: value.piece("LOWER({0})")),
    "INITCAP": _texts("capitalised"),
    "TRIM": _trim,
    "LENGTH": _texts("length"),
    "LEN": _texts("length"),
    "SUBSTRING": _substring,
    "SUBSTR": _substring,
    "MID": _substring,
    "LEFT": _each(lambda value, count: Texts("").edge("LEFT", value, count)),
    "RIGHT": _each(lambda value, count: Texts("").edge("RIGHT", value, count)),
    "REPLACE": _texts("replaced"),
    "SUBSTITUTE": _texts("replaced"),
    "OVERLAY": _overlay,
    "REPEAT": _texts("repeated"),
    "REPT": _texts("repeated"),
    "STRPOS": _texts("position"),
    "FIND": _find,
    "SEARCH": _search,
    "STRING_TO_ARRAY": _lists("split"),
    "ARRAY_TO_STRING": _lists("join"),
    "CHR": _texts("character"),
    "ASCII": _texts("code"),
    "ENCODE": _encoding("encoded"),
    "DECODE": _encoding("decoded"),
    "CONVERT_FROM": lambda c, node: c.texts.of_bytes(c.take(node, node.arguments[0])),
    "ENCODE_URL": _texts("url_encoded"),
    "T": _t,
    "VALUE": lambda c, node: c.convert(c.take(node, node.arguments[0]), "number"),
    "ROUND": _round("half"),
    "ROUNDUP": _round("up"),
    "ROUNDDOWN": _round("down"),
    "TRUNC": _round("down"),
    "CEIL": _each(lambda value: next_whole(value, "CEIL")),
    "FLOOR": _each(lambda value: next_whole(value, "FLOOR")),
    "ABS": _each(absolute),
    "SIGN": _each(sign),
    "MOD": _each(rest),
    "POWER": _each(power),
    "SQRT": _each(root),
    "EXP": _each(exponential),
    "LN": _each(natural_logarithm),
    "LOG": _log,
    "EVEN": lambda c, node: even(c.take(node, node.arguments[0]), c.dialect),
    "ODD": _each(odd),
    "SUM": lambda c, node: c.lists.total("SUM", c.arguments(node)),
    "AVG": lambda c, node: c.lists.total("AVG", c.arguments(node)),
    "MAX": _extreme("MAX"),
    "MIN": _extreme("MIN"),
    "COUNT": lambda c, node: c.lists.counted("COUNT", c.arguments(node)),
    "COUNTA": lambda c, node: c.lists.counted("COUNTA", c.arguments(node)),
    "COUNTALL": lambda c, node: c.lists.counted("COUNTALL", c.arguments(node)),
    "CURRENT_DATE": lambda c, node: c.dates.today(),
    "CURRENT_TIME": lambda c, node: c.dates.time_of_day(),
    "CURRENT_TIMESTAMP": lambda c, node: c.dates.moment(),
    "NOW": lambda c, node: c.dates.moment(),
    "TODAY": lambda c, node: c.dates.today(),
    "EXTRACT": _extract,
    "YEAR": _part("year"),
    "MONTH": _part("month"),
    "DAY": _part("day"),
    "HOUR": _part("hour"),
    "MINUTE": _part("minute"),
    "SECOND": _part("second"),
    "WEEKDAY": _part("dow"),
    "WEEKNUM": _part("week"),
    "DATE_TRUNC": lambda c, node: c.dates.truncated(_unit(node, 0), c.take(node, node.arguments[1])),
    "DATE_ADD": _moved("+"),
    "DATE_SUB": _moved("-"),
    "DATE_DIFF": _borders,
    "DATETIME_DIFF": _whole_units,
    "AGE": _age,
    "TO_CHAR": _to_char,
    "TO_DATE": _reading("date", moment=False),
    "TO_TIMESTAMP": _reading("timestamp", moment=False),
    "DATETIME_FORMAT": _format,
    "DATETIME_PARSE": _reading("timestamp", moment=True),
    "IS_BEFORE": _ordered("<"),
    "IS_AFTER": _ordered(">"),
    "IS_SAME": _is_same,
    "ARRAY_LENGTH": _array_length,
    "CARDINALITY": _lists("count"),
    "ARRAY_REMOVE": _removed,
    "ARRAYUNIQUE": _lists("unique"),
    "ARRAYCOMPACT": _lists("compact"),
    "ARRAYFLATTEN": _each(lambda value: value),
    "FLATTEN": _each(lambda value: value),
    "UNNEST": _each(lambda value: value),
    "ARRAYSLICE": _slice,
    "ARRAYJOIN": _array_join,
    "REGEXP_MATCH": _regex("extract"),
    "REGEX_MATCH": _regex("match"),
    "REGEX_EXTRACT": _regex("extract"),
    "REGEXP_REPLACE": _regex_replaced(None),
    "REGEX_REPLACE": _regex_replaced("g"),
    "RECORD_ID": lambda c, node: c.field("id"),
    "CREATED_TIME": lambda c, node: c.field("created_at"),
    "LAST_MODIFIED_TIME": lambda c, node: c.field("updated_at"),
}
"""How each function of `function.FUNCTIONS` is written."""

_BUILD: dict[type[Expression], Callable[[_Compiler, Any], Value]] = {
    Number: lambda c, node: number(node.text),
    Text: lambda c, node: Value(text(node.value), "text"),
    Truth: lambda c, node: c.truth(node.value),
    Null: lambda c, node: made("null", "NULL"),
    Span: lambda c, node: c.dates.interval(node),
    Name: _Compiler.name,
    Unary: _Compiler.unary,
    Binary: _Compiler.binary,
    Chain: _Compiler.chain,
    Is: _Compiler.is_,
    In: _Compiler.in_,
    Between: _Compiler.between,
    Like: _Compiler.like,
    Case: _Compiler.case,
    Cast: _Compiler.cast,
    Listing: _Compiler.listing,
    Item: _Compiler.item,
    Call: _Compiler.call,
}
