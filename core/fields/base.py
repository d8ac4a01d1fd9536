"""The contract of a field type: one class per type says all that the engine needs to know about it.

A value has three forms. *Raw*: whatever a client, a CSV cell or a person typed. *Value*: the Python value that storage
keeps (see `column.ColumnKind`). *JSON*: what the API answers. `accept` leads from raw to value, `to_json` from value to
JSON; `accept_json(to_json(v)) == v` and `accept(to_text(v)) == v` hold for every type (contract suite).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from core.contract.records import Operator
from core.fields.column import ColumnKind, ColumnType
from core.fields.operator import OPERATORS
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.vocabulary import OptionProblem

if TYPE_CHECKING:
    from core.fields.relation import Relation

V = TypeVar("V")

Family = Literal["text", "number", "date", "checkbox", "select", "multi", "link", "user", "json", "none"]
"""The column of the operator table (spec tables-records §11) that a type belongs to."""

EditorKind = Literal[
    "line",
    "text",
    "number",
    "date",
    "datetime",
    "time",
    "duration",
    "checkbox",
    "choice",
    "choices",
    "link",
    "links",
    "json",
    "rating",
    "list",
    "place",
    "user",
    "users",
    "file",
    "files",
    "button",
    "none",
]
"""Which editor the console opens on a cell of this type; `none` = read-only."""


_SCALARS: Mapping[ColumnKind, str] = {
    "text": "String",
    "integer": "Int",
    "bigint": "BigInt",
    "decimal": "BigFloat",
    "double": "Float",
    "boolean": "Boolean",
    "date": "Date",
    "time": "Time",
    "timestamp": "Datetime",
    "json": "JSON",
}


class ValueProblem(ValueError):
    """A raw value that the type does not take. `status` 422 where only the text's format is wrong (D-08), else 400."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Format:
    """How values are shown: `?format=display`, `timezone`."""

    timezone: str | None = None
    """An IANA name that `core.fields.moment.zone` knows; None: the field's own `timeZone`."""


class FieldType(ABC, Generic[V]):
    """One field type, bound to one field of one table."""

    name: ClassVar[str]
    """`single-line-text`"""
    family: Family
    editor: ClassVar[EditorKind]
    Options: ClassVar[type[FieldOptions]] = FieldOptions
    read_only: ClassVar[bool] = False
    """The engine fills it; a value sent by a client is refused or ignored (T-043)."""
    ignores_input: ClassVar[bool] = False
    """For read-only types: a sent value is silently dropped instead of refused (R-101)."""
    takes_default: ClassVar[bool] = True
    """The app file may give a `default`."""
    searchable: bool = False
    """Part of `q` search."""
    numeric: bool = False
    """sum and avg make sense."""

    def __init__(self, spec: FieldSpec) -> None:
        self.spec = spec
        self.options: Any = spec.options
        """The field's own keys, an instance of `Options`."""

    @abstractmethod
    def column(self) -> ColumnType | None:
        """How it is stored; None for what is computed on reading, or kept elsewhere."""

    def result(self) -> ColumnType | None:
        """The type of the value in SQL, also where it is computed or kept elsewhere; None where there is no value."""
        return self.column()

    def graphql(self) -> str | None:
        """The GraphQL scalar of a value, or a list of it: `Int`, `[String]`; None where there is no value."""
        kind = self.result()
        if kind is None:
            return None
        return f"[{_SCALARS[kind.item.kind]}]" if kind.is_list else _SCALARS[kind.kind]

    def inputs(self) -> frozenset[tuple[str, str]]:
        """The fields that a computed value is made from: SQL name of their table, "" for the field's own, and name."""
        return frozenset()

    @abstractmethod
    def accept(self, raw: Any) -> V | None:
        """Parse and normalise a raw value, and check it against the options. None stays None (the caller knows
        `required`). Raises ValueProblem."""

    def accept_json(self, raw: Any) -> V | None:
        """The same for a value of a JSON body, which has a type of its own: where `to_json` answers a number or a list, no
        text is read as one, as it would be in a cell (D-07). Raises ValueProblem."""
        return self.accept(raw)

    def to_json(self, value: V | None) -> Any:
        """The API's form of a stored value."""
        return value

    def to_text(self, value: V | None) -> str:
        """The form for CSV, TSV and the clipboard; "" for None."""
        return "" if value is None else str(self.to_json(value))

    def present(self, value: V | None, how: Format) -> str:
        """The form for people (`format=display`); "" for None."""
        return self.to_text(value)

    def beside(self, value: V, how: Format) -> Mapping[str, Any]:
        """What a list tells beside the form for people."""
        return {}

    def default(self) -> V | None:
        """The value of an absent field on insert, from the app file; None when there is none. A default that depends
        on the moment (`NOW()`) is resolved by the caller's clock: see `default_is_now`."""
        return None if self.spec.default is None or self.default_is_now() else self.accept(self.spec.default)

    def default_is_now(self) -> bool:
        """The default is the moment of the write."""
        return False

    def value_at(self, moment: datetime) -> V | None:
        """The value that stands for a moment: what `default_is_now` asks for. None for types that know no time."""
        return None

    def check_change(self, before: V | None, after: V | None) -> None:
        """Refuse a move from one value to another (`transitions` of a status). Raises ValueProblem."""

    def physical_check(self) -> tuple[str, str] | None:
        """What kind of rule holds for stored values, and the rule as a formula; None where there is none that a database
        could hold. NULL meets it."""
        return None

    def locks_record(self, value: V | None) -> bool:
        """While a record holds this value it may not be updated (`conditions` of a select, T-082)."""
        return False

    def operators(self) -> tuple[Operator, ...]:
        """What filters may do with this field, in the order to offer them."""
        return OPERATORS[self.family]

    def sort_order(self) -> tuple[str, ...] | None:
        """Stored values in their order, where it is not the natural one (options of a select)."""
        return None

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """Rules of the options that a model cannot say. The default's validity is checked for all types elsewhere."""
        return ()

    @classmethod
    def check_bound(cls, field: FieldSpec, table: TableSpec, others: "Neighbours") -> Iterable[OptionProblem]:
        """Rules that need the types of other fields, asked once `check_spec` has found nothing."""
        return ()

    @abstractmethod
    def example(self, rng: Random) -> V:
        """A valid value, for documentation, seeds and property tests."""

    def info(self) -> Mapping[str, Any]:
        """Options in their JSON form for table details and the console."""
        return self.spec.options.model_dump(mode="json", by_alias=True, exclude_none=True)


class Neighbours(Protocol):
    """The fields of an app by table, with their types (`core.fields.bind.Binder`)."""

    def names(self, table: TableSpec) -> tuple[str, ...]:
        """All fields of a table, automatic columns among them."""

    def type_of(self, table: TableSpec, name: str) -> FieldType[Any] | None:
        """The type of a field; None when there is none of that name."""

    def relation(self, table: TableSpec, name: str, *, reverse: bool = False) -> "Relation | None":
        """Where a relationship field leads; None when it is none."""
