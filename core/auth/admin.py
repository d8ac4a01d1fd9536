"""What administrators do with accounts (auth §11): each in one transaction with its entry in the audit log.

Nobody deals with who stands above them, and the last administrator stays one, also where two are taken away at once.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.auth.account import (
    Account,
    by_email,
    by_phone,
    change,
    create,
    effective_roles,
    find,
    require_other_admin,
    set_password,
)
from core.auth.address import normal_email, normal_phone, plain_name
from core.auth.context import AuthContext
from core.auth.deletion import GRACE
from core.auth.error import AuthError
from core.auth.guess import Guesses
from core.auth.password import check_password, is_hash
from core.auth.profile import accepted_image
from core.auth.recovery import forget_proofs, tell_changed
from core.auth.second_step import guessed
from core.auth.session import Session
from core.auth.store import SESSIONS
from core.clock import to_iso
from core.errors import BadRequest, FieldError, Invalid, NotFound
from core.principal import Principal, Source
from core.schema.role import ADMIN, Roles
from core.storage.database import Reader, Transaction

SETTABLE = ("name", "email", "image", "emailVerified", "phone", "phoneVerified")
"""What `update` takes."""
BAN_MOST = 100 * 365 * 86_400


class Administration:
    """Accounts, as administrators deal with them. `who` is the one who does it."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def create(
        self,
        who: Principal,
        source: Source,
        *,
        email: str,
        name: str = "",
        password: str | None = None,
        password_hash: str | None = None,
        roles: Sequence[str] = (),
        data: Mapping[str, Any] | None = None,
    ) -> Account:
        """A new account. `password_hash` is one of another system (§5); `data` as `update` takes it.

        Raises:
            AuthError: INVALID_EMAIL, PASSWORD_TOO_SHORT and its like, FORBIDDEN, USER_ALREADY_EXISTS.
            Invalid: a value that does not fit.
        """
        context = self._context
        address = normal_email(email)
        require_reach(who, roles, context.roles)
        columns = settable(data or {}, but=("email", "name"))
        called = plain_name(name) or address.partition("@")[0]
        hashed = await self._hashed(address, password, password_hash)

        def work(tx: Transaction) -> Account:
            if by_email(tx, address) is not None:
                raise AuthError("USER_ALREADY_EXISTS")
            self._require_free_phone(tx, columns.get("phone"), None)
            account = create(tx, email=address, name=called, roles=roles, **columns)
            if hashed is not None:
                set_password(tx, account.id, hashed)
            made = {"email": address, "role": ",".join(effective_roles(roles, context.roles))}
            context.log(tx, "admin.user.created", who, source, about(account), after=made)
            return account

        return await context.write(work, who)

    async def update(self, who: Principal, source: Source, user: str, data: Mapping[str, Any]) -> Account:
        """Change what `SETTABLE` names.

        Raises:
            NotFound: no such account.
            AuthError: INVALID_EMAIL, FORBIDDEN, USER_ALREADY_EXISTS.
            Invalid: nothing to change, or what cannot be changed so.
        """
        context = self._context
        columns = settable(data)
        if not columns:
            raise _wrong("data", f"data names what is to change: {', '.join(SETTABLE)}")

        def work(tx: Transaction) -> Account:
            before = self._reached(tx, who, user)
            if (email := columns.get("email")) is not None and email != before.email and by_email(tx, email):
                raise AuthError("USER_ALREADY_EXISTS")
            self._require_free_phone(tx, columns.get("phone"), user)
            account = change(tx, before, **columns)
            if account.email != before.email:
                context.tokens.void_all(tx, user)
            changed = {
                name: {"from": _told(getattr(before, name)), "to": _told(value)}
                for name, value in columns.items()
                if getattr(before, name) != value
            }
            context.log(tx, "admin.user.updated", who, source, about(account), changes=changed)
            return account

        return await context.write(work, who)

    async def set_roles(
        self, who: Principal, source: Source, user: str, roles: Sequence[str], session: str | None = None
    ) -> tuple[Account, str | None]:
        """Give other roles, which hold from the next request (A-034). `session` is the one that asks: where somebody changes
        their own roles it goes on under the new secret that is given back (T4).

        Raises:
            NotFound: no such account.
            AuthError: FORBIDDEN for what is above the caller, LAST_ADMIN.
        """
        context = self._context
        require_reach(who, roles, context.roles)

        def work(tx: Transaction) -> tuple[Account, str | None]:
            before = self._reached(tx, who, user)
            held = effective_roles(before.roles, context.roles)
            if ADMIN not in effective_roles(roles, context.roles):
                require_other_admin(tx, before, context.roles)
                if ADMIN in held:
                    end_acting(context, tx, user)
            account = change(tx, before, roles=roles)
            changed = {"role": {"from": ",".join(before.roles) or None, "to": ",".join(roles)}}
            context.log(tx, "admin.user.role_set", who, source, about(account), changes=changed)
            own = session if user == who.id else None
            return account, context.sessions.rotate(tx, own) if own is not None else None

        return await context.write(work, who)

    async def set_password(
        self, who: Principal, source: Source, user: str, password: str, *, must_change: bool = False
    ) -> None:
        """Choose a password for somebody: their sessions end, and a mail tells them.

        Raises:
            NotFound: no such account.
            AuthError: PASSWORD_TOO_SHORT and its like, FORBIDDEN, STRATEGY_DISABLED.
        """
        context = self._context
        known = await context.read(lambda reader: find(reader, user))
        if known is None:
            raise NotFound
        hashed = await self._hashed(known.email, password, None)
        assert hashed is not None

        def work(tx: Transaction) -> None:
            account = self._reached(tx, who, user)
            set_password(tx, user, hashed, must_change=must_change)
            forget_proofs(context, tx, account)
            context.sessions.end_all(tx, user)
            context.log(tx, "admin.user.password_set", who, source, about(account), mustChange=must_change)
            tell_changed(context, tx, account)

        await context.write(work, who)
        context.post.nudge()

    async def ban(
        self, who: Principal, source: Source, user: str, reason: str | None = None, seconds: int | None = None
    ) -> Account:
        """Let somebody in no more, for good or for so long; sessions end now, also those in which they act as another
        (A-160, A-172).

        Raises:
            BadRequest: oneself. NotFound: no such account.
            AuthError: FORBIDDEN, LAST_ADMIN.
        """
        context = self._context
        _require_other(who, user, "You cannot ban yourself")
        if seconds is not None and not 0 < seconds <= BAN_MOST:
            raise _wrong("banExpiresIn", "banExpiresIn is a number of seconds from 1")

        def work(tx: Transaction) -> Account:
            before = self._reached(tx, who, user)
            require_other_admin(tx, before, context.roles)
            until = tx.time + timedelta(seconds=seconds) if seconds is not None else None
            account = change(tx, before, banned=True, ban_reason=reason, ban_expires=until)
            context.sessions.end_all(tx, user)
            told = {"reason": reason, "until": until and to_iso(until)}
            context.log(tx, "admin.user.banned", who, source, about(account), **told)
            return account

        return await context.write(work, who)

    async def unban(self, who: Principal, source: Source, user: str) -> Account:
        """Let somebody in again. Raises NotFound, AuthError FORBIDDEN."""

        def work(tx: Transaction) -> Account:
            before = self._reached(tx, who, user)
            account = change(tx, before, banned=False, ban_reason=None, ban_expires=None)
            self._context.log(tx, "admin.user.unbanned", who, source, about(account))
            return account

        return await self._context.write(work, who)

    async def remove(self, who: Principal, source: Source, user: str, *, soft: bool = False) -> None:
        """Remove an account with all that is kept for it; `soft`: in thirty days, until when it can be kept.

        Raises:
            BadRequest: oneself. NotFound: no such account.
            AuthError: FORBIDDEN, LAST_ADMIN.
        """
        context = self._context
        _require_other(who, user, "You cannot remove yourself here; delete your own account instead")

        def work(tx: Transaction) -> None:
            account = self._reached(tx, who, user)
            require_other_admin(tx, account, context.roles)
            if soft:
                context.sessions.end_all(tx, user)
                context.tokens.void_all(tx, user)
                change(tx, account, deleted_at=tx.time, erase_at=tx.time + GRACE)
            else:
                context.remove(tx, account)
            told = {"email": account.email, "role": ",".join(account.roles) or None}
            context.log(tx, "admin.user.removed", who, source, about(account), before=told, soft=soft)

        await context.write(work, who)

    async def end_sessions(self, who: Principal, source: Source, sessions: Sequence[str]) -> int:
        """End sessions by their handles; how many. Raises NotFound where there is none of them, and ends none then."""
        context = self._context

        def work(tx: Transaction) -> int:
            count = 0
            for handle in dict.fromkeys(sessions):
                session = context.sessions.find(tx, handle)
                if session is None:
                    raise NotFound
                self._reached(tx, who, session.user_id)
                count += context.sessions.end(tx, [handle])
                owner = {"user": session.user_id}
                context.log(tx, "admin.session.revoked", who, source, ("session", handle, ""), **owner)
            return count

        return await context.write(work, who)

    async def end_all_sessions(self, who: Principal, source: Source, user: str) -> int:
        """End all sessions of an account; how many. Raises NotFound."""
        context = self._context

        def work(tx: Transaction) -> int:
            account = self._reached(tx, who, user)
            count = context.sessions.end_all(tx, user)
            context.log(tx, "admin.session.revoked", who, source, about(account), count=count)
            return count

        return await context.write(work, who)

    async def sessions_of(self, user: str) -> list[Session]:
        """The live sessions of an account. Raises NotFound."""
        context = self._context
        found = await context.read(lambda reader: (find(reader, user), context.sessions.of(reader, user)))
        if found[0] is None:
            raise NotFound
        return found[1]

    async def unlock(self, who: Principal, source: Source, user: str) -> Account:
        """Let the password and the second factor be tried again (A-148). Raises NotFound."""
        context = self._context

        def work(tx: Transaction) -> Account:
            account = self._reached(tx, who, user)
            for identifier in (account.email, account.phone):
                if identifier is not None:
                    context.lockout.lift(tx, identifier)
            Guesses(context.secrets).lift(tx, guessed(account.id))
            context.log(tx, "admin.user.unlocked", who, source, about(account))
            return account

        return await context.write(work, who)

    async def verify_email(self, who: Principal, source: Source, user: str) -> Account:
        """Take an address for proven. Raises NotFound."""
        context = self._context

        def work(tx: Transaction) -> Account:
            before = self._reached(tx, who, user)
            account = change(tx, before, email_verified=True)
            context.log(tx, "admin.user.verified", who, source, about(account))
            return account

        return await context.write(work, who)

    async def require_reached(self, who: Principal, user: str) -> None:
        """Raises NotFound, AuthError FORBIDDEN for who stands above the caller."""
        await self._context.read(lambda reader: self._reached(reader, who, user))

    def _reached(self, reader: Reader, who: Principal, user: str) -> Account:
        """An account that the caller may deal with. Raises NotFound, AuthError FORBIDDEN."""
        account = find(reader, user)
        if account is None:
            raise NotFound
        require_reach(who, effective_roles(account.roles, self._context.roles), self._context.roles)
        return account

    async def _hashed(self, email: str | None, password: str | None, given: str | None) -> str | None:
        """What is kept of a password. Raises AuthError, Invalid."""
        context = self._context
        if given is not None:
            if not is_hash(given):
                raise _wrong(
                    "passwordHash", "passwordHash is of a kind that is not known: argon2, bcrypt and fbscrypt are"
                )
            return given
        if password is None:
            return None
        if context.spec.password is None:
            raise AuthError("STRATEGY_DISABLED")
        check_password(password, context.spec.password, email=email, app=context.app_name)
        return await context.hasher.hash(password)

    @staticmethod
    def _require_free_phone(tx: Transaction, digits: str | None, user: str | None) -> None:
        other = by_phone(tx, digits) if digits else None
        if other is not None and other.id != user:
            raise AuthError("CONFLICT", "Another account has this phone number")


def require_reach(who: Principal, roles: Collection[str], known: Roles) -> None:
    """Nobody gives, takes or deals with roles above the own level; the local owner has none above (A-032, A-155). Raises
    AuthError FORBIDDEN."""
    if not who.is_unrestricted and known.level(roles) > known.level(who.roles):
        raise AuthError("FORBIDDEN", "That role stands above yours")


def accepted_roles(value: object, known: Roles) -> tuple[str, ...]:
    """Names of roles from `"editor,viewer"` or a list, the first the primary one. Raises Invalid."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(each, str) for each in parts):
        raise _wrong("role", "role is the name of a role, or a list of names")
    names = tuple(dict.fromkeys(each.strip() for each in parts if each.strip()))
    if not names:
        raise _wrong("role", "role is needed")
    for name in names:
        if name not in known.by_name:
            there = ", ".join(role.name for role in known.ordered)
            raise _wrong("role", f"There is no role {name[:100]!r}; there are {there}")
    return names


def end_acting(context: AuthContext, tx: Transaction, admin: str) -> None:
    """End the sessions in which somebody acts as another (A-172)."""
    c = SESSIONS.c
    context.sessions.end(tx, [id_ for (id_,) in tx.rows(select(c.id).where(c.impersonated_by == admin))])


def about(account: Account) -> tuple[str, str, str]:
    """The account as the thing that an entry of the log is about."""
    return ("user", account.id, account.name)


def settable(data: Mapping[str, Any], but: Collection[str] = ()) -> dict[str, Any]:
    """Columns from what somebody wants to set. Raises Invalid with all that cannot be set so, AuthError INVALID_EMAIL."""
    columns: dict[str, Any] = {}
    problems: list[FieldError] = []
    for name, value in data.items():
        if name not in SETTABLE or name in but:
            hint = {"password": "use set-user-password", "role": "use set-role"}.get(name, "cannot be set here")
            problems.append(FieldError(name[:100], "data.refused", f"{name[:100]}: {hint}"))
            continue
        try:
            columns |= _column(name, value)
        except ValueError as error:
            problems.append(FieldError(name, f"{name}.refused", str(error)))
    if problems:
        raise Invalid(problems[0].message, problems[:20])
    return columns


def _column(name: str, value: Any) -> dict[str, Any]:
    match name:
        case "image":
            return {"image": accepted_image(value)}
        case "emailVerified" | "phoneVerified":
            if not isinstance(value, bool):
                raise ValueError(f"{name} is true or false")
            return {"email_verified" if name == "emailVerified" else "phone_verified": value}
        case "phone" if value is None:
            return {"phone": None, "phone_verified": False}
    if not isinstance(value, str):
        raise ValueError(f"{name} is a text")
    if name == "phone":
        return {"phone": normal_phone(value)}
    if name == "email":
        return {"email": normal_email(value)}
    shown = plain_name(value)
    if not shown:
        raise ValueError("name is a text that is not empty")
    return {"name": shown}


def _require_other(who: Principal, user: str, message: str) -> None:
    if who.id is not None and who.id == user:
        raise BadRequest(message)


def _told(value: Any) -> Any:
    return value if value is None or isinstance(value, str | bool) else str(value)


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.refused", message)])
