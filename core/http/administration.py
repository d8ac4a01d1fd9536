"""Who is let into the admin API (auth D1), and what is refused to who acts as somebody else (A-170)."""

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from core.access.table import Access
from core.auth.error import AuthError
from core.errors import NotFound
from core.http.route import Route
from core.principal import Principal
from core.schema.auth import AuthSpec

if TYPE_CHECKING:
    from core.auth.session import SignedIn

RESTRICTED = (
    "* /api/auth/admin/*",
    "* /api/admin/*",
    "* /api/auth/*password*",
    "* /api/auth/*-email",
    "* /api/auth/change-email/*",
    "* /api/auth/update-user",
    "* /api/auth/user/*",
    "* /api/auth/two-factor/*",
    "* /api/auth/phone-number/*",
    "* /api/auth/delete-*",
    "* /api/auth/revoke-*",
    "* /api/auth/api-keys*",
    "* /api/account/*",
    "* /api/tables/{table}/export",
    "* /api/console/exports",
    "* /api/console/jobs/{job}/file",
)
"""Methods and addresses of routes, as they are declared, that are refused meanwhile (A-170)."""
CHANGE_PASSWORD = "/api/auth/change-password"
STOP = "/api/auth/admin/stop-impersonating"


@lru_cache(1024)
def is_restricted(method: str, path: str) -> bool:
    """Whether a route is refused to somebody who acts as another."""
    asked = f"{method} {path}"
    return path != STOP and any(fnmatchcase(asked, pattern) for pattern in RESTRICTED)


def require_administrator(spec: AuthSpec | None, principal: Principal) -> None:
    """To others the admin API is an unknown address, unless the app file says otherwise; where it is off it is that to
    everybody but the local owner (A-163).

    Raises:
        NotFound, AuthError IMPERSONATION_RESTRICTED, FORBIDDEN.
    """
    if principal.is_unrestricted:
        return
    if spec is None or not spec.admin_api:
        raise NotFound
    if principal.impersonator is not None:
        raise AuthError("IMPERSONATION_RESTRICTED")
    if not Access.is_admin(principal):
        raise NotFound if spec.hide_admin_api else AuthError("FORBIDDEN")


def require_own(route: Route) -> None:
    """Raises AuthError IMPERSONATION_RESTRICTED for what only a person may do with their own account."""
    if is_restricted(route.method, route.path):
        raise AuthError("IMPERSONATION_RESTRICTED")


def require_own_password(route: Route, found: "SignedIn | None") -> None:
    """Whose password an administrator has chosen for the time being changes it first. Raises AuthError
    PASSWORD_CHANGE_REQUIRED."""
    if found is None or not found.must_change or route.path == CHANGE_PASSWORD:
        return
    if found.session.impersonated_by is None:
        raise AuthError("PASSWORD_CHANGE_REQUIRED")
