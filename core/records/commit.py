"""Staged edits: changes of several tables in one transaction, with an outcome for each (`core.contract.console`).

The checks that a preview makes are those of the commit itself: it runs in the writer as the commit would, and is rolled
back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from core.clock import Clock
from core.contract.console import COMMIT_CHANGES_MOST, CommitAnswer, CommitRequest, Outcome
from core.errors import BadRequest, Conflict, FieldError, Invalid, NotFound, SovriumError, TooLarge
from core.fields.link import LinksField
from core.fields.model import AppModel, TableModel
from core.principal import Principal
from core.query.scope import linked_table
from core.records.guard import WriteOperation
from core.records.idempotency import Answers, Request, fingerprint
from core.records.key import parse_key
from core.records.preview import delete_text, insert_text, restore_text, update_text
from core.records.remove import Removal, check_version
from core.records.request import read_version
from core.records.row_check import Candidate, check_rows
from core.records.update import Edit, update_valid
from core.records.validate import Values, accept_changes, accept_new, invalid
from core.records.writing import Stored, WritableTable, personal
from core.sentence import say
from core.storage.database import Database, Transaction

_OPERATIONS = ("create", "update", "delete", "restore")
_REFUSALS = (NotFound, Conflict, Invalid, BadRequest)


@dataclass(slots=True)
class Staged:
    """One change on its way. `links` are fields that name records of the same commit by their refs; `beside` what such a
    field of several links names besides."""

    ref: str
    op: str
    target: WritableTable
    raw: Mapping[str, Any]
    id: str | None = None
    version: str | None = None
    values: Values = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    row: Stored | None = None
    error: SovriumError | None = None
    skipped: bool = False

    @property
    def is_open(self) -> bool:
        return self.row is None and self.error is None and not self.skipped


TakeIn = Callable[[WritableTable, Mapping[str, Any], Principal], Awaitable[Mapping[str, Any]]]


class Undone(Exception):
    """Rolls the transaction back: a dry run, or a change that cannot be made."""


class Commits:
    """Answers commit requests; a repeated one with the same key gets the first answer, whatever happened meanwhile."""

    def __init__(
        self,
        database: Database,
        model: AppModel,
        target: Callable[[Principal, TableModel, WriteOperation], WritableTable],
        removal: Removal,
        clock: Clock,
        take_in: "TakeIn",
        answers: Answers,
    ) -> None:
        """`take_in` keeps files whose content stands in values."""
        self._take_in = take_in
        self._database = database
        self._model = model
        self._target = target
        self._removal = removal
        self._clock = clock
        self._answers = answers
        self._under_way: dict[str, tuple[str, asyncio.Future[CommitAnswer]]] = {}

    async def commit(self, principal: Principal, request: CommitRequest) -> CommitAnswer:
        """Raises BadRequest when the request cannot be read; what is wrong with a change is in its outcome."""
        key = request.get("idempotencyKey")
        if not key or request.get("dryRun"):
            return await self._run(principal, request)
        caller, asked = principal.keeper, fingerprint(request.get("changes"))
        once = Request(self._answers, caller, key, asked, "idempotencyKey")
        slot = f"{caller} {key}"
        before, task = self._under_way.get(slot, (asked, None))
        once.check_same(before)
        if task is None:
            # A task of its own: it goes on even when the caller's connection breaks meanwhile.
            task = asyncio.ensure_future(self._run(principal, request, once))
            self._under_way[slot] = asked, task
            task.add_done_callback(lambda done: self._forget(slot, done))
        return await asyncio.shield(task)

    def _forget(self, slot: str, done: "asyncio.Future[CommitAnswer]") -> None:
        del self._under_way[slot]
        if not done.cancelled():
            done.exception()  # everybody who waited may have left: asyncio would complain that nobody has looked

    async def _run(self, principal: Principal, request: CommitRequest, once: Request | None = None) -> CommitAnswer:
        staged = self._read(principal, request)
        for change in staged:
            try:
                change.raw = await self._take_in(change.target, change.raw, principal)
            except Invalid as error:
                change.error = error
                continue
            self._accept(change, staged)
        job = _Commit(staged, self._removal, dry=bool(request.get("dryRun")), once=once)
        try:
            return await self._database.write(job, actor=principal.actor)
        except Undone:
            return job.answer(committed=False)

    def _read(self, principal: Principal, request: CommitRequest) -> list[Staged]:
        raw: Any = request.get("changes")
        if not isinstance(raw, list) or not raw:
            raise BadRequest("changes is a list with one change or more")
        if len(raw) > COMMIT_CHANGES_MOST:
            raise TooLarge(say("At most {most:,} changes in one commit", most=COMMIT_CHANGES_MOST))
        targets: dict[tuple[str, str], WritableTable] = {}
        staged = [self._read_one(principal, change, targets) for change in raw]
        if len({change.ref for change in staged}) < len(staged):
            raise BadRequest("Each change has a ref of its own")
        return staged

    def _read_one(self, principal: Principal, raw: Any, targets: dict[tuple[str, str], WritableTable]) -> Staged:
        if not isinstance(raw, Mapping) or raw.get("op") not in _OPERATIONS or not isinstance(raw.get("ref"), str):
            raise BadRequest("A change has ref, op (create, update, delete, restore) and table")
        table = self._model.by_address.get(str(raw.get("table")))
        if table is None:
            raise NotFound()
        target = targets.get((table.sql_name, raw["op"]))
        if target is None:
            target = targets[table.sql_name, raw["op"]] = self._target(principal, table, raw["op"])
        fields = raw.get("fields", {})
        if not isinstance(fields, Mapping) or (raw["op"] != "create" and "id" not in raw):
            raise BadRequest(say("Change {ref!r}: fields is a map, and all but create name an id", ref=raw["ref"]))
        key = None if raw["op"] == "create" else str(raw["id"])
        if not target.locked.isdisjoint(set(fields) - target.ignored):
            raise NotFound()
        fields = {name: value for name, value in fields.items() if name not in target.ignored}
        return Staged(raw["ref"], raw["op"], target, personal(target, fields), key, read_version(raw.get("updatedAt")))

    def _accept(self, change: Staged, staged: Sequence[Staged]) -> None:
        """Check the values; links to records of the same commit are put aside until those exist."""
        if change.op not in ("create", "update"):
            return
        table = change.target.table
        try:
            raw = {name: self._without_ref(change, name, value, staged) for name, value in change.raw.items()}
            accepted = accept_new(table, raw, self._clock()) if change.op == "create" else accept_changes(table, raw)
        except Invalid as error:
            change.error = error
            return
        change.values = {name: value for name, value in accepted.items() if name not in change.links}
        change.beside = {name: value for name, value in accepted.items() if name in change.links}

    def _without_ref(self, change: Staged, name: str, value: Any, staged: Sequence[Staged]) -> Any:
        link = change.target.table.fields.get(name)
        named = [each for each in (value if isinstance(value, list) else [value]) if _is_ref(each)]
        if link is None or link.family != "link" or not named:
            return value
        far = linked_table(self._model, link)
        for each in named:
            made = next((other for other in staged if other.ref == each["ref"] and other.op == "create"), None)
            if made is None or made.target.table is not far:
                message = say("{name}: {ref!r} is no new record of the linked table", name=name, ref=each["ref"])
                raise invalid([FieldError(name, "link.missing", message)])
        change.links[name] = [each["ref"] for each in named]
        if isinstance(value, list):
            return [each for each in value if not _is_ref(each)]
        return "0"  # a valid key, so that the other checks run; never stored


@dataclass(slots=True)
class _Commit:
    """The job. Changes that need nothing first, then new records level by level, then what links to them."""

    staged: list[Staged]
    removal: Removal
    dry: bool
    once: Request | None = None
    statements: list[str] = field(default_factory=list)
    group: Hashable | None = None

    def run(self, tx: Transaction) -> CommitAnswer:
        if self.once is None:
            return self._made(tx)
        return cast(CommitAnswer, self.once.answered(tx, lambda: self._made(tx)))

    def _made(self, tx: Transaction) -> CommitAnswer:
        self._apply(tx)
        return self.answer(committed=True)

    def run_group(self, tx: Transaction, jobs: Sequence["_Commit"]) -> list[CommitAnswer]:
        return [job.run(tx) for job in jobs]

    def answer(self, *, committed: bool) -> CommitAnswer:
        return {
            "committed": committed,
            "outcomes": [_outcome(change, final=committed or self.dry) for change in self.staged],
            "statements": self.statements,
        }

    def _apply(self, tx: Transaction) -> None:
        """Make the changes. Raises Undone when they must not stay."""
        self._reset()
        self._restore(tx)
        self._update(tx, [change for change in self._open("update") if not change.links])
        while level := [change for change in self._open("create") if self._linked(change)]:
            self._create(tx, level)
        self._update(tx, [change for change in self._open("update") if self._linked(change)])
        self._delete(tx)
        for change in self.staged:
            change.skipped = change.is_open
        if self.dry or any(change.error or change.skipped for change in self.staged):
            raise Undone

    def _reset(self) -> None:
        """The writer may run a job twice."""
        self.statements.clear()
        for change in self.staged:
            change.row, change.skipped = None, False

    def _open(self, op: str) -> list[Staged]:
        return [change for change in self.staged if change.op == op and change.is_open]

    def _linked(self, change: Staged) -> bool:
        """Put in the ids of the new records that it links to; False while one of them is missing."""
        made = {other.ref: other for other in self.staged if other.row is not None}
        if any(ref not in made for refs in change.links.values() for ref in refs):
            return False
        for name, refs in change.links.items():
            link = change.target.table.fields[name]
            rows = [row for ref in refs if (row := made[ref].row) is not None]
            if isinstance(link, LinksField):
                change.values[name] = sorted({*change.beside[name], *(row[link.relation.far] for row in rows)})
            else:
                change.values[name] = rows[0][self._column_of(change, name)]
        return True

    @staticmethod
    def _column_of(change: Staged, name: str) -> str:
        return next(column for link, _, column in change.target.links if link == name)

    def _create(self, tx: Transaction, changes: Sequence[Staged]) -> None:
        for target, group in _by_table(changes):
            errors = check_rows(target, tx, [Candidate(change.values, change.values.keys()) for change in group])
            for place, error in errors.items():
                group[place].error = error
            good = [change for change in group if change.error is None]
            for change, row in zip(good, target.insert(tx, [change.values for change in good]), strict=True):
                change.row = row
                self.statements.append(insert_text(target, change.values))

    def _update(self, tx: Transaction, changes: Sequence[Staged]) -> None:
        for target, group in _by_table(changes):
            known = [change for change in group if self._parse(change)]
            edits = [Edit(parse_key(target.table, str(c.id)), c.values, c.version, c.target.author) for c in known]
            for change, edit, result in zip(known, edits, update_valid(tx, target, edits), strict=True):
                if isinstance(result, SovriumError):
                    change.error = result
                else:
                    change.row = result
                    self.statements.append(update_text(target, edit.key, change.values))

    def _delete(self, tx: Transaction) -> None:
        for target, group in _by_table(self._open("delete")):
            found: list[tuple[Staged, Stored]] = []
            for change, row in self._load(tx, target, group):
                try:
                    if row["deleted_at"] is not None:
                        raise NotFound()
                    check_version(target, row, change.version)
                except (NotFound, Conflict) as error:
                    change.error = error
                    continue
                found.append((change, row))
            for change, row in self._together(found, partial(self.removal.to_trash, tx, target)):
                self.statements.append(delete_text(change.target, change.target.key_of(row), tx.time))

    def _restore(self, tx: Transaction) -> None:
        for target, group in _by_table(self._open("restore")):
            found: list[tuple[Staged, Stored]] = []
            for change, row in self._load(tx, target, group):
                if row["deleted_at"] is None:
                    change.error = BadRequest("The record is not deleted")
                else:
                    found.append((change, row))
            for change, row in self._together(found, partial(self.removal.restore, tx, target)):
                self.statements.append(restore_text(change.target, change.target.key_of(row)))

    @staticmethod
    def _together(
        found: Sequence[tuple[Staged, Stored]], work: Callable[[Sequence[Stored]], object]
    ) -> Iterator[tuple[Staged, Stored]]:
        """Do it to all rows by the same statements; what went through. When that is refused each runs alone, to know whose
        fault it is: the commit does not stay anyway."""
        try:
            work([row for _, row in found])
        except _REFUSALS:
            for change, row in found:
                try:
                    work([row])
                except _REFUSALS as error:
                    change.error = error
        for change, row in found:
            if change.error is None:
                change.row = row
                yield change, row

    def _load(self, tx: Transaction, target: WritableTable, group: Sequence[Staged]) -> list[tuple[Staged, Stored]]:
        """The rows that changes of a table are about; one that is not there, or named before, is missing."""
        keys = {parse_key(target.table, str(change.id)): change for change in reversed(group) if self._parse(change)}
        rows = target.load(tx, list(keys), lock=True)
        there = {id(keys[key]): row for key, row in rows.items()}
        for change in group:
            if id(change) not in there and change.error is None:
                change.error = NotFound()
        return [(change, there[id(change)]) for change in group if id(change) in there]

    @staticmethod
    def _parse(change: Staged) -> bool:
        try:
            parse_key(change.target.table, str(change.id))
        except NotFound as error:
            change.error = error
            return False
        return True


def _by_table(changes: Sequence[Staged]) -> list[tuple[WritableTable, list[Staged]]]:
    groups: dict[int, tuple[WritableTable, list[Staged]]] = {}
    for change in changes:
        groups.setdefault(id(change.target), (change.target, []))[1].append(change)
    return list(groups.values())


def _is_ref(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"ref"}


def _outcome(change: Staged, *, final: bool) -> Outcome:
    """`final`: the commit was made, or is a dry run; else a good change was left out because of its neighbours."""
    shape = change.target.shape
    out: Outcome = {"ref": change.ref, "status": "ok" if final and not change.skipped else "skipped"}
    if change.id is not None:
        out["id"] = change.id
    if change.error is not None:
        return cast(Outcome, {**out, **_refusal(change.target.refusal(change.error))})
    if final and change.row is not None:
        out["record"] = shape.from_values(change.row)
        out["id"] = out["record"]["id"]  # type: ignore[typeddict-item]
    return out


def _refusal(error: SovriumError) -> dict[str, Any]:
    if isinstance(error, NotFound):
        return {"status": "missing"}
    if isinstance(error, Conflict) and "current" in error.extra:
        return {"status": "conflict", "current": {**error.extra["current"], "id": str(error.extra["current"]["id"])}}
    if isinstance(error, Invalid) and error.errors:
        return {"status": "invalid", "errors": [each.body() for each in error.errors]}
    names = error.extra.get("fields") or [""]
    entries = [FieldError(name, error.code.lower(), error.message).body() for name in names]
    return {"status": "invalid", "errors": entries}
