"""Showing a password: the one place where it is compared, and where wrong ones are counted (auth §7.1, §10.2)."""

from collections.abc import Callable

from core.auth.account import Account, find, password_of
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.password import normal_password
from core.principal import GUEST, Source
from core.storage.database import Reader, Transaction


async def prove_password(
    context: AuthContext, identifier: str, look_up: Callable[[Reader], Account | None], password: str, source: Source
) -> tuple[Account, str]:
    """The account whose password it is, with the hash. `identifier` is what the wrong ones are counted by, `look_up` finds
    the account that it means. One without an account, or with an account that has no password, costs the same (A-053).

    Raises:
        AuthError: PASSWORD_TOO_LONG, INVALID_EMAIL_OR_PASSWORD, ACCOUNT_TEMPORARILY_LOCKED.
    """
    normal_password(password)

    def look(reader: Reader) -> tuple[Account | None, str | None]:
        context.lockout.check(reader, identifier, context.clock())
        account = look_up(reader)
        kept = password_of(reader, account.id) if account else None
        return account, kept[0] if kept else None

    account, stored = await context.read(look)
    is_right = await context.hasher.verify(stored, password)
    if account is None or stored is None or not is_right:
        await _failed(context, identifier, account, source)
        raise AuthError("INVALID_EMAIL_OR_PASSWORD")
    return account, stored


async def prove_own(context: AuthContext, account: Account, password: str, source: Source) -> str:
    """The hash of the password that somebody with a session shows once more.

    Raises:
        AuthError: PASSWORD_TOO_LONG, INVALID_PASSWORD, ACCOUNT_TEMPORARILY_LOCKED.
    """
    identifier = account.email or account.phone or account.id

    def look_up(reader: Reader) -> Account | None:
        return find(reader, account.id)

    try:
        return (await prove_password(context, identifier, look_up, password, source))[1]
    except AuthError as error:
        if error.code != "INVALID_EMAIL_OR_PASSWORD":
            raise
        raise AuthError("INVALID_PASSWORD") from error


async def _failed(context: AuthContext, identifier: str, account: Account | None, source: Source) -> None:
    """Tell the log, count it, and tell the person whose account is locked by it, once for each lock."""
    resource = ("user", account.id, "") if account else None

    def work(tx: Transaction) -> None:
        context.log(tx, "signin.failed", GUEST, source, resource, result="failure")
        if context.lockout.failed(tx, identifier):
            context.log(tx, "signin.locked", GUEST, source, resource, result="failure")
            if account is not None and account.email is not None:
                url = context.post.link("/reset-password")
                words = {"name": account.name, "email": account.email, "url": url}
                context.post.put(tx, "accountLocked", account.email, words)

    await context.write(work, GUEST)
    context.post.nudge()
