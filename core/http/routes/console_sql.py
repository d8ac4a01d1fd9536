"""`/api/console/sql`: statements typed by a person, their results by windows, and what completes them."""

from core.contract.console import Completions, SqlRequest, SqlRun, SqlWindow
from core.errors import NotFound
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.sql.completion import gated

WAIT_MOST = 30_000

routes = RouteFamily("console")

WAIT = {"wait": Parameter("milliseconds to wait for a change", "integer", least=0, most=WAIT_MOST)}
WINDOW = {
    "start": Parameter("the first row, from 0", "integer", least=0),
    "limit": Parameter("rows", "integer", least=1, most=1024),
    "whole": Parameter("long texts are not cut; at most 100 rows then", "boolean"),
}


@routes.add("POST", "/api/console/sql", body=SqlRequest, answers={202: SqlRun}, errors=(404, 409))
async def run_sql(call: Call) -> Answer:
    """Run one or more statements in order, until one fails."""
    request: SqlRequest = await call.checked()
    run = await call.engine.sql.start(request, call.principal, call.app.reloading.edit)
    return as_json(run, 202)


@routes.add("GET", "/api/console/sql/{run}", query=WAIT, answers={200: SqlRun}, errors=(404,))
async def sql(call: Call) -> Answer:
    """How far a run has come."""
    return as_json(await call.engine.sql.get(call.segments["run"], call.integer("wait", 0) / 1000, call.principal))


@routes.add("DELETE", "/api/console/sql/{run}", answers={204: None}, errors=(404,))
async def cancel_sql(call: Call) -> Answer:
    """Cancel a run and forget its results."""
    await call.engine.sql.cancel(call.segments["run"], call.principal)
    return empty()


@routes.add("GET", "/api/console/sql/{run}/{index}/window", query=WINDOW, answers={200: SqlWindow}, errors=(404,))
async def sql_window(call: Call) -> Answer:
    """Rows of a result."""
    index = call.segments["index"]
    if not (index.isascii() and index.isdigit() and len(index) < 6):
        raise NotFound
    start, limit = call.integer("start", 0), call.integer("limit", 100)
    run, whole = call.segments["run"], call.boolean("whole")
    return as_json(await call.engine.sql.window(run, int(index), start, limit, call.principal, whole=whole))


@routes.add("GET", "/api/console/completions", answers={200: Completions}, errors=(404,))
async def completions(call: Call) -> Answer:
    """Names that complete a statement."""
    gate = call.engine.sql.gate(call.principal)
    index = await call.engine.completions.get()
    return as_json(index if gate is None else gated(index, gate))
