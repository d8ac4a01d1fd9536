"""Several statements as one transaction.

Nothing is ever held open between two requests: on DuckDB an open transaction keeps the checkpoint away and makes writers
of the same rows fail, on PostgreSQL it makes them wait. So the caller keeps the statements, and each is *tried*: in one
job of the writer the statements before it run again, then it, and everything is rolled back. A *commit* runs them all once
more, for good, and only if each changes as many rows as it did when it was tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.contract.console import SqlColumn
from core.errors import Conflict
from core.sentence import say
from core.sql.cell import family_of, to_cell
from core.sql.spool import Spool
from core.sql.statement import Statement
from core.sql.write import Done, Write
from core.storage.database import Transaction
from core.storage.typed import execute, query, verify

TRY_SECONDS = 5.0
COMMIT_SECONDS = 60.0
"""How long a transaction may keep other writers waiting."""
CAUSE_LENGTH = 500


class Undone(Exception):
    """A try has come to its end: the writer rolls back what it did."""


@dataclass
class Batch:
    """Statements that run in one transaction. `earlier` is how many of them, the first ones, were tried before.

    The writer may run it twice; `at` and `done` are those of the last time.
    """

    statements: Sequence[Statement]
    earlier: int
    keep: bool
    """Commit at the end."""
    expected: Sequence[int]
    make: Callable[[Statement], Write]
    dialect: str
    limit: int
    at: int = 0
    done: list[Done] = field(default_factory=list)
    looks: bool = True

    @property
    def cause(self) -> str:
        text = "; ".join(" ".join(each.text.split()) for each in self.statements)
        return "sql: " + (text if len(text) <= CAUSE_LENGTH else text[: CAUSE_LENGTH - 1] + "…")

    def run(self, tx: Transaction) -> None:
        """Raises Undone at the end of a try, Conflict when the rows are not those that were tried."""
        tx.log(())  # a failure must undo it, whatever else shares the transaction
        for done in self.done:
            if done.spool is not None:
                done.spool.close()
        self.done = []
        for at, statement in enumerate(self.statements):
            self.at = at
            self.done.append(self._one(tx, statement))
        for number, (told, done) in enumerate(zip(self.expected, self.done, strict=False), 1):
            if told != done.changed:
                raise Conflict(
                    say(
                        "Statement {number} changed {told} rows when it was tried and would change {now} now",
                        number=number,
                        told=told,
                        now=done.changed,
                    ),
                    hint="nothing was written; roll back and begin again",
                )
        if not self.keep:
            raise Undone

    def _one(self, tx: Transaction, statement: Statement) -> Done:
        if statement.kind == "select":
            return self._read(tx, statement)
        write = self.make(statement)
        write.looks = self.looks and self.keep
        return write.run(tx)

    def _read(self, tx: Transaction, statement: Statement) -> Done:
        text = statement.for_dialect(self.dialect)
        verify(tx, text, "select")
        columns, blocks = query(tx, text)
        spool = Spool(self.limit)
        spool.fill([tuple(map(to_cell, row)) for row in block] for block in blocks)
        if self.dialect == "postgresql":
            execute(tx, "CLOSE ALL")  # the next result takes the same name
        told = [SqlColumn(name=name, type=type_, family=family_of(type_)) for name, type_ in columns]
        return Done(-1, told, spool)


def refusal_of(statement: Statement) -> tuple[str, str] | None:
    """Why a statement may not be part of a transaction, and what to do instead."""
    if statement.kind == "schema":
        reason = say("{verb} is not part of a transaction here", verb=statement.verb)
        return reason, say("commit or roll back, then run it by itself")
    if statement.kind == "select" and statement.writes_within:
        reason = say("A statement that reads cannot write as well within a transaction")
        return reason, say("write it as a statement of its own")
    return None
