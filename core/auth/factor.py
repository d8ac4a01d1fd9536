"""Second factors of an account: set up, looked at, replaced, taken away (auth §8).

There is one authenticator app for an account. A new one stands beside the former until its first code was shown, and takes
its place then; so nobody is shut out by a code that was never scanned. Backup codes do likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.auth.account import Account, change, find, password_of
from core.auth.backup_code import offer_codes, remove_codes, renew_codes, take_codes
from core.auth.context import AuthContext
from core.auth.device import forget_devices
from core.auth.error import AuthError
from core.auth.guess import Guesses
from core.auth.proof import prove_own
from core.auth.second_step import Passed, SecondSteps, Way, assure, factor_rules, guessed, secret_place
from core.auth.session import SignedIn
from core.auth.sign_in import Entered
from core.auth.store import FACTORS, SESSIONS
from core.auth.totp import Totp, qr_code
from core.errors import FieldError, Invalid, NotFound, NotSignedIn
from core.ids import uuid7
from core.principal import Principal, Source
from core.schema.auth import TwoFactorSpec
from core.storage.database import Reader, Transaction

ISSUER_MOST = 64


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A factor that is not active yet. Nobody can read it again."""

    totp: Totp
    uri: str
    codes: Sequence[str] | None

    def body(self) -> dict[str, Any]:
        """As the answer tells it; `backupCodes` are absent where the app has none (A-111)."""
        told = {"method": "totp", "totpURI": self.uri, "secret": self.totp.secret, "qrCode": qr_code(self.uri)}
        return told if self.codes is None else {**told, "backupCodes": list(self.codes)}


class Factors:
    """What somebody with a session does with their second factor, and an administrator with those of others."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def enable(self, found: SignedIn, password: str | None, source: Source, issuer: str | None) -> Enrolment:
        """Begin to set up an authenticator app: a new secret, in place of one that was not confirmed (A-112).

        Raises:
            AuthError: TWO_FACTOR_NOT_ENABLED, INVALID_PASSWORD (400), MFA_REQUIRED, SESSION_NOT_FRESH.
        """
        context, rules = self._context, factor_rules(self._context.spec)
        if rules is None or context.spec.mfa.totp == "verifyOnly":
            raise AuthError("TWO_FACTOR_NOT_ENABLED", "Second factors cannot be set up here")
        await self._require_owner(found, password, source, status=400)
        totp = Totp.new(rules.digits, rules.period)

        def work(tx: Transaction) -> tuple[Account, list[str] | None]:
            account = _living(tx, found)
            c = FACTORS.c
            tx.execute(FACTORS.delete().where(c.user_id == account.id, c.kind == "totp", c.verified.is_(False)))
            id_ = uuid7()
            row: dict[str, Any] = {
                "id": id_,
                "user_id": account.id,
                "kind": "totp",
                "name": None,
                "verified": False,
                "secret": context.secrets.seal(totp.stored(), secret_place(id_)),
                "last_step": None,
                "created_at": tx.time,
                "updated_at": tx.time,
            }
            tx.insert(FACTORS, [row])
            return account, offer_codes(context.secrets, tx, account.id) if rules.backup_codes else None

        account, codes = await context.write(work, found.principal)
        return Enrolment(totp, self._uri(totp, account, rules, issuer), codes)

    async def uri(self, found: SignedIn, password: str | None, source: Source) -> str:
        """What another authenticator app is set up with.

        Raises:
            AuthError: TWO_FACTOR_NOT_ENABLED, INVALID_PASSWORD (400), MFA_REQUIRED, SESSION_NOT_FRESH.
        """
        context, rules = self._context, self._rules()
        await self._require_owner(found, password, source, status=400)

        def look(reader: Reader) -> Totp:
            c = FACTORS.c
            statement = select(c.id, c.secret).where(c.user_id == found.account.id, c.kind == "totp")
            rows = reader.rows(statement.order_by(c.verified.desc(), c.created_at.desc()))
            if not rows:
                raise AuthError("TWO_FACTOR_NOT_ENABLED")
            return Totp.read(context.secrets.open(rows[0][1], secret_place(rows[0][0])))

        return self._uri(await context.read(look), found.account, rules, None)

    async def verify(self, found: SignedIn, code: str, source: Source, *, ways: Sequence[Way]) -> Passed:
        """Show a code in a session: the first of a new authenticator app makes it the account's; else one of the factor that
        the account has lets the session do what asks for it.

        Raises AuthError as `SecondSteps.complete` does, TWO_FACTOR_NOT_ENABLED.
        """
        context = self._context

        def work(tx: Transaction) -> Passed | None:
            account = _living(tx, found)
            c = FACTORS.c
            where = (c.user_id == account.id, c.kind == "totp", c.verified.is_(False))
            may_replace = not account.two_factor or found.session.assurance == "aal2"
            for id_, sealed in tx.rows(select(c.id, c.secret).where(*where)) if "totp" in ways and may_replace else ():
                step = Totp.read(context.secrets.open(sealed, secret_place(id_))).step_of(code, tx.time, None)
                if step is not None:
                    return self._activate(tx, found, account, id_, step, source)
            if account.two_factor:
                return None
            raise AuthError("INVALID_CODE", status=401)

        passed = await context.write(work, found.principal)
        context.post.nudge()
        if passed is not None:
            return passed
        return await SecondSteps(context).step_up(found, code, source, ways=ways)

    async def renew_codes(self, found: SignedIn, password: str | None, source: Source) -> list[str]:
        """New backup codes; the former ones hold no more.

        Raises:
            AuthError: TWO_FACTOR_NOT_ENABLED, INVALID_PASSWORD (400), MFA_REQUIRED, SESSION_NOT_FRESH.
        """
        context, rules = self._context, self._rules()
        if not rules.backup_codes or not found.account.two_factor:
            raise AuthError("TWO_FACTOR_NOT_ENABLED")
        await self._require_owner(found, password, source, status=400)

        def work(tx: Transaction) -> list[str]:
            account = _living(tx, found)
            self._tell(tx, account)
            context.log(tx, "mfa.backup_codes_renewed", found.principal, source, ("user", account.id, account.name))
            return renew_codes(context.secrets, tx, account.id)

        codes = await context.write(work, found.principal)
        context.post.nudge()
        return codes

    async def disable(self, found: SignedIn, password: str | None, source: Source) -> Entered:
        """Take the second factor away; the session goes on under a new secret.

        Raises:
            NotFound: the app has no second factors.
            AuthError: TWO_FACTOR_NOT_ENABLED, INVALID_PASSWORD, MFA_REQUIRED, SESSION_NOT_FRESH.
        """
        context = self._context
        self._rules()
        if not found.account.two_factor:
            raise AuthError("TWO_FACTOR_NOT_ENABLED")
        context.sessions.require_fresh(found.session)
        await self._require_owner(found, password, source, status=401)

        def work(tx: Transaction) -> Entered:
            account = _living(tx, found)
            session = context.sessions.find(tx, found.session.id)
            if session is None:
                raise NotSignedIn
            account = self._remove(tx, account)
            context.log(tx, "mfa.removed", found.principal, source, ("user", account.id, account.name))
            return Entered(context.sessions.rotate(tx, session.id), session, account)

        entered = await context.write(work, found.principal)
        context.post.nudge()
        return entered

    async def reset(self, user: str, who: Principal, source: Source) -> Account:
        """Take the second factor of somebody away, who has lost it: all sessions of the account end, and its owner hears of
        it (A-122). For administrators.

        Raises:
            AuthError: USER_NOT_FOUND.
        """
        context = self._context

        def work(tx: Transaction) -> Account:
            account = find(tx, user)
            if account is None:
                raise AuthError("USER_NOT_FOUND")
            account = self._remove(tx, account)
            Guesses(context.secrets).lift(tx, guessed(account.id))
            context.tokens.void(tx, "two-factor", account.id)
            context.sessions.end_all(tx, account.id)
            context.log(tx, "mfa.reset_by_admin", who, source, ("user", account.id, account.name))
            return account

        account = await context.write(work, who)
        context.post.nudge()
        return account

    def _activate(
        self, tx: Transaction, found: SignedIn, account: Account, id_: str, step: int, source: Source
    ) -> Passed:
        c = FACTORS.c
        tx.execute(FACTORS.delete().where(c.user_id == account.id, c.kind == "totp", c.id != id_))
        tx.execute(FACTORS.update().where(c.id == id_).values(verified=True, last_step=step, updated_at=tx.time))
        take_codes(tx, account.id)
        forget_devices(tx, account.id)
        account = change(tx, account, two_factor=True)
        self._context.log(tx, "mfa.enrolled", found.principal, source, ("user", account.id, account.name))
        self._tell(tx, account)
        return Passed(account, assure(self._context, tx, found, account, "totp"))

    def _remove(self, tx: Transaction, account: Account) -> Account:
        """No factor, code or trusted device is left, and no session counts as having shown one."""
        tx.execute(FACTORS.delete().where(FACTORS.c.user_id == account.id))
        remove_codes(tx, account.id)
        forget_devices(tx, account.id)
        tx.execute(SESSIONS.update().where(SESSIONS.c.user_id == account.id).values(assurance="aal1"))
        account = change(tx, account, two_factor=False)
        self._tell(tx, account)
        return account

    def _tell(self, tx: Transaction, account: Account) -> None:
        if account.email is not None:
            post = self._context.post
            values = {"name": account.name, "email": account.email, "url": post.link("/")}
            post.put(tx, "mfaChanged", account.email, values)

    def _uri(self, totp: Totp, account: Account, rules: TwoFactorSpec, issuer: str | None) -> str:
        called = " ".join((issuer or rules.issuer or self._context.app_name).replace(":", " ").split())[:ISSUER_MOST]
        return totp.uri(account.email or account.phone or account.name, called or self._context.app_name)

    def _rules(self) -> TwoFactorSpec:
        rules = factor_rules(self._context.spec)
        if rules is None:
            raise NotFound
        return rules

    async def _require_owner(self, found: SignedIn, password: str | None, source: Source, *, status: int) -> None:
        """That the person is there, and not a session left open: by the password, or for an account without one by a
        session that has just begun; and by the factor that there is.

        Raises:
            Invalid: the password is missing.
            AuthError: INVALID_PASSWORD with `status`, SESSION_NOT_FRESH, MFA_REQUIRED, IMPERSONATION_RESTRICTED.
        """
        context = self._context
        if found.session.impersonated_by is not None:
            raise AuthError("IMPERSONATION_RESTRICTED")
        stored = await context.read(lambda reader: password_of(reader, found.account.id))
        if stored is None:
            context.sessions.require_fresh(found.session)
        elif not password:
            raise Invalid("password is needed", [FieldError("password", "password.missing", "password is needed")])
        else:
            try:
                await prove_own(context, found.account, password, source)
            except AuthError as error:
                if error.code != "INVALID_PASSWORD":
                    raise
                raise AuthError("INVALID_PASSWORD", status=status) from error
        if found.account.two_factor and found.session.assurance == "aal1":
            raise AuthError("MFA_REQUIRED", "Show your second factor first", hint="send a code to /two-factor/verify")


def _living(tx: Transaction, found: SignedIn) -> Account:
    account = find(tx, found.account.id)
    if account is None:
        raise NotSignedIn
    return account
