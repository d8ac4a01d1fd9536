"""Views of a table as the app file says them (tables-records §7): which rows, in which order, which fields, drawn how.

They are read and checked in `view_check`; `core.views` runs them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.schema.name import fitted, sql_name
from core.schema.permission import Rule

Layout = Literal["grid", "kanban", "calendar", "gallery"]
Direction = Literal["asc", "desc"]
_OURS = ("system_", "auth_", "mv_")


@dataclass(frozen=True, slots=True)
class GroupBy:
    """`order` lists values whose groups come first; `hide_empty` leaves out groups without rows."""

    field: str
    direction: Direction = "asc"
    order: tuple[Any, ...] = ()
    hide_empty: bool = False

    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = {"field": self.field, "direction": self.direction}
        if self.order:
            found["order"] = list(self.order)
        return {**found, "hideEmpty": True} if self.hide_empty else found


@dataclass(frozen=True, slots=True)
class ViewPermissions:
    """Who may read the view and who may edit through it; None: who may the table. `public` asks for no session."""

    read: Rule | None = None
    write: Rule | None = None
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSpec:
    """One view. `filters` is a filter tree as clients write them, checked."""

    id: str
    name: str
    is_default: bool = False
    filters: Any = None
    sorts: tuple[tuple[str, Direction], ...] = ()
    fields: tuple[str, ...] | None = None
    group_by: GroupBy | None = None
    permissions: ViewPermissions | None = None
    query: str | None = None
    materialized: bool = False
    refresh_on_migration: bool = False
    layout: Layout = "grid"
    kanban_group_by: str | None = None
    date_field: str | None = None
    end_date_field: str | None = None
    label_field: str | None = None
    color_field: str | None = None
    cover_field: str | None = None
    card_fields: tuple[str, ...] | None = None

    @property
    def is_in_database(self) -> bool:
        """There is a database view of it: it has a text id, or a query."""
        return self.query is not None or not self.id.isdecimal()

    def data(self) -> dict[str, Any]:
        """The configuration as clients see it (V-013): what the file says, no more."""
        said: dict[str, Any] = {
            "isDefault": self.is_default or None,
            "filters": self.filters,
            "sorts": [{"field": name, "direction": direction} for name, direction in self.sorts] or None,
            "fields": self.fields and list(self.fields),
            "groupBy": self.group_by and self.group_by.data(),
            "type": None if self.layout == "grid" else self.layout,
            "kanbanGroupBy": self.kanban_group_by and {"field": self.kanban_group_by},
            "dateField": self.date_field,
            "endDateField": self.end_date_field,
            "labelField": self.label_field,
            "colorField": self.color_field,
            "coverField": self.cover_field,
            "cardFields": self.card_fields and list(self.card_fields),
            "query": self.query,
            "materialized": self.materialized or None,
        }
        return {"id": self.id, "name": self.name, **{key: value for key, value in said.items() if value is not None}}


def find_view(views: Iterable[ViewSpec], address: str) -> ViewSpec | None:
    """The view of that id, else of that name (D-25); `default` is the default view where none is called so."""
    listed = list(views)
    for found in (
        next((view for view in listed if view.id == address), None),
        next((view for view in listed if view.name == address), None),
        next((view for view in listed if view.is_default), None) if address == "default" else None,
    ):
        if found is not None:
            return found
    return None


class _Table(Protocol):
    @property
    def sql_name(self) -> str: ...

    @property
    def views(self) -> tuple[ViewSpec, ...]: ...


def database_names(tables: Iterable[_Table]) -> Mapping[tuple[str, str], str]:
    """The names of the database views, by table (SQL name) and view id: the id itself; `<table>_<id>` where tables, views
    of other tables or the program's own have that name."""
    listed = list(tables)
    wanted = [
        (table.sql_name, view.id, sql_name(view.name) if view.id.isdecimal() else view.id)
        for table in listed
        for view in table.views
        if view.is_in_database
    ]
    names = [name for _, _, name in wanted] + [table.sql_name for table in listed]
    taken = {name for name in names if names.count(name) > 1}
    return {
        (table, id_): fitted(f"{table}_{id_}") if name in taken or name.startswith(_OURS) else name
        for table, id_, name in wanted
    }
