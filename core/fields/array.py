"""Lists of plain values."""

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from core.fields.base import FieldType, ValueProblem
from core.fields.choice import CheckboxField, split_list
from core.fields.column import ColumnType
from core.fields.moment import DateField
from core.fields.number import DecimalField, DecimalOptions, IntegerField, IntegerOptions
from core.fields.text import LongTextField
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

ItemType = Literal["text", "integer", "decimal", "boolean", "date"]
MOST = 10_000
"""Items of any array: a list without end would be read with every record."""


class ArrayOptions(FieldOptions):
    item_type: ItemType = "text"
    max_items: Annotated[int, Field(ge=1, le=MOST)] | None = None


class ArrayField(FieldType[list[Any]]):
    """Several plain values of one type, in the order given; the same one may stand in it twice."""

    name = "array"
    family = "multi"
    editor = "list"
    Options = ArrayOptions

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__(spec)
        self.item = _item(spec, self.options.item_type)

    def column(self) -> ColumnType:
        kind = self.item.result()
        return (kind and kind.list) or ColumnType("text-list")

    def accept(self, raw: Any) -> list[Any] | None:
        if raw is None:
            return None
        return self._accept_items(split_list(raw) if isinstance(raw, str) else raw, self.item.accept)

    def accept_json(self, raw: Any) -> list[Any] | None:
        return None if raw is None else self._accept_items(raw, self.item.accept_json)

    def _accept_items(self, items: Any, accept: Callable[[Any], Any]) -> list[Any]:
        if not isinstance(items, list | tuple):
            raise ValueProblem("array.not-a-list", say("A list is expected, not {value}", value=show(items)))
        most = self.options.max_items or MOST
        if len(items) > most:
            raise ValueProblem(
                "array.too-many",
                say("At most {most:,} items are allowed, {count:,} are given", most=most, count=len(items)),
            )
        return [self._accept_item(each, place, accept) for place, each in enumerate(items, 1)]

    @staticmethod
    def _accept_item(raw: Any, place: int, accept: Callable[[Any], Any]) -> Any:
        try:
            value = accept(raw)
        except ValueProblem as problem:
            raise ValueProblem(
                "array.item", say("Item {place}: {problem}", place=place, problem=say(problem.message))
            ) from None
        if value is None:
            raise ValueProblem("array.item", say("Item {place}: null cannot stand in a list", place=place))
        return value

    def to_json(self, value: list[Any] | None) -> Any:
        return None if value is None else [self.item.to_json(each) for each in value]

    def to_text(self, value: list[Any] | None) -> str:
        """`a, b`; as JSON where that would not be read back."""
        if value is None:
            return ""
        texts = [self.item.to_text(each) for each in value]
        text = ", ".join(texts)
        return text if value and split_list(text) == texts else json.dumps(self.to_json(value), ensure_ascii=False)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        if field.unique:
            yield OptionProblem("unique", "field.list-unique", "a list cannot be unique; neither database can index it")

    def example(self, rng: Random) -> list[Any]:
        return [self.item.example(rng) for _ in range(rng.randint(1, min(3, self.options.max_items or 3)))]


class _ExactItem(DecimalField):
    """Ten digits behind the point, as many as a decimal without `precision` keeps."""

    def column(self) -> ColumnType:
        return ColumnType("decimal", 38, 10)

    def example(self, rng: Random) -> Decimal:
        return Decimal(rng.randint(-10_000, 10_000)) / 8


def _item(spec: FieldSpec, item_type: ItemType) -> FieldType[Any]:
    """The type of the single values."""
    kinds: dict[ItemType, tuple[type[FieldType[Any]], FieldOptions]] = {
        "text": (LongTextField, FieldOptions()),
        "integer": (IntegerField, IntegerOptions(min=-(2**63) + 1, max=2**63 - 1)),
        "decimal": (_ExactItem, DecimalOptions()),
        "boolean": (CheckboxField, FieldOptions()),
        "date": (DateField, DateField.Options()),
    }
    kind, options = kinds[item_type]
    return kind(FieldSpec(id=spec.id, name=spec.name, type=kind.name, options=options))
