"""Runs of SQL: statements one after the other, results kept on disk for windows, cancel, and an end to what is forgotten.

Lives on the server's event loop; the statements themselves run on the database's threads. A SELECT runs in the `long`
lane, in a read-only transaction. A write is one transaction of the writer, recorded in the change log as operation
`sql` with the statement as its cause.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING, Any

from core.access.table import Access
from core.contract.console import SQL_ROWS_MOST, SqlColumn, SqlProblem, SqlRequest, SqlRun, SqlStatement, SqlWindow
from core.errors import BadRequest, Busy, Conflict, DeadlinePassed, NotFound, SovriumError
from core.fields.model import AppModel
from core.ids import short_id
from core.principal import OWNER, Principal
from core.sentence import joined, say
from core.sql.cell import cut
from core.sql.policy_statement import changes_of, is_about_policies
from core.sql.problem import problem_of, told
from core.sql.reading import read_into, read_whole
from core.sql.spool import SIZE_LIMIT, SIZE_MOST, Spool
from core.sql.statement import Statement, split
from core.sql.transaction import COMMIT_SECONDS, TRY_SECONDS, Batch, Undone, refusal_of
from core.sql.write import Done, Unread, Write
from core.storage.database import Call, Cancel, Database

if TYPE_CHECKING:
    from core.contract.migrations import SchemaEdit, SchemaEditRequest
    from core.records.service import Records
    from core.sql.gate import Gate

    EditApp = Callable[[SchemaEditRequest], Awaitable[SchemaEdit]]

Rows = Callable[[Cancel], AbstractAsyncContextManager[Iterator[list[Any]]]]
"""Gives the rows of a result while it is open."""
ROWS_KEPT = 100_000
WINDOW_LIMIT = 1024
WHOLE_LIMIT = 100
RUNS_KEPT = 20
RUNNING_AT_MOST = 8
GATED_AT_MOST = 2
"""Runs at once of a caller who is not above the rules."""
SWEEP_EVERY = 60.0
EXPIRES = 15 * 60.0
"""Seconds without a question after which a finished run is forgotten."""

READ_ONLY = SqlProblem(code="READ_ONLY", message="This statement could write, and only reading was asked for")

log = logging.getLogger("sovrium.sql")


class ConfirmNeeded(Conflict):
    """The statement destroys; it runs when it is sent again as confirmed."""

    code = "CONFIRM_NEEDED"


class Execution:
    """One statement of a run: what is told of it, and its rows."""

    def __init__(self, statement: Statement, index: int) -> None:
        self.statement = statement
        self.spool: Spool | None = None
        self.began = 0.0
        self.told: SqlStatement = {
            "index": index,
            "text": statement.text,
            "start": statement.start,
            "end": statement.end,
            "kind": statement.kind,
            "state": "waiting",
            "elapsedMs": 0,
        }

    def begin(self) -> None:
        self.began = time.monotonic()
        self.told["state"] = "running"

    def finish(self, state: Any) -> None:
        self.told["elapsedMs"] = self.elapsed()
        self.told["state"] = state

    def elapsed(self) -> int:
        return int((time.monotonic() - self.began) * 1000) if self.began else 0

    def body(self) -> SqlStatement:
        told = self.told.copy()
        if told["state"] == "running":
            told["elapsedMs"] = self.elapsed()
        return told


class Run:
    """A text on its way through the database."""

    def __init__(
        self,
        sql: str,
        statements: list[Statement],
        limit: int,
        principal: Principal,
        gate: "Gate | None" = None,
        edit: "EditApp | None" = None,
    ) -> None:
        self.id = short_id("run")
        self.edit = edit
        """Changes the app file; None: nobody can, or the caller may not."""
        self.principal = principal
        self.gate = gate
        """What the statements of a caller who is not above the rules go through."""
        self.sql = sql
        self.limit = limit
        self.is_transaction = False
        """Its statements are carried out together."""
        self.read_only = False
        """The caller has asked that nothing be changed."""
        self.state: Any = "running"
        self.executions = [Execution(statement, index) for index, statement in enumerate(statements)]
        self.cancel = Cancel()
        self.changed = asyncio.Event()
        """Set, and replaced by a new one, at each change of state."""
        self.touched = time.monotonic()
        self.task: asyncio.Task[None] | None = None

    def is_of(self, principal: Principal) -> bool:
        return principal.owns(self.principal)

    def refuses(self, statement: Statement) -> bool:
        """It would write, where only reading was asked for."""
        return self.read_only and not statement.only_reads

    def body(self) -> SqlRun:
        return {"id": self.id, "state": self.state, "statements": [each.body() for each in self.executions]}

    def tell(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def close(self) -> None:
        for each in self.executions:
            if each.spool is not None:
                each.spool.close()


class SqlRuns:
    """All runs of a server. Called on its event loop; `rows` on any thread.

    `schema_changed` is called after a statement that has changed the catalogue.
    """

    def __init__(
        self,
        database: Database,
        model: AppModel,
        schema_changed: Callable[[], None] | None = None,
        records: "Records | None" = None,
    ) -> None:
        """`records`: what is behind the gate of callers who are not above the rules."""
        self._database = database
        self._model = model
        self._schema_changed = schema_changed
        self._records = records
        self._runs: dict[str, Run] = {}
        self._timer: asyncio.TimerHandle | None = None

    def follow(self, model: AppModel, records: "Records | None" = None) -> None:
        """The app has been read anew: statements that begin from now on meet it as it is now."""
        self._model = model
        self._records = records

    def gate(self, principal: Principal) -> "Gate | None":
        """The gate that a caller's statements go through; None: the caller is above it."""
        if principal.is_unrestricted:
            return None
        if self._records is None:
            raise NotFound
        access = self._records.access
        if access.sees_all(principal) and not access.has_forced:
            return None
        from core.sql.gate import Gate

        return Gate(self._records, principal)

    async def start(self, request: SqlRequest, principal: Principal = OWNER, edit: "EditApp | None" = None) -> SqlRun:
        """Begin to run a text; answers at once. `edit` changes the app file, for statements about policies.

        Raises:
            ConfirmNeeded: a statement destroys data and `confirmed` is not set; nothing was run.
            Busy: too many runs already.
        """
        self._sweep()
        gate = self.gate(principal)
        running = [run for run in self._runs.values() if run.state == "running"]
        own = sum(run.is_of(principal) for run in running)
        if len(running) >= RUNNING_AT_MOST or (gate is not None and own >= GATED_AT_MOST):
            raise Busy("Too many SQL runs already", hint="wait for one, or cancel it")
        if gate is not None and "transaction" in request:
            raise BadRequest("A transaction of several statements is for administrators")
        statements = split(request["sql"])
        read_only = request.get("readOnly", False)
        if not (request.get("confirmed") or read_only):
            self._ask_first(statements)
        batch = self._batch(request, statements)
        limit = min(max(request.get("limit", ROWS_KEPT), 1), SQL_ROWS_MOST)
        is_admin = Access.is_admin(principal)
        run = Run(request["sql"], statements, limit, principal, gate, edit if is_admin else None)
        run.read_only = read_only
        self._runs[run.id] = run
        if batch is not None:
            batch.limit, run.is_transaction = run.limit, True
        run.task = asyncio.create_task(
            self._drive(run, principal) if batch is None else self._transact(run, batch, principal)
        )
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_EVERY, self._sweep_later)
        return run.body()

    async def get(self, run_id: str, wait: float = 0, principal: Principal = OWNER) -> SqlRun:
        """The run as it is when its state changes, or after `wait` seconds. Raises NotFound."""
        run = self._find(run_id, principal)
        if run.state == "running" and wait > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await run.changed.wait()
        return run.body()

    async def window(
        self, run_id: str, index: int, start: int, limit: int, principal: Principal = OWNER, *, whole: bool = False
    ) -> SqlWindow:
        """Rows of a result, at most `WINDOW_LIMIT`; whole: long texts are not cut, at most `WHOLE_LIMIT`. Raises NotFound
        when that statement has none."""
        most = WHOLE_LIMIT if whole else WINDOW_LIMIT
        rows = self._spool(run_id, index, principal).window(start, min(max(limit, 0), most))
        return {"start": start, "rows": rows if whole else [[cut(cell) for cell in row] for row in rows]}

    def result(self, run_id: str, index: int, principal: Principal = OWNER) -> tuple[list[SqlColumn], Rows]:
        """Columns and rows of a result, for an export. A reading of which only the first rows were kept is carried out once
        more. Raises NotFound."""
        spool, run = self._spool(run_id, index, principal), self._find(run_id, principal)
        each = run.executions[index]
        is_whole = not spool.more or each.statement.kind != "select" or run.is_transaction

        @asynccontextmanager
        async def rows(cancel: Cancel) -> AsyncIterator[Iterator[list[Any]]]:
            if is_whole:
                yield spool.rows()
            else:
                number = f"{run.id}/{index}"
                with closing(await read_whole(self._database, each.statement, run.gate, cancel, number)) as whole:
                    yield whole.rows()

        return each.told["columns"], rows

    async def cancel(self, run_id: str, principal: Principal = OWNER) -> None:
        """Stop a run if it is at work, and forget it. Raises NotFound."""
        run = self._find(run_id, principal)
        run.cancel.cancel()
        if run.task is not None:
            await asyncio.wait([run.task])
        self._forget(run)

    def close(self) -> None:
        """Stop everything. Files of runs that are still ending go with them."""
        for run in list(self._runs.values()):
            run.cancel.cancel()
            if run.state != "running":
                self._forget(run)

    async def _drive(self, run: Run, principal: Principal) -> None:
        state = "done"
        for each in run.executions:
            if state != "done" or run.cancel.requested:
                state = "cancelled" if run.cancel.requested else state
                each.finish("skipped")
                continue
            each.begin()
            run.tell()
            state = await self._run_one(run, each, principal)
            each.finish(state)
        run.state = "cancelled" if run.cancel.requested and state != "failed" else state
        run.touched = time.monotonic()
        run.tell()

    def _batch(self, request: SqlRequest, statements: list[Statement]) -> Batch | None:
        mode = request.get("transaction")
        if mode is None:
            return None
        earlier = split(request.get("earlier", ""))
        model, table, dialect = self._model, self._database.table, self._database.dialect
        return Batch(
            [*earlier, *statements],
            len(earlier),
            keep=mode == "commit",
            expected=request.get("expected", []),
            make=lambda statement: Write(statement, model, ROWS_KEPT, table, dialect),
            dialect=dialect,
            limit=ROWS_KEPT,
        )

    async def _transact(self, run: Run, batch: Batch, principal: Principal) -> None:
        """All statements of a run in one transaction; it ends within its time, whoever waits for it."""
        for each in run.executions:
            each.begin()
        run.tell()
        state, problem, at = await self._run_batch(run, batch, principal)
        failed = at - batch.earlier
        for index, each in enumerate(run.executions):
            if state == "done":
                self._tell_done(each, batch.done[batch.earlier + index])
            elif problem is not None and index == max(failed, 0):
                each.told["problem"] = self._at(run, each, problem) if failed >= 0 else problem
            each.finish(state if state == "done" or index == max(failed, 0) else "skipped")
        if state != "done":
            for done in batch.done:
                if done.spool is not None:
                    done.spool.close()
        run.state = state
        run.touched = time.monotonic()
        run.tell()

    async def _run_batch(self, run: Run, batch: Batch, principal: Principal) -> tuple[Any, SqlProblem | None, int]:
        """The state in which it ends, the problem, and which of its statements has it."""
        for at, statement in enumerate(batch.statements):
            if run.refuses(statement):
                return "failed", READ_ONLY.copy(), at
            refusal = statement.refusal(self._app_tables()) or refusal_of(statement)
            if refusal is not None:
                return "failed", told("SQL_REFUSED", *refusal), at
        seconds = COMMIT_SECONDS if batch.keep else TRY_SECONDS
        expired: list[bool] = []

        def expire() -> None:
            expired.append(True)
            run.cancel.cancel()

        timer = asyncio.get_running_loop().call_later(seconds, expire)
        try:
            await self._write_batch(run, batch, principal)
        except Undone:
            pass
        except DeadlinePassed as error:
            if not expired:
                return "cancelled", told(error.code, error.message), batch.at
            message = say("It was rolled back after {seconds:g} s, for others wait to write meanwhile", seconds=seconds)
            return "failed", told(error.code, message), batch.at
        except SovriumError as error:
            statement = batch.statements[batch.at]
            return "failed", problem_of(error, statement.text, self._database.dialect), batch.at
        except Exception:
            log.exception("A transaction of SQL failed in an unexpected way")
            return "failed", told(SovriumError.code, "The server failed to run it"), batch.at
        finally:
            timer.cancel()
        return "done", None, 0

    async def _write_batch(self, run: Run, batch: Batch, principal: Principal) -> None:
        actor = principal.id or principal.name
        try:
            await self._database.write(Call(batch.run), actor=actor, cause=batch.cause, cancel=run.cancel)
        except Unread:
            batch.looks = False
            await self._database.write(Call(batch.run), actor=actor, cause=batch.cause, cancel=run.cancel)

    async def _run_one(self, run: Run, each: Execution, principal: Principal) -> str:
        """Run a statement; the state it ends in."""
        if run.refuses(each.statement):
            each.told["problem"] = self._at(run, each, READ_ONLY.copy())
            return "failed"
        about_policies = run.edit is not None and is_about_policies(each.statement)
        if run.gate is not None and not about_policies:
            return await self._run_gated(run, each, run.gate)
        try:
            if about_policies:
                await self._change_policies(run, each)
                return "done"
            refusal = each.statement.refusal(self._app_tables())
            if refusal is not None:
                each.told["problem"] = self._at(run, each, told("SQL_REFUSED", *refusal))
                return "failed"
            if each.statement.kind == "select":
                await self._read(run, each)
            else:
                await self._write(run, each, principal)
        except DeadlinePassed as error:
            each.told["problem"] = told(error.code, error.message)
            return "cancelled" if run.cancel.requested else "failed"
        except SovriumError as error:
            text = each.statement.for_dialect(self._database.dialect)
            problem = problem_of(error, text, self._database.dialect)
            each.told["problem"] = self._at(run, each, problem)
            return "failed"
        except Exception:
            log.exception("An SQL statement failed in an unexpected way")
            each.told["problem"] = told(SovriumError.code, "The server failed to run the statement")
            return "failed"
        return "done"

    async def _change_policies(self, run: Run, each: Execution) -> None:
        """Policies stand in the app file (auth §13.1). Raises what is wrong with it then."""
        changes = changes_of(each.statement, self._model)
        if not changes:
            return
        assert run.edit is not None
        outcome = await run.edit({"changes": [dict(each) for each in changes], "apply": True})
        if outcome["problems"]:
            first = outcome["problems"][0]
            raise BadRequest(str(first["message"]), hint=first.get("hint"))

    async def _run_gated(self, run: Run, each: Execution, gate: "Gate") -> str:
        """The same behind the gate. What goes wrong in the database is told by a number only: its words could hold what the
        caller does not see."""
        from core.sql.gate_run import GatedRun

        gated = GatedRun(self._database, gate, run.limit, run.cancel, f"{run.id}/{each.told['index']}")
        done, problem = await gated.run(each.statement)
        if done is not None:
            self._tell_done(each, done)
            return "done"
        assert problem is not None
        each.told["problem"] = self._at(run, each, problem)
        return "cancelled" if run.cancel.requested else "failed"

    async def _read(self, run: Run, each: Execution) -> None:
        each.spool = Spool(run.limit, SIZE_MOST if run.limit > ROWS_KEPT else SIZE_LIMIT)
        self._tell_rows(each, await read_into(each.spool, self._database, each.statement, run.cancel))

    async def _write(self, run: Run, each: Execution, principal: Principal) -> None:
        statement = each.statement
        write = Write(statement, self._model, run.limit, self._database.table, self._database.dialect)
        actor = principal.id or principal.name
        try:
            done: Done = await self._database.write(Call(write.run), actor=actor, cause=write.cause, cancel=run.cancel)
        except Unread:
            write.looks = False
            done = await self._database.write(Call(write.run), actor=actor, cause=write.cause, cancel=run.cancel)
        self._tell_done(each, done)
        if statement.kind == "schema" and self._schema_changed is not None:
            self._schema_changed()

    def _tell_done(self, each: Execution, done: Done) -> None:
        if done.changed >= 0:
            each.told["changed"] = done.changed
        if done.spool is not None:
            each.spool = done.spool
            self._tell_rows(each, done.columns)

    @staticmethod
    def _tell_rows(each: Execution, columns: list[SqlColumn]) -> None:
        assert each.spool is not None
        each.told["columns"] = columns
        each.told["rowCount"] = each.spool.count
        each.told["more"] = each.spool.more

    def _at(self, run: Run, each: Execution, problem: SqlProblem) -> SqlProblem:
        """The problem with its place in the whole text instead of the statement."""
        before = run.sql[: each.statement.start]
        line = problem.get("line", 1)
        column = problem.get("column", 1)
        problem["line"] = line + before.count("\n")
        problem["column"] = column + (len(before) - before.rfind("\n") - 1 if line == 1 else 0)
        return problem

    def _ask_first(self, statements: list[Statement]) -> None:
        losses = [loss for each in statements if each.refusal(self._app_tables()) is None and (loss := each.loss())]
        if losses:
            raise ConfirmNeeded(joined(*losses), hint="send it again as confirmed", statements=losses)

    def _app_tables(self) -> frozenset[str]:
        return frozenset(table.sql_name.lower() for table in self._model)

    def _find(self, run_id: str, principal: Principal) -> Run:
        """The run of that id; those of others are for who is above the gate."""
        run = self._runs.get(run_id)
        if run is None or not (run.is_of(principal) or self.gate(principal) is None):
            raise NotFound("The SQL run has been forgotten", hint="run the statement again")
        run.touched = time.monotonic()
        return run

    def _spool(self, run_id: str, index: int, principal: Principal) -> Spool:
        run = self._find(run_id, principal)
        if not (principal.has_rights_of(run.principal) or self.gate(principal) is None):
            raise NotFound("Your rights have changed since", hint="run the statement again")
        if not 0 <= index < len(run.executions):
            raise NotFound
        spool = run.executions[index].spool
        if spool is None or run.executions[index].told["state"] != "done":
            raise NotFound("That statement has no result")
        return spool

    def _sweep(self) -> None:
        """Forget what nobody has asked for in a while, and the oldest of too many."""
        idle = sorted((run for run in self._runs.values() if run.state != "running"), key=lambda run: run.touched)
        late = time.monotonic() - EXPIRES
        for run in idle:
            if run.touched < late or len(self._runs) >= RUNS_KEPT:
                self._forget(run)

    def _sweep_later(self) -> None:
        """Again and again, as long as there is anything to forget."""
        self._sweep()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SWEEP_EVERY, self._sweep_later) if self._runs else None

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.id, None)
        run.close()
