"""Statements that read: their rows kept, as many as a run keeps, or all of them for an export."""

from typing import TYPE_CHECKING

from core.contract.console import SQL_ROWS_MOST, SqlColumn
from core.errors import BadRequest
from core.sentence import say
from core.sql.cell import family_of, to_cell
from core.sql.spool import SIZE_MOST, Spool
from core.sql.statement import Statement
from core.storage.database import Call, Cancel, Database, Reader
from core.storage.typed import query, verify

if TYPE_CHECKING:
    from core.sql.gate import Gate


async def read_into(spool: Spool, database: Database, statement: Statement, cancel: Cancel) -> list[SqlColumn]:
    """The columns; the rows go into the spool, up to its limits."""
    text = statement.for_dialect(database.dialect)

    def work(reader: Reader) -> list[SqlColumn]:
        verify(reader, text, "select")
        columns, blocks = query(reader, text)
        spool.fill([tuple(map(to_cell, row)) for row in block] for block in blocks)
        return [SqlColumn(name=name, type=type_, family=family_of(type_)) for name, type_ in columns]

    return await database.read(Call(work), lane="long", deadline=None, cancel=cancel)


async def read_whole(
    database: Database, statement: Statement, gate: "Gate | None", cancel: Cancel, number: str
) -> Spool:
    """All rows, for the caller to close. `gate` is what the statement goes through, `number` what a failure there is called.
    Raises BadRequest for more rows than anybody keeps."""
    spool = await _all_rows(database, statement, gate, cancel, number)
    if spool.more:
        spool.close()
        raise BadRequest(say("The result has more than {count:,} rows", count=spool.count), hint="export a part of it")
    return spool


async def _all_rows(
    database: Database, statement: Statement, gate: "Gate | None", cancel: Cancel, number: str
) -> Spool:
    if gate is None:
        spool = Spool(SQL_ROWS_MOST, SIZE_MOST)
        try:
            await read_into(spool, database, statement, cancel)
        except BaseException:
            spool.close()
            raise
        return spool
    from core.sql.gate_run import GatedRun

    done, problem = await GatedRun(database, gate, SQL_ROWS_MOST, cancel, number).run(statement)
    if done is None or done.spool is None:
        raise BadRequest(problem["message"] if problem else "The statement cannot be read again")
    return done.spool
