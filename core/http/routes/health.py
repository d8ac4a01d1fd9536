"""`/api/health`: is the server there and well. Open to everybody, hence it tells nothing else."""

from core.contract.server import Health
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily

routes = RouteFamily("server")


@routes.add("GET", "/api/health", answers={200: Health, 503: Health}, open=True)
async def health(call: Call) -> Answer:
    """Whether the server is ready."""
    app = call.app
    state = app.phase if app.engine is None else app.engine.database.health().state
    if app.is_migrating:
        state = "migrating"
    answer: Health = {"status": "ok" if state == "ready" else state, "version": app.version}
    return as_json(answer, 200 if answer["status"] in ("ok", "read-only") else 503)
