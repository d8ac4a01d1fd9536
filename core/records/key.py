"""Which record an address names (`core.fields.address`, T-018)."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, false, or_, tuple_

from core.errors import NotFound
from core.fields.address import SEPARATOR, escaped_parts
from core.fields.base import FieldType, ValueProblem
from core.fields.model import TableModel

KeyValue = tuple[Any, ...]
_LARGEST = 2**63


def parse_key(table: TableModel, text: str | int) -> KeyValue:
    """The key values of an address. Raises NotFound: what cannot be a key names no record."""
    names, text = table.key.fields, str(text)
    if len(names) == 1:
        return (_accepted(table.type_of(names[0]), text),)
    parts = _parts(table, text)
    if len(parts) != len(names):
        raise NotFound()
    return tuple(_accepted(table.type_of(name), part) for name, part in zip(names, parts, strict=True))


def _parts(table: TableModel, text: str) -> list[str]:
    names = table.key.fields
    texts = [place for place, name in enumerate(names) if table.column_by_name[name].type.kind == "text"]
    if len(texts) > 1:
        return escaped_parts(text)
    parts = text.split(SEPARATOR)
    if len(parts) > len(names) and texts:
        inside = slice(texts[0], texts[0] + 1 + len(parts) - len(names))
        parts[inside] = [SEPARATOR.join(parts[inside])]
    return parts


def _accepted(field: FieldType[Any], part: str) -> Any:
    """One value of a key. One record has one address: `+1` and ` 1` are not other names of 1. Raises NotFound."""
    try:
        value = field.accept(part)
    except ValueProblem:
        raise NotFound() from None
    if value is None or (isinstance(value, int) and (abs(value) >= _LARGEST or str(value) != part)):
        raise NotFound()
    return value


def key_in(table: TableModel, source: Table, keys: Collection[KeyValue]) -> ColumnElement[bool]:
    """The condition of being one of these records."""
    if not keys:
        return false()
    names = table.key.fields
    if len(names) == 1:
        return source.c[names[0]].in_([key[0] for key in keys])
    columns = tuple_(*(source.c[name] for name in names))
    return or_(false(), columns.in_(list(keys)))


def key_among(table: TableModel, source: Table, parameter: str) -> ColumnElement[bool]:
    """The same with the records in a parameter of the statement, as `key_parameter` makes it."""
    columns = [source.c[name] for name in table.key.fields]
    listed: BindParameter[Any] = bindparam(parameter, expanding=True)
    return columns[0].in_(listed) if len(columns) == 1 else tuple_(*columns).in_(listed)


def key_parameter(keys: Collection[KeyValue]) -> list[Any]:
    """What stands for these records there."""
    return [key[0] if len(key) == 1 else key for key in keys]
