"""One open view: its order while it is built and kept up with commits, its count, its windows.

All of it runs on the event loop; what asks the database is a job on one of its lanes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

from sqlalchemy import select

from core.contract.console import Blocks as BlocksAnswer
from core.contract.console import CountKind, Found, Window
from core.contract.console import View as ViewState
from core.errors import BadRequest, NotFound, SovriumError
from core.fields.address import key_text
from core.fields.model import TableModel
from core.principal import OWNER, Principal
from core.query.aggregate import Aggregates
from core.query.scope import Ref
from core.records.crossing import Crossing, Crossings
from core.records.key import KeyValue, key_in, parse_key
from core.records.writing import WritableTable
from core.storage.database import Call, Cancel, ChangeRow, Commit, Database, Reader
from core.views.grouping import Blocks, TooManyGroups, read_aggregates, read_blocks, told
from core.views.order import KeyOrder, Order, first_keys, order_for
from core.views.reading import Reading
from core.views.window import WindowRows

T = TypeVar("T")
log = logging.getLogger(__name__)
FIRST_ROWS = 2_048
"""Positions that are answered by sorting while the order is being built; farther ones wait for it."""
_SOON = 0.015
"""Seconds that opening waits for the order, so that most views are complete when they are first seen."""
_PATCHED = 0.05
"""Seconds that a window waits for the last commit to be taken up; an order that is built anew is not waited for."""
_REST = 4
"""An order that took longer than that to build rests so many times as long before it is built anew, so that commits one
after the other leave the database to others; whoever asks for what depends on it ends the rest."""
_REST_MOST = 5.0
"""Seconds."""


class OpenView:
    """`changed` is called whenever the state that `state()` tells has changed."""

    def __init__(
        self,
        id_: str,
        reading: Reading,
        database: Database,
        changed: Callable[["OpenView"], None],
        writable: Callable[[TableModel], WritableTable],
        principal: Principal = OWNER,
    ) -> None:
        self.id = id_
        self.reading = reading
        self.principal = principal
        self.version = 1
        self._database = database
        self._changed = changed
        self._writable = writable
        self._order = order_for(reading, id_)
        self._builds = 0
        self._ready = False
        self._building = True
        self._seen = 0
        self._cancel = Cancel()
        self._waiting: list[Commit] = []
        self._missed = False
        """Records of other tables have changed while the order was being built."""
        self._blocks: Blocks | None = None
        self._built_in = 0.0
        """Seconds that the last building took."""
        self._resting = False
        self._wanted = asyncio.Event()
        self._work: asyncio.Task[None] = asyncio.ensure_future(self._build())

    @cached_property
    def reads(self) -> frozenset[str]:
        """Other tables whose records show in this view's values, or decide on its rows."""
        table = self.reading.scope.table
        asked = table.spec.rls.reads if table.spec.rls is not None else frozenset()
        return self.reading.scope.model.read_by(table) | asked

    async def opened(self) -> None:
        """A short wait for the order."""
        await asyncio.wait({self._work}, timeout=_SOON)

    def state(self) -> ViewState:
        kind: CountKind = "exact" if self._ready else "at-least"
        return {
            "id": self.id,
            "table": self.reading.scope.table.sql_name,
            "count": self._order.count if self._ready else self._seen,
            "countKind": kind,
            "ready": self._ready,
            "version": self.version,
        }

    # ── Reading ──

    async def window(self, start: int, limit: int, fields: Sequence[str]) -> Window:
        rows_of = WindowRows(self.reading.scope, self.reading.refs(fields))
        if self._ready and not self._resting:
            await asyncio.wait({self._work}, timeout=_PATCHED)
        elif start + limit > FIRST_ROWS:
            await asyncio.shield(self._work)
        ready = self._ready

        def work(reader: Reader) -> tuple[list[str], list[str], list[list[object]], dict[str, dict[str, str]], int]:
            keys = self._keys(reader, start, limit, ready)
            names, stamps, rows = rows_of.read(reader, keys)
            return names, stamps, rows, rows_of.labels(reader, rows), len(keys)

        names, stamps, rows, labels, found = await self._read(work)
        if not self._ready:
            self._seen = max(self._seen, start + found if found else 0)
        return {"start": start, "keys": names, "stamps": stamps, "rows": rows, "labels": labels, "view": self.state()}

    def _keys(self, reader: Reader, start: int, limit: int, ready: bool) -> list[KeyValue]:
        if ready:
            return self._order.keys(reader, start, limit)
        return first_keys(reader, self.reading, start, limit)

    async def find(self, text: str, start: int, backward: bool, fields: Sequence[str]) -> Found:
        """The nearest row, from `start` on, that shows the text in one of the fields."""
        refs = [ref for ref in self.reading.refs(fields) if not ref.is_list or fields]
        if not text:
            raise BadRequest("There is nothing to look for")
        await self._settled()

        def work(reader: Reader) -> Found:
            position = self._order.find(reader, text, refs, start, backward)
            if position is None:
                return {"position": None, "key": None}
            (key,) = self._order.keys(reader, position, 1)
            return {"position": position, "key": key_text(key), "field": self._shown_in(reader, key, text, refs)}

        return await self._read(work)

    def _shown_in(self, reader: Reader, key: KeyValue, text: str, refs: Sequence[Ref]) -> str | None:
        scope = self.reading.scope
        statement = select(*self.reading.holds(text, refs)).where(key_in(scope.table, scope.source, [key]))
        rows = reader.rows(statement)
        return next((ref.name for ref, holds in zip(refs, rows[0], strict=True) if holds), None) if rows else None

    async def locate(self, key: str) -> Found:
        """Where a record stands; no position when it is not in the view."""
        try:
            values = parse_key(self.reading.scope.table, key)
        except NotFound:
            return {"position": None, "key": None}
        await self._settled()

        def work(reader: Reader) -> int | None:
            if self.reading.scope.visible() is not None and not self.reading.members(reader, [values]):
                return None  # it may have been taken away from the caller since the order was made
            return self._order.locate(reader, values)

        position = await self._read(work)
        return {"position": position, "key": None if position is None else key}

    async def _settled(self) -> None:
        if not self._work.done():
            self._wanted.set()
            await asyncio.shield(self._work)
        if not self._ready:
            raise BadRequest("The order of the view could not be built", hint="Open the view again")

    async def _read(self, work: Callable[[Reader], T]) -> T:
        return await self._database.read(Call(work), lane="scan")

    # ── Keeping up ──

    async def _build(self) -> None:
        self._building = True
        self._builds += 1
        order = order_for(self.reading, f"{self.id}_{self._builds}")
        begun = time.monotonic()
        try:
            blocks = await self._database.read(
                Call(lambda reader: self._ordered(reader, order)), lane="long", deadline=None, cancel=self._cancel
            )
        except SovriumError as error:
            if not self._cancel.requested:
                log.warning("The order of a view of %s was not built: %s", self.reading.scope.table.name, error)
            return
        self._built_in = time.monotonic() - begun
        before, self._order, self._blocks = self._order, order, blocks
        if self._ready:
            await self._database.read(Call(before.release), lane="long")
        self._ready, self._building = True, False
        waiting, self._waiting = self._waiting, []
        for commit in waiting:
            self.commit(commit)
        if self._missed:
            self._missed = False
            self.commit_elsewhere()
        self._changed(self)

    def _ordered(self, reader: Reader, order: Order) -> Blocks | None:
        """The order, and the groups of the same moment."""
        order.build(reader)
        if self.reading.grouping is None:
            return None
        try:
            return read_blocks(reader, self.reading)
        except TooManyGroups:
            return None

    async def groups(self, aggregates: Aggregates | None) -> BlocksAnswer:
        """The groups, and aggregates over all rows and each group."""
        await self._settled()
        blocks, version = self._blocks, self.version

        def work(reader: Reader) -> BlocksAnswer:
            whole, each = read_aggregates(reader, self.reading, aggregates) if aggregates else ({}, {})
            told_blocks = [] if blocks is None else told(reader, self.reading, blocks, each)
            return {"version": version, "groups": told_blocks, "aggregations": whole}

        answer = await self._read(work)
        if blocks is None and self.reading.grouping is not None:
            answer["tooMany"] = True
        return answer

    def commit(self, commit: Commit) -> None:
        """Take up a commit that touches the table."""
        if self._building:
            self._waiting.append(commit)
            return
        if commit.sequence <= self._order.sequence:
            return
        if self.reading.grouping is not None:
            if _leaves_groups(self.reading, commit.changes):
                self._tell_stale()
            else:
                self._rebuild()  # rows may have moved from block to block
            return
        joined, left, known = _moves(self.reading, commit.changes)
        edits = Crossings(self.reading.scope, "update", (commit,), self._writable)
        crosses = bool(edits) and self.reading.scope.visible() is not None
        if not known or (crosses and not edits.are_told):
            self._rebuild()
        elif joined or left or crosses:
            self._patch(joined, left, edits if crosses else None)

    def commit_elsewhere(self, *, keeps_order: bool = False) -> None:
        """Records that make computed values of this view have changed: what was read is stale, and an order by them."""
        if self._building:
            self._missed = True
            return
        if self.reading.is_natural or keeps_order:
            self._tell_stale()
        else:
            self._rebuild()

    def _tell_stale(self) -> None:
        self.version += 1
        self._changed(self)

    def _patch(self, joined: list[KeyValue], left: list[KeyValue], edits: Crossings | None) -> None:
        """Take up rows; of `edits` those that an edit has brought into the caller's sight or out of it (A-202)."""
        if isinstance(self._order, KeyOrder):
            if self._order.shift(joined, left):
                self._changed(self)
            else:
                self._rebuild()
            return
        before, order = self._work, self._order

        def patch(reader: Reader) -> bool | None:
            found, table = edits.read(reader) if edits is not None else Crossing(), self.reading.scope.table
            came = [*joined, *(parse_key(table, each) for each in found.came)]
            gone = [*left, *(parse_key(table, each) for each in found.left)]
            return order.patch(reader, came, gone) if came or gone else None

        async def work() -> None:
            await asyncio.wait({before})
            if order is not self._order:
                return
            try:
                fits = await self._read(patch)
            except SovriumError:
                fits = False
            if fits is None:
                return
            if not fits:
                self.version += 1
                await self._build()
            self._changed(self)

        self._work = asyncio.ensure_future(work())

    def _rebuild(self) -> None:
        """Build the order anew, once for all commits that come until then."""
        if self._resting:
            return
        self._resting = True
        self._wanted.clear()
        before = self._work

        async def work() -> None:
            await asyncio.wait({before})
            if self._built_in > _PATCHED:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), min(_REST * self._built_in, _REST_MOST))
            self._resting = False
            self.version += 1
            await self._build()

        self._work = asyncio.ensure_future(work())

    async def close(self) -> None:
        """Stop building, give back what is kept."""
        self._cancel.cancel()
        self._wanted.set()
        await asyncio.wait({self._work})
        await self._database.read(Call(self._order.release), lane="long")


def _leaves_groups(reading: Reading, changes: Sequence[ChangeRow]) -> bool:
    """Whether every row stays in its group: only other fields were edited. What is edited stays where it is in its group,
    as it does in orders without groups. A condition may have taken rows in or out."""
    assert reading.grouping is not None
    ref = reading.grouping.ref
    whole_table = reading.where is None and not reading.q and reading.scope.visible() is None
    if not (whole_table and ref.is_stored and ref.is_plain and ref.column in reading.scope.table.fields):
        return False
    return all(
        change.operation.startswith("comment")
        or (change.operation == "update" and ref.column not in (change.after or (ref.column,)))
        for change in changes
        if change.table == reading.scope.table.sql_name
    )


def _moves(reading: Reading, changes: Sequence[ChangeRow]) -> tuple[list[KeyValue], list[KeyValue], bool]:
    """Keys that may have joined the view and keys that have left it; False when the log does not tell."""
    table, in_trash = reading.scope.table, reading.deleted == "only"
    joined: dict[KeyValue, None] = {}
    left: dict[KeyValue, None] = {}
    for change in changes:
        if change.table != table.sql_name:
            continue
        if change.operation in ("import", "sql", "permanent-delete"):
            return [], [], False
        if change.operation == "update" or change.operation.startswith("comment"):
            continue
        arrives = (change.operation == "delete") == in_trash
        key = parse_key(table, change.record)
        (left if arrives else joined).pop(key, None)
        (joined if arrives else left)[key] = None
    return list(joined), list(left), True
