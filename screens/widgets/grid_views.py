"""Ways to look at a table: conditions, order, columns, saved views, groups, linked records."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from core.contract.tables import FieldInfo, TableInfo
from screens.actions.binding import chain_of, live_actions, why_barred
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.condition import value_condition, with_condition
from screens.presenters.finder import Hit
from screens.presenters.format import is_labelled
from screens.presenters.incoming import shown_values
from screens.presenters.link import REF, link_key
from screens.presenters.place import Place
from screens.presenters.value import show, title_of
from screens.services.number import grouped
from screens.services.text import t
from screens.widgets.finder import Finder

if TYPE_CHECKING:
    from screens.widgets.grid_pane import GridPane


class GridViews:
    """Part of a `GridPane`: runs in its workers."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane

    def _start(self, work: Any) -> None:
        self.pane.run_worker(work, group="views", exclusive=True, exit_on_error=False)

    # ── Conditions and order ───────────────────────────────────────────────────────────────────────────────────────────

    def build_filter(self) -> None:
        self._start(self._filter())

    async def _filter(self) -> None:
        from screens.widgets.filter_builder import FilterBuilder
        from screens.widgets.question import Questions

        model, info, context = self.pane.model, self.pane.info, self.pane.context
        if model is None or info is None:
            return
        builder = FilterBuilder(context, info, model.query.filter, Questions(context, info["sqlName"], stored=True))
        built = await self.pane.app.push_screen_wait(builder)
        if built is not None:
            model.set_filter(built.tree)

    def build_sort(self) -> None:
        self._start(self._sort())

    async def _sort(self) -> None:
        from screens.widgets.sort_builder import SortBuilder

        model, info = self.pane.model, self.pane.info
        if model is None or info is None:
            return
        keys = await self.pane.app.push_screen_wait(SortBuilder(self.pane.context, info, model.query.sort))
        if keys is not None:
            model.set_sort(keys)

    def group(self) -> None:
        self._start(self._group())

    async def _group(self) -> None:
        """The values of the column with their counts; choosing one filters by it."""
        model, info, port = self.pane.model, self.pane.info, self.pane.context.port
        field = self.pane.edits.field_here() if self.pane.edits else None
        if model is None or info is None or port is None or field is None:
            return
        found = await self.pane.transfer.guarded(port.values(info["sqlName"], field["name"], limit=200))
        if found is None:
            return
        hits = [
            Hit(label=show(field, value, self.label(field, value)), key=grouped(int(count)), value=(value,))
            for value, count in found["values"]
        ]
        hit = await self.pane.app.push_screen_wait(Finder(t("group.placeholder", field=title_of(field)), hits))
        leaf = value_condition(field, hit.value[0]) if hit is not None else None
        if leaf is not None:
            model.set_filter(with_condition(model.query.filter, leaf))

    def label(self, field: FieldInfo, value: Any) -> str:
        """What the id of a record stands for, as far as a row on screen says it."""
        model = self.pane.model
        row = model.row(model.selection.row) if model else None
        if model is None or row is None or not is_labelled(field) or value is None:
            return ""
        return model.label(row, field["name"], value)

    # ── Columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep_layout(self) -> None:
        """Remember the columns of this table."""
        self.pane.desk.keep_columns()

    def manage_columns(self) -> None:
        self._start(self._columns())

    async def _columns(self) -> None:
        from screens.widgets.column_manager import ColumnManager

        model, info = self.pane.model, self.pane.info
        if model is None or info is None:
            return

        def changed() -> None:
            model.columns_changed()
            self.keep_layout()

        def reset() -> ColumnLayout:
            model.layout = ColumnLayout(info["fields"], info["primaryKey"].split("~")[0])
            model.layout.fit(model.samples())
            changed()
            return model.layout

        await self.pane.app.push_screen_wait(ColumnManager(self.pane.context, model.layout, changed, reset))

    # ── Saved views ────────────────────────────────────────────────────────────────────────────────────────────────────

    def saved_views(self) -> None:
        """Choose a view, or keep what is shown under a name; the trash is a view as well."""
        self._start(self.pane.desk.menu())

    # ── Links ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _linked(self) -> tuple[str, str] | None:
        """Table and key of the record that the cell links to."""
        edits, model = self.pane.edits, self.pane.model
        field = edits.field_here() if edits else None
        row = model.row(model.selection.row) if model else None
        if field is None or row is None or model is None or field["family"] != "link":
            return None
        try:
            value = model.cell(row, field["name"])[0]
        except KeyError:
            return None
        key, info = link_key(value), self.pane.context.related(field)
        return (info["sqlName"], key) if info is not None and key is not None else None

    def _linked_several(self) -> tuple[TableInfo, list[Any]] | None:
        """The table and the saved records that the cell links to, where they are several."""
        edits, model = self.pane.edits, self.pane.model
        field = edits.field_here() if edits else None
        row = model.row(model.selection.row) if model else None
        if field is None or row is None or model is None or field["editor"] != "links":
            return None
        try:
            value = model.cell(row, field["name"])[0]
        except KeyError:
            return None
        info = self.pane.context.related(field)
        keys = [each for each in value or () if not isinstance(each, dict)]
        return (info, keys) if info is not None and len(keys) > 1 else None

    def go_to(self, field: FieldInfo, key: str) -> None:
        """Go to a record that a link field may name."""
        info = self.pane.context.related(field)
        if info is not None:
            table = info["sqlName"]
            self.pane.context.go(Place("tables", f"{table}#{key}", info["name"], {"table": table, "key": key}))

    def follow(self) -> None:
        """Go to the linked record, or to the list of those that are linked; Ctrl+O comes back."""
        if (several := self._linked_several()) is not None:
            info, keys = several
            leaf = {"field": info["primaryKey"], "operator": "in", "value": keys}
            state = {"table": info["sqlName"], "filter": leaf}
            self.pane.context.go(Place("tables", f"{info['sqlName']}#{keys[0]}+", info["name"], state))
            return
        linked, field = self._linked(), self.pane.edits.field_here() if self.pane.edits else None
        if linked is None or field is None:
            self.pane.app.notify(t("link.none"))
            return
        self.go_to(field, linked[1])

    def peek(self) -> None:
        self._start(self._peek())

    async def _peek(self) -> None:
        """The linked record over the grid, to look at."""
        from screens.widgets.record_peek import RecordPeek

        linked, port = self._linked(), self.pane.context.port
        info = self.pane.context.table(linked[0]) if linked else None
        if linked is None or info is None or port is None or linked[1].startswith(REF):
            self.pane.app.notify(t("link.none"))
            return
        record = await self.pane.transfer.guarded(port.record(*linked))
        if record is None:
            return
        sheet = RecordPeek(self.pane.context, info, record, await shown_values(port, info, linked[1]))
        if await self.pane.app.push_screen_wait(sheet):
            self.follow()

    # ── Everything that can be done ────────────────────────────────────────────────────────────────────────────────────

    def context_menu(self) -> None:
        """All actions of the grid that can be done now, with their keys."""
        context, screen = self.pane.context, self.pane.screen
        chain = chain_of(screen)
        actions = [action for action in live_actions(chain) if action.context in ("cells", "grid")]
        actions.sort(key=lambda action: action.context != "cells")
        hits = [
            Hit(
                label=t(f"actions.{action.id}"),
                detail=t(f"actions.{action.id}.help"),
                key=context.keymap.label(action),
                run=partial(self._run, action.textual),
                barred=why_barred(action, chain),
            )
            for action in actions
        ]

        def chosen(hit: Hit | None) -> None:
            if hit is not None and hit.run is not None:
                hit.run()

        self.pane.app.push_screen(Finder(t("menu.placeholder"), hits), chosen)

    def _run(self, action: str) -> None:
        grid = self.pane.grid
        target = grid if grid is not None and hasattr(grid, f"action_{action}") else self.pane
        self.pane.run_worker(self.pane.app.run_action(action, target), exit_on_error=False)
