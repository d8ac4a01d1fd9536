"""Fields that a language model fills. They are ordinary columns: read, filtered and written by hand; a provider, once one is
configured, fills them after the commit (T-102).
"""

import re
from collections.abc import Iterable, Mapping
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from core.fields.base import FieldType, ValueProblem
from core.fields.choice import Choice, ChoiceField, MultiSelectField
from core.fields.structured import JsonField, check_json_schema
from core.fields.text import LongTextField
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.name import nearest
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_LANGUAGE = r"^[a-z]{2,3}(-[A-Z][A-Za-z]{1,3})?$"
_Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)]


class GeneratedOptions(FieldOptions):
    """What all of them take."""

    source_fields: Annotated[tuple[str, ...], Field(min_length=1)]
    prompt: str | None = None
    system_prompt: str | None = None
    model: str | None = None
    temperature: Annotated[float, Field(ge=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    compute_on: Literal["create", "update", "both", "manual"] = "both"


class CategorizeOptions(GeneratedOptions):
    categories: _Words

    @property
    def options(self) -> tuple[Choice, ...]:
        return tuple(Choice(value=word) for word in self.categories)


class TagOptions(GeneratedOptions):
    tags: _Words
    max_tags: Annotated[int, Field(ge=1)] | None = None

    @property
    def options(self) -> tuple[Choice, ...]:
        return tuple(Choice(value=word) for word in self.tags)

    @property
    def max_selections(self) -> int | None:
        return self.max_tags


class SummaryOptions(GeneratedOptions):
    max_length: Annotated[int, Field(ge=1)] | None = None


class TranslateOptions(GeneratedOptions):
    target_language: Annotated[str, StringConstraints(pattern=_LANGUAGE)]


class ExtractOptions(GeneratedOptions):
    # `schema` is a method name of pydantic models, hence the other name in Python.
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class GenerateOptions(GeneratedOptions):
    prompt: Annotated[str, Field(min_length=1)]


class GeneratedField(FieldType[Any]):
    """What all of them have in common."""

    def inputs(self) -> frozenset[tuple[str, str]]:
        """Who may not read a source does not read what a model made of it (P-021)."""
        return frozenset(("", name) for name in self.options.source_fields)


def check_sources(field: FieldSpec, table: TableSpec, *, by_hand: bool = False) -> Iterable[OptionProblem]:
    """Sources are other fields of the table; placeholders of the prompt are sources."""
    options = field.options
    assert isinstance(options, GeneratedOptions)
    names = {each.name for each in table.fields} - {field.name}
    for index, name in enumerate(options.source_fields):
        if name not in names:
            hint = nearest(name, names)
            yield OptionProblem(
                f"sourceFields[{index}]",
                "field.unknown-source",
                say("no other field is called {name}", name=name),
                hint,
            )
    for name in PLACEHOLDER.findall(options.prompt or ""):
        if name not in options.source_fields:
            yield OptionProblem(
                "prompt", "field.placeholder", say("{{{{{name}}}}} is not among `sourceFields`", name=name)
            )
    if options.compute_on == "manual" and not by_hand:
        yield OptionProblem(
            "computeOn", "field.compute-on", say("{type} is computed on create, update or both", type=field.type)
        )


def _check_words(key: str, words: tuple[str, ...]) -> Iterable[OptionProblem]:
    for index, word in enumerate(words):
        if word in words[:index]:
            yield OptionProblem(f"{key}[{index}]", "field.option", say("{value} is given twice", value=show(word)))


class AiCategorizeField(GeneratedField, ChoiceField):
    """One of the given categories, chosen by a model from the source fields."""

    name = "ai-categorize"
    takes_default = False
    Options = CategorizeOptions

    def info(self) -> Mapping[str, Any]:
        return {**super().info(), "options": [{"value": word} for word in self.choices]}

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_sources(field, table)
        yield from _check_words("categories", field.options.categories)  # type: ignore[attr-defined]


class AiTagField(GeneratedField, MultiSelectField):
    """Some of the given tags, chosen by a model from the source fields."""

    name = "ai-tag"
    takes_default = False
    Options = TagOptions

    def default(self) -> list[str]:
        return []

    def info(self) -> Mapping[str, Any]:
        return {**super().info(), "options": [{"value": word} for word in self.choices]}

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_sources(field, table)
        yield from _check_words("tags", field.options.tags)  # type: ignore[attr-defined]


class AiSummaryField(GeneratedField, LongTextField):
    """A shorter text, written by a model from the source fields."""

    name = "ai-summary"
    takes_default = False
    Options = SummaryOptions

    def normalise(self, text: str) -> str:
        text, most = super().normalise(text), self.options.max_length
        if most is not None and len(text) > most:
            raise ValueProblem(
                "text.too-long",
                say("At most {most:,} characters are allowed, this has {count:,}", most=most, count=len(text)),
            )
        return text

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        return check_sources(field, table, by_hand=True)


class AiGenerateField(GeneratedField, LongTextField):
    """A text that a model writes as the prompt says."""

    name = "ai-generate"
    takes_default = False
    Options = GenerateOptions

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        return check_sources(field, table, by_hand=True)


class AiTranslateField(GeneratedField, LongTextField):
    """The source field in another language."""

    name = "ai-translate"
    takes_default = False
    Options = TranslateOptions

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_sources(field, table)
        if len(field.options.source_fields) != 1:  # type: ignore[attr-defined]
            yield OptionProblem("sourceFields", "field.sources", "a translation has exactly one source field")


class AiExtractField(GeneratedField, JsonField):
    """Facts that a model reads out of the source fields, in the shape of `schema`."""

    name = "ai-extract"
    takes_default = False
    Options = ExtractOptions

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_sources(field, table)
        yield from check_json_schema(field.options.json_schema)  # type: ignore[attr-defined]


class AiSentimentField(GeneratedField, JsonField):
    """The mood of the source fields as a model reads it: `{"label": "positive", "score": 0.9}`."""

    name = "ai-sentiment"
    takes_default = False
    Options = GeneratedOptions
    _validator = None

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        return check_sources(field, table)

    def example(self, rng: Random) -> Any:
        return {"label": rng.choice(["positive", "neutral", "negative"]), "score": rng.randint(0, 100) / 100}
