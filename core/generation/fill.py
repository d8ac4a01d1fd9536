"""A model's answer on its way into the record."""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from core.errors import SovriumError
from core.fields.address import key_text
from core.generation.store import FILLS, release
from core.records.key import KeyValue
from core.records.update import Edit, update_valid
from core.records.writing import Stored, WritableTable
from core.storage.database import Transaction


@dataclass(slots=True)
class Fill:
    """A job that writes the value, unless somebody has written another one meanwhile, or asked anew: then what came last
    counts. `seen` is what stood there, in the API's form, when the question was put."""

    target: WritableTable
    key: KeyValue
    field: str
    value: Any
    seen: Any
    id: str
    asked: int
    unfollowing: Collection[str] = ()
    """Fields that are made from this one, once and for all."""
    group: Hashable | None = None

    def run(self, tx: Transaction) -> None:
        f = FILLS.c
        if not tx.rows(select(f.id).where(f.id == self.id, f.asked == self.asked, f.status != "done")):
            return
        rows = self.target.load(tx, [self.key], lock=True)
        row = rows.get(self.key)
        if row is None or self._held(row) != self.seen:
            tx.execute(delete(FILLS).where(f.id == self.id))
            release(tx, self.target.log_name, key_text(self.key))
            return
        if row["deleted_at"] is not None:
            tx.execute(update(FILLS).where(f.id == self.id).values(due_at=None))  # until it comes back
            return
        # Filled even where a status locks the record: often it is the very change that was asked for that locks it.
        (done,) = update_valid(tx, self.target, [Edit(self.key, {self.field: self.value}, unlocks=True)], rows)
        if isinstance(done, SovriumError):
            raise done
        tx.execute(update(FILLS).where(f.id == self.id).values(status="done", due_at=None, reason=None))
        # A change has those asked that follow changes.
        waiting = None if self._held(done) == self.seen else self.unfollowing
        release(tx, self.target.log_name, key_text(self.key), waiting)

    def _held(self, row: Stored) -> Any:
        return self.target.json(row, [self.field])[self.field]

    def run_group(self, tx: Transaction, jobs: Sequence["Fill"]) -> list[None]:
        for job in jobs:
            job.run(tx)
        return [None] * len(jobs)
