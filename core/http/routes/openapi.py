"""`/api/openapi.json`."""

import orjson

from core.http.answer import Answer
from core.http.call import Call
from core.http.openapi import document
from core.http.route import RouteFamily

routes = RouteFamily("server")


@routes.add("GET", "/api/openapi.json", answers={200: dict})
async def openapi(call: Call) -> Answer:
    """This API as an OpenAPI 3.1 document."""
    return Answer(200, orjson.dumps(document(call.app.router.routes, call.engine.model, call.app.version)))
