"""Records: the one way to read and change the rows of an app's tables.

Every call carries a principal. Answers are the shapes of `core.contract.records`, ready for orjson.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.clock import Clock, system_clock
from core.contract.console import CommitAnswer, CommitRequest
from core.contract.records import Record, RecordList
from core.errors import FieldError, Invalid, NotFound, SovriumError, TooLarge
from core.fields.model import AppModel, TableModel
from core.principal import Principal
from core.query.list_query import ListQuery, parse_deleted, parse_display, parse_expand
from core.query.scope import Scope
from core.records.commit import Commits
from core.records.create import Create, CreateMany, in_batch
from core.records.expand import expand_links
from core.records.key import KeyValue, parse_key
from core.records.reading import GetRow, ListRows, PointReading, list_shape
from core.records.remove import Delete, Removal, Restore
from core.records.shape import Shape, display
from core.records.update import Edit, Update, UpdateMany
from core.records.validate import accept_changes, accept_new, invalid
from core.records.writing import Stored, WritableTable
from core.storage.database import Call, Database, Reader

CREATE_AT_MOST = 1_000
CHANGE_AT_MOST = 100


class Records:
    """The records of one app model on one database. Safe for any number of concurrent callers on one event loop."""

    def __init__(self, database: Database, model: AppModel, *, clock: Clock = system_clock) -> None:
        self.database = database
        self.model = model
        self._clock = clock
        self._writable: dict[int, WritableTable] = {}
        self._points: dict[int, PointReading] = {}
        self._removal = Removal(model, self.writable)
        self._commits = Commits(database, model, self.writable, self._removal, clock)

    def scope(self, principal: Principal, table: TableModel) -> Scope:
        """The table as this caller queries it now."""
        return Scope(table, self.model, self.database.table, self.database.dialect, self._clock(), user=principal.id)

    def writable(self, table: TableModel) -> WritableTable:
        """The prepared form of a table for writers."""
        found = self._writable.get(id(table))
        if found is None:
            found = self._writable[id(table)] = WritableTable(table, self.model, self.database.table)
        return found

    # ── Reading ──

    async def list(self, principal: Principal, table: TableModel, params: Mapping[str, str]) -> RecordList:
        """A page of records with totals (spec §10.4)."""
        return await self._list(ListQuery.parse(params, self.scope(principal, table)))

    async def trash(self, principal: Principal, table: TableModel, params: Mapping[str, str]) -> RecordList:
        """Deleted records, the newest deletion first (R-041)."""
        return await self._list(ListQuery.parse(params, self.scope(principal, table), trash=True))

    async def _list(self, query: ListQuery) -> RecordList:
        def work(reader: Reader) -> RecordList:
            answer, rows = ListRows(query).run(reader)
            if query.expand:
                expand_links(reader, answer["records"], rows, list_shape(query), query.expand, query.scope)
            return answer

        return await self.database.read(Call(work), lane="scan")

    async def get(
        self, principal: Principal, table: TableModel, key: str, params: Mapping[str, str] | None = None
    ) -> Record:
        """One record; its id stays a number where the key is one. Raises NotFound."""
        values = parse_key(table, key)
        reading = self._points.get(id(table))
        if reading is None:
            reading = PointReading(table, Shape(table))
            self._points[id(table)] = reading
        if params:
            return await self._get_with(principal, reading, values, params)
        row = await self.database.read(GetRow(reading, values), lane="point", single=True)
        record = reading.shape.record(row, number_id=True)
        if "deletedAt" in record:
            raise NotFound()
        return record

    async def _get_with(
        self, principal: Principal, reading: PointReading, key: KeyValue, params: Mapping[str, str]
    ) -> Record:
        scope = self.scope(principal, reading.table)
        with_deleted = parse_deleted(params) != "without"
        names, how = parse_expand(params.get("expand"), scope), parse_display(params)
        shape = Shape(reading.table, deleted=with_deleted)

        def work(reader: Reader) -> Record:
            row = PointReading(reading.table, shape).rows(reader, [key]).get(key)
            if row is None:
                raise NotFound()
            record = shape.record(row, number_id=True)
            if "deletedAt" in record and not with_deleted:
                raise NotFound()
            if how is not None:
                display(record, row, shape, how, wrapped=False)
            expand_links(reader, [record], [row], shape, names, scope)
            return record

        return await self.database.read(Call(work), lane="point")

    # ── Writing ──

    async def create(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> Record:
        """Create a record from `{"fields": {…}}` or the bare map of fields (R-003). Raises Invalid, Conflict."""
        values = accept_new(table, fields_of(body), self._clock())
        target = self.writable(table)
        stored = await self.database.write(Create(target, values), actor=actor_of(principal))
        return target.shape.from_values(stored)

    async def update(self, principal: Principal, table: TableModel, key: str, body: Mapping[str, Any]) -> Record:
        """Change the given fields. With `updatedAt` beside `fields`, only that version (R-036). Raises NotFound, Invalid,
        Conflict (`current` holds the record as it is)."""
        target = self.writable(table)
        edit = Edit(parse_key(table, key), accept_changes(table, fields_of(body)), version_of(body))
        stored = await self.database.write(Update(target, edit), actor=actor_of(principal))
        return target.shape.from_values(stored, number_id=True)

    async def delete(
        self,
        principal: Principal,
        table: TableModel,
        key: str,
        *,
        permanent: bool = False,
        updated_at: str | None = None,
    ) -> bool:
        """Move a record to the trash, or out of existence. True when links elsewhere were cleared. Raises NotFound,
        Conflict (restrict: status 400)."""
        job = Delete(
            self._removal, self.writable(table), [parse_key(table, key)], permanent=permanent, version=updated_at
        )
        return (await self.database.write(job, actor=actor_of(principal)))[1]

    async def restore(self, principal: Principal, table: TableModel, key: str) -> Record:
        """Take a record out of the trash. Raises NotFound, BadRequest (not deleted), Conflict (unique)."""
        target = self.writable(table)
        job = Restore(self._removal, target, [parse_key(table, key)])
        (row,) = await self.database.write(job, actor=actor_of(principal))
        return target.shape.from_values(row, number_id=True)

    # ── Batches ──

    async def batch_create(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{records: [{fields}], returnRecords?, continueOnError?}` → `{created, records?, errors?}` (§10.8)."""
        items = _items(body, "records", CREATE_AT_MOST)
        partial = body.get("continueOnError") is True
        now = self._clock()
        rows, places, errors = _accept_each(items, partial, lambda item: accept_new(table, fields_of(item), now))
        target = self.writable(table)
        results = await self.database.write(CreateMany(target, rows, partial=partial), actor=actor_of(principal))
        return _batch_answer("created", target, results, places, errors, body)

    async def batch_update(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> dict[str, Any]:
        """`{records: [{id, fields}], returnRecords?, continueOnError?}` → `{updated, records?, errors?}`."""
        items = _items(body, "records", CHANGE_AT_MOST)

        def accept(item: Any) -> Edit:
            if not isinstance(item, Mapping) or "id" not in item:
                raise Invalid("id is required", [FieldError("id", "field.required", "id is required")])
            fields = item.get(
                "fields", {name: value for name, value in item.items() if name not in ("id", "updatedAt")}
            )
            try:
                key = parse_key(table, item["id"])
            except NotFound:
                key = ()
            return Edit(key, accept_changes(table, _mapping(fields)), version_of(item))

        partial = body.get("continueOnError") is True
        edits, places, errors = _accept_each(items, partial, accept)
        target = self.writable(table)
        known = [edit for edit in edits if edit.key]
        written = iter(await self.database.write(UpdateMany(target, known, partial=partial), actor=actor_of(principal)))
        results = [next(written) if edit.key else NotFound() for edit in edits]
        answer = _batch_answer("updated", target, results, places, errors, body)
        for error in answer.get("errors", ()):
            item = items[error["record"]]
            if isinstance(item, Mapping) and "id" in item:
                error["id"] = str(item["id"])
        return answer

    async def batch_delete(
        self, principal: Principal, table: TableModel, ids: Sequence[str | int], *, permanent: bool = False
    ) -> int:
        """Delete all or, when an id is unknown, none (R-056). The number deleted."""
        job = Delete(self._removal, self.writable(table), _keys(table, ids), permanent=permanent, batch=True)
        return (await self.database.write(job, actor=actor_of(principal)))[0]

    async def batch_restore(self, principal: Principal, table: TableModel, ids: Sequence[str | int]) -> int:
        """Restore all that are deleted (R-057). The number restored."""
        job = Restore(self._removal, self.writable(table), _keys(table, ids), batch=True)
        return len(await self.database.write(job, actor=actor_of(principal)))

    async def commit(self, principal: Principal, request: CommitRequest) -> CommitAnswer:
        """Staged edits of several tables in one transaction, all or nothing (`core.contract.console`)."""
        return await self._commits.commit(principal, request)


def actor_of(principal: Principal) -> str:
    """Who a change is logged under."""
    return principal.id or principal.kind


def fields_of(body: Any) -> Mapping[str, Any]:
    """The fields of a body, wrapped or bare (R-003). Raises Invalid."""
    body = _mapping(body)
    if "fields" in body and set(body) <= {"fields", "updatedAt"}:
        return _mapping(body["fields"])
    return {name: value for name, value in body.items() if name != "updatedAt" or "fields" not in body}


def version_of(body: Mapping[str, Any]) -> str | None:
    """The `updatedAt` that an update is based on. Raises Invalid."""
    version = body.get("updatedAt") if "fields" in body else None
    if version is not None and not isinstance(version, str):
        raise Invalid("updatedAt is text", [FieldError("updatedAt", "updatedAt.malformed", "Expected an instant")])
    return version


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Invalid("Expected a map of fields", [FieldError("body", "body.malformed", "Expected a map of fields")])
    return value


def _items(body: Mapping[str, Any], name: str, at_most: int) -> Sequence[Any]:
    items = body.get(name)
    if not isinstance(items, list) or not items:
        raise Invalid(f"{name} is a list with one entry or more", [FieldError(name, "batch.empty", "Expected a list")])
    _check_size(len(items), name, at_most)
    return items


def _check_size(count: int, name: str, at_most: int) -> None:
    if count > CREATE_AT_MOST:
        raise TooLarge(f"At most {at_most} records in one request")
    if count > at_most:
        message = f"At most {at_most} records in one request"
        raise Invalid(message, [FieldError(name, "batch.too-many", message)])


def _keys(table: TableModel, ids: Sequence[str | int]) -> Sequence[KeyValue]:
    if not ids:
        raise Invalid("ids is a list with one entry or more", [FieldError("ids", "batch.empty", "Expected a list")])
    _check_size(len(ids), "ids", CHANGE_AT_MOST)
    keys: dict[KeyValue, None] = {}
    for each in ids:
        try:
            keys[parse_key(table, each)] = None
        except NotFound:
            raise NotFound(recordId=str(each)) from None
    return list(keys)


def _accept_each(
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


def _batch_answer(
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
        answer["errors"] = [_error_entry(place, error) for place, error in sorted(errors.items())]
    return answer


def _error_entry(place: int, error: SovriumError) -> dict[str, Any]:
    entry: dict[str, Any] = {"record": place, "code": error.code, "message": error.message}
    field = error.extra.get("field")
    return entry | {"field": field} if field else entry
