"""Who visits, without knowing who it is: a visitor is a keyed hash that holds for one day, a session a row of visits.

The key is random and never leaves this process's memory, and there is another one every day (of UTC). So no address comes
out of a hash, and nobody can tell whether a visitor of today was here yesterday: not even whoever has the database, its
backups and this program (A-259).
"""

import hmac
import secrets
from collections import OrderedDict
from datetime import date, datetime, timedelta

SALT_BYTES = 32
HASH_CHARACTERS = 32
"""128 bits of the hash in hex: no two visitors of a day meet."""
SESSIONS_MOST = 100_000
"""Sessions that are remembered; a visitor whose session was pushed out begins another."""


class Visitors:
    """The visitors of today. Used on the event loop only."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._salt = b""
        self._sessions: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    def recognise(self, now: datetime, app: str, address: str, agent: str, pause: timedelta) -> tuple[str, str]:
        """The visitor and the session. After a `pause` without a visit the same visitor begins another session."""
        if now.date() != self._day:
            self._day, self._salt = now.date(), secrets.token_bytes(SALT_BYTES)
            self._sessions.clear()
        visitor = self._hash(app, address, agent)
        session, last = self._sessions.get(visitor, ("", now))
        if not session or now - last > pause:
            session = self._hash(visitor, now.isoformat())
        self._sessions[visitor] = (session, now)
        self._sessions.move_to_end(visitor)
        if len(self._sessions) > SESSIONS_MOST:
            self._sessions.popitem(last=False)
        return visitor, session

    def _hash(self, *parts: str) -> str:
        return hmac.digest(self._salt, "\0".join(parts).encode(), "sha256").hex()[:HASH_CHARACTERS]
