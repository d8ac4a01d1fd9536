"""`/api/health`: is the server there and well. Open to everybody, hence it tells nothing else but to administrators."""

from typing import Any, cast

from core.clock import system_clock, to_iso
from core.contract.server import Health
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily

routes = RouteFamily("server")


@routes.add(
    "GET",
    "/api/health",
    query={"deep": Parameter("each part as well, for administrators", "boolean")},
    answers={200: Health, 503: Health},
    errors=(400,),
    open=True,
)
async def health(call: Call) -> Answer:
    """Whether the server is ready."""
    app = call.app
    state: Any = app.phase if app.engine is None else app.engine.database.health().state
    if app.is_migrating:
        state = "migrating"
    clock = system_clock if app.engine is None else app.engine.clock
    answer: Health = {
        "status": "ok" if state == "ready" else state,
        "version": app.version,
        "timestamp": to_iso(clock()),
    }
    if app.engine is not None:
        answer["app"] = {"name": app.engine.app.name}
        if call.boolean("deep") and app.engine.records.access.is_admin(call.principal):
            from core.http.health import parts_of

            parts = await parts_of(app.engine)
            answer = cast(Health, {**answer, **parts})
            if any(part["status"] == "failed" for part in parts.values()):
                answer["status"] = "failed"
    return as_json(answer, 200 if answer["status"] in ("ok", "read-only") else 503)
