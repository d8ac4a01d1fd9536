"""An account that its owner wants deleted (auth §7.2): at once, or in thirty days, until when it can be kept."""

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from core.auth.account import Account, by_email, change, find, require_other_admin
from core.auth.address import normal_email
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.proof import prove_own, prove_password
from core.auth.session import SignedIn
from core.auth.sign_in import principal_of
from core.auth.store import ACCOUNTS
from core.errors import NotSignedIn
from core.principal import GUEST, SYSTEM, Source
from core.storage.database import Call, Reader, Transaction

GRACE = timedelta(days=30)
PATH = "/api/account/keep"
BATCH = 100
"""Accounts that are removed in one look."""


class Deletion:
    """Deleting, keeping after all, and the end of the thirty days."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def delete(self, found: SignedIn, password: str | None, source: Source) -> None:
        """Remove the account now. With its password, or by a session that is fresh.

        Raises:
            AuthError: INVALID_PASSWORD, ACCOUNT_TEMPORARILY_LOCKED, SESSION_NOT_FRESH, LAST_ADMIN.
        """
        context = self._context
        await self._prove(found, password, source)

        def work(tx: Transaction) -> None:
            account = _own(tx, found)
            require_other_admin(tx, account, context.roles)
            context.log(tx, "account.deletion.purged", found.principal, source, ("user", account.id, account.name))
            context.remove(tx, account)

        await context.write(work, found.principal)

    async def schedule(self, found: SignedIn, password: str | None, source: Source) -> datetime:
        """End all sessions now and remove the account in thirty days; the moment. Raises as `delete`."""
        context = self._context
        await self._prove(found, password, source)

        def work(tx: Transaction) -> datetime:
            account = _own(tx, found)
            require_other_admin(tx, account, context.roles)
            moment = tx.time + GRACE
            account = change(tx, account, deleted_at=tx.time, erase_at=moment)
            context.tokens.void_all(tx, account.id)
            context.sessions.end_all(tx, account.id)
            context.log(tx, "account.deletion.scheduled", found.principal, source, ("user", account.id, account.name))
            if account.email is not None:
                seconds = int(GRACE.total_seconds())
                secret = context.tokens.issue_link(tx, "delete-account", account.id, seconds, user=account.id)
                url = context.post.link(PATH, token=secret)
                values = {"name": account.name, "email": account.email, "url": url}
                context.post.put(tx, "accountDeletion", account.email, values, validity=GRACE)
            return moment

        moment = await context.write(work, found.principal)
        context.post.nudge()
        return moment

    async def keep(self, secret: str, source: Source) -> None:
        """Keep the account after all, with the link of the mail. Raises AuthError INVALID_TOKEN, TOKEN_EXPIRED."""
        context = self._context

        def work(tx: Transaction) -> None:
            account = find(tx, context.tokens.use_link(tx, "delete-account", secret).user_id or "")
            if account is None:
                raise AuthError("INVALID_TOKEN")
            self._restore(tx, account, source)

        await context.write(work, GUEST)

    async def keep_by_password(self, email: str, password: str, source: Source) -> None:
        """The same with address and password, for who has lost the mail.

        Raises:
            AuthError: INVALID_EMAIL, ACCOUNT_TEMPORARILY_LOCKED, INVALID_EMAIL_OR_PASSWORD: also where nothing is to be
                kept.
        """
        context, address = self._context, normal_email(email)

        def look_up(reader: Reader) -> Account | None:
            return by_email(reader, address)

        account, _ = await prove_password(context, address, look_up, password, source)
        if account.deleted_at is None:
            raise AuthError("INVALID_EMAIL_OR_PASSWORD")

        def work(tx: Transaction) -> None:
            now = find(tx, account.id)
            own = context.tokens.open_for(tx, "delete-account", account.id)
            if now is None or now.deleted_at is None or not own:  # an administrator has removed it
                raise AuthError("INVALID_EMAIL_OR_PASSWORD")
            context.tokens.void(tx, "delete-account", account.id)
            self._restore(tx, now, source)

        await context.write(work, GUEST)

    def purge(self) -> int:
        """Remove the accounts whose thirty days are over; how many. Blocks."""
        database, count = self._context.database, 0
        while due := database.submit_read(Call(self._due)).result():
            removed = sum(
                database.submit_write(Call(partial(self._purge, user)), actor="system").result() for user in due
            )
            count += removed
            if not removed:
                break
        return count

    def _purge(self, user: str, tx: Transaction) -> bool:
        account = find(tx, user)
        if account is None or account.erase_at is None or account.erase_at > tx.time:
            return False
        self._context.remove(tx, account)
        self._context.log(tx, "account.deletion.purged", SYSTEM, Source("system"), ("user", user, ""))
        return True

    def _due(self, reader: Reader) -> list[str]:
        c = ACCOUNTS.c
        due = select(c.id).where(c.erase_at <= self._context.clock()).order_by(c.erase_at).limit(BATCH)
        return [user for (user,) in reader.rows(due)]

    def _restore(self, tx: Transaction, account: Account, source: Source) -> None:
        account = change(tx, account, deleted_at=None, erase_at=None)
        resource = ("user", account.id, account.name)
        self._context.log(tx, "account.deletion.cancelled", principal_of(account), source, resource)

    async def _prove(self, found: SignedIn, password: str | None, source: Source) -> None:
        if password is None:
            self._context.sessions.require_fresh(found.session)
        else:
            await prove_own(self._context, found.account, password, source)


def _own(tx: Transaction, found: SignedIn) -> Account:
    account = find(tx, found.account.id)
    if account is None:
        raise NotSignedIn
    return account
