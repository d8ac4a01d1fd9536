"""One statement of a caller who is not above the rules, carried out; what can be told of its failure."""

import asyncio
import logging

from core.contract.console import SqlColumn, SqlProblem
from core.errors import Busy, DeadlinePassed, DiskFull, SovriumError
from core.sentence import say
from core.sql.cell import family_of, to_cell
from core.sql.gate import Gate, admit
from core.sql.gate_text import Refused, Typed
from core.sql.problem import told
from core.sql.spool import Spool
from core.sql.statement import Statement
from core.sql.write import Done, cause_of
from core.storage.database import Call, Cancel, Database, Reader
from core.storage.typed import query

SECONDS = 30.0
"""How long a statement may take."""
WRITE_SECONDS = 5.0
"""How long one that writes may keep other writers waiting."""
log = logging.getLogger("sovrium.sql")


class GatedRun:
    """`number` is what its failure is called, here and in the server's log."""

    def __init__(self, database: Database, gate: Gate, limit: int, cancel: Cancel, number: str) -> None:
        self._database = database
        self._gate = gate
        self._limit = limit
        self._cancel = cancel
        self._number = number
        self._typed: Typed | None = None

    async def run(self, statement: Statement) -> tuple[Done | None, SqlProblem | None]:
        """What it answers, or what is wrong with it."""
        try:
            if statement.kind == "write":
                return await self._write(statement), None
            return await self._read(statement), None
        except (DeadlinePassed, Busy, DiskFull) as error:
            return None, told(error.code, error.message)
        except Refused as error:
            return None, self._problem(error)
        except SovriumError as error:
            return None, self._problem(self._told(error))
        except Exception:
            log.exception("A statement behind the gate failed in an unexpected way (%s)", self._number)
            return None, self._problem(self._generic())

    async def _read(self, statement: Statement) -> Done:
        typed = self._typed = await asyncio.to_thread(self._gate.query, statement.text)

        def work(reader: Reader) -> Done:
            spool = Spool(self._limit)
            try:
                rendered = admit(reader, typed)
                columns, blocks = query(reader, rendered.sql, rendered.values)
                spool.fill([tuple(map(to_cell, row)) for row in block] for block in blocks)
            except BaseException:
                spool.close()
                raise
            return Done(-1, [SqlColumn(name=n, type=t, family=family_of(t)) for n, t in columns], spool)

        done: Done = await self._database.read(Call(work), lane="long", deadline=SECONDS, cancel=self._cancel)
        return done

    async def _write(self, statement: Statement) -> Done:
        from core.sql.gate_change import taken_apart

        change = await asyncio.to_thread(taken_apart, self._gate, statement.text, self._limit)
        self._typed = change.source
        actor = self._gate.principal.actor
        timer = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._cancel.cancel)
        try:
            done: Done = await self._database.write(
                Call(change.run), actor=actor, cause=cause_of(statement), cancel=self._cancel
            )
        finally:
            timer.cancel()
        return done

    def _told(self, error: SovriumError) -> SovriumError:
        """The records' own refusals speak of what the caller has sent. The database's words go to the log."""
        if error.__cause__ is None and error.code in ("VALIDATION_ERROR", "CONFLICT"):
            return error
        cause = getattr(error.__cause__, "error", error.__cause__) or error
        log.warning("A statement behind the gate failed (%s): %s", self._number, type(cause).__name__)
        unknown = self._typed.unknown() if self._typed is not None else None
        if unknown is not None:
            return Refused("42703", say("There is no column {name}", name=unknown[0]), place=unknown[1])
        return self._generic()

    def _generic(self) -> Refused:
        return Refused("22000", say("The database could not carry out the statement ({number})", number=self._number))

    @staticmethod
    def _problem(error: SovriumError) -> SqlProblem:
        problem = told(error.code, error.message, error.hint)
        place = getattr(error, "place", None)
        if place is not None:
            problem["line"], problem["column"] = place
        return problem
