"""Who is in which group (auth §3, §11)."""

from sqlalchemy import select

from core.auth.account import find
from core.auth.admin import about
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.store import ACCOUNTS, MEMBERS
from core.errors import NotFound
from core.ids import uuid7
from core.principal import Principal, Source
from core.schema.role import Group
from core.sentence import say
from core.storage.database import Transaction

_LOCK = 0x5375_6772  # of PostgreSQL's advisory locks: the last place of a group is given once


class Groups:
    """The groups of the app file and their members."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def members(self, group: str) -> list[tuple[str, str, str | None]]:
        """Id, name and address of each member. Raises NotFound."""
        self._group(group)
        c, a = MEMBERS.c, ACCOUNTS.c
        statement = select(a.id, a.name, a.email).join(MEMBERS, c.user_id == a.id).where(c.group_name == group)
        rows = await self._context.read(lambda reader: reader.rows(statement.order_by(a.name, a.id)), lane="scan")
        return [(id_, name, email) for id_, name, email in rows]

    async def add(self, who: Principal, source: Source, group: str, user: str) -> None:
        """Let somebody in; nothing happens where they are already. Raises NotFound, AuthError CONFLICT for a full group."""
        context, known, c = self._context, self._group(group), MEMBERS.c

        def work(tx: Transaction) -> None:
            if tx.dialect == "postgresql":
                tx.rows("SELECT pg_advisory_xact_lock(?)", [_LOCK])
            account = find(tx, user)
            if account is None:
                raise NotFound
            inside = {id_ for (id_,) in tx.rows(select(c.user_id).where(c.group_name == group))}
            if user in inside:
                return
            if known.max_members is not None and len(inside) >= known.max_members:
                raise AuthError(
                    "CONFLICT", say("The group {group} is full: it takes {most}", group=group, most=known.max_members)
                )
            row = {"id": uuid7(), "group_name": group, "user_id": user, "created_by": who.id, "created_at": tx.time}
            tx.insert(MEMBERS, [row])
            context.log(tx, "admin.group.joined", who, source, about(account), group=group)

        await context.write(work, who)

    async def remove(self, who: Principal, source: Source, group: str, user: str) -> None:
        """Take somebody out. Raises NotFound, also for who is not in it."""
        context, c = self._context, MEMBERS.c
        self._group(group)

        def work(tx: Transaction) -> None:
            account = find(tx, user)
            where = (c.group_name == group, c.user_id == user)
            if account is None or not tx.rows(select(c.id).where(*where)):
                raise NotFound
            tx.execute(MEMBERS.delete().where(*where))
            context.log(tx, "admin.group.left", who, source, about(account), group=group)

        await context.write(work, who)

    def _group(self, name: str) -> Group:
        found = next((each for each in self._context.roles.groups if each.name == name), None)
        if found is None:
            raise NotFound
        return found
