"""`/api/tables/{t}/views`, `…/user-views`, `…/user-preferences`, `/api/shared-views/{id}` (spec tables-records §7.3)."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from core.contract.records import SortKey


class ViewSummary(TypedDict):
    """`GET /api/tables/{t}/views`. `type`: `kanban`, `calendar`, `gallery`; a grid where it is absent."""

    id: str
    name: str
    isDefault: NotRequired[bool]
    type: NotRequired[str]


class ViewDetail(TypedDict):
    """A view's configuration as the app file has it, without what names fields that the caller may not read.
    `hasMore`: its filter asks about such fields; requests through the view heed it all the same. `editable`: records
    may be changed in it."""

    id: str
    name: str
    isDefault: NotRequired[bool]
    filters: NotRequired[Any]
    sorts: NotRequired[list[SortKey]]
    fields: NotRequired[list[str]]
    groupBy: NotRequired[dict[str, Any]]
    type: NotRequired[str]
    kanbanGroupBy: NotRequired[dict[str, str]]
    dateField: NotRequired[str]
    endDateField: NotRequired[str]
    labelField: NotRequired[str]
    colorField: NotRequired[str]
    coverField: NotRequired[str]
    cardFields: NotRequired[list[str]]
    query: NotRequired[str]
    materialized: NotRequired[bool]
    hasMore: NotRequired[bool]
    editable: NotRequired[bool]


class UserView(TypedDict):
    """A personal view."""

    id: str
    name: str
    tableName: str
    isDefault: bool
    filters: list[dict[str, Any]]
    sorts: list[SortKey]
    fields: list[str]
    groupBy: str | None
    baseViewId: str | None
    createdAt: str
    updatedAt: str


class UserViewBody(TypedDict):
    """What a personal view is made of; PATCH and PUT take any of it."""

    name: NotRequired[str]
    filters: NotRequired[list[dict[str, Any]]]
    sorts: NotRequired[list[SortKey]]
    fields: NotRequired[list[str]]
    groupBy: NotRequired[str | None]
    baseViewId: NotRequired[str | None]
    isDefault: NotRequired[bool]


class Preferences(TypedDict):
    """How somebody likes to see a table (V-018); `tableName` alone where nothing is kept."""

    tableName: str
    columnWidths: NotRequired[dict[str, float]]
    columnOrder: NotRequired[list[str]]
    rowDensity: NotRequired[Literal["compact", "normal", "spacious"]]
    defaultViewId: NotRequired[str | None]
    frozenColumns: NotRequired[int]
    updatedAt: NotRequired[str]


class PreferencesBody(TypedDict):
    columnWidths: NotRequired[dict[str, float]]
    columnOrder: NotRequired[list[str]]
    rowDensity: NotRequired[Literal["compact", "normal", "spacious"]]
    defaultViewId: NotRequired[str | None]
    frozenColumns: NotRequired[int]


class Done(TypedDict):
    success: bool


class Refreshed(TypedDict):
    """`POST …/views/{v}/refresh`: rows that the stored result has now."""

    success: bool
    rows: int
