"""`/api/tables`: which tables there are, and what is in them."""

from functools import partial

from core.contract.console import Event
from core.contract.tables import TableInfo, TableOverview, TableSummary
from core.errors import BadRequest, NotFound
from core.fields.model import TableModel
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.events import heard_of, open_stream
from core.http.table_shape import table_info, table_summary

routes = RouteFamily("tables")
console = RouteFamily("console")


def table_of(call: Call) -> TableModel:
    """The table that the path names, by id, name or SQL name; `NotFound` for disabled ones too (T-035)."""
    found = call.engine.model.by_address.get(call.segments["table"])
    if found is None:
        raise NotFound
    return found


def readable_tables(call: Call) -> list[TableModel]:
    """Enabled tables that the caller may read."""
    access, model = call.engine.records.access, call.engine.model
    return [t for t in model if not t.spec.disabled and access.table(call.principal, t).may("read")]


@routes.add(
    "GET",
    "/api/tables",
    answers={200: list[TableSummary]},
    query={"counts": Parameter("adds recordCount", "boolean")},
    counter="tables",
)
async def tables(call: Call) -> Answer:
    """All tables that the caller may read (T-032)."""
    engine = call.engine
    live = readable_tables(call)
    found = [table_summary(engine, table, engine.records.access.table(call.principal, table).hidden) for table in live]
    if call.boolean("counts"):
        for summary, each in zip(found, live, strict=True):
            listed = await engine.records.list(call.principal, each, {"limit": "1"})
            summary["recordCount"] = listed["pagination"]["total"]
    return as_json(found)


@routes.add("GET", "/api/tables/{table}", answers={200: TableInfo}, errors=(404,))
async def table(call: Call) -> Answer:
    """One table with the fields that the caller may read (T-034)."""
    found = table_of(call)
    call.engine.records.require(call.principal, found, "read")
    return as_json(table_info(call.engine, found, call.principal))


@routes.add(
    "GET",
    "/api/tables/{table}/subscribe",
    answers={200: Event},
    answer_kinds=("text/event-stream",),
    errors=(404, 429),
    counter=None,
    needs="read",
)
async def subscribe(call: Call) -> Answer:
    """Changes of a table's records as they happen, with a ping every ten seconds."""
    found = table_of(call)
    call.engine.records.require(call.principal, found, "read")
    return open_stream(call, partial(heard_of, call, found.sql_name))


@routes.add(
    "GET",
    "/api/tables/{table}/subscribe/sse",
    answers={200: Event},
    answer_kinds=("text/event-stream",),
    errors=(404, 429),
    counter=None,
    needs="read",
)
async def subscribe_by_sse(call: Call) -> Answer:
    """The same, by the other address."""
    return await subscribe(call)


@console.add("GET", "/api/console/tables", answers={200: list[TableOverview]}, counter="tables")
async def overview(call: Call) -> Answer:
    """The tables at a glance: fields, records, trash, last write; for admins the disabled ones too (T-036)."""
    engine = call.engine
    found = [await _glance(call, table) for table in readable_tables(call)]
    if engine.records.access.is_admin(call.principal):
        found += [_disabled(table) for table in engine.model if table.spec.disabled]
    return as_json(found)


async def _glance(call: Call, table: TableModel) -> TableOverview:
    records, principal = call.engine.records, call.principal
    hidden = records.access.table(principal, table).hidden
    newest = {"limit": "1", **({"sort": "updated_at:desc"} if "updated_at" in table.system else {})}
    live = await records.list(principal, table, newest)
    try:
        trash = await records.trash(principal, table, {"limit": "1"})
    except (NotFound, BadRequest):  # a table without a trash
        trash = None
    writes: list[str] = [each["updatedAt"] for each in live["records"] if each.get("updatedAt")]
    writes += [when for each in (trash["records"] if trash else ()) if (when := each.get("deletedAt"))]
    return {
        "name": table.name,
        "sqlName": table.sql_name,
        "fields": sum(name not in hidden for name in table.fields),
        "records": live["pagination"]["total"],
        "trash": None if trash is None else trash["pagination"]["total"],
        "lastWrite": max(writes, default=None),
        "disabled": False,
    }


def _disabled(table: TableModel) -> TableOverview:
    return {
        "name": table.name,
        "sqlName": table.sql_name,
        "fields": len(table.fields),
        "records": None,
        "trash": None,
        "lastWrite": None,
        "disabled": True,
    }
