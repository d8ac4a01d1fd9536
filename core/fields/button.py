"""Buttons: a field without a value that runs something on a record."""

import re
from collections.abc import Iterable
from random import Random
from typing import Any, Literal

from core.fields.base import FieldType, Neighbours, ValueProblem
from core.fields.condition import check_condition
from core.schema.model import App, FieldOptions, FieldSpec, TableSpec
from core.schema.name import nearest
from core.schema.vocabulary import OptionProblem
from core.sentence import say

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A field's name in the address of a button."""


class ButtonOptions(FieldOptions):
    action: Literal["url", "automation"]
    url: str | None = None
    automation: str | None = None
    confirm: str | None = None
    style: str | None = None
    visible_when: Any = None
    roles: tuple[str, ...] | None = None

    @property
    def is_stored(self) -> bool:
        return False


class ButtonField(FieldType[None]):
    """A button on every record: opens an address or starts an automation."""

    name = "button"
    family = "none"
    editor = "button"
    takes_default = False
    read_only = True
    Options = ButtonOptions

    def column(self) -> None:
        return None

    def accept(self, raw: Any) -> None:
        if raw is not None:
            raise ValueProblem("button.no-value", "A button keeps no value")

    @classmethod
    def check_spec(cls, field: FieldSpec, table: TableSpec, app: App) -> Iterable[OptionProblem]:
        """T-101"""
        options = field.options
        assert isinstance(options, ButtonOptions)
        if not field.label.strip():
            yield OptionProblem("", "field.button", "a button needs a `label`")
        if getattr(options, options.action) is None:
            text = say("a button with `action: {action}` needs `{action}`", action=options.action)
            yield OptionProblem("", "field.button", text)
        if options.url is not None and not options.url.startswith(("http://", "https://", "/", "mailto:")):
            yield OptionProblem("url", "field.button", "an address begins with https://, http://, mailto: or /")
        known = app.roles.names()
        for place, name in enumerate(options.roles or ()):
            if name not in known:
                text = say("there is no role `{name}`", name=name)
                yield OptionProblem(f"roles[{place}]", "field.button", text, nearest(name, known))

    @classmethod
    def check_bound(cls, field: FieldSpec, table: TableSpec, others: Neighbours) -> Iterable[OptionProblem]:
        options, names = field.options, others.names(table)
        assert isinstance(options, ButtonOptions)
        if options.visible_when is not None:
            yield from check_condition(
                options.visible_when, lambda name: others.type_of(table, name), names, "visibleWhen"
            )
        for name in PLACEHOLDER.findall(options.url or ""):
            if name not in names:
                text = say("`{{{name}}}` is no field of the table", name=name)
                yield OptionProblem("url", "field.button", text, nearest(name, names))

    def example(self, rng: Random) -> None:
        return None
