"""Somebody has proved to own an address: the account that has it, or a new one (auth §7.4)."""

from core.auth.account import Account, by_email, change, create, password_of
from core.auth.address import plain_name
from core.auth.context import AuthContext
from core.auth.email_change import is_reserved
from core.auth.error import AuthError
from core.auth.recovery import end_other_ways, forget_proofs, tell_changed
from core.auth.sign_in import principal_of, require_admitted
from core.auth.store import CREDENTIALS
from core.principal import Source
from core.storage.database import Transaction


def is_welcome(context: AuthContext, tx: Transaction, email: str) -> bool:
    """Whether somebody who proves to own the address would be let in: else nothing is sent to it (A-101)."""
    account = by_email(tx, email)
    if account is None:
        return context.spec.allow_sign_up and not is_reserved(tx, email)
    return not account.is_banned(tx.time) and account.deleted_at is None


def arrive(
    context: AuthContext, tx: Transaction, email: str, source: Source, *, name: str = ""
) -> tuple[Account, bool]:
    """The account of the address, and whether it is new; the address is verified from now on (A-103).

    Whoever signed up with an address that was never confirmed may have been somebody else, so the password goes that they
    chose, and with it every session, key and phone number (T19). Not where there is a second factor, which is asked for in
    any case.

    Raises:
        AuthError: SIGN_UP_DISABLED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
    """
    account = by_email(tx, email)
    if account is None:
        if not context.spec.allow_sign_up or is_reserved(tx, email):
            raise AuthError("SIGN_UP_DISABLED")
        called = plain_name(name) or plain_name(email.partition("@")[0])
        account = create(tx, email=email, name=called or email, email_verified=True)
        context.log(tx, "user.signed_up", principal_of(account), source, ("user", account.id, account.name))
        return account, True
    require_admitted(account, tx.time)
    context.lockout.lift(tx, email)
    if account.email_verified or account.two_factor:
        return account, False
    if password_of(tx, account.id) is not None:
        tx.execute(CREDENTIALS.delete().where(CREDENTIALS.c.user_id == account.id))
        tell_changed(context, tx, account)
    forget_proofs(context, tx, account)
    account = end_other_ways(context, tx, account, source)
    context.sessions.end_all(tx, account.id)
    account = change(tx, account, email_verified=True)
    context.log(tx, "user.verified", principal_of(account), source, ("user", account.id, account.name))
    return account, False
