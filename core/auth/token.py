"""Links and codes that are used once (auth §4.1, §7).

A link holds 32 random bytes, of which the SHA-256 is kept; a code is short, so what is kept is a keyed hash over what it is
for and whom it was sent to, and wrong tries are counted. Using one is a conditional UPDATE: of any number that come at
once, exactly one wins (A-046).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, select

from core.auth.error import AuthError
from core.auth.session import hash_of
from core.auth.store import TOKENS
from core.ids import uuid7
from core.secrets.envelope import Secrets
from core.storage.database import Reader, Transaction

Purpose = Literal[
    "verify-email",
    "change-email",
    "approve-email",
    "undo-email",
    "reset-password",
    "magic-link",
    "email-otp",
    "verify-otp",
    "reset-otp",
    "phone-otp",
    "two-factor",
    "factor-otp",
    "invitation",
    "delete-account",
    "bootstrap",
]
TRIES = 3
"""Wrong codes after which a code is dead."""
TRIES_A_DAY = 30
"""Wrong codes of one purpose after which an address or number has none that holds, for the rest of the day (T2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One that was issued. `data` is what the flow has put in."""

    id: str
    user_id: str | None
    identifier: str
    purpose: str
    created_at: datetime
    expires_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


class OneTimeTokens:
    """Issues and uses them, always in the transaction of what they are for."""

    def __init__(self, keys: Secrets) -> None:
        self._keys = keys

    def issue_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        identifier: str,
        seconds: int,
        *,
        user: str | None = None,
        data: Mapping[str, Any] | None = None,
        several: bool = False,
        secret: str | None = None,
    ) -> str:
        """The secret of a new link, or the one that is given. Earlier ones of the same purpose and identifier hold no more,
        unless `several`."""
        secret = secret or secrets.token_urlsafe(32)
        self._issue(tx, purpose, identifier, seconds, hash_of(secret), user, data, several=several)
        return secret

    def issue_code(
        self,
        tx: Transaction,
        purpose: Purpose,
        identifier: str,
        seconds: int,
        *,
        length: int = 6,
        user: str | None = None,
        data: Mapping[str, Any] | None = None,
        code: str | None = None,
    ) -> str:
        """A new code of digits, or the given one; earlier ones of the same purpose and identifier hold no more."""
        code = code or self.new_code(length)
        self._issue(tx, purpose, identifier, seconds, self._keys.mac("otp", purpose, identifier, code), user, data)
        return code

    @staticmethod
    def new_code(length: int) -> str:
        """Digits that nobody can guess, for what must be sent before it is kept."""
        return "".join(secrets.choice("0123456789") for _ in range(length))

    def find_link(self, reader: Reader, purpose: Purpose, secret: str) -> Token | None:
        """A link that could be used now; None for any other."""
        c = TOKENS.c
        where = (c.secret_hash == hash_of(secret), c.purpose == purpose, c.used_at.is_(None))
        rows = reader.rows(select(*_TOLD).where(*where))
        return _token(rows[0]) if rows else None

    def seen_link(self, reader: Reader, purpose: Purpose, secret: str) -> Token | None:
        """A link that was issued once, whether or not it still holds."""
        c = TOKENS.c
        rows = reader.rows(select(*_TOLD).where(c.secret_hash == hash_of(secret), c.purpose == purpose))
        return _token(rows[0]) if rows else None

    def use_link(self, tx: Transaction, purpose: Purpose, secret: str) -> Token:
        """Use a link up. Raises AuthError INVALID_TOKEN, TOKEN_EXPIRED."""
        token = self.find_link(tx, purpose, secret)
        if token is None:
            raise AuthError("INVALID_TOKEN")
        if token.expires_at <= tx.time:
            raise AuthError("TOKEN_EXPIRED")
        if not self._use(tx, token.id):
            raise AuthError("INVALID_TOKEN")
        return token

    def missed(self, tx: Transaction, purpose: Purpose, secret: str, most: int) -> bool:
        """Count something wrong that was tried with a link; whether the link is used up by it, as the last of `most`."""
        c = TOKENS.c
        where = (c.secret_hash == hash_of(secret), c.purpose == purpose)
        counted = TOKENS.update().where(*where).values(attempts=c.attempts + 1).returning(c.attempts)
        is_over = any(attempts >= most for (attempts,) in tx.rows(counted))
        if is_over:
            tx.execute(TOKENS.update().where(*where, c.used_at.is_(None)).values(used_at=tx.time))
        return is_over

    def try_code(
        self, tx: Transaction, purpose: Purpose, identifier: str, code: str, *, tries: int = TRIES
    ) -> Token | AuthError:
        """Use a code up: the token, or what is wrong. The error is given back and not raised, as the count of wrong tries
        must be committed: INVALID_CODE, TOKEN_EXPIRED, TOO_MANY_ATTEMPTS."""
        c = TOKENS.c
        where = (c.purpose == purpose, c.identifier == identifier, c.used_at.is_(None))
        rows = tx.rows(select(*_TOLD, c.secret_hash, c.attempts).where(*where).order_by(c.created_at.desc()).limit(1))
        if not rows:
            return AuthError("INVALID_CODE")
        *told, proof, attempts = rows[0]
        token = _token(told)
        if token.expires_at <= tx.time:
            return AuthError("TOKEN_EXPIRED", status=400)
        if attempts >= tries or self._wrong_today(tx, purpose, identifier) >= TRIES_A_DAY:
            return AuthError("TOO_MANY_ATTEMPTS")
        if not self._keys.is_mac(proof, "otp", purpose, identifier, code):
            tx.execute(TOKENS.update().where(c.id == token.id).values(attempts=c.attempts + 1))
            return AuthError("INVALID_CODE" if attempts + 1 < tries else "TOO_MANY_ATTEMPTS")
        return token if self._use(tx, token.id) else AuthError("INVALID_CODE")

    def latest(self, reader: Reader, purpose: Purpose, identifier: str) -> Token | None:
        """The newest one, used or not: when was the last sent?"""
        c = TOKENS.c
        statement = select(*_TOLD).where(c.purpose == purpose, c.identifier == identifier)
        rows = reader.rows(statement.order_by(c.created_at.desc()).limit(1))
        return _token(rows[0]) if rows else None

    def open_for(self, reader: Reader, purpose: Purpose, identifier: str) -> bool:
        """Whether one could be used."""
        c = TOKENS.c
        where = (c.purpose == purpose, c.identifier == identifier, c.used_at.is_(None))
        return bool(reader.rows(select(c.id).where(*where).limit(1)))

    def void(self, tx: Transaction, purpose: Purpose, identifier: str) -> None:
        """Those issued so far hold no more."""
        c = TOKENS.c
        where = (c.purpose == purpose, c.identifier == identifier, c.used_at.is_(None))
        tx.execute(TOKENS.update().where(*where).values(used_at=tx.time))

    def forget(self, tx: Transaction, identifier: str) -> None:
        """Remove all that were sent to an address or number."""
        tx.execute(TOKENS.delete().where(TOKENS.c.identifier == identifier))

    def void_all(self, tx: Transaction, user: str, *, but: Purpose | None = None) -> None:
        """No link and no code of an account holds any more, `but` those of one purpose."""
        c = TOKENS.c
        where = [c.user_id == user, c.used_at.is_(None), *([c.purpose != but] if but else [])]
        tx.execute(TOKENS.update().where(*where).values(used_at=tx.time))

    def sweep(self, tx: Transaction, after: timedelta = timedelta(days=1)) -> None:
        """Remove those that expired a day ago."""
        tx.execute(TOKENS.delete().where(TOKENS.c.expires_at < tx.time - after))

    def _issue(
        self,
        tx: Transaction,
        purpose: Purpose,
        identifier: str,
        seconds: int,
        proof: str,
        user: str | None,
        data: Mapping[str, Any] | None,
        *,
        several: bool = False,
    ) -> None:
        if not several:
            self.void(tx, purpose, identifier)
        row = {
            "id": uuid7(),
            "user_id": user,
            "identifier": identifier,
            "purpose": purpose,
            "secret_hash": proof,
            "attempts": 0,
            "created_at": tx.time,
            "expires_at": tx.time + timedelta(seconds=seconds),
            "data": dict(data) if data else None,
        }
        tx.insert(TOKENS, [row])

    @staticmethod
    def _wrong_today(tx: Transaction, purpose: Purpose, identifier: str) -> int:
        c = TOKENS.c
        where = (c.purpose == purpose, c.identifier == identifier, c.created_at > tx.time - timedelta(days=1))
        return int(tx.rows(select(func.sum(c.attempts)).where(*where))[0][0] or 0)

    @staticmethod
    def _use(tx: Transaction, id_: str) -> bool:
        c = TOKENS.c
        used = TOKENS.update().where(c.id == id_, c.used_at.is_(None)).values(used_at=tx.time).returning(c.id)
        return bool(tx.rows(used))


_TOLD = tuple(TOKENS.c[name] for name in ("id", "user_id", "identifier", "purpose", "created_at", "expires_at", "data"))


def _token(values: Any) -> Token:
    id_, user, identifier, purpose, created, expires, data = values
    return Token(
        id=id_,
        user_id=user,
        identifier=identifier,
        purpose=purpose,
        created_at=created,
        expires_at=expires,
        data=data or {},
    )
