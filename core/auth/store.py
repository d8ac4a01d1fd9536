"""Where accounts are kept: found by their ids, looked for by name or address. Signing in builds on it."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Boolean, Column, Index, MetaData, Table, Text, func, literal, or_, select

from core.contract.console import Person
from core.storage.catalog import read_catalog
from core.storage.database import Reader, Transaction
from core.storage.own import ensure
from core.storage.table import instant_type, json_type

ACCOUNTS = Table(
    "auth_user",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False),
    Column("email_verified", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("image", Text),
    Column("roles", json_type()),
    Column("banned", Boolean, nullable=False),
    Column("created_at", instant_type(), nullable=False),
    Column("updated_at", instant_type(), nullable=False),
)
"""`email` in small letters; `roles` a list of names, none for the app's default role."""
Index("idx_auth_user_email", ACCOUNTS.c.email, unique=True)
HITS_AT_MOST = 50


def ensure_accounts(tx: Transaction) -> None:
    """Make the table, where the app has accounts and it is not there."""
    ensure(tx, read_catalog(tx), ACCOUNTS)


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
