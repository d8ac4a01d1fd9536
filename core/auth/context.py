"""What every flow of accounts works with: the rules of the app file, the database, the secrets, the log, the post."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from core.audit.log import AuditLog, Event
from core.auth.account import Account, erase
from core.auth.lockout import Lockout
from core.auth.password import Hasher
from core.auth.redirect import Redirects
from core.auth.session import Sessions
from core.auth.token import OneTimeTokens
from core.clock import Clock
from core.principal import Principal, Source
from core.schema.auth import AuthSpec
from core.schema.role import Roles
from core.secrets.envelope import Secrets
from core.storage.catalog import table_names
from core.storage.database import Call, Database, Lane, Reader, Transaction

if TYPE_CHECKING:
    from sqlalchemy import Table

    from core.messaging.post import Post

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class AuthContext:
    """Of one version of the app on one database."""

    spec: AuthSpec
    roles: Roles
    app_name: str
    database: Database
    clock: Clock
    secrets: Secrets
    audit: AuditLog
    sessions: Sessions
    tokens: OneTimeTokens
    hasher: Hasher
    lockout: Lockout
    post: "Post"
    personal: "tuple[Table, ...]" = ()
    """Tables of other services with rows of one person, whose id is in `user_id`."""

    @cached_property
    def redirects(self) -> Redirects:
        """Where links and pages may lead on to."""
        return Redirects(self.spec.redirects, self.post.settings.base_url)

    async def read(self, work: Callable[[Reader], T], *, lane: Lane = "point") -> T:
        """Read on another thread."""
        return await self.database.read(Call(work), lane=lane)

    async def write(self, work: Callable[[Transaction], T], who: Principal) -> T:
        """Do all of it in one transaction, after which no remembered session holds without being read again."""
        try:
            return await self.database.write(Call(work), actor=who.id or who.kind)
        finally:
            self.sessions.forget()

    def remove(self, tx: Transaction, account: Account) -> None:
        """Remove an account with all that is kept for it, in the caller's transaction (A-045)."""
        self.sessions.end_all(tx, account.id)
        if account.email is not None:
            self.tokens.forget(tx, account.email)
        there = table_names(tx)
        for table in self.personal:
            if table.name in there:
                tx.execute(table.delete().where(table.c.user_id == account.id))
        erase(tx, account.id)

    def log(
        self,
        tx: Transaction,
        action: str,
        who: Principal,
        source: Source,
        resource: tuple[str, str, str] | None = None,
        **metadata: Any,
    ) -> None:
        """One entry of the audit log, in the transaction of what it tells of. `result="failure"` for what was refused."""
        result = metadata.pop("result", "success")
        event = Event(action=action, who=who, source=source, resource=resource, result=result, metadata=metadata)
        self.audit.write(tx, event)
