"""Kinds of values in formulas. All numbers are of one kind; how many digits are exact is the business of the SQL."""

from typing import Literal, get_args

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

ARTICLES: dict[Kind, str] = {
    "number": "a number", "text": "a text", "boolean": "true or false", "date": "a date", "time": "a time",
    "timestamp": "a date with time", "interval": "an interval", "bytes": "bytes", "number-list": "a list of numbers",
    "text-list": "a list of texts", "boolean-list": "a list of booleans", "date-list": "a list of dates",
    "null": "NULL",
}  # fmt: skip


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
