"""Wrong passwords, counted by the identifier that they are tried for, whether or not it has an account (auth §10.2).

After five within a quarter of an hour each further try must wait; after ten the password opens nothing for a quarter of an
hour, and twice as long at every lock that follows. Nobody sleeps meanwhile: who comes too early is told so at once, with
the right password as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from core.auth.error import AuthError
from core.auth.store import LOCKOUTS
from core.secrets.envelope import Secrets
from core.sentence import say
from core.storage.database import Reader, Transaction

WITHIN = timedelta(minutes=15)
SLOW_FROM, LOCK_AT = 5, 10
WAIT_MOST = 32
"""Seconds between two tries, at most, before the lock."""
LOCK = timedelta(minutes=15)
LOCK_MOST = timedelta(hours=24)
AHEAD_MOST = timedelta(hours=1)
"""What begins later than that was counted by a clock that was ahead and has been put right: it locks nobody out."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What is known of one identifier."""

    count: int
    first_at: datetime
    locked_until: datetime | None
    locks: int

    def lock(self, now: datetime) -> datetime | None:
        """Until when nothing is accepted; None: it is."""
        is_locked = self.locked_until is not None and self.locked_until > now and not self.is_ahead(now)
        return self.locked_until if is_locked else None

    def is_ahead(self, now: datetime) -> bool:
        return self.first_at > now + AHEAD_MOST


class Lockout:
    """The count of one database."""

    def __init__(self, keys: Secrets) -> None:
        self._keys = keys

    def check(self, reader: Reader, identifier: str, now: datetime) -> None:
        """Raises AuthError ACCOUNT_TEMPORARILY_LOCKED while nothing is accepted for the identifier."""
        until = self.locked_until(reader, identifier, now)
        if until is not None:
            seconds = max(1, round((until - now).total_seconds()))
            raise AuthError(
                "ACCOUNT_TEMPORARILY_LOCKED", retry_after=seconds, hint=say("try again in {seconds} s", seconds=seconds)
            )

    def failed(self, tx: Transaction, identifier: str) -> bool:
        """Count a wrong password; whether the identifier is locked by it."""
        found = self._held(tx, identifier)
        if found is None:
            return False
        is_past = tx.time - found.first_at > WITHIN and (found.locked_until or tx.time) <= tx.time
        is_old = is_past or found.is_ahead(tx.time)
        count = 1 if is_old else found.count + 1
        locks = 0 if is_old and tx.time - found.first_at > LOCK_MOST else found.locks
        is_locked = count >= LOCK_AT
        until = None
        if is_locked:
            until, locks, count = tx.time + min(LOCK * 2**locks, LOCK_MOST), locks + 1, 0
        elif count >= SLOW_FROM:
            until = tx.time + timedelta(seconds=min(2 ** (count - SLOW_FROM), WAIT_MOST))
        first = tx.time if is_old or is_locked else found.first_at
        c = LOCKOUTS.c
        change = LOCKOUTS.update().where(c.key_hash == self._key(identifier))
        tx.execute(change.values(failures=count, first_at=first, locked_until=until, locks=locks))
        return is_locked

    def lift(self, tx: Transaction, identifier: str) -> bool:
        """Forget it: the person has proven otherwise who it is, or an administrator says so (A-147, A-148). Whether there
        was anything."""
        found = self._find(tx, identifier)
        if found is not None:
            tx.execute(LOCKOUTS.delete().where(LOCKOUTS.c.key_hash == self._key(identifier)))
        return found is not None

    def locked_until(self, reader: Reader, identifier: str, now: datetime) -> datetime | None:
        """Until when nothing is accepted for the identifier, None where it is not locked."""
        found = self._find(reader, identifier)
        return None if found is None else found.lock(now)

    def locked(self, reader: Reader, identifiers: Sequence[str], now: datetime) -> dict[str, datetime]:
        """The same for several: those that are locked."""
        c, by_key = LOCKOUTS.c, {self._key(each): each for each in identifiers}
        if not by_key:
            return {}
        is_locked = (c.locked_until > now, c.first_at <= now + AHEAD_MOST)
        statement = select(c.key_hash, c.locked_until).where(c.key_hash.in_(list(by_key)), *is_locked)
        return {by_key[key]: until for key, until in reader.rows(statement)}

    def sweep(self, tx: Transaction) -> None:
        """Forget what has no bearing any more."""
        c = LOCKOUTS.c
        is_over = c.locked_until.is_(None) | (c.locked_until < tx.time)
        tx.execute(LOCKOUTS.delete().where(c.first_at < tx.time - LOCK_MOST, is_over))

    def _held(self, tx: Transaction, identifier: str) -> Failures | None:
        """What is known, which nobody else changes until this is committed; None where this failure is the first. Of several
        at once, on several connections, each is counted."""
        c, key = LOCKOUTS.c, self._key(identifier)
        first = f"INSERT INTO {LOCKOUTS.name} (key_hash, failures, first_at, locks) VALUES (?, 1, ?, 0)"
        if tx.rows(f"{first} ON CONFLICT DO NOTHING RETURNING key_hash", [key, tx.time]):
            return None
        statement = select(c.failures, c.first_at, c.locked_until, c.locks).where(c.key_hash == key)
        rows = tx.rows(statement.with_for_update() if tx.dialect == "postgresql" else statement)
        return Failures(*rows[0]) if rows else None

    def _find(self, reader: Reader, identifier: str) -> Failures | None:
        c = LOCKOUTS.c
        statement = select(c.failures, c.first_at, c.locked_until, c.locks).where(c.key_hash == self._key(identifier))
        rows = reader.rows(statement)
        return Failures(*rows[0]) if rows else None

    def _key(self, identifier: str) -> str:
        return self._keys.mac("lockout", identifier)
