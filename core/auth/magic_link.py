"""Signing in with a link, by mail (auth §7.4).

Whether or not an address has an account, the same is done and answered; the mail of one that would not be let in is taken
back in the same transaction.
"""

from datetime import timedelta

from core.auth.account import by_email
from core.auth.address import normal_email, plain_name
from core.auth.arrival import arrive, is_welcome
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.neutral import neutrally
from core.auth.second_step import admit
from core.auth.sign_in import Entered, SecondStep
from core.ids import uuid7
from core.principal import GUEST, Source
from core.schema.auth import MagicLinkStrategy
from core.storage.database import Transaction

PATH = "/api/auth/magic-link/verify"


class MagicLink:
    """Sending the link, and using it."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def send(self, email: str, *, name: str = "", targets: dict[str, str]) -> None:
        """Send the link to an address that has an account, or would get one. `targets` are parameters of the link: where it
        leads on to.

        Raises:
            AuthError: MAGIC_LINK_DISABLED, INVALID_EMAIL.
        """
        context, rules = self._context, self._rules()
        address = normal_email(email)

        def work(tx: Transaction) -> None:
            account = by_email(tx, address)
            called = account.name if account is not None else plain_name(name)
            user = account.id if account is not None else None
            secret = context.tokens.issue_link(
                tx, "magic-link", address, rules.seconds, user=user, data={"name": called}
            )
            url = context.post.link(PATH, token=secret, **targets)
            values = {"name": called, "email": address, "url": url}
            mail = context.post.put(tx, "magicLink", address, values, validity=timedelta(seconds=rules.seconds))
            context.post.queue.take_back(tx, uuid7() if is_welcome(context, tx, address) else mail)

        async with neutrally():
            await context.write(work, GUEST)
        context.post.nudge()

    async def use(self, secret: str, source: Source, device: str | None) -> Entered | SecondStep:
        """Use the link up: a session of the account, or the second step before it (A-105).

        Raises:
            AuthError: MAGIC_LINK_DISABLED, INVALID_TOKEN and TOKEN_EXPIRED (400), SIGN_UP_DISABLED, BANNED_USER,
                ACCOUNT_DELETION_SCHEDULED.
        """
        context = self._context
        self._rules()

        def work(tx: Transaction) -> Entered | SecondStep:
            try:
                token = context.tokens.use_link(tx, "magic-link", secret)
            except AuthError as error:
                raise AuthError(error.code, status=400) from error
            owner = by_email(tx, token.identifier)
            if token.user_id is not None and (owner is None or owner.id != token.user_id):
                raise AuthError("INVALID_TOKEN", status=400)  # the account has gone, or has another address by now
            account, is_new = arrive(context, tx, token.identifier, source, name=str(token.data.get("name", "")))
            return admit(context, tx, account, source, methods=("link",), device=device, is_new=is_new)

        way = await context.write(work, GUEST)
        context.post.nudge()
        return way

    def _rules(self) -> MagicLinkStrategy:
        rules = self._context.spec.magic_link
        if rules is None:
            raise AuthError("MAGIC_LINK_DISABLED")
        return rules
