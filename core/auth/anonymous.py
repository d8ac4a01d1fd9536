"""Accounts without an address, for those who want to look around first (auth §7.4, A-215).

One becomes an account like any other, under the same id, once an address or a number was confirmed for it.
"""

from core.auth.account import create
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.sign_in import Entered, begin_session, principal_of
from core.principal import GUEST, Source
from core.storage.database import Transaction

NAME = "Guest"


class Anonymous:
    """Signing in without saying who one is."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def sign_in(self, source: Source) -> Entered:
        """Make an account and begin its session. Raises AuthError STRATEGY_DISABLED, SIGN_UP_DISABLED."""
        context = self._context
        if context.spec.anonymous is None:
            raise AuthError("STRATEGY_DISABLED")
        if not context.spec.allow_sign_up:
            raise AuthError("SIGN_UP_DISABLED")

        def work(tx: Transaction) -> Entered:
            account = create(tx, email=None, name=NAME, is_anonymous=True)
            context.log(tx, "user.signed_up", principal_of(account), source, ("user", account.id, account.name))
            return begin_session(context, tx, account, source, methods=("anonymous",), is_new=True)

        return await context.write(work, GUEST)
