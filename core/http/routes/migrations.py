"""`/api/admin/migrations`, `/api/console/migrations`: the versions of the tables, what the app file would change, the way
there and back. Who is not the owner or an admin finds nothing here."""

import asyncio

from core.assembly import read_model
from core.contract.console import Job
from core.contract.migrations import (
    MigrationDetail,
    MigrationPlan,
    Migrations,
    MigrationStatus,
    PlanRequest,
    RunRequest,
    SchemaEdit,
    SchemaEditRequest,
)
from core.errors import NotFound, StorageError
from core.fields.model import AppModel
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.migrations import history, status
from core.migrations.report import history_data, plan_data, status_data, version_data
from core.migrations.run import log
from core.sentence import with_all_patterns

LIMIT = 50
routes = RouteFamily("migrations")


@routes.add(
    "GET",
    "/api/admin/migrations",
    query={
        "limit": Parameter("versions", "integer", least=1, most=200),
        "offset": Parameter("newest ones to skip", "integer", least=0),
    },
    answers={200: Migrations},
    errors=(404,),
)
async def versions(call: Call) -> Answer:
    """The versions of the tables, newest first."""
    call.require_admin()
    found = await asyncio.to_thread(history, call.engine.database)
    attempts = await asyncio.to_thread(log, call.engine.database)
    return as_json(history_data(found, attempts, call.integer("limit", LIMIT), call.integer("offset", 0)))


@routes.add(
    "GET",
    "/api/admin/migrations/{version}",
    query={"against": Parameter("the version to compare with; the one before", "integer", least=1)},
    answers={200: MigrationDetail},
    errors=(404,),
)
async def version(call: Call) -> Answer:
    """One version with its snapshot, and what differs from another."""
    call.require_admin()
    number = call.segments["version"]
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound
    found = await asyncio.to_thread(history, call.engine.database)
    return as_json(version_data(found, int(number), call.integer("against", 0) or None))


@routes.add("GET", "/api/console/migrations/status", answers={200: MigrationStatus}, errors=(404, 422))
async def drift(call: Call) -> Answer:
    """Whether the database is as the app file says, and what was changed by hand."""
    call.require_admin()
    model = await _file(call)
    return as_json(with_all_patterns({**status_data(await asyncio.to_thread(status, call.engine.database, model))}))


@routes.add(
    "POST", "/api/console/migrations/plan", body=PlanRequest, answers={200: MigrationPlan}, errors=(400, 404, 409, 422)
)
async def plan(call: Call) -> Answer:
    """What would be done for the app file as it is now, or to go back. Changes nothing."""
    call.require_admin()
    request: PlanRequest = await call.checked()
    model = await _file(call)
    steps = await call.app.reloading.plan(call.engine, model, request)
    return as_json(with_all_patterns({**plan_data(steps, model.app.checksum)}))


@routes.add("POST", "/api/console/migrations", body=RunRequest, answers={202: Job}, errors=(400, 404, 409, 422))
async def migrate(call: Call) -> Answer:
    """Carry it out. For the local owner alone: it may drop what left the file."""
    if not call.principal.is_unrestricted:
        raise NotFound
    request: RunRequest = await call.checked()
    return as_json(await call.app.reloading.start(request, call.principal), 202)


@routes.add(
    "POST",
    "/api/console/schema/edit",
    body=SchemaEditRequest,
    answers={200: SchemaEdit},
    reshapes=True,
    errors=(400, 404, 409, 422),
)
async def edit(call: Call) -> Answer:
    """Change the app file: what would differ and be done; with `apply`, do it. For the local owner alone."""
    if not call.principal.is_unrestricted:
        raise NotFound
    request: SchemaEditRequest = await call.checked()
    return as_json(with_all_patterns({**await call.app.reloading.edit(request)}))


async def _file(call: Call) -> AppModel:
    """The app file as it is now. Raises SchemaError."""
    source = call.engine.app.source
    if source is None:
        raise StorageError("The server was started without an app file")
    return await asyncio.to_thread(read_model, source)
