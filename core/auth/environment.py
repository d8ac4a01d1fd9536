"""What the environment says about accounts (auth §2.2): secrets of the server, the first admin, credentials of providers.

Mail, SMS and `BASE_URL` are read in `core.messaging.setting`, the master key in `core.secrets.store`. No message and no repr
shows a secret.
"""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import BadRequest
from core.sentence import say

if TYPE_CHECKING:
    from core.schema.auth import AuthSpec, OAuthProvider
    from core.schema.role import Roles

SECRET_LEAST = 16
JWT_SECRET_LEAST = 32
"""Bytes: the size of the HMAC behind HS256."""
ADMIN_NAME, ADMIN_ROLE = "Administrator", "admin"
ADMIN = ("EMAIL", "PASSWORD", "NAME", "ROLE")
NAMES = (
    "AUTH_SECRET",
    *(f"AUTH_ADMIN_{each}" for each in ADMIN),
    "JWT_SECRET",
    "SOVRIUM_ENCRYPTION_KEY",
    "SOVRIUM_ENCRYPTION_KEY_PREVIOUS",
    *(f"SMTP_{each}" for each in ("HOST", "PORT", "SECURE", "USER", "PASS", "FROM", "FROM_NAME")),
    "BASE_URL",
    "PORT",
    "LOG_LEVEL",
    "RATE_LIMIT_WINDOW_SECONDS",
)
"""Variables that have a second name beginning with `SOVTUI_`; those of the admin also one with `SOVRIUM_`."""
_CREDENTIAL = re.compile(r"(?P<provider>[A-Z][A-Z0-9_]*)_CLIENT_(?P<part>ID|SECRET)")
_OTHER = {"ID": "SECRET", "SECRET": "ID"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSeed:
    """The admin that an app without any account is given (§15). Whether address and password will do is told then."""

    email: str
    password: str = field(repr=False)
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthCredentials:
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthEnvironment:
    """`secret` feeds the cookies' key, so that several servers share them. `credentials` by `GOOGLE`, `ACME_ID`."""

    secret: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    admin: AdminSeed | None = None
    credentials: Mapping[str, OAuthCredentials] = field(default_factory=dict, hash=False)
    halves: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Providers with one of the two variables, and which (`ID`, `SECRET`)."""
    half_an_admin: bool = False
    """The first admin's address or password is missing (A-233)."""

    def credentials_of(self, provider: "OAuthProvider") -> OAuthCredentials | None:
        """None: it is not configured (A-128)."""
        return self.credentials.get(provider.variable)

    def check(self, spec: "AuthSpec") -> None:
        """Raises BadRequest for what the app file cannot do without."""
        if self.jwt_secret is None and (spec.jwt.algorithm == "HS256" or spec.jwt.legacy_secret):
            key = "algorithm: HS256" if spec.jwt.algorithm == "HS256" else "legacySecret"
            raise BadRequest(
                say("auth.jwt.{key} needs JWT_SECRET, {least} bytes or more", key=key, least=JWT_SECRET_LEAST)
            )

    def notes(self, spec: "AuthSpec", roles: "Roles") -> list[str]:
        """What the app file or the environment asks for and will not get, in sentences; the server runs without it, and does
        not start with `--strict` (§2.3)."""
        found = [
            f"{each.name} is not configured: set {each.variable}_CLIENT_ID and {each.variable}_CLIENT_SECRET"
            for each in (spec.oauth.providers if spec.oauth else ())
            if self.credentials_of(each) is None and each.variable not in self.halves
        ]
        for half, part in self.halves.items():
            found.append(f"{half}_CLIENT_{_OTHER[part]} is not set, {half}_CLIENT_{part} is")
        if self.half_an_admin:
            found.append("AUTH_ADMIN_EMAIL and AUTH_ADMIN_PASSWORD belong together: no admin is made of one of them")
        if self.admin is not None and self.admin.role not in roles.by_name:
            there = ", ".join(role.name for role in roles.ordered)
            found.append(f"AUTH_ADMIN_ROLE: role '{self.admin.role}' is not defined; there are {there}")
        return found


def read_environment(environ: Mapping[str, str]) -> AuthEnvironment:
    """Raises BadRequest for a value that is not allowed, and for a variable and its second name that differ."""
    found = {**environ, **second_names(environ)}

    def given(name: str) -> str | None:
        return found.get(name, "") or None

    secret, jwt_secret = given("AUTH_SECRET"), given("JWT_SECRET")
    if secret is not None and len(secret) < SECRET_LEAST:
        raise BadRequest(say("AUTH_SECRET must have {least} characters or more", least=SECRET_LEAST))
    if jwt_secret is not None and len(jwt_secret.encode()) < JWT_SECRET_LEAST:
        raise BadRequest(say("JWT_SECRET must have {least} bytes or more", least=JWT_SECRET_LEAST))
    email, password = given("AUTH_ADMIN_EMAIL"), given("AUTH_ADMIN_PASSWORD")
    admin = None
    if email is not None and password is not None:
        name, role = given("AUTH_ADMIN_NAME") or ADMIN_NAME, given("AUTH_ADMIN_ROLE") or ADMIN_ROLE
        admin = AdminSeed(email=email.strip(), password=password, name=name.strip(), role=role.strip())
    parts = _credentials(found)
    return AuthEnvironment(
        secret=secret,
        jwt_secret=jwt_secret,
        admin=admin,
        credentials={
            provider: OAuthCredentials(client_id=each["ID"], client_secret=each["SECRET"])
            for provider, each in parts.items()
            if len(each) == 2
        },
        halves={provider: next(iter(each)) for provider, each in parts.items() if len(each) == 1},
        half_an_admin=(email is None) != (password is None),
    )


def second_names(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are set by their second name, by the first one. Raises BadRequest where both are set and differ."""
    found: dict[str, str] = {}
    by: dict[str, str] = {}
    for other, value in environ.items():
        name = _first_name(other)
        if name is None or not value:
            continue
        said, where = (environ[name], name) if environ.get(name) else (found.get(name), by.get(name))
        if said is not None and said != value:
            raise BadRequest(
                say(
                    "{where} and {other} are two names of one setting, and their values differ",
                    where=where,
                    other=other,
                )
            )
        found[name], by[name] = value, other
    return found


def _first_name(name: str) -> str | None:
    """`SOVTUI_SMTP_HOST` → `SMTP_HOST`; None for what is no second name."""
    if name.startswith("SOVRIUM_ADMIN_") and name.removeprefix("SOVRIUM_ADMIN_") in ADMIN:
        return f"AUTH_{name.removeprefix('SOVRIUM_')}"
    if not name.startswith("SOVTUI_"):
        return None
    rest = name.removeprefix("SOVTUI_")
    for candidate in (rest, f"AUTH_{rest}", f"SOVRIUM_{rest}"):
        if candidate in NAMES:
            return candidate
    return rest if _CREDENTIAL.fullmatch(rest) else None


def forget_admin(environ: MutableMapping[str, str]) -> None:
    """Take the first admin's variables out of the process: nothing that it starts shall see them (A-240)."""
    for name in list(environ):
        if (_first_name(name) or name).startswith("AUTH_ADMIN_"):
            del environ[name]


def _credentials(environ: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """By provider, what is set of `ID` and `SECRET`."""
    parts: dict[str, dict[str, str]] = {}
    for name, value in environ.items():
        match = _CREDENTIAL.fullmatch(name)
        if match and value.strip() and not name.startswith("SOVTUI_"):
            parts.setdefault(match["provider"], {})[match["part"]] = value.strip()
    return parts
