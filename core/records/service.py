"""Records: the one way to read and change the rows of an app's tables.

Every call carries a principal. Answers are the shapes of `core.contract.records`, ready for orjson.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import and_, select

from core.access.table import CALLERS_KEPT, Access, RowOperation, TableAccess
from core.clock import Clock, system_clock
from core.contract.console import CommitAnswer, CommitRequest
from core.contract.records import Record, RecordList
from core.errors import Busy, DeadlinePassed, Invalid, NotFound, NotSignedIn, SovriumError
from core.fields.model import AppModel, TableModel
from core.files.service import Files
from core.principal import Principal
from core.query.compile import compile_filter
from core.query.filter import Node
from core.query.list_query import ListQuery, parse_deleted, parse_display, parse_expand
from core.query.scope import Scope
from core.records.batch import Batches
from core.records.commit import Commits
from core.records.create import Create
from core.records.crossing import LOOKS_MOST, Crossing, Crossings
from core.records.dependence import Dependence
from core.records.expand import display_links, expand_links
from core.records.guard import GuardedTable, WriteOperation, shape_of
from core.records.idempotency import Answers, Once, Request
from core.records.key import KeyValue, key_in, parse_key
from core.records.reading import GetRow, ListRows, PointReading, SeenReading, list_shape
from core.records.remove import Delete, Removal, Restore
from core.records.request import (
    accept,
    fields_of,
    version_of,
)
from core.records.shape import Shape, display
from core.records.tree import parse_tree, read_tree
from core.records.update import Edit, Update
from core.records.validate import accept_changes, accept_new
from core.records.writing import WritableTable
from core.schema.permission import Operation
from core.schema.view import ViewSpec, find_view
from core.storage.database import Call, Commit, Database, Job, Reader, Transaction

T = TypeVar("T")


class Records:
    """The records of one app model on one database. Safe for any number of concurrent callers on one event loop."""

    def __init__(self, database: Database, model: AppModel, *, clock: Clock = system_clock) -> None:
        self.database = database
        self.model = model
        self.access = Access(model)
        self.clock = clock
        self.files: Files | None = None
        """Where files of values go; None where nobody keeps any."""
        self._writable: dict[int, WritableTable] = {}
        self._fills = True
        self._points: dict[tuple[int, frozenset[str]], PointReading] = {}
        self._sights: dict[tuple[PointReading, Principal], SeenReading] = {}
        self._dependences: dict[Principal, Dependence] = {}
        self.removal = Removal(model, self.writable)
        self._looks = asyncio.Semaphore(LOOKS_MOST)
        self._answers = Answers()
        self._request: Request | None = None
        """What all is written for, where the caller may ask it again."""
        self._commits = Commits(database, model, self.target, self.removal, clock, self.with_files, self._answers)

    def once(self, caller: str, key: str, asked: str, field: str) -> "Records":
        """The same records, to be written for one request under a key of the caller's: asked again, it is given the first
        answer. `asked` tells it from others, `field` names what held the key."""
        records = copy(self)
        records._request = Request(self._answers, caller, key, asked, field)
        return records

    def when_removed(self, forget: Callable[[Transaction, str, Sequence[str]], None]) -> None:
        """Call it, in the transaction, with the SQL name of the table and the ids of records that go for good."""
        self.removal.forgetters.append(forget)

    def scope(self, principal: Principal, table: TableModel) -> Scope:
        """The table as this caller queries it now, who sees of it what the app's rules allow."""
        database, is_free = self.database, self.access.is_free(principal)
        return Scope(
            table,
            self.model,
            database.table,
            database.dialect,
            self.clock(),
            user=principal.id,
            email=principal.email,
            sights=None if is_free else self.access.sights(principal),
        )

    def table(self, principal: Principal, address: str, operation: Operation) -> TableModel:
        """The table of that id, name or SQL name, on which the caller may do that. Raises NotFound, NotSignedIn."""
        table = self.known(principal, address, operation)
        self.require(principal, table, operation)
        return table

    def known(self, principal: Principal, address: str, operation: Operation) -> TableModel:
        """The table of that address, if the caller may do anything with it. Without a session and where the operation asks
        for one NotSignedIn, whether there is such a table or not; else NotFound (T-033, §8.6)."""
        table = self.model.by_address.get(address)
        access = None if table is None else self.access.table(principal, table)
        if self.access.has_accounts and principal.kind == "guest" and (access is None or not access.may(operation)):
            raise NotSignedIn()
        if table is None or access is None or not access.may_anything:
            raise NotFound()
        return table

    def require(self, principal: Principal, table: TableModel, operation: Operation) -> TableAccess:
        """What the caller may do with the table; that operation at least. Raises NotFound, NotSignedIn."""
        return self.access.table(principal, table).require(operation)

    def target(self, principal: Principal, table: TableModel, operation: WriteOperation) -> WritableTable:
        """The table as this caller may write it. Raises NotFound, NotSignedIn."""
        target = self.writable(table).by(principal.id)
        if principal.is_unrestricted:
            return target
        access = self.require(principal, table, operation)
        is_alone = table.stands_alone and not target.files  # a key might be that of a file of a closed table
        if access.is_whole and (is_alone or self.access.is_free(principal)):
            return target
        others = lambda other, wanted: self.target(principal, other, wanted)  # noqa: E731
        shape = self._reading(table, access.concealed).shape
        return GuardedTable(target, access, shape, principal, self.scope(principal, table), operation, others)

    def writable(self, table: TableModel) -> WritableTable:
        """The prepared form of a table for the engine's own writing, which heeds no rule of any caller."""
        found = self._writable.get(id(table))
        if found is None:
            found = WritableTable(table, self.model, self.database.table, self.writable, is_filled=self._fills)
            self._writable[id(table)] = found
        return found

    def leave_unfilled(self) -> None:
        """No language model is set: nobody follows each record of an import on its account."""
        self._fills = False
        self._writable.clear()

    # ── Reading ──

    async def list(self, principal: Principal, table: TableModel, params: Mapping[str, str]) -> RecordList:
        """A page of records with totals (spec §10.4). Raises NotFound, NotSignedIn."""
        self.require(principal, table, "read")
        scope = self.scope(principal, table)
        view = self.view(principal, table, params["view"]) if params.get("view") else None
        return await self._list(ListQuery.parse(params, scope, view=view))

    async def list_view(
        self, principal: Principal, table: TableModel, view: ViewSpec, params: Mapping[str, str]
    ) -> RecordList:
        """A page of a view's records (V-014). A public view opens its table for that, not the fields and rows that rules
        keep from the caller, nor, to who may not read the table, fields that it does not show (V-015, V-016). Raises
        NotFound, NotSignedIn."""
        scope, access = self.scope(principal, table), self.access.table(principal, table)
        if not access.may("read"):
            if view.permissions is None or not view.permissions.public:
                raise access.refusal()
            shut = frozenset(table.fields).difference(view.fields or table.fields)
            scope = replace(scope, sights=self.access.sights(principal, opened=table), shut=shut)
        return await self._list(ListQuery.parse(params, scope, view=view))

    def view(self, principal: Principal, table: TableModel, address: str) -> ViewSpec:
        """The view of that id or name, if the caller may read it. Raises NotFound, NotSignedIn."""
        found = find_view(table.spec.views, address)
        access = self.access.table(principal, table)
        if found is None or not access.may_view(found):
            raise access.refusal() if not access.may("read") else NotFound()
        return found

    async def trash(self, principal: Principal, table: TableModel, params: Mapping[str, str]) -> RecordList:
        """Deleted records, the newest deletion first (R-041)."""
        self.require(principal, table, "read")
        return await self._list(ListQuery.parse(params, self.scope(principal, table), trash=True))

    async def _list(self, query: ListQuery) -> RecordList:
        def work(reader: Reader) -> RecordList:
            answer, rows = ListRows(query).run(reader)
            if query.display:
                display_links(reader, answer["records"], rows, list_shape(query), query.scope, wrapped=True)
            if query.expand:
                expand_links(reader, answer["records"], rows, list_shape(query), query.expand, query.scope)
            return answer

        return await self.database.read(Call(work), lane="scan")

    async def get(
        self, principal: Principal, table: TableModel, key: str, params: Mapping[str, str] | None = None
    ) -> Record:
        """One record; its id stays a number where the key is one. Raises NotFound, NotSignedIn."""
        access = self.require(principal, table, "read")
        values = parse_key(table, key)
        reading = self._reading(table, access.hidden)
        if params:
            return await self._get_with(principal, reading, values, params)
        computes = bool(reading.shape.computed)
        is_judged = access.has_rows("read") or computes
        job = GetRow(self._seen(reading, principal) if is_judged else reading, values)
        row = await self.database.read(job, lane="point", single=not computes)
        record = reading.shape.record(row, number_id=True)
        if "deletedAt" in record:
            raise NotFound()
        return record

    def _reading(self, table: TableModel, hidden: frozenset[str]) -> PointReading:
        """How records of the table are read without these fields."""
        found = self._points.get((id(table), hidden))
        if found is None:
            found = self._points[id(table), hidden] = PointReading(table, shape_of(table, hidden))
        return found

    def _seen(self, reading: PointReading, principal: Principal) -> SeenReading:
        """The same for a caller who may not see every row. One object for each, so that jobs that wait together become one
        statement."""
        found = self._sights.get((reading, principal))
        if found is None:
            if len(self._sights) >= CALLERS_KEPT:
                self._sights.clear()
            found = SeenReading(reading.shape, partial(self.scope, principal, reading.table))
            self._sights[reading, principal] = found
        return found

    async def _get_with(
        self, principal: Principal, reading: PointReading, key: KeyValue, params: Mapping[str, str]
    ) -> Record:
        scope = self.scope(principal, reading.table)
        with_deleted = parse_deleted(params) != "without"
        names, how = parse_expand(params.get("expand"), scope), parse_display(params)
        tree = parse_tree(params.get("tree"), scope)
        shape = Shape(
            reading.table, reading.shape.fields, deleted=with_deleted, arrays=params.get("lookups") == "array"
        )

        seen = GetRow(SeenReading(shape, lambda: scope), key)

        def work(reader: Reader) -> Record:
            row = seen.run(reader)
            record = shape.record(row, number_id=True)
            if "deletedAt" in record and not with_deleted:
                raise NotFound()
            if tree is not None:
                record[tree[0]] = read_tree(reader, scope, key, *tree)  # type: ignore[literal-required]
            if how is not None:
                display(record, row, shape, how, wrapped=False)
                display_links(reader, [record], [row], shape, scope, wrapped=False)
            expand_links(reader, [record], [row], shape, names, scope)
            return record

        return await self.database.read(Call(work), lane="point")

    # ── Writing ──

    async def create(self, principal: Principal, table: TableModel, body: Mapping[str, Any]) -> Record:
        """Create a record from `{"fields": {…}}` or the bare map of fields (R-003). Raises Invalid, Conflict, NotFound."""
        target = self.target(principal, table, "create")
        raw = await self.with_files(target, fields_of(body), principal)
        read = accept(target, raw, lambda given: accept_new(table, given, self.clock(), typed=True))
        values = target.signed(read, principal.id)
        return cast(Record, await self.write(target, Create(target, values), principal, target.shape.from_values))

    async def update(
        self,
        principal: Principal,
        table: TableModel,
        key: str,
        body: Mapping[str, Any],
        *,
        force: bool = False,
        typed: bool = True,
    ) -> Record:
        """Change the given fields. With `updatedAt` beside `fields`, only that version (R-036). With `force` an
        administrator changes a locked record, too (T-082). Not `typed`: values are texts, as a form sends them. Raises
        NotFound, Invalid, Conflict (`current` holds the record as it is)."""
        raw, version = fields_of(body), version_of(body)
        target = self.target(principal, table, "update")
        record = parse_key(table, key)
        raw = await self.with_files(target, raw, principal)
        try:
            values = accept(target, raw, lambda given: accept_changes(table, given, typed=typed))
        except Invalid:
            await self._find(target, record)  # what is wrong with the values of no record is not told (§8.6)
            raise
        edit = Edit(record, values, version, principal.id, unlocks=force and self.access.sees_all(principal))
        tell = partial(target.shape.from_values, number_id=True)
        return cast(Record, await self.write(target, Update(target, edit), principal, tell))

    async def delete(
        self,
        principal: Principal,
        table: TableModel,
        key: str,
        *,
        permanent: bool = False,
        purge: bool = False,
        updated_at: str | None = None,
    ) -> bool:
        """Move a record to the trash, or out of existence, with `purge` its files.

        True when links elsewhere were cleared. Raises NotFound,
        Conflict (restrict: status 400)."""
        target = self.target(principal, table, "permanentDelete" if permanent else "delete")
        job = Delete(
            self.removal, target, [parse_key(table, key)], permanent=permanent, purge=purge, version=updated_at
        )
        return cast(bool, await self.write(target, job, principal, lambda done: done[1]))

    async def restore(self, principal: Principal, table: TableModel, key: str) -> Record:
        """Take a record out of the trash. Raises NotFound, BadRequest (not deleted), Conflict (unique)."""
        target = self.target(principal, table, "restore")
        job = Restore(self.removal, target, [parse_key(table, key)])
        tell = partial(target.shape.from_values, number_id=True)
        return cast(Record, await self.write(target, job, principal, lambda rows: tell(rows[0])))

    @property
    def batches(self) -> Batches:
        """Many records at once."""
        return Batches(self)

    async def commit(self, principal: Principal, request: CommitRequest) -> CommitAnswer:
        """Staged edits of several tables in one transaction, all or nothing (`core.contract.console`)."""
        return await self._commits.commit(principal, request)

    async def visible_keys(self, principal: Principal, table: TableModel, ids: Sequence[str]) -> Sequence[str]:
        """Those of the records, in the trash or outside, that the caller may see."""
        scope = self.scope(principal, table)
        condition = scope.visible()
        keys = [parse_key(table, each) for each in ids]
        if condition is None or not keys:
            return ids
        columns = [scope.source.c[name] for name in table.key.fields]
        statement = select(*columns).where(key_in(table, scope.source, keys), condition)
        found = set(await self.database.read(Call(lambda reader: reader.rows(statement)), lane="point"))
        return [each for each, key in zip(ids, keys, strict=True) if key in found]

    async def crossing(
        self, principal: Principal, table: TableModel, operation: str, commits: Sequence[Commit]
    ) -> Crossing | None:
        """What became of the rows that commits changed that way, as far as the caller sees or saw them; None: there is no
        telling, or too many of them, or to find out takes too long."""
        found = Crossings(self.scope(principal, table), operation, commits, self.writable)
        if not found.are_told:
            return None
        async with self._looks:
            try:
                return await self.database.read(Call(found.read), lane="scan")
            except (Busy, DeadlinePassed):
                return None

    def elsewhere(
        self, principal: Principal, table: str, operation: str, commits: Sequence[Commit], *, seen: bool
    ) -> Sequence[str]:
        """SQL names of tables of which the caller may see other rows now that commits changed a table that way. Where it has
        `seen` nothing of those changes, its policies, which ask of what it sees, are answered as before."""
        found = self._dependences.get(principal)
        if found is None:
            if len(self._dependences) >= CALLERS_KEPT:
                self._dependences.clear()
            by_rows = [each for each in self.model if self.access.table(principal, each).has_rows("read")]
            found = Dependence.of(self.model, [self.scope(principal, each) for each in by_rows])
            self._dependences[principal] = found
        names = found.concerned(table, operation, commits)
        return [name for name in names if seen or self.model.by_sql_name[name].spec.row_rules is not None]

    async def reaches(self, principal: Principal, table: TableModel, key: str, operation: RowOperation) -> bool:
        """Whether a record that is there, in the trash or outside, meets the row rules of a caller for that."""
        node = self.access.table(principal, table).rows(operation, principal, self.scope(principal, table))
        return await self.meets(principal, table, key, node)

    async def meets(self, principal: Principal, table: TableModel, key: str, node: Node | None) -> bool:
        """Whether a record that is there meets a condition of the app's."""
        scope = self.scope(principal, table)
        try:
            values = parse_key(table, key)
        except NotFound:
            return False
        condition = and_(key_in(table, scope.source, [values]), compile_filter(node, replace(scope, sights=None)))
        statement = select(scope.source.c[table.key.fields[0]]).where(condition)
        return bool(await self.database.read(Call(lambda reader: reader.rows(statement)), lane="point"))

    async def with_files(
        self, target: WritableTable, raw: Mapping[str, Any], principal: Principal
    ) -> Mapping[str, Any]:
        """The values with what stands in them as content put into the store."""
        if not target.files or self.files is None:
            return raw
        return await self.files.take_in(target.table, raw, principal.actor)

    async def write(
        self, target: WritableTable, job: Any, principal: Principal, tell: Callable[[Any], Any] | None = None
    ) -> Any:
        """What `tell` makes of what the job gives: the answer to the caller, which is kept where they may ask again. Without
        `tell` it is a step on the way to one. A refusal tells no more than the caller may know."""
        if tell is not None and self._request is not None:
            job, tell = Once(job, self._request, tell), None
        elif target.peers is not None and job.group is not None:
            job.group = (job.group, target.peers)
        try:
            given = await self.database.write(job, actor=principal.actor)
            return given if tell is None else tell(given)
        except SovriumError as error:
            if (told := target.refusal(error)) is error:
                raise
            raise told from None

    def keyed(self, job: Job[T]) -> Job[T]:
        """The job, to be done once for all requests under the caller's key."""
        return job if self._request is None else Once(job, self._request, lambda given: given)

    async def step_by_step(self, principal: Principal, work: Callable[[], Awaitable[T]]) -> T:
        """What work of several transactions gives. Asked again, the caller is given the first answer; what was broken off
        goes on."""
        request = self._request
        if request is None:
            return await work()
        kept = await self.database.read(Call(request.kept), lane="point")
        if kept is not None:
            return cast(T, kept[0])
        given = await work()
        keep = Call(lambda tx: request.answered(tx, lambda: given))
        return cast(T, await self.database.write(keep, actor=principal.actor))

    async def _find(self, target: WritableTable, key: KeyValue) -> None:
        """Raises NotFound when the caller's operation would not find the record."""

        def work(reader: Reader) -> None:
            row = target.load(reader, [key]).get(key)
            if row is None or row["deleted_at"] is not None:
                raise NotFound()

        await self.database.read(Call(work), lane="point")
