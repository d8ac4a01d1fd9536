"""Accounts as administrators look for them (auth §11): pages, one with all that belongs to it, numbers over time."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Text,
    and_,
    cast,
    extract,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from core.audit.log import AUDIT
from core.auth.account import Account, account_of, by_email, effective_roles, find, groups_of, password_of
from core.auth.context import AuthContext
from core.auth.session import Session
from core.auth.store import ACCOUNTS, FACTORS, MEMBERS, SESSIONS
from core.clock import to_iso
from core.errors import FieldError, Invalid, NotFound
from core.schema.role import Roles
from core.storage.database import Reader

PAGE, PAGE_MOST = 20, 100
Operator = Literal["contains", "starts_with", "ends_with"]
Comparison = Literal["eq", "ne", "contains", "lt", "lte", "gt", "gte"]
Period = Literal["24h", "7d", "30d"]
SORTABLE = {
    "name": ACCOUNTS.c.name,
    "email": ACCOUNTS.c.email,
    "createdAt": ACCOUNTS.c.created_at,
    "updatedAt": ACCOUNTS.c.updated_at,
    "lastSignInAt": ACCOUNTS.c.last_sign_in_at,
    "banned": ACCOUNTS.c.banned,
}
FILTERABLE: dict[str, ColumnElement[Any]] = {
    **SORTABLE,
    "emailVerified": ACCOUNTS.c.email_verified,
    "twoFactorEnabled": ACCOUNTS.c.two_factor,
    "isAnonymous": ACCOUNTS.c.is_anonymous,
    "phone": ACCOUNTS.c.phone,
}
ROLE = "role"
PERIODS: dict[Period, tuple[timedelta, timedelta]] = {
    "24h": (timedelta(hours=24), timedelta(hours=1)),
    "7d": (timedelta(days=7), timedelta(days=1)),
    "30d": (timedelta(days=30), timedelta(days=1)),
}
"""How far back, and how wide one point is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for. `offset` counts accounts."""

    limit: int = PAGE
    offset: int = 0
    search: str = ""
    search_in: Literal["email", "name", "both"] = "both"
    search_how: Operator = "contains"
    filter_by: str | None = None
    filter_how: Comparison = "eq"
    filter_value: str = ""
    sort_by: str = "createdAt"
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One account with what belongs to it. `ways` are those in which it can sign in."""

    account: Account
    groups: frozenset[str]
    ways: tuple[str, ...]
    factors: tuple[dict[str, Any], ...]
    locked_until: datetime | None


class Directory:
    """Reading only."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def page(self, question: Question) -> tuple[list[dict[str, Any]], int]:
        """The accounts of a page as answers tell them, and how many there are in all. Raises Invalid."""
        context, now = self._context, self._context.clock()
        where = and_(true(), *_searched(question), *_filtered(question, context.roles))
        column = SORTABLE.get(question.sort_by)
        if column is None:
            raise _wrong("sortBy", f"sortBy is one of {', '.join(SORTABLE)}")
        order = column.desc().nulls_last() if question.descending else column.asc().nulls_first()
        statement = select(*ACCOUNTS.c).where(where).order_by(order, ACCOUNTS.c.id)

        def work(reader: Reader) -> tuple[list[dict[str, Any]], int]:
            total = int(reader.scalar(select(func.count()).select_from(ACCOUNTS).where(where)))
            rows = reader.rows(statement.limit(question.limit).offset(question.offset))
            found = [account_of(row) for row in rows]
            locked = context.lockout.locked(reader, [each.email for each in found if each.email], now)
            return [told(each, context.roles, locked.get(each.email or "")) for each in found], total

        return await context.read(work, lane="scan")

    async def details(self, user: str | None, email: str | None = None) -> Details:
        """By id, or by address in its normal form. Raises NotFound."""
        context = self._context

        def work(reader: Reader) -> Details:
            account = find(reader, user) if user is not None else by_email(reader, email or "")
            if account is None:
                raise NotFound
            f = FACTORS.c
            rows = reader.rows(select(f.id, f.kind, f.name, f.verified, f.created_at).where(f.user_id == account.id))
            ways = [
                *(["credential"] if password_of(reader, account.id) else []),
                *(["email"] if account.email and account.email_verified else []),
                *(["phone"] if account.phone and account.phone_verified else []),
            ]
            locked = context.lockout.locked_until(reader, account.email, context.clock()) if account.email else None
            return Details(
                account=account,
                groups=groups_of(reader, account.id),
                ways=tuple(ways),
                factors=tuple(
                    {"id": id_, "type": kind, "name": name, "verified": bool(verified), "createdAt": to_iso(made)}
                    for id_, kind, name, verified, made in rows
                ),
                locked_until=locked,
            )

        return await context.read(work)

    async def everybody(self) -> list[dict[str, Any]]:
        """Id, address, role and ban of all, for pickers."""
        c, roles, now = ACCOUNTS.c, self._context.roles, self._context.clock()
        columns = select(c.id, c.email, c.roles, c.banned, c.ban_expires).order_by(c.email, c.id)

        def work(reader: Reader) -> list[dict[str, Any]]:
            return [
                {
                    "id": id_,
                    "email": email,
                    "role": ",".join(effective_roles(held or (), roles)),
                    "banned": bool(banned) and (until is None or until > now),
                }
                for block in reader.stream(columns)
                for id_, email, held, banned, until in block
            ]

        return await self._context.read(work, lane="scan")

    async def sessions(self, limit: int, offset: int, user: str | None = None) -> tuple[list[dict[str, Any]], int]:
        """The live sessions of all, the one that was used last first, and how many there are."""
        context, s, a = self._context, SESSIONS.c, ACCOUNTS.c
        where = [s.expires_at > context.clock(), *([s.user_id == user] if user else [])]
        ids = select(s.id).where(*where).order_by(s.last_seen_at.desc(), s.id).limit(limit).offset(offset)

        def work(reader: Reader) -> tuple[list[dict[str, Any]], int]:
            total = int(reader.scalar(select(func.count()).select_from(SESSIONS).where(*where)))
            found: list[Session] = [
                session for (id_,) in reader.rows(ids) if (session := context.sessions.find(reader, id_)) is not None
            ]
            owners = {id_: {"id": id_, "name": name, "email": email} for id_, name, email in reader.rows(
                select(a.id, a.name, a.email).where(a.id.in_([each.user_id for each in found]))
            )} if found else {}  # fmt: skip
            return [{**each.body(), "user": owners.get(each.user_id)} for each in found], total

        return await context.read(work, lane="scan")

    async def overview(self, period: Period) -> dict[str, Any]:
        """How many there are, and how many have come and signed in, point by point; points without any are 0."""
        context, now = self._context, self._context.clock()
        back, width = PERIODS[period]
        seconds = int(width.total_seconds())
        last = int(now.timestamp()) // seconds
        count = int(back / width)
        first = last - count + 1
        since = datetime.fromtimestamp(first * seconds, UTC)
        a, s = ACCOUNTS.c, SESSIONS.c

        def per_point(reader: Reader, column: ColumnElement[Any], *where: ColumnElement[bool]) -> dict[int, int]:
            point = cast(func.floor(extract("epoch", column) / seconds), Integer).label("point")
            # DuckDB groups by columns, not by bound values.
            found = select(point).where(column >= since, *where).subquery()
            statement = select(found.c.point, func.count()).group_by(found.c.point)
            return {int(key): int(value) for key, value in reader.rows(statement)}

        def work(reader: Reader) -> dict[str, Any]:
            day = now - timedelta(hours=24)
            roles: Counter[str] = Counter({role.name: 0 for role in context.roles.ordered})
            for block in reader.stream(select(a.roles, func.count()).group_by(a.roles)):
                for held, number in block:
                    roles.update(dict.fromkeys(effective_roles(held or (), context.roles), number))
            seen = select(s.user_id).where(s.last_seen_at >= day, s.impersonated_by.is_(None))
            active = select(func.count()).where((a.last_sign_in_at >= day) | a.id.in_(seen))
            signups = per_point(reader, a.created_at)
            begun = per_point(reader, AUDIT.c.time, AUDIT.c.action == "session.created")
            points = [
                {
                    "timestamp": to_iso(datetime.fromtimestamp(point * seconds, UTC)),
                    "signups": signups.get(point, 0),
                    "sessions_started": begun.get(point, 0),
                }
                for point in range(first, last + 1)
            ]
            return {
                "totals": {
                    "users": int(reader.scalar(select(func.count()).select_from(ACCOUNTS))),
                    "active_24h": int(reader.scalar(active)),
                    "new_in_period": sum(signups.values()),
                    "by_role": dict(roles),
                },
                "series": {"interval": "hour" if seconds == 3600 else "day", "points": points},
            }

        return await context.read(work, lane="scan")

    async def roles(self) -> list[dict[str, Any]]:
        """All roles, the highest first, with how many hold each (A-039)."""
        context, a = self._context, ACCOUNTS.c

        def work(reader: Reader) -> Counter[str]:
            held: Counter[str] = Counter()
            for block in reader.stream(select(a.roles, func.count()).group_by(a.roles)):
                for names, number in block:
                    held.update(dict.fromkeys(effective_roles(names or (), context.roles), number))
            return held

        users = await context.read(work, lane="scan")
        return [
            {
                "name": role.name,
                "level": role.level,
                "description": role.description,
                "builtIn": role.built_in,
                "users": users[role.name],
            }
            for role in context.roles.ordered
        ]

    async def lost_roles(self) -> dict[str, int]:
        """Roles that accounts hold and the app does not have (any more), with how many hold each (A-033)."""
        return await self._context.read(lambda reader: lost_roles(reader, self._context.roles), lane="scan")

    async def members(self) -> dict[str, int]:
        """Members by group."""
        c = MEMBERS.c
        rows = await self._context.read(
            lambda reader: reader.rows(select(c.group_name, func.count()).group_by(c.group_name)), lane="scan"
        )
        return {name: int(number) for name, number in rows}


def lost_roles(reader: Reader, roles: Roles) -> dict[str, int]:
    """See `Directory.lost_roles`."""
    found: Counter[str] = Counter()
    for names, number in reader.rows(select(ACCOUNTS.c.roles, func.count()).group_by(ACCOUNTS.c.roles)):
        found.update({name: number for name in names or () if name not in roles.by_name})
    return dict(found)


def told(account: Account, roles: Roles, locked_until: datetime | None) -> dict[str, Any]:
    """An account as administrators see it."""
    moments = {
        "lastSignInAt": account.last_sign_in_at,
        "invitedAt": account.invited_at,
        "deletedAt": account.deleted_at,
        "eraseAt": account.erase_at,
        "lockedUntil": locked_until,
    }
    return {**account.body(roles), **{name: moment and to_iso(moment) for name, moment in moments.items()}}


def _searched(question: Question) -> list[ColumnElement[bool]]:
    if not question.search:
        return []
    c, text = ACCOUNTS.c, func.lower(literal(question.search, Text))
    columns = {"email": [c.email], "name": [c.name], "both": [c.email, c.name]}[question.search_in]
    return [or_(*(_holds(func.lower(column), question.search_how, text) for column in columns))]


def _holds(column: ColumnElement[Any], how: Operator, text: ColumnElement[Any]) -> ColumnElement[bool]:
    if how == "contains":
        return func.strpos(column, text) > 0
    if how == "starts_with":
        return func.starts_with(column, text)
    return func.right(column, func.length(text)) == text


def _filtered(question: Question, roles: Roles) -> list[ColumnElement[bool]]:
    name, how, value = question.filter_by, question.filter_how, question.filter_value
    if name is None:
        return []
    if name == ROLE:
        if how not in ("eq", "ne"):
            raise _wrong("filterOperator", "role is compared with eq or ne")
        held = _held(value, roles)
        return [held if how == "eq" else not_(held)]
    column = FILTERABLE.get(name)
    if column is None:
        raise _wrong("filterField", f"filterField is one of {', '.join([ROLE, *FILTERABLE])}")
    if isinstance(column.type, Boolean):
        if how not in ("eq", "ne") or value not in ("true", "false"):
            raise _wrong("filterValue", f"{name} is compared with true or false by eq or ne")
        yes = func.coalesce(column, False)
        return [yes if (value == "true") == (how == "eq") else not_(yes)]
    if isinstance(column.type, Text):
        if how not in ("eq", "ne", "contains"):
            raise _wrong("filterOperator", f"{name} is compared with eq, ne or contains")
        if how == "contains":
            return [func.strpos(func.lower(column), func.lower(literal(value, Text))) > 0]
        other: Any = value
    else:
        if how == "contains":
            raise _wrong("filterOperator", f"{name} is an instant")
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise _wrong("filterValue", f"{name} is compared with an instant, such as 2026-02-01T00:00:00Z") from None
        other = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    compared = {
        "eq": column == other,
        "ne": or_(column != other, column.is_(None)),
        "lt": column < other,
        "lte": column <= other,
        "gt": column > other,
        "gte": column >= other,
    }
    return [compared[how]]


def _held(role: str, roles: Roles) -> ColumnElement[bool]:
    """Those who have it; who has none that the app knows has the default one (A-033)."""
    stored = func.coalesce(cast(ACCOUNTS.c.roles, Text), "")

    def named(name: str) -> ColumnElement[bool]:
        return func.strpos(stored, literal(f'"{name}"', Text)) > 0

    found = named(role)
    return or_(found, not_(or_(*(named(name) for name in roles.by_name)))) if role == roles.default else found


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, "parameter.wrong", message)])
