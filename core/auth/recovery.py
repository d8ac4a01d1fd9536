"""A forgotten password (auth §7.3): a link, by mail, that works once within an hour.

What is answered, and how long that takes, is the same whether or not there is such an account (A-092): for an address that
has none the same is done and taken back in the same transaction, and neither answer comes before its time.
"""

from datetime import timedelta

from sqlalchemy import or_, select

from core.auth.account import Account, by_email, change, find, set_password
from core.auth.address import normal_email
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.password import check_password
from core.auth.sign_in import principal_of
from core.auth.store import DEVICES, KEYS
from core.auth.token import Token
from core.ids import uuid7
from core.principal import GUEST, Source
from core.storage.database import Reader, Transaction

LINK_SECONDS = 3600
PATH = "/api/auth/reset-password"
PAGE = "/reset-password"


class Recovery:
    """Asking for the link, and using it."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def ask(self, email: str, target: str | None, source: Source) -> None:
        """Send the link to an address that has an account. `target` is the page that chooses the password, in place of ours.

        Raises:
            AuthError: INVALID_EMAIL, STRATEGY_DISABLED.
        """
        context = self._context
        if context.spec.password is None:
            raise AuthError("STRATEGY_DISABLED")
        address = normal_email(email)

        def work(tx: Transaction) -> None:
            account = by_email(tx, address)
            if account is not None and (account.is_banned(tx.time) or account.deleted_at is not None):
                account = None
            mail = self._mail(tx, account, address, target)
            about = ("user", account.id, "") if account is not None else None
            context.log(tx, "password.reset_requested", GUEST, source, about)
            context.post.queue.take_back(tx, mail if account is None else uuid7())

        async with neutrally():
            await context.write(work, GUEST)
        context.post.nudge()

    def _mail(self, tx: Transaction, account: Account | None, address: str, target: str | None) -> str:
        context, name = self._context, account.name if account is not None else ""
        secret = context.tokens.issue_link(
            tx, "reset-password", address, LINK_SECONDS, user=account.id if account else None
        )
        link = context.post.link
        url = link(f"{PATH}/{secret}", callbackURL=target) if target else link(PAGE, token=secret)
        values = {"name": name, "email": address, "url": url}
        return context.post.put(tx, "resetPassword", address, values, validity=timedelta(seconds=LINK_SECONDS))

    async def is_open(self, secret: str) -> bool:
        """The link could be used now."""
        now = self._context.clock()

        def look(reader: Reader) -> bool:
            token = self._context.tokens.find_link(reader, "reset-password", secret)
            return token is not None and token.expires_at > now and token.user_id is not None

        return await self._context.read(look)

    async def reset(self, secret: str, password: str, source: Source) -> None:
        """Choose the password, with the link: all sessions end, devices are asked for the second factor again, which itself
        stays (A-096, A-098); a lock after wrong passwords is lifted (A-147).

        Raises:
            AuthError: PASSWORD_TOO_SHORT and its like; INVALID_TOKEN, TOKEN_EXPIRED.
        """
        context, rules = self._context, self._context.spec.password
        if rules is None:
            raise AuthError("STRATEGY_DISABLED")
        check_password(password, rules, app=context.app_name)

        def look(reader: Reader) -> Account:
            return self._owner(reader, context.tokens.find_link(reader, "reset-password", secret))

        account = await context.read(look)
        check_password(password, rules, email=account.email, app=context.app_name)
        hashed = await context.hasher.hash(password)

        def work(tx: Transaction) -> None:
            account = self._owner(tx, context.tokens.use_link(tx, "reset-password", secret))
            replace_password(context, tx, account, hashed, source)

        await context.write(work, GUEST)
        context.post.nudge()

    @staticmethod
    def _owner(reader: Reader, token: Token | None) -> Account:
        """Whose link it is. Raises AuthError INVALID_TOKEN, also where the account has another address by now."""
        account = find(reader, token.user_id) if token is not None and token.user_id is not None else None
        if token is None or account is None or account.email != token.identifier or account.deleted_at is not None:
            raise AuthError("INVALID_TOKEN")
        return account


def replace_password(context: AuthContext, tx: Transaction, account: Account, hashed: str, source: Source) -> None:
    """Give an account a password, for somebody who has proved to own its address: a link or a code of a mail was used. What
    was there before holds no more, but the second factor; a lock after wrong passwords is lifted (A-096, A-098, A-147)."""
    if not account.email_verified:
        account = end_other_ways(context, tx, account, source)
        account = change(tx, account, email_verified=True)
    set_password(tx, account.id, hashed)
    forget_proofs(context, tx, account)
    if account.email is not None:
        context.lockout.lift(tx, account.email)
    context.sessions.end_all(tx, account.id)
    context.log(tx, "password.reset", principal_of(account), source, ("user", account.id, account.name))
    tell_changed(context, tx, account)


def end_other_ways(context: AuthContext, tx: Transaction, account: Account, source: Source) -> Account:
    """Of an account that somebody else may have had until now, as nobody had proved its address (T19), or as that was taken
    back: keys end, and the phone number goes, with which one gets in as well."""
    c = KEYS.c
    where = (c.user_id == account.id, or_(c.revoked_at.is_(None), c.revoked_at > tx.time))
    for id_, name in tx.rows(select(c.id, c.name).where(*where)):
        context.log(tx, "apikey.revoked", principal_of(account), source, ("api-key", id_, name))
    tx.execute(KEYS.update().where(*where).values(revoked_at=tx.time))
    return change(tx, account, phone=None, phone_verified=False) if account.phone is not None else account


def forget_proofs(context: AuthContext, tx: Transaction, account: Account) -> None:
    """Of an account whose password is another now: no link sent before holds but the one that takes an address back, and no
    device is trusted."""
    context.tokens.void_all(tx, account.id, but="undo-email")
    tx.execute(DEVICES.delete().where(DEVICES.c.user_id == account.id))


def tell_changed(context: AuthContext, tx: Transaction, account: Account) -> None:
    """Notice that the password was changed, with the way to choose another."""
    if account.email is not None:
        values = {"name": account.name, "email": account.email, "url": context.post.link(PAGE)}
        context.post.put(tx, "passwordChanged", account.email, values)
