"""Answers of commits by the caller's own keys: a request that is sent again is not applied again, and another request under
the same key is refused.

An answer is written in the transaction of the changes that it tells of, so it is there exactly when they are, also when
the server was killed before it could send it.
"""

import hashlib
from datetime import timedelta
from typing import Any, cast

import orjson
from sqlalchemy import Column, MetaData, Table, Text, delete, select

from core.contract.console import CommitAnswer
from core.errors import Conflict, FieldError, Invalid
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

    def find(self, tx: Transaction, caller: str, key: str, asked: str) -> CommitAnswer | None:
        """The answer that the caller got, or should have got, under this key. Raises Invalid where something else was
        asked then."""
        if not self._table_stands:
            if ANSWERS.name not in table_names(tx):
                return None
            self._table_stands = ANSWERS.name not in tx.made_tables
        c = ANSWERS.c
        found = tx.scalar(select(c.answer).where(c.caller == caller, c.key == key))
        if found is None:
            return None
        kept = orjson.loads(found)
        check_same(kept.get("asked", asked), asked)
        return cast(CommitAnswer, kept["answer"] if "asked" in kept else kept)

    def keep(self, tx: Transaction, caller: str, key: str, asked: str, answer: CommitAnswer) -> None:
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


def fingerprint(changes: Any) -> str:
    """Tells requests apart; the order of keys is nothing."""
    text = orjson.dumps(changes, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()


def check_same(before: str, now: str) -> None:
    """Raises Invalid: nobody is told of changes that another request made."""
    if before != now:
        message = "This key was used for other changes; a new request needs a new one"
        raise Invalid(message, [FieldError("idempotencyKey", "idempotency.other-request", message)])
