"""The variables that the program itself reads, and what each may hold (docs/cli.md).

Only these are taken from a `.env` file into the process: a folder that somebody else has made must not decide which code
runs here (`PATH`, `LD_PRELOAD`, `PYTHONPATH`).
"""

import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from core.contract.log_level import LEVELS
from core.errors import BadRequest

KNOWN = re.compile(
    r"PORT|HOSTNAME|BASE_URL|NODE_ENV|LOG_(LEVEL|FORMAT)|DEBUG|DATABASE_URL|APP_SCHEMA(_FILE)?|FORM_IP_HASH_SALT"
    r"|(SOVRIUM|SOVTUI|AI|AUTH|SMTP|SMS|TWILIO|STORAGE|ECO|SENTRY|OTEL)_[A-Z0-9_]+|JWT_SECRET|RATE_LIMIT_WINDOW_SECONDS"
    r"|[A-Z][A-Z0-9_]*_CLIENT_(ID|SECRET)"
)
SECRET = re.compile(r".*(SECRET|PASSWORD|PASS|TOKEN|KEY|SALT|DSN|CREDENTIALS?)(_.*)?|DATABASE_URL|APP_SCHEMA")
"""Names whose values are never shown."""
MASK = "••••••"
FORMATS = ("text", "json")
ALIASES = {"warning": "warn"}
BOOLEANS = ("true", "false", "1", "0")
FLAGS = ("SOVRIUM_ALLOW_PRIVATE_OUTBOUND", "SOVRIUM_DISABLE_NETWORK")
LEAST = {"AUTH_SECRET": 16}
"""Characters that a secret has at least."""


def take_env_file(app: Path | None, environ: MutableMapping[str, str] = os.environ) -> None:
    """Set what the `.env` beside the app file says of the program's own settings; what is set already wins (E-001).

    Raises SchemaError for a file that cannot be read, BadRequest for a value that is not allowed (E-002).
    """
    from core.auth.environment import second_names
    from core.schema.environment import NAME, read_env_file

    named = app or Path(environ.get("APP_SCHEMA_FILE") or ".")
    is_remote = str(named).lower().startswith(("http:/", "https:/"))  # whose settings are those of the folder we are in
    folder = Path() if is_remote else named if named.is_dir() else named.parent
    file = folder / NAME
    for name, value in read_env_file(file).items() if file.is_file() else ():
        if KNOWN.fullmatch(name):
            environ.setdefault(name, value)
    environ.update(second_names(environ))
    check(environ)


def check(environ: Mapping[str, str]) -> None:
    """Raises BadRequest for the first value that is not allowed, never showing a secret's (E-002)."""
    for name, choices in (("LOG_LEVEL", LEVELS), ("LOG_FORMAT", FORMATS)):
        value = environ.get(name, "").lower()
        if value and ALIASES.get(value, value) not in choices:
            raise BadRequest(f"{name} must be one of {', '.join(choices)}")
    for name in ("SOVRIUM_PORT", "PORT"):
        port = environ.get(name)
        if port and not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
            raise BadRequest(f"{name} must be a number from 0 to 65535")
    for name in FLAGS:
        if environ.get(name, "0").lower() not in (*BOOLEANS, ""):
            raise BadRequest(f"{name} must be one of {', '.join(BOOLEANS)}")
    for name, least in LEAST.items():
        value = environ.get(name)
        if value is not None and len(value) < least:
            raise BadRequest(f"{name} must have {least} characters or more")


def is_on(name: str) -> bool:
    """A flag is set."""
    return os.environ.get(name, "").lower() in ("true", "1")


def masked(name: str, value: str) -> str:
    """The value as it may be shown."""
    return MASK if SECRET.fullmatch(name) else value
