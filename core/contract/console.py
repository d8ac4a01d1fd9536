"""`/api/console/…`: windows of ordered views, staged edits, SQL runs, jobs, completion, events.

Rows travel as arrays in the order of the asked fields. A cell is the API's JSON form of its type, with two exceptions
that keep windows small: text longer than 200 characters comes as `Cut`, and json fields come as compact JSON text
(cut likewise).
"""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from core.contract.records import ComputeState, Filter, Record, SortKey
from core.contract.tables import TableInfo


class Cut(TypedDict):
    """A long text's head. The whole is read with the record."""

    cut: str
    length: int


class Schema(TypedDict):
    """`GET /api/console/schema`."""

    version: int
    tables: list[TableInfo]


# ── Views: an ordered, filtered reading of one table that can be paged by position ─────────────────────────────────────


class ViewSpec(TypedDict):
    """`POST /api/console/views`. Without filter, sort and q it is the table in key order."""

    table: str
    filter: NotRequired[Filter | None]
    sort: NotRequired[list[SortKey]]
    q: NotRequired[str]
    deleted: NotRequired[bool]
    """The trash instead of the live rows."""
    view: NotRequired[str]
    """A view of the app file, by id or name, whose filter holds beside this one."""
    groupBy: NotRequired["GroupSpec | None"]


class GroupSpec(TypedDict):
    """Rows with one value of the field stand together. `order`: values that come first. `hideEmpty`: options without rows
    are not told."""

    field: str
    direction: NotRequired[Literal["asc", "desc"]]
    order: NotRequired[list[Any]]
    hideEmpty: NotRequired[bool]


class GroupBlock(TypedDict):
    """A group: its rows stand at the positions from `start` on. `name`: the value as text, of a link its label, "" for
    none."""

    value: Any
    name: str
    count: int
    start: int
    aggregations: NotRequired[dict[str, Any]]


class Blocks(TypedDict):
    """`GET …/views/{id}/groups?aggregate=`: the groups of a view that was opened with `groupBy`, and aggregates over all
    rows and each group. `version` is that of the order which the positions belong to. `tooMany`: the field has so many
    values that its rows are not grouped."""

    version: int
    groups: list[GroupBlock]
    aggregations: dict[str, Any]
    tooMany: NotRequired[bool]


CountKind = Literal["exact", "at-least", "estimate"]


class View(TypedDict):
    """`POST /api/console/views`, `GET …/views/{id}`. `ready` says that every position can be reached (the order index
    stands); before that only the first rows can. An event `view` tells when it changes."""

    id: str
    table: str
    count: int
    countKind: CountKind
    ready: bool
    version: int
    """Rises when the order is built anew; windows of an older version are stale."""


class Window(TypedDict):
    """`GET …/views/{id}/window?start=&limit=&fields=a,b` (limit ≤ 1,024)."""

    start: int
    keys: list[str]
    stamps: list[str]
    """`updatedAt` of each row, to send back with edits."""
    rows: list[list[Any]]
    labels: dict[str, dict[str, str]]
    """For link fields: id of the linked record → what to show."""
    view: View
    computing: NotRequired[dict[str, dict[str, "ModelValue"]]]
    """By key and field, values that a language model is to give, or could not."""


class ModelValue(TypedDict):
    """What has become of a value that a language model is to give; `reason` of one that it could not."""

    state: ComputeState
    reason: NotRequired[str | None]
    said: NotRequired[dict[str, Any]]
    """The pattern of `reason` and the values in it, as with refusals."""


class Found(TypedDict):
    """`GET …/views/{id}/find?text=&from=&direction=next|previous&fields=` and `…/locate?key=`; position None: nothing."""

    position: int | None
    key: str | None
    field: NotRequired[str | None]


class Frequency(TypedDict):
    """`GET /api/console/tables/{t}/values?field=&prefix=&limit=`: values of a field with their counts."""

    values: list[list[Any]]


class LinkHit(TypedDict):
    id: str
    label: str
    detail: str


class Person(TypedDict):
    """An account as it is shown."""

    id: str
    name: str
    email: str
    image: str | None


class People(TypedDict):
    """`me` is the caller's own id; None for the local owner."""

    people: list[Person]
    me: str | None


class LinkHits(TypedDict):
    """`GET /api/console/tables/{t}/links/{field}?q=` (≤ 200)."""

    hits: list[LinkHit]


# ── Staged edits ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Change(TypedDict):
    """One staged edit. `ref` is the client's own name for it; a link may name a new record of the same commit by
    `{"ref": …}`. `updatedAt` is the version that the edit was based on."""

    ref: str
    op: Literal["create", "update", "delete", "restore"]
    table: str
    id: NotRequired[str]
    fields: NotRequired[dict[str, Any]]
    updatedAt: NotRequired[str]


COMMIT_CHANGES_MOST = 10_000
"""Changes of one commit."""


class CommitRequest(TypedDict):
    """`POST /api/console/commit`. All or nothing. `dryRun` checks and answers the statements without writing.
    `idempotencyKey`: a repeated request with the same key gets the first answer (the connection broke before it came);
    other changes under that key are refused."""

    changes: list[Change]
    dryRun: NotRequired[bool]
    idempotencyKey: NotRequired[str]


class Outcome(TypedDict):
    """What became of one change. `conflict`: `current` is the record as it is now. `invalid`: `errors` by field."""

    ref: str
    status: Literal["ok", "invalid", "conflict", "missing", "skipped"]
    id: NotRequired[str]
    record: NotRequired[Record]
    current: NotRequired[Record]
    errors: NotRequired[list[dict[str, Any]]]


class CommitAnswer(TypedDict):
    """200 when all is well; 409 (`code: CONFLICT`) or 400 (`VALIDATION_ERROR`) with the same keys in the envelope."""

    committed: bool
    outcomes: list[Outcome]
    statements: list[str]
    """What the writer runs, for the preview: SQL with values in place, for reading only."""


# ── SQL ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


SQL_ROWS_MOST = 10_000_000
"""Rows kept of a result for who asks for more than usual."""


class SqlRequest(TypedDict):
    """`POST /api/console/sql`: one or more statements, run in order until one fails."""

    sql: str
    limit: NotRequired[int]
    """Rows kept of each result (100,000), at most `SQL_ROWS_MOST`."""
    confirmed: NotRequired[bool]
    """The user has seen the warning about a destructive statement (`code: CONFIRM_NEEDED`, 409)."""
    readOnly: NotRequired[bool]
    """Only statements that read: others fail with `code: READ_ONLY`, and nothing of them is carried out."""
    transaction: NotRequired[Literal["try", "commit"]]
    """Run all statements as one transaction. `try` shows what they would do and rolls back; the caller keeps the
    statements and sends them before the next one, as `earlier`, and all of them for the `commit`."""
    earlier: NotRequired[str]
    """Statements that were tried already; they run first, within the same transaction, and are not told about."""
    expected: NotRequired[list[int]]
    """For a commit: how many rows each statement changed when it was tried. Other counts are a 409, and nothing is
    written."""


class SqlColumn(TypedDict):
    name: str
    type: str
    """The database's name of the type."""
    family: str
    """`text`, `number`, `date`, `checkbox`, `json`: how to draw it."""


class SqlProblem(TypedDict):
    """`line` and `column` count from 1 in the text that was sent."""

    code: str
    message: str
    said: NotRequired[dict[str, Any]]
    """The pattern of `message` and the values in it, as with refusals."""
    line: NotRequired[int]
    column: NotRequired[int]


class SqlStatement(TypedDict):
    index: int
    text: str
    start: int
    end: int
    """Character offsets in the text that was sent."""
    kind: Literal["select", "write", "schema", "other"]
    state: Literal["waiting", "running", "done", "failed", "cancelled", "skipped"]
    elapsedMs: int
    columns: NotRequired[list[SqlColumn]]
    rowCount: NotRequired[int]
    more: NotRequired[bool]
    """The result has more rows than were kept."""
    changed: NotRequired[int]
    """Rows written."""
    problem: NotRequired[SqlProblem]


class SqlRun(TypedDict):
    """`POST /api/console/sql` (202), `GET …/sql/{id}?wait=ms` (answers when the state changes or the time is over),
    `DELETE …/sql/{id}` (cancel and forget)."""

    id: str
    state: Literal["running", "done", "failed", "cancelled"]
    statements: list[SqlStatement]


class SqlWindow(TypedDict):
    """`GET …/sql/{id}/{index}/window?start=&limit=&whole=`."""

    start: int
    rows: list[list[Any]]


class CompletionTable(TypedDict):
    name: str
    kind: Literal["table", "view", "system"]
    columns: list[list[str]]
    """[name, type]"""


class Completions(TypedDict):
    """`GET /api/console/completions`."""

    version: int
    tables: list[CompletionTable]
    functions: list[str]
    keywords: list[str]


# ── Jobs ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Job(TypedDict):
    """`GET /api/console/jobs`, `GET/DELETE …/jobs/{id}` (DELETE cancels a running job, forgets a finished one)."""

    id: str
    kind: Literal["import", "export", "migrate", "backup"]
    title: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    done: int
    total: int | None
    unit: Literal["rows", "bytes"]
    note: str
    startedAt: str
    finishedAt: str | None
    error: str | None
    said: NotRequired[dict[str, Any]]
    """The patterns of `error` and `note` and the values in them, as with refusals."""
    rows: NotRequired[int]
    rejected: NotRequired[list[dict[str, Any]]]
    """First 100 refused rows of an import: {line, field, message, said?, value}."""
    refused: NotRequired[int]
    """Refused rows of an import; all of them are in its file, up to a million."""
    file: NotRequired[str]
    """File name of an export, or of an import's refused rows; `GET …/jobs/{id}/file` streams it."""
    size: NotRequired[int]


class Jobs(TypedDict):
    jobs: list[Job]


class ImportPreview(TypedDict):
    """`POST /api/console/tables/{t}/import-preview?format=csv` with the first megabyte of the file as body."""

    columns: list[dict[str, Any]]
    """{name, samples: [text, …], field: suggested field name or null}"""


class ExportRequest(TypedDict):
    """`POST /api/console/exports` (202 Job). A view's rows, those of them that `keys` name, or an SQL result."""

    format: Literal["csv", "json", "parquet"]
    view: NotRequired[str]
    fields: NotRequired[list[str]]
    keys: NotRequired[list[str]]
    """At most 10,000."""
    run: NotRequired[str]
    index: NotRequired[int]


# `POST /api/tables/{t}/import?format=csv|json|parquet&mapping={"Column":"field"}&onError=abort|skip` streams the file as
# its body and answers 202 Job. `GET /api/tables/{t}/export?format=csv|json|parquet&fields=&filter=` streams the file.


# ── Events ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Event(TypedDict):
    """`GET /api/console/events` (server-sent events, `data:` is this object). The open stream is the console's lease on
    a background server.

    change: table, operation, ids (≤ 100), count, sequence, actor. Who may see some rows only hears of those alone; of one
    that goes out of sight a `delete` without actor, of one that comes into sight a `create`; without ids there are too many
    to tell of, or its rules ask of the table that changed, and what is shown is to be read again · view: view · job: job ·
    schema: version, state (`reloaded`; `rights`: the caller's have changed; `refused` with a message, to administrators: the
    app file cannot be taken up) · server: state (`stopping`) · ping: every 10 s
    """

    kind: Literal["change", "view", "job", "schema", "server", "ping"]
    table: NotRequired[str]
    operation: NotRequired[str]
    ids: NotRequired[list[str]]
    count: NotRequired[int]
    sequence: NotRequired[int]
    actor: NotRequired[str | None]
    view: NotRequired[View]
    job: NotRequired[Job]
    version: NotRequired[int]
    state: NotRequired[str]
    message: NotRequired[str]
