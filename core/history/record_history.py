"""The history of one record, and undoing one of its entries (§10.11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, func, select

from core.auth.people import People
from core.clock import Clock, system_clock, to_iso
from core.errors import BadRequest, FieldError, Invalid, NotFound
from core.fields.model import TableModel
from core.history.entry import Change, Lens, action_of, changes_of_entry, differences, lens_of
from core.principal import Principal, credits_of
from core.records.key import KeyValue, parse_key
from core.records.service import Records
from core.records.sight import is_visible
from core.records.writing import WritableTable
from core.sentence import say
from core.storage.database import Call, Reader, Row
from core.storage.journal import changes_of


@dataclass(frozen=True, slots=True)
class Window:
    """Which entries, and how they are told. `limit` None: all of them."""

    limit: int | None = None
    offset: int = 0
    newest_first: bool = False
    by_field: bool = False

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> "Window":
        """Raises Invalid."""
        field, _, direction = params.get("sort", "createdAt:asc").partition(":")
        if field != "createdAt" or direction not in ("", "asc", "desc"):
            message = "sort is createdAt:asc or createdAt:desc"
            raise Invalid(message, [FieldError("sort", "sort.invalid", message)])
        limit = params.get("limit")
        return cls(
            None if limit is None else int(limit),
            int(params.get("offset", 0)),
            direction == "desc",
            params.get("diff") == "fields",
        )


class RecordHistory:
    """The histories of an app's records. `kept_days` is `history.retentionDays`: older entries are gone, whether they have
    been purged yet or not."""

    def __init__(
        self, records: Records, people: People, *, kept_days: int | None = None, clock: Clock = system_clock
    ) -> None:
        self._records = records
        self._people = people
        self._kept_days = kept_days
        self._clock = clock

    @property
    def oldest(self) -> datetime | None:
        """Entries before that are not told of (R-085)."""
        return None if self._kept_days is None else self._clock() - timedelta(days=self._kept_days)

    async def list(self, principal: Principal, table: TableModel, key: str, window: Window) -> dict[str, Any]:
        """`{history, pagination}`, the oldest entry first unless asked otherwise. Raises NotFound, NotSignedIn."""
        self._records.require(principal, table, "read")
        lens = lens_of(self._records, principal, table)
        target, scope = self._records.writable(table), self._records.scope(principal, table)
        is_admin = self._records.access.sees_all(principal)
        oldest = self.oldest

        def work(reader: Reader) -> dict[str, Any]:
            changes = changes_of(reader, target.log_name, [key])
            there = _is_there(reader, target, key)
            if there is not None and not is_visible(reader, scope, there):
                raise NotFound()
            total, rows = _page(reader, changes, oldest, window, lens)
            if there is None and not (is_admin and total):
                raise NotFound()
            people = self._people.of(reader, [row[2] for row in rows] + [credits_of(row[6])[0] for row in rows])
            return {
                "history": [_told(row, lens, people, window.by_field) for row in rows],
                "pagination": {
                    "limit": total if window.limit is None else window.limit,
                    "offset": window.offset,
                    "total": total,
                },
            }

        return await self._records.database.read(Call(work), lane="point")

    async def revert(
        self, principal: Principal, table: TableModel, key: str, entry: str, records: Records
    ) -> dict[str, Any]:
        """Undo one entry through a write of `records` like any other (R-088): an update gets its old values back, what was
        deleted is restored, what was created or restored goes to the trash. Nothing is undone that the caller does not see.
        `{success, action, record}`, where a record is left.

        Raises NotFound, Invalid, Conflict as that write does; BadRequest where nothing can be undone.
        """
        self._records.require(principal, table, "read")
        target, scope = self._records.writable(table), self._records.scope(principal, table)
        lens = lens_of(self._records, principal, table)
        if not (entry.isascii() and entry.isdigit() and len(entry) < 19):
            raise NotFound()

        def work(reader: Reader) -> Change | None:
            changes = changes_of(reader, target.log_name, [key])
            there = _is_there(reader, target, key)
            if there is None or not is_visible(reader, scope, there):
                return None
            c = changes.c
            rows = reader.rows(select(c.operation, c.before, c.after).where(c.sequence == int(entry)))
            return next(iter(lens.changes(reader, rows)), None)

        found = await self._records.database.read(Call(work), lane="point")
        if found is None:
            raise NotFound()
        operation, before, after = found
        match operation:
            case "update":
                # The field may have been of another type then.
                values = self._old_values(table, before or {}, after or {})
                record = await records.update(principal, table, key, {"fields": values}, typed=False)
            case "delete":
                record = await records.restore(principal, table, key)
            case "create" | "restore":
                await records.delete(principal, table, key)
                return {"success": True, "action": "delete"}
            case _:
                raise BadRequest(say("An entry of {action} cannot be undone", action=action_of(operation)))
        return {"success": True, "action": "update" if operation == "update" else "restore", "record": record}

    @staticmethod
    def _old_values(table: TableModel, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """Those that can be written back. Raises BadRequest where none can."""
        fields = table.fields
        values = {name: before.get(name) for name in after if name in fields and not fields[name].read_only}
        if not values:
            raise BadRequest("None of the fields that this entry changed can be written any more")
        return values


def _is_there(reader: Reader, target: WritableTable, key: str) -> KeyValue | None:
    """The key of a record that exists, in the trash or outside."""
    try:
        values = parse_key(target.table, key)
    except NotFound:
        return None
    return values if target.load(reader, [values]) else None


def _page(reader: Reader, changes: CTE, oldest: datetime | None, window: Window, lens: Lens) -> tuple[int, list[Row]]:
    """The number of all entries, and those asked for."""
    c = changes.c
    columns = (c.sequence, c.time, c.actor, c.operation, c.before, c.after, c.cause, c.transaction)
    statement = select(*columns).order_by(c.sequence.desc() if window.newest_first else c.sequence)
    if oldest is not None:
        statement = statement.where(c.time >= oldest)
    if window.limit is None or lens.names is not None:
        # What a hidden field went through leaves no trace, not even in the numbers.
        rows = reader.rows(statement)
        seen = lens.changes(reader, [row[3:6] for row in rows])
        rows = [(*row[:3], *change, *row[6:]) for row, change in zip(rows, seen, strict=True) if change is not None]
        end = None if window.limit is None else window.offset + window.limit
        return len(rows), rows[window.offset : end]
    counted = statement.add_columns(func.count().over()).limit(window.limit).offset(window.offset)
    rows = reader.rows(counted)
    if rows or not window.offset:
        return (int(rows[0][-1]) if rows else 0), [row[:-1] for row in rows]
    return int(reader.scalar(select(func.count()).select_from(statement.order_by(None).subquery()))), []


def _told(row: Row, lens: Lens, people: Mapping[str, dict[str, Any]], by_field: bool) -> dict[str, Any]:
    sequence, time, actor, operation, before, after, cause, transaction = row
    by, cause = credits_of(cause)
    cause = lens.cause(cause)
    told: dict[str, Any] = {
        "id": str(sequence),
        "action": action_of(operation),
        "createdAt": to_iso(time),
        "changes": changes_of_entry(before, after),
        "user": people.get(actor),
        "batchId": str(transaction),
    }
    if by is not None:
        told["impersonator"] = people.get(by)
    if by_field:
        told["diff"] = differences(before, after)
    if cause is not None:
        told["cause"] = cause
    return told
