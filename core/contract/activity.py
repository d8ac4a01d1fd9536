"""History of records and activity of tables: spec tables-records §10.11."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from core.contract.records import Record


class Person(TypedDict):
    """`name` is None for an account that is no more."""

    id: str
    name: str | None
    image: str | None


class HistoryEntry(TypedDict):
    """`changes` holds `before`, `after`, or both; `diff` is there with `diff=fields`."""

    id: str
    action: str
    createdAt: str
    changes: dict[str, Any]
    user: Person | None
    impersonator: NotRequired[Person | None]
    """The administrator who acted as `user`."""
    batchId: str
    diff: NotRequired[dict[str, dict[str, Any]]]
    cause: NotRequired[str]


class HistoryPage(TypedDict):
    limit: int
    offset: int
    total: int


class HistoryList(TypedDict):
    history: list[HistoryEntry]
    pagination: HistoryPage


class Reverted(TypedDict):
    """What was done to undo an entry; `record` unless it went to the trash."""

    success: bool
    action: str
    record: NotRequired[Record]


class ActivityEntry(TypedDict):
    """`timestamp` and `table` are other names of `createdAt` and `tableName`. Of one entry asked for by itself also
    `changes` and, as `diff`, by field what it went from and to; both null where the record went, whose history has what it
    held."""

    id: str
    createdAt: str
    timestamp: str
    userId: str | None
    action: str
    tableName: str
    table: str
    recordId: str | None
    user: Person | None
    impersonator: NotRequired[Person | None]
    """The administrator who acted as `user`."""
    diff: NotRequired[dict[str, dict[str, Any]] | None]
    changes: NotRequired[dict[str, Any] | None]
    cause: NotRequired[str]


class ActivityPage(TypedDict):
    total: int
    page: int
    pageSize: int
    totalPages: int


class ActivityList(ActivityPage):
    activities: list[ActivityEntry]
    pagination: ActivityPage
