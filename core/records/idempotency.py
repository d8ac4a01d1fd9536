"""Answers of writes by the caller's own keys: a request that is sent again is not applied again, and another request under
the same key is refused.

An answer is written in the transaction of the changes that it tells of, so it is there exactly when they are, also when
the server was killed before it could send it.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Column, MetaData, Table, Text, delete, select

from core.errors import Conflict, FieldError, Invalid
from core.storage.catalog import table_names
from core.storage.database import Reader, Transaction
from core.storage.session import WriteConflict
from core.storage.table import instant_type

ANSWERS = Table(
    "system_idempotency",
    MetaData(),
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", instant_type(), nullable=False),
    Column("answer", Text, nullable=False),
)
_CREATE = f"""CREATE TABLE IF NOT EXISTS {ANSWERS.name} ("caller" TEXT NOT NULL, "key" TEXT NOT NULL,
"at" TIMESTAMPTZ NOT NULL, "answer" TEXT NOT NULL, PRIMARY KEY ("caller", "key"))"""
KEPT_FOR = timedelta(days=1)
KEPT_AT_MOST = 10_000
PRUNED_EVERY = 100


class Answers:
    """The answers kept in a database. Its table is made with the first of them: most apps never send a key."""

    def __init__(self, *, at_most: int = KEPT_AT_MOST, pruned_every: int = PRUNED_EVERY) -> None:
        self._at_most = at_most
        self._pruned_every = pruned_every
        self._kept = 0
        self._table_stands = False

    def find(self, reader: Reader, caller: str, key: str) -> dict[str, Any] | None:
        """What was asked under this key, and the answer that the caller got, or should have got."""
        if not self._table_stands:
            if ANSWERS.name not in table_names(reader):
                return None
            self._table_stands = ANSWERS.name not in reader.made_tables
        c = ANSWERS.c
        found = reader.scalar(select(c.answer).where(c.caller == caller, c.key == key))
        return None if found is None else orjson.loads(found)

    def keep(self, tx: Transaction, caller: str, key: str, asked: str, answer: Any) -> None:
        """Raises WriteConflict when another process answers the same request: run again, its answer will be found."""
        text = orjson.dumps({"asked": asked, "answer": answer}, option=orjson.OPT_NON_STR_KEYS).decode()
        try:
            if not self._table_stands:  # told by `find` the next time: this transaction may yet be undone
                tx.execute(_CREATE)
                tx.made_tables.add(ANSWERS.name)
            tx.insert(ANSWERS, [{"caller": caller, "key": key, "at": tx.time, "answer": text}])
        except Conflict as error:
            raise WriteConflict("The same request is answered elsewhere", detail="WRITE_CONFLICT") from error
        if self._kept % self._pruned_every == 0:
            self._prune(tx)
        self._kept += 1

    def _prune(self, tx: Transaction) -> None:
        at = ANSWERS.c.at
        oldest = select(at).order_by(at.desc()).offset(self._at_most - 1).limit(1).scalar_subquery()
        tx.execute(delete(ANSWERS).where((at < tx.time - KEPT_FOR) | (at < oldest)))


@dataclass(frozen=True, slots=True)
class Request:
    """A request under a key. `asked` tells it from others; `field` is where the key stood."""

    answers: Answers
    caller: str
    key: str
    asked: str
    field: str

    def answered(self, tx: Transaction, work: Callable[[], Any]) -> Any:
        """The answer that was kept, or else the one that `work` gives now. Raises Invalid where something else was asked
        under the key."""
        kept = self.kept(tx)
        if kept is not None:
            return kept[0]
        answer = work()
        self.answers.keep(tx, self.caller, self.key, self.asked, answer)
        return answer

    def kept(self, reader: Reader) -> tuple[Any] | None:
        """The answer that was kept, if there is one. Raises Invalid where something else was asked under the key."""
        found = self.answers.find(reader, self.caller, self.key)
        if found is None:
            return None
        self.check_same(found["asked"])
        return (found["answer"],)

    def check_same(self, before: str) -> None:
        """Raises Invalid: nobody is told of changes that another request made."""
        if before != self.asked:
            message = "This key was used for another request; a new one needs a new key"
            raise Invalid(message, [FieldError(self.field, "idempotency.other-request", message)])


@dataclass(slots=True)
class Once:
    """A job that is done once for all requests of a key. `tell` makes the answer of what it gives."""

    job: Any
    request: Request
    tell: Callable[[Any], Any]
    group: Hashable | None = None

    def run(self, tx: Transaction) -> Any:
        return self.request.answered(tx, lambda: self.tell(self.job.run(tx)))

    def run_group(self, tx: Transaction, jobs: Sequence["Once"]) -> list[Any]:
        return [job.run(tx) for job in jobs]


def fingerprint(asked: Any) -> str:
    """Tells requests apart; the order of keys is nothing."""
    text = orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()
