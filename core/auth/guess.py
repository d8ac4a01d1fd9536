"""Wrong codes of second factors, counted by account (auth §8, T2).

Ten in a row, over all sign-ins, lock the second step: for a quarter of an hour, the next time for four hours, then for a
day. So whoever knows the password has thirty tries a day, and guesses a code of six digits, three of which hold at any
time, with less than one chance in ten thousand.
"""

from datetime import timedelta

from core.auth.lockout import LOCK, LOCK_MOST, Lockout
from core.auth.store import LOCKOUTS
from core.storage.database import Transaction

LOCK_AT = 10
GROWTH = 16
"""How many times as long each lock is as the one before."""


class Guesses(Lockout):
    """The count of one database; beside that of passwords, under identifiers of its own."""

    def failed(self, tx: Transaction, identifier: str) -> bool:
        """Count a wrong code; whether the second step is locked by it."""
        key, found = self._key(identifier), self._held(tx, identifier)
        if found is None:
            return False
        is_old = tx.time - found.first_at > LOCK_MOST or found.is_ahead(tx.time)
        count, locks = (1, 0) if is_old else (found.count + 1, found.locks)
        is_locked = count >= LOCK_AT
        until = tx.time + lock_of(locks) if is_locked else None
        values = {
            "failures": 0 if is_locked else count,
            "first_at": tx.time if is_old or is_locked else found.first_at,
            "locked_until": until,
            "locks": locks + 1 if is_locked else locks,
        }
        tx.execute(LOCKOUTS.update().where(LOCKOUTS.c.key_hash == key).values(**values))
        return is_locked

    def passed(self, tx: Transaction, identifier: str) -> None:
        """A right code: the row of wrong ones is broken. How long the next lock takes is not forgotten by it."""
        c = LOCKOUTS.c
        tx.execute(LOCKOUTS.update().where(c.key_hash == self._key(identifier)).values(failures=0))


def lock_of(before: int) -> timedelta:
    """How long a lock takes after so many others."""
    return LOCK_MOST if before > 2 else min(LOCK * (GROWTH**before), LOCK_MOST)
