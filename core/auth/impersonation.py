"""Acting as somebody else (auth §11.5): for support, in a session of its own that tells who really acts.

It has exactly the rights of the other account, lasts a set time, ends with the session that it was begun from, and may not
do what only a person may do with their own account: `core.http.administration` says what.
"""

from core.auth.account import Account, effective_roles, find, groups_of
from core.auth.admin import about, require_reach
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.session import Session, SignedIn
from core.auth.sign_in import Entered, require_admitted
from core.errors import BadRequest, NotFound
from core.principal import Principal, Source
from core.schema.role import ADMIN
from core.storage.database import Transaction

OWNER = "owner"
"""The one who acts, where it is the local owner."""


class Impersonation:
    """Beginning and ending it."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def start(self, who: Principal, source: Source, user: str, by: SignedIn | None) -> Entered:
        """Begin to act as an account. `by` is the session that asks, None for the local owner.

        Raises:
            NotFound: no such account. BadRequest: oneself.
            AuthError: FORBIDDEN, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        rules = context.spec.impersonation
        if not rules.enabled:
            raise AuthError("FORBIDDEN", "Acting as somebody else is off")
        if who.key is not None:
            raise AuthError("FORBIDDEN", "A key acts as nobody else")  # its scopes would not hold for the session
        if who.id == user:
            raise BadRequest("You are that user already")

        def work(tx: Transaction) -> Entered:
            account = find(tx, user)
            if account is None:
                raise NotFound
            held = effective_roles(account.roles, context.roles)
            if ADMIN in held and not rules.allow_admins:
                raise AuthError("FORBIDDEN", "Nobody acts as an administrator")
            require_reach(who, held, context.roles)
            require_admitted(account, tx.time)
            secret, session = context.sessions.begin(
                tx,
                account,
                source,
                methods=("impersonation",),
                assurance=by.session.assurance if by else "aal1",
                lasts=rules.duration,
                impersonated_by=who.id or OWNER,
                parent=by.session.id if by else None,
            )
            context.log(tx, "admin.impersonation.started", who, source, about(account), session=session.id)
            return Entered(secret, session, account)

        return await context.write(work, who)

    async def stop(self, found: SignedIn, source: Source) -> tuple[Session, Account] | None:
        """End it: the session that it was begun from and its account; None where there is none (any more).

        Raises:
            BadRequest: nobody acts as anybody.
        """
        context, session = self._context, found.session
        if session.impersonated_by is None:
            raise BadRequest("This session does not act as somebody else")

        def work(tx: Transaction) -> tuple[Session, Account] | None:
            admin = find(tx, session.impersonated_by or "")
            parent = context.sessions.find(tx, session.parent_id) if session.parent_id else None
            context.sessions.end(tx, [session.id])
            who = found.principal
            if admin is not None:
                who = context.sessions.principal(admin, groups_of(tx, admin.id), parent)
            context.log(tx, "admin.impersonation.stopped", who, source, about(found.account), session=session.id)
            return (parent, admin) if parent is not None and admin is not None else None

        return await context.write(work, found.principal)
