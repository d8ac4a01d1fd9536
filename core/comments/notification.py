"""Who is told of a comment: those whom it mentions, and whose comment it replies to."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, select, update

from core.auth.people import People
from core.clock import to_iso
from core.comments.store import COMMENTS, NOTIFICATIONS
from core.errors import NotFound
from core.ids import short_id
from core.principal import Principal
from core.records.service import Records
from core.storage.database import Call, Reader, Transaction
from core.storage.own import OwnTables

EXCERPT = 200
COUNTED_AT_MOST = 1000
"""Unread ones: each is told of, and counted, only while its record may be seen."""


def notify(tx: Transaction, row: Mapping[str, Any], *, is_new: bool) -> None:
    """Tell of a comment, once it is approved, and each one once."""
    if row["status"] != "approved":
        return
    kinds: dict[str, str] = {}
    if row["parent"] is not None:
        author = tx.scalar(select(COMMENTS.c.user_id).where(COMMENTS.c.id == row["parent"]))
        if author is not None:
            kinds[author] = "reply"
    kinds |= {each["userId"]: "mention" for each in row["mentions"] or ()}
    kinds.pop(row["user_id"], None)
    if kinds and not is_new:
        n = NOTIFICATIONS.c
        for (user,) in tx.rows(select(n.user_id).where(n.comment == row["id"])):
            kinds.pop(user, None)
    tx.insert(
        NOTIFICATIONS,
        [
            {
                "id": short_id("note"),
                "user_id": user,
                "kind": kind,
                "table": row["table"],
                "record": row["record"],
                "comment": row["id"],
                "actor": row["user_id"],
                "created_at": tx.time,
                "read_at": None,
            }
            for user, kind in kinds.items()
        ],
    )


class Notifications:
    """What each account has been told of."""

    def __init__(self, records: Records, people: People) -> None:
        self._records = records
        self._people = people
        self._tables = OwnTables(COMMENTS, NOTIFICATIONS)

    async def page(self, principal: Principal, *, unread: bool, limit: int, offset: int) -> dict[str, Any]:
        """`{notifications, unreadCount}`, the newest first: of comments that the caller may see. Raises NotFound."""
        user = _user(principal)
        n, c = NOTIFICATIONS.c, COMMENTS.c
        where = and_(n.user_id == user, *([n.read_at.is_(None)] if unread else []))
        columns = (n.id, n.kind, n.table, n.record, n.comment, n.actor, n.created_at, n.read_at, c.content)
        joined = NOTIFICATIONS.join(COMMENTS, and_(c.id == n.comment, c.deleted_at.is_(None), c.status == "approved"))
        listed = select(*columns).select_from(joined).where(where).order_by(n.created_at.desc(), n.id)

        waiting = select(n.table, n.record).select_from(joined).where(n.user_id == user, n.read_at.is_(None))

        def work(reader: Reader) -> tuple[Any, Any, Any]:
            if not self._tables.stand(reader):
                return [], {}, []
            rows = reader.rows(listed.limit(limit).offset(offset))
            return rows, self._people.of(reader, [row[5] for row in rows]), reader.rows(waiting.limit(COUNTED_AT_MOST))

        rows, people, unread_rows = await self._records.database.read(Call(work), lane="point")
        about: dict[str, dict[str, None]] = {}
        for table, record in [*((row[2], row[3]) for row in rows), *unread_rows]:
            about.setdefault(table, {})[record] = None
        seen = {table: await self._visible(principal, table, list(records)) for table, records in about.items()}
        told = [
            {
                "id": row[0],
                "kind": row[1],
                "tableId": self._records.model.by_sql_name[row[2]].spec.id,
                "recordId": row[3],
                "commentId": row[4],
                "from": people.get(row[5]),
                "excerpt": row[8][:EXCERPT],
                "createdAt": to_iso(row[6]),
                "readAt": None if row[7] is None else to_iso(row[7]),
            }
            for row in rows
            if row[3] in seen[row[2]]
        ]
        return {"notifications": told, "unreadCount": sum(record in seen[table] for table, record in unread_rows)}

    async def _visible(self, principal: Principal, name: str, ids: list[str]) -> set[str]:
        """Of these records of a table those that the caller sees now."""
        table = self._records.model.by_sql_name.get(name)
        if table is None or not self._records.access.table(principal, table).may("read"):
            return set()
        return set(await self._records.visible_keys(principal, table, ids))

    async def read(self, principal: Principal, ids: list[str] | None) -> int:
        """These, or all of the caller's, are read; how many were not before. Raises NotFound."""
        user, n = _user(principal), NOTIFICATIONS.c

        def work(tx: Transaction) -> int:
            self._tables.ensure(tx)
            where = and_(n.user_id == user, n.read_at.is_(None), *([] if ids is None else [n.id.in_(ids)]))
            return tx.execute(update(NOTIFICATIONS).where(where).values(read_at=tx.time))

        return await self._records.database.write(Call(work), actor=principal.actor)


def _user(principal: Principal) -> str:
    if principal.kind == "guest":
        raise NotFound()
    return principal.actor
