"""What the loader must know about field types, without importing them.

`core.fields.registry.FIELD_TYPES` is the one implementation; it is handed in, because `fields` builds on `schema`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from core.schema.model import App, FieldOptions, FieldSpec, TableSpec


@dataclass(frozen=True, slots=True)
class OptionProblem:
    """A finding about one field: `key` is the offending key of the field (`max`, `options[2]`), "" for the field."""

    key: str
    code: str
    message: str
    hint: str | None = None


class FieldVocabulary(Protocol):
    """The names of field types, their option models and their own rules."""

    def built(self) -> Collection[str]:
        """Names that can be used."""

    def aliases(self) -> dict[str, str]:
        """Older names, and what they mean today."""

    def meant(self, name: str) -> str | None:
        """The type that is meant by a name of other programs (`varchar`), None when nobody can tell."""

    def about(self, type_name: str) -> str:
        """What the type is for, in a sentence or two."""

    def options(self, type_name: str) -> type[FieldOptions]:
        """The model of the type's own keys."""

    def check(self, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """Rules that a model cannot say: min ≤ max, the default is valid, the related table exists."""

    def check_table(self, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """Conditions of a table: `constraints[0].check`, `indexes[1].where`."""
