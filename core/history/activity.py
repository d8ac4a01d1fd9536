"""The activity of all tables: the change log, newest first, as far as the caller may see what it is about (§10.11)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from core.auth.error import AuthError
from core.auth.people import People
from core.clock import Clock, from_day, system_clock, to_iso
from core.errors import BadRequest, NotFound
from core.fields.model import AppModel, TableModel
from core.history.entry import OPERATIONS, action_of, changes_of_entry, differences, lens_of
from core.history.record_history import RecordHistory
from core.history.trace import leaves_trace
from core.principal import Principal, credits_of
from core.query.address import address
from core.records.service import Records
from core.sentence import say
from core.storage.database import Call, Reader
from core.storage.journal import CHANGES

PAGE_SIZE = 20
PAGE_MOST = 100
KEPT_DAYS = 365
"""How far back the feed goes where the app file says nothing (auth A-180)."""
_OTHER_NAMES = {"table": "tableName", "from": "startDate", "to": "endDate"}
"""Both spellings are taken (auth D14)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of the feed."""

    page: int = 1
    size: int = PAGE_SIZE
    table: str | None = None
    action: str | None = None
    user: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> "Question":
        """Raises BadRequest (R-086)."""
        params = {_OTHER_NAMES.get(name, name): value for name, value in params.items()}
        action = params.get("action")
        if action is not None and action not in OPERATIONS:
            raise BadRequest(say("action is one of {names}", names=", ".join(OPERATIONS)), parameter="action")
        return cls(
            page=_number(params, "page", 1),
            size=_number(params, "pageSize", PAGE_SIZE, PAGE_MOST),
            table=params.get("tableName"),
            action=action,
            user=params.get("userId"),
            since=_instant(params, "startDate"),
            until=_instant(params, "endDate", end=True),
        )


def _number(params: Mapping[str, str], name: str, default: int, most: int = 1_000_000_000) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= most):
        raise BadRequest(say("{name} is a whole number from 1 to {most:,}", name=name, most=most), parameter=name)
    return int(text)


def _instant(params: Mapping[str, str], name: str, *, end: bool = False) -> datetime | None:
    text = params.get(name)
    if not text:
        return None
    try:
        return from_day(text, end=end)
    except ValueError:
        raise BadRequest(say("{name} is a day or an instant, such as 2026-02-01", name=name), parameter=name) from None


class Activity:
    """The feed of one app."""

    def __init__(self, records: Records, people: People, history: RecordHistory, clock: Clock = system_clock) -> None:
        self._records = records
        self._clock = clock
        auth = records.model.app.auth
        self._hidden = auth is None or auth.hide_admin_api
        """What is for administrators is not there for others (auth D1)."""
        self._people = people
        self._history = history

    async def list(self, principal: Principal, question: Question) -> dict[str, Any]:
        """`{activities, pagination}`. Raises NotFound: somebody else's activity is for admins."""
        access = self._records.access
        if question.user is not None and question.user != principal.id and not access.sees_all(principal):
            raise NotFound() if self._hidden else AuthError("FORBIDDEN")
        where = and_(self._seen(principal, question.table), self._asked(question))
        c = CHANGES.c
        columns = (c.sequence, c.time, c.actor, c.operation, c.table, c.record, c.cause)
        page = select(*columns).where(where).order_by(c.sequence.desc())
        page = page.limit(question.size).offset((question.page - 1) * question.size)

        def work(reader: Reader) -> dict[str, Any]:
            rows = reader.rows(page)
            total = int(reader.scalar(select(func.count()).select_from(CHANGES).where(where)))
            people = self._people.of(reader, [row[2] for row in rows] + [credits_of(row[-1])[0] for row in rows])
            pages = {
                "total": total,
                "page": question.page,
                "pageSize": question.size,
                "totalPages": -(-total // question.size),
            }
            return {
                "activities": [self._told(row, people) for row in rows],
                "pagination": pages,
                **pages,
            }

        return await self._records.database.read(Call(work), lane="scan")

    async def get(self, principal: Principal, entry: str) -> dict[str, Any]:
        """One entry with its changes. Raises BadRequest for what is no id of one (A-183), NotFound."""
        if not (entry.isascii() and entry.isdigit() and len(entry) < 19):
            raise BadRequest("The id of an entry is a number", field="id")
        c = CHANGES.c
        columns = (c.sequence, c.time, c.actor, c.operation, c.table, c.record, c.before, c.after, c.cause)
        statement = select(*columns).where(
            c.sequence == int(entry), self._seen(principal, None), self._asked(Question())
        )

        def work(reader: Reader) -> dict[str, Any]:
            rows = reader.rows(statement)
            if not rows:
                raise NotFound()
            (row,) = rows
            told = self._told(row, self._people.of(reader, [row[2], credits_of(row[-1])[0]]))
            table = self._records.model.by_sql_name.get(row[4])
            lens = lens_of(self._records, principal, table)
            (seen,) = lens.changes(reader, [(row[3], row[6], row[7])])
            if seen is None:
                raise NotFound()
            _, before, after = seen
            is_gone = row[3] in ("delete", "permanent-delete")
            told["changes"] = None if is_gone else changes_of_entry(before, after)
            told["diff"] = None if is_gone else differences(before, after)
            cause = lens.cause(credits_of(row[8])[1])
            return told if cause is None else told | {"cause": cause}

        return await self._records.database.read(Call(work), lane="scan")

    def _told(self, row: tuple[Any, ...], people: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        sequence, time, actor, operation, table, record, *_, cause = row
        person, by = people.get(actor), credits_of(cause)[0]
        known = self._records.model.by_sql_name.get(table)
        return {
            "id": str(sequence),
            "createdAt": to_iso(time),
            "timestamp": to_iso(time),
            "userId": None if person is None else person["id"],
            "action": action_of(operation),
            "tableName": table if known is None else known.name,
            "table": table if known is None else known.name,
            "recordId": record or None,
            "user": person,
            **({} if by is None else {"impersonator": people.get(by)}),
        }

    def _asked(self, question: Question) -> ColumnElement[bool]:
        c = CHANGES.c
        parts: list[ColumnElement[bool]] = [c.sequence >= 0]
        if question.action is not None:
            parts.append(c.operation == OPERATIONS[question.action])
        if question.user is not None:
            parts.append(c.actor == question.user)
        oldest = self._history.oldest or self._clock() - timedelta(days=KEPT_DAYS)
        parts.append(c.time >= max(oldest, question.since or oldest))
        if question.until is not None:
            parts.append(c.time < question.until)
        return and_(*parts)

    def _seen(self, principal: Principal, address: str | None) -> ColumnElement[bool]:
        """Entries of the tables that the caller may read, of rows and fields that the caller may see."""
        model = self._records.model
        if address is None:
            if self._records.access.sees_all(principal):
                return CHANGES.c.sequence >= 0  # tables that are no more among them
            wanted: Iterable[TableModel] = _enabled(model)
        else:
            table = model.by_address.get(address)
            if table is None or not self._records.access.table(principal, table).may("read"):
                raise NotFound()
            wanted = [table]
        return or_(false(), *(self._of(principal, table) for table in wanted))

    def _of(self, principal: Principal, table: TableModel) -> ColumnElement[bool]:
        c = CHANGES.c
        if not self._records.access.table(principal, table).may("read"):
            return false()
        scope = self._records.scope(principal, table)
        visible = scope.visible()
        told = and_(c.table == table.sql_name, leaves_trace(lens_of(self._records, principal, table)))
        if visible is None:
            return told
        key = address([scope.source.c[name] for name in table.key.fields])
        return and_(told, c.record.in_(select(key).where(visible)))


def _enabled(model: AppModel) -> list[TableModel]:
    return [table for table in model if not table.spec.disabled]
