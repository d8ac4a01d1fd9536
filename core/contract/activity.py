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
    id: str
    createdAt: str
    userId: str | None
    action: str
    tableName: str
    recordId: str | None
    user: Person | None
    changes: NotRequired[dict[str, Any]]
    cause: NotRequired[str]


class ActivityPage(TypedDict):
    total: int
    page: int
    pageSize: int
    totalPages: int


class ActivityList(TypedDict):
    activities: list[ActivityEntry]
    pagination: ActivityPage
