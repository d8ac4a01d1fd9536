"""The automatic key of a table, where no declared field is its key (T-012, T-015, T-016)."""

from random import Random
from typing import Any

from core.fields.base import FieldType, ValueProblem
from core.fields.column import ColumnType
from core.fields.number import IntegerField, whole_of
from core.fields.text import SingleLineTextField
from core.schema.model import FieldSpec, PrimaryKey


class NumberKeyField(IntegerField):
    """A key that counts up."""

    editor = "none"
    read_only = True
    numeric = False

    def column(self) -> ColumnType:
        return ColumnType("bigint")

    def accept(self, raw: Any) -> int | None:
        return None if raw is None else whole_of(raw)


class TextKeyField(SingleLineTextField):
    """A key that is a text: a UUID."""

    editor = "none"
    read_only = True
    searchable = False

    def normalise(self, text: str) -> str:
        text = super().normalise(text)
        if not text:
            raise ValueProblem("key.blank", "The id of a record is expected, not a blank")
        return text

    def example(self, rng: Random) -> str:
        return f"{rng.getrandbits(128):032x}"


def key_type(name: str, key: PrimaryKey) -> FieldType[Any]:
    """The type of an automatic key column."""
    kind = TextKeyField if key.type in ("uuid", "text") else NumberKeyField
    return kind(FieldSpec(id=name, name=name, type=kind.name, required=True, unique=True, options=kind.Options()))
