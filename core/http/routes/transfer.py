"""Files into tables and out of them: import, its preview, export (spec tables-records §10.13)."""

from functools import partial
from typing import TYPE_CHECKING, cast

import orjson

from core.contract.console import ExportRequest, ImportPreview, Job
from core.errors import BadRequest
from core.http.answer import Answer, Stream, as_json, begun
from core.http.call import Call, wrong_parameter
from core.http.route import Parameter, RouteFamily
from core.http.routes.jobs import FILE_KINDS, attachment, blocks, opened
from core.http.routes.records import LIST
from core.http.routes.tables import table_of
from core.http.session import renewed
from core.http.spool import spool
from core.storage.files import Format

if TYPE_CHECKING:  # they bring the reading of files, which nobody may ask for
    from core.jobs.transfer import Transfers
    from core.records.merging import Duplicates
    from core.records.transfer import StreamedFormat

MOST_KEYS = 10_000
"""Records that an export names one by one."""
PREVIEW_LIMIT = 4 * 1024 * 1024

routes = RouteFamily("records")
console = RouteFamily("console")

FORMAT = {"format": Parameter("of the file", choices=("csv", "json", "parquet"), required=True)}
IMPORT = {
    **FORMAT,
    "mapping": Parameter("column → field, as a JSON object; by their names when absent", "json"),
    "onError": Parameter("abort: all rows or none; skip: those that fit", choices=("abort", "skip")),
    "duplicates": Parameter(
        "of records that are there: create them again, skip them, or overwrite", choices=("create", "skip", "overwrite")
    ),
    "key": Parameter("the unique field that tells them"),
}
_AS_LISTED = (
    "fields",
    "filter",
    "filterByFormula",
    "sort",
    "order",
    "q",
    "view",
    "timezone",
    "includeDeleted",
    "deleted",
)
EXPORT = {
    "format": Parameter("of the file; csv when absent", choices=("csv", "json", "ndjson", "xlsx", "parquet")),
    **{name: LIST[name] for name in _AS_LISTED if name in LIST},
    "recordIds": Parameter("only these records, separated by commas"),
    "filterField": Parameter("only records where this field is `filterValue`"),
    "filterValue": Parameter("see filterField"),
    "safe": Parameter("texts of a csv file that a spreadsheet would take for formulas get an apostrophe", "boolean"),
}


def transfers(call: Call) -> "Transfers":
    return call.engine.transfers


@routes.add(
    "POST",
    "/api/tables/{table}/import",
    query=IMPORT,
    body=bytes,
    body_kind="application/octet-stream",
    answers={202: Job},
    errors=(404, 413),
)
async def import_records(call: Call) -> Answer:
    """Add the rows of a file, as a job."""
    table, format_ = table_of(call), cast(Format, call.required("format"))
    mapping = mapping_of(call)
    call.engine.records.require(call.principal, table, "create")
    file = await spool(call, call.engine.exchange, f".{format_}")
    job = transfers(call).start_import(
        call.principal,
        table,
        file,
        format_,
        mapping=mapping,
        skip_errors=call.text("onError") == "skip",
        duplicates=cast("Duplicates", call.text("duplicates") or "create"),
        key=call.query.get("key"),
        still=None if call.principal.is_unrestricted else partial(renewed, call),
    )
    return as_json(job, 202)


@routes.add(
    "GET",
    "/api/tables/{table}/export",
    query=EXPORT,
    answers={200: bytes},
    answer_kinds=FILE_KINDS,
    errors=(404,),
    needs="read",
)
async def export_records(call: Call) -> Answer:
    """The records of a table as a file (R-097)."""
    table, format_ = table_of(call), call.text("format") or "csv"
    params = {name: value for name, value in call.query.items() if name != "format"}
    from core.jobs.transfer import file_name

    name = file_name(table.sql_name, format_, call.engine.clock())
    if call.boolean("safe"):
        params["safe"] = "true"
    if format_ != "parquet":
        stream = transfers(call).export_stream(call.principal, table, params, cast("StreamedFormat", format_))
        return Stream(await begun(stream.chunks()), attachment(name))
    source, size = opened(await transfers(call).export_now(call.principal, table, params, "parquet"), remove=True)
    return Stream(blocks(source), attachment(name), size=size)


@console.add(
    "POST",
    "/api/console/tables/{table}/import-preview",
    query=FORMAT,
    body=bytes,
    body_kind="application/octet-stream",
    answers={200: ImportPreview},
    errors=(404, 413),
)
async def preview_import(call: Call) -> Answer:
    """The columns of a file, by its first megabyte, and the fields that they may fill."""
    table, format_ = table_of(call), cast(Format, call.required("format"))
    call.engine.records.require(call.principal, table, "create")
    file = await spool(call, call.engine.exchange, f".{format_}", PREVIEW_LIMIT)
    return as_json(await transfers(call).preview_import(call.principal, table, file, format_))


@console.add("POST", "/api/console/exports", body=ExportRequest, answers={202: Job}, errors=(404, 409))
async def export_view(call: Call) -> Answer:
    """Write a view's rows, or an SQL result, to a file, as a job."""
    request: ExportRequest = await call.checked()
    if ("view" in request) == ("run" in request):
        raise BadRequest("An export is of a view or of an SQL run")
    if "view" in request:
        reading = call.engine.views.reading(request["view"], call.principal)
        keys = request.get("keys")
        if keys is not None and len(keys) > MOST_KEYS:
            raise BadRequest(f"At most {MOST_KEYS:,} records can be named")
        job = transfers(call).start_export(reading, request["format"], request.get("fields"), call.principal, keys=keys)
        return as_json(job, 202)
    columns, rows = call.engine.sql.result(request["run"], request.get("index", 0), call.principal)
    return as_json(transfers(call).start_result_export(columns, rows, request["format"], call.principal), 202)


def mapping_of(call: Call) -> dict[str, str] | None:
    raw = call.query.get("mapping")
    if raw is None:
        return None
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise wrong_parameter("mapping", "a JSON object of field names")
    return found
