"""Ordered views: opened, read by position, followed through commits, closed; and what pickers ask of a table."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from core.contract.console import Blocks, Event, Found, Frequency, GroupSpec, LinkHits, ViewSpec, Window
from core.contract.console import View as ViewState
from core.errors import BadRequest, FieldError, Invalid, NotFound, SovriumError
from core.ids import short_id
from core.principal import OWNER, Principal
from core.query.aggregate import Grouping, parse_aggregates
from core.query.filter import parse_filter
from core.query.list_query import both
from core.query.scope import Scope, UnknownField, linked_table, refused
from core.query.sort import parse_sort
from core.query.view import grouping_of, read_view
from core.records.service import Records
from core.schema.view import GroupBy
from core.storage.database import Call, Commit, Reader
from core.views.link import link_hits
from core.views.reading import Reading
from core.views.view import OpenView
from core.views.window import values_statement

OPEN_AT_MOST = 32
"""Views; the one that was used least recently is closed when another is opened. An order of 10M rows takes some 80 MB."""
KEPT_ROWS_AT_MOST = 40_000_000
WINDOW_AT_MOST = 1_024
_VALUES_AT_MOST = 1_000


class OrderedViews:
    """The open views of one server, on its event loop. `publish` hears of every change of a view's state."""

    def __init__(self, records: Records, publish: Callable[[Event], None] = lambda event: None) -> None:
        self._records = records
        self._database = records.database
        self._publish = publish
        self._views: OrderedDict[str, OpenView] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_listening = self._database.listen(self._committed)

    # ── Views ──

    async def open(self, spec: ViewSpec, principal: Principal = OWNER) -> ViewState:
        """Open a view; its first rows can be read at once. Raises NotFound, BadRequest, Invalid."""
        self._loop = asyncio.get_running_loop()
        table = self._records.table(principal, spec["table"], "read")
        scope = self._records.scope(principal, table)
        where = parse_filter(spec.get("filter"), scope)
        if spec.get("view"):
            where = both(where, read_view(self._records.view(principal, table, spec["view"]), scope).where)
        reading = Reading(
            scope=scope,
            where=where,
            grouping=parse_group(spec.get("groupBy"), scope),
            sort=parse_sort(spec.get("sort"), scope),
            q=str(spec.get("q") or "").strip(),
            deleted="only" if spec.get("deleted") else "without",
        )
        view = OpenView(short_id("view"), reading, self._database, self._changed, self._records.writable, principal)
        self._views[view.id] = view
        await view.opened()
        self._close_old(view)
        return view.state()

    async def get(self, view: str, principal: Principal = OWNER) -> ViewState:
        return self._view(view, principal).state()

    async def window(
        self, view: str, start: int, limit: int, fields: Sequence[str] = (), principal: Principal = OWNER
    ) -> Window:
        """Rows from a position on, at most 1,024. Raises NotFound when the view is not open (any more)."""
        if start < 0 or limit < 1:
            raise BadRequest("start is 0 or more, limit 1 or more")
        return await self._view(view, principal).window(start, min(limit, WINDOW_AT_MOST), fields)

    async def groups(self, view: str, aggregate: str = "", principal: Principal = OWNER) -> Blocks:
        """Groups and aggregates of a view. Raises NotFound, Invalid (an aggregate that cannot be had)."""
        found = self._view(view, principal)
        return await found.groups(parse_aggregates(aggregate, found.reading.scope))

    async def find(
        self,
        view: str,
        text: str,
        start: int = 0,
        *,
        backward: bool = False,
        fields: Sequence[str] = (),
        principal: Principal = OWNER,
    ) -> Found:
        """The nearest row, from `start` on, that shows the text."""
        return await self._view(view, principal).find(text, max(start, 0), backward, fields)

    async def locate(self, view: str, key: str, principal: Principal = OWNER) -> Found:
        """The position of a record."""
        return await self._view(view, principal).locate(key)

    async def close(self, view: str, principal: Principal = OWNER) -> None:
        """Close a view. Raises NotFound."""
        self._view(view, principal)
        await self._views.pop(view).close()

    async def close_all(self) -> None:
        """Close every view and hear of no more commits: readers open theirs again, on the app as it is now."""
        self._stop_listening()
        views, self._views = list(self._views.values()), OrderedDict()
        for view in views:
            await _close_quietly(view)

    def reading(self, view: str, principal: Principal = OWNER) -> Reading:
        """What a view reads, for exports. Raises NotFound."""
        return self._view(view, principal).reading

    def is_of(self, view: str, principal: Principal) -> bool:
        """Whether the caller has opened that view."""
        found = self._views.get(view)
        return found is not None and found.principal == principal

    def stop(self) -> None:
        """Hear of no more commits. The database's end takes the orders with it."""
        self._stop_listening()
        self._views.clear()

    def _view(self, view: str, principal: Principal) -> OpenView:
        """A view is its opener's, with the roles that it was opened with: who has others now opens it anew (P-007)."""
        found = self._views.get(view)
        if found is None or found.principal != principal:
            raise NotFound("The view is not open", hint="Open it again")
        self._views.move_to_end(view)
        return found

    def _scope(self, principal: Principal, name: str) -> Scope:
        """The table as the caller reads it. Raises NotFound, NotSignedIn."""
        return self._records.scope(principal, self._records.table(principal, name, "read"))

    def _close_old(self, newest: OpenView) -> None:
        def rows() -> int:
            return sum(view.state()["count"] for view in self._views.values() if not view.reading.is_natural)

        while len(self._views) > 1 and (len(self._views) > OPEN_AT_MOST or rows() > KEPT_ROWS_AT_MOST):
            _, oldest = self._views.popitem(last=False)
            if oldest is newest:
                return
            task = asyncio.ensure_future(_close_quietly(oldest))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    # ── Commits ──

    def _committed(self, commit: Commit) -> None:
        loop = self._loop
        if loop is not None and self._views and not loop.is_closed():
            loop.call_soon_threadsafe(self._take_up, commit)

    def _take_up(self, commit: Commit) -> None:
        touched = {change.table for change in commit.changes}
        for view in list(self._views.values()):
            own = view.reading.scope.table.sql_name
            if own in touched:
                view.commit(commit)
            if elsewhere := view.reads & touched - {own}:
                # A link tells of both of its records: what was edited stays where it is in its order.
                is_edit = all(change.operation == "update" for change in commit.changes if change.table in elsewhere)
                view.commit_elsewhere(keeps_order=own in touched and is_edit)

    def _changed(self, view: OpenView) -> None:
        if view.id in self._views:
            self._publish({"kind": "view", "view": view.state()})

    # ── Pickers ──

    async def values(
        self, table: str, field: str, *, prefix: str = "", limit: int = 50, principal: Principal = OWNER
    ) -> Frequency:
        """Values of a field with their counts, the most frequent first."""
        scope = self._scope(principal, table)
        try:
            ref = scope.resolve(field)
        except UnknownField as error:
            raise Invalid(error.message, [FieldError("field", "field.unknown", error.message)]) from None
        statement = values_statement(scope, ref, prefix, min(max(limit, 1), _VALUES_AT_MOST))
        rows = await self._database.read(Call(lambda reader: reader.rows(statement)), lane="scan")
        return {"values": [[_plain(ref, value), count] for value, count in rows]}

    async def links(self, table: str, field: str, q: str = "", principal: Principal = OWNER) -> LinkHits:
        """Records that a link field may name."""
        scope = self._scope(principal, table)
        link = None if field in scope.hidden else scope.table.fields.get(field)
        if link is None or link.family != "link":
            raise NotFound()
        far = scope.neighbour(linked_table(scope.model, link))

        def work(reader: Reader) -> LinkHits:
            return {"hits": link_hits(reader, scope, far, field, q.strip())}

        return await self._database.read(Call(work), lane="scan")


async def _close_quietly(view: OpenView) -> None:
    try:
        await view.close()
    except SovriumError:
        return


def parse_group(raw: GroupSpec | None, scope: Scope) -> Grouping | None:
    """How a client asks for groups. Raises Invalid."""
    if raw is None:
        return None
    try:
        ref = scope.resolve(raw["field"])
    except UnknownField as error:
        raise refused("groupBy", error.message) from None
    group = GroupBy(ref.name, raw.get("direction", "asc"), tuple(raw.get("order", ())), bool(raw.get("hideEmpty")))
    return grouping_of(group, ref)


def _plain(ref: Any, value: Any) -> Any:
    return value if isinstance(value, str) else ref.type.to_json(value)
