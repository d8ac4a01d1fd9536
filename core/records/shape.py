"""Rows into the API's records. Prepared once per table and set of fields, because every answer passes through here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson

from core.clock import to_iso
from core.contract.records import Record
from core.fields.address import key_text
from core.fields.base import FieldType, Format
from core.fields.computed import ComputedField, LookupField
from core.fields.model import TableModel
from core.storage.database import Row

_AUTHORS = (("createdBy", "created-by"), ("updatedBy", "updated-by"), ("deletedBy", "deleted-by"))
_TIMES = ("created_at", "updated_at", "deleted_at")
_DISPLAYED = frozenset(
    "currency date datetime time duration percentage rating progress single-select multi-select status autonumber "
    "single-attachment multiple-attachments".split()
)
"""Types whose display form says more than the value (spec §10.12)."""


def stamp(moment: datetime) -> str:
    """An instant in the API's form; for the UTC that storage gives in a third of the time of `isoformat`."""
    text = orjson.dumps(moment)  # "2026-02-01T08:00:00.123000+00:00", without the fraction when there is none
    if not text.endswith(b'+00:00"'):
        return to_iso(moment)
    return text[1:24].decode() + "Z" if moment.microsecond else text[1:20].decode() + ".000Z"


class Shape:
    """`columns` is what to select, in the order that `record` expects. `fields` of None means all declared ones;
    `deleted` adds the time of deletion (R-045), `arrays` tells lookups of several records as lists."""

    def __init__(
        self,
        table: TableModel,
        fields: Sequence[str] | None = None,
        *,
        deleted: bool = False,
        arrays: bool = False,
    ) -> None:
        stored = table.column_by_name
        declared = [name for name in (table.fields if fields is None else fields) if _has_value(table, name)]
        if deleted and "deleted_at" not in declared:
            declared.append("deleted_at")
        self.table = table
        self.columns = tuple(
            dict.fromkeys((*table.key.fields, *_TIMES, *(name for name in declared if name in stored)))
        )
        self.computed = tuple(name for name in declared if name not in stored)
        """Values that are not stored; they follow the columns in a row (`core.records.computed`)."""
        self._stored = itemgetter(*self.columns)
        self.arrays = arrays
        self.fields = tuple(declared)
        place = {name: index for index, name in enumerate((*self.columns, *self.computed))}
        self._place = place
        self._key = tuple(place[name] for name in table.key.fields)
        self._created, self._updated, self._deleted = (place[name] for name in _TIMES)
        self._authors = tuple(
            (key, place[name])
            for key, kind in _AUTHORS
            for name in [next((each for each in declared if table.type_of(each).name == kind), None)]
            if name is not None
        )
        self._cells = tuple((name, place[name], to_json(self.type_of(name))) for name in declared)

    def type_of(self, name: str) -> FieldType[Any]:
        """The type that a value of the row is shown by."""
        field = self.table.type_of(name)
        return field.members if self.arrays and isinstance(field, LookupField) and field.is_joined else field

    def record(self, row: Row, *, number_id: bool = False) -> Record:
        """`number_id` keeps a numeric key a number (R-001: single reads and updates)."""
        key = self._key
        identity: Any = row[key[0]] if len(key) == 1 else key_text([row[place] for place in key])
        out: Record = {
            "id": identity if number_id else str(identity),
            "fields": {
                name: value if (value := row[place]) is None or convert is None else convert(value)
                for name, place, convert in self._cells
            },
            "createdAt": stamp(row[self._created]),
            "updatedAt": stamp(row[self._updated]),
        }
        for name, place in self._authors:
            out[name] = row[place]  # type: ignore[literal-required]
        if row[self._deleted] is not None:
            out["deletedAt"] = stamp(row[self._deleted])
        return out

    def from_values(self, values: Mapping[str, Any], *, number_id: bool = False) -> Record:
        """A record from values by field; computed ones that are missing are None."""
        stored: Row = self._stored(values)
        return self.record((*stored, *map(values.get, self.computed)), number_id=number_id)

    def place(self, name: str) -> int:
        """Where a field's value stands in a row."""
        return self._place[name]

    def key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[place] for place in self._key)


def _has_value(table: TableModel, name: str) -> bool:
    return name in table.column_by_name or (name in table.fields and table.fields[name].result() is not None)


def to_json(field_type: FieldType[Any]) -> Callable[[Any], Any] | None:
    """The type's conversion; None where the stored value is the JSON value already."""
    if type(field_type).to_json is FieldType.to_json:
        return None
    kind = field_type.result()
    if kind is not None and kind.kind == "timestamp":
        return stamp
    return field_type.to_json


def flat(record: Record) -> dict[str, Any]:
    """The form of single answers (§10.1): every field also at top level, the record's own keys winning."""
    return {**record["fields"], **record}


def _is_displayed(field_type: FieldType[Any]) -> bool:
    if isinstance(field_type, ComputedField):
        return field_type.face.name in _DISPLAYED or bool(getattr(field_type.options, "format", None))
    return field_type.name in _DISPLAYED


def display(record: Record, row: Row, shape: Shape, how: Format, *, wrapped: bool) -> None:
    """Put the form for people into a record: in lists `{"value", "displayValue"}`, else the text itself."""
    fields = record["fields"]
    for name, place, _ in shape._cells:
        value, field_type = row[place], shape.type_of(name)
        if value is None or not _is_displayed(field_type):
            continue
        text = field_type.present(value, how)
        if not wrapped:
            fields[name] = text
            continue
        fields[name] = {"value": fields[name], "displayValue": text, **field_type.beside(value, how)}
