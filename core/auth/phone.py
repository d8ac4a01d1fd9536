"""Phone numbers: codes by text message, and passwords with a number in place of an address (auth §7.4).

Each message costs money, so a number that would not be let in gets none; it is counted and answered as if it had (T3).
How many may leave stands in `core.messaging.pace`.
"""

import hmac
from datetime import timedelta

from core.auth.account import Account, by_phone, change, create, find, set_password
from core.auth.address import normal_phone
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.proof import prove_password
from core.auth.second_step import admit
from core.auth.session import SignedIn
from core.auth.sign_in import Entered, SecondStep, principal_of, require_admitted
from core.auth.token import Token
from core.errors import NotSignedIn
from core.principal import GUEST, Source
from core.schema.auth import PhoneStrategy
from core.storage.database import Reader, Transaction


class Phone:
    """Sending codes, and what they are for."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def send(self, number: str, source: Source, found: SignedIn | None) -> None:
        """Send a code to a number; one that was sent before holds no more. `found` is the session that asks: it may want the
        number for its account.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_PHONE_NUMBER.
            Invalid: messages do not go to that country.
            TooManyTexts: within a minute of the last, or too many (A-106, A-109).
            DeliveryFailed: the provider did not take it; no code is kept.
        """
        context, rules = self._context, self._rules()
        digits = normal_phone(number)

        def look(reader: Reader) -> tuple[Account | None, bool]:
            account = by_phone(reader, digits)
            if account is None:
                return None, context.spec.allow_sign_up or found is not None
            return account, not account.is_banned(context.clock()) and account.deleted_at is None

        async with neutrally():
            await self._send(digits, rules, source, await context.read(look))

    async def _send(
        self, digits: str, rules: PhoneStrategy, source: Source, whose: tuple[Account | None, bool]
    ) -> None:
        context, (account, is_welcome) = self._context, whose
        code = rules.test_otps.get(digits)
        if code is None:
            code = context.tokens.new_code(rules.otp_length)
            validity = timedelta(seconds=rules.otp_seconds)
            await context.post.text(
                digits,
                "phoneOtp",
                {"otp": code},
                address=source.address,
                channel=rules.channels[0],
                validity=validity,
                leaves=is_welcome,
            )
        user, kept = account.id if account is not None else None, code

        def keep(tx: Transaction) -> None:
            context.tokens.issue_code(tx, "phone-otp", digits, rules.otp_seconds, user=user, code=kept)

        await context.write(keep, GUEST)

    async def verify(
        self, number: str, code: str, source: Source, *, device: str | None, begins: bool = True
    ) -> tuple[Account, Entered | SecondStep | None]:
        """Use a code up: the account that has the number, or a new one; with a session, or the second step before it,
        unless `begins` is False.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_PHONE_NUMBER, INVALID_CODE, TOKEN_EXPIRED (400), TOO_MANY_ATTEMPTS,
                SIGN_UP_DISABLED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        self._rules()
        digits = normal_phone(number)

        def work(tx: Transaction) -> tuple[Account, Entered | SecondStep | None] | AuthError:
            used = self._use(tx, digits, code)
            if isinstance(used, AuthError):
                return used
            account, is_new = self._arrive(tx, digits, source)
            if not begins:
                return account, None
            return account, admit(context, tx, account, source, methods=("phone",), device=device, is_new=is_new)

        done = await context.write(work, GUEST)
        if isinstance(done, AuthError):
            raise done
        return done

    async def change(self, found: SignedIn, number: str, code: str, source: Source) -> Account:
        """Use a code up for the number of one's own account.

        Raises:
            AuthError: SESSION_NOT_FRESH, MFA_REQUIRED, CONFLICT where another account has it, and as `verify`.
        """
        context = self._context
        self._rules()
        digits = normal_phone(number)
        if found.session.impersonated_by is not None:
            raise AuthError("IMPERSONATION_RESTRICTED")
        if not found.account.is_anonymous:
            context.sessions.require_fresh(found.session)
        if found.account.two_factor and found.session.assurance == "aal1":
            raise AuthError("MFA_REQUIRED", "Show your second factor first", hint="send a code to /two-factor/verify")

        def work(tx: Transaction) -> Account | AuthError:
            used = self._use(tx, digits, code)
            if isinstance(used, AuthError):
                return used
            account, other = find(tx, found.account.id), by_phone(tx, digits)
            if account is None:
                raise NotSignedIn
            if other is not None and other.id != account.id:
                return AuthError("CONFLICT", "Another account has this number")
            account = change(tx, account, phone=digits, phone_verified=True, is_anonymous=False)
            context.log(tx, "phone.changed", found.principal, source, ("user", account.id, account.name))
            return account

        account = await context.write(work, found.principal)
        if isinstance(account, AuthError):
            raise account
        return account

    async def by_password(
        self, number: str, password: str, source: Source, *, remember: bool = True, device: str | None = None
    ) -> Entered | SecondStep:
        """Sign in with a number and the password of its account.

        Raises:
            AuthError: STRATEGY_DISABLED, INVALID_PHONE_NUMBER, PASSWORD_TOO_LONG, INVALID_PHONE_NUMBER_OR_PASSWORD,
                ACCOUNT_TEMPORARILY_LOCKED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        self._rules()
        if context.spec.password is None:
            raise AuthError("STRATEGY_DISABLED")
        digits = normal_phone(number)

        def look_up(reader: Reader) -> Account | None:
            found = by_phone(reader, digits)
            return found if found is not None and found.phone_verified else None

        try:
            account, stored = await prove_password(context, digits, look_up, password, source)
        except AuthError as error:
            if error.code != "INVALID_EMAIL_OR_PASSWORD":
                raise
            raise AuthError("INVALID_PHONE_NUMBER_OR_PASSWORD") from error
        require_admitted(account, context.clock())
        renewed = await context.hasher.hash(password) if context.hasher.is_outdated(stored) else None

        def enter(tx: Transaction) -> Entered | SecondStep:
            if renewed is not None:
                set_password(tx, account.id, renewed)
            context.lockout.lift(tx, digits)
            return admit(context, tx, account, source, methods=("password",), remember=remember, device=device)

        return await context.write(enter, principal_of(account))

    def _use(self, tx: Transaction, digits: str, code: str) -> Token | AuthError | None:
        """None for the code of a number that tests know."""
        known = self._rules().test_otps.get(digits)
        if known is not None and hmac.compare_digest(known.encode(), code.encode()):
            return None
        return self._context.tokens.try_code(tx, "phone-otp", digits, code)

    def _arrive(self, tx: Transaction, digits: str, source: Source) -> tuple[Account, bool]:
        context = self._context
        account = by_phone(tx, digits)
        if account is not None:
            require_admitted(account, tx.time)
            context.lockout.lift(tx, digits)
            return account if account.phone_verified else change(tx, account, phone_verified=True), False
        if not context.spec.allow_sign_up:
            raise AuthError("SIGN_UP_DISABLED")
        account = create(tx, email=None, name=_shown(digits), phone=digits, phone_verified=True)
        context.log(tx, "user.signed_up", principal_of(account), source, ("user", account.id, account.name))
        return account, True

    def _rules(self) -> PhoneStrategy:
        rules = self._context.spec.phone
        if rules is None:
            raise AuthError("STRATEGY_DISABLED")
        return rules


def _shown(digits: str) -> str:
    """What somebody is called of whom only the number is known, which others need not read."""
    return f"+{digits[:2]} … {digits[-2:]}"
