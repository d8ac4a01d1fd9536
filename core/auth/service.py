"""Accounts at work: one object that the engine holds for an app with `auth`."""

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from core.audit.log import AuditLog
from core.auth.context import AuthContext
from core.auth.environment import read_environment
from core.auth.lockout import Lockout
from core.auth.password import Hasher
from core.auth.session import BindingMismatch, Session, Sessions, SignedIn
from core.auth.store import ensure_accounts
from core.auth.token import OneTimeTokens
from core.auth.upkeep import Upkeep
from core.clock import Clock
from core.principal import Principal, Source
from core.schema.model import App
from core.secrets.ring import system_ring
from core.secrets.store import KeyStore, open_secrets
from core.storage.database import Call, Database, Transaction

if TYPE_CHECKING:
    from sqlalchemy import Table

    from core.auth.admin import Administration
    from core.auth.anonymous import Anonymous
    from core.auth.api_key import ApiKeys
    from core.auth.bootstrap import Bootstrap
    from core.auth.deletion import Deletion
    from core.auth.device import Devices
    from core.auth.directory import Directory
    from core.auth.email_change import EmailChange
    from core.auth.email_code import EmailCode
    from core.auth.export import Export
    from core.auth.factor import Factors
    from core.auth.group import Groups
    from core.auth.impersonation import Impersonation
    from core.auth.invitation import Invitations
    from core.auth.magic_link import MagicLink
    from core.auth.master_key import MasterKeys
    from core.auth.password_change import PasswordChange
    from core.auth.phone import Phone
    from core.auth.profile import Profile
    from core.auth.recovery import Recovery
    from core.auth.second_step import SecondSteps
    from core.auth.sign_in import SignIn
    from core.auth.sign_up import SignUp
    from core.auth.verification import Verification

TOLD_EVERY, TOLD_MOST = timedelta(minutes=1), 1000


class Auth:
    """The services of accounts, each made when it is first asked for."""

    def __init__(self, context: AuthContext, store: KeyStore) -> None:
        self.context = context
        self._store = store
        self._told: dict[str, datetime] = {}
        self._is_peopled = False
        self.upkeep = Upkeep((self.sweep, lambda: self.deletion.purge(), lambda: self.master_keys.resume()))

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

    @cached_property
    def export(self) -> "Export":
        """What is kept of a person."""
        from core.auth.export import Export

        return Export(self.context)

    @cached_property
    def master_keys(self) -> "MasterKeys":
        """What seals are made with."""
        from core.auth.master_key import MasterKeys

        return MasterKeys(self.context, self._store)

    @cached_property
    def magic_link(self) -> "MagicLink":
        """Signing in with a link, by mail."""
        from core.auth.magic_link import MagicLink

        return MagicLink(self.context)

    @cached_property
    def email_code(self) -> "EmailCode":
        """Codes by mail."""
        from core.auth.email_code import EmailCode

        return EmailCode(self.context)

    @cached_property
    def phone(self) -> "Phone":
        """Codes by text message."""
        from core.auth.phone import Phone

        return Phone(self.context)

    @cached_property
    def anonymous(self) -> "Anonymous":
        """Accounts without an address."""
        from core.auth.anonymous import Anonymous

        return Anonymous(self.context)

    @cached_property
    def second_step(self) -> "SecondSteps":
        """The second factor, between the first proof and the session."""
        from core.auth.second_step import SecondSteps

        return SecondSteps(self.context)

    @cached_property
    def factors(self) -> "Factors":
        """Second factors, set up and taken away."""
        from core.auth.factor import Factors

        return Factors(self.context)

    @cached_property
    def devices(self) -> "Devices":
        """Those that skip the second step."""
        from core.auth.device import Devices

        return Devices(self.context)

    @cached_property
    def administration(self) -> "Administration":
        """What administrators do with accounts."""
        from core.auth.admin import Administration

        return Administration(self.context)

    @cached_property
    def directory(self) -> "Directory":
        """Accounts as administrators look for them."""
        from core.auth.directory import Directory

        return Directory(self.context)

    @cached_property
    def groups(self) -> "Groups":
        """Who is in which group."""
        from core.auth.group import Groups

        return Groups(self.context)

    @cached_property
    def invitations(self) -> "Invitations":
        """Accounts made for somebody who has yet to come."""
        from core.auth.invitation import Invitations

        return Invitations(self.context)

    @cached_property
    def impersonation(self) -> "Impersonation":
        """Acting as somebody else."""
        from core.auth.impersonation import Impersonation

        return Impersonation(self.context)

    @cached_property
    def api_keys(self) -> "ApiKeys":
        """Secrets for programs."""
        from core.auth.api_key import ApiKeys

        return ApiKeys(self.context)

    @cached_property
    def bootstrap(self) -> "Bootstrap":
        """The first administrator."""
        from core.auth.bootstrap import Bootstrap

        return Bootstrap(self.context)

    async def is_peopled(self) -> bool:
        """There is somebody who can sign in. Once there was, it is not asked again."""
        if not self._is_peopled:
            from core.auth.bootstrap import is_somebody

            self._is_peopled = await self.context.read(is_somebody)
        return self._is_peopled

    async def recognise(self, secret: str, source: Callable[[], Source]) -> SignedIn | None:
        """Who shows the secret of a session. Raises BindingMismatch, and tells the log of it."""
        try:
            return await self.context.sessions.recognise(secret, source)
        except BindingMismatch as error:
            await self._tell_mismatch(error.session, source())
            raise

    async def _tell_mismatch(self, session: Session, source: Source) -> None:
        """Once a minute for each session: whoever shows it again and again does not fill the log (A-069)."""
        now = self.context.clock()
        if now - self._told.get(session.id, now - timedelta(days=1)) < TOLD_EVERY:
            return
        if len(self._told) >= TOLD_MOST:
            self._told.clear()
        self._told[session.id] = now
        who, resource = Principal("user", session.user_id), ("session", session.id, "")
        action = "session.binding_mismatch"
        await self.context.write(
            lambda tx: self.context.log(tx, action, who, source, resource, result="failure"), Principal("guest")
        )

    def sweep(self) -> None:
        """Remove what has expired, keep when sessions were seen. Blocks."""
        from core.audit.reading import trim
        from core.auth.device import sweep_devices

        def work(tx: Transaction) -> None:
            self.context.sessions.keep_seen(tx)
            self.context.sessions.sweep(tx)
            self.context.tokens.sweep(tx)
            self.context.lockout.sweep(tx)
            sweep_devices(tx)
            self.api_keys.keep_used(tx)
            trim(tx, self.context.audit, self.context.spec.audit.retention_days)

        self.context.database.submit_write(Call(work), actor="system").result()

    def close(self) -> None:
        """Let go of threads; mails that wait are sent after the next start. Idempotent."""
        self.upkeep.stop()
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
    personal: "tuple[Table, ...]" = (),
) -> Auth:
    """The accounts of an app that has `auth`. What belongs to the database rather than to one version of the app is taken
    over from `before`. `personal` as in `AuthContext`. Blocks.

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
        sessions=Sessions(
            database,
            app.auth.session,
            app.roles,
            keys,
            clock,
            cookie_secret=read_environment(environ).secret,
        ),
        tokens=OneTimeTokens(keys),
        lockout=Lockout(keys),
        hasher=hasher_of(app, earlier),
        post=open_post(
            app.auth,
            app.name,
            database,
            keys,
            earlier.post.settings if earlier else read_settings(environ, app.port),
            language=language_of(app.later.get("languages")),
            clock=clock,
            before=earlier.post if earlier else None,
        ),
        personal=personal,
    )
    auth = Auth(context, KeyStore(data_dir, environ, system_ring))
    auth.upkeep.start()
    return auth


def hasher_of(app: App, earlier: AuthContext | None) -> Hasher:
    """The one that is at work, unless the app now asks for another cost."""
    cost = app.auth.password.cost if app.auth and app.auth.password else "owasp"
    return earlier.hasher if earlier and earlier.hasher.cost == cost else Hasher(cost)
