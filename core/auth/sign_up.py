"""New accounts of people who come by themselves (auth §7.1)."""

from dataclasses import dataclass

from core.auth.account import Account, by_email, create, set_password
from core.auth.address import normal_email, plain_name
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.password import check_password
from core.auth.sign_in import Entered, begin_session, principal_of
from core.errors import FieldError, Invalid
from core.principal import GUEST, Source
from core.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Joined:
    """An account was made; `entered` where it is signed in at once."""

    account: Account
    entered: Entered | None


class SignUp:
    """Signing up with address and password."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def by_password(
        self, email: str, password: str, name: str, source: Source, *, image: str | None = None, remember: bool = True
    ) -> Joined:
        """Make an account, and begin a session where the app wants that.

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
        enters = rules.auto_sign_in and not rules.require_verification

        def work(tx: Transaction) -> Joined:
            if by_email(tx, address) is not None:
                raise AuthError("USER_ALREADY_EXISTS")
            account = create(tx, email=address, name=called, image=image)
            set_password(tx, account.id, hashed)
            context.log(tx, "user.signed_up", principal_of(account), source, ("user", account.id, called))
            if not enters:
                return Joined(account, None)
            entered = begin_session(context, tx, account, source, methods=("password",), remember=remember, is_new=True)
            return Joined(entered.account, entered)

        return await context.write(work, GUEST)
