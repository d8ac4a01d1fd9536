"""`/api/tables/{t}/records`: records read and written, one by one and in batches (spec tables-records §10)."""

from functools import partial
from typing import Any

import orjson

from core.contract.records import (
    BatchCreate,
    BatchCreated,
    BatchDeleted,
    BatchIds,
    BatchRestored,
    BatchUpdate,
    BatchUpdated,
    Computing,
    Pressed,
    Record,
    RecordBody,
    RecordList,
    Restored,
    TrashEmptied,
    Upsert,
    Upserted,
)
from core.errors import NotFound
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.repeat import records_of
from core.http.route import Parameter, RouteFamily
from core.http.routes.grants import USER, create_grant, is_of_grants, list_grants
from core.http.routes.tables import table_of
from core.http.shape import check
from core.records.button import button_of, press
from core.records.shape import flat
from core.storage.database import Call as Job

BATCH_LIMIT = 16 * 1024 * 1024
"""Bytes of a batch: a thousand records of sixteen kilobytes."""

routes = RouteFamily("records")

FORMAT = {
    "format": Parameter("`display`: values as people read them", choices=("raw", "display")),
    "timezone": Parameter("IANA name of a time zone"),
}
IDS = {"ids": Parameter("`string`: ids always as text", choices=("string",))}
EXPAND = {"expand": Parameter("link fields whose records come along, separated by commas")}
FORCE = {"force": Parameter("by an administrator: also a record that is locked", "boolean")}
PERMANENT = {"permanent": Parameter("for good, not to the trash", "boolean")}
LOOKUPS = {"lookups": Parameter("`array`: lookups of several records as lists", choices=("array",))}
TREE = {"tree": Parameter("`ancestors` or `descendants`, along a link within the table; `:field` names one of several")}
READ = {
    "includeDeleted": Parameter("records of the trash too", "boolean"),
    **FORMAT,
    **EXPAND,
    **LOOKUPS,
    **TREE,
    **IDS,
}
PAGE = {
    "limit": Parameter("records a page (20); at most 100 are given", "integer", least=1),
    "offset": Parameter("records to pass over", "integer", least=0),
    "page": Parameter("number of the page, instead of offset", "integer", least=1),
    "cursor": Parameter("`nextCursor` of the page before, instead of offset"),
    "sort": Parameter("`due:desc,title`"),
    "order": Parameter("direction of a single field in sort", choices=("asc", "desc")),
    "fields": Parameter("names separated by commas; id is always there"),
    "select": Parameter("the same as fields"),
    "filter": Parameter("a filter tree as JSON, a map of equalities, or `field:value`"),
    "filterByFormula": Parameter("a condition in the formula language: `AND({state}='open', {n}>=3)`"),
    "sqlNulls": Parameter("negations leave out null, as SQL does", "boolean"),
    "q": Parameter("text to look for"),
    "aggregate": Parameter('`amount:sum,amount:avg`, or JSON such as `{"sum":["amount"]}`'),
    "groupBy": Parameter("a field"),
    "groupSort": Parameter("`name:asc` or `count:desc`"),
    "hideEmpty": Parameter("without the group of no value", "boolean"),
    **EXPAND,
    **LOOKUPS,
    **FORMAT,
}
LIST = {
    **PAGE,
    "includeDeleted": Parameter("the trash too, or only it", choices=("true", "false", "only")),
    "deleted": Parameter("only the trash", choices=("true", "false", "only")),
    "view": Parameter("id or name of a view of the app file; `default` for the default one"),
    **USER,
}


@routes.add("GET", "/api/tables/{table}/records", query=LIST, answers={200: RecordList}, errors=(404,), needs="read")
async def list_records(call: Call) -> Answer:
    """A page of records, with totals, aggregates and groups."""
    if is_of_grants(call):
        return await list_grants(call)
    return as_json(await call.engine.records.list(call.principal, table_of(call), call.query))


@routes.add("GET", "/api/tables/{table}/trash", query=PAGE, answers={200: RecordList}, errors=(404,), needs="read")
async def list_trash(call: Call) -> Answer:
    """A page of deleted records, the newest deletion first."""
    return as_json(await call.engine.records.trash(call.principal, table_of(call), call.query))


@routes.add(
    "POST",
    "/api/tables/{table}/records",
    body=RecordBody,
    answers={201: Record},
    errors=(404, 409, 413, 422),
    needs="create",
    repeatable=True,
)
async def create_record(call: Call) -> Answer:
    """Create a record."""
    if is_of_grants(call):
        return await create_grant(call)
    body = await call.json_object()
    return single(await records_of(call, body).create(call.principal, table_of(call), body), 201)


@routes.add(
    "GET", "/api/tables/{table}/records/{record}", query=READ, answers={200: Record}, errors=(404,), needs="read"
)
async def get_record(call: Call) -> Answer:
    """One record."""
    table, key = table_of(call), call.segments["record"]
    states = await call.engine.generated.before(call.principal, table, key) if table.generated else None
    record = await call.engine.records.get(call.principal, table, key, call.query)
    if "ids" in call.query:
        record["id"] = str(record["id"])
    return single(record) if states is None else as_json(flat(record) | states.told(record["fields"]))


@routes.add(
    "PATCH",
    "/api/tables/{table}/records/{record}",
    query=FORCE,
    body=RecordBody,
    answers={200: Record},
    errors=(404, 409, 413, 422),
    needs="update",
    repeatable=True,
)
async def update_record(call: Call) -> Answer:
    """Change the given fields of a record."""
    body = await call.json_object()
    table, record, force = table_of(call), call.segments["record"], call.boolean("force")
    found = await records_of(call, body).update(call.principal, table, record, body, force=force)
    if not body.get("fields", body.keys() - {"updatedAt"}):
        return as_json({"record": found, **flat(found)})  # nothing is given: it is as it was
    return single(found)


@routes.add(
    "PUT",
    "/api/tables/{table}/records/{record}",
    query=FORCE,
    body=RecordBody,
    answers={200: Record},
    errors=(404, 409, 413, 422),
    needs="update",
    repeatable=True,
)
async def put_record(call: Call) -> Answer:
    """The same as PATCH (R-038)."""
    return await update_record(call)


@routes.add(
    "DELETE",
    "/api/tables/{table}/records/{record}",
    query={**PERMANENT, "purge": Parameter("the same, with the record's files", "boolean")},
    answers={200: dict, 204: None},
    errors=(404,),
    needs="delete",
    repeatable=True,
)
async def delete_record(call: Call) -> Answer:
    """Move a record to the trash, or remove it for good."""
    purge = call.boolean("purge")
    permanent = call.boolean("permanent") or purge
    cleared = await records_of(call).delete(
        call.principal, table_of(call), call.segments["record"], permanent=permanent, purge=purge
    )
    return as_json({"success": True}) if permanent or cleared else empty()


@routes.add(
    "POST",
    "/api/tables/{table}/records/{record}/restore",
    answers={200: Restored},
    errors=(404, 409),
    needs="restore",
    repeatable=True,
)
async def restore_record(call: Call) -> Answer:
    """Take a record out of the trash."""
    record = await records_of(call).restore(call.principal, table_of(call), call.segments["record"])
    return as_json({"success": True, "record": record})


@routes.add(
    "POST",
    "/api/tables/{table}/records/batch",
    body=BatchCreate,
    answers={200: BatchCreated, 201: BatchCreated},
    errors=(404, 409, 413, 422),
    needs="create",
    repeatable=True,
)
async def create_batch(call: Call) -> Answer:
    """Create up to 1,000 records, all or none."""
    body = await batch_body(call)
    answer = await records_of(call, body).batches.create(call.principal, table_of(call), body)
    return as_json(answer, 200 if answer.get("errors") else 201)


@routes.add(
    "PATCH",
    "/api/tables/{table}/records/batch",
    body=BatchUpdate,
    answers={200: BatchUpdated},
    errors=(404, 409, 413, 422),
    needs="update",
    repeatable=True,
)
async def update_batch(call: Call) -> Answer:
    """Change up to 100 records, all or none."""
    body = await batch_body(call)
    return as_json(await records_of(call, body).batches.update(call.principal, table_of(call), body))


@routes.add(
    "DELETE",
    "/api/tables/{table}/records/batch",
    body=BatchIds,
    query=PERMANENT,
    answers={200: BatchDeleted},
    errors=(404, 413),
    needs="delete",
    repeatable=True,
)
async def delete_batch(call: Call) -> Answer:
    """Delete up to 100 records, all or none."""
    body = await batch_body(call)
    permanent = call.boolean("permanent") or body.get("permanent") is True
    sparing = body.get("continueOnError") is True
    answer = await records_of(call, body).batches.delete(
        call.principal, table_of(call), body["ids"], permanent=permanent, sparing=sparing
    )
    return as_json(answer)


@routes.add(
    "POST",
    "/api/tables/{table}/records/batch/delete",
    body=BatchIds,
    query=PERMANENT,
    answers={200: BatchDeleted},
    errors=(404, 413),
    needs="delete",
    repeatable=True,
)
async def delete_batch_by_post(call: Call) -> Answer:
    """The same as DELETE, for clients that cannot send a body with it."""
    return await delete_batch(call)


@routes.add(
    "POST",
    "/api/tables/{table}/records/batch-delete",
    body=BatchIds,
    query=PERMANENT,
    answers={200: BatchDeleted},
    errors=(404, 413),
    needs="delete",
    repeatable=True,
)
async def delete_batch_by_name(call: Call) -> Answer:
    """The same, under the name that older clients use."""
    return await delete_batch(call)


@routes.add(
    "POST",
    "/api/tables/{table}/records/batch/restore",
    body=BatchIds,
    answers={200: BatchRestored},
    errors=(404, 409, 413),
    needs="restore",
    repeatable=True,
)
async def restore_batch(call: Call) -> Answer:
    """Take up to 100 records out of the trash."""
    body = await batch_body(call)
    sparing = body.get("continueOnError") is True
    answer = await records_of(call, body).batches.restore(call.principal, table_of(call), body["ids"], sparing=sparing)
    return as_json({"success": True, **answer})


@routes.add(
    "POST",
    "/api/tables/{table}/trash/empty",
    query={
        "olderThanDays": Parameter("only what was deleted so many days ago, or more", "integer", least=0, most=36_500)
    },
    answers={200: TrashEmptied},
    errors=(404,),
    needs="permanentDelete",
    repeatable=True,
)
async def empty_trash(call: Call) -> Answer:
    """Remove the records of the trash for good (R-048)."""
    table, days, records = table_of(call), call.integer("olderThanDays", 0), records_of(call)
    records.require(call.principal, table, "permanentDelete")  # before a kept answer, too
    emptying = partial(records.batches.empty_trash, call.principal, table, days)
    deleted, kept = await records.step_by_step(call.principal, emptying)
    return as_json({"deleted": deleted, "kept": kept})


@routes.add(
    "POST",
    "/api/tables/{table}/records/upsert",
    body=Upsert,
    answers={200: Upserted},
    errors=(404, 409, 413, 422),
    needs="create",
    repeatable=True,
)
async def upsert_records(call: Call) -> Answer:
    """Create or update up to 100 records, told apart by some of their fields."""
    body = await batch_body(call)
    return as_json(await records_of(call, body).batches.upsert(call.principal, table_of(call), body))


@routes.add(
    "POST",
    "/api/tables/{table}/records/{record}/buttons/{field}",
    answers={200: Pressed},
    errors=(404,),
    needs="update",
)
async def press_button(call: Call) -> Answer:
    """Press a button of a record: what is to be opened (T-101)."""
    table, records, key = table_of(call), call.engine.records, call.segments["record"]
    default = call.engine.model.app.roles.default
    field = button_of(table, call.segments["field"], records.access, call.principal, default)
    record = await records.get(call.principal, table, key)
    if not await records.reaches(call.principal, table, key, "write"):
        raise NotFound
    scope = records.scope(call.principal, table)
    pressed = Job(lambda reader: press(reader, scope, key, field, record))
    return as_json(await call.engine.database.read(pressed, lane="point"))


@routes.add(
    "POST",
    "/api/tables/{table}/records/{record}/compute",
    query={**FORCE, "fields": Parameter("names separated by commas; all that a model fills when absent")},
    answers={202: Computing},
    errors=(404,),
    needs="update",
)
async def compute_fields(call: Call) -> Answer:
    """Have a language model fill fields of a record anew (T-103)."""
    table, record, names, force = table_of(call), call.segments["record"], call.names("fields"), call.boolean("force")
    states = await call.engine.generated.recompute(call.principal, table, record, names or None, force=force)
    return as_json({"success": True, "_aiCompute": states}, 202)


def single(record: Record, status: int = 200) -> Answer:
    """A single record: its fields also at top level (§10.1)."""
    return Answer(status, orjson.dumps(flat(record)))


async def batch_body(call: Call) -> dict[str, Any]:
    """The body in the declared shape; what its values hold is the service's to judge."""
    body = await call.json_object(BATCH_LIMIT)
    check(call.route.body, body)
    return body  # not what came out of the check, which would lack the fields that stand beside an id
