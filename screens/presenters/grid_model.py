"""A grid's state: rows by position out of a page cache, the staged edits over them, order, conditions, search.

`VirtualGrid` paints it and calls it; it fetches by itself and tells `changed` what must be painted again. Positions are
rows as displayed: staged new rows stand among the rows of the view where they were inserted.
"""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol

from core.client import NotFound, SovriumError
from core.contract.console import Blocks, Event, GroupBlock, GroupSpec, View, Window
from core.contract.records import Filter, SortKey
from screens.presenters.column_layout import ColumnLayout
from screens.presenters.condition import same_condition, value_condition, with_condition, without_condition
from screens.presenters.group_rows import GroupedRows, GroupHeader
from screens.presenters.inserted_rows import InsertedRows
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


class StagedView(Protocol):
    """What the grid reads of the staged edits."""

    @property
    def changed(self) -> Signal[str]: ...
    def cell(self, table: str, key: str, field: str) -> Staged | None: ...
    def row_mark(self, table: str, key: str) -> str: ...
    def new_rows(self, table: str) -> list[tuple[str, dict[str, Any]]]: ...
    def title_of_new(self, ref: str) -> str: ...


class GridRow(NamedTuple):
    """One row as it can be painted. `number` counts from 1 in the view; None for a new row, whose `key` is its ref.
    `mark` is "", "new" or "deleted"."""

    key: str
    mark: str
    number: int | None
    values: Sequence[Any]
    columns: Mapping[str, int]
    labels: Mapping[str, Mapping[str, str]]

    def value(self, name: str) -> Any:
        """The stored value; KeyError where the column has not been read yet."""
        return self.values[self.columns[name]]


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
        self.search_text = ""
        self.search_failed = False
        self.news = News()
        self.changed: Signal[GridChange] = Signal()
        self._opening = 0
        self._searching = 0
        self._fetches = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._new: InsertedRows | GroupedRows = InsertedRows()
        self.aggregates: dict[str, str] = {}
        """Function by column, shown below the rows and in the headers of groups."""
        self.totals: dict[str, Any] = {}
        """Its value over all rows, by column."""
        self.too_many_groups = False
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
        self._run(self._open(self._opening, at or (self.key_at(row) if row else None)))
        self._tell("view")

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

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, kind: Literal["rows", "view", "cells", "columns", "search"], first: int = 0, last: int = 0) -> None:
        self.changed.publish(GridChange(kind, first, last))

    async def _open(self, token: int, key: str | None) -> None:
        try:
            view = await self.source.open(self.query)
            if token != self._opening:
                await self._forget(view)
                return
            position = self.to_base(self.selection.row) if self.view else 0
            found = await self._locate(view, key) if key and view["ready"] else None
            position = min(found if found is not None else position, max(view["count"] - 1, 0))
            start = position // PAGE_ROWS * PAGE_ROWS
            names = self.layout.names
            window = await self.source.window(view["id"], start, PAGE_ROWS, names)
            blocks = await self._ask_groups(view) if self.query.group or self.aggregates else None
        except SovriumError as error:
            if token == self._opening:
                self._fail(error)
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
            self._new.forget_places()
        self._take_groups(blocks)
        self._measure()
        self._place_new(0)
        self.selection.anchor = None
        self.selection.row = self.to_displayed(position)
        self._take_view(window["view"])
        self._tell("view")
        if old is not None and old["id"] != view["id"]:
            await self._forget(old)
        if not view["ready"]:
            await self._until_ready(token, key if found is None else None)

    def _measure(self) -> None:
        """Columns as wide as the first rows want them, once there are rows."""
        if not self._measured and any(page.rows for page in self.cache):
            self._measured = True
            self.layout.fit(self.samples())
            self._tell("view")

    async def _until_ready(self, token: int, key: str | None) -> None:
        """Follow the building of an order, then stand on the row that was looked at, unless the cursor has moved."""
        row = self.selection.row
        while token == self._opening and self.view is not None and not self.view["ready"]:
            await asyncio.sleep(POLL)
            try:
                self._take_view(await self.source.view(self.view["id"]))
            except SovriumError as error:
                self._fail(error)
                return
        if token == self._opening and key and self.selection.row == row and self.view is not None:
            position = await self._locate(self.view, key)
            if position is not None and self.to_displayed(position) != row:
                self.selection.row = self.to_displayed(position)
                self._tell("view")

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

    def _fail(self, error: SovriumError) -> None:
        self.loading, self.failure = False, error
        self._tell("view")

    # ── Groups ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _ask_groups(self, view: View) -> Blocks:
        asked = ",".join(f"{name}:{function}" for name, function in self.aggregates.items())
        return await self.source.groups(view["id"], asked)

    def _take_groups(self, blocks: Blocks | None) -> None:
        folded = self._new.folded if isinstance(self._new, GroupedRows) else set()
        self.too_many_groups = blocks is not None and bool(blocks.get("tooMany"))
        if blocks is None or not self.query.group or self.too_many_groups:
            if isinstance(self._new, GroupedRows):
                self._new = InsertedRows()
        else:
            self._new = GroupedRows(blocks["groups"], folded)
        self.totals = {} if blocks is None else by_column(blocks["aggregations"], self.aggregates)

    @property
    def blocks(self) -> Sequence[GroupBlock]:
        """The groups of the rows, in order; none where they are not grouped."""
        return self._new.blocks if isinstance(self._new, GroupedRows) else ()

    def header(self, position: int) -> GroupHeader | None:
        """The header of a group that is displayed there."""
        return self._new.header(position) if isinstance(self._new, GroupedRows) else None

    def group_start(self, place: int) -> int:
        """Where the header of a group is displayed."""
        return self._new.head_of(place) if isinstance(self._new, GroupedRows) else 0

    def runs(self, first: int, last: int) -> list[tuple[int, int]]:
        """The rows of the view among the displayed lines first…last, as ranges with both ends."""
        return self._new.runs(first, last)

    def fold(self, position: int) -> bool:
        """Fold or show the group whose header, or one of whose rows, is displayed there; False where there is none."""
        if not isinstance(self._new, GroupedRows) or not self._new.blocks or self.is_new(position):
            return False
        header = self.header(position)
        while header is None:
            position -= 1
            header = self.header(position)
        self._new.fold([header.block["name"]], folded=not header.folded)
        self._folded(header.place)
        return True

    def fold_all(self, *, folded: bool) -> None:
        """Show headers only, or all rows."""
        if isinstance(self._new, GroupedRows):
            base = self.to_base(self.selection.row)
            self._new.fold([block["name"] for block in self._new.blocks], folded=folded)
            self.selection.row = self.to_displayed(base)
            self._folded(None)

    @property
    def has_folded(self) -> bool:
        return isinstance(self._new, GroupedRows) and bool(self._new.folded)

    def _folded(self, place: int | None) -> None:
        self.selection.anchor = None
        if place is not None:
            self.selection.row = self.group_start(place)
        self.selection.clamp(self.count, len(self.layout.shown))
        self._tell("view")

    def set_group(self, group: GroupSpec | None) -> None:
        """Group the rows, or no longer."""
        self.set_query(replace(self.query, group=group))

    def aggregate(self, name: str, function: str | None) -> None:
        """Show an aggregate of a column, or none."""
        if function is None:
            self.aggregates.pop(name, None)
        else:
            self.aggregates[name] = function
        self._run(self._regroup())

    async def _regroup(self) -> None:
        view = self.view
        if view is None:
            return
        try:
            blocks = await self._ask_groups(view) if self.query.group or self.aggregates else None
        except NotFound:
            return  # the next window opens the view again
        except SovriumError as error:
            self._fail(error)
            return
        if view["id"] == (self.view or view)["id"]:
            base = self.to_base(self.selection.row)
            header = self.header(self.selection.row)
            self._take_groups(blocks)
            self._place_new(0)
            if header is None or header.place >= len(self.blocks):
                self.selection.row = self.to_displayed(base)
            else:
                self.selection.row = self.group_start(header.place)
            self.selection.clamp(self.count, len(self.layout.shown))
            self._tell("view")

    # ── Rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        """Rows that can be reached, new ones included. Never waits."""
        return (self.view["count"] if self.view else 0) + self._new.extra

    def row(self, position: int) -> GridRow | None:
        """A row if it is here; None while it is on its way. Never fetches."""
        new = self._new.at(position)
        if new is not None:
            key, values = new
            return GridRow(key, "new", None, tuple(values.values()), {name: at for at, name in enumerate(values)}, {})
        return None if self.header(position) else self.base_row(self.to_base(position))

    def base_row(self, base: int) -> GridRow | None:
        """A row by its position in the view, if it is here."""
        page = self.cache.get(base)
        if page is None or not 0 <= base - page.start < len(page.rows):
            return None
        key = page.keys[base - page.start]
        mark = self.staged.row_mark(self.source.table, key) if self.staged and self.source.table else ""
        return GridRow(key, mark, base + 1, page.rows[base - page.start], page.columns, page.labels)

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
        new, found = self._new.position_of(key), self.cache.find(key)
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
            if self.header(position) is not None:
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
            self._run(self._fetch(number, self.cache.generation))

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
                    last = first + len(window["rows"]) + self._new.extra
                    self._tell("rows", *((0, self.count) if self.blocks else (first, last)))
        except NotFound:
            self.cache.drop(number, generation)
            if view is self.view and not self.loading:
                self.open()
        except SovriumError as error:
            self.cache.drop(number, generation)
            self._fail(error)
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
        if (self.query.group or self.aggregates) and view != old:
            self._run(self._regroup())
        self.selection.clamp(self.count, len(self.layout.shown))
        self._tell("view")

    # ── New rows among the others ──────────────────────────────────────────────────────────────────────────────────────

    def is_new(self, position: int) -> bool:
        """Whether a staged new row is displayed there."""
        return self._new.at(position) is not None

    def to_base(self, position: int) -> int:
        """Position in the view of a displayed row; for a new row that of the row behind it."""
        return self._new.to_base(position)

    def to_displayed(self, base: int) -> int:
        """Where a row of the view is displayed."""
        return self._new.to_displayed(base)

    def _place_new(self, before: int) -> None:
        rows = self.staged.new_rows(self.source.table) if self.staged and self.source.table else []
        self._new.place(rows, before)

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
        self._tell("cells")

    # ── Order and conditions ───────────────────────────────────────────────────────────────────────────────────────────

    def sort_of(self, name: str) -> tuple[str, int] | None:
        """Direction of a sorted field and its rank from 1."""
        for rank, key in enumerate(self.query.sort, 1):
            if key["field"] == name:
                return key["direction"], rank
        return None

    def apply_sort(self, name: str, *, add: bool = False) -> None:
        """Next of ascending, descending, off for one field; `add` keeps the other sort keys."""
        now = self.sort_of(name)
        turned = {None: "asc", "asc": "desc", "desc": None}[now[0] if now else None]
        others = [key for key in self.query.sort if key["field"] != name] if add else []
        fresh = [SortKey(field=name, direction="asc" if turned == "asc" else "desc")] if turned else []
        self.set_sort([*others, *fresh])

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

    # ── Search ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def look_for(self, text: str, row: int = 0, *, backward: bool = False, home: tuple[int, int] | None = None) -> None:
        """Look for a text from a displayed row on and move the cursor to it; "" ends the search.

        home: the cell to stand on when the text is nowhere, or empty.
        """
        self.search_text, self.search_failed = text, False
        self._searching += 1
        if text:
            self._run(self._find(self._searching, text, self.to_base(row) if row >= 0 else -1, backward, home))
            return
        self._go_home(home)
        self._tell("search")

    def _go_home(self, home: tuple[int, int] | None) -> None:
        if home is not None:
            self.selection.row, self.selection.column = home
            self.selection.clamp(self.count, len(self.layout.shown))

    def search_next(self, *, backward: bool = False) -> None:
        """The next row that has the text, around the end."""
        if self.search_text:
            self.look_for(self.search_text, self.selection.row + (-1 if backward else 1), backward=backward)

    async def _find(self, token: int, text: str, start: int, backward: bool, home: tuple[int, int] | None) -> None:
        view, names = self.view, self.layout.names
        if view is None or not view["count"]:
            return
        end = view["count"] - 1
        around = end if backward else 0
        position, name = None, ""
        try:
            for begin in [start, around] if 0 <= start <= end else [around]:
                found = await self.source.find(view["id"], text, begin, backward=backward, names=names)
                position, name = found["position"], found.get("field") or ""
                if position is not None or token != self._searching:
                    break
        except SovriumError as error:
            if token == self._searching:
                self._fail(error)
            return
        if token != self._searching:
            return
        self.search_failed = position is None
        if position is None:
            self._go_home(home)
        else:
            self.selection.row = self.to_displayed(position)
            place = self.layout.index(name)
            self.selection.column = self.selection.column if place is None else place
        self._tell("search")

    # ── Columns ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def columns_changed(self) -> None:
        """The layout was changed: paint it, and read columns that no page holds."""
        page = next(iter(self.cache), None)
        if page is not None and any(name not in page.columns for name in self.layout.names):
            self.cache.invalidate()
        self.selection.clamp(self.count, len(self.layout.shown))
        self._tell("columns")

    # ── News from the server ───────────────────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> None:
        """Read everything on screen again, keeping the place. News is shown where the order wants it."""
        if self.view is None or (self.news and (self.query.sort or self.query.filter)):
            self.open()
            return
        self.news.seen()
        self.cache.invalidate()
        self._run(self._look(self.view))
        self._tell("view")

    async def _look(self, view: View) -> None:
        try:
            self._take_view(await self.source.view(view["id"]))
        except NotFound:
            if view is self.view:
                self.open()
        except SovriumError as error:
            self._fail(error)

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
                self._tell("view")

    def _values_changed(self, event: Event) -> None:
        ids = {str(identity) for identity in event.get("ids", ())}
        every = len(ids) != event.get("count", len(ids))
        touched = [page.start // PAGE_ROWS for page in self.cache if every or not ids.isdisjoint(page.keys)]
        if touched:
            self.cache.invalidate(touched)
            self._tell("rows", 0, self.count)

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
        self._tell("rows", position, position)
        shown = GridRow(key, "", None, row, page.columns, page.labels)
        links = (field["name"] for field in self.source.fields if field["family"] == "link")
        return all(fields.get(name) is None or self.label(shown, name, fields[name]) for name in links)


def by_column(aggregations: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """The values of aggregates by column; an answer about one column names functions only."""
    found: dict[str, Any] = {}
    for name, function in asked.items():
        value = aggregations.get(function)
        if isinstance(value, Mapping):
            value = value.get(name)
        if value is not None:
            found[name] = value
    return found


def _page(window: Window, names: Sequence[str]) -> Page:
    columns = {name: place for place, name in enumerate(names)}
    return Page(window["start"], window["keys"], window["rows"], columns, window["stamps"], window["labels"])
