"""Another master key for a database (auth §4.2, A-044).

The new key is kept beside the old one before anything is sealed with it; then it becomes the current one; then what the old
one has sealed is sealed anew, some rows at a time, while everybody goes on working. Whatever breaks in between, both keys
are there, and `resume` finishes. What cannot be made anew (the chain of the audit log, backup codes) names its key, which
stays known to the database as long as something does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Table, func, select

from core.errors import SecretsError
from core.secrets.envelope import Secrets
from core.secrets.store import SEALS, KeyStore, proof_of
from core.storage.catalog import table_names
from core.storage.database import Call, Database, Reader, Transaction

BATCH = 200
"""Rows that are sealed anew in one transaction."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of envelopes, each of which is bound to `table/key/column`."""

    table: Table
    column: str
    key: str = "id"


@dataclass(frozen=True, slots=True)
class KeyedColumn:
    """A column of proofs that name their key (`Secrets.mac`), and cannot be made anew."""

    table: Table
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """One key of a database. `sealed` rows wait to be sealed with the current one, `proofs` stay with this one."""

    id: str
    is_current: bool
    sealed: int
    proofs: int


class KeyRotation:
    """The keys of one database. `sealed` and `keyed` are all columns that depend on them."""

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        store: KeyStore,
        sealed: Sequence[SealedColumn],
        keyed: Sequence[KeyedColumn],
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._store = store
        self._sealed = sealed
        self._keyed = keyed

    def rotate(self, note: Callable[[Transaction, str, str], None]) -> int:
        """Put a new key into use and seal everything with it; how many rows. `note` tells of it in the transaction that
        makes it the current one, given the ids of the old and the new. Blocks.

        Raises:
            Conflict: the environment says which key it is to be.
        """
        old = self._secrets.current
        instance = self._database.submit_read(Call(lambda reader: reader.scalar(select(SEALS.c.instance)))).result()
        new = self._store.next(str(instance), old)

        def work(tx: Transaction) -> None:
            note(tx, old.id, new.id)
            tx.execute(SEALS.update().values(state="previous"))
            tx.execute(SEALS.delete().where(SEALS.c.id == new.id))
            row = {"id": new.id, "instance": instance, "state": "current", "created_at": tx.time}
            tx.insert(SEALS, [{**row, "proof": proof_of(new)}])

        self._database.submit_write(Call(work), actor="system").result()
        self._secrets.adopt(new)
        return self.resume()

    def resume(self) -> int:
        """Seal with the current key what is not yet; how many rows. Nothing is looked at where the database knows one key
        only. Blocks."""
        if len(self._database.submit_read(Call(lambda reader: reader.rows(select(SEALS.c.id)))).result()) < 2:
            return 0
        count = sum(self._seal(column) for column in self._sealed)
        self._database.submit_write(Call(self._forget), actor="system").result()
        return count

    def states(self) -> list[KeyState]:
        """The keys that the database knows, the current one first. Blocks."""

        def look(reader: Reader) -> list[KeyState]:
            ids = [id_ for (id_,) in reader.rows(select(SEALS.c.id).order_by(SEALS.c.created_at.desc()))]
            found: list[KeyState] = [
                KeyState(
                    id=id_,
                    is_current=id_ == self._secrets.current.id,
                    sealed=self._count(reader, self._sealed, f"v1.{id_}."),
                    proofs=self._count(reader, self._keyed, f"{id_}."),
                )
                for id_ in ids
            ]
            return sorted(found, key=lambda each: not each.is_current)

        job: Call[list[KeyState]] = Call(look)
        return list(self._database.submit_read(job).result())

    def _seal(self, column: SealedColumn) -> int:
        """All rows of a column, by their keys, so that one that does not open is passed over."""
        after, count = "", 0
        while True:
            work = Call(lambda tx, after=after: self._batch(tx, column, after))  # type: ignore[misc]
            sealed, last = self._database.submit_write(work, actor="system").result()
            count += sealed
            if last is None:
                return count
            after = last

    def _batch(self, tx: Transaction, column: SealedColumn, after: str) -> tuple[int, str | None]:
        """How many were sealed, and the key to go on after."""
        table = column.table
        if table.name not in table_names(tx):
            return 0, None
        key, value = table.c[column.key], table.c[column.column]
        is_old = value.is_not(None) & value.not_like(f"v1.{self._secrets.current.id}.%")
        rows = tx.rows(select(key, value).where(key > after, is_old).order_by(key).limit(BATCH))
        count = 0
        for id_, envelope in rows:
            place = f"{table.name}/{id_}/{column.column}"
            try:
                anew = self._secrets.seal(self._secrets.open(envelope, place), place)
            except SecretsError:
                continue  # its own reader says so to whoever needs it
            count += tx.execute(table.update().where(key == id_, value == envelope).values({column.column: anew})) or 0
        return count, rows[-1][0] if rows else None

    def _forget(self, tx: Transaction) -> None:
        """The database knows no more of a key that nothing in it needs. The key itself is kept where keys are: what was
        saved of the database before may need it."""
        for (id_,) in tx.rows(select(SEALS.c.id).where(SEALS.c.state == "previous")):
            if not self._count(tx, self._sealed, f"v1.{id_}.") and not self._count(tx, self._keyed, f"{id_}."):
                tx.execute(SEALS.delete().where(SEALS.c.id == id_))

    @staticmethod
    def _count(reader: Reader, columns: Sequence[SealedColumn] | Sequence[KeyedColumn], prefix: str) -> int:
        there = table_names(reader)
        return sum(
            int(reader.scalar(select(func.count()).where(each.table.c[each.column].like(f"{prefix}%"))))
            for each in columns
            if each.table.name in there
        )
