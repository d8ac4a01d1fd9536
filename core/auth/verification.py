"""Proving that an address is one's own (auth §7.2): a link, by mail, that works once within a day."""

from datetime import timedelta

from core.auth.account import Account, by_email, change, find
from core.auth.address import normal_email
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.session import SignedIn
from core.auth.sign_in import Entered, begin_session, principal_of, require_admitted
from core.principal import GUEST, Source
from core.storage.database import Transaction

LINK_SECONDS = 86_400
AGAIN_AFTER = timedelta(minutes=1)
"""How long somebody who signs in too early waits for the next mail."""
PATH = "/api/auth/verify-email"


class Verification:
    """Mails that ask for a confirmation, and what their links do."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    def put(self, tx: Transaction, account: Account, callback: str | None = None) -> None:
        """Send the mail, in the transaction of what it is for; `context.post.nudge` after its commit. Earlier links hold no
        more."""
        assert account.email is not None
        context = self._context
        secret = context.tokens.issue_link(tx, "verify-email", account.email, LINK_SECONDS, user=account.id)
        query = {"token": secret} | ({"callbackURL": callback} if callback else {})
        values = {"name": account.name, "email": account.email, "url": context.post.link(PATH, **query)}
        context.post.put(tx, "verification", account.email, values, validity=timedelta(seconds=LINK_SECONDS))

    async def ask(self, found: SignedIn, email: str | None, callback: str) -> None:
        """Send the mail to the account that asks. Nothing is sent, and nothing said, for any other address, or for one that
        is verified (A-086). Raises AuthError INVALID_EMAIL."""
        address = normal_email(email) if email is not None else found.account.email
        context = self._context

        def work(tx: Transaction) -> None:
            account = find(tx, found.account.id)
            if account is not None and account.email == address and address and not account.email_verified:
                self.put(tx, account, callback)

        await context.write(work, found.principal)
        context.post.nudge()

    async def remind(self, account: Account) -> None:
        """Send the mail once more to who has shown the password before confirming the address."""
        context = self._context

        def work(tx: Transaction) -> None:
            latest = context.tokens.latest(tx, "verify-email", account.email or "")
            if account.email and (latest is None or tx.time - latest.created_at >= AGAIN_AFTER):
                self.put(tx, account)

        await context.write(work, principal_of(account))
        context.post.nudge()

    async def confirm(self, secret: str, source: Source) -> tuple[Account, Entered | None]:
        """Use the link up: the account, and the session that it begins where the app wants that and no second factor is
        asked for.

        Raises:
            AuthError: INVALID_TOKEN, TOKEN_EXPIRED, EMAIL_ALREADY_VERIFIED, USER_NOT_FOUND.
        """
        context, rules = self._context, self._context.spec.password

        def work(tx: Transaction) -> tuple[Account, Entered | None]:
            seen = context.tokens.seen_link(tx, "verify-email", secret)
            if seen is not None:
                account = find(tx, seen.user_id or "")
                if account is None or account.deleted_at is not None:
                    raise AuthError("USER_NOT_FOUND", status=401)
                if account.email_verified and account.email == seen.identifier:
                    raise AuthError("EMAIL_ALREADY_VERIFIED")
            token = _used(context, tx, secret)
            account = by_email(tx, token)
            if account is None or seen is None or account.id != seen.user_id:
                raise AuthError("INVALID_TOKEN", status=400)
            require_admitted(account, tx.time)
            account = change(tx, account, email_verified=True)
            context.log(tx, "user.verified", principal_of(account), source, ("user", account.id, account.name))
            if rules is None or not rules.auto_sign_in_after_verification or account.two_factor:
                return account, None
            entered = begin_session(context, tx, account, source, methods=("link",))
            return entered.account, entered

        return await context.write(work, GUEST)


def _used(context: AuthContext, tx: Transaction, secret: str) -> str:
    """The address that the link was sent to. Raises AuthError, here with 400 (A-085)."""
    try:
        return context.tokens.use_link(tx, "verify-email", secret).identifier
    except AuthError as error:
        raise AuthError(error.code, status=400) from error
