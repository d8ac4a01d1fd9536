"""Accounts: read, made, changed, erased. Plain functions on a reader or a transaction: what a flow does, it does in one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, select, true

from core.auth.error import AuthError
from core.auth.store import (
    ACCOUNTS,
    BACKUP_CODES,
    CREDENTIALS,
    DEVICES,
    FACTORS,
    KEYS,
    MEMBERS,
    OFFERED_CODES,
    SESSIONS,
    TOKENS,
)
from core.clock import to_iso
from core.ids import uuid7
from core.schema.role import ADMIN, Roles
from core.storage.database import Reader, Transaction

_ADMINS_LOCK = 0x5375_6164  # of PostgreSQL's advisory locks: administrators go one after another


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account as it is stored. `roles` as given to it; see `effective_roles`."""

    id: str
    email: str | None
    email_verified: bool
    name: str
    image: str | None
    roles: tuple[str, ...]
    banned: bool
    created_at: datetime
    updated_at: datetime
    phone: str | None = None
    phone_verified: bool = False
    ban_reason: str | None = None
    ban_expires: datetime | None = None
    two_factor: bool = False
    is_anonymous: bool = False
    metadata: Mapping[str, Any] | None = None
    invited_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    deleted_at: datetime | None = None
    erase_at: datetime | None = None

    def is_banned(self, now: datetime) -> bool:
        """A ban whose end has passed is none (A-082)."""
        return self.banned and (self.ban_expires is None or self.ban_expires > now)

    def body(self, roles: Roles) -> dict[str, Any]:
        """As answers tell it (auth §6)."""
        return {
            "id": self.id,
            "email": self.email,
            "emailVerified": self.email_verified,
            "name": self.name,
            "image": self.image,
            "role": ",".join(effective_roles(self.roles, roles)),
            "phoneNumber": self.phone,
            "phoneNumberVerified": self.phone_verified,
            "banned": self.banned,
            "banReason": self.ban_reason,
            "banExpires": self.ban_expires and to_iso(self.ban_expires),
            "twoFactorEnabled": self.two_factor,
            "isAnonymous": self.is_anonymous,
            "createdAt": to_iso(self.created_at),
            "updatedAt": to_iso(self.updated_at),
        }


def effective_roles(held: Sequence[str], roles: Roles) -> tuple[str, ...]:
    """Those of the held roles that the app has, else its default one (A-033)."""
    return tuple(name for name in held if name in roles.by_name) or (roles.default,)


def find(reader: Reader, id_: str) -> Account | None:
    return _one(reader, ACCOUNTS.c.id == id_)


def by_email(reader: Reader, email: str) -> Account | None:
    """`email` in its normal form."""
    return _one(reader, ACCOUNTS.c.email == email)


def by_phone(reader: Reader, digits: str) -> Account | None:
    return _one(reader, ACCOUNTS.c.phone == digits)


def create(
    tx: Transaction,
    *,
    email: str | None,
    name: str,
    roles: Sequence[str] = (),
    email_verified: bool = False,
    **more: Any,
) -> Account:
    """A new account. `more` are other columns of it."""
    row = {
        "id": uuid7(),
        "email": email,
        "email_verified": email_verified,
        "name": name,
        "image": None,
        "roles": list(roles) or None,
        "banned": False,
        "created_at": tx.time,
        "updated_at": tx.time,
        **more,
    }
    tx.insert(ACCOUNTS, [row])
    return _account(row)


def change(tx: Transaction, account: Account, **columns: Any) -> Account:
    """Set columns of an account; the account as it is then."""
    stored = {name: list(value) or None if name == "roles" else value for name, value in columns.items()}
    tx.execute(ACCOUNTS.update().where(ACCOUNTS.c.id == account.id).values(**stored, updated_at=tx.time))
    found = find(tx, account.id)
    assert found is not None
    return found


def password_of(reader: Reader, user: str) -> tuple[str, bool] | None:
    """The hash, and whether it must be changed at the next chance; None without a password."""
    c = CREDENTIALS.c
    rows = reader.rows(select(c.hash, c.must_change).where(c.user_id == user))
    return (rows[0][0], bool(rows[0][1])) if rows else None


def set_password(tx: Transaction, user: str, hash_: str, *, must_change: bool = False) -> None:
    row = {"hash": hash_, "changed_at": tx.time, "must_change": must_change}
    if password_of(tx, user) is None:
        tx.insert(CREDENTIALS, [{"user_id": user, **row}])
    else:
        tx.execute(CREDENTIALS.update().where(CREDENTIALS.c.user_id == user).values(**row))


def groups_of(reader: Reader, user: str) -> frozenset[str]:
    return frozenset(row[0] for row in reader.rows(select(MEMBERS.c.group_name).where(MEMBERS.c.user_id == user)))


def require_other_admin(tx: Transaction, account: Account, roles: Roles) -> None:
    """Refuse to take the last administrator who can sign in away, also where two are taken away at once (A-156).

    Raises:
        AuthError: LAST_ADMIN.
    """
    if not _administrates(account, roles, tx.time):
        return
    if tx.dialect == "postgresql":
        tx.rows("SELECT pg_advisory_xact_lock(?)", [_ADMINS_LOCK])
    c = ACCOUNTS.c
    named = cast(c.roles, Text).contains(f'"{ADMIN}"')
    statement = select(*ACCOUNTS.c).where(c.id != account.id, named if roles.default != ADMIN else true())
    others = (account_of(row) for block in tx.stream(statement) for row in block)
    if not any(_administrates(each, roles, tx.time) for each in others):
        raise AuthError("LAST_ADMIN")


def _administrates(account: Account, roles: Roles, now: datetime) -> bool:
    is_active = not account.is_banned(now) and account.deleted_at is None
    return is_active and ADMIN in effective_roles(account.roles, roles)


def erase(tx: Transaction, user: str) -> None:
    """Remove an account with all that belongs to it, in one transaction (A-045)."""
    for table in (CREDENTIALS, SESSIONS, TOKENS, FACTORS, BACKUP_CODES, OFFERED_CODES, DEVICES, KEYS, MEMBERS):
        tx.execute(table.delete().where(table.c.user_id == user))
    tx.execute(ACCOUNTS.delete().where(ACCOUNTS.c.id == user))


def _one(reader: Reader, where: ColumnElement[bool]) -> Account | None:
    rows = reader.rows(select(ACCOUNTS).where(where))
    return _account(dict(zip(COLUMNS, rows[0], strict=True))) if rows else None


COLUMNS = tuple(column.name for column in ACCOUNTS.columns)
_FLAGS = ("email_verified", "phone_verified", "banned", "two_factor", "is_anonymous")


def _account(row: Mapping[str, Any]) -> Account:
    flags = {name: bool(row.get(name)) for name in _FLAGS}
    return Account(**{**row, **flags, "roles": tuple(row["roles"] or ())})


def account_of(values: Sequence[Any]) -> Account:
    """From a row of all columns, in their order."""
    return _account(dict(zip(COLUMNS, values, strict=True)))
