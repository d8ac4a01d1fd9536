"""Invitations (auth §11.4): an account that is made for somebody, who takes it by a link and a password of their own."""

from dataclasses import dataclass
from datetime import timedelta

from core.auth.account import Account, by_email, change, create, find, password_of, set_password
from core.auth.address import normal_email, plain_name
from core.auth.admin import about, require_reach
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.password import check_password
from core.auth.sign_in import Entered, begin_session, principal_of, require_admitted
from core.principal import GUEST, Principal, Source
from core.storage.database import Reader, Transaction

PAGE = "/accept-invitation"
SOMEONE = "Someone"
"""Who invites, where no name is known."""


@dataclass(frozen=True, slots=True)
class Invited:
    """`mail` is the id under which the outbox has it."""

    account: Account
    mail: str


class Invitations:
    """Sent by administrators, taken by who gets the mail."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def send(self, who: Principal, source: Source, email: str, name: str, roles: tuple[str, ...]) -> Invited:
        """Make the account and send the mail. Somebody who has not come yet gets a new mail, whose link replaces the former
        one, and the roles that are named now.

        Raises:
            AuthError: INVALID_EMAIL, FORBIDDEN, EMAIL_ALREADY_REGISTERED.
        """
        context = self._context
        address, called = normal_email(email), plain_name(name)
        require_reach(who, roles, context.roles)
        inviter = who.name if who.kind == "user" and who.name else SOMEONE

        def work(tx: Transaction) -> Invited:
            account = by_email(tx, address)
            if account is not None and not is_pending(tx, account):
                raise AuthError("EMAIL_ALREADY_REGISTERED")
            if account is None:
                shown = called or address.partition("@")[0]
                account = create(tx, email=address, name=shown, roles=roles, invited_at=tx.time)
            else:
                require_reach(who, account.roles, context.roles)
                account = change(tx, account, name=called or account.name, roles=roles, invited_at=tx.time)
            seconds = context.spec.invitation_seconds
            secret = context.tokens.issue_link(tx, "invitation", address, seconds, user=account.id)
            url = context.post.link(PAGE, token=secret)
            words = {"name": account.name, "email": address, "url": url, "inviterName": inviter}
            mail = context.post.put(tx, "invitation", address, words, validity=timedelta(seconds=seconds))
            told = {"email": address, "role": ",".join(roles) or None}
            context.log(tx, "invitation.sent", who, source, about(account), after=told)
            return Invited(account, mail)

        invited = await context.write(work, who)
        context.post.nudge()
        return invited

    async def open(self, secret: str) -> Account:
        """Whose invitation it is, unused. Raises AuthError INVALID_TOKEN, TOKEN_EXPIRED."""
        context = self._context

        def look(reader: Reader) -> Account:
            token = context.tokens.find_link(reader, "invitation", secret)
            account = find(reader, token.user_id or "") if token else None
            if token is None or account is None or account.email != token.identifier or has_come(reader, account):
                raise AuthError("INVALID_TOKEN", status=400)
            if token.expires_at <= context.clock():
                raise AuthError("TOKEN_EXPIRED", status=410)
            return account

        return await context.read(look)

    async def accept(self, secret: str, password: str, source: Source, *, name: str | None = None) -> Entered:
        """Take it: the address is proven, the password kept, a session begun.

        Raises:
            AuthError: INVALID_TOKEN, TOKEN_EXPIRED, PASSWORD_TOO_SHORT and its like, BANNED_USER, STRATEGY_DISABLED.
        """
        context, rules = self._context, self._context.spec.password
        if rules is None:
            raise AuthError("STRATEGY_DISABLED")
        account = await self.open(secret)
        check_password(password, rules, email=account.email, app=context.app_name)
        hashed = await context.hasher.hash(password)

        def work(tx: Transaction) -> Entered:
            try:
                token = context.tokens.use_link(tx, "invitation", secret)
            except AuthError as error:
                raise AuthError(error.code, status=410 if error.code == "TOKEN_EXPIRED" else 400) from error
            account = find(tx, token.user_id or "")
            if account is None or account.email != token.identifier:
                raise AuthError("INVALID_TOKEN", status=400)
            require_admitted(account, tx.time)
            if has_come(tx, account):
                raise AuthError("INVALID_TOKEN", status=400)
            called = plain_name(name) if name else account.name
            account = change(tx, account, email_verified=True, name=called or account.name)
            set_password(tx, account.id, hashed)
            context.lockout.lift(tx, token.identifier)
            context.log(tx, "invitation.accepted", principal_of(account), source, about(account))
            return begin_session(context, tx, account, source, methods=("invitation", "password"), is_new=True)

        return await context.write(work, GUEST)


def is_pending(reader: Reader, account: Account) -> bool:
    """It was invited and has never come: it has no password and has proven nothing."""
    is_somebody = account.email_verified or account.deleted_at is not None or has_come(reader, account)
    return account.invited_at is not None and not is_somebody


def has_come(reader: Reader, account: Account) -> bool:
    """Its owner is in by another way: an invitation would be one around their password and second factor."""
    return account.last_sign_in_at is not None or account.two_factor or password_of(reader, account.id) is not None
