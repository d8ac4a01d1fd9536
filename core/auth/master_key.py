"""The master key, as administrators see it: which ones the database knows, and putting another into use (auth §4.2)."""

import asyncio

from core.audit.log import AUDIT
from core.auth.context import AuthContext
from core.auth.store import BACKUP_CODES, DEVICES, FACTORS, LOCKOUTS, OFFERED_CODES, TOKENS
from core.messaging.pace import TEXTS
from core.messaging.queue import OUTBOX
from core.principal import Principal, Source
from core.secrets.rotation import KeyedColumn, KeyRotation, KeyState, SealedColumn
from core.secrets.store import KeyStore
from core.storage.database import Transaction

SEALED = (SealedColumn(FACTORS, "secret"), SealedColumn(OUTBOX, "sealed"))
"""Everything that is kept in envelopes."""
KEYED = (
    KeyedColumn(AUDIT, "hash"),
    KeyedColumn(BACKUP_CODES, "code_hash"),
    KeyedColumn(OFFERED_CODES, "code_hash"),
    KeyedColumn(TOKENS, "secret_hash"),
    KeyedColumn(DEVICES, "secret_hash"),
    KeyedColumn(LOCKOUTS, "key_hash"),
    KeyedColumn(TEXTS, "number"),
)
"""Everything that is kept as a keyed hash."""


class MasterKeys:
    """Those of one database. `store` is where this machine keeps them."""

    def __init__(self, context: AuthContext, store: KeyStore) -> None:
        self._context = context
        self._rotation = KeyRotation(context.database, context.secrets, store, SEALED, KEYED)

    async def rotate(self, who: Principal, source: Source) -> int:
        """Put a new key into use; how many rows were sealed with it. Raises Conflict where
        the environment says which key it is to be."""
        context = self._context

        def note(tx: Transaction, old: str, new: str) -> None:
            context.log(tx, "key.rotated", who, source, ("key", new, ""), previous=old)

        return await asyncio.to_thread(self._rotation.rotate, note)

    async def states(self) -> list[KeyState]:
        return await asyncio.to_thread(self._rotation.states)

    def resume(self) -> int:
        """Finish what a rotation has left; how many rows. Blocks."""
        return self._rotation.resume()
