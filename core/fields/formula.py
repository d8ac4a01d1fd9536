"""Formula fields: a value computed from the record's other fields whenever it is read (F-001 to F-020)."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cached_property
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from core.fields.base import FieldType, Format, Neighbours
from core.fields.choice import CheckboxField
from core.fields.column import ColumnType
from core.fields.computed import CURRENCY_FORMAT, ComputedField, ListFace, LookupField, patterned, text_face, whole_face
from core.fields.moment import DateField, DatetimeField
from core.fields.number import CurrencyField, CurrencyOptions, NumberField, decimal_of
from core.formulas.cast import convertible
from core.formulas.check import check, field_named, names
from core.formulas.kind import ARTICLES, Kind, is_list, kind_of_column
from core.formulas.parse import parse
from core.formulas.problem import FormulaProblem
from core.formulas.size import Size, check_size
from core.formulas.tree import Expression
from core.schema.model import FieldOptions, FieldSpec, TableSpec
from core.schema.vocabulary import OptionProblem
from core.sentence import say

ResultType = Literal[
    "decimal", "number", "numeric", "integer", "int", "boolean", "bool", "text", "string", "date", "datetime", "timestamp",
    "text[]", "string[]",
]  # fmt: skip
Result = Literal["integer", "number", "text", "boolean", "date", "timestamp", "text-list"]

_RESULTS: dict[str, Result] = {
    "decimal": "number", "number": "number", "numeric": "number", "integer": "integer", "int": "integer",
    "boolean": "boolean", "bool": "boolean", "text": "text", "string": "text", "date": "date", "datetime": "timestamp",
    "timestamp": "timestamp", "text[]": "text-list", "string[]": "text-list",
}  # fmt: skip
_COLUMNS: dict[Result, ColumnType] = {
    "number": ColumnType("decimal", 38, 10),
    "integer": ColumnType("bigint"),
    "text": ColumnType("text"),
    "boolean": ColumnType("boolean"),
    "date": ColumnType("date"),
    "timestamp": ColumnType("timestamp"),
    "text-list": ColumnType("text-list"),
}


class FormulaOptions(FieldOptions):
    formula: Annotated[str, Field(min_length=1)]
    result_type: ResultType = "text"
    format: str | None = None

    @property
    def is_stored(self) -> bool:
        return False

    @property
    def result(self) -> Result:
        """What `resultType` means."""
        return _RESULTS[self.result_type]


class ExactFace(NumberField[Decimal]):
    """A number that was computed: ten digits behind the point at most, none that say nothing."""

    name = "decimal"

    def column(self) -> ColumnType:
        return _COLUMNS["number"]

    def accept(self, raw: Any) -> Decimal | None:
        return None if raw is None else decimal_of(raw)

    def to_json(self, value: Decimal | None) -> Any:
        """A number; a text where a double would lose digits."""
        if value is None:
            return None
        if value == int(value) and abs(value) < 2**53:
            return int(value)
        return float(value) if Decimal(repr(float(value))) == value else self.to_text(value)

    def to_text(self, value: Decimal | None) -> str:
        if value is None:
            return ""
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def example(self, rng: Random) -> Decimal:
        return Decimal(rng.randint(0, 10_000)) / 8


class FormulaField(ComputedField):
    """A value computed from the record's other fields by a formula; see formulas."""

    name = "formula"
    family = "text"
    Options = FormulaOptions

    @cached_property
    def expression(self) -> Expression:
        """The formula's tree. Raises FormulaProblem for one that no check has seen."""
        return parse(self.options.formula)

    def _shown(self) -> tuple[FieldType[Any], ColumnType]:
        options: FormulaOptions = self.options
        return _face(self.spec, options.result), _COLUMNS[options.result]

    def inputs(self) -> frozenset[tuple[str, str]]:
        """Field names are written in small letters, so a formula's other spellings of them are told by that."""
        try:
            return frozenset(("", name.lower()) for name in names(self.expression))
        except FormulaProblem:
            return frozenset()

    def present(self, value: Any, how: Format) -> str:
        written = self.options.format
        if value is None or not written:
            return super().present(value, how)
        currency = CURRENCY_FORMAT.fullmatch(written)
        if currency and isinstance(value, Decimal | int):
            options = CurrencyOptions(currency=(currency[1] or "USD").upper())
            spec = FieldSpec(id=self.spec.id, name=self.spec.name, type="currency", options=options)
            return CurrencyField(spec).present(Decimal(value).quantize(Decimal("0.01")), how)
        if written == "percentage" and isinstance(value, Decimal | int):
            return f"{self.face.to_text(value)} %"
        if isinstance(value, date):
            return patterned(value, written, how)
        return super().present(value, how)

    @classmethod
    def check_bound(cls, field: FieldSpec, table: TableSpec, others: Neighbours) -> Iterable[OptionProblem]:
        """F-016: syntax, names, kinds, size; a circle is told for all computed fields alike."""
        options = field.options
        assert isinstance(options, FormulaOptions)
        kinds = value_kinds(others, table)
        try:
            expression = parse(options.formula)
            given = check(expression, kinds)
            sizes = {field.name: Size()}
            check_size(expression, lambda name: _size_of(name, table, others, sizes))
        except FormulaProblem as problem:
            line, column = problem.place(options.formula)
            place = say("column {column}", column=column)
            if "\n" in options.formula.strip():
                place = say("line {line}, column {column}", line=line, column=column)
            yield OptionProblem(
                "formula",
                problem.code,
                say("{problem} ({place} of the formula)", problem=say(problem.message), place=place),
                problem.hint,
            )
            return
        yield from _check_result(options, given)


def check_conditions(table: TableSpec, others: Neighbours) -> Iterable[OptionProblem]:
    """The conditions of a table: its constraints (T-141), and what decides which rows an index holds (T-139)."""
    written = [(f"constraints[{place}].check", each.name, each.check) for place, each in enumerate(table.constraints)]
    written += [("indexes", index.name, index.where) for index in table.indexes if index.where]
    sizes: dict[str, Size] = {}
    for key, label, text in written:
        try:
            expression = parse(text)
            given = check(expression, value_kinds(others, table))
            if given not in ("boolean", "null"):
                message = say("A condition is true or false, this is {kind}", kind=ARTICLES[given])
                raise FormulaProblem("formula.type", message, expression.at, "compare it with something")
            check_size(expression, lambda name: _size_of(name, table, others, sizes))
        except FormulaProblem as problem:
            message = say(
                "{label}: {problem} (column {column})",
                label=label,
                problem=say(problem.message),
                column=problem.place(text)[1],
            )
            yield OptionProblem(key, problem.code, message, problem.hint)


def _check_result(options: FormulaOptions, given: Kind) -> Iterable[OptionProblem]:
    wanted: Kind = "number" if options.result == "integer" else options.result
    if not convertible(given, wanted):
        hint = "use EXTRACT or DATE_DIFF" if given == "interval" else None
        if is_list(given):
            hint = "set `resultType: text[]`, or join the list: ARRAYJOIN(list, ', ')"
        text = say(
            "the formula gives {given}, which cannot become {wanted} (`{type}`)",
            given=ARTICLES[given],
            wanted=ARTICLES[wanted],
            type=options.result_type,
        )
        yield OptionProblem("resultType", "formula.result", text, hint)
    written = options.format
    if not written:
        return
    fits = (
        options.result in ("number", "integer")
        if written == "percentage" or CURRENCY_FORMAT.fullmatch(written)
        else None
    )
    if fits is None:
        fits = options.result in ("date", "timestamp")
    if not fits:
        text = say(
            "the format {written!r} does not fit `resultType: {type}`", written=written, type=options.result_type
        )
        hint = "numbers have `percentage` and `currency:EUR`, dates a pattern such as DD.MM.YYYY"
        yield OptionProblem("format", "field.format", text, hint)


def _face(spec: FieldSpec, result: Result) -> FieldType[Any]:
    """The type that the value shows itself as."""

    def plain(kind: type[FieldType[Any]]) -> FieldType[Any]:
        return kind(FieldSpec(id=spec.id, name=spec.name, type=kind.name, options=kind.Options()))

    match result:
        case "number":
            return plain(ExactFace)
        case "integer":
            return whole_face(spec)
        case "boolean":
            return plain(CheckboxField)
        case "date":
            return plain(DateField)
        case "timestamp":
            return plain(DatetimeField)
        case "text-list":
            return ListFace(spec, text_face(spec))
        case "text":
            return text_face(spec)


def value_kind(field: FieldType[Any] | None) -> Kind | None:
    """The kind of a field's value in formulas; None for what has no value. A lookup of several records is a list there."""
    result = None if field is None else field.result()
    if result is None:
        return None
    if isinstance(field, LookupField) and field.is_joined:
        return kind_of_column(field.members.column().kind)
    return kind_of_column(result.kind)


def value_kinds(others: Neighbours, table: TableSpec) -> dict[str, Kind]:
    """The fields that a formula of the table may name, with their kinds."""
    found: dict[str, Kind] = {}
    for name in dict.fromkeys((*others.names(table), "id")):
        kind = value_kind(others.type_of(table, name))
        if kind is not None:
            found[name] = kind
    return found


def _size_of(name: str, table: TableSpec, others: Neighbours, sizes: dict[str, Size]) -> Size:
    """The size of a field of the same table: more than one if it is a formula. `sizes` are those known by now, for formulas
    that hold each other would be walked through as often as they are written out."""
    found = field_named(name, others.names(table)) or name
    if found in sizes:
        return sizes[found]
    sizes[found] = Size()  # also what a circle is taken for, which is told elsewhere
    field = others.type_of(table, found)
    if isinstance(field, FormulaField):
        try:
            sizes[found] = check_size(field.expression, lambda each: _size_of(each, table, others, sizes))
        except FormulaProblem as problem:
            if problem.code in ("formula.too-long", "formula.too-deep"):
                raise
    return sizes[found]
