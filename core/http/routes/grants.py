"""`/api/tables/user_access/records`: access to single records, granted by admins (P-042)."""

from core.access.grant import USER_ACCESS
from core.errors import NotFound
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.repeat import records_of
from core.http.route import Parameter
from core.records.request import fields_of

USER = {"user_id": Parameter("of grants: those of this user")}


def is_of_grants(call: Call) -> bool:
    """The path names no table but the grants, which are there in apps with scope tables."""
    return call.segments["table"] == USER_ACCESS and call.engine.grants.is_used


async def list_grants(call: Call) -> Answer:
    """The grants of a user, or all."""
    _require_admin(call)
    return as_json({"records": await call.engine.grants.list(call.query.get("user_id"))})


async def create_grant(call: Call) -> Answer:
    """Grant records of a table to a user."""
    _require_admin(call)
    body = await call.json_object()
    once = records_of(call, body).keyed
    return as_json(await call.engine.grants.create(call.principal, fields_of(body), once), 201)


def _require_admin(call: Call) -> None:
    if not call.engine.records.access.is_admin(call.principal):
        raise NotFound
