"""New accounts of people who come by themselves (auth §7.1)."""

from dataclasses import dataclass
from datetime import datetime

from core.auth.account import Account, by_email, create, set_password
from core.auth.address import normal_email, plain_name
from core.auth.context import AuthContext
from core.auth.email_change import is_reserved
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.password import check_password
from core.auth.sign_in import Entered, begin_session, principal_of
from core.auth.verification import Verification
from core.errors import FieldError, Invalid
from core.ids import uuid7
from core.principal import GUEST, Source
from core.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Joined:
    """An account was made, or seems to be; `entered` where it is signed in at once."""

    account: Account
    entered: Entered | None


class SignUp:
    """Signing up with address and password."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def by_password(
        self,
        email: str,
        password: str,
        name: str,
        source: Source,
        *,
        image: str | None = None,
        remember: bool = True,
        callback: str | None = None,
    ) -> Joined:
        """Make an account, and begin a session where the app wants that. `callback` is where the mail's link leads on to.
        Where nothing may tell whether an address has an account, one that has is told so by mail alone (§17.3).

        Raises:
            AuthError: SIGN_UP_DISABLED, INVALID_EMAIL, PASSWORD_TOO_SHORT and its like, USER_ALREADY_EXISTS.
            Invalid: no name is left without its markup.
        """
        context = self._context
        rules = context.spec.password
        if rules is None:
            raise AuthError("STRATEGY_DISABLED")
        if not context.spec.allow_sign_up:
            raise AuthError("SIGN_UP_DISABLED")
        address, called = normal_email(email), plain_name(name)
        if not called:
            message = "name is needed"
            raise Invalid(message, [FieldError("name", "name.missing", message)], status=422)
        check_password(password, rules, email=address, app=context.app_name)
        hashed = await context.hasher.hash(password)
        is_neutral = context.spec.enumeration_safe
        verifies = rules.require_verification or is_neutral
        enters = rules.auto_sign_in and not verifies

        def work(tx: Transaction) -> Joined | None:
            known = by_email(tx, address)
            if known is not None or is_reserved(tx, address):
                self._tell(tx, known, source, notice=is_neutral)
                return None
            account = create(tx, email=address, name=called, image=image)
            set_password(tx, account.id, hashed)
            context.log(tx, "user.signed_up", principal_of(account), source, ("user", account.id, called))
            if verifies:
                Verification(context).put(tx, account, callback)
            if not enters:
                return Joined(account, None)
            entered = begin_session(context, tx, account, source, methods=("password",), remember=remember, is_new=True)
            return Joined(entered.account, entered)

        async with neutrally(wanted=is_neutral):
            joined = await context.write(work, GUEST)
        context.post.nudge()
        if joined is not None:
            return joined
        if not is_neutral:
            raise AuthError("USER_ALREADY_EXISTS")
        return Joined(_seeming(address, called, image, context.clock()), None)

    def _tell(self, tx: Transaction, known: Account | None, source: Source, *, notice: bool) -> None:
        """Somebody has signed up with an address that has an account."""
        context = self._context
        resource = None if known is None else ("user", known.id, known.name)
        context.log(tx, "user.repeated_signup", GUEST, source, resource, result="failure")
        if notice and known is not None and known.email is not None and known.deleted_at is None:
            values = {"name": known.name, "email": known.email, "url": context.post.link("/")}
            context.post.put(tx, "signUpAttempt", known.email, values)


def _seeming(email: str, name: str, image: str | None, now: datetime) -> Account:
    """What an account that was made just now would look like."""
    return Account(
        id=uuid7(),
        email=email,
        email_verified=False,
        name=name,
        image=image,
        roles=(),
        banned=False,
        created_at=now,
        updated_at=now,
    )
