"""Raw values of a request into values to store: unknown and read-only names, required, types, limits, defaults.

All errors of a record are found, not only the first (T-038…T-044, T-142). Links and unique keys are checked by the
writer, inside the transaction.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from core.errors import FieldError, Invalid
from core.fields.base import FieldType, ValueProblem
from core.fields.link import LinkEdit
from core.fields.model import API_NAMES, TableModel
from core.sentence import say

Values = dict[str, Any]
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


class Problems:
    """Errors of one record while they are found, each with its status: 422 where only a text's form is wrong (D-08)."""

    def __init__(self) -> None:
        self.found: list[tuple[FieldError, int]] = []

    def add(self, field: str, code: str, message: str, status: int = 400) -> None:
        self.found.append((FieldError(field, code, message), status))

    def drop(self, field: str) -> None:
        self.found = [(error, status) for error, status in self.found if error.field != field]

    def raise_if_any(self) -> None:
        if self.found:
            raise invalid([error for error, _ in self.found], min(status for _, status in self.found))


def invalid(errors: Sequence[FieldError], status: int = 400) -> Invalid:
    """The one form of refused values: `errors` for all, `details` for what is missing, `field` when it is one."""
    missing = [error for error in errors if error.code == "field.required"]
    extra: dict[str, Any] = {}
    if missing:
        extra["details"] = [{"record": e.record or 0, "field": e.field, "error": e.message} for e in missing]
    if len(errors) == 1:
        extra["field"] = errors[0].field
    if status == 422:
        extra["error"] = errors[0].message
    message = errors[0].message if len(errors) == 1 else say("{count} values are not valid", count=len(errors))
    return Invalid(message, errors, status=status, **extra)


def at_record(error: Invalid, record: int) -> Invalid:
    """The same refusal, telling which record of a batch it is about."""
    errors = [replace(each, record=record) for each in error.errors]
    return invalid(errors, error.status) if errors else error


def accept_new(table: TableModel, raw: Mapping[str, Any], now: datetime, *, typed: bool = False) -> Values:
    """A value for every stored column that the writer does not fill itself. `typed`: the raw values are JSON's, not texts
    of people or files. Raises Invalid."""
    problems = Problems()
    given = _accept(table, raw, problems, creating=True, typed=typed)
    values: Values = {**table.blank, **given}
    for name, field_type, is_set in table.completed:
        if is_set:
            values[name] = _first_links(given.get(name), field_type, problems)
        elif name not in given:
            value = values[name] = _default(field_type, now)
            if name not in raw and value is None and field_type.spec.required:
                problems.add(name, "field.required", say("{name} is required", name=name))
    _derive_slug(table, raw, values, problems)
    _publish(table, values, {}, now)
    problems.raise_if_any()
    return values


def _first_links(value: Any, field_type: FieldType[Any], problems: Problems) -> list[Any]:
    """The set of a new record."""
    links = list(value.add if isinstance(value, LinkEdit) else value or ())
    if not links and field_type.spec.required and not any(e.field == field_type.spec.name for e, _ in problems.found):
        problems.add(field_type.spec.name, "field.required", say("{name} is required", name=field_type.spec.name))
    return links


def accept_changes(table: TableModel, raw: Mapping[str, Any], *, typed: bool = False) -> Values:
    """Values of the named fields, read as `accept_new` reads them. Raises Invalid."""
    problems = Problems()
    values = _accept(table, raw, problems, creating=False, typed=typed)
    if values.get("slug") is not None:
        _check_slug(table, values["slug"], problems)
    problems.raise_if_any()
    return values


def check_changes(
    table: TableModel, before: Mapping[str, Any], changes: Values, now: datetime, *, unlocks: bool = False
) -> None:
    """The rules that need the record as it stands: locks, transitions, publication. May add to `changes`. `unlocks`: locks
    do not hold (T-082). Raises Invalid."""
    problems = Problems()
    for name, field_type in () if unlocks else table.locking:
        if field_type.locks_record(before.get(name)):
            problems.add(
                name,
                "record.locked",
                say("The record is locked while {name} is {value!r}", name=name, value=before.get(name)),
            )
    for name, field_type in table.stepwise:
        try:
            if name in changes:
                field_type.check_change(before[name], changes[name])
        except ValueProblem as problem:
            problems.add(name, problem.code, problem.message, problem.status)
    _publish(table, changes, before, now)
    problems.raise_if_any()


def _accept(table: TableModel, raw: Mapping[str, Any], problems: Problems, *, creating: bool, typed: bool) -> Values:
    values: Values = {}
    accepting, required = table.accepting[typed], table.required
    for name, given in raw.items():
        accept = accepting.get(name)
        if accept is None:
            _refuse_name(table, name, problems, creating=creating)
            continue
        try:
            value = values[name] = accept(given)
        except ValueProblem as problem:
            problems.add(name, problem.code, problem.message, problem.status)
            continue
        if name in required and _is_blank(table.fields[name], value):
            problems.add(name, "field.required", say("{name} is required", name=name))
    return values


def _is_blank(field_type: FieldType[Any], value: Any) -> bool:
    """It counts as no value where one is required."""
    if isinstance(value, str):
        return field_type.family == "text" and not value.strip()
    return value is None or value == []


def _refuse_name(table: TableModel, name: str, problems: Problems, *, creating: bool) -> None:
    field_type = table.fields.get(name)
    if field_type is not None:
        if not field_type.ignores_input:
            problems.add(name, "field.read-only", say("{name} is filled by the engine", name=name))
        return
    column = API_NAMES.get(name, name)
    if column in table.system:
        if column in table.key.fields:
            problems.add(name, "field.read-only", say("{name} is given by the engine", name=name))
        elif not creating:
            problems.add(name, "field.read-only", say("{name} is kept by the engine", name=name))
        return
    near = get_close_matches(name, table.fields, 1)
    pattern = "{table} has no field {name!r}, did you mean {near!r}?" if near else "{table} has no field {name!r}"
    problems.add(name, "field.unknown", say(pattern, table=table.name, name=name, near=near[0] if near else ""))


def _default(field_type: FieldType[Any], now: datetime) -> Any:
    return field_type.value_at(now) if field_type.default_is_now() else field_type.default()


def _derive_slug(table: TableModel, raw: Mapping[str, Any], values: Values, problems: Problems) -> None:
    """T-053: a table with `slug` and `title` makes the first from the second."""
    if not table.has_slug:
        return
    if raw.get("slug") not in (None, ""):
        if values.get("slug") is not None:
            _check_slug(table, values["slug"], problems)
    elif values.get("title"):
        ascii_title = unicodedata.normalize("NFKD", values["title"]).encode("ascii", "ignore").decode().lower()
        values["slug"] = _NOT_SLUG.sub("-", ascii_title).strip("-") or None
        problems.drop("slug")


def _check_slug(table: TableModel, slug: str, problems: Problems) -> None:
    if table.has_slug and not _SLUG.match(slug):
        problems.add("slug", "slug.malformed", "A slug has small letters, digits and single hyphens", 422)


def _publish(table: TableModel, values: Values, before: Mapping[str, Any], now: datetime) -> None:
    """T-083: what becomes published is published now."""
    if not table.is_published:
        return
    is_new = values.get("status") == "published" and before.get("status") != "published"
    if is_new and values.get("published_at", before.get("published_at")) is None:
        values["published_at"] = now
