"""API keys: secrets for programs, shown once (auth §4.1).

A key acts as the account that it belongs to, narrowed by its scopes, and loses with it what the account loses; or it
belongs to nobody and has roles of its own, which only administrators give. What was recognised is remembered by the
sessions' rules: revoking one, or banning its account, ends it at once.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select

from core.auth.account import Account, effective_roles, find, groups_of
from core.auth.admin import require_reach
from core.auth.context import AuthContext
from core.auth.error import AuthError
from core.auth.people import KEY
from core.auth.session import KEPT_MOST, hash_of
from core.auth.store import KEYS
from core.clock import to_iso
from core.errors import Conflict, FieldError, Invalid, NotFound
from core.ids import uuid7
from core.principal import Principal, Source
from core.remembered import Remembered
from core.schema.role import ADMIN
from core.schema.scope import wrong_scope
from core.storage.database import Call, Reader, Transaction

MARK = "svt_"
"""What every key begins with, so that scanners of source code find one that was left there."""
SHOWN = len(MARK) + 6
NAME_MOST = 100
KEYS_MOST = 100
"""Live keys of one account."""
USED_SECONDS = 60.0
"""How often the last use is written down."""
LONGEST = 10 * 365 * 86_400
GRACE_MOST = 30 * 86_400
"""Seconds that a key may hold beside the one that has taken its place."""


State = Literal["live", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret. `user_id` None: it has `roles` of its own."""

    id: str
    name: str
    prefix: str
    user_id: str | None
    roles: tuple[str, ...]
    scopes: tuple[str, ...] | None
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    """Lies ahead while the key holds beside the one that has taken its place."""

    def state(self, now: datetime) -> State:
        """Whether it opens anything, or why it does not."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return "revoked"
        return "live" if self.expires_at is None or self.expires_at > now else "expired"

    def body(self, now: datetime) -> dict[str, Any]:
        moments = {
            "createdAt": self.created_at,
            "expiresAt": self.expires_at,
            "lastUsedAt": self.last_used_at,
            "revokedAt": self.revoked_at,
        }
        return {
            "id": self.id,
            "name": self.name,
            "prefix": self.prefix,
            "userId": self.user_id,
            "roles": list(self.roles) or None,
            "scopes": None if self.scopes is None else list(self.scopes),
            "createdBy": self.created_by,
            **{name: moment and to_iso(moment) for name, moment in moments.items()},
            "state": self.state(now),
        }


Found = tuple[ApiKey, Account | None, Principal]
"""A key, the account that it belongs to, and who shows it."""


class ApiKeys:
    """The keys of one database."""

    def __init__(self, context: AuthContext, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._context = context
        self._seconds = seconds
        self._kept: Remembered[tuple[int, str], Found] = Remembered(context.database.fresh_seconds, KEPT_MOST, seconds)
        """By the generation of what is known of accounts, and the key's hash."""
        self._used: dict[str, datetime] = {}
        self._written = seconds()

    async def create(
        self,
        who: Principal,
        source: Source,
        name: str,
        *,
        user: str | None,
        roles: Sequence[str] = (),
        scopes: Sequence[str] | None = None,
        seconds: int | None = None,
        tables: Collection[str] | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key: its secret, which nobody can read again, and the key. `user` None gives it `roles` of its own;
        `tables` are those that scopes may name.

        Raises:
            Invalid: a name, a scope or a time that will not do.
            NotFound: no such account.
            AuthError: FORBIDDEN, for more than the caller has.
        """
        context = self._context
        called = " ".join(name.split())
        if not called or len(called) > NAME_MOST or not called.isprintable():
            raise _wrong("name", f"name is a text of up to {NAME_MOST} characters")
        for scope in scopes or ():
            if (problem := wrong_scope(scope, tables)) is not None:
                raise _wrong("scopes", problem)
        if scopes is not None and not scopes:
            raise _wrong("scopes", "scopes is empty: such a key opens nothing; leave it out for all that its user may")
        if seconds is not None and not 0 < seconds <= LONGEST:
            raise _wrong("expiresIn", "expiresIn is a number of seconds from 1, ten years at most")
        wanted = {
            "name": called,
            "user_id": user,
            "roles": list(roles) or None,
            "scopes": None if scopes is None else list(dict.fromkeys(scopes)),
        }
        secret = MARK + secrets.token_urlsafe(32)
        return secret, await context.write(lambda tx: self._issue(tx, who, source, secret, wanted, seconds), who)

    async def rotate(
        self, who: Principal, source: Source, id_: str, *, user: str | None, grace: int = 0
    ) -> tuple[str, ApiKey]:
        """A key like that one, for as long as that one was made for; the former holds for `grace` seconds more, so that
        programs can be given the new one first. `user` is whose it must be, None: anybody's. Raises as `create`; NotFound
        also for a key that has ended; Conflict for one whose place is taken already."""
        context, c, secret = self._context, KEYS.c, MARK + secrets.token_urlsafe(32)
        if not 0 <= grace <= GRACE_MOST:
            raise _wrong("grace", f"grace is a number of seconds up to {GRACE_MOST}, a month")

        def work(tx: Transaction) -> ApiKey:
            former = self._live(tx, id_, user)
            if former.revoked_at is not None:
                raise Conflict("Another key has taken the place of this one; rotate that one")
            end = tx.time + timedelta(seconds=grace)
            if former.expires_at is not None:
                end = min(end, former.expires_at)
            tx.execute(
                KEYS.update().where(c.id == id_).values(revoked_at=end, **({"expires_at": end} if grace else {}))
            )
            told = {"user": former.user_id, **({"until": to_iso(end)} if grace else {})}
            context.log(tx, "apikey.revoked", who, source, ("api-key", id_, former.name), **told)
            wanted = {name: getattr(former, name) for name in ("name", "user_id", "roles", "scopes")}
            lasted = former.expires_at and int((former.expires_at - former.created_at).total_seconds())
            return self._issue(tx, who, source, secret, wanted, lasted or None)

        return secret, await context.write(work, who)

    def _issue(
        self, tx: Transaction, who: Principal, source: Source, secret: str, wanted: dict[str, Any], seconds: int | None
    ) -> ApiKey:
        """A key that holds from now on, where the caller may give what is `wanted` of it. Raises as `create`."""
        context, user = self._context, wanted["user_id"]
        require_reach(who, wanted["roles"] or (), context.roles)
        if user is not None:
            account = find(tx, user)
            if account is None:
                raise NotFound
            held = effective_roles(account.roles, context.roles)
            require_reach(who, held, context.roles)
            if ADMIN in held and who.id != user and not who.is_unrestricted:
                raise AuthError("FORBIDDEN", "Nobody acts as another administrator")
            live = [each for each in self._of(tx, user) if each.state(tx.time) == "live"]
            if len(live) >= KEYS_MOST:
                raise _wrong("name", f"An account has at most {KEYS_MOST} keys; revoke one first")
        row: dict[str, Any] = {
            "id": uuid7(),
            **wanted,
            "prefix": secret[:SHOWN],
            "hash": hash_of(secret),
            "created_by": who.id or who.kind,
            "created_at": tx.time,
            "expires_at": tx.time + timedelta(seconds=seconds) if seconds else None,
            "last_used_at": None,
            "revoked_at": None,
        }
        tx.insert(KEYS, [row])
        key = _key({name: row[name] for name in _NAMES})
        told = {"user": user, "roles": list(key.roles) or None, "scopes": row["scopes"]}
        context.log(tx, "apikey.created", who, source, ("api-key", key.id, key.name), **told)
        return key

    def _live(self, tx: Transaction, id_: str, user: str | None) -> ApiKey:
        """The key of that id, of `user` unless None. Raises NotFound, also for one that has ended."""
        rows = tx.rows(select(*_STORED).where(KEYS.c.id == id_))
        key = _key(dict(zip(_NAMES, rows[0], strict=True))) if rows else None
        if key is None or key.state(tx.time) != "live" or (user is not None and key.user_id != user):
            raise NotFound
        return key

    async def of(self, user: str | None) -> list[ApiKey]:
        """The keys of an account, None: all there are; the newest first, those that have ended among them."""
        return await self._context.read(lambda reader: self._of(reader, user), lane="scan")

    async def revoke(self, who: Principal, source: Source, id_: str, *, user: str | None) -> None:
        """End a key for good; `user` is whose it must be, None: anybody's. Raises NotFound, also for one that has ended."""
        context, c = self._context, KEYS.c

        def work(tx: Transaction) -> None:
            key = self._live(tx, id_, user)
            tx.execute(KEYS.update().where(c.id == id_).values(revoked_at=tx.time))
            context.log(tx, "apikey.revoked", who, source, ("api-key", id_, key.name), user=key.user_id)

        await context.write(work, who)

    async def recognise(self, secret: str) -> Principal | None:
        """Who shows a key; None for one that opens nothing. Raises AuthError MFA_REQUIRED where the roles of its account ask
        for a second factor that it does not have (A-119)."""
        context, hashed = self._context, hash_of(secret)
        found = await self._kept.get(
            (context.sessions.generation, hashed), lambda: context.read(lambda reader: self._find(reader, hashed))
        )
        if found is None:
            return None
        (key, account, principal), now = found, context.clock()
        if key.state(now) != "live" or (
            account is not None and (account.is_banned(now) or account.deleted_at is not None)
        ):
            return None
        is_bare = account is not None and not account.two_factor
        if is_bare and context.spec.mfa.demands(principal.roles, context.roles):
            raise AuthError("MFA_REQUIRED")
        self._used[key.id] = now
        if self._seconds() - self._written >= USED_SECONDS or key.last_used_at is None:
            await self.write_down()
            if key.last_used_at is None:
                self._kept.forget()  # its first use is told at once, and only once
        return principal

    async def write_down(self) -> None:
        """Keep when keys were used last."""
        await self._context.database.write(Call(self.keep_used), actor="system")

    def keep_used(self, tx: Transaction) -> None:
        """The same in a transaction of the caller's."""
        used, self._used, self._written = dict(self._used), {}, self._seconds()
        if used:
            tx.update(KEYS, "id", [{"id": id_, "last_used_at": moment} for id_, moment in used.items()])

    def _find(self, reader: Reader, hashed: str) -> Found | None:
        rows = reader.rows(select(KEYS.c.hash, *_STORED).where(KEYS.c.hash == hashed))
        if not rows or not hmac.compare_digest(rows[0][0], hashed):
            return None
        key = _key(dict(zip(_NAMES, rows[0][1:], strict=True)))
        scopes = None if key.scopes is None else frozenset(key.scopes)
        if key.user_id is None:
            roles = frozenset(effective_roles(key.roles, self._context.roles))
            return key, None, Principal("user", KEY + key.id, key.name, roles, key=key.id, scopes=scopes)
        account = find(reader, key.user_id)
        if account is None:
            return None
        principal = self._context.sessions.principal(account, groups_of(reader, account.id), None)
        return key, account, replace(principal, key=key.id, scopes=scopes)

    @staticmethod
    def _of(reader: Reader, user: str | None) -> list[ApiKey]:
        c = KEYS.c
        statement = select(*_STORED).where(*([c.user_id == user] if user is not None else []))
        rows = reader.rows(statement.order_by(c.created_at.desc(), c.id.desc()))
        return [_key(dict(zip(_NAMES, row, strict=True))) for row in rows]


_STORED = tuple(column for column in KEYS.c if column.name != "hash")
_NAMES = tuple(column.name for column in _STORED)


def _key(row: dict[str, Any]) -> ApiKey:
    scopes = row["scopes"]
    return ApiKey(**{**row, "roles": tuple(row["roles"] or ()), "scopes": None if scopes is None else tuple(scopes)})


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, f"{field}.refused", message)])
