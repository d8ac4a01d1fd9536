"""Choice fields: checkbox, single-select, multi-select, status.

A choice keeps the option's value, never its position or label, so that options can be reordered and relabelled freely.
"""

import json
from collections.abc import Iterable, Mapping
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, GetJsonSchemaHandler, model_validator

from core.fields.base import FieldType, Format, ValueProblem
from core.fields.column import ColumnType
from core.fields.text import text_of
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.pattern import COLOR
from core.schema.shape import show
from core.schema.vocabulary import OptionProblem
from core.sentence import say

OptionText = Annotated[str, Field(min_length=1, max_length=255)]
Color = Annotated[str, Field(pattern=COLOR)]


class Choice(FieldOptions):
    """One option of a select."""

    value: OptionText
    label: str | None = None
    color: Color | None = None

    @model_validator(mode="before")
    @classmethod
    def widen(cls, written: Any) -> Any:
        """A bare text is an option without a label."""
        return {"value": written} if isinstance(written, str) else written

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 255}, handler(core_schema)]}


class CheckboxField(FieldType[bool]):
    """Yes or no."""

    name = "checkbox"
    family = "checkbox"
    editor = "checkbox"
    _WORDS: Mapping[str, bool] = {
        **dict.fromkeys(("true", "1", "yes", "y", "on", "x", "[x]"), True),
        **dict.fromkeys(("false", "0", "no", "n", "off", "[ ]"), False),
    }

    def column(self) -> ColumnType:
        return ColumnType("boolean")

    def accept(self, raw: Any) -> bool | None:
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, int | float) and raw in (0, 1):
            return bool(raw)
        if isinstance(raw, str) and raw.strip().lower() in self._WORDS:
            return self._WORDS[raw.strip().lower()]
        raise ValueProblem("checkbox.not-a-boolean", say("true or false is expected, not {value}", value=show(raw)))

    def accept_json(self, raw: Any) -> bool | None:
        """Of the words that a cell may hold, `"true"` and `"false"` (T-079)."""
        if isinstance(raw, str) and raw not in ("true", "false"):
            raise ValueProblem("checkbox.not-a-boolean", say("true or false is expected, not {value}", value=show(raw)))
        return self.accept(raw)

    def to_text(self, value: bool | None) -> str:
        return "" if value is None else "true" if value else "false"

    def example(self, rng: Random) -> bool:
        return rng.random() < 0.5


class Condition(FieldOptions):
    """`{when: locked, then: {readOnly: true}}`"""

    class Effect(BaseModel):
        model_config = FieldOptions.model_config
        read_only: bool = True

    when: str
    then: Effect


class SelectOptions(FieldOptions):
    options: Annotated[tuple[Choice, ...], Field(min_length=1)]


class SingleSelectOptions(SelectOptions):
    conditions: tuple[Condition, ...] = ()


class ChoiceField(FieldType[str]):
    """One of a list of options."""

    family = "select"
    editor = "choice"
    Options: ClassVar[type[FieldOptions]] = SelectOptions

    def physical_check(self) -> tuple[str, str] | None:
        """T-080"""
        quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in self.choices)
        return "enum", f'"{self.spec.name}" IN ({quoted})'

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__(spec)
        self.choices: dict[str, Choice] = {choice.value: choice for choice in self.options.options}

    def column(self) -> ColumnType:
        return ColumnType("text")

    def accept(self, raw: Any) -> str | None:
        return None if raw is None else find_choice(raw, self.choices)

    def present(self, value: str | None, how: Format) -> str:
        return "" if value is None else label_of(value, self.choices)

    def sort_order(self) -> tuple[str, ...]:
        """In the order of the options, not of the alphabet (T-081)."""
        return tuple(self.choices)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_options(field)

    def example(self, rng: Random) -> str:
        return rng.choice(list(self.choices))


class SingleSelectField(ChoiceField):
    """One option."""

    name = "single-select"
    Options = SingleSelectOptions

    def locks_record(self, value: str | None) -> bool:
        return any(each.when == value and each.then.read_only for each in self.options.conditions)

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_options(field)
        options = field.options
        assert isinstance(options, SingleSelectOptions)
        values = {choice.value for choice in options.options}
        for index, condition in enumerate(options.conditions):
            if condition.when not in values:
                yield OptionProblem(
                    f"conditions[{index}].when",
                    "field.option",
                    say("{value} is not an option", value=show(condition.when)),
                )


class StatusOptions(SelectOptions):
    transitions: dict[str, tuple[str, ...]] | None = None


class StatusField(ChoiceField):
    """One option with a colour; `transitions` says which may follow which."""

    name = "status"
    Options = StatusOptions

    def beside(self, value: str, how: Format) -> Mapping[str, Any]:
        color = next((each.color for each in self.options.options if each.value == value), None)
        return {"color": color} if color else {}

    def check_change(self, before: str | None, after: str | None) -> None:
        """T-086"""
        moves = self.options.transitions
        if moves is None or before is None or after is None or before == after or before not in moves:
            return
        if after not in moves[before]:
            allowed = ", ".join(moves[before]) or say("nothing")
            raise ValueProblem(
                "status.transition",
                say(
                    "{before} cannot become {after}; {allowed} can follow",
                    before=show(before),
                    after=show(after),
                    allowed=allowed,
                ),
            )

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_options(field)
        options = field.options
        assert isinstance(options, StatusOptions)
        values = {choice.value for choice in options.options}
        for value, following in (options.transitions or {}).items():
            for name in (value, *following):
                if name not in values:
                    yield OptionProblem(
                        f"transitions.{value}", "field.option", say("{value} is not an option", value=show(name))
                    )


class MultiSelectOptions(SelectOptions):
    max_selections: Annotated[int, Field(ge=1)] | None = None


class MultiSelectField(FieldType[list[str]]):
    """Several options, each once, in the order given."""

    name = "multi-select"
    family = "multi"
    editor = "choices"
    Options: ClassVar[type[FieldOptions]] = MultiSelectOptions

    def __init__(self, spec: FieldSpec) -> None:
        super().__init__(spec)
        self.choices: dict[str, Choice] = {choice.value: choice for choice in self.options.options}

    def column(self) -> ColumnType:
        return ColumnType("text-list")

    def accept(self, raw: Any) -> list[str] | None:
        if raw is None:
            return None
        items = split_list(raw) if isinstance(raw, str) else raw
        if not isinstance(items, list | tuple):
            raise ValueProblem("select.not-a-list", say("A list of options is expected, not {value}", value=show(raw)))
        values = list(dict.fromkeys(find_choice(item, self.choices) for item in items))
        most = self.options.max_selections
        if most is not None and len(values) > most:
            raise ValueProblem(
                "select.too-many",
                say("At most {most} options can be chosen, {count} are given", most=most, count=len(values)),
            )
        return values

    def accept_json(self, raw: Any) -> list[str] | None:
        if isinstance(raw, str):
            raise ValueProblem(
                "select.not-a-list", say("A list of options is expected, not the text {value}", value=show(raw))
            )
        return self.accept(raw)

    def to_text(self, value: list[str] | None) -> str:
        """`red, blue`; as JSON where that would not be read back."""
        if value is None:
            return ""
        text = ", ".join(value)
        return text if value and split_list(text) == value else json.dumps(value, ensure_ascii=False)

    def present(self, value: list[str] | None, how: Format) -> str:
        return ", ".join(label_of(each, self.choices) for each in value or ())

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        yield from check_options(field)
        options = field.options
        assert isinstance(options, MultiSelectOptions)
        if options.max_selections is not None and options.max_selections > len(options.options):
            text = say(
                "maxSelections {most} is above the number of options, {count}",
                most=options.max_selections,
                count=len(options.options),
            )
            yield OptionProblem("maxSelections", "field.bounds", text)

    def example(self, rng: Random) -> list[str]:
        values = list(self.choices)
        return rng.sample(values, rng.randint(1, min(len(values), self.options.max_selections or len(values))))


def find_choice(raw: Any, choices: Mapping[str, Choice]) -> str:
    """The option that a raw value names by its value, or else by its label. Raises ValueProblem."""
    if isinstance(raw, str) and raw in choices:
        return raw
    text = text_of(raw)
    for candidate in (text, text.strip()):
        if candidate in choices:
            return candidate
    for value, choice in choices.items():
        if choice.label is not None and choice.label == text.strip():
            return value
    names = list(choices)
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    raise ValueProblem(
        "select.unknown-option", say("{value} is not an option; these are: {options}", value=show(raw), options=listed)
    )


def label_of(value: str, choices: Mapping[str, Choice]) -> str:
    """What is shown for a value; a value that has left the options is shown as it is."""
    choice = choices.get(value)
    return choice.label or value if choice else value


def check_options(field: FieldSpec) -> Iterable[OptionProblem]:
    """T-080: values once, and not all blanks."""
    options = field.options
    assert isinstance(options, SelectOptions)
    seen: set[str] = set()
    for index, choice in enumerate(options.options):
        if choice.value in seen:
            yield OptionProblem(
                f"options[{index}]", "field.option", say("the option {value} is given twice", value=show(choice.value))
            )
        if not choice.value.strip():
            yield OptionProblem(f"options[{index}]", "field.option", "an option must not be blank")
        seen.add(choice.value)


def split_list(text: str) -> list[Any]:
    """A list written as text: a JSON list, or values between commas."""
    text = text.strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    return [part.strip() for part in text.split(",") if part.strip()]
