"""Health and the process behind the door."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict


class PartHealth(TypedDict):
    """One part of a server: `ok`, `off` (not set up) or `failed`, with why. `ms` until it answered."""

    status: str
    ms: float
    note: NotRequired[str]


class AppName(TypedDict):
    name: str


class Health(TypedDict):
    """`GET /api/health`, open to everybody; 503 with the same shape while not ready. The parts are there with `deep=1`, for
    administrators and over the socket; `failed` when one of them is."""

    status: Literal["ok", "starting", "migrating", "read-only", "failed"]
    version: str
    timestamp: str
    app: NotRequired[AppName]
    database: NotRequired[PartHealth]
    migrations: NotRequired[PartHealth]
    mailer: NotRequired[PartHealth]
    keyring: NotRequired[PartHealth]
    auditChain: NotRequired[PartHealth]
    disk: NotRequired[PartHealth]


class Hello(TypedDict):
    """`GET /api/console/hello`: what a console asks first."""

    version: str
    pid: int
    app: str
    appVersion: str | None
    description: str
    appFile: str
    checksum: str
    database: str
    """`DuckDB 2.0.0 · app.duckdb`"""
    dialect: Literal["duckdb", "postgresql"]
    tcp: NotRequired[str | None]
    """`http://127.0.0.1:3000` when the server listens there."""
    schemaVersion: int
    """Rises when the tables change; events of kind `schema` carry the new one."""
    idleSeconds: int
    """For how long a session may be left alone (`session.inactivityTimeout`); 0: as long as one likes."""
    notes: list[str]
    """Things a person should know: features accepted but not run, a read-only database."""


class ReloadRequest(TypedDict, total=False):
    """`POST /api/console/reload`. `allowDestructive`: drop what left the file. `checksum`: of the file that was agreed to,
    from the refusal (409 MIGRATION_REFUSED with `unconfirmed`); another one by now is refused."""

    allowDestructive: bool
    checksum: str


class Reloaded(TypedDict):
    """What a reload did."""

    changed: bool
    """False: the file is the one that is in force."""
    schemaVersion: int
    checksum: str
    steps: list[str]
    """The migration, in words."""
    warnings: list[str]
