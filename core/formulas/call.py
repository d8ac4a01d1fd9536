"""How each function of the language is written in SQL: a line each in `CALLS`."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from core.formulas.check import switch_results
from core.formulas.function import unit_of
from core.formulas.kind import Kind, is_list, item_of
from core.formulas.pattern import date_pieces, moment_pieces, number_pattern, reading_form
from core.formulas.sql import Value, joined, made, text
from core.formulas.sql_list import comma
from core.formulas.sql_number import (
    absolute,
    as_double,
    even,
    exponential,
    logarithm,
    natural_logarithm,
    next_whole,
    odd,
    power,
    rest,
    root,
    rounded,
    sign,
)
from core.formulas.sql_text import Texts
from core.formulas.tree import Call, Expression, Text

if TYPE_CHECKING:
    from core.formulas.compile import Compiler


def _text_of(node: Expression) -> str:
    assert isinstance(node, Text)
    return node.value


def _unit(node: Call, index: int, otherwise: str = "day") -> str:
    """The unit that a call names."""
    if len(node.arguments) <= index:
        return otherwise
    return unit_of(_text_of(node.arguments[index])) or otherwise


_Builder = Callable[["Compiler", Call], Value]


def _each(function: Callable[..., Value]) -> _Builder:
    """A function of the arguments' values."""
    return lambda c, node: function(*(c.take(node, child) for child in node.arguments))


def _texts(name: str) -> _Builder:
    return lambda c, node: getattr(c.texts, name)(*(c.take(node, child) for child in node.arguments))


def _lists(name: str) -> _Builder:
    return lambda c, node: getattr(c.lists, name)(*(c.take(node, child) for child in node.arguments))


def _if(c: "Compiler", node: Call) -> Value:
    condition = c.take(node, node.arguments[0])
    return c.choice([condition], c.takes(node, node.arguments[1:]), c.kinds[node])


def _switch(c: "Compiler", node: Call) -> Value:
    subject, *others = node.arguments
    pairs = len(others) // 2
    first, *matches = c.takes(node, (subject, *others[: 2 * pairs : 2]))
    conditions = [first.piece("({0} = {1})", match, kind="boolean") for match in matches]
    return c.choice(conditions, c.takes(node, switch_results(others)), c.kinds[node])


def _same(template: str) -> _Builder:
    """A function of values of one kind that gives one of them: `NAME({*})`."""

    def build(c: "Compiler", node: Call) -> Value:
        values = c.arguments(node)
        holes = ", ".join(f"{{{i}}}" for i in range(len(values)))
        found = made(c.kinds[node], template.replace("*", holes), *values)
        return Value(found.sql, c.kinds[node], values[0].digits)

    return build


def _logic(word: str) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        return Value(joined([c.take(node, child).sql for child in node.arguments], word), "boolean")

    return build


def _xor(c: "Compiler", node: Call) -> Value:
    first, *others = (c.take(node, child) for child in node.arguments)
    for other in others:
        first = first.piece("({0} <> {1})", other)
    return first


def _t(c: "Compiler", node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    return value if value.kind == "text" else c.null("text")


def _round(how: str) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        value, places = c.some(node, at_most=2)
        assert value is not None
        return rounded(value, places, c.dialect, how)

    return build


def _log(c: "Compiler", node: Call) -> Value:
    values = [c.take(node, child) for child in node.arguments]
    return logarithm(values[0] if len(values) > 1 else None, values[-1])


def _part(name: str) -> _Builder:
    return lambda c, node: c.dates.part(name, c.take(node, node.arguments[0]))


def _extract(c: "Compiler", node: Call) -> Value:
    return c.dates.part(_text_of(node.arguments[0]), c.take(node, node.arguments[1]))


def _moved(sign: str) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        moment, amount = (c.take(node, child) for child in node.arguments[:2])
        if amount.kind != "interval":
            amount = c.dates.units(amount, _unit(node, 2))
        return c.dates.moved(moment, amount, sign, c.kinds[node])

    return build


def _borders(c: "Compiler", node: Call) -> Value:
    first, last = (c.take(node, child) for child in node.arguments[1:])
    return c.dates.borders(_unit(node, 0), first, last)


def _whole_units(c: "Compiler", node: Call) -> Value:
    later, earlier = (c.take(node, child) for child in node.arguments[:2])
    return c.dates.whole_units(_unit(node, 2), later, earlier)


def _age(c: "Compiler", node: Call) -> Value:
    values = [c.take(node, child) for child in node.arguments]
    return c.dates.age(*values) if len(values) == 2 else c.dates.age(c.dates.today(), values[0])


def _to_char(c: "Compiler", node: Call) -> Value:
    value, pattern = c.take(node, node.arguments[0]), _text_of(node.arguments[1])
    if value.kind == "null":
        return c.null("text")
    if value.kind == "number":
        return c.texts.by_pattern(value, number_pattern(pattern))
    return c.dates.by_pattern(value, date_pieces(pattern))


def _format(c: "Compiler", node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    if len(node.arguments) == 1:
        return c.convert(value, "text")
    if value.kind == "null":
        return c.null("text")
    return c.dates.by_pattern(value, moment_pieces(_text_of(node.arguments[1])))


def _reading(kind: Kind, *, moment: bool) -> _Builder:
    """TO_DATE, TO_TIMESTAMP, DATETIME_PARSE."""

    def build(c: "Compiler", node: Call) -> Value:
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

    def build(c: "Compiler", node: Call) -> Value:
        left, right = _alike_moments(c, node)
        return left.piece(f"({{0}} {operator} {{1}})", right, kind="boolean")

    return build


def _alike_moments(c: "Compiler", node: Call) -> list[Value]:
    values = [c.take(node, child) for child in node.arguments[:2]]
    if {value.kind for value in values} == {"date"}:
        return values
    return [c.convert(value, "timestamp") for value in values]


def _is_same(c: "Compiler", node: Call) -> Value:
    left, right = _alike_moments(c, node)
    if len(node.arguments) == 3:
        unit = _unit(node, 2)
        left, right = (c.dates.truncated(unit, value) for value in (left, right))
    return left.piece("({0} = {1})", right, kind="boolean")


def _array_length(c: "Compiler", node: Call) -> Value:
    """As PostgreSQL: NULL for an empty list, and for a second dimension."""
    count = c.lists.count(c.take(node, node.arguments[0]))
    if len(node.arguments) == 1:
        return Value(count.piece("NULLIF({0}, 0)").sql, "number", count.digits)
    dimension = c.take(node, node.arguments[1])
    return Value(count.piece("CASE WHEN {1} = 1 THEN NULLIF({0}, 0) END", dimension).sql, "number", count.digits)


def _removed(c: "Compiler", node: Call) -> Value:
    value, item = (c.take(node, child) for child in node.arguments)
    wanted = item_of(value.kind)
    if item.kind in (wanted, "null"):
        item = c.convert(item, wanted)
        return c.lists.removed(value, as_double(item) if wanted == "number" else item)
    return value


def _slice(c: "Compiler", node: Call) -> Value:
    value, first, last = c.some(node, at_most=3)
    assert value is not None
    assert first is not None
    return c.lists.slice(value, first, last)


def _array_join(c: "Compiler", node: Call) -> Value:
    value, separator = c.some(node, at_most=2)
    assert value is not None
    return c.lists.join(value, separator or comma())


def _extreme(name: str) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        values = c.arguments(node)
        if not any(is_list(value.kind) for value in values):
            values = [c.convert(value, c.kinds[node]) for value in values]
        return c.lists.extreme(name, values)

    return build


def _regex(function: Literal["match", "extract"]) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        value, regex = c.take(node, node.arguments[0]), _text_of(node.arguments[1])
        if function == "match":
            return value.piece(c.texts.matches(), text(regex), kind="boolean")
        return c.texts.found(value, regex, groups=_has_groups(regex))

    return build


def _has_groups(regex: str) -> bool:
    return re.compile(regex).groups > 0


def _regex_replaced(flags: str | None) -> _Builder:
    def build(c: "Compiler", node: Call) -> Value:
        value, new = c.take(node, node.arguments[0]), c.take(node, node.arguments[2])
        given = _text_of(node.arguments[3]) if len(node.arguments) > 3 else ""
        literal = isinstance(node.arguments[2], Text)
        regex = _text_of(node.arguments[1])
        return c.texts.regex_replaced(value, regex, new, given if flags is None else flags, literal=literal)

    return build


def _find(c: "Compiler", node: Call) -> Value:
    wanted, value, start = c.some(node, at_most=3)
    assert wanted is not None
    assert value is not None
    return c.texts.position(value, wanted) if start is None else c.texts.position_from(value, wanted, start)


def _search(c: "Compiler", node: Call) -> Value:
    wanted, value = (c.take(node, child).piece("LOWER({0})") for child in node.arguments)
    found = c.texts.position(value, wanted)
    return Value(found.piece("NULLIF({0}, 0)").sql, "number", found.digits)


def _trim(c: "Compiler", node: Call) -> Value:
    value, marks = c.some(node, at_most=2)
    assert value is not None
    return c.texts.trimmed(value, marks)


def _substring(c: "Compiler", node: Call) -> Value:
    value, start, count = c.some(node, at_most=3)
    assert value is not None
    assert start is not None
    return c.texts.part(value, start, count)


def _overlay(c: "Compiler", node: Call) -> Value:
    value, other, start, count = c.some(node, at_most=4)
    assert value is not None
    assert other is not None
    assert start is not None
    return c.texts.overlaid(value, other, start, count)


def _encoding(name: str) -> _Builder:
    return lambda c, node: getattr(c.texts, name)(c.take(node, node.arguments[0]), _text_of(node.arguments[1]))


def _iserror(c: "Compiler", node: Call) -> Value:
    value = c.take(node, node.arguments[0])
    return c.truth(True) if value.kind == "null" else value.piece("({0} IS NULL)", kind="boolean")


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
    "UPPER": lambda c, node: c.texts.in_capitals(c.arguments(node)[0]),
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
