"""The views of one table as the console offers them: of the app file, one's own, and looks that its fields suggest.

A `Look` is a view as it was opened: the query, the columns, how it is drawn. What differs from it since is not kept yet.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from core.client import Port, SovriumError
from core.contract.console import GroupSpec
from core.contract.tables import FieldInfo, TableInfo
from core.contract.views import Preferences, PreferencesBody, UserView, UserViewBody
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.row_source import Query
from screens.presenters.value import title_of

Kind = Literal["app", "own", "suggested", "query"]
DENSITIES = ("compact", "normal", "spacious")
"""One line a row, two, three."""
BOARD_FAMILIES = ("select", "checkbox", "user", "link")


@dataclass(frozen=True, slots=True)
class Look:
    """A view as it was opened. `fields`: columns in order, None for all. `editable`: records may be changed in it."""

    address: str
    """`app:open`, `own:v_1`, `board:state`."""
    name: str
    kind: Kind
    query: Query = field(default_factory=Query)
    fields: tuple[str, ...] | None = None
    layout: str = "grid"
    column: str = ""
    """A board: the field of its columns."""
    date: str = ""
    end: str = ""
    label: str = ""
    color: str = ""
    cover: str = ""
    cards: tuple[str, ...] | None = None
    base: str | None = None
    is_default: bool = False
    editable: bool = True

    @property
    def id(self) -> str:
        return self.address.partition(":")[2]

    def is_changed(self, query: Query, names: Sequence[str]) -> bool:
        """Conditions, order, groups or columns are not those of the view."""
        mine = self.query
        same = (query.filter, query.sort, query.group) == (mine.filter, mine.sort, mine.group)
        return not same or (self.fields is not None and tuple(names) != self.fields)


class ViewBook:
    """Call `load` once; without a connection there are the views of the app file only."""

    def __init__(self, port: Port, info: TableInfo) -> None:
        self._port = port
        self.info = info
        self.table = info["sqlName"]
        self.own: list[UserView] = []
        self.preferences: Preferences = {"tableName": info["name"]}

    async def load(self) -> None:
        """One's own views and preferences; none where the server has none to give."""
        views, preferences = await asyncio.gather(
            self._port.user_views(self.table), self._port.preferences(self.table), return_exceptions=True
        )
        for failed in (views, preferences):
            if isinstance(failed, BaseException) and not isinstance(failed, SovriumError):
                raise failed
        self.own = [] if isinstance(views, BaseException) else views
        if not isinstance(preferences, BaseException):
            self.preferences = preferences

    async def adopt(self, kept: Mapping[str, Any]) -> None:
        """Take over views that an earlier console kept on this machine."""
        names = {view["name"] for view in self.own}
        for name, view in kept.items():
            if name not in names and isinstance(view, Mapping):
                columns = (view.get("columns") or {}).get("columns", ())
                shown = self._known([str(each.get("name")) for each in columns if not each.get("hidden")])
                query = Query(view.get("filter"), tuple(view.get("sort", ())))
                try:
                    await self.keep(str(name), query, shown or (), None)
                except SovriumError:
                    continue  # a field of it is gone

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def looks(self) -> list[Look]:
        """All of them: of the app file, one's own, suggested ones."""
        app = [self._of_app(view) for view in self.info["views"] if "query" not in view]
        return [*app, *(self._of_own(view, app) for view in self.own), *self._suggested()]

    def queries(self) -> list[Look]:
        """Views of the app file that are queries: rows to look at, which are no records."""
        return [
            Look(f"query:{view['id']}", view["name"], "query", layout="query", editable=False)
            for view in self.info["views"]
            if "query" in view
        ]

    def find(self, address: str) -> Look | None:
        return next((look for look in self.looks() if look.address == address), None)

    def default(self) -> Look | None:
        """What a table opens with: one's own default, the preferred view, the app's default (V-006)."""
        looks = self.looks()
        preferred = self.preferences.get("defaultViewId")
        for found in (
            next((look for look in looks if look.kind == "own" and look.is_default), None),
            next((look for look in looks if preferred and look.id == preferred), None),
            next((look for look in looks if look.is_default), None),
        ):
            if found is not None:
                return found
        return None

    def _of_app(self, view: Mapping[str, Any]) -> Look:
        group = view.get("groupBy")
        column = str((view.get("kanbanGroupBy") or {}).get("field", ""))
        layout = str(view.get("type", "grid"))
        if (layout == "kanban" and not column) or (layout == "calendar" and not view.get("dateField")):
            layout = "grid"  # its field is not one that the caller may read
        query = Query(
            tree_of(view.get("filters")),
            tuple(view.get("sorts", ())),
            group=GroupSpec(**group) if group else None,
            view=str(view["id"]) if view.get("hasMore") else "",
        )
        cards = view.get("cardFields")
        return Look(
            f"app:{view['id']}",
            view["name"],
            "app",
            shaped(query, layout, column or str(view.get("dateField", ""))),
            self._known(view.get("fields")),
            layout,
            column,
            str(view.get("dateField", "")),
            str(view.get("endDateField", "")),
            str(view.get("labelField", "")),
            str(view.get("colorField", "")),
            str(view.get("coverField", "")),
            None if cards is None else tuple(cards),
            is_default=bool(view.get("isDefault")),
            editable=view.get("editable", True),
        )

    def _of_own(self, view: UserView, app: Sequence[Look]) -> Look:
        base = next((look for look in (*app, *self._suggested()) if look.address == view["baseViewId"]), None)
        made = base or Look("", "", "own")
        group = GroupSpec(field=view["groupBy"]) if view["groupBy"] else None
        query = Query(tree_of(view["filters"]), tuple(view["sorts"]), group=group, view=made.query.view)
        return replace(
            made,
            address=f"own:{view['id']}",
            name=view["name"],
            kind="own",
            query=shaped(query, made.layout, made.column or made.date),
            fields=self._known(view["fields"]) or None,
            base=view["baseViewId"],
            is_default=view["isDefault"],
        )

    def _known(self, names: Sequence[str] | None) -> tuple[str, ...] | None:
        have = {each["name"] for each in self.info["fields"]}
        return None if names is None else tuple(name for name in names if name in have)

    def _suggested(self) -> list[Look]:
        """Ways to look at any table with fields that are fit for them."""
        found: list[Look] = []
        for each in self.info["fields"]:
            name = each["name"]
            if each["type"] in ("single-select", "status"):
                found.append(self._suggest("kanban", name, title_of(each), column=name))
            elif each["family"] == "date" and not each["system"] and each["type"] != "time":
                found.append(self._suggest("calendar", name, title_of(each), date=name))
        return [*found, self._suggest("gallery", "", "")]

    @staticmethod
    def _suggest(layout: str, name: str, title: str, **fields: str) -> Look:
        return Look(
            f"{layout}:{name}",
            title,
            "suggested",
            shaped(Query(), layout, name),
            layout=layout,
            **fields,  # type: ignore[arg-type]
        )

    # ── Keeping ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def keep(self, name: str, query: Query, names: Sequence[str], look: Look | None) -> Look:
        """Keep what is shown as a view of one's own, under a new name. Raises the port's errors."""
        base = None if look is None else look.base if look.kind == "own" else look.address
        body: UserViewBody = {"name": name, "baseViewId": base, **self._body(query, names, look)}
        return await self._kept(body, None)

    async def update(self, look: Look, query: Query, names: Sequence[str]) -> Look:
        """Put what is shown in the place of one's own view."""
        return await self._kept(self._body(query, names, look), look.id)

    async def rename(self, look: Look, name: str) -> Look:
        return await self._kept({"name": name}, look.id)

    async def make_default(self, look: Look | None) -> None:
        """Open the table with this view from now on; None: as the app says."""
        if look is not None and look.kind == "own":
            await self._kept({"isDefault": True}, look.id)
        else:
            for view in [view for view in self.own if view["isDefault"]]:
                await self._kept({"isDefault": False}, view["id"])
            await self.prefer({"defaultViewId": None if look is None else look.id})
        await self.load()

    async def delete(self, look: Look) -> None:
        await self._port.delete_view(self.table, look.id)
        self.own = [view for view in self.own if view["id"] != look.id]

    async def _kept(self, body: UserViewBody, id_: str | None) -> Look:
        kept = await self._port.keep_view(self.table, body, id_)
        self.own = [*(view for view in self.own if view["id"] != kept["id"]), kept]
        look = self.find(f"own:{kept['id']}")
        assert look is not None
        return look

    @staticmethod
    def _body(query: Query, names: Sequence[str], look: Look | None) -> UserViewBody:
        is_grid = look is None or look.layout == "grid"
        return {
            "filters": [] if query.filter is None else [query.filter],
            "sorts": list(query.sort),
            "fields": list(names),
            "groupBy": query.group["field"] if query.group and is_grid else None,
        }

    # ── Preferences ────────────────────────────────────────────────────────────────────────────────────────────────────

    def layout_state(self, session: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """The columns as they were left: what the server keeps, and which are hidden as this machine remembers."""
        widths, order = self.preferences.get("columnWidths", {}), self.preferences.get("columnOrder", [])
        if not (widths or order or "frozenColumns" in self.preferences):
            return session
        kept = {str(each.get("name")): each for each in (session or {}).get("columns", ()) if isinstance(each, Mapping)}
        names = [*order, *(name for name in (*kept, *widths) if name not in order)]
        columns = [
            {
                "name": name,
                "width": int(widths[name]) if name in widths else None,
                "hidden": bool(kept[name].get("hidden")) if name in kept else self._is_hidden(name),
            }
            for name in dict.fromkeys(names)
        ]
        frozen = self.preferences.get("frozenColumns", (session or {}).get("frozen"))
        return {"columns": columns, "frozen": frozen}

    @property
    def density(self) -> str:
        """How much air rows have (V-018)."""
        return str(self.preferences.get("rowDensity") or DENSITIES[0])

    async def turn_density(self) -> str:
        """The next density; kept on the server."""
        following = DENSITIES[(DENSITIES.index(self.density) + 1) % len(DENSITIES)] if self.density in DENSITIES else ""
        await self.prefer({"rowDensity": following or DENSITIES[0]})  # type: ignore[typeddict-item]
        return self.density

    def _is_hidden(self, name: str) -> bool:
        """Automatic times are, until they are asked for."""
        return any(each["name"] == name and each["system"] and each["family"] == "date" for each in self.info["fields"])

    async def prefer_columns(self, layout: ColumnLayout) -> None:
        """Keep widths, order and frozen columns on the server (V-018)."""
        await self.prefer(
            {
                "columnWidths": {column.name: column.width for column in layout.columns if column.chosen},
                "columnOrder": [column.name for column in layout.columns],
                "frozenColumns": layout.frozen,
            }
        )

    async def prefer(self, body: PreferencesBody) -> None:
        """Keep a preference; a server that cannot is no reason to stop."""
        self.preferences = {**self.preferences, **body}
        try:
            await self._port.prefer(self.table, body)
        except SovriumError:
            return


def shaped(query: Query, layout: str, name: str) -> Query:
    """The query with the groups that a layout needs."""
    if layout not in ("kanban", "calendar"):
        return query
    return replace(query, group=GroupSpec(field=name))


def fields_by_name(info: TableInfo) -> dict[str, FieldInfo]:
    return {each["name"]: each for each in info["fields"]}


def tree_of(raw: Any) -> Any:
    """A filter of the app file in the form that a builder can change: lists and shorthands written out."""
    if isinstance(raw, list):
        parts = [tree_of(part) for part in raw]
        return None if not parts else parts[0] if len(parts) == 1 else {"and": parts}
    if not isinstance(raw, Mapping) or not raw:
        return None
    if "field" in raw and "operator" in raw:
        return dict(raw)
    for joint in ("and", "or"):
        if isinstance(raw.get(joint), list):
            return {joint: [tree_of(part) for part in raw[joint]]}
    if "not" in raw:
        return {"not": tree_of(raw["not"])}
    leaves = [{"field": name, "operator": "equals", "value": value} for name, value in raw.items()]
    return leaves[0] if len(leaves) == 1 else {"and": leaves}
