"""Accounts at work: one object that the engine holds for an app with `auth`."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.audit.log import AuditLog
from core.auth.context import AuthContext
from core.auth.lockout import Lockout
from core.auth.password import Hasher
from core.auth.session import Sessions, SignedIn
from core.auth.store import ensure_accounts
from core.auth.token import OneTimeTokens
from core.clock import Clock
from core.principal import Source
from core.schema.model import App
from core.secrets.store import open_secrets
from core.storage.database import Call, Database, Transaction

if TYPE_CHECKING:
    from core.auth.deletion import Deletion
    from core.auth.email_change import EmailChange
    from core.auth.password_change import PasswordChange
    from core.auth.profile import Profile
    from core.auth.recovery import Recovery
    from core.auth.sign_in import SignIn
    from core.auth.sign_up import SignUp
    from core.auth.verification import Verification


class Auth:
    """The services of accounts, each made when it is first asked for."""

    def __init__(self, context: AuthContext) -> None:
        self.context = context

    @property
    def sessions(self) -> Sessions:
        return self.context.sessions

    @cached_property
    def sign_in(self) -> "SignIn":
        """With a password."""
        from core.auth.sign_in import SignIn

        return SignIn(self.context)

    @cached_property
    def sign_up(self) -> "SignUp":
        """New accounts of people who come by themselves."""
        from core.auth.sign_up import SignUp

        return SignUp(self.context)

    @cached_property
    def verification(self) -> "Verification":
        """That an address is one's own."""
        from core.auth.verification import Verification

        return Verification(self.context)

    @cached_property
    def email_change(self) -> "EmailChange":
        """Another address for an account."""
        from core.auth.email_change import EmailChange

        return EmailChange(self.context)

    @cached_property
    def recovery(self) -> "Recovery":
        """A forgotten password."""
        from core.auth.recovery import Recovery

        return Recovery(self.context)

    @cached_property
    def password_change(self) -> "PasswordChange":
        """One's own password."""
        from core.auth.password_change import PasswordChange

        return PasswordChange(self.context)

    @cached_property
    def profile(self) -> "Profile":
        """One's own name and picture."""
        from core.auth.profile import Profile

        return Profile(self.context)

    @cached_property
    def deletion(self) -> "Deletion":
        """The end of an account."""
        from core.auth.deletion import Deletion

        return Deletion(self.context)

    async def recognise(self, secret: str, source: Source) -> SignedIn | None:
        """Who shows the secret of a session. Raises AuthError SESSION_BINDING."""
        return await self.context.sessions.recognise(secret, source)

    def sweep(self) -> None:
        """Remove what has expired. Blocks; once an hour."""

        def work(tx: Transaction) -> None:
            self.context.sessions.sweep(tx)
            self.context.tokens.sweep(tx)
            self.context.lockout.sweep(tx)

        self.context.database.submit_write(Call(work), actor="system").result()

    def close(self) -> None:
        """Let go of threads; mails that wait are sent after the next start. Idempotent."""
        self.context.post.queue.stop()
        self.context.hasher.close()


def open_auth(
    app: App,
    database: Database,
    data_dir: Path,
    clock: Clock,
    *,
    environ: Mapping[str, str] = os.environ,
    before: Auth | None = None,
) -> Auth:
    """The accounts of an app that has `auth`. What belongs to the database rather than to one version of the app is taken
    over from `before`. Blocks.

    Raises:
        SecretsError: the master key is not here or not the right one.
        BadRequest: the environment says something impossible of mail or text messages.
    """
    from core.messaging.post import open_post
    from core.messaging.setting import read_settings
    from core.messaging.template import language_of

    assert app.auth is not None
    keys = before.context.secrets if before else open_secrets(database, data_dir, environ=environ)
    audit = AuditLog(keys, hash_chain=app.auth.audit.hash_chain)

    def ensure(tx: Transaction) -> None:
        ensure_accounts(tx)
        audit.ensure(tx)

    database.submit_write(Call(ensure), actor="system").result()
    earlier = before.context if before else None
    context = AuthContext(
        spec=app.auth,
        roles=app.roles,
        app_name=app.name,
        database=database,
        clock=clock,
        secrets=keys,
        audit=audit,
        sessions=Sessions(database, app.auth.session, app.roles, keys, clock),
        tokens=OneTimeTokens(keys),
        lockout=Lockout(keys),
        hasher=hasher_of(app, earlier),
        post=open_post(
            app.auth,
            app.name,
            database,
            keys,
            earlier.post.settings if earlier else read_settings(environ),
            language=language_of(app.later.get("languages")),
            private=app.private_hosts,
            clock=clock,
            before=earlier.post if earlier else None,
        ),
    )
    return Auth(context)


def hasher_of(app: App, earlier: AuthContext | None) -> Hasher:
    """The one that is at work, unless the app now asks for another cost."""
    cost = app.auth.password.cost if app.auth and app.auth.password else "owasp"
    return earlier.hasher if earlier and earlier.hasher.cost == cost else Hasher(cost)
