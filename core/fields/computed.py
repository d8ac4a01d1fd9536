"""Fields whose value is read from linked records: lookup, rollup, count. Nothing is stored; every answer follows the
records that it is made from.

A computed field shows itself as another type would: a rollup's sum of a currency is a currency. That type is its `face`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from random import Random
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema

from core.contract.records import Operator
from core.fields.base import FieldType, Format, Neighbours, ValueProblem
from core.fields.column import ColumnType
from core.fields.condition import check_condition, condition_fields
from core.fields.link import LinksField
from core.fields.number import CurrencyField, CurrencyOptions, IntegerField, NumberField, decimal_of, summed
from core.fields.relation import Relation
from core.fields.text import LongTextField
from core.schema.model import FieldOptions, FieldSpec, TableSpec
from core.schema.name import nearest
from core.schema.vocabulary import OptionProblem
from core.sentence import say

AGGREGATIONS = ("sum", "avg", "min", "max", "count", "counta", "countall", "arrayunique", "concat_distinct")
Aggregation = Annotated[
    Literal["sum", "avg", "min", "max", "count", "counta", "countall", "arrayunique", "concat_distinct"],
    BeforeValidator(lambda written: written.strip().lower() if isinstance(written, str) else written),
    WithJsonSchema({"type": "string", "enum": [form for each in AGGREGATIONS for form in (each, each.upper())]}),
]
COUNTING = frozenset({"count", "counta", "countall"})


class LinkedOptions(FieldOptions):
    """What all that reads linked records says."""

    relationship_field: str
    filters: Any = None

    @property
    def is_stored(self) -> bool:
        return False


class CountOptions(LinkedOptions):
    pass


class LookupOptions(LinkedOptions):
    related_field: str


class RollupOptions(LinkedOptions):
    related_field: str
    aggregation: Aggregation
    format: str | None = None


class ComputedField(FieldType[Any]):
    """Base. `relation` leads to the records that are read, `far` is the type of the field that is read there; both are
    known when the app is built."""

    editor = "none"
    read_only = True
    takes_default = False

    def __init__(self, spec: FieldSpec, relation: Relation | None = None, far: FieldType[Any] | None = None) -> None:
        super().__init__(spec)
        self.relation = relation
        self.far = far
        self.face, self.kind = self._shown()
        self.family = self.face.family
        self.numeric = self.face.numeric

    def _shown(self) -> tuple[FieldType[Any], ColumnType]:
        """The type that the value shows itself as, and its type in SQL."""
        raise NotImplementedError

    def column(self) -> None:
        return None

    def result(self) -> ColumnType:
        return self.kind

    def inputs(self) -> frozenset[tuple[str, str]]:
        if self.relation is None:
            return frozenset()
        there = self.relation.target.sql_name
        names = set(condition_fields(self.options.filters))
        names |= {self.options.related_field} if hasattr(self.options, "related_field") else set()
        own = self.options.relationship_field
        here = (
            {("", own)}
            if self.relation.field.name == own and self.relation.source is not self.relation.target
            else set()
        )
        return frozenset({(there, name) for name in names} | here)

    def accept(self, raw: Any) -> Any:
        """For filters: what the value is compared with."""
        return self.face.accept(raw)

    def to_json(self, value: Any) -> Any:
        return None if value is None else summed(self.face.to_json(self._plain(value)))

    def to_text(self, value: Any) -> str:
        return "" if value is None else self.face.to_text(self._plain(value))

    def beside(self, value: Any, how: Format) -> Mapping[str, Any]:
        return self.face.beside(self._plain(value), how)

    def present(self, value: Any, how: Format) -> str:
        return "" if value is None else self.face.present(self._plain(value), how)

    def _plain(self, value: Any) -> Any:
        """Databases add whole numbers up to decimals."""
        return int(value) if isinstance(value, Decimal) and not self.kind.scale else value

    def operators(self) -> tuple[Operator, ...]:
        return self.face.operators()

    def sort_order(self) -> tuple[str, ...] | None:
        return self.face.sort_order()

    def example(self, rng: Random) -> Any:
        return self.face.example(rng)

    def info(self) -> Mapping[str, Any]:
        """With `result`: the type that clients show the value as, and its options."""
        return {**super().info(), "result": formatted(self.face, getattr(self.options, "format", None))}

    @classmethod
    def check_bound(cls, field: FieldSpec, table: TableSpec, others: Neighbours) -> Iterable[OptionProblem]:
        options = field.options
        assert isinstance(options, LinkedOptions)
        relation = others.relation(table, options.relationship_field, reverse=cls is LookupField)
        if relation is None:
            yield _no_relation(options.relationship_field, table, others)
            return
        there = dict.fromkeys(others.names(relation.target))
        if isinstance(options, LookupOptions | RollupOptions):
            far = others.type_of(relation.target, options.related_field)
            if far is None or far.result() is None:
                text = say(
                    "{table!r} has no field `{field}` whose value could be read",
                    table=relation.target.name,
                    field=options.related_field,
                )
                yield OptionProblem("relatedField", "field.related-field", text, nearest(options.related_field, there))
                return
            yield from cls.check_far(options, far)
        if options.filters is not None:
            yield from check_condition(options.filters, lambda name: others.type_of(relation.target, name), there)

    @classmethod
    def check_far(cls, options: Any, far: FieldType[Any]) -> Iterable[OptionProblem]:
        """Whether the field over there fits."""
        return ()


def _no_relation(name: str, table: TableSpec, others: Neighbours) -> OptionProblem:
    """T-123, T-131"""
    found = others.type_of(table, name)
    if found is not None:
        text = say("`{name}` is of type {type}; a relationship field is expected", name=name, type=found.name)
        return OptionProblem("relationshipField", "field.relationship", text)
    links = [each for each in others.names(table) if others.relation(table, each) is not None]
    hint = nearest(name, links) or (say("it has {names}", names=", ".join(links)) if links else None)
    text = say("{table!r} has no relationship field `{name}`", table=table.name, name=name)
    return OptionProblem("relationshipField", "field.relationship", text, hint)


def _named(spec: FieldSpec, type_name: str, options: FieldOptions) -> FieldSpec:
    return FieldSpec(id=spec.id, name=spec.name, type=type_name, options=options)


def whole_face(spec: FieldSpec) -> FieldType[Any]:
    return IntegerField(_named(spec, "integer", IntegerField.Options()))


def text_face(spec: FieldSpec) -> FieldType[Any]:
    return LongTextField(_named(spec, "long-text", LongTextField.Options()))


class AverageFace(NumberField[Any]):
    """A number with a fraction, told as a JSON number."""

    name = "decimal"
    numeric = True

    def column(self) -> ColumnType:
        return ColumnType("double")

    def accept(self, raw: Any) -> float | None:
        if raw is None:
            return None
        value = float(decimal_of(raw))
        if not isfinite(value):
            raise ValueProblem("number.out-of-range", "The number is too large")
        return value

    def to_json(self, value: Any) -> float | None:
        return None if value is None else float(value)

    def to_text(self, value: Any) -> str:
        return "" if value is None else repr(float(value)).removesuffix(".0")

    def example(self, rng: Random) -> float:
        return rng.randint(0, 1000) / 8


class ListFace(FieldType[list[Any]]):
    """Several values of one type."""

    name = "array"
    family = "multi"
    editor = "none"

    def __init__(self, spec: FieldSpec, item: FieldType[Any]) -> None:
        super().__init__(spec)
        self.item = item

    def column(self) -> ColumnType:
        kind = self.item.result()
        return (kind and kind.list) or ColumnType("text-list")

    def accept(self, raw: Any) -> list[Any] | None:
        if raw is None:
            return None
        if not isinstance(raw, list | tuple):
            raise ValueProblem("list.not-a-list", "A list is expected")
        return [self.item.accept(each) for each in raw]

    def to_json(self, value: Any) -> Any:
        return value if value is None or self._is_text else [self.item.to_json(each) for each in value]

    def to_text(self, value: Any) -> str:
        if value is None:
            return ""
        return ", ".join(str(each) if self._is_text else self.item.to_text(each) for each in value)

    @property
    def _is_text(self) -> bool:
        return self.column().kind == "text-list"

    def example(self, rng: Random) -> list[Any]:
        return [self.item.example(rng)]


def single_face(spec: FieldSpec, far: FieldType[Any] | None) -> FieldType[Any]:
    """How one value of the far field shows itself here. A link over there is, here, no link any more: just its ids."""
    if far is None:
        return text_face(spec)
    if isinstance(far, ComputedField):
        return far.face
    if far.family != "link":
        return far
    item = text_face(spec) if "text" in (far.result() or ColumnType("text")).kind else whole_face(spec)
    return ListFace(spec, item) if isinstance(far, LinksField) else item


class CountField(ComputedField):
    """How many live records are linked."""

    name = "count"
    family = "number"
    numeric = True
    Options = CountOptions

    def _shown(self) -> tuple[FieldType[Any], ColumnType]:
        return whole_face(self.spec), ColumnType("bigint")


class LookupField(ComputedField):
    """A value of the linked record; of several linked records the distinct ones, in their order, as one text."""

    name = "lookup"
    family = "text"
    Options = LookupOptions

    def _shown(self) -> tuple[FieldType[Any], ColumnType]:
        far = None if self.far is None else self.far.result()
        face = text_face(self.spec) if self.is_joined else single_face(self.spec, self.far)
        self.searchable = self.is_joined or (self.far is not None and self.far.searchable)
        return face, ColumnType("text") if self.is_joined or far is None else far

    @property
    def is_joined(self) -> bool:
        """There may be several linked records."""
        return self.relation is None or not self.relation.single

    @property
    def shows_link(self) -> bool:
        """The values are keys of records that a link over there leads to."""
        return self.far is not None and (
            self.far.shows_link if isinstance(self.far, LookupField) else self.far.family == "link"
        )

    def info(self) -> Mapping[str, Any]:
        """`labelled`: what the values stand for is told beside them, as with links."""
        found = super().info()
        return {**found, "result": {**found["result"], "labelled": True}} if self.shows_link else found

    @property
    def members(self) -> ListFace:
        """The face of the values as a list (`?lookups=array`)."""
        face = single_face(self.spec, self.far)
        return ListFace(self.spec, face.item if isinstance(face, ListFace) else face)


class RollupField(ComputedField):
    """One value made of all linked records' values: sum, average, least, greatest, how many, the distinct ones."""

    name = "rollup"
    family = "number"
    Options = RollupOptions

    def _shown(self) -> tuple[FieldType[Any], ColumnType]:
        how = self.options.aggregation
        face, kind = single_face(self.spec, self.far), (self.far and self.far.result()) or ColumnType("bigint")
        if how in COUNTING:
            return whole_face(self.spec), ColumnType("bigint")
        if how == "avg":
            return AverageFace(_named(self.spec, "decimal", FieldOptions())), ColumnType("double")
        if how == "concat_distinct":
            return text_face(self.spec), ColumnType("text")
        if how == "arrayunique":
            items = ListFace(self.spec, face.item if isinstance(face, ListFace) else face)
            return items, items.column()
        if how in ("min", "max"):
            return face, kind
        if kind.kind == "integer":
            return whole_face(self.spec), ColumnType("bigint")
        if kind.kind == "double":
            return AverageFace(_named(self.spec, "decimal", FieldOptions())), kind
        return face, ColumnType("decimal", 38, kind.scale or 0)

    def present(self, value: Any, how: Format) -> str:
        """T-129"""
        written = self.options.format
        if value is None or not written:
            return super().present(value, how)
        if written.startswith("currency:"):
            options = CurrencyOptions(currency=written.partition(":")[2].strip().upper())
            return CurrencyField(_named(self.spec, "currency", options)).present(Decimal(str(value)), how)
        if written == "percentage":
            return f"{Decimal(str(value)).normalize():f} %"
        if isinstance(value, date):
            return patterned(value, written, how)
        return super().present(value, how)

    @classmethod
    def check_far(cls, options: Any, far: FieldType[Any]) -> Iterable[OptionProblem]:
        """T-126"""
        how = options.aggregation
        if how in ("sum", "avg") and not far.numeric:
            text = say(
                "{how} needs numbers, and `{field}` is of type {type}",
                how=how,
                field=options.related_field,
                type=far.name,
            )
            yield OptionProblem("aggregation", "field.aggregation", text)
        kind = far.result()
        is_moment = kind is not None and kind.kind in ("date", "timestamp")
        if how in ("min", "max") and not (far.numeric or is_moment):
            text = say(
                "{how} needs numbers or dates, and `{field}` is of type {type}",
                how=how,
                field=options.related_field,
                type=far.name,
            )
            yield OptionProblem("aggregation", "field.aggregation", text)
        written = options.format
        if written and written.startswith("currency") and not re.fullmatch(r"currency:\s*[A-Za-z]{3}\s*", written):
            yield OptionProblem("format", "field.format", "write a currency as `currency:EUR`")


CURRENCY_FORMAT = re.compile(r"currency(?::\s*([A-Za-z]{3}))?\s*")


def formatted(face: FieldType[Any], written: str | None) -> Mapping[str, Any]:
    """The type and options that a value is shown as: those of its face, and what the field's `format` makes of them."""
    if written == "percentage":
        return {"type": "percentage", "options": {}}
    if currency := CURRENCY_FORMAT.fullmatch(written or ""):
        return {"type": "currency", "options": {"currency": (currency[1] or "USD").upper()}}
    pattern = {"format": written} if written else {}
    return {"type": face.name, "options": {**face.info(), **pattern}}


_TOKENS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "MMM": "%b", "DD": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def patterned(value: date, pattern: str, how: Format) -> str:
    """A date in a pattern such as `DD.MM.YYYY HH:mm`."""
    if isinstance(value, datetime) and how.timezone:
        value = value.astimezone(ZoneInfo(how.timezone))
    return re.sub("YYYY|YY|MMM|MM|DD|HH|mm|ss", lambda found: value.strftime(_TOKENS[found[0]]), pattern)
