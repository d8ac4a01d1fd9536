"""What a request says of records, and what a batch is answered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from core.clock import from_day, to_iso
from core.errors import FieldError, Invalid, NotFound, SovriumError, TooLarge
from core.fields.model import TableModel
from core.records.create import in_batch
from core.records.key import KeyValue, parse_key
from core.records.validate import invalid
from core.records.writing import Stored, WritableTable, personal
from core.sentence import say

T = TypeVar("T")
CREATE_AT_MOST = 1_000
CHANGE_AT_MOST = 100


def accept(target: WritableTable, raw: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> T:
    """The values of a request as `read` accepts them. First it is told what no client may fill, then what this one may not
    (P-017), then what is wrong with the rest (§8.6). Raises Invalid, NotFound."""
    if not target.locked:
        return _accepted(target, raw, read)
    raw = {name: value for name, value in raw.items() if name not in target.ignored}
    refused = not target.locked.isdisjoint(raw)
    try:
        values = _accepted(target, raw, read)
    except Invalid as error:
        if refused and not any(each.code in _OF_NAMES for each in error.errors):
            raise NotFound() from None
        raise
    if refused:
        raise NotFound()
    return values


def permitted(target: WritableTable, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is written of one of several records: fields that the caller may not write are left out. Raises NotFound where
    that was all of it (P-017)."""
    left = {name: value for name, value in raw.items() if name not in target.locked}
    if raw and not left:
        raise NotFound()
    return left


_OF_NAMES = ("field.read-only", "field.unknown")


def _accepted(target: WritableTable, raw: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return read(personal(target, raw))
    except Invalid as error:
        if (told := target.refusal(error)) is error:
            raise
        raise told from None


_WRAPPED = frozenset({"fields", "updatedAt"})


def fields_of(body: Any) -> Mapping[str, Any]:
    """The fields of a body, wrapped or bare (R-003). Raises Invalid."""
    body = mapping_of(body)
    if "fields" in body and (len(body) == 1 or body.keys() <= _WRAPPED):
        return mapping_of(body["fields"])
    return {name: value for name, value in body.items() if name != "updatedAt" or "fields" not in body}


def version_of(body: Mapping[str, Any]) -> str | None:
    """The `updatedAt` that an update is based on. Raises Invalid."""
    return read_version(body.get("updatedAt")) if "fields" in body else None


def read_version(raw: Any) -> str | None:
    """An instant as records tell theirs: one that is written otherwise is the same version (R-036). Raises Invalid."""
    if raw is None:
        return None
    try:
        if isinstance(raw, str):
            return to_iso(from_day(raw))
    except (ValueError, OverflowError):
        pass
    text = "updatedAt is an instant such as 2026-02-01T08:00:00.000Z"
    raise Invalid(text, [FieldError("updatedAt", "updatedAt.malformed", text)])


def mapping_of(value: Any) -> Mapping[str, Any]:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise Invalid("Expected a map of fields", [FieldError("body", "body.malformed", "Expected a map of fields")])
    return value


def items_of(body: Mapping[str, Any], name: str, at_most: int) -> Sequence[Any]:
    items = body.get(name)
    if not isinstance(items, list) or not items:
        raise Invalid(f"{name} is a list with one entry or more", [FieldError(name, "batch.empty", "Expected a list")])
    check_size(len(items), name, at_most)
    return items


def check_size(count: int, name: str, at_most: int) -> None:
    if count > CREATE_AT_MOST:
        raise TooLarge(say("At most {most:,} records in one request", most=at_most))
    if count > at_most:
        message = say("At most {most:,} records in one request", most=at_most)
        raise Invalid(message, [FieldError(name, "batch.too-many", message)])


def check_ids(ids: Sequence[str | int]) -> None:
    if not ids:
        raise Invalid("ids is a list with one entry or more", [FieldError("ids", "batch.empty", "Expected a list")])
    check_size(len(ids), "ids", CHANGE_AT_MOST)


def keys_of(table: TableModel, ids: Sequence[str | int]) -> Sequence[KeyValue]:
    check_ids(ids)
    keys: dict[KeyValue, None] = {}
    for each in ids:
        try:
            keys[parse_key(table, each)] = None
        except NotFound:
            raise NotFound(recordId=str(each)) from None
    return list(keys)


def accept_each(
    items: Sequence[Any], partial: bool, accept: Callable[[Any], Any]
) -> tuple[list[Any], list[int], dict[int, SovriumError]]:
    """Accepted items, their places in the request, and the errors by place. All bad records are reported together."""
    accepted: list[Any] = []
    places: list[int] = []
    errors: dict[int, SovriumError] = {}
    for place, item in enumerate(items):
        try:
            accepted.append(accept(item))
            places.append(place)
        except Invalid as error:
            errors[place] = in_batch(error, place)
    if errors and not partial:
        found = [each for error in errors.values() if isinstance(error, Invalid) for each in error.errors]
        first = next(iter(errors.values()))
        raise invalid(found, first.status) if found else first
    return accepted, places, errors


def batch_answer(
    verb: str,
    target: WritableTable,
    results: Sequence[Stored | SovriumError],
    places: Sequence[int],
    errors: dict[int, SovriumError],
    body: Mapping[str, Any],
) -> dict[str, Any]:
    good = [result for result in results if not isinstance(result, SovriumError)]
    errors = errors | {
        place: result for place, result in zip(places, results, strict=True) if isinstance(result, SovriumError)
    }
    answer: dict[str, Any] = {verb: len(good)}
    if body.get("returnRecords") is True:
        answer["records"] = [target.shape.from_values(row) for row in good]
    if errors:
        answer["errors"] = [error_entry(place, target.refusal(error)) for place, error in sorted(errors.items())]
    return answer


def upsert_answer(
    target: WritableTable, done: Sequence[tuple[Stored, bool]], errors: Mapping[int, SovriumError]
) -> dict[str, Any]:
    """`{records, created, updated, errors?}` of records and whether each is new."""
    created = sum(is_new for _, is_new in done)
    answer: dict[str, Any] = {
        "records": [target.shape.from_values(row) for row, _ in done],
        "created": created,
        "updated": len(done) - created,
    }
    if errors:
        answer["errors"] = [error_entry(place, target.refusal(each)) for place, each in sorted(errors.items())]
    return answer


def upserted_one(target: WritableTable, row: Stored, is_new: bool) -> dict[str, Any]:
    """The answer to the form that names one record alone."""
    record = target.shape.from_values(row)
    return {"id": record["id"], "operation": "created" if is_new else "updated", "record": record}


def error_entry(place: int, error: SovriumError) -> dict[str, Any]:
    entry: dict[str, Any] = {"record": place, "code": error.code, "message": error.message}
    field = error.extra.get("field")
    return entry | {"field": field} if field else entry
