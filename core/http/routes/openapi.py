"""`/api/openapi.json`."""

import orjson

from core.fields.model import AppModel
from core.http.answer import Answer
from core.http.call import Call
from core.http.openapi import document
from core.http.route import RouteFamily
from core.http.routes.access import seen_tables

routes = RouteFamily("server")


@routes.add("GET", "/api/openapi.json", answers={200: dict})
async def openapi(call: Call) -> Answer:
    """This API as an OpenAPI 3.1 document."""
    seen = AppModel(call.engine.app, tuple(seen_tables(call)))
    has_accounts = call.engine.auth is not None
    served = [route for route in call.app.router.routes if has_accounts or not route.accounts]
    return Answer(200, orjson.dumps(document(served, seen, call.app.version)))
