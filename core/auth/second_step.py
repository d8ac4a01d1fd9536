"""Between the first proof and the session: the second factor, where an account has one (auth §8).

Every way in ends in `admit`. What it gives instead of a session is a secret that proves the first step, works ten minutes
and opens nothing else (A-115). Five wrong codes use it up; ten in a row, over all sign-ins, lock the second step (A-117).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import select

from core.auth.account import Account, find
from core.auth.backup_code import codes_left, use_code
from core.auth.context import AuthContext
from core.auth.device import recognised, trust
from core.auth.error import AuthError
from core.auth.guess import Guesses
from core.auth.session import SignedIn
from core.auth.sign_in import Entered, SecondStep, begin_session, principal_of, require_admitted
from core.auth.store import FACTORS, SESSIONS
from core.auth.totp import Totp
from core.errors import NotSignedIn
from core.principal import GUEST, Source
from core.schema.auth import AuthSpec, TwoFactorSpec
from core.storage.database import Reader, Transaction

Way = Literal["totp", "backupCode", "otp"]
STEP_SECONDS = 600
TRIES = 5
"""Wrong codes after which the first step must be done again."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The second step is done. `entered` None: no session was wanted. `device`: the secret of a device that is trusted from
    now on."""

    account: Account
    entered: Entered | None
    device: str | None = None


def factor_rules(spec: AuthSpec) -> TwoFactorSpec | None:
    """The rules of second factors; None in an app without them."""
    return None if spec.mfa.totp == "off" else spec.two_factor


def admit(
    context: AuthContext,
    tx: Transaction,
    account: Account,
    source: Source,
    *,
    methods: tuple[str, ...],
    remember: bool = True,
    device: str | None = None,
    is_new: bool = False,
) -> Entered | SecondStep:
    """Somebody has proved to be the account: begin the session, or ask for the second factor first. `device` is the secret
    that the browser shows of having done that before (A-120)."""
    if not account.two_factor or factor_rules(context.spec) is None:
        return begin_session(context, tx, account, source, methods=methods, remember=remember, is_new=is_new)
    trusted = recognised(tx, account.id, device) if device is not None else None
    if trusted is not None:
        ways = (*methods, "device")
        return begin_session(
            context, tx, account, source, methods=ways, remember=remember, assurance="aal2", device=trusted
        )
    data = {"methods": list(methods), "remember": remember}
    secret = context.tokens.issue_link(
        tx, "two-factor", account.id, STEP_SECONDS, user=account.id, data=data, several=True
    )
    return SecondStep(secret, _ways(context, tx, account, methods), account)


class SecondSteps:
    """The second step of signing in, and the same for a session that began without it."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def complete(
        self,
        secret: str,
        code: str,
        source: Source,
        *,
        ways: Collection[Way],
        trusts: bool = False,
        begins: bool = True,
    ) -> Passed:
        """Go on after the first step, which `secret` proves. `trusts`: this device is not asked again for thirty days.
        `begins` False: no session.

        Raises:
            AuthError: INVALID_TWO_FACTOR_COOKIE, INVALID_CODE (401), INVALID_BACKUP_CODE, TOO_MANY_ATTEMPTS,
                ACCOUNT_TEMPORARILY_LOCKED, BANNED_USER, ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context

        def work(tx: Transaction) -> Passed | AuthError:
            account, first = self._owner(tx, secret)
            require_admitted(account, tx.time)
            way = prove(context, tx, account, code, source, ways, first)
            if isinstance(way, AuthError):
                is_over = way.status != 429 and context.tokens.missed(tx, "two-factor", secret, TRIES)
                return AuthError("TOO_MANY_ATTEMPTS", "Too many wrong codes; sign in again") if is_over else way
            token = context.tokens.use_link(tx, "two-factor", secret)
            for identifier in (account.email, account.phone):
                if identifier is not None:
                    context.lockout.lift(tx, identifier)
            device, shown = trust(tx, account.id, source) if trusts else (None, None)
            if device is not None:
                context.log(tx, "device.trusted", principal_of(account), source, ("device", device, ""))
            if not begins:
                return Passed(account, None, shown)
            entered = begin_session(
                context,
                tx,
                account,
                source,
                methods=(*token.data["methods"], way),
                remember=token.data["remember"],
                assurance="aal2",
                device=device,
            )
            return Passed(entered.account, entered, shown)

        passed = await context.write(work, GUEST)
        if isinstance(passed, AuthError):
            raise passed
        return passed

    async def step_up(self, found: SignedIn, code: str, source: Source, *, ways: Collection[Way]) -> Passed:
        """Show the second factor in a session that began without it; it goes on under a new secret (A-071).

        Raises AuthError as `complete` does, TWO_FACTOR_NOT_ENABLED.
        """
        context = self._context

        def work(tx: Transaction) -> Passed | AuthError:
            account = find(tx, found.account.id)
            if account is None:
                raise NotSignedIn
            if not account.two_factor:
                raise AuthError("TWO_FACTOR_NOT_ENABLED")
            way = prove(context, tx, account, code, source, ways, found.session.methods)
            if isinstance(way, AuthError):
                return way
            return Passed(account, assure(context, tx, found, account, way))

        passed = await context.write(work, found.principal)
        if isinstance(passed, AuthError):
            raise passed
        return passed

    async def send(self, secret: str, source: Source) -> None:
        """Send a code by text message, where the app and the account have that way.

        Raises:
            AuthError: INVALID_TWO_FACTOR_COOKIE, STRATEGY_DISABLED.
            TooManyTexts, DeliveryFailed: it could not leave.
        """
        context = self._context

        account, first = await context.read(lambda reader: self._owner(reader, secret))
        phone = context.spec.phone
        if phone is None or account.phone is None or not _may_text(context, account, first):
            raise AuthError("STRATEGY_DISABLED")
        code = context.tokens.new_code(phone.otp_length)
        validity = timedelta(seconds=phone.otp_seconds)
        await context.post.text(account.phone, "phoneOtp", {"otp": code}, address=source.address, validity=validity)

        def keep(tx: Transaction) -> None:
            context.tokens.issue_code(tx, "factor-otp", account.id, phone.otp_seconds, user=account.id, code=code)

        await context.write(keep, GUEST)

    async def identify(self, secret: str) -> str:
        """Whose second step it is, by the account's id. Raises AuthError INVALID_TWO_FACTOR_COOKIE."""
        return (await self._context.read(lambda reader: self._owner(reader, secret)))[0].id

    def _owner(self, reader: Reader, secret: str) -> tuple[Account, Sequence[str]]:
        """Whose second step it is, and the methods of the first."""
        context = self._context
        token = context.tokens.find_link(reader, "two-factor", secret)
        account = find(reader, token.user_id or "") if token is not None else None
        if token is None or account is None or token.expires_at <= context.clock():
            raise AuthError("INVALID_TWO_FACTOR_COOKIE")
        return account, token.data["methods"]


def prove(
    context: AuthContext,
    tx: Transaction,
    account: Account,
    code: str,
    source: Source,
    ways: Collection[Way],
    first: Sequence[str],
) -> Way | AuthError:
    """Which of the ways the code is of; `first` are the methods of the first proof. What is wrong is given back and not
    raised, as the count of wrong codes must be committed: INVALID_CODE (401), INVALID_BACKUP_CODE,
    ACCOUNT_TEMPORARILY_LOCKED."""
    guesses, who = Guesses(context.secrets), guessed(account.id)
    resource = ("user", account.id, account.name)
    try:
        guesses.check(tx, who, tx.time)
    except AuthError as error:
        return error
    found = next((way for way in ways if _holds(context, tx, account, code, way, first)), None)
    if found is not None:
        guesses.passed(tx, who)
        action = "mfa.backup_code_used" if found == "backupCode" else "mfa.verified"
        context.log(tx, action, principal_of(account), source, resource, method=found)
        return found
    is_locked = guesses.failed(tx, who)
    context.log(tx, "mfa.failed", principal_of(account), source, resource, result="failure", locked=is_locked)
    return AuthError("INVALID_BACKUP_CODE") if tuple(ways) == ("backupCode",) else AuthError("INVALID_CODE", status=401)


def guessed(user: str) -> str:
    """The identifier under which wrong codes of an account are counted."""
    return f"second-step/{user}"


def assure(context: AuthContext, tx: Transaction, found: SignedIn, account: Account, way: str) -> Entered:
    """The session that asks has shown the second factor; it goes on under a new secret."""
    session = context.sessions.find(tx, found.session.id)
    if session is None:
        raise NotSignedIn
    values = {"assurance": "aal2", "methods": [*session.methods, way], "fresh_at": tx.time}
    tx.execute(SESSIONS.update().where(SESSIONS.c.id == session.id).values(**values))
    return Entered(context.sessions.rotate(tx, session.id), session, account)


def _holds(context: AuthContext, tx: Transaction, account: Account, code: str, way: Way, first: Sequence[str]) -> bool:
    if way == "totp":
        return _accepts(context, tx, account.id, code)
    if way == "backupCode":
        rules = factor_rules(context.spec)
        return rules is not None and rules.backup_codes and use_code(context.secrets, tx, account.id, code)
    if not _may_text(context, account, first):
        return False
    used = context.tokens.try_code(tx, "factor-otp", account.id, code)
    return used is not None and not isinstance(used, AuthError)


def _accepts(context: AuthContext, tx: Transaction, user: str, code: str) -> bool:
    """A code of one of the account's authenticator apps. Its step is used up: of any number that show it at once, one wins
    (A-116)."""
    c = FACTORS.c
    where = (c.user_id == user, c.kind == "totp", c.verified)
    for id_, sealed, last in tx.rows(select(c.id, c.secret, c.last_step).where(*where)):
        step = Totp.read(context.secrets.open(sealed, secret_place(id_))).step_of(code, tx.time, last)
        if step is not None:
            overtakes = c.last_step.is_(None) | (c.last_step < step)
            used = FACTORS.update().where(c.id == id_, overtakes).values(last_step=step).returning(c.id)
            return bool(tx.rows(used))
    return False


def secret_place(factor: str) -> str:
    """What the secret of a factor is sealed for (A-042)."""
    return f"{FACTORS.name}/{factor}/secret"


def _ways(context: AuthContext, reader: Reader, account: Account, first: Sequence[str]) -> tuple[str, ...]:
    rules = factor_rules(context.spec)
    has_codes = rules is not None and rules.backup_codes and codes_left(reader, account.id) > 0
    return ("totp", *(("backupCode",) if has_codes else ()), *(("otp",) if _may_text(context, account, first) else ()))


def _may_text(context: AuthContext, account: Account, first: Sequence[str]) -> bool:
    """Whether a text message can be the second proof: it is none where one was the first."""
    is_on = context.spec.mfa.phone != "off" and context.spec.phone is not None and "phone" not in first
    return is_on and account.phone is not None and account.phone_verified
