"""The first administrator (auth §15): from the environment, by a token that the server prints once, or by the command line.

Only while nobody is there: accounts without an address, of anonymous visitors, are nobody.
"""

import secrets
from dataclasses import dataclass

from sqlalchemy import select

from core.auth.account import Account, create, set_password
from core.auth.address import normal_email, plain_name
from core.auth.admin import about
from core.auth.context import AuthContext
from core.auth.environment import ADMIN_NAME, AdminSeed
from core.auth.error import AuthError
from core.auth.password import check_password
from core.auth.sign_in import principal_of
from core.auth.store import ACCOUNTS, TOKENS
from core.errors import NotFound
from core.principal import GUEST, SYSTEM, Source
from core.schema.role import ADMIN
from core.storage.database import Call, Reader, Transaction

TOKEN_SECONDS = 3600
IDENTIFIER = "bootstrap"
PATH = "/api/admin/bootstrap/claim"
ENVIRONMENT = Source("env")
_LOCK = 0x5375_6273  # of PostgreSQL's advisory locks: one first administrator


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """How the start went: what was done, what a person should know, and a token to claim the app with, where nobody is
    there."""

    done: str | None = None
    warning: str | None = None
    token: str | None = None


class Bootstrap:
    """Of one app on one database."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    def begin(self, seed: AdminSeed | None, *, prints: bool = False) -> Begun:
        """At the start of a server: make the administrator that the environment names, or else, where it can be printed,
        a new token; neither where somebody is there already, or administration is off (A-231…A-235). Blocks."""
        context = self._context
        if not context.spec.admin_api:
            return Begun()
        if seed is not None:
            try:
                return self._seed(seed)
            except AuthError as error:
                return Begun(warning=f"No first administrator was made: {error.message}")
        token = secrets.token_hex(32) if prints else None

        def work(tx: Transaction) -> bool:
            context.tokens.forget(tx, IDENTIFIER)
            if token is None or is_somebody(tx):
                return False
            context.tokens.issue_link(tx, "bootstrap", IDENTIFIER, TOKEN_SECONDS, secret=token)
            context.log(tx, "bootstrap.token_issued", SYSTEM, Source("system"))
            return True

        is_issued = context.database.submit_write(Call(work), actor="system").result()
        return Begun(token=token if is_issued else None)

    async def claim(self, token: str, email: str, password: str, name: str, source: Source) -> Account:
        """Become the first administrator, with the token that the server has printed.

        Raises:
            NotFound: somebody is there.
            AuthError: INVALID_TOKEN, TOKEN_EXPIRED, INVALID_EMAIL, PASSWORD_TOO_SHORT and its like.
        """
        context = self._context

        def look(reader: Reader) -> None:
            if is_somebody(reader) or not context.spec.admin_api:
                raise NotFound
            found = context.tokens.find_link(reader, "bootstrap", token)
            if found is None:
                raise AuthError("INVALID_TOKEN")
            if found.expires_at <= context.clock():
                raise AuthError("TOKEN_EXPIRED")

        await context.read(look)
        address = self._check(email, password)
        hashed = await context.hasher.hash(password)

        def work(tx: Transaction) -> Account:
            self._require_nobody(tx)
            context.tokens.use_link(tx, "bootstrap", token)
            account = self._make(tx, address, plain_name(name) or ADMIN_NAME, ADMIN, hashed)
            context.log(tx, "bootstrap.claimed", principal_of(account), source, about(account))
            return account

        return await context.write(work, GUEST)

    def _seed(self, seed: AdminSeed) -> Begun:
        context = self._context
        if context.database.submit_read(Call(is_somebody)).result():
            return Begun()
        if seed.role not in context.roles.by_name:
            return Begun(warning=f"No first administrator was made: there is no role {seed.role!r}")
        address = self._check(seed.email, seed.password)
        hashed = context.hasher.hash_now(seed.password)

        def work(tx: Transaction) -> Account | None:
            try:
                self._require_nobody(tx)
            except NotFound:
                return None
            account = self._make(tx, address, plain_name(seed.name) or ADMIN_NAME, seed.role, hashed)
            context.log(tx, "bootstrap.created", SYSTEM, ENVIRONMENT, about(account))
            return account

        made = context.database.submit_write(Call(work), actor="system").result()
        context.sessions.forget()
        return Begun(done=f"{seed.role} {made.email} was made from the environment" if made is not None else None)

    def _make(self, tx: Transaction, email: str, name: str, role: str, hashed: str) -> Account:
        account = create(tx, email=email, name=name, roles=(role,), email_verified=True)
        set_password(tx, account.id, hashed)
        tx.execute(TOKENS.delete().where(TOKENS.c.identifier == IDENTIFIER, TOKENS.c.used_at.is_(None)))
        return account

    def _check(self, email: str, password: str) -> str:
        """The address in its normal form. Raises AuthError."""
        rules = self._context.spec.password
        if rules is None:
            raise AuthError("STRATEGY_DISABLED", "the app lets nobody sign in with a password")
        address = normal_email(email)
        check_password(password, rules, email=address, app=self._context.app_name)
        return address

    @staticmethod
    def _require_nobody(tx: Transaction) -> None:
        """Raises NotFound where somebody is there; two at once go one after the other (A-237)."""
        if tx.dialect == "postgresql":
            tx.rows("SELECT pg_advisory_xact_lock(?)", [_LOCK])
        if is_somebody(tx):
            raise NotFound


def is_somebody(reader: Reader) -> bool:
    """Whether there is any account of a person."""
    c = ACCOUNTS.c
    return bool(reader.rows(select(c.id).where((c.is_anonymous.is_(None)) | (c.is_anonymous.is_(False))).limit(1)))
