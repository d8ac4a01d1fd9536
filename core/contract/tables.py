"""`GET /api/tables` and `GET /api/tables/{t}`."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict


class TableSummary(TypedDict):
    id: str
    name: str
    fieldCount: int
    recordCount: NotRequired[int]
    createdAt: str
    updatedAt: str


class TableOverview(TypedDict):
    """`GET /api/console/tables`: a table at a glance (T-036). Counts are of records that the caller may see; None where it
    may see none. `lastWrite`: the newest change of a record, trashed ones too. Disabled tables are told to admins alone."""

    name: str
    sqlName: str
    fields: int
    records: int | None
    trash: int | None
    lastWrite: str | None
    disabled: bool


class FieldInfo(TypedDict):
    """A field as clients see it. `family` is its column in the operator table, `editor` the kind of editor, `options` the
    type's own keys. `system` marks id, created_at, updated_at, deleted_at."""

    id: str
    name: str
    label: str
    description: str
    type: str
    family: str
    editor: str
    required: bool
    unique: bool
    indexed: bool
    readOnly: bool
    system: bool
    numeric: bool
    default: Any
    options: dict[str, Any]
    operators: list[str]


class IndexInfo(TypedDict):
    """`enforced`: `database` where an index stands there, `engine` where the program sees to it while it writes, `nobody`
    where it is only recorded. `rows`: how many it covers, where that is known."""

    name: str
    fields: list[str]
    unique: bool
    where: str | None
    enforced: Literal["database", "engine", "nobody"]
    rows: int | None


class IndexList(TypedDict):
    """`GET /api/console/tables/{t}/indexes`"""

    indexes: list[IndexInfo]


class TableInfo(TypedDict):
    id: str
    name: str
    sqlName: str
    primaryKey: str
    """Name of the key field, several joined by `~`."""
    displayField: str
    fields: list[FieldInfo]
    """Declared fields in file order, then the automatic columns (`system: true`)."""
    views: list[Any]
    permissions: dict[str, Any]
    createdAt: str
    updatedAt: str
