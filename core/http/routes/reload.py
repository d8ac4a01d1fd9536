"""`/api/console/reload`: the app file read anew. For the local owner alone: it may drop what left the file."""

from core.contract.server import Reloaded, ReloadRequest
from core.errors import NotFound
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily

routes = RouteFamily("console")


@routes.add(
    "POST", "/api/console/reload", body=ReloadRequest, answers={200: Reloaded}, errors=(404, 409, 422), reshapes=True
)
async def reload(call: Call) -> Answer:
    """Take up the app file as it is now."""
    if not call.principal.is_unrestricted:
        raise NotFound
    return as_json(await call.app.reloading.run(await call.checked()))
