"""Many records by one request: all or none, or with `continueOnError` those that can be written (§10.8, §10.9)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Select, and_, select

from core.errors import Conflict, FieldError, Invalid, NotFound, NotSignedIn, SovriumError
from core.fields.model import TableModel
from core.principal import Principal
from core.query.list_query import live
from core.records.create import CreateMany
from core.records.key import KeyValue, parse_key
from core.records.remove import Delete, Restore
from core.records.request import (
    CHANGE_AT_MOST,
    CREATE_AT_MOST,
    accept,
    accept_each,
    batch_answer,
    check_ids,
    error_entry,
    fields_of,
    items_of,
    keys_of,
    mapping_of,
    permitted,
    upsert_answer,
    upserted_one,
    version_of,
)
from core.records.sparing import write_sparing
from core.records.update import Edit, UpdateMany
from core.records.upsert import Incoming, Upsert, Upserted, check_merge_values, merge_fields
from core.records.validate import Values, accept_changes, accept_new
from core.records.writing import Stored, WritableTable, personal
from core.storage.database import Call, Reader

if TYPE_CHECKING:
    from core.records.service import Records

Answer = dict[str, Any]


class Batches:
    """As `Records`, which it writes through."""

    def __init__(self, records: "Records") -> None:
        self._records = records

    async def create(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> Answer:
        """`{records: [{fields}], returnRecords?, continueOnError?}` → `{created, records?, errors?}` (§10.8)."""
        items = items_of(body, "records", CREATE_AT_MOST)
        sparing = body.get("continueOnError") is True
        now = self._records.clock()
        target = self._records.target(principal, table, "create")

        if target.files:
            items = [await self._records.with_files(target, fields_of(item), principal) for item in items]

        def read(given: Mapping[str, Any]) -> Values:
            return accept_new(table, given, now, typed=True)

        def accepted(item: Any) -> Values:
            return target.signed(accept(target, fields_of(item), read), principal.id)

        rows, places, errors = accept_each(items, sparing, accepted)
        job = CreateMany(target, rows, partial=sparing)

        def tell(results: Sequence[Stored | SovriumError]) -> Answer:
            return batch_answer("created", target, results, places, errors, body)

        return cast(Answer, await self._records.write(target, job, principal, tell))

    async def update(
        self, principal: Principal, table: TableModel, body: Mapping[str, Any], *, typed: bool = True
    ) -> Answer:
        """`{records: [{id, fields}], returnRecords?, continueOnError?}` → `{updated, records?, errors?}`; `typed` as for
        `update`."""
        items = items_of(body, "records", CHANGE_AT_MOST)

        target = self._records.target(principal, table, "update")

        if target.files:
            items = [
                {**item, "fields": await self._records.with_files(target, mapping_of(item["fields"]), principal)}
                if isinstance(item, Mapping) and "fields" in item
                else item
                for item in items
            ]

        def accepted(item: Any) -> Edit:
            if not isinstance(item, Mapping) or "id" not in item:
                raise Invalid("id is required", [FieldError("id", "field.required", "id is required")])
            fields = item.get(
                "fields", {name: value for name, value in item.items() if name not in ("id", "updatedAt")}
            )
            try:
                key = parse_key(table, item["id"])
            except NotFound:
                if target.hides_rows:
                    raise
                key = ()
            left = permitted(target, mapping_of(fields))
            try:
                values = accept_changes(table, personal(target, left), typed=typed)
                return Edit(key, values, version_of(item), principal.id)
            except Invalid as error:
                raise target.refusal(error) from None

        sparing = body.get("continueOnError") is True
        edits, places, errors = accept_each(items, sparing, accepted)
        known = [edit for edit in edits if edit.key]

        def tell(results: Sequence[Stored | SovriumError]) -> Answer:
            written = iter(results)
            whole = [next(written) if edit.key else NotFound() for edit in edits]
            answer = batch_answer("updated", target, whole, places, errors, body)
            for error in answer.get("errors", ()):
                item = items[error["record"]]
                if isinstance(item, Mapping) and "id" in item:
                    error["id"] = str(item["id"])
            return answer

        return cast(
            Answer, await self._records.write(target, UpdateMany(target, known, partial=sparing), principal, tell)
        )

    async def delete(
        self,
        principal: Principal,
        table: TableModel,
        ids: Sequence[str | int],
        *,
        permanent: bool = False,
        sparing: bool = False,
    ) -> Answer:
        """Delete all or, when an id is unknown, none (R-056); with `sparing` those that can be deleted (R-054): `{deleted,
        errors?}`."""
        target = self._records.target(principal, table, "permanentDelete" if permanent else "delete")
        work = lambda keys: Delete(self._records.removal, target, keys, permanent=permanent, batch=True)  # noqa: E731
        return await self._change(
            principal, target, ids, work, sparing, lambda done: {"deleted": done[0] if done else 0}
        )

    async def restore(
        self, principal: Principal, table: TableModel, ids: Sequence[str | int], *, sparing: bool = False
    ) -> Answer:
        """Restore all that are deleted (R-057), with `sparing` those that can be: `{restored, errors?}`."""
        target = self._records.target(principal, table, "restore")
        work = lambda keys: Restore(self._records.removal, target, keys, batch=True)  # noqa: E731
        return await self._change(principal, target, ids, work, sparing, lambda done: {"restored": len(done or ())})

    async def _change(
        self,
        principal: Principal,
        target: WritableTable,
        ids: Sequence[str | int],
        work: Callable[[Sequence[KeyValue]], Any],
        sparing: bool,
        count: Callable[[Any], Answer],
    ) -> Answer:
        """What `count` makes of what the job of these records gives, or of those of them that it can be done with; with what
        is said of the others."""
        if not sparing:
            job = work(keys_of(target.table, ids))
            return cast(Answer, await self._records.write(target, job, principal, count))
        check_ids(ids)
        found: dict[KeyValue, int] = {}
        unknown: dict[int, SovriumError] = {}
        for place, each in enumerate(ids):
            try:
                found.setdefault(parse_key(target.table, each), place)
            except NotFound as error:
                unknown[place] = error
        keys = list(found)

        def tell(done: Any, good: Sequence[int], refused: Mapping[int, SovriumError]) -> Answer:
            errors = unknown | {found[keys[at]]: error for at, error in refused.items()}
            said = [{**error_entry(place, error), "id": str(ids[place])} for place, error in sorted(errors.items())]
            return {**count(done), **({"errors": said} if said else {})}

        write = partial(self._records.write, target, principal=principal)
        return cast(Answer, await write_sparing(write, lambda some: work([keys[at] for at in some]), len(keys), tell))

    async def empty_trash(self, principal: Principal, table: TableModel, older_than_days: int = 0) -> tuple[int, int]:
        """Remove for good what was deleted so many days ago or more, in batches; how many went, and how many stay because
        others point at them. Raises NotFound, NotSignedIn."""
        target = self._records.target(principal, table, "permanentDelete")
        scope = self._records.scope(principal, table)
        columns = [scope.source.c[name] for name in table.key.fields]
        due = and_(
            live("only", scope), scope.source.c.deleted_at <= self._records.clock() - timedelta(days=older_than_days)
        )
        deleted, kept = 0, 0
        while True:
            page = select(*columns).where(due).order_by(*columns).offset(kept).limit(CHANGE_AT_MOST)
            keys = await self._records.database.read(Call(partial(_rows_of, page)), lane="scan")
            if not keys:
                return deleted, kept
            gone = await self._remove(principal, target, keys)
            deleted, kept = deleted + gone, kept + len(keys) - gone

    async def _remove(self, principal: Principal, target: WritableTable, keys: Sequence[KeyValue]) -> int:
        """Remove for good those of the records that can be; how many."""
        job = Delete(self._records.removal, target, keys, permanent=True, batch=True)
        try:
            return int((await self._records.write(target, job, principal))[0])
        except (Conflict, Invalid, NotFound):
            return sum([await self._remove(principal, target, [key]) for key in keys]) if len(keys) > 1 else 0

    async def upsert(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> Answer:
        """`{records: [{fields}], fieldsToMergeOn}` → `{records, created, updated}`, or of a single record `{fields,
        matchFields}` → `{id, operation, record}` (§10.9). All or nothing, unless `continueOnError`. Raises NotFound,
        Invalid, Conflict."""
        target = self._records.target(principal, table, "create")
        is_single = "records" not in body and "fields" in body
        items = [{"fields": body["fields"]}] if is_single else items_of(body, "records", CHANGE_AT_MOST)
        names = merge_fields(table, body.get("fieldsToMergeOn", body.get("matchFields")))
        if not target.hidden.isdisjoint(names):
            raise NotFound()
        now = self._records.clock()
        if target.files:
            items = [await self._records.with_files(target, fields_of(item), principal) for item in items]

        def accepted(item: Any) -> Incoming:
            raw = fields_of(item) if is_single else permitted(target, fields_of(item))
            created = accept(target, raw, lambda given: accept_new(table, given, now, typed=True))
            check_merge_values(names, raw)
            changes = {name: created[name] for name in raw if name in created and name not in names}
            sets = {name: raw[name] for name in changes if name in target.many} if target.many else None
            return Incoming(created, {**changes, **accept_changes(table, sets, typed=True)} if sets else changes)

        sparing = body.get("continueOnError") is True and not is_single
        rows, places, errors = accept_each(items, sparing, accepted)
        updating = self._updating(principal, table)

        def tell(done: Upserted | None, good: Sequence[int], refused: Mapping[int, SovriumError]) -> Answer:
            said = errors | {places[at]: error for at, error in refused.items()}
            kept: list[tuple[Stored, bool]] = []
            for at, row, is_new in zip(good, done.rows, done.created, strict=True) if done else ():
                if isinstance(row, SovriumError):
                    said[places[at]] = row
                else:
                    kept.append((row, is_new))
            if is_single:
                return upserted_one(target, *kept[0])
            return upsert_answer(target, kept, said)

        write = partial(self._records.write, target, principal=principal)
        if sparing:
            work = lambda some: Upsert(target, updating, [rows[at] for at in some], names, partial=True)  # noqa: E731
            return cast(Answer, await write_sparing(write, work, len(rows), tell))
        job, all_of_them = Upsert(target, updating, rows, names), range(len(rows))
        return cast(Answer, await write(job, tell=lambda done: tell(done, all_of_them, {})))

    def _updating(self, principal: Principal, table: TableModel) -> WritableTable | SovriumError:
        """The table as the caller may update it, or what they are told where they may not."""
        try:
            return self._records.target(principal, table, "update")
        except (NotFound, NotSignedIn) as error:
            return error


def _rows_of(statement: Select[Any], reader: Reader) -> list[KeyValue]:
    return reader.rows(statement)
