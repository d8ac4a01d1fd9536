"""Another address for an account (auth §7.2).

The old address, where it was verified, approves; the new one confirms; the old one can take it back for three days, with a
link that ends all sessions: so an unlocked screen, or a stolen session, is not enough to take an account away.
"""

from datetime import timedelta
from typing import Literal

from sqlalchemy import select

from core.auth.account import Account, by_email, change, find
from core.auth.address import normal_email
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.recovery import end_other_ways
from core.auth.session import SignedIn
from core.auth.sign_in import Entered, principal_of
from core.auth.store import DEVICES, TOKENS
from core.auth.token import Token
from core.principal import GUEST, Source
from core.storage.database import Transaction

LINK_SECONDS = 86_400
UNDO_SECONDS = 72 * 3600
RESET_SECONDS = 3600
UNDO_PATH = "/api/auth/change-email/undo"
Step = Literal["approve-email", "change-email"]
_PATHS: dict[Step, str] = {
    "approve-email": "/api/auth/change-email/approve",
    "change-email": "/api/auth/change-email/confirm",
}


class EmailChange:
    """The steps of it, each with the link of a mail."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def ask(self, found: SignedIn, email: str, callback: str | None, source: Source) -> None:
        """Begin it. To the address that the account has already nothing is sent; nor to one that is taken, where nothing may
        tell that it is.

        Raises:
            AuthError: INVALID_EMAIL, SESSION_NOT_FRESH, USER_ALREADY_EXISTS (409).
        """
        context = self._context
        if not found.account.is_anonymous:  # it has nothing to show once more
            context.sessions.require_fresh(found.session)
        address = normal_email(email)

        def work(tx: Transaction) -> bool:
            account = _living(tx, found.account.id)
            if account.email == address:
                return True
            context.log(tx, "email.change_requested", found.principal, source, ("user", account.id, account.name))
            if by_email(tx, address) is not None or is_reserved(tx, address, but=account.id):
                return False
            if account.email is not None and account.email_verified:
                self._mail(tx, "approve-email", account, account.email, address, callback)
            else:
                self._mail(tx, "change-email", account, address, address, callback)
            return True

        async with neutrally(wanted=context.spec.enumeration_safe):
            is_free = await context.write(work, found.principal)
        context.post.nudge()
        if not is_free and not context.spec.enumeration_safe:
            raise AuthError("USER_ALREADY_EXISTS", status=409)

    async def approve(self, secret: str) -> None:
        """The old address agrees: the new one is asked. Raises AuthError INVALID_TOKEN, TOKEN_EXPIRED."""
        context = self._context

        def work(tx: Transaction) -> None:
            token = context.tokens.use_link(tx, "approve-email", secret)
            account = self._asked(tx, token)
            new = str(token.data["new"])
            self._mail(tx, "change-email", account, new, new, token.data.get("callback"))

        await context.write(work, GUEST)
        context.post.nudge()

    async def confirm(self, secret: str, current: SignedIn | None, source: Source) -> Entered | None:
        """The new address is the account's from now on. A session of it that opens the link goes on under a new secret
        (A-071).

        Raises:
            AuthError: INVALID_TOKEN, TOKEN_EXPIRED, USER_ALREADY_EXISTS (409): somebody else has it meanwhile.
        """
        context = self._context

        def work(tx: Transaction) -> Entered | None:
            token = context.tokens.use_link(tx, "change-email", secret)
            account = self._asked(tx, token)
            old, new, was_verified = account.email, str(token.data["new"]), account.email_verified
            _require_free(tx, new, account)
            context.tokens.void_all(tx, account.id, but="undo-email")
            account = change(tx, account, email=new, email_verified=True, is_anonymous=False)
            who = principal_of(account)
            context.log(tx, "email.changed", who, source, ("user", account.id, account.name))
            if old is not None:
                self._tell(tx, account, old, can_undo=was_verified)
            self._tell(tx, account, new, can_undo=False)
            if current is None or current.account.id != account.id:
                return None
            return Entered(context.sessions.rotate(tx, current.session.id), current.session, account)

        entered = await context.write(work, GUEST)
        context.post.nudge()
        return entered

    async def undo(self, secret: str, source: Source) -> str:
        """Give the account its former address again and end all its sessions and keys; the secret of a link to choose
        a new password, for whoever has changed the address may know the old one (A-088).

        Raises:
            AuthError: INVALID_TOKEN, TOKEN_EXPIRED, USER_ALREADY_EXISTS (409).
        """
        context = self._context

        def work(tx: Transaction) -> str:
            token = context.tokens.use_link(tx, "undo-email", secret)
            account, old = _living(tx, token.user_id or ""), token.identifier
            _require_free(tx, old, account)
            context.tokens.void_all(tx, account.id)
            account = end_other_ways(context, tx, account, source)
            account = change(tx, account, email=old, email_verified=True)
            context.sessions.end_all(tx, account.id)
            tx.execute(DEVICES.delete().where(DEVICES.c.user_id == account.id))
            context.log(tx, "email.change_undone", principal_of(account), source, ("user", account.id, account.name))
            return context.tokens.issue_link(tx, "reset-password", old, RESET_SECONDS, user=account.id)

        return await context.write(work, GUEST)

    def _mail(self, tx: Transaction, step: Step, account: Account, to: str, new: str, callback: str | None) -> None:
        """Send the link of a step; those of an earlier request hold no more."""
        context = self._context
        data = {"old": account.email, "new": new, "callback": callback}
        for each in _PATHS:
            context.tokens.void(tx, each, account.id)
        secret = context.tokens.issue_link(tx, step, account.id, LINK_SECONDS, user=account.id, data=data)
        query = {"token": secret} | ({"callbackURL": callback} if callback else {})
        values = {"name": account.name, "email": new, "url": context.post.link(_PATHS[step], **query)}
        context.post.put(tx, "emailChange", to, values, validity=timedelta(seconds=LINK_SECONDS))

    def _asked(self, tx: Transaction, token: Token) -> Account:
        """The account, if it still has the address that it had when this was asked for. Raises AuthError INVALID_TOKEN."""
        account = _living(tx, token.user_id or "")
        if account.email != token.data["old"]:
            raise AuthError("INVALID_TOKEN")
        return account

    def _tell(self, tx: Transaction, account: Account, to: str, *, can_undo: bool) -> None:
        """Notice of the change; with the link that takes it back only to an address that was proved to be the owner's."""
        context, values = self._context, {"name": account.name, "email": account.email or ""}
        validity = timedelta(seconds=UNDO_SECONDS) if can_undo else None
        if can_undo:
            secret = context.tokens.issue_link(tx, "undo-email", to, UNDO_SECONDS, user=account.id, several=True)
            values["url"] = context.post.link(UNDO_PATH, token=secret)
        context.post.put(tx, "emailChanged", to, values, validity=validity)


def is_reserved(tx: Transaction, email: str, *, but: str | None = None) -> bool:
    """Its former owner can still take it back, so nobody but the account `but` may have it."""
    c = TOKENS.c
    where = (c.purpose == "undo-email", c.identifier == email, c.used_at.is_(None), c.expires_at > tx.time)
    return any(user != but for (user,) in tx.rows(select(c.user_id).where(*where)))


def _living(tx: Transaction, user: str) -> Account:
    """Raises AuthError INVALID_TOKEN for an account that is gone, or is waiting to be."""
    account = find(tx, user)
    if account is None or account.deleted_at is not None:
        raise AuthError("INVALID_TOKEN")
    return account


def _require_free(tx: Transaction, email: str, account: Account) -> None:
    other = by_email(tx, email)
    if other is not None and other.id != account.id:
        raise AuthError("USER_ALREADY_EXISTS", status=409)
