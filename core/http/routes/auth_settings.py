"""`/api/console/auth-settings`: the keys of `auth` in the app file, for the form that edits them."""

import asyncio

from core.contract.auth_setting import AuthSettings
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily
from core.schema.auth_setting import auth_settings

routes = RouteFamily("auth-settings")


@routes.add("GET", "/api/console/auth-settings", answers={200: AuthSettings}, errors=(404,))
async def settings(call: Call) -> Answer:
    """What the app file says of every key, what holds without it, and what it may hold. For admins."""
    call.require_admin()
    return as_json(await asyncio.to_thread(auth_settings, call.engine.app))
