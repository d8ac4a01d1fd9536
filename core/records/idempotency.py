"""Answers of commits by the caller's own keys: a request that is sent again is not applied again.

An answer is written in the transaction of the changes that it tells of, so it is there exactly when they are, also when
the server was killed before it could send it.
"""

from datetime import timedelta
from typing import cast

import orjson
from sqlalchemy import Column, MetaData, Table, Text, delete, select

from core.contract.console import CommitAnswer
from core.errors import Conflict
from core.storage.catalog import table_names
from core.storage.database import Transaction
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

    def find(self, tx: Transaction, caller: str, key: str) -> CommitAnswer | None:
        """The answer that the caller got, or should have got, under this key."""
        if not self._table_stands:
            self._table_stands = ANSWERS.name in table_names(tx)
        if not self._table_stands:
            return None
        c = ANSWERS.c
        found = tx.scalar(select(c.answer).where(c.caller == caller, c.key == key))
        return None if found is None else cast(CommitAnswer, orjson.loads(found))

    def keep(self, tx: Transaction, caller: str, key: str, answer: CommitAnswer) -> None:
        """Raises WriteConflict when another process answers the same request: run again, its answer will be found."""
        text = orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS).decode()
        try:
            if not self._table_stands:  # told by `find` the next time: this transaction may yet be undone
                tx.execute(_CREATE)
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
