"""What people see of webhooks, and may do with them (§10.14)."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, func, insert, select, update

from core.clock import Clock, system_clock, to_iso
from core.errors import FieldError, Invalid, NotFound
from core.fields.model import TableModel
from core.ids import uuid7
from core.principal import Principal
from core.records.service import Records
from core.records.sight import parted_links
from core.schema.model import WebhookSpec
from core.storage.database import Call, Reader, Transaction
from core.webhooks.store import DELIVERIES
from core.webhooks.worker import Deliveries, delivery_row, outcome

LIMIT = 20
LIMIT_MOST = 100
STATUSES = ("all", "success", "failed")
_LISTED = ("id", "webhook", "event", "status", "http_status", "attempts", "requested_at", "completed_at")
_COLUMNS = (*_LISTED, "duration", "error")
_DETAIL = ("request_headers", "request_body", "response_headers", "response_body", "log", "record")


class Webhooks:
    """The webhooks of one app. `worker` None: no table has any."""

    def __init__(self, records: Records, worker: Deliveries | None, clock: Clock = system_clock) -> None:
        self._records = records
        self._worker = worker
        self._clock = clock

    def list(self, principal: Principal, table: TableModel) -> dict[str, Any]:
        """`{webhooks}`. Whoever has the address of a chat's hook can write there: what follows a `?` in one is for
        administrators, its path for those who may change records. Raises NotFound, NotSignedIn."""
        access = self._records.require(principal, table, "read")
        sees_all = self._records.access.sees_all(principal)
        sees_path = access.may("update")
        told = [
            {
                "name": hook.name,
                "url": hook.url if sees_all else _shortened(hook.url, path=sees_path),
                "events": [event for event in ("create", "update", "delete") if event in hook.events],
                "enabled": hook.enabled,
            }
            for hook in table.spec.webhooks
        ]
        return {"webhooks": told}

    async def deliveries(
        self, principal: Principal, table: TableModel, name: str, params: Mapping[str, str]
    ) -> dict[str, Any]:
        """`{deliveries, nextCursor, totalCount}`, the newest first. Raises NotFound, NotSignedIn, Invalid."""
        worker, _ = self._find(principal, table, name)
        limit = min(int(params.get("limit", LIMIT)), LIMIT_MOST)
        status, cursor = params.get("status", "all"), params.get("cursor")
        d = DELIVERIES.c
        where = and_(d.table == table.sql_name, d.webhook == name)
        if status != "all":
            where = and_(where, d.status == status)
        listed = select(*(d[column] for column in _COLUMNS)).where(where).order_by(d.id.desc()).limit(limit + 1)
        if cursor is not None:
            if len(cursor) != len(uuid7()) or not cursor.replace("-", "").isalnum():
                message = "cursor is the nextCursor of the page before"
                raise Invalid(message, [FieldError("cursor", "cursor.invalid", message)])
            listed = listed.where(d.id < cursor)

        def work(reader: Reader) -> dict[str, Any]:
            if not worker.own.stand(reader):
                return {"deliveries": [], "nextCursor": None, "totalCount": 0}
            rows = reader.rows(listed)
            total = int(reader.scalar(select(func.count()).select_from(DELIVERIES).where(where)))
            following = str(rows[limit - 1][0]) if len(rows) > limit else None
            told = [_told(dict(zip(_COLUMNS, row, strict=True))) for row in rows[:limit]]
            return {"deliveries": told, "nextCursor": following, "totalCount": total}

        return await self._records.database.read(Call(work), lane="scan")

    async def delivery(self, principal: Principal, table: TableModel, name: str, id_: str) -> dict[str, Any]:
        """One delivery whole. Of which record it is, what was sent and what came back, in which it may stand again, is told
        to those from whom nothing of the table is kept, nor of what its records link. Raises NotFound."""
        worker, _ = self._find(principal, table, name)
        access, scope = self._records.access, self._records.scope(principal, table)
        own = access.table(principal, table)
        row = await self._records.database.read(Call(lambda reader: self._read(reader, worker, table, name, id_)))
        told = _told(row) | {
            "requestHeaders": row["request_headers"],
            "responseHeaders": None,
            "responseBody": None,
            "recordId": None,
            "attempts": row["log"] or [],
        }
        if access.sees_all(principal) or not (own.hidden or own.has_rows("read") or parted_links(scope)):
            told |= {"requestBody": row["request_body"], "responseHeaders": row["response_headers"]}
            told |= {"responseBody": row["response_body"], "recordId": row["record"]}
        return told

    async def retry(self, principal: Principal, table: TableModel, name: str, id_: str) -> dict[str, Any]:
        """Send a delivery again, whatever became of it. Raises NotFound."""
        worker, _ = self._find(principal, table, name)

        def work(tx: Transaction) -> None:
            self._read(tx, worker, table, name, id_)
            again = {"status": "pending", "due_at": self._clock(), "completed_at": None}
            tx.execute(update(DELIVERIES).where(DELIVERIES.c.id == id_).values(again))

        await self._records.database.write(Call(work), actor=principal.actor)
        worker.nudge()
        return {"deliveryId": id_, "status": "pending"}

    async def test(self, principal: Principal, table: TableModel, name: str) -> dict[str, Any]:
        """Call the other server now, with an event that says so. `{success, httpStatus, duration, responseBody, error}`.
        Raises NotFound."""
        worker, hook = self._find(principal, table, name)
        id_, now = uuid7(), self._clock()
        body = {"event": "webhook.test", "timestamp": to_iso(now), "table": table.name, "record": {"id": "test"}}
        row = delivery_row(id_, table.sql_name, hook, body, now, record=None)
        done = await asyncio.to_thread(worker.send_now, hook, "webhook.test", id_, row["request_body"])
        stored = row | outcome(hook, done, 1, None, retry=False)
        job = Call(lambda tx: tx.execute(insert(DELIVERIES).values(stored)))
        await self._records.database.write(job, actor=principal.actor)
        return {
            "success": done.is_success,
            "httpStatus": stored["http_status"],
            "duration": done.duration,
            "responseBody": stored["response_body"],
            "error": done.error,
        }

    def _find(self, principal: Principal, table: TableModel, name: str) -> tuple[Deliveries, WebhookSpec]:
        self._records.require(principal, table, "update")
        hook = next((each for each in table.spec.webhooks if each.name == name), None)
        if hook is None or self._worker is None:
            raise NotFound()
        return self._worker, hook

    @staticmethod
    def _read(reader: Reader, worker: Deliveries, table: TableModel, name: str, id_: str) -> dict[str, Any]:
        d = DELIVERIES.c
        names = (*_COLUMNS, *_DETAIL)
        where = and_(d.id == id_, d.table == table.sql_name, d.webhook == name)
        rows = reader.rows(select(*(d[column] for column in names)).where(where)) if worker.own.stand(reader) else []
        if not rows:
            raise NotFound()
        return dict(zip(names, rows[0], strict=True))


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "webhookName": row["webhook"],
        "event": row["event"],
        "status": row["status"],
        "httpStatus": row["http_status"],
        "attemptCount": row["attempts"],
        "requestedAt": None if row["requested_at"] is None else to_iso(row["requested_at"]),
        "completedAt": None if row["completed_at"] is None else to_iso(row["completed_at"]),
        "duration": row["duration"],
        "error": row["error"],
    }


def _shortened(url: str, *, path: bool) -> str:
    parts = urlsplit(url)._replace(query="", fragment="")
    return (parts if path else parts._replace(path="/…")).geturl()
