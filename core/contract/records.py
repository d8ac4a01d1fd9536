"""The Records API: spec tables-records §10."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


class Record(TypedDict):
    id: str | int
    fields: dict[str, Any]
    createdAt: str
    updatedAt: str
    deletedAt: NotRequired[str | None]
    createdBy: NotRequired[str | None]
    """Ids of accounts, where the table has fields for them (R-102)."""
    updatedBy: NotRequired[str | None]
    deletedBy: NotRequired[str | None]


class Pagination(TypedDict):
    page: int
    limit: int
    offset: int
    total: int
    totalPages: int
    hasNextPage: bool
    hasPreviousPage: bool
    nextCursor: NotRequired[str | None]


class Group(TypedDict):
    name: str
    count: int
    aggregations: NotRequired[dict[str, Any]]


class RecordList(TypedDict):
    records: list[Record]
    pagination: Pagination
    aggregations: NotRequired[dict[str, Any]]
    groups: NotRequired[list[Group]]


class Pressed(TypedDict):
    """What a button asks its caller to do."""

    success: bool
    action: Literal["url"]
    url: str


ComputeState = Literal["pending", "done", "failed"]
"""Of a value that a language model is to give."""


class Computing(TypedDict):
    """Values that are on their way: the state of each field."""

    success: bool
    _aiCompute: dict[str, ComputeState]


class RecordBody(TypedDict):
    """Create and update. `updatedAt` is the version that was read: a different stored one refuses the write (409)."""

    fields: dict[str, Any]
    updatedAt: NotRequired[str]


class BatchCreate(TypedDict):
    """1 to 1,000 records. `continueOnError`: those that are valid, and `errors` of the others."""

    records: list[RecordBody | dict[str, Any]]
    """Wrapped, or the bare map of fields."""
    returnRecords: NotRequired[bool]
    continueOnError: NotRequired[bool]


class BatchError(TypedDict):
    """`record` is the position in the request, from 0."""

    record: int
    code: str
    message: str
    id: NotRequired[str]
    field: NotRequired[str]


class BatchCreated(TypedDict):
    created: int
    records: NotRequired[list[Record]]
    errors: NotRequired[list[BatchError]]


class BatchChange(TypedDict):
    """The fields wrapped, or beside the id."""

    id: str | int
    fields: NotRequired[dict[str, Any]]
    updatedAt: NotRequired[str]


class BatchUpdate(TypedDict):
    """1 to 100 records."""

    records: list[BatchChange]
    returnRecords: NotRequired[bool]
    continueOnError: NotRequired[bool]


class BatchUpdated(TypedDict):
    updated: int
    records: NotRequired[list[Record]]
    errors: NotRequired[list[BatchError]]


class Upsert(TypedDict):
    """1 to 100 records with the fields that tell them apart (`matchFields` is another name), or `fields` of a single one."""

    records: NotRequired[list[RecordBody | dict[str, Any]]]
    fields: NotRequired[dict[str, Any]]
    fieldsToMergeOn: NotRequired[list[str]]
    matchFields: NotRequired[list[str]]
    returnRecords: NotRequired[bool]
    continueOnError: NotRequired[bool]


class Upserted(TypedDict):
    """Of several records `records`, `created` and `updated`; of a single one the others."""

    records: NotRequired[list[Record]]
    created: NotRequired[int]
    updated: NotRequired[int]
    errors: NotRequired[list[BatchError]]
    id: NotRequired[str]
    operation: NotRequired[Literal["created", "updated"]]
    record: NotRequired[Record]


class BatchIds(TypedDict):
    """1 to 100 ids. `continueOnError`: those with which it can be done, and `errors` of the others."""

    ids: list[str | int]
    permanent: NotRequired[bool]
    continueOnError: NotRequired[bool]


class BatchDeleted(TypedDict):
    deleted: int
    errors: NotRequired[list[BatchError]]


class TrashEmptied(TypedDict):
    """`kept`: records that others still point at, or that are beyond the caller's reach."""

    deleted: int
    kept: int


class Restored(TypedDict):
    success: bool
    record: Record


class BatchRestored(TypedDict):
    success: bool
    restored: int
    errors: NotRequired[list[BatchError]]


Operator = Literal[
    "equals",
    "notEquals",
    "greaterThan",
    "greaterThanOrEqual",
    "lessThan",
    "lessThanOrEqual",
    "between",
    "contains",
    "doesNotContain",
    "startsWith",
    "endsWith",
    "matches",
    "in",
    "notIn",
    "hasAll",
    "isBefore",
    "isAfter",
    "isWithin",
    "isNull",
    "isNotNull",
    "isEmpty",
    "isNotEmpty",
    "isTrue",
    "isFalse",
    "isCurrentUser",
    "withinRadius",
]


class Leaf(TypedDict):
    field: str
    operator: str
    value: NotRequired[Any]


Filter = dict[str, Any]
"""`Leaf`, `{"and": [Filter, …]}`, `{"or": [Filter, …]}` or `{"not": Filter}`."""


class SortKey(TypedDict):
    field: str
    direction: Literal["asc", "desc"]
