"""Codes by mail: to sign in, to verify an address, to choose a new password (auth §7.4).

Whether or not an address has an account, the same is done and answered. A code is dead after three wrong tries, and an
address has thirty of them a day (T2).
"""

from datetime import timedelta
from typing import Literal

from core.auth.account import Account, by_email, change, find
from core.auth.address import normal_email
from core.auth.arrival import arrive, is_welcome
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.password import check_password
from core.auth.recovery import replace_password
from core.auth.second_step import admit
from core.auth.sign_in import Entered, SecondStep, begin_session, principal_of, require_admitted
from core.auth.token import Purpose, Token
from core.ids import uuid7
from core.principal import GUEST, Source
from core.schema.auth import PasswordStrategy
from core.storage.database import Transaction

Kind = Literal["sign-in", "email-verification", "forget-password"]
_PURPOSES: dict[Kind, Purpose] = {
    "sign-in": "email-otp",
    "email-verification": "verify-otp",
    "forget-password": "reset-otp",
}


class EmailCode:
    """Sending codes, and what they are for."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def send(self, email: str, kind: Kind) -> None:
        """Send a code; those of the same kind that were sent before hold no more.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_EMAIL.
        """
        context, rules = self._context, self._context.spec.email_otp
        self._require(kind)
        address = normal_email(email)

        def work(tx: Transaction) -> None:
            account = by_email(tx, address)
            user = account.id if account is not None else None
            code = context.tokens.issue_code(
                tx, _PURPOSES[kind], address, rules.seconds, length=rules.length, user=user
            )
            values = {"name": account.name if account is not None else "", "email": address, "otp": code}
            template = "resetPassword" if kind == "forget-password" else "emailOtp"
            mail = context.post.put(tx, template, address, values, validity=timedelta(seconds=rules.seconds))
            context.post.queue.take_back(tx, uuid7() if self._is_wanted(tx, account, address, kind) else mail)

        async with neutrally():
            await context.write(work, GUEST)
        context.post.nudge()

    async def sign_in(self, email: str, code: str, source: Source, device: str | None) -> Entered | SecondStep:
        """Use a code up: a session, or the second step before it. An address without an account gets one.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_EMAIL, INVALID_CODE, TOKEN_EXPIRED (400), TOO_MANY_ATTEMPTS,
                SIGN_UP_DISABLED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        self._require("sign-in")
        address = normal_email(email)

        def work(tx: Transaction) -> Entered | SecondStep | AuthError:
            used = self._use(tx, "sign-in", address, code)
            if isinstance(used, AuthError):
                return used
            account, is_new = arrive(context, tx, address, source)
            return admit(context, tx, account, source, methods=("otp",), device=device, is_new=is_new)

        way = await context.write(work, GUEST)
        if isinstance(way, AuthError):
            raise way
        context.post.nudge()
        return way

    async def verify(self, email: str, code: str, source: Source) -> tuple[Account, Entered | None]:
        """Use a code up that proves an address to be the account's; the session that it begins where the app wants that and
        no second factor is asked for.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_EMAIL, INVALID_CODE, TOKEN_EXPIRED (400), TOO_MANY_ATTEMPTS, BANNED_USER,
                ACCOUNT_DELETION_SCHEDULED.
        """
        context, rules = self._context, self._require("email-verification")
        address = normal_email(email)

        def work(tx: Transaction) -> tuple[Account, Entered | None] | AuthError:
            account = self._owner(tx, self._use(tx, "email-verification", address, code))
            if isinstance(account, AuthError):
                return account
            require_admitted(account, tx.time)
            account = change(tx, account, email_verified=True)
            context.log(tx, "user.verified", principal_of(account), source, ("user", account.id, account.name))
            if rules is None or not rules.auto_sign_in_after_verification or account.two_factor:
                return account, None
            entered = begin_session(context, tx, account, source, methods=("otp",))
            return entered.account, entered

        found = await context.write(work, GUEST)
        if isinstance(found, AuthError):
            raise found
        return found

    async def reset(self, email: str, code: str, password: str, source: Source) -> None:
        """Choose a new password with a code: all sessions end, as with the link of a mail (A-096).

        Raises:
            AuthError: PASSWORD_TOO_SHORT and its like; what `verify` raises.
        """
        context, rules = self._context, self._require("forget-password")
        address = normal_email(email)
        assert rules is not None
        check_password(password, rules, email=address, app=context.app_name)
        hashed = await context.hasher.hash(password)

        def work(tx: Transaction) -> AuthError | None:
            account = self._owner(tx, self._use(tx, "forget-password", address, code))
            if isinstance(account, AuthError):
                return account
            require_admitted(account, tx.time)
            replace_password(context, tx, account, hashed, source)
            return None

        problem = await context.write(work, GUEST)
        if problem is not None:
            raise problem
        context.post.nudge()

    def _use(self, tx: Transaction, kind: Kind, address: str, code: str) -> Token | AuthError:
        return self._context.tokens.try_code(tx, _PURPOSES[kind], address, code)

    @staticmethod
    def _owner(tx: Transaction, used: Token | AuthError) -> Account | AuthError:
        """The account that the code was sent for, if it still has the address."""
        if isinstance(used, AuthError):
            return used
        account = find(tx, used.user_id) if used.user_id is not None else None
        return account if account is not None and account.email == used.identifier else AuthError("INVALID_CODE")

    def _is_wanted(self, tx: Transaction, account: Account | None, address: str, kind: Kind) -> bool:
        if kind == "sign-in" or account is None:
            return kind == "sign-in" and is_welcome(self._context, tx, address)
        is_there = is_welcome(self._context, tx, address)
        return is_there and (kind == "forget-password" or not account.email_verified)

    def _require(self, kind: Kind) -> PasswordStrategy | None:
        """The rules of passwords, where the app has this kind. Raises AuthError STRATEGY_DISABLED."""
        spec = self._context.spec
        if (spec.magic_link if kind == "sign-in" else spec.password) is None:
            raise AuthError("STRATEGY_DISABLED")
        return spec.password
