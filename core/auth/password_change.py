"""One's own password: shown once more, changed, or set where there was none (auth §7.1, §7.3)."""

from core.auth.account import find, password_of, set_password
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.password import check_password
from core.auth.proof import prove_own
from core.auth.recovery import forget_proofs, tell_changed
from core.auth.session import SignedIn
from core.auth.sign_in import Entered
from core.errors import NotSignedIn
from core.principal import Source
from core.schema.auth import PasswordStrategy
from core.storage.database import Reader, Transaction


class PasswordChange:
    """What somebody with a session does with their password."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def verify(self, found: SignedIn, password: str, source: Source) -> None:
        """Show it once more: the session counts as fresh (A-067). Raises AuthError INVALID_PASSWORD,
        ACCOUNT_TEMPORARILY_LOCKED."""
        context = self._context
        self._rules()
        await prove_own(context, found.account, password, source)
        await context.write(lambda tx: context.sessions.refresh(tx, found.session.id), found.principal)

    async def change(
        self, found: SignedIn, current: str, new: str, source: Source, *, revoke_others: bool = True
    ) -> Entered:
        """Replace it: this session goes on under a new secret, the others end unless that is not wanted.

        Raises:
            AuthError: PASSWORD_TOO_SHORT and its like, INVALID_PASSWORD, ACCOUNT_TEMPORARILY_LOCKED, PASSWORD_UNCHANGED,
                CREDENTIAL_ACCOUNT_NOT_FOUND.
        """
        context, account = self._context, found.account
        check_password(new, self._rules(), email=account.email, app=context.app_name)
        if await self._stored(found) is None:
            raise AuthError("CREDENTIAL_ACCOUNT_NOT_FOUND")
        stored = await prove_own(context, account, current, source)
        if await context.hasher.verify(stored, new):
            raise AuthError("PASSWORD_UNCHANGED")
        return await self._keep(found, new, stored, source, revoke_others=revoke_others)

    async def set(self, found: SignedIn, new: str, source: Source) -> Entered:
        """Give a password to an account that has none.

        Raises:
            AuthError: PASSWORD_TOO_SHORT and its like, SESSION_NOT_FRESH, PASSWORD_ALREADY_SET.
        """
        context, account = self._context, found.account
        check_password(new, self._rules(), email=account.email, app=context.app_name)
        if await self._stored(found) is not None:
            raise AuthError("PASSWORD_ALREADY_SET")
        context.sessions.require_fresh(found.session)
        return await self._keep(found, new, None, source, revoke_others=False)

    async def _keep(
        self, found: SignedIn, new: str, before: str | None, source: Source, *, revoke_others: bool
    ) -> Entered:
        context = self._context
        hashed = await context.hasher.hash(new)

        def work(tx: Transaction) -> Entered:
            session, account = context.sessions.find(tx, found.session.id), find(tx, found.account.id)
            if session is None or account is None:
                raise NotSignedIn
            now = password_of(tx, account.id)
            if (now[0] if now else None) != before:
                raise AuthError("INVALID_PASSWORD")  # somebody else was quicker
            set_password(tx, account.id, hashed)
            forget_proofs(context, tx, account)
            if revoke_others:
                context.sessions.end_all(tx, account.id, but=session.id)
            context.sessions.refresh(tx, session.id)
            secret = context.sessions.rotate(tx, session.id)
            context.log(tx, "password.changed", found.principal, source, ("user", account.id, account.name))
            tell_changed(context, tx, account)
            return Entered(secret, session, account)

        entered = await context.write(work, found.principal)
        context.post.nudge()
        return entered

    def _rules(self) -> PasswordStrategy:
        if self._context.spec.password is None:
            raise AuthError("STRATEGY_DISABLED")
        return self._context.spec.password

    async def _stored(self, found: SignedIn) -> str | None:
        def look(reader: Reader) -> str | None:
            kept = password_of(reader, found.account.id)
            return kept[0] if kept else None

        return await self._context.read(look)
