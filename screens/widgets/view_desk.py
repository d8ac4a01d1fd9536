"""The views of a pane's table at work: which one is open, what of it has changed, and the board, calendar or gallery that
stands in the grid's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from core.client import SovriumError
from core.contract.tables import TableInfo
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.paste import TargetRow
from screens.presenters.row_source import Query
from screens.presenters.view_book import DENSITIES, Look, ViewBook
from screens.services.text import t

if TYPE_CHECKING:
    from core.client import Port
    from screens.widgets.board.face import Face
    from screens.widgets.grid_pane import GridPane
    from screens.widgets.view_menu import Wish

PATIENCE = 0.6
"""Seconds after the last change of the columns before they are kept on the server."""


class ViewDesk:
    """Part of a `GridPane`: runs in its workers."""

    def __init__(self, pane: GridPane) -> None:
        self.pane = pane
        self.book: ViewBook | None = None
        self.look: Look | None = None
        self.face: Face | None = None
        self._keeping: Timer | None = None

    # ── Opening ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, port: Port, info: TableInfo, query: Query | None, key: str | None, address: str) -> Query:
        """Read the views of a table and choose the one to show: the wanted one; the default where nothing is asked for
        (V-006). The query to begin with."""
        if self._keeping is not None:
            self._keeping.stop()
        self.book = ViewBook(port, info)
        await self.book.load()
        session = self.pane.context.session
        if kept := session.get(f"views.{info['sqlName']}"):
            await self.book.adopt(kept)
            session.put(f"views.{info['sqlName']}", {})
        self.look = self.book.find(address) if address else None
        if address and self.look is None:
            self.pane.app.notify(t("views.gone"), severity="warning")
        if not address and query is None and key is None:
            self.look = self.book.default()
        if self.look is None:
            return replace(query, view="") if query else Query()
        return self.look.query if query is None else replace(query, view=self.look.query.view)

    def columns(self, info: TableInfo) -> ColumnLayout:
        """The columns to begin with: the view's, else as they were left."""
        key = info["primaryKey"].split("~")[0]
        kept: Mapping[str, Any] | None = self.pane.context.session.get(f"columns.{info['sqlName']}")
        if self.book is not None:
            kept = self.book.layout_state(kept)
        names = None if self.look is None else self._names(self.look)
        if names is None:
            return ColumnLayout(info["fields"], key, kept)
        others = [field["name"] for field in info["fields"] if field["name"] not in names]
        shown = [{"name": name, "width": None, "hidden": False} for name in names]
        hidden = [{"name": name, "width": None, "hidden": True} for name in others]
        return ColumnLayout(info["fields"], key, {"columns": [*shown, *hidden], "frozen": 0})

    def _names(self, look: Look) -> list[str] | None:
        """Columns to read: those of the view, and what its layout shows besides."""
        if look.layout == "grid":
            return None if look.fields is None else list(look.fields)
        return list(dict.fromkeys([*self._make(look).needed(), *(look.fields or ())]))

    def _make(self, look: Look) -> Face:
        if look.layout == "kanban":
            from screens.widgets.board.board import Board

            return Board(self.pane, look)
        if look.layout == "calendar":
            from screens.widgets.calendar_board.calendar import CalendarBoard

            return CalendarBoard(self.pane, look)
        from screens.widgets.gallery.gallery import Gallery

        return Gallery(self.pane, look)

    async def show(self) -> None:
        """Put the face of the open view in the grid's place, or the grid back."""
        before, self.face = self.face, None
        grid = self.pane.grid
        if grid is None:
            return
        self._make_tall()
        had_focus = grid.has_focus or (before is not None and before.has_focus)
        if before is not None:
            await before.remove()
        if self.look is not None and self.look.layout != "grid":
            self.face = self._make(self.look)
            grid.display = False
            await self.pane.mount(self.face)
            self.face.rows_changed()
            self.face.paint()
        else:
            grid.display = True
        if had_focus:
            grid.focus()
        self.pane.screen.refresh_bindings()
        self.pane.paint_title()

    def _make_tall(self) -> None:
        grid, book = self.pane.grid, self.book
        if grid is not None and book is not None and book.density in DENSITIES:
            grid.make_tall(DENSITIES.index(book.density) + 1)

    async def turn_density(self) -> None:
        """More air between the rows, or none again."""
        if self.book is not None:
            density = await self.book.turn_density()
            self._make_tall()
            self.pane.app.notify(t(f"views.density.{density}"))

    # ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def address(self) -> str:
        return "" if self.look is None else self.look.address

    def base_query(self) -> Query:
        """What a person asks for, without what a layout adds to it."""
        model = self.pane.model
        query = model.query if model is not None else Query()
        return query if self.face is None else self.face.base_query(query)

    @property
    def asks_itself(self) -> bool:
        """The face asks for the rows of the days that it shows; all of them would be for nothing."""
        return self.look is not None and self.look.layout == "calendar"

    @property
    def is_editable(self) -> bool:
        """Records may be changed in the open view (V-015)."""
        return self.look is None or self.look.editable

    @property
    def is_changed(self) -> bool:
        """The open view is not as it was kept (V-019)."""
        model = self.pane.model
        if self.look is None or model is None:
            return False
        names = model.layout.names if self.look.layout == "grid" else self.look.fields or ()
        return self.look.is_changed(self.base_query(), names)

    # ── Columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keep_columns(self) -> None:
        """Remember the columns of the table, here and on the server; a view with columns of its own does not change them."""
        model, info, book = self.pane.model, self.pane.info, self.book
        if model is None or info is None or (self.look is not None and self._names(self.look) is not None):
            return
        self.pane.context.session.put(f"columns.{info['sqlName']}", model.layout.to_data())
        if book is None:
            return
        if self._keeping is not None:
            self._keeping.stop()
        layout = model.layout

        def keep() -> None:
            self.pane.run_worker(book.prefer_columns(layout), group="preferences", exclusive=True, exit_on_error=False)

        self._keeping = self.pane.set_timer(PATIENCE, keep)

    # ── The menu ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def menu(self) -> None:
        """Choose, keep, rename, delete."""
        from screens.widgets.view_menu import ViewMenu

        info, book, model = self.pane.info, self.book, self.pane.model
        if info is None or book is None or model is None:
            return
        await book.load()
        menu = ViewMenu(self.pane.context, info, book, self.look, changed=self.is_changed)
        wish = await self.pane.app.push_screen_wait(menu)
        if wish is None:
            return
        if wish.what == "query" and (look := wish.look) is not None:
            from screens.widgets.query_view import QueryView

            await self.pane.app.push_screen_wait(QueryView(self.pane.context, info["sqlName"], look.id, look.name))
            return
        try:
            await self._fulfil(wish, book)
        except SovriumError as error:
            taken = error.code == "CONFLICT"
            self.pane.app.notify(t("views.name_taken") if taken else error.message, severity="error")

    async def _fulfil(self, wish: Wish, book: ViewBook) -> None:
        model, info, look = self.pane.model, self.pane.info, wish.look
        assert model is not None
        assert info is not None
        match wish.what:
            case "open":
                assert look is not None
                await self.pane.open_table(info, look.query, look=look.address)
            case "all":
                await self.pane.open_table(info, Query())
            case "trash":
                await self.pane.open_table(info, Query(deleted=True))
            case "keep":
                if name := await self._name(""):
                    self._take(await book.keep(name, self.base_query(), model.layout.names, self.look))
                    self.pane.app.notify(t("views.saved", name=name))
            case "update":
                assert look is not None
                self._take(await book.update(look, self.base_query(), model.layout.names))
                self.pane.app.notify(t("views.updated", name=look.name))
            case "rename":
                assert look is not None
                if name := await self._name(look.name):
                    renamed = await book.rename(look, name)
                    if look.address == self.address:
                        self._take(renamed)
            case "default":
                await book.make_default(look)
                self.pane.app.notify(t("views.defaulted", table=info["name"], name=look.name if look else ""))
            case "delete":
                assert look is not None
                await self._delete(look, book)

    async def _name(self, before: str) -> str | None:
        from screens.widgets.name_dialog import NameDialog

        name = await self.pane.app.push_screen_wait(NameDialog(self.pane.context, t("views.name"), before))
        if name == "":
            self.pane.app.notify(t("views.nameless"), severity="warning")
        return name

    async def _delete(self, look: Look, book: ViewBook) -> None:
        from screens.widgets.confirm import confirm

        if not await confirm(self.pane.app, t("views.delete_title", name=look.name)):
            return
        await book.delete(look)
        self.pane.app.notify(t("views.deleted", name=look.name))
        if look.address == self.address and self.pane.info is not None:
            await self.pane.open_table(self.pane.info, Query())

    def _take(self, look: Look) -> None:
        """What is shown is this view now."""
        self.look = look
        if self.face is not None:
            self.face.look = look
        self.pane.paint_title()
        self.pane.post_message(self.pane.Shown(self.pane))

    # ── Rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def new_row(self) -> None:
        """A new record where the cursor is: in the column of a board, on the day of a calendar; its form opens."""
        edits, model, face = self.pane.edits, self.pane.model, self.face
        if edits is None or model is None or face is None:
            return
        ref = edits.new()
        value = face.value_of_new()
        if value is not None:
            edits.stage([TargetRow(ref, "", {})], face.fields[value[0]], value[1])
        if (position := model.position_of(ref)) is not None:
            model.selection.row = position
        face.came(ref)
        self.pane.action_row_detail()
