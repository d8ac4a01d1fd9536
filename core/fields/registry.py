"""All field types. A new type is a class in the module of its family and a name in `_TYPES`."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from core.fields.array import ArrayField
from core.fields.attachment import MultipleAttachmentsField, SingleAttachmentField
from core.fields.base import FieldType, ValueProblem
from core.fields.bind import Binder
from core.fields.button import ButtonField
from core.fields.choice import CheckboxField, MultiSelectField, SingleSelectField, StatusField
from core.fields.computed import CountField, LookupField, RollupField
from core.fields.duration import DurationField
from core.fields.formula import FormulaField, check_conditions
from core.fields.generated import (
    AiCategorizeField,
    AiExtractField,
    AiGenerateField,
    AiSentimentField,
    AiSummaryField,
    AiTagField,
    AiTranslateField,
)
from core.fields.link import RelationshipField
from core.fields.moment import (
    CreatedAtField,
    DateField,
    DatetimeField,
    DateWithTimeField,
    DeletedAtField,
    TimeField,
    UpdatedAtField,
)
from core.fields.number import (
    AutonumberField,
    CurrencyField,
    DecimalField,
    IntegerField,
    PercentageField,
    ProgressField,
    RatingField,
)
from core.fields.person import CreatedByField, DeletedByField, UpdatedByField, UserField, UsersField
from core.fields.place import GeolocationField
from core.fields.policy import check_policies
from core.fields.structured import JsonField
from core.fields.text import (
    BarcodeField,
    CodeField,
    ColorField,
    EmailField,
    LongTextField,
    PhoneNumberField,
    RichTextField,
    SingleLineTextField,
    UrlField,
)
from core.fields.view import check_views
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.vocabulary import OptionProblem
from core.sentence import say

_TYPES: tuple[type[FieldType[Any]], ...] = (
    SingleLineTextField,
    LongTextField,
    RichTextField,
    EmailField,
    UrlField,
    PhoneNumberField,
    CodeField,
    BarcodeField,
    ColorField,
    IntegerField,
    DecimalField,
    CurrencyField,
    PercentageField,
    RatingField,
    ProgressField,
    DurationField,
    DateField,
    DatetimeField,
    TimeField,
    CheckboxField,
    SingleSelectField,
    MultiSelectField,
    StatusField,
    RelationshipField,
    LookupField,
    RollupField,
    CountField,
    FormulaField,
    CreatedAtField,
    UpdatedAtField,
    DeletedAtField,
    UserField,
    CreatedByField,
    UpdatedByField,
    DeletedByField,
    SingleAttachmentField,
    MultipleAttachmentsField,
    JsonField,
    ArrayField,
    GeolocationField,
    AutonumberField,
    ButtonField,
    AiCategorizeField,
    AiExtractField,
    AiGenerateField,
    AiSentimentField,
    AiSummaryField,
    AiTagField,
    AiTranslateField,
)

_ALIASES = {
    "number": "decimal",
    "boolean": "checkbox",
    "attachment": "single-attachment",
    "text": "long-text",
    "phone": "phone-number",
}

_ELSEWHERE = {
    "single-line-text": "string str varchar char character text-input",
    "long-text": "textarea multiline-text editor",
    "rich-text": "html markdown wysiwyg",
    "phone-number": "tel telephone",
    "url": "link uri",
    "integer": "int int2 int4 int8 bigint big-integer smallint serial",
    "decimal": "float float4 float8 double double-precision real numeric",
    "currency": "money price",
    "percentage": "percent",
    "datetime": "timestamp timestamptz date-time",
    "checkbox": "bool",
    "single-select": "select enum dropdown choice",
    "multi-select": "multiple-select multiple-selects tags",
    "relationship": "relation reference foreign-key fk many-to-one many-to-many one-to-many",
    "single-attachment": "file image",
    "multiple-attachments": "files images attachments",
    "created-at": "created autodate",
    "updated-at": "updated",
    "json": "jsonb object map",
    "array": "list",
    "geolocation": "geo-point point location place",
    "autonumber": "auto-number autoincrement auto-increment",
}
"""What other programs and SQL call a type."""


class Registry:
    """The field types by name; what the loader and everybody else asks about types (`FieldVocabulary`)."""

    def __init__(self, types: Iterable[type[FieldType[Any]]]) -> None:
        self._types = {each.name: each for each in types}
        self._binder: Binder | None = None

    def __iter__(self) -> Iterator[type[FieldType[Any]]]:
        return iter(self._types.values())

    def __getitem__(self, name: str) -> type[FieldType[Any]]:
        return self._types[name]

    def built(self) -> Collection[str]:
        return self._types.keys()

    def aliases(self) -> dict[str, str]:
        return dict(_ALIASES)

    def meant(self, name: str) -> str | None:
        word = re.sub(r"(?<=[a-z])(?=[A-Z])|[_ ]+", "-", name.partition("(")[0].strip()).lower()
        if word in self._types:
            return word
        return next((name for name, words in _ELSEWHERE.items() if word in words.split()), None)

    def about(self, type_name: str) -> str:
        text = " ".join((self._types[type_name].__doc__ or "").split("\n\n")[0].split())
        return re.sub(r" \([A-Z]-\d+\)", "", text)  # people have no list of the points

    def options(self, type_name: str) -> type[FieldOptions]:
        return self._types[type_name].Options

    def make(self, spec: FieldSpec) -> FieldType[Any]:
        """The type bound to one field."""
        if spec.type == "date" and getattr(spec.options, "include_time", False):
            return DateWithTimeField(spec)
        if spec.type == "user" and getattr(spec.options, "allow_multiple", False):
            return UsersField(spec)
        return self._types[spec.type](spec)

    def check(self, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """The type's own rules, then the rules that hold for all: the default is a value of the field."""
        kind = self._types[field.type]
        problems = [*_check_storage(field, kind), *kind.check_spec(field, table, app)]
        if not problems:
            problems += self._check_neighbours(field, table, app)
        if not problems and field.default is not None:
            problems += self._check_default(field, kind)
        return problems

    def check_table(self, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """The conditions of the table's constraints, indexes and policies, and what its views say about fields."""
        bound = self._bound(app)
        return (*check_conditions(table, bound), *check_policies(table, bound), *check_views(table, bound))

    def _bound(self, app: App) -> Binder:
        """One for all fields of the app that is being checked."""
        if self._binder is None or self._binder.app is not app:
            self._binder = Binder(app, self)
        return self._binder

    def _check_neighbours(self, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        binder = self._bound(app)
        yield from self._types[field.type].check_bound(field, table, binder)
        circle = binder.circle(table, field.name)
        if circle:
            text = say("these fields are made from each other: {circle}", circle=" → ".join(circle))
            yield OptionProblem("", "field.circle", text)

    def _check_default(self, field: FieldSpec, kind: type[FieldType[Any]]) -> Iterable[OptionProblem]:
        if not kind.takes_default:
            yield OptionProblem("default", "field.default", say("a {type} field takes no default", type=field.type))
            return
        try:
            self.make(field).default()
        except ValueProblem as problem:
            yield OptionProblem(
                "default", "field.default", say("not a value of this field: {problem}", problem=say(problem.message))
            )


def _check_storage(field: FieldSpec, kind: type[FieldType[Any]]) -> Iterable[OptionProblem]:
    """What is no column cannot have an index, and what is computed cannot be required."""
    if field.options.is_stored:
        return
    for key, given in (("unique", field.unique), ("indexed", field.indexed), ("required", field.required)):
        if given and (key != "required" or kind.read_only):
            yield OptionProblem(
                key, "field.not-stored", say("this field is no column, so it cannot be `{key}`", key=key)
            )


FIELD_TYPES = Registry(_TYPES)
