"""Comments of records: written, read, moderated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update

from core.auth.people import People
from core.clock import to_iso
from core.comments.judge import NO_RULES, Pace, judge, mentions_in
from core.comments.notification import notify
from core.comments.store import COMMENTS, NOTIFICATIONS, READS, as_row
from core.errors import FieldError, Invalid, NotFound, NotSignedIn
from core.fields.model import TableModel
from core.ids import uuid7
from core.principal import Principal
from core.records.key import parse_key
from core.records.service import Records
from core.records.sight import is_visible
from core.schema.model import CommentRules
from core.storage.database import Call, ChangeRow, Operation, Reader, Transaction
from core.storage.own import OwnTables

CONTENT_MOST = 10_000
NAME_MOST = 100
MENTIONS_MOST = 100
"""Names of one comment that are looked up, and ids beside them."""
PAGE_MOST = 100
STATUSES = ("approved", "rejected", "pending")
Comment = Mapping[str, Any]
"""A row of the table of comments by name."""


class Nested(Invalid):
    """A reply to a reply (R-072)."""

    code = "NESTED_REPLY_REJECTED"


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` None: all, without numbers of pages."""

    limit: int | None = None
    offset: int = 0
    oldest_first: bool = False
    status: str | None = None

    @classmethod
    def parse(cls, params: Mapping[str, str]) -> "Page":
        """Raises Invalid."""
        field, _, direction = params.get("sort", "createdAt:desc").partition(":")
        if field != "createdAt" or direction not in ("", "asc", "desc"):
            raise _refused("sort", "sort is createdAt:asc or createdAt:desc")
        limit = params.get("limit")
        size = None if limit is None else min(int(limit), PAGE_MOST)
        return cls(size, int(params.get("offset", 0)), direction == "asc", params.get("status"))


class Comments:
    """The comments of one app."""

    def __init__(self, records: Records, people: People, pace: Pace) -> None:
        self._records = records
        self._people = people
        self._pace = pace
        self._tables = OwnTables(COMMENTS, READS, NOTIFICATIONS)

    # ── Reading ──

    async def list(self, principal: Principal, table: TableModel, key: str, page: Page) -> dict[str, Any]:
        """`{comments, pagination?, unreadCount?}`, the newest first (D-19). Raises NotFound, NotSignedIn."""
        self._records.require(principal, table, "read")
        c = COMMENTS.c
        where = and_(c.record == key, c.table == table.sql_name, self._seen(principal, page.status))

        def work(reader: Reader) -> dict[str, Any]:
            self._find_record(reader, principal, table, key)
            answer = self._page(reader, principal, where, page)
            if _rules(table).read_tracking and (user := _author(principal)) is not None:
                answer["unreadCount"] = self._unread(reader, table, key, user)
            return answer

        return await self._records.database.read(Call(work), lane="point")

    async def queue(self, principal: Principal, table: TableModel, page: Page) -> dict[str, Any]:
        """Comments of all records of a table, for who moderates them. Raises NotFound."""
        self._require_admin(principal)
        where = and_(COMMENTS.c.table == table.sql_name, self._seen(principal, page.status))
        work = Call(lambda reader: self._page(reader, principal, where, page))
        return await self._records.database.read(work, lane="scan")

    async def get(self, principal: Principal, table: TableModel, key: str, comment: str) -> dict[str, Any]:
        """One comment that the caller may see. Raises NotFound."""
        self._records.require(principal, table, "read")

        def work(reader: Reader) -> dict[str, Any]:
            self._find_record(reader, principal, table, key)
            found = self._find(reader, principal, table, key, comment)
            told: dict[str, Any] = self._told(reader, principal, [found])[0]
            return told

        return await self._records.database.read(Call(work), lane="point")

    def _page(self, reader: Reader, principal: Principal, where: ColumnElement[bool], page: Page) -> dict[str, Any]:
        rows: Any = []
        total = 0
        if self._tables.stand(reader):
            c = COMMENTS.c
            order = (c.created_at, c.id) if page.oldest_first else (c.created_at.desc(), c.id.desc())
            statement = select(COMMENTS).where(where).order_by(*order).limit(page.limit).offset(page.offset)
            rows = [as_row(COMMENTS, row) for row in reader.rows(statement)]
            total = int(reader.scalar(select(func.count()).select_from(COMMENTS).where(where)))
        answer: dict[str, Any] = {"comments": self._told(reader, principal, rows)}
        if page.limit is not None:
            more = page.offset + len(rows) < total
            answer["pagination"] = {"total": total, "limit": page.limit, "offset": page.offset, "hasMore": more}
        return answer

    def _unread(self, reader: Reader, table: TableModel, key: str, user: str) -> int:
        """Approved comments of others since the user has read (R-077)."""
        if not self._tables.stand(reader):
            return 0
        c, r = COMMENTS.c, READS.c
        since = select(r.read_at).where(r.table == table.sql_name, r.record == key, r.user_id == user).scalar_subquery()
        where = and_(
            c.record == key,
            c.table == table.sql_name,
            c.deleted_at.is_(None),
            c.status == "approved",
            or_(c.user_id.is_(None), c.user_id != user),
            or_(since.is_(None), c.created_at > since),
        )
        return int(reader.scalar(select(func.count()).select_from(COMMENTS).where(where)))

    def _seen(self, principal: Principal, status: str | None = None) -> ColumnElement[bool]:
        """R-071: approved ones, and the caller's own that wait; an administrator sees all."""
        c = COMMENTS.c
        wanted = true() if status is None else c.status == status
        if self._is_admin(principal):
            return and_(c.deleted_at.is_(None), wanted)
        author = _author(principal)
        shown: ColumnElement[bool] = c.status == "approved"
        if author is not None:
            shown = or_(shown, and_(c.status == "pending", c.user_id == author))
        return and_(c.deleted_at.is_(None), shown, wanted)

    def _find(self, reader: Reader, principal: Principal, table: TableModel, key: str, comment: str) -> Comment:
        c = COMMENTS.c
        if self._tables.stand(reader):
            where = and_(c.id == comment, c.table == table.sql_name, c.record == key, self._seen(principal))
            for row in reader.rows(select(COMMENTS).where(where)):
                return as_row(COMMENTS, row)
        raise NotFound()

    def _find_record(self, reader: Reader, principal: Principal, table: TableModel, key: str) -> None:
        """Raises NotFound unless it is there, outside the trash, and to be seen."""
        target, values = self._records.writable(table), parse_key(table, key)
        row = target.load(reader, [values]).get(values)
        if row is None or row["deleted_at"] is not None:
            raise NotFound()
        if not is_visible(reader, self._records.scope(principal, table), values):
            raise NotFound()

    def _told(self, reader: Reader, principal: Principal, rows: Any) -> Any:
        people = self._people.of(reader, [row["user_id"] for row in rows])
        ids = {table.sql_name: table.spec.id for table in self._records.model}
        told = []
        for row in rows:
            out = {
                "id": row["id"],
                "tableId": ids[row["table"]],
                "recordId": row["record"],
                "userId": row["user_id"],
                "content": row["content"],
                "parentCommentId": row["parent"],
                "createdAt": to_iso(row["created_at"]),
                "updatedAt": to_iso(row["updated_at"]),
                "user": people.get(row["user_id"]),
                "guestName": row["guest_name"],
                "status": row["status"],
                "mentions": row["mentions"] or [],
            }
            if row["guest_email"] is not None and self._is_admin(principal):
                out["guestEmail"] = row["guest_email"]
            told.append(out)
        return told

    # ── Writing ──

    async def create(
        self, principal: Principal, table: TableModel, key: str, body: Mapping[str, Any], *, address: str
    ) -> dict[str, Any] | None:
        """`{comment, status}`; None where a robot has filled the field that people do not see. Raises NotFound, NotSignedIn,
        Invalid, TooFast."""
        self._records.require(principal, table, "comment")
        rules = _rules(table)
        is_guest = principal.kind == "guest" and self._records.access.has_accounts
        if is_guest and rules.moderation == "auth-required":
            refusal = NotSignedIn()
            refusal.code = "AUTH_REQUIRED"
            raise refusal
        if is_guest and rules.honeypot and body.get("honeypot"):
            return None
        row: dict[str, Any] = {
            "id": uuid7(),
            "table": table.sql_name,
            "record": key,
            "user_id": _author(principal),
            "guest_name": _guest_name(body) if principal.kind == "guest" else None,
            "guest_email": _guest_email(body, rules) if is_guest else None,
            "parent": body.get("parentCommentId"),
            "content": _content(body),
            "deleted_at": None,
        }
        beside = _beside(body)
        found = Call(lambda reader: self._find_record(reader, principal, table, key))
        await self._records.database.read(found, lane="point")
        if is_guest:
            self._pace.take(table.sql_name, address, *rules.guest_rate)

        def work(tx: Transaction) -> dict[str, Any]:
            self._tables.ensure(tx)
            self._find_record(tx, principal, table, key)
            self._check_parent(tx, principal, table, key, row["parent"])
            stored = row | {
                "status": self._judge(tx, principal, rules, row),
                "mentions": self._mentions(tx, principal, row["content"], beside),
                "created_at": tx.time,
                "updated_at": tx.time,
            }
            tx.insert(COMMENTS, [stored])
            notify(tx, stored, is_new=True)
            tx.log([_logged(stored, "comment-create")])
            return {"comment": self._told(tx, principal, [stored])[0], "status": stored["status"]}

        return await self._records.database.write(Call(work), actor=principal.actor)

    async def edit(
        self, principal: Principal, table: TableModel, key: str, comment: str, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Another text, by its author or an administrator; another status, by an administrator. Raises NotFound, Invalid."""
        self._records.require(principal, table, "read")
        changes: dict[str, Any] = {}
        beside = _beside(body)
        if "content" in body or "body" in body:
            self._records.require(principal, table, "comment")
            changes["content"] = _content(body)
        if "status" in body:
            self._require_admin(principal)
            if body["status"] not in STATUSES:
                raise _refused("status", f"status is one of {', '.join(STATUSES)}")
            changes["status"] = body["status"]
        if not changes:
            raise _refused("content", "content, or status, is needed")

        def work(tx: Transaction) -> dict[str, Any]:
            self._tables.ensure(tx)
            self._find_record(tx, principal, table, key)
            row = self._find(tx, principal, table, key, comment)
            self._require_own(principal, row)
            if "content" in changes:
                changes["mentions"] = self._mentions(tx, principal, changes["content"], beside)
                if not self._is_admin(principal):  # what was approved was another text
                    changes["status"] = self._judge(tx, principal, _rules(table), {**row, **changes})
            stored = {**row, **changes, "updated_at": tx.time}
            values = {name: stored[name] for name in (*changes, "updated_at")}
            tx.execute(update(COMMENTS).where(COMMENTS.c.id == comment).values(values))
            notify(tx, stored, is_new=False)
            tx.log([_logged(stored, "comment-edit")])
            return {"comment": self._told(tx, principal, [stored])[0]}

        return await self._records.database.write(Call(work), actor=principal.actor)

    async def delete(
        self, principal: Principal, table: TableModel, key: str, comment: str, *, permanent: bool = False
    ) -> None:
        """By its author or an administrator; for good by an administrator (D-20). Raises NotFound."""
        self._records.require(principal, table, "read")
        if permanent:
            self._require_admin(principal)

        def work(tx: Transaction) -> None:
            self._tables.ensure(tx)
            self._find_record(tx, principal, table, key)
            row = self._find(tx, principal, table, key, comment)
            self._require_own(principal, row)
            here = COMMENTS.c.id == comment
            tx.execute(
                delete(COMMENTS).where(here) if permanent else update(COMMENTS).where(here).values(deleted_at=tx.time)
            )
            tx.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.comment == comment))
            tx.log([_logged(row, "comment-delete")])

        await self._records.database.write(Call(work), actor=principal.actor)

    async def mark_read(self, principal: Principal, table: TableModel, key: str) -> None:
        """All comments of a record are read (R-077). Raises NotFound, also where nobody counts."""
        self._records.require(principal, table, "read")
        user = _author(principal)
        if not _rules(table).read_tracking or user is None:
            raise NotFound()

        def work(tx: Transaction) -> None:
            self._tables.ensure(tx)
            self._find_record(tx, principal, table, key)
            r = READS.c
            here = and_(r.table == table.sql_name, r.record == key, r.user_id == user)
            if tx.rows(select(r.read_at).where(here)):
                tx.execute(update(READS).where(here).values(read_at=tx.time))
            else:
                tx.insert(READS, [{"table": table.sql_name, "record": key, "user_id": user, "read_at": tx.time}])

        await self._records.database.write(Call(work), actor=principal.actor)

    # ── Parts of these ──

    def _judge(self, tx: Transaction, principal: Principal, rules: CommentRules, row: Comment) -> str:
        return judge(
            rules,
            row["content"],
            is_admin=self._is_admin(principal),
            has_session=principal.kind != "guest",
            is_known=_was_approved(tx, row),
        )

    def _mentions(
        self, tx: Transaction, principal: Principal, content: str, ids: Sequence[str]
    ) -> Sequence[dict[str, Any]]:
        """R-073: accounts that the text names, with their places, and those named beside it. A guest names nobody: the
        answer would tell which accounts there are."""
        if principal.kind == "guest":
            return []
        written = mentions_in(content)[:MENTIONS_MOST]
        named = self._people.named(tx, {name.lower() for name, _, _ in written} | {each.lower() for each in ids})
        found: list[dict[str, Any]] = [
            {"userId": user, "start": start, "end": end}
            for name, start, end in written
            if (user := named.get(name.lower())) is not None
        ]
        in_text = {each["userId"] for each in found}
        beside = dict.fromkeys(user for each in ids if (user := named.get(each.lower())) is not None)
        return [*found, *({"userId": user} for user in beside if user not in in_text)]

    def _check_parent(self, tx: Transaction, principal: Principal, table: TableModel, key: str, parent: Any) -> None:
        """R-072. Raises Invalid, Nested, NotFound."""
        if parent is None:
            return
        if not _rules(table).threading:
            raise _refused("parentCommentId", "Comments of this table have no replies")
        if self._find(tx, principal, table, key, str(parent))["parent"] is not None:
            message = "A reply cannot be replied to"
            raise Nested(message, [FieldError("parentCommentId", "comment.nested", message)], status=422)

    def _require_own(self, principal: Principal, row: Comment) -> None:
        author = _author(principal)
        if not (self._is_admin(principal) or (author is not None and row["user_id"] == author)):
            raise NotFound()

    def _require_admin(self, principal: Principal) -> None:
        if not self._is_admin(principal):
            raise NotFound()

    def _is_admin(self, principal: Principal) -> bool:
        return self._records.access.sees_all(principal)


def _rules(table: TableModel) -> CommentRules:
    return table.spec.comments or NO_RULES


def _author(principal: Principal) -> str | None:
    return None if principal.kind == "guest" else principal.actor


def _was_approved(tx: Transaction, row: Comment) -> bool:
    """The author has another comment that was approved."""
    c = COMMENTS.c
    if row["user_id"] is not None:
        who = c.user_id == row["user_id"]
    elif row["guest_email"] is not None:
        who = c.guest_email == row["guest_email"]
    else:
        return False
    approved = and_(who, c.status == "approved", c.deleted_at.is_(None), c.id != row["id"])
    return bool(tx.rows(select(c.id).where(approved).limit(1)))


def _logged(row: Comment, operation: Operation) -> ChangeRow:
    """The text is not told: who may read it is for the comments to say."""
    return ChangeRow(table=row["table"], record=row["record"], operation=operation, after={"commentId": row["id"]})


def _content(body: Mapping[str, Any]) -> str:
    content = body.get("content", body.get("body"))
    if not isinstance(content, str) or not 0 < len(content.strip()) <= CONTENT_MOST:
        raise _refused("content", f"content is a text of 1 to {CONTENT_MOST:,} characters")
    return content.strip()


def _beside(body: Mapping[str, Any]) -> Sequence[str]:
    """The ids in `mentions`. Raises Invalid."""
    ids: Sequence[str] = body.get("mentions") or ()
    if len(ids) > MENTIONS_MOST:
        raise _refused("mentions", f"mentions has at most {MENTIONS_MOST} ids")
    return ids


def _guest_name(body: Mapping[str, Any]) -> str | None:
    name = (body.get("guestName") or "").strip()
    if len(name) > NAME_MOST:
        raise _refused("guestName", f"guestName has at most {NAME_MOST} characters")
    return name or None


def _guest_email(body: Mapping[str, Any], rules: CommentRules) -> str | None:
    email = (body.get("guestEmail") or "").strip().lower()
    if not email and not rules.guest_email_required:
        return None
    name, at, host = email.partition("@")
    if not (name and at and "." in host) or len(email) > 254 or any(sign.isspace() for sign in email):
        raise _refused("guestEmail", "guestEmail is an address of e-mail")
    return email


def _refused(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.invalid", message)], field=field)
