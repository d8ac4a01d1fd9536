"""Tables: the list of them, one at work, one record beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from typing import Any

from textual import work
from textual.containers import Horizontal
from textual.widget import Widget

from core.contract.console import CommitAnswer
from core.contract.records import Filter
from core.contract.tables import TableInfo
from screens.actions.binding import bindings_of
from screens.presenters.filter_draft import FilterDraft
from screens.presenters.format import is_labelled
from screens.presenters.format.line import one_line
from screens.presenters.news import News
from screens.presenters.place import Place
from screens.presenters.row_source import Query
from screens.presenters.value import problem_text, show, title_of
from screens.services.context import Context
from screens.services.number import grouped
from screens.services.style import STYLES
from screens.services.text import labelled, t
from screens.services.wording import in_words
from screens.widgets.change_flow import ChangeFlow
from screens.widgets.change_panel import Spot
from screens.widgets.console_screen import ConsoleScreen
from screens.widgets.grid_pane import GridPane
from screens.widgets.navigator import Navigator
from screens.widgets.record_actions import RecordActions
from screens.widgets.record_panel import RecordPanel

PATIENCE = 5.0
"""Seconds for which keys wait for the rows of a table that is being opened."""
EDITOR_POLL = 0.1
"""Seconds between two looks at an editor that something waits for."""


def known_part(query: Query, info: TableInfo) -> Query:
    """The query without order and conditions on fields that are no longer there."""
    names = {field["name"] for field in info["fields"]}
    sort = tuple(key for key in query.sort if key["field"] in names)
    known = query.filter is None or fields_in(query.filter) <= names
    group = query.group if query.group is not None and query.group["field"] in names else None
    return replace(query, filter=query.filter if known else None, sort=sort, group=group)


def fields_in(tree: Any) -> set[str]:
    """The fields that a filter names."""
    if isinstance(tree, list):
        return {name for each in tree for name in fields_in(each)}
    if not isinstance(tree, dict):
        return set()
    own = {str(tree["field"])} if "field" in tree else set()
    return own | {name for key, each in tree.items() if key in ("and", "or", "not") for name in fields_in(each)}


class TablesScreen(ConsoleScreen):
    """Composes and routes; `GridPane` does the work."""

    CSS_PATH = STYLES / "tables.tcss"
    AUTO_FOCUS = None
    BINDINGS = bindings_of("records")
    action_context = "records"
    mode = "tables"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.pane = GridPane(context, id="pane", classes="pane")
        self.navigator = Navigator(context, id="navigator", classes="pane sidebar")
        self.record = RecordPanel(self.pane, id="record", classes="pane")
        self.whole = RecordActions(self.pane)
        self._wanted: Place | None = None
        self._opened = False
        """A table was opened to the end; what is cancelled on the way is begun again."""
        self._turn = asyncio.Lock()
        """The first table of a visit and the one that was asked for are not opened at the same time."""
        self._last: dict[str, Place] = {}

    def compose_body(self) -> Iterable[Widget]:
        with Horizontal():
            yield self.navigator
            yield self.pane
            yield self.record

    def on_mount(self) -> None:
        self.record.display = False
        self.until_closed(
            self.context.connected.listen(lambda online: self.load() if online else None),
            self.context.schema_changed.listen(lambda _: self.follow_schema()),
            self.context.pending.changed.listen(lambda _: self.staged()),
            self.pane.moved.listen(lambda _: self.follow_cursor()),
        )
        self.load()

    def language_changed(self) -> None:
        super().language_changed()
        self.pane.paint_title()
        self.navigator.paint()
        self.paint_status()

    # ── Which table ────────────────────────────────────────────────────────────────────────────────────────────────────

    @work(exclusive=True, group="tables", exit_on_error=False)
    async def load(self) -> None:
        """The list of tables, their sizes, and the table that is wanted."""
        schema, port = self.context.schema, self.context.port
        if schema is None or port is None:
            return
        self.navigator.show(schema["tables"])
        self.pane.tell_none()
        wanted = self._wanted or self._remembered()
        if wanted is not None and not self._opened:
            await self._open(wanted)
        elif not self._opened:
            self.navigator.query_one("Menu").focus()
        self.navigator.count()

    @work(exclusive=True, group="schema", exit_on_error=False)
    async def follow_schema(self) -> None:
        """The app file was read anew: the list, and the table at work with its fields as they are now. Staged edits stay;
        an open editor is let finish first."""
        self.load()
        while self.pane.host.current is not None or self.record.host.current is not None:  # noqa: ASYNC110
            await asyncio.sleep(EDITOR_POLL)  # editors close in many ways, and this is rare
        here, model = self.pane.info, self.pane.model
        if here is None or model is None or self.context.schema is None:
            return
        info = next((table for table in self.context.schema["tables"] if table["id"] == here["id"]), None)
        if info is None:
            self.app.notify(t("tables.gone", name=here["name"]), severity="warning")
            model.open()
            return
        field = self.pane.edits.field_here() if self.pane.edits else None
        async with self._turn:
            await self.pane.open_table(
                info,
                known_part(self.pane.desk.base_query(), info),
                model.key_at(model.selection.row),
                field["name"] if field else "",
                self.pane.desk.address,
            )
        self.navigator.mark(info["sqlName"])
        if self.record.display:
            self.record.follow()
        self.paint_status()

    def _remembered(self) -> Place | None:
        """Where the last run was, else the first table."""
        schema = self.context.schema
        last = self.context.session.get("tables.last")
        if isinstance(last, dict) and self.context.table(str(last.get("table"))) is not None:
            return Place("tables", str(last["table"]), str(last["table"]), last)
        if schema is not None and schema["tables"]:
            table = schema["tables"][0]
            return Place("tables", table["sqlName"], table["name"], {"table": table["sqlName"]})
        return None

    def show_place(self, place: Place) -> None:
        """Come from elsewhere, or back: table, conditions, order, row."""
        self._wanted = place
        if self.context.port is not None and self.is_mounted:
            self.open_place(place)

    @work(exclusive=True, group="open", exit_on_error=False)
    async def open_place(self, place: Place) -> None:
        await self._open(place)

    async def _open(self, place: Place) -> None:
        async with self._turn:
            await self._open_now(place)

    async def _open_now(self, place: Place) -> None:
        state = place.state
        info = self.context.table(str(state.get("table", place.key)))
        if info is None:
            if place.key:
                self.app.notify(t("tables.unknown", name=place.title), severity="warning")
            return
        self._wanted = None
        fresh = not {"filter", "sort", "deleted", "group", "look"} & set(state)
        sort, trash, look = tuple(state.get("sort", ())), bool(state.get("deleted")), str(state.get("look", ""))
        query = None if fresh else Query(state.get("filter"), sort, trash, state.get("group"))
        here, model = self.pane.info, self.pane.model
        same = here is not None and here["sqlName"] == info["sqlName"] and model is not None
        if same and model is not None:
            shown = replace(self.pane.desk.base_query(), view="")
            same = shown == (query or Query()) and self.pane.desk.address == look
        key, field = state.get("key"), str(state.get("field", ""))
        here_already = same and ((key is None and not field) or self._stand(str(key), field))
        if here_already:
            self._stand_in(info)
        else:
            opening = self.pane.open_table(info, query, str(key) if key is not None else None, field, look)
            await self._keep_keys_for(opening, info)

    def _stand_in(self, info: TableInfo) -> None:
        """Its grid takes the keys, and all around says so: before the rows come, so that both are painted together."""
        self._opened = True
        self.navigator.mark(info["sqlName"])
        if self.pane.grid is not None:
            self.pane.grid.focus()
        self.paint_status()

    async def _keep_keys_for(self, opening: Coroutine[Any, Any, None], info: TableInfo) -> None:
        """What is typed behind the key that opens a table is meant for its rows. Nobody waits long for them: after a while
        keys do what they can."""

        async def rows_here() -> None:
            await opening
            self._stand_in(info)
            grid = self.pane.grid
            if grid is not None:
                await grid.model.arrived(grid.model.selection.row)

        task = asyncio.create_task(rows_here())
        try:
            async with self.context.hold_keys():
                await asyncio.wait({task}, timeout=PATIENCE)
            await task
        finally:
            task.cancel()

    def _stand(self, key: str, field: str) -> bool:
        """Put the cursor on a row that is here already."""
        grid = self.pane.grid
        position = grid.model.position_of(key) if grid else None
        if grid is None or position is None:
            return False
        place = grid.model.layout.index(field)
        grid.move_to(position, grid.model.selection.column if place is None else place)
        return True

    def on_navigator_chosen(self, event: Navigator.Chosen) -> None:
        """Open a table as it was left."""
        event.stop()
        info = self.context.table(event.table)
        if info is not None:
            left = self._last.get(event.table)
            self.context.go(left or Place("tables", event.table, info["name"], {"table": event.table}))
            if self.narrow:
                self.navigator.display = False

    def go(self, spot: Spot) -> None:
        """Show a row or cell that the change panel names; where only one pane fits, in place of the record."""
        self.record.display = self.record.display and not self.narrow
        info = self.context.table(spot.table)
        state: dict[str, Any] = {"table": spot.table, "key": spot.key, "field": spot.field}
        here = self.pane.model
        if here is not None and self.pane.info is not None and self.pane.info["sqlName"] == spot.table:
            state |= {"filter": here.query.filter, "sort": list(here.query.sort), "deleted": here.query.deleted}
        self.context.go(Place("tables", spot.table, info["name"] if info else spot.table, state))

    # ── What goes on ───────────────────────────────────────────────────────────────────────────────────────────────────

    def follow_cursor(self) -> None:
        self.remember()
        self.paint_status()
        if self.record.display:
            self.record.follow()

    def on_grid_pane_shown(self, event: GridPane.Shown) -> None:
        event.stop()
        self.remember()
        self.paint_status()

    def on_descendant_focus(self) -> None:
        self.call_after_refresh(self.paint_status)

    def staged(self) -> None:
        self.navigator.paint()
        if self.record.display:
            self.record.paint()

    def remember(self) -> None:
        """Keep the place current, for the way back and for the next run."""
        model, info = self.pane.model, self.pane.info
        if model is None or info is None:
            return
        column = self.pane.edits.field_here() if self.pane.edits else None
        query = self.pane.desk.base_query()
        state: dict[str, Any] = {
            "table": info["sqlName"],
            "filter": query.filter,
            "sort": list(query.sort),
            "deleted": query.deleted,
            "group": query.group,
            "look": self.pane.desk.address,
            "key": model.key_at(model.selection.row),
            "field": column["name"] if column else "",
        }
        current = self.context.places.current
        if current is not None and current.mode == "tables":
            self.context.places.update(**state)
        self._last[info["sqlName"]] = Place("tables", info["sqlName"], info["name"], state)

    def on_screen_suspend(self) -> None:
        self._keep_place()

    def on_unmount(self) -> None:
        self._keep_place()  # whoever leaves from here finds it as it was

    def _keep_place(self) -> None:
        info = self.pane.info
        if info is not None and info["sqlName"] in self._last:
            self.context.session.put("tables.last", self._last[info["sqlName"]].state)

    def paint_status(self) -> None:
        """The status line from the pane."""
        model, info, status = self.pane.model, self.pane.info, self.status
        if model is None or info is None:
            return
        entry = self.pane.grid is not None and self.pane.grid.entry
        editing = self.pane.host.current is not None or self.record.host.current is not None
        mode = "edit" if editing else "entry" if entry else "select" if model.selection.active else "view"
        status.show("mode", f" {t(f'mode.{mode}')} ")
        status.show("table", info["name"])
        status.show("rows", self._rows())
        tree: Filter | None = self.pane.desk.base_query().filter
        status.show("filter", FilterDraft(info["fields"], tree).sentence() if tree else "")
        status.show("news", self._news(model.news))
        status.show("work", "…" if model.loading else "")
        status.show("note", *self._note())

    @property
    def _on_nothing(self) -> bool:
        """The cursor of a board or calendar is where no record is: an empty column, a day without events."""
        return self.pane.face is not None and self.pane.face.row_here() is None

    def _rows(self) -> str:
        model = self.pane.model
        assert model is not None
        selection = model.selection
        if selection.mode == "all":
            return t("tables.all", count=grouped(model.count))
        if selection.mode == "marked":
            return t("tables.marked", count=len(selection.marked))
        if selection.mode in ("range", "rows"):
            block = selection.block(len(model.layout.shown))
            return f"{grouped(block.rows)} × {grouped(block.columns)}"
        if not model.count:
            if model.query.deleted:
                return t("grid.empty_trash")
            return t("grid.empty" if self.pane.why_barred("row_new") else "tables.empty")
        sign = {"exact": "", "at-least": "≥", "estimate": "~"}[model.view["countKind"]] if model.view else ""
        if self._on_nothing:
            return f"{sign}{grouped(model.view['count'])}" if model.view else ""
        if model.groups.blocks and model.view is not None:
            number = grouped(model.to_base(selection.row) + 1)
            return t("tables.row", row=number, count=f"{sign}{grouped(model.view['count'])}")
        return t("tables.row", row=grouped(selection.row + 1), count=f"{sign}{grouped(model.count)}")

    def _news(self, news: News) -> str:
        """Rows that others made and removed, which wait for R."""
        counted = (("tables.came", news.came), ("tables.went", news.went))
        parts = [t(key, count=count, number=grouped(count)) for key, count in counted if count]
        return t("tables.news", news=", ".join(parts)) if parts else ""

    def _note(self) -> tuple[str, str]:
        """What is wrong with the cell under the cursor, or its whole value."""
        model, info, edits = self.pane.model, self.pane.info, self.pane.edits
        field = edits.field_here() if edits else None
        row = model.row(model.selection.row) if model and not self._on_nothing else None
        if model is None or info is None or field is None or row is None:
            return "", ""
        if self.pane.editing.refusal:
            return self.pane.editing.refusal, "warn"
        staged = self.context.pending.cell(info["sqlName"], row.key, field["name"])
        if staged is not None and staged.message:
            return f"! {problem_text(field, staged.value, staged.message)}", "error"
        if (told := row.computing.get(field["name"])) is not None:
            # Who may not ask for the value is not told why there is none.
            reason = one_line(in_words(told, "reason").get("reason") or t("tables.compute.no_reason"))
            text = t(f"tables.compute.{told['state']}", field=title_of(field), reason=reason)
            return text, "error" if told["state"] == "failed" else ""
        try:
            value = model.cell(row, field["name"])[0]
        except KeyError:
            return "", ""
        text = show(field, value, model.label(row, field["name"], value) if is_labelled(field) else "")
        return labelled(title_of(field), text[:200]), ""

    # ── Actions ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("row_history", "row_comments"):
            return self.whole.has_record
        if action in ("trash_restore", "trash_erase"):
            return self.whole.in_trash
        if action in ("trash_show", "trash_empty", "rows_bulk"):
            return self.pane.model is not None
        return super().check_action(action, parameters)

    def why_barred(self, action: str) -> str:
        return self.pane.why_barred(action)

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_row_history(self) -> None:
        await self.whole.history()

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_row_comments(self) -> None:
        await self.whole.comments()

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_rows_bulk(self) -> None:
        await self.whole.bulk()

    @work(exclusive=True, group="list", exit_on_error=False)
    async def action_tables_list(self) -> None:
        """The tables at a glance, to choose from."""
        from screens.widgets.table_sheet import TableSheet

        name = await self.app.push_screen_wait(TableSheet(self.context, self.pane.info_name))
        if name and name != self.pane.info_name:
            self.navigator.post_message(Navigator.Chosen(name))

    def action_trash_show(self) -> None:
        self.whole.turn_trash()

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_trash_restore(self) -> None:
        async with self.context.hold_keys():
            await self.whole.restore()

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_trash_erase(self) -> None:
        await self.whole.erase()

    @work(exclusive=True, group="whole", exit_on_error=False)
    async def action_trash_empty(self) -> None:
        await self.whole.empty()

    def change_flow(self) -> ChangeFlow:
        return ChangeFlow(self, self.context, self.go, self.saved)

    def saved(self, answer: CommitAnswer) -> None:
        self.pane.saved(answer)
        self.navigator.count()
        if self.record.display:
            self.record.follow()

    @property
    def narrow(self) -> bool:
        """Only one pane fits."""
        return self.app.size.width < 120

    def focus_pane(self, pane: Widget) -> None:
        self.give_way_to(pane)
        super().focus_pane(pane)

    def on_resize(self) -> None:
        self.give_way_to(self.current_pane())

    def give_way_to(self, pane: Widget | None) -> None:
        """Where only one pane fits, the one with the focus is on screen: keys are never for rows that are out of sight."""
        if self.narrow and pane is not self.record:
            self.record.display = False

    def on_grid_pane_record_asked(self, event: GridPane.RecordAsked) -> None:
        """Show the record beside the grid; again to go into it."""
        event.stop()
        if not self.record.display:
            self.record.display = True
            self.record.follow()
            if self.narrow:
                self.record.form.focus()
        else:
            self.record.form.focus()

    def on_record_panel_closed(self, event: RecordPanel.Closed) -> None:
        event.stop()
        self.record.display = False
        if self.pane.grid is not None:
            self.pane.grid.focus()
