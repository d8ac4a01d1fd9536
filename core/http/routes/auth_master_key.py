"""The master key: which ones the database knows, and another one (auth §4.2)."""

from core.contract.auth import KeyStateBody, Rotated
from core.http.answer import Answer, as_json
from core.http.call import Call
from core.http.route import RouteFamily

routes = RouteFamily("admin", accounts=True, admin=True)


@routes.add("GET", "/api/admin/master-key", answers={200: list[KeyStateBody]}, errors=(401, 404))
async def master_keys(call: Call) -> Answer:
    """The master keys that the database was sealed with"""
    return as_json(
        [
            {"id": each.id, "isCurrent": each.is_current, "sealed": each.sealed, "proofs": each.proofs}
            for each in await call.auth.master_keys.states()
        ]
    )


@routes.add("POST", "/api/admin/master-key/rotate", answers={200: Rotated}, errors=(401, 404, 409))
async def rotate_master_key(call: Call) -> Answer:
    """Put a new master key into use and seal everything with it"""
    count = await call.auth.master_keys.rotate(call.principal, call.source)
    return as_json({"id": call.auth.context.secrets.current.id, "resealed": count})
