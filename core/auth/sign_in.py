"""Signing in with a password (auth §7.1), and out again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from core.auth.account import Account, by_email, change, set_password
from core.auth.address import normal_email
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.proof import prove_password
from core.auth.session import Session
from core.clock import to_iso
from core.principal import Principal, Source
from core.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody is in: the secret to be shown from now on, and what it stands for."""

    secret: str
    session: Session
    account: Account
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right; a second factor is asked for before there is a session. `secret` proves the first step."""

    secret: str
    methods: tuple[str, ...]
    account: Account


class SignIn:
    """Signing in with address and password."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def by_password(
        self, email: str, password: str, source: Source, *, remember: bool = True, device: str | None = None
    ) -> Entered | SecondStep:
        """Begin a session, or the second step before it. `device` as in `admit`.

        Raises:
            AuthError: INVALID_EMAIL, PASSWORD_TOO_LONG, INVALID_EMAIL_OR_PASSWORD, ACCOUNT_TEMPORARILY_LOCKED,
                EMAIL_NOT_VERIFIED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        rules = context.spec.password
        if rules is None:
            raise AuthError("STRATEGY_DISABLED")
        address = normal_email(email)
        account, stored = await prove_password(
            context, address, lambda reader: by_email(reader, address), password, source
        )
        require_admitted(account, context.clock())
        if rules.require_verification and not account.email_verified:
            from core.auth.verification import Verification

            await Verification(context).remind(account)
            raise AuthError("EMAIL_NOT_VERIFIED")
        renewed = await context.hasher.hash(password) if context.hasher.is_outdated(stored) else None

        def enter(tx: Transaction) -> Entered | SecondStep:
            from core.auth.second_step import admit

            if renewed is not None:
                set_password(tx, account.id, renewed)
            context.lockout.lift(tx, address)
            return admit(context, tx, account, source, methods=("password",), remember=remember, device=device)

        return await context.write(enter, principal_of(account))

    async def sign_out(self, who: Principal, session: str, source: Source) -> None:
        """End the session that asks."""
        context = self._context

        def work(tx: Transaction) -> None:
            context.sessions.end(tx, [session])
            context.log(tx, "session.ended", who, source, ("session", session, ""))

        await context.write(work, who)


def require_admitted(account: Account, now: datetime) -> None:
    """Raises AuthError BANNED_USER, ACCOUNT_DELETION_SCHEDULED: told only to who has proved to be the account (A-081)."""
    if account.is_banned(now):
        until = account.ban_expires and to_iso(account.ban_expires)
        raise AuthError("BANNED_USER", account.ban_reason, banReason=account.ban_reason, banExpires=until)
    if account.deleted_at is not None:
        raise AuthError("ACCOUNT_DELETION_SCHEDULED", eraseAt=account.erase_at and to_iso(account.erase_at))


def begin_session(
    context: AuthContext,
    tx: Transaction,
    account: Account,
    source: Source,
    *,
    methods: tuple[str, ...],
    remember: bool = True,
    assurance: Literal["aal1", "aal2"] = "aal1",
    is_new: bool = False,
    **more: Any,
) -> Entered:
    """The end of every way in: a ban that is over is lifted, the session begun, both told to the log."""
    columns: dict[str, Any] = {"last_sign_in_at": tx.time}
    if account.banned:
        columns |= {"banned": False, "ban_reason": None, "ban_expires": None}
    account = change(tx, account, **columns)
    secret, session = context.sessions.begin(
        tx, account, source, methods=methods, remember=remember, assurance=assurance, **more
    )
    context.log(
        tx, "session.created", principal_of(account), source, ("session", session.id, ""), methods=list(methods)
    )
    return Entered(secret, session, account, is_new)


def principal_of(account: Account) -> Principal:
    """The account as the one that did something."""
    return Principal("user", account.id, account.name, frozenset(account.roles), account.email)
