"""Devices that skip the second step for a while (auth §8, A-120)."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.auth.context import AuthContext
from core.auth.session import SECRET_BYTES, SignedIn, device_text, hash_of
from core.auth.store import DEVICES
from core.clock import to_iso
from core.errors import NotFound
from core.ids import uuid7
from core.principal import Source
from core.storage.database import Reader, Transaction

TRUST_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Device:
    """One that is trusted. `id` is its handle, which opens nothing."""

    id: str
    user_agent: str | None
    created_at: datetime
    expires_at: datetime

    def body(self, current: str | None) -> dict[str, Any]:
        """As answers tell it; `current` is the device of the session that asks."""
        return {
            "id": self.id,
            "device": device_text(self.user_agent),
            "userAgent": self.user_agent,
            "createdAt": to_iso(self.created_at),
            "expiresAt": to_iso(self.expires_at),
            "isCurrent": self.id == current,
        }


class Devices:
    """What somebody with a session does with them."""

    def __init__(self, context: AuthContext) -> None:
        self._context = context

    async def of(self, user: str) -> list[Device]:
        """Those that an account trusts, the newest first."""
        now, c = self._context.clock(), DEVICES.c
        statement = select(c.id, c.user_agent, c.created_at, c.expires_at).where(c.user_id == user, c.expires_at > now)

        def look(reader: Reader) -> list[Device]:
            return [Device(*row) for row in reader.rows(statement.order_by(c.created_at.desc(), c.id.desc()))]

        return await self._context.read(look)

    async def forget(self, found: SignedIn, id_: str, source: Source) -> None:
        """Trust one of one's own no more. Raises NotFound."""
        context = self._context

        def work(tx: Transaction) -> None:
            if not forget_devices(tx, found.account.id, [id_]):
                raise NotFound
            context.log(tx, "device.forgotten", found.principal, source, ("device", id_, ""))

        await context.write(work, found.principal)


def trust(tx: Transaction, user: str, source: Source) -> tuple[str, str]:
    """Trust the device that asks: its handle, and the secret that it shows from now on."""
    id_, secret = uuid7(), secrets.token_urlsafe(SECRET_BYTES)
    row: dict[str, Any] = {
        "id": id_,
        "user_id": user,
        "secret_hash": hash_of(secret),
        "user_agent": source.agent and source.agent[:400],
        "created_at": tx.time,
        "expires_at": tx.time + timedelta(seconds=TRUST_SECONDS),
    }
    tx.insert(DEVICES, [row])
    return id_, secret


def recognised(tx: Transaction, user: str, secret: str) -> str | None:
    """The handle of the device that shows the secret; None for one that this account does not trust."""
    c = DEVICES.c
    where = (c.secret_hash == hash_of(secret), c.user_id == user, c.expires_at > tx.time)
    rows = tx.rows(select(c.id).where(*where))
    return rows[0][0] if rows else None


def forget_devices(
    tx: Transaction, user: str, ids: Sequence[str | None] | None = None, *, but: str | None = None
) -> int:
    """Trust these of an account's devices no more, or with None all of them `but` one; how many there were."""
    c = DEVICES.c
    where = [c.user_id == user]
    if ids is not None:
        where.append(c.id.in_([each for each in ids if each is not None]))
    if but is not None:
        where.append(c.id != but)
    count = len(tx.rows(select(c.id).where(*where)))
    tx.execute(DEVICES.delete().where(*where))
    return count


def sweep_devices(tx: Transaction) -> None:
    """Remove those whose time is over."""
    tx.execute(DEVICES.delete().where(DEVICES.c.expires_at <= tx.time))
