"""API keys (auth §4.1): secrets for programs, shown once."""

from collections.abc import Sequence

from core.auth.admin import accepted_roles
from core.auth.api_key import ApiKey
from core.auth.error import AuthError
from core.contract.admin import ApiKeyCreated, ApiKeyList, ApiKeyRequest, ApiKeyRotation
from core.errors import FieldError, Invalid, NotFound, NotSignedIn
from core.http.answer import Answer, as_json, empty
from core.http.call import Call
from core.http.route import Parameter, RouteFamily
from core.http.routes.auth_session import required
from core.schema.scope import ADMIN

routes = RouteFamily("auth", accounts=True)
PATH = "/api/auth/api-keys"


@routes.add(
    "POST",
    PATH,
    body=ApiKeyRequest,
    answers={201: ApiKeyCreated},
    errors=(400, 401, 403, 404, 429),
    throttle="change",
)
async def create_api_key(call: Call) -> Answer:
    """Make an API key; its secret is in this answer alone"""
    body: ApiKeyRequest = await call.checked()
    name, principal, keys = required(body, "name"), call.principal, call.auth.api_keys
    is_admin = _is_admin(call)
    user, roles = body.get("userId"), body.get("roles")
    if (roles is not None or user not in (None, principal.id)) and not is_admin:
        raise AuthError("FORBIDDEN")
    if roles is not None and user is not None:
        message = "a key acts as its user, or has roles of its own"
        raise Invalid(message, [FieldError("roles", "roles.refused", message)])
    if user is None and roles is None and principal.kind == "user":
        user = principal.id
    if user is None and not roles:
        message = "userId or roles is needed"
        raise Invalid(message, [FieldError("userId", "userId.missing", message)])
    require_maker(call)
    secret, key = await keys.create(
        principal,
        call.source,
        name,
        user=user,
        roles=accepted_roles(list(roles), call.auth.context.roles) if roles else (),
        scopes=body.get("scopes"),
        seconds=body.get("expiresIn"),
        tables=[table.sql_name for table in call.engine.model],
    )
    return as_json({"key": secret, "apiKey": key.body(call.engine.clock())}, 201)


@routes.add(
    "GET",
    PATH,
    query={
        "userId": Parameter("of this account, for administrators"),
        "all": Parameter("of everybody, for administrators", "boolean"),
    },
    answers={200: ApiKeyList},
    errors=(401, 403),
)
async def list_api_keys(call: Call) -> Answer:
    """One's own API keys, the newest first"""
    user = call.query.get("userId")
    if (call.boolean("all") or user not in (None, call.principal.id)) and not _is_admin(call):
        raise AuthError("FORBIDDEN")
    if user is None and not call.boolean("all") and call.principal.kind == "user":
        user = call.principal.id
    found: Sequence[ApiKey] = await call.auth.api_keys.of(user)
    return as_json({"apiKeys": [each.body(call.engine.clock()) for each in found if _deals_with(call, each.id)]})


@routes.add(
    "POST",
    f"{PATH}/{{key}}/rotate",
    body=ApiKeyRotation,
    answers={201: ApiKeyCreated},
    errors=(400, 401, 403, 404, 409, 429),
    throttle="change",
)
async def rotate_api_key(call: Call) -> Answer:
    """Make an API key in place of one, which holds for a grace period more"""
    body: ApiKeyRotation = await call.checked()
    require_maker(call)
    secret, key = await call.auth.api_keys.rotate(
        call.principal, call.source, call.segments["key"], user=_whose(call), grace=body.get("grace", 0)
    )
    return as_json({"key": secret, "apiKey": key.body(call.engine.clock())}, 201)


@routes.add("DELETE", f"{PATH}/{{key}}", answers={204: None}, errors=(401, 404, 429), throttle="change")
async def revoke_api_key(call: Call) -> Answer:
    """End an API key for good"""
    if not _deals_with(call, call.segments["key"]):
        raise NotFound
    await call.auth.api_keys.revoke(call.principal, call.source, call.segments["key"], user=_whose(call))
    return empty()


def require_maker(call: Call) -> None:
    """Raises AuthError FORBIDDEN, SESSION_NOT_FRESH."""
    if call.principal.key is not None:
        raise AuthError("FORBIDDEN", "A key makes no other keys")
    if call.signed_in is not None:
        call.auth.sessions.require_fresh(call.signed_in.session)


def _whose(call: Call) -> str | None:
    """Whose keys the caller may deal with; None: everybody's. Raises NotSignedIn."""
    if _is_admin(call):
        return None
    if call.principal.id is None:
        raise NotSignedIn
    return call.principal.id


def _deals_with(call: Call, key: str) -> bool:
    """Accounts are nothing that a key with scopes for records is for: it knows itself alone, and may end itself."""
    scopes = call.principal.scopes
    return scopes is None or ADMIN in scopes or key == call.principal.key


def _is_admin(call: Call) -> bool:
    """Administration of other people's keys is part of the admin API, and off with it."""
    principal = call.principal
    if principal.is_unrestricted:
        return True
    return call.auth.context.spec.admin_api and call.engine.records.access.is_admin(principal)
