"""A grid's state: rows by position out of a page cache, the staged edits over them, order, conditions, search.

`VirtualGrid` paints it and calls it; it fetches by itself and tells `changed` what must be painted again. Positions are
rows as displayed: staged new rows stand among the rows of the view where they were inserted.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.client import NotFound, SovriumError
from core.contract.console import Event, GroupSpec, View, Window
from core.contract.records import Filter, SortKey
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.condition import same_condition, value_condition, with_condition, without_condition
from screens.presenters.grid_row import GridRow, StagedView
from screens.presenters.grid_search import GridSearch
from screens.presenters.grouping import Grouping
from screens.presenters.link import REF
from screens.presenters.news import News
from screens.presenters.page_cache import PAGE_ROWS, Page, PageCache
from screens.presenters.row_source import Query, RowSource
from screens.presenters.selection import Selection
from screens.presenters.signal import Signal
from screens.presenters.staged import Staged

FETCHES = 2
"""Windows asked for at the same time."""
READ_ROWS = 1024
"""Rows of one window when many are read at once."""
POLL = 0.25
"""Seconds between two looks at a view whose order is not built yet; an event usually comes first."""


@dataclass(frozen=True, slots=True)
class GridChange:
    """What is not as before. `rows`: values of the rows first…last (displayed). `view`: count, order or state of the
    view. `cells`: staged edits. `columns`: the layout. `search`: what is looked for or found."""

    kind: Literal["rows", "view", "cells", "columns", "search"]
    first: int = 0
    last: int = 0


class GridModel:
    """Call `open` once, `close` at the end. Methods that fetch return at once; `changed` tells when it has arrived."""

    def __init__(
        self,
        source: RowSource,
        layout: ColumnLayout | None = None,
        staged: StagedView | None = None,
        query: Query | None = None,
    ) -> None:
        self.source = source
        self.layout = layout or ColumnLayout(source.fields, source.key)
        self.staged = staged
        self.query = query or Query()
        self.selection = Selection()
        self.cache = PageCache()
        self.view: View | None = None
        self.loading = False
        """A new view is on its way; what is shown is the old one."""
        self.failure: SovriumError | None = None
        """Why the latest request got nothing; what was read before stays."""
        self.search = GridSearch(self)
        self.groups = Grouping()
        self.news = News()
        self.changed: Signal[GridChange] = Signal()
        self._opening = 0
        self._fetches = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._measured = False
        self._labels: dict[tuple[str, str], str] = {}
        self._stop_listening = staged.changed.listen(self._staged_changed) if staged else None
        self._place_new(0)

    # ── Life ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, at: str | None = None) -> None:
        """Open the view of the query, or open it again (the server came back, the schema changed).

        at: the key of the row to stand on; by default the one under the cursor. Who stands on the first row stays
        there: the first rows of the new order are what was asked for.
        """
        self._opening += 1
        self.loading = True
        row = self.selection.row
        self.run(self._open(self._opening, at or (self.key_at(row) if row else None)))
        self.tell("view")

    async def close(self) -> None:
        """Stop all fetching and let the server forget the view."""
        if self._stop_listening:
            self._stop_listening()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.view:
            await self._forget(self.view)

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell(self, kind: Literal["rows", "view", "cells", "columns", "search"], first: int = 0, last: int = 0) -> None:
        self.changed.publish(GridChange(kind, first, last))

    async def _open(self, token: int, key: str | None) -> None:
        try:
            view = await self.source.open(self.query)
            if token != self._opening:
                await self._forget(view)
                return
            position = self.to_base(self.selection.row) if self.view else 0
            found = await self._locate(view, key) if key and view["ready"] and not key.startswith(REF) else None
            position = min(found if found is not None else position, max(view["count"] - 1, 0))
            start = position // PAGE_ROWS * PAGE_ROWS
            names = self.layout.names
            window = await self.source.window(view["id"], start, PAGE_ROWS, names)
            blocks = await self.groups.ask(self.source, view, self.query)
        except SovriumError as error:
            if token == self._opening:
                self.fail(error)
            return
        if token != self._opening:
            await self._forget(view)
            return
        old, self.view = self.view, view
        self.loading, self.failure = False, None
        self.news.seen()
        self.cache.reset()
        self.cache.put(start // PAGE_ROWS, _page(window, names), self.cache.generation)
        if old is not None:
            self.groups.places.forget_places()
        self.groups.take(blocks, self.query)
        self._measure()
        self._place_new(0)
        self.selection.anchor = None
        new = self.groups.places.position_of(key) if key and key.startswith(REF) else None
        self.selection.row = self.to_displayed(position) if new is None else new
        self._take_view(window["view"])
        self.tell("view")
        if old is not None and old["id"] != view["id"]:
            await self._forget(old)
        if not view["ready"]:
            await self._until_ready(token, key if found is None else None)

    def _measure(self) -> None:
        """Columns as wide as the first rows want them, once there are rows."""
        if not self._measured and any(page.rows for page in self.cache):
            self._measured = True
            self.layout.fit(self.samples())
            self.tell("view")

    async def _until_ready(self, token: int, key: str | None) -> None:
        """Follow the building of an order, then stand on the row that was looked at, unless the cursor has moved."""
        row = self.selection.row
        while token == self._opening and self.view is not None and not self.view["ready"]:
            await asyncio.sleep(POLL)
            try:
                self._take_view(await self.source.view(self.view["id"]))
            except SovriumError as error:
                self.fail(error)
                return
        if token == self._opening and key and self.selection.row == row and self.view is not None:
            position = await self._locate(self.view, key)
            if position is not None and self.to_displayed(position) != row:
                self.selection.row = self.to_displayed(position)
                self.tell("view")

    async def _locate(self, view: View, key: str) -> int | None:
        try:
            return (await self.source.locate(view["id"], key))["position"]
        except SovriumError:
            return None

    async def _forget(self, view: View) -> None:
        try:
            await self.source.close(view["id"])
        except SovriumError:
            pass

    def fail(self, error: SovriumError) -> None:
        self.loading, self.failure = False, error
        self.tell("view")

    # ── Groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The rows of the view among the displayed lines first…last, as ranges with both ends."""
        return self.groups.places.runs(first, last)

    def fold(self, position: int) -> bool:
        """Fold or show the group whose header, or one of whose rows, is displayed there; False where there is none."""
        place = self.groups.fold(position)
        if place is not None:
            self._folded(self.groups.start(place))
        return place is not None

    def fold_all(self, *, folded: bool) -> None:
        """Show headers only, or all rows."""
        base = self.to_base(self.selection.row)
        if self.groups.fold_all(folded=folded):
            self._folded(self.to_displayed(base))

    def _folded(self, row: int) -> None:
        self.selection.anchor, self.selection.row = None, row
        self.selection.clamp(self.count, len(self.layout.shown))
        self.tell("view")

    def set_group(self, group: GroupSpec | None) -> None:
        """Group the rows, or no longer."""
        self.set_query(replace(self.query, group=group))

    def aggregate(self, name: str, function: str | None) -> None:
        """Show an aggregate of a column, or none."""
        if function is None:
            self.groups.aggregates.pop(name, None)
        else:
            self.groups.aggregates[name] = function
        self.run(self._regroup())

    async def _regroup(self) -> None:
        view = self.view
        if view is None:
            return
        try:
            blocks = await self.groups.ask(self.source, view, self.query)
        except NotFound:
            return  # the next window opens the view again
        except SovriumError as error:
            self.fail(error)
            return
        if view["id"] == (self.view or view)["id"]:
            base = self.to_base(self.selection.row)
            header = self.groups.header(self.selection.row)
            self.groups.take(blocks, self.query)
            self._place_new(0)
            if header is None or header.place >= len(self.groups.blocks):
                self.selection.row = self.to_displayed(base)
            else:
                self.selection.row = self.groups.start(header.place)
            self.selection.clamp(self.count, len(self.layout.shown))
            self.tell("view")

    # ── Rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        """Rows that can be reached, new ones included. Never waits."""
        return (self.view["count"] if self.view else 0) + self.groups.places.extra

    def row(self, position: int) -> GridRow | None:
        """A row if it is here; None while it is on its way. Never fetches."""
        new = self.groups.places.at(position)
        if new is not None:
            key, values = new
            return GridRow(key, "new", None, tuple(values.values()), {name: at for at, name in enumerate(values)}, {})
        return None if self.groups.header(position) else self.base_row(self.to_base(position))

    async def arrived(self, position: int) -> GridRow | None:
        """A row, once it is here; None where there is none, or when nothing brings it any more."""
        while (row := self.row(position)) is None and (self.loading or position < self.count):
            self.need(position, position)
            if not self._tasks or self.groups.header(position):
                break
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if self.failure is not None:
                return self.row(position)
        return row

    def base_row(self, base: int) -> GridRow | None:
        """A row by its position in the view, if it is here."""
        page = self.cache.get(base)
        if page is None or not 0 <= base - page.start < len(page.rows):
            return None
        key = page.keys[base - page.start]
        mark = self.staged.row_mark(self.source.table, key) if self.staged and self.source.table else ""
        computing = page.computing.get(key) or {}
        return GridRow(key, mark, base + 1, page.rows[base - page.start], page.columns, page.labels, computing)

    def need(self, first: int, last: int) -> None:
        """Rows first…last are being painted: fetch what is missing."""
        self.need_base(self.runs(first, last))

    def need_base(self, runs: Sequence[tuple[int, int]]) -> None:
        """These rows of the view are being painted."""
        asked = [self.cache.want(top, bottom, self.view["count"]) for top, bottom in runs] if self.view else []
        if any(asked):
            self._pump()

    def cell(self, row: GridRow, name: str) -> tuple[Any, Staged | None]:
        """The value to show (the staged one if there is one) and what is staged. KeyError: not read yet."""
        staged = self.staged.cell(self.source.table, row.key, name) if self.staged and self.source.table else None
        if staged is not None:
            return staged.value, staged
        if row.mark == "new":
            return (row.value(name) if name in row.columns else None), None
        return row.value(name), None

    def label(self, row: GridRow, name: str, value: Any) -> str:
        """What the id of a linked record stands for, the ids of several; "" when it is not known."""
        if isinstance(value, list):
            return ", ".join(self.label(row, name, each) or str(each) for each in value)
        if isinstance(value, dict) and set(value) == {"ref"}:
            return self.label(row, name, value["ref"])
        key = str(value)
        known = row.labels.get(name, {}).get(key) or self._labels.get((name, key), "")
        return known or (self.staged.title_of_new(key) if self.staged is not None and key.startswith(REF) else "")

    def labels(self, row: GridRow, name: str) -> dict[str, str]:
        """What is known of the records that a link field of the row names."""
        learnt = {key: label for (field, key), label in self._labels.items() if field == name}
        return {**row.labels.get(name, {}), **learnt}

    def learn_label(self, name: str, key: str, label: str) -> None:
        """A link was picked by its label: the grid can show it before it is saved."""
        self._labels[name, key] = label

    def key_at(self, position: int) -> str | None:
        """Key (or ref of a new row); None while the row is not here."""
        row = self.row(position)
        return row.key if row else None

    def stamp_at(self, position: int) -> str:
        """`updatedAt` of a row as it was read; "" for new rows."""
        base = self.to_base(position)
        page = self.cache.get(base)
        if page is None or self.is_new(position) or base - page.start >= len(page.stamps):
            return ""
        return page.stamps[base - page.start]

    def position_of(self, key: str) -> int | None:
        """Where a row is displayed, if it is here."""
        new, found = self.groups.places.position_of(key), self.cache.find(key)
        if new is not None:
            return new
        return self.to_displayed(found[0].start + found[1]) if found else None

    async def read(self, first: int, last: int, names: Sequence[str]) -> list[tuple[str, list[Any]]]:
        """Rows first…last with staged values in them, however many, also such as are not cached: (key, values)."""
        out: list[tuple[str, list[Any]]] = []
        stored: dict[int, GridRow] = {}
        view = self.view
        for base_first, base_last in self.runs(first, last) if view is not None else ():
            assert view is not None
            for start in range(base_first, min(base_last + 1, view["count"]), READ_ROWS):
                limit = min(READ_ROWS, base_last + 1 - start)
                page = _page(await self.source.window(view["id"], start, limit, names), names)
                for place, (key, values) in enumerate(zip(page.keys, page.rows, strict=True)):
                    stored[start + place] = GridRow(key, "", start + place + 1, values, page.columns, page.labels)
        for position in range(first, last + 1):
            if self.groups.header(position) is not None:
                continue
            row = self.row(position) if self.is_new(position) else stored.get(self.to_base(position))
            if row is not None:
                out.append((row.key, [self.cell(row, name)[0] for name in names]))
        return out

    def samples(self) -> dict[str, list[str]]:
        """Texts of the rows at hand by field, to measure columns by."""
        from screens.presenters.format import measured_text

        texts: dict[str, list[str]] = {}
        page = next(iter(self.cache), None)
        for column in self.layout.columns if page else ():
            place = page.columns.get(column.name) if page else None
            if page is not None and place is not None:
                labels = page.labels.get(column.name, {})
                texts[column.name] = [measured_text(column.field, row[place], labels) for row in page.rows]
        return texts

    def _pump(self) -> None:
        while self._fetches < FETCHES and (number := self.cache.take()) is not None:
            self._fetches += 1
            self.run(self._fetch(number, self.cache.generation))

    async def _fetch(self, number: int, generation: int) -> None:
        view, names = self.view, self.layout.names
        try:
            if view is not None:
                window = await self.source.window(view["id"], number * PAGE_ROWS, PAGE_ROWS, names)
                page, held = _page(window, names), self.cache.get(number * PAGE_ROWS)
                if self.cache.put(number, held.renewed(page) if held and self.news else page, generation):
                    self.failure = None
                    self._take_view(window["view"])
                    self._measure()
                    first = self.to_displayed(number * PAGE_ROWS)
                    last = first + len(window["rows"]) + self.groups.places.extra
                    self.tell("rows", *((0, self.count) if self.groups.blocks else (first, last)))
        except NotFound:
            self.cache.drop(number, generation)
            if view is self.view and not self.loading:
                self.open()
        except SovriumError as error:
            self.cache.drop(number, generation)
            self.fail(error)
        finally:
            self._fetches -= 1
        self._pump()

    def _take_view(self, view: View) -> None:
        """The server says how the view stands now. While there is news, rows keep their places."""
        old = self.view
        if old is None or old["id"] != view["id"] or view == old or (self.news and old["ready"]):
            return
        self.view = view
        if view["version"] != old["version"]:
            self.cache.invalidate()
        if (self.query.group or self.groups.aggregates) and view != old:
            self.run(self._regroup())
        self.selection.clamp(self.count, len(self.layout.shown))
        self.tell("view")

    # ── New rows among the others ──────────────────────────────────────────────────────────────────────────────────────

    def is_new(self, position: int) -> bool:
        """Whether a staged new row is displayed there."""
        return self.groups.places.at(position) is not None

    def to_base(self, position: int) -> int:
        """Position in the view of a displayed row; for a new row that of the row behind it."""
        return self.groups.places.to_base(position)

    def to_displayed(self, base: int) -> int:
        """Where a row of the view is displayed."""
        return self.groups.places.to_displayed(base)

    def _place_new(self, before: int) -> None:
        here = self.source.table and not self.query.deleted
        rows = self.staged.new_rows(self.source.table) if self.staged and here else []
        self.groups.places.place(rows, before)

    def _staged_changed(self, table: str) -> None:
        if table != self.source.table:
            return
        key = self.key_at(self.selection.row)
        below = self.to_base(self.selection.row) + (0 if self.is_new(self.selection.row) else 1)
        count = self.view["count"] if self.view else 0
        self._place_new(min(below, count))
        if key is not None and (position := self.position_of(key)) is not None:
            self.selection.row = position
        self.selection.clamp(self.count, len(self.layout.shown))
        self.tell("cells")

    # ── Order and conditions ───────────────────────────────────────────────────────────────────────────────────────────

    def apply_sort(self, name: str, *, add: bool = False) -> None:
        """Next of ascending, descending, off for one field; `add` keeps the other sort keys."""
        self.set_query(self.query.turned(name, add=add))

    def set_sort(self, keys: Sequence[SortKey]) -> None:
        self.set_query(replace(self.query, sort=tuple(keys)))

    def set_filter(self, tree: Filter | None) -> None:
        self.set_query(replace(self.query, filter=tree))

    def filter_by_value(self, name: str, value: Any) -> bool:
        """Only rows with this value; the same again takes the condition away. False when it cannot be asked for."""
        field = next((field for field in self.source.fields if field["name"] == name), None)
        leaf = value_condition(field, value) if field else None
        if leaf is None or not self.source.ordered:
            return False
        if same_condition(self.query.filter, leaf):
            self.set_filter(without_condition(self.query.filter, leaf))
        else:
            self.set_filter(with_condition(self.query.filter, leaf))
        return True

    def set_query(self, query: Query) -> None:
        """Ask for another order or other conditions; the old rows stay until the new ones come."""
        if self.source.ordered and query != self.query:
            self.query = query
            self.selection.everything = False
            self.open()

    # ── Columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def columns_changed(self) -> None:
        """The layout was changed: paint it, and read columns that no page holds."""
        page = next(iter(self.cache), None)
        if page is not None and any(name not in page.columns for name in self.layout.names):
            self.cache.invalidate()
        self.selection.clamp(self.count, len(self.layout.shown))
        self.tell("columns")

    # ── News from the server ───────────────────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Read everything on screen again, keeping the place. News is shown where the order wants it."""
        if self.view is None or (self.news and (self.query.sort or self.query.filter)):
            self.open()
            return
        self.news.seen()
        self.cache.invalidate()
        self.run(self._look(self.view))
        self.tell("view")

    async def _look(self, view: View) -> None:
        try:
            self._take_view(await self.source.view(view["id"]))
        except NotFound:
            if view is self.view:
                self.open()
        except SovriumError as error:
            self.fail(error)

    def on_event(self, event: Event) -> None:
        """Rows changed, or the view's order or count did. Values follow at once; rows that others made or removed are
        counted and wait for `refresh`, so that nothing moves under the cursor."""
        if event["kind"] == "view" and "view" in event:
            self._take_view(event["view"])
        elif event["kind"] == "change" and event.get("table") == self.source.table and self.source.table:
            if event.get("operation") == "update":
                self._values_changed(event)
            elif self.view is None or not self.view["count"] or self.news.is_own(event):
                self.refresh()
            else:
                self.news.add(event, trash=self.query.deleted)
                self.tell("view")

    def _values_changed(self, event: Event) -> None:
        ids = {str(identity) for identity in event.get("ids", ())}
        every = len(ids) != event.get("count", len(ids))
        touched = [page.start // PAGE_ROWS for page in self.cache if every or not ids.isdisjoint(page.keys)]
        if touched:
            self.cache.invalidate(touched)
            self.tell("rows", 0, self.count)

    def patch(self, key: str, fields: Mapping[str, Any], stamp: str = "") -> bool:
        """A row was saved: show it as it is now without reading it again. `fields` in the form of a window's cells.
        False when that is not enough: the row is not here, or links to a record whose name is not known here."""
        found = self.cache.find(key)
        if found is None:
            return False
        page, place = found
        row = page.rows[place]
        for name, value in fields.items():
            if name in page.columns:
                row[page.columns[name]] = value
        if stamp and place < len(page.stamps):
            page.stamps = [*page.stamps[:place], stamp, *page.stamps[place + 1 :]]
        position = self.to_displayed(page.start + place)
        self.tell("rows", position, position)
        shown = GridRow(key, "", None, row, page.columns, page.labels)
        links = (field["name"] for field in self.source.fields if field["family"] == "link")
        return all(fields.get(name) is None or self.label(shown, name, fields[name]) for name in links)


def _page(window: Window, names: Sequence[str]) -> Page:
    columns = {name: place for place, name in enumerate(names)}
    computing = window.get("computing") or {}
    return Page(window["start"], window["keys"], window["rows"], columns, window["stamps"], window["labels"], computing)
