"""What the views of a table say about its fields (V-007): operators, groups and layouts fit fields that are there."""

from collections.abc import Iterable, Iterator
from typing import Any

from core.fields.base import FieldType
from core.fields.bind import Binder
from core.fields.condition import check_condition
from core.schema.model import TableSpec
from core.schema.name import nearest
from core.schema.view import ViewSpec
from core.schema.vocabulary import OptionProblem
from core.sentence import say

_API_NAMES = {"createdAt": "created_at", "updatedAt": "updated_at", "deletedAt": "deleted_at"}
_UNGROUPABLE = frozenset({"json", "none"})
_COLUMNS = frozenset({"select", "checkbox", "user", "link", "text", "number"})
"""Families whose values make the columns of a board: a record stands in one of them."""


def check_views(table: TableSpec, binder: Binder) -> Iterable[OptionProblem]:
    """All problems of the table's views, each at its key."""
    checker = _Checker(table, binder)
    for place, view in enumerate(table.views):
        yield from checker.check(view, f"views[{place}]")


class _Checker:
    def __init__(self, table: TableSpec, binder: Binder) -> None:
        self._table = table
        self._binder = binder
        self._names = list(binder.names(table))

    def type_of(self, name: str) -> FieldType[Any] | None:
        """Of a field that has a value."""
        found = self._binder.type_of(self._table, _API_NAMES.get(name, name))
        return None if found is None or found.result() is None else found

    def check(self, view: ViewSpec, key: str) -> Iterator[OptionProblem]:
        if view.filters is not None:
            yield from check_condition(view.filters, self.type_of, self._names, f"{key}.filters")
        if view.query is None:  # a query has columns of its own
            for place, name in enumerate(view.fields or ()):
                yield from self._known(name, f"{key}.fields[{place}]", with_value=False)
        for place, (name, _) in enumerate(view.sorts):
            yield from self._known(name.partition(".")[0], f"{key}.sorts[{place}].field")
        if view.group_by is not None:
            yield from self._group(view.group_by.field, f"{key}.groupBy.field")
        if view.kanban_group_by is not None:
            yield from self._column(view.kanban_group_by, f"{key}.kanbanGroupBy.field")
        for day, where in ((view.date_field, "dateField"), (view.end_date_field, "endDateField")):
            if day is not None:
                yield from self._date(day, f"{key}.{where}")
        for told, where in (
            (view.label_field, "labelField"),
            (view.color_field, "colorField"),
            (view.cover_field, "coverField"),
            *((each, f"cardFields[{place}]") for place, each in enumerate(view.card_fields or ())),
        ):
            if told is not None:
                yield from self._known(told, f"{key}.{where}")

    def _known(self, name: str, key: str, *, with_value: bool = True) -> Iterator[OptionProblem]:
        found = self._binder.type_of(self._table, _API_NAMES.get(name, name))
        if found is None:
            text = say("this table has no field `{name}`", name=name)
            yield OptionProblem(key, "schema.unknown-field", text, nearest(name, self._names))
        elif with_value and found.result() is None:
            yield OptionProblem(
                key, "view.no-value", say("`{name}` of type {type} has no value", name=name, type=found.name)
            )

    def _group(self, name: str, key: str) -> Iterator[OptionProblem]:
        yield from self._known(name, key)
        found = self.type_of(name)
        if found is not None and found.family in _UNGROUPABLE:
            yield OptionProblem(
                key, "view.group", say("rows cannot be grouped by `{name}` of type {type}", name=name, type=found.name)
            )

    def _column(self, name: str, key: str) -> Iterator[OptionProblem]:
        yield from self._known(name, key)
        found = self.type_of(name)
        kind = None if found is None else found.result()
        if found is None or kind is None:
            return
        if found.family not in _COLUMNS or kind.kind.endswith("-list"):
            yield OptionProblem(
                key,
                "view.layout",
                say("`{name}` of type {type} makes no columns of a board", name=name, type=found.name),
            )

    def _date(self, name: str, key: str) -> Iterator[OptionProblem]:
        yield from self._known(name, key)
        found = self.type_of(name)
        if found is not None and (found.family != "date" or found.name == "time"):
            yield OptionProblem(
                key, "view.layout", say("`{name}` of type {type} is no date", name=name, type=found.name)
            )
