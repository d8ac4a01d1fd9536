"""Versions of the tables: plans, history, drift. Used by the console, the command line and scripts."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

Operation = Literal["migrate", "rollback", "repair"]


class PlanRequest(TypedDict, total=False):
    """`POST /api/console/migrations/plan`. `migrate`: to what the app file says now. `rollback`: to version `to`, or the
    one before; with `force` what has been entered since may be lost."""

    operation: Operation
    to: int
    force: bool


class PlanStep(TypedDict):
    kind: Literal["add", "change", "destructive"]
    table: str
    text: str
    said: NotRequired[dict[str, Any]]
    """The pattern of `text` and the values in it, as with refusals."""
    sql: list[str]
    confirmed: bool
    """False: it loses data, and nothing in the app file allows it."""


class PlanRefusal(TypedDict):
    """Why the plan cannot be carried out: a sentence, and the rows that stand in the way."""

    table: str
    message: str
    details: list[str]
    hint: str | None
    said: NotRequired[dict[str, Any]]


class MigrationPlan(TypedDict):
    """From version `before` to `after`; equal and without steps: nothing is to be done."""

    operation: Operation
    before: int
    after: int
    steps: list[PlanStep]
    refusals: list[PlanRefusal]
    warnings: list[str]
    said: NotRequired[dict[str, Any]]
    """The patterns of `warnings` and the values in them."""
    undone: int | None
    """These very tables are that version, which was rolled back: `reapply` is needed."""
    checksum: NotRequired[str]
    """Of the app file that was read; send it with the order to carry out the plan."""


class RunRequest(PlanRequest, total=False):
    """`POST /api/console/migrations`: carry out (202 Job). `checksum`: of the app file that was agreed to."""

    allowDestructive: bool
    reapply: bool
    reason: str
    checksum: str


class MigrationStatus(TypedDict):
    """`GET /api/console/migrations/status`"""

    version: int
    current: bool
    """The app file's tables are the ones in force."""
    undone: int | None
    drift: list[str]
    said: NotRequired[dict[str, Any]]
    """The patterns of `drift` and the values in them."""
    kept: list[str]
    """Names of the copies that hold what migrations have dropped."""


class MigrationEntry(TypedDict):
    """One version."""

    version: int
    checksum: str
    appliedAt: str
    appliedBy: str | None
    durationMs: int
    rolledBackAt: str | None
    engine: str
    appVersion: str | None
    steps: list[str]
    current: bool


class MigrationAttempt(TypedDict):
    """One line of the log. `status`: COMPLETED, or ROLLBACK where it failed and was undone, with the reason."""

    operation: str
    fromVersion: int
    toVersion: int
    status: str
    reason: str | None
    at: str


class Migrations(TypedDict):
    """`GET /api/admin/migrations?limit=&offset=`, newest first. `attempts` are the last of the log, failed ones too."""

    migrations: list[MigrationEntry]
    attempts: list[MigrationAttempt]
    total: int
    limit: int
    offset: int


class MigrationDetail(MigrationEntry):
    """`GET /api/admin/migrations/{version}?against=`: the whole snapshot, and what differs from another version (by
    default the one before), line by line as `diff -u` would say it."""

    plan: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    against: int | None
    diff: list[str]


class SchemaEditRequest(TypedDict):
    """`POST /api/console/schema/edit`. `changes` in order, each `{"op": "add-field", "table": …, …}`. Without `apply` it is
    a preview. With it the files are written, then the tables are migrated; `checksum` is that of the file the preview was
    made for."""

    changes: list[dict[str, Any]]
    apply: NotRequired[bool]
    allowDestructive: NotRequired[bool]
    checksum: NotRequired[str]


class SchemaEdit(TypedDict):
    """The outcome. `problems` not empty: the result would not be valid, nothing is written. `plan` is None then."""

    diff: list[str]
    files: list[str]
    problems: list[dict[str, Any]]
    plan: MigrationPlan | None
    checksum: str
    """Of the app file as it is before the changes."""
    applied: bool
    schemaVersion: int
