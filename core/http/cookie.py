"""Cookies of accounts: their names, how they are read and how they are set (auth §6)."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from core.http.answer import Header
from core.http.call import Scope

SESSION = "sid"
PARKED = "sid-admin"
"""The session of an admin who acts as somebody else."""
SECOND_STEP = "two_factor"
DEVICE = "trusted_device"


def cookies_of(scope: Scope) -> Mapping[str, str]:
    """All cookies of a request; of two with one name, the first."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, equals, content = part.strip().partition("=")
                if equals:
                    found.setdefault(key, content)
    return found


def cookie_name(name: str, *, secure: bool, configured: str | None = None) -> str:
    """`__Host-` binds a cookie to exactly this host, which browsers only allow over TLS."""
    if configured is not None and name == SESSION:
        return configured
    return f"__Host-{name}" if secure else name


def set_cookie(name: str, value: str, *, secure: bool, seconds: int | None) -> Header:
    """The header that sets a cookie; `seconds` None: until the browser is closed, 0: take it away."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar[name] = value
    except CookieError as error:
        raise ValueError(f"not the name of a cookie: {name}") from error
    morsel = jar[name]
    morsel["path"] = "/"
    morsel["httponly"] = True
    morsel["samesite"] = "Lax"
    if secure:
        morsel["secure"] = True
    if seconds is not None:
        morsel["max-age"] = str(seconds)
    return b"set-cookie", morsel.OutputString().encode("latin-1")
