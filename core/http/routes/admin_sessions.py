"""The sessions of others, for administrators (auth §11)."""

from core.auth.directory import PAGE
from core.contract.admin import RevokeByAdmin, RevokedByAdmin, SessionPage, SessionsOfUser, UserRequest
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.admin_users import ADMIN, PAGES, user_of
from core.http.routes.auth_session import required

routes = RouteFamily("admin", accounts=True, admin=True, throttle="admin")


@routes.add(
    "POST",
    f"{ADMIN}/list-user-sessions",
    body=UserRequest,
    answers={200: SessionsOfUser},
    errors=(400, 404, 429),
)
async def list_user_sessions(call: Call) -> Answer:
    """The live sessions of an account"""
    return await _sessions_of(call, await user_of(call))


@routes.add(
    "GET",
    f"{ADMIN}/list-user-sessions",
    query={"userId": Parameter("whose")},
    answers={200: SessionsOfUser},
    errors=(400, 404, 429),
)
async def get_user_sessions(call: Call) -> Answer:
    """The live sessions of an account, by the other method"""
    return await _sessions_of(call, call.required("userId"))


async def _sessions_of(call: Call, user: str) -> Answer:
    current = call.signed_in.session.id if call.signed_in else None
    found = await call.auth.administration.sessions_of(user)
    return as_json({"sessions": [each.body(current) for each in found]})


@routes.add(
    "GET",
    "/api/admin/sessions",
    query={"limit": PAGES["limit"], "offset": PAGES["offset"], "userId": Parameter("of this account alone")},
    answers={200: SessionPage},
    errors=(400, 404, 429),
)
async def list_all_sessions(call: Call) -> Answer:
    """The live sessions of everybody, the one that was used last first"""
    limit, offset = call.integer("limit", PAGE), call.integer("offset", 0)
    found, total = await call.auth.directory.sessions(limit, offset, call.query.get("userId"))
    return as_json({"sessions": found, "total": total, "limit": limit, "offset": offset})


@routes.add(
    "POST",
    f"{ADMIN}/revoke-user-session",
    body=RevokeByAdmin,
    answers={200: RevokedByAdmin},
    errors=(400, 403, 404, 429),
)
async def revoke_user_session(call: Call) -> Answer:
    """End sessions by their handles"""
    body: RevokeByAdmin = await call.checked()
    handles = body.get("sessionTokens") or [required(body, "sessionToken")]
    count = await call.auth.administration.end_sessions(call.principal, call.source, handles)
    return as_json({"success": True, "revoked": count})


@routes.add(
    "POST",
    f"{ADMIN}/revoke-user-sessions",
    body=UserRequest,
    answers={200: RevokedByAdmin},
    errors=(400, 403, 404, 429),
)
async def revoke_user_sessions(call: Call) -> Answer:
    """End all sessions of an account"""
    count = await call.auth.administration.end_all_sessions(call.principal, call.source, await user_of(call))
    return as_json({"success": True, "revoked": count})
