"""What `auth.uid()` and its like answer for a caller, in policies and in typed SQL."""

from typing import Any

import orjson

from core.principal import Principal
from core.schema.name import sql_name
from core.schema.policy_text import Asked
from core.schema.role import Roles


def asked(term: Asked, principal: Principal, roles: Roles) -> Any:
    """A text, a list of texts, or None; of `auth.jwt()` as a whole its JSON."""
    match term.name:
        case "uid":
            return principal.id
        case "email":
            return principal.email
        case "role":
            return role_of(principal)
        case "roles":
            return _roles(principal, roles)
        case "app_role":
            return next(iter(_roles(principal, roles)), None)
        case "groups":
            return sorted(principal.groups)
        case "assignments":
            return sorted(principal.assignments.get(sql_name(term.argument), ()))
    return _inside(claims(principal, roles), term.path, whole=term.whole)


def role_of(principal: Principal) -> str:
    """How far a caller is trusted: `anon` without a session, `authenticated` with one, `service_role` is the engine's
    own and the local owner's."""
    return {"guest": "anon", "user": "authenticated"}.get(principal.kind, "service_role")


def claims(principal: Principal, roles: Roles) -> dict[str, Any]:
    """What a token of the caller says. The caller's own facts stand above what else is claimed of it."""
    mine = _roles(principal, roles)
    return {
        **principal.claims,
        "sub": principal.id,
        "email": principal.email,
        "role": role_of(principal),
        "aal": principal.aal,
        "session_id": principal.session,
        "app_metadata": {
            **(principal.claims.get("app_metadata") or {}),
            "role": mine[0] if mine else None,
            "roles": mine,
            "groups": sorted(principal.groups),
        },
    }


def _roles(principal: Principal, roles: Roles) -> list[str]:
    """The highest first. Without any that the app knows, an account has the default one (A-033)."""
    if principal.kind == "guest":
        return []
    known = [role.name for role in roles.ordered if role.name in principal.roles]
    return known or ([roles.default] if principal.kind == "user" else [])


def _inside(value: Any, path: tuple[str, ...], *, whole: bool) -> str | None:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    return value if isinstance(value, str) and not whole else orjson.dumps(value).decode()
