"""Kinds of values in formulas. All numbers are of one kind; how many digits are exact is the business of the SQL."""

from typing import Literal, get_args

from core.sentence import Sentence, say

Kind = Literal[
    "number", "text", "boolean", "date", "time", "timestamp", "interval", "bytes",
    "number-list", "text-list", "boolean-list", "date-list", "null",
]  # fmt: skip
"""`timestamp` is an instant; `null` is the kind of NULL alone, which fits everywhere."""

KINDS: tuple[Kind, ...] = get_args(Kind)

_SINGLE: dict[str, Kind] = {
    "integer": "number", "bigint": "number", "decimal": "number", "double": "number", "text": "text", "json": "text",
    "boolean": "boolean", "date": "date", "time": "time", "timestamp": "timestamp",
}  # fmt: skip

TYPES: dict[str, Kind] = {
    "numeric": "number", "decimal": "number", "number": "number", "real": "number", "float": "number",
    "double": "number", "integer": "number", "int": "number", "bigint": "number", "smallint": "number",
    "text": "text", "varchar": "text", "char": "text", "string": "text",
    "boolean": "boolean", "bool": "boolean",
    "date": "date", "timestamp": "timestamp", "timestamptz": "timestamp", "datetime": "timestamp", "time": "time",
    "interval": "interval", "bytea": "bytes",
}  # fmt: skip
"""Type names of casts."""

WHOLE_TYPES = frozenset({"integer", "int", "bigint", "smallint"})

ARTICLES: dict[Kind, Sentence] = {
    "number": say("a number"), "text": say("a text"), "boolean": say("true or false"), "date": say("a date"),
    "time": say("a time"), "timestamp": say("a date with time"), "interval": say("an interval"), "bytes": say("bytes"),
    "number-list": say("a list of numbers"), "text-list": say("a list of texts"),
    "boolean-list": say("a list of booleans"), "date-list": say("a list of dates"), "null": say("NULL"),
}  # fmt: skip


def capital(kind: Kind) -> Sentence:
    """The same at the beginning of a sentence."""
    return say(ARTICLES[kind].capitalize())


def kind_of_column(column_kind: str) -> Kind:
    """The kind that a column's values have in formulas, from the column kind's name (`core.fields.column`)."""
    if column_kind.endswith("-list"):
        return list_of(_SINGLE[column_kind.removesuffix("-list")])
    return _SINGLE[column_kind]


def is_list(kind: Kind) -> bool:
    return kind.endswith("-list")


def list_of(kind: Kind) -> Kind:
    """The kind of a list of such values; lists of what has no list kind are lists of texts."""
    for each in KINDS:
        if each == f"{kind}-list":
            return each
    return "text-list"


def item_of(kind: Kind) -> Kind:
    """The kind of a list's values."""
    for each in KINDS:
        if f"{each}-list" == kind:
            return each
    return "null"


def united(left: Kind, right: Kind) -> Kind | None:
    """The kind that both can be without a cast; None when there is none."""
    if left == right or right == "null":
        return left
    if left == "null":
        return right
    if {left, right} == {"date", "timestamp"}:
        return "timestamp"
    return None
