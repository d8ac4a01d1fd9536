"""When a field is to be filled by a model: what it is made from, and which changes ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.fields.generated import GeneratedOptions
from core.fields.model import TableModel


@dataclass(frozen=True, slots=True)
class Wish:
    """A field that is to be filled. `sources` are the stored fields of the record that its value is made from, be it by way
    of computed ones; `first` are those of them that a model fills as well."""

    name: str
    sources: frozenset[str]
    first: frozenset[str]
    on_create: bool
    on_update: bool

    def is_due(self, operation: str | None, values: Mapping[str, Any]) -> bool:
        """A change of these values asks for one, unless one stands there that was written by hand."""
        if operation in ("create", "restore"):
            return self.on_create
        return operation == "update" and self.on_update and not self.sources.isdisjoint(values)


def wishes_of(table: TableModel) -> list[Wish]:
    wishes = []
    for name in table.generated:
        options = table.fields[name].options
        assert isinstance(options, GeneratedOptions)
        when = options.compute_on
        sources = sources_of(table, name)
        first = sources.intersection(table.generated)
        wishes.append(Wish(name, sources, first, when in ("create", "both"), when in ("update", "both")))
    return wishes


def sources_of(table: TableModel, name: str) -> frozenset[str]:
    """The stored fields of a record that a value of it is made from."""
    found: set[str] = set()
    todo = [name]
    while todo:
        field = table.fields.get(todo.pop())
        new = {each for far, each in field.inputs() if not far} - found if field is not None else set()
        found |= new
        todo += [each for each in new if each not in table.generated]
    return frozenset(found)
