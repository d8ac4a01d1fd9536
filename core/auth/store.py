"""Where accounts are kept: the tables, and finding people by their ids, names or addresses (auth §4.1).

Secrets are never in them: sessions, links and codes as hashes, second factors sealed. A column that says yes or no may be
null, which is no.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, func, literal, or_, select

from core.contract.console import Person
from core.storage.catalog import read_catalog
from core.storage.database import Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type, json_type

_META = MetaData()
ACCOUNTS = Table(
    "auth_user",
    _META,
    Column("id", Text, primary_key=True),
    Column("email", Text),
    Column("email_verified", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("image", Text),
    Column("roles", json_type()),
    Column("banned", Boolean, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
    Column("phone", Text),
    Column("phone_verified", Boolean),
    Column("ban_reason", Text),
    Column("ban_expires", instant_type()),
    Column("two_factor", Boolean),
    Column("is_anonymous", Boolean),
    Column("metadata", json_type()),
    Column("invited_at", instant_type()),
    Column("last_sign_in_at", instant_type()),
    Column("deleted_at", instant_type()),
    Column("erase_at", instant_type()),
)
"""`email` after NFKC in small letters, `phone` in digits; both unique. `roles` a list of names, the first the primary one,
none for the app's default role. `deleted_at`: it was asked to be deleted, and will be at `erase_at`."""
Index("idx_auth_user_email", ACCOUNTS.c.email, unique=True)
Index("idx_auth_user_phone", ACCOUNTS.c.phone, unique=True)
CREDENTIALS = Table(
    "auth_credential",
    _META,
    Column("user_id", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", instant_type(), nullable=False),
    Column("must_change", Boolean),
)
"""Passwords, in the text form of their algorithm (`$argon2id$…`)."""
SESSIONS = Table(
    "auth_session",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("remember", Boolean),
    Column("assurance", Text, nullable=False),
    Column("methods", json_type()),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
    Column("fresh_at", instant_type(), nullable=False),
    Column("last_seen_at", instant_type(), nullable=False),
    Column("expires_at", instant_type(), nullable=False),
    Column("impersonated_by", Text),
    Column("parent_id", Text),
    Column("device_id", Text),
)
"""`token_hash` is the SHA-256 of the secret. `parent_id`: the session of the admin who impersonates."""
Index("idx_auth_session_token", SESSIONS.c.token_hash, unique=True)
Index("idx_auth_session_user", SESSIONS.c.user_id)
TOKENS = Table(
    "auth_one_time_token",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text),
    Column("identifier", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("expires_at", instant_type(), nullable=False),
    Column("used_at", instant_type()),
    Column("data", json_type()),
)
"""Links and codes that are used once. `identifier` is the address, number or id that a code was sent to."""
Index("idx_auth_one_time_token_identifier", TOKENS.c.identifier)
Index("idx_auth_one_time_token_secret", TOKENS.c.secret_hash)
FACTORS = Table(
    "auth_factor",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text),
    Column("verified", Boolean, nullable=False),
    Column("secret", Text),
    Column("last_step", BigInteger),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
)
"""Second factors: `totp` with its sealed secret and the last step that was accepted."""
Index("idx_auth_factor_user", FACTORS.c.user_id)
BACKUP_CODES = Table(
    "auth_backup_code",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("used_at", instant_type()),
)
Index("idx_auth_backup_code_user", BACKUP_CODES.c.user_id)
OFFERED_CODES = Table(
    "auth_offered_code",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
)
"""Backup codes that came with an authenticator app which has not shown a code yet: the account's own hold until it has."""
Index("idx_auth_offered_code_user", OFFERED_CODES.c.user_id)
DEVICES = Table(
    "auth_trusted_device",
    _META,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("user_agent", Text),
    Column("created_at", instant_type(), nullable=False),
    Column("expires_at", instant_type(), nullable=False),
)
"""Devices that skip the second step until then."""
Index("idx_auth_trusted_device_user", DEVICES.c.user_id)
KEYS = Table(
    "auth_api_key",
    _META,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("user_id", Text),
    Column("roles", json_type()),
    Column("scopes", json_type()),
    Column("created_by", Text),
    Column("created_at", instant_type(), nullable=False),
    Column("expires_at", instant_type()),
    Column("last_used_at", instant_type()),
    Column("revoked_at", instant_type()),
)
"""`user_id`: the key acts as that account, with `scopes` narrowing it; none: with `roles` of its own."""
Index("idx_auth_api_key_hash", KEYS.c.hash, unique=True)
MEMBERS = Table(
    "auth_group_member",
    _META,
    Column("id", Text, primary_key=True),
    Column("group_name", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("created_by", Text),
    Column("created_at", instant_type(), nullable=False),
)
Index("idx_auth_group_member_user", MEMBERS.c.user_id)
LOCKOUTS = Table(
    "auth_lockout",
    _META,
    Column("key_hash", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("first_at", instant_type(), nullable=False),
    Column("locked_until", instant_type()),
    Column("locks", Integer, nullable=False),
)
"""Wrong passwords by identifier, whether or not there is such an account; `key_hash` is a keyed hash of it."""
TABLES = (
    ACCOUNTS, CREDENTIALS, SESSIONS, TOKENS, FACTORS, BACKUP_CODES, OFFERED_CODES, DEVICES, KEYS, MEMBERS, LOCKOUTS
)  # fmt: skip
"""All of them, to be made and moved together."""
HITS_AT_MOST = 50


def ensure_accounts(tx: Transaction) -> None:
    """Make those of the tables that are not there."""
    ensure(tx, read_catalog(tx), *TABLES)


def known(reader: Reader, ids: Collection[str]) -> frozenset[str]:
    """Those of the ids that are accounts."""
    c = ACCOUNTS.c
    return frozenset(row[0] for row in reader.rows(select(c.id).where(c.id.in_(list(ids))))) if ids else frozenset()


def people(reader: Reader, ids: Collection[str]) -> dict[str, Person]:
    """Accounts as they are shown, by id; unknown ids are left out."""
    c = ACCOUNTS.c
    return _people(reader, select(*_SHOWN).where(c.id.in_(list(ids)))) if ids else {}


def find_people(reader: Reader, text: str) -> list[Person]:
    """Accounts whose name or address holds the text, for a picker; names that begin with it come first."""
    c = ACCOUNTS.c
    statement = select(*_SHOWN).order_by(c.name, c.id).limit(HITS_AT_MOST)
    if text:
        needle = func.lower(literal(text, Text))
        found = [func.strpos(func.lower(column), needle) > 0 for column in (c.name, c.email)]
        begins = func.starts_with(func.lower(c.name), needle)
        statement = select(*_SHOWN).where(or_(*found)).order_by(begins.desc(), c.name, c.id).limit(HITS_AT_MOST)
    return list(_people(reader, statement).values())


_SHOWN = (ACCOUNTS.c.id, ACCOUNTS.c.name, ACCOUNTS.c.email, ACCOUNTS.c.image)


def _people(reader: Reader, statement: Any) -> dict[str, Person]:
    return {
        key: {"id": key, "name": name, "email": email, "image": image}
        for key, name, email, image in reader.rows(statement)
    }
