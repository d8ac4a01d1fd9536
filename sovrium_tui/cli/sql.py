"""`sql`: statements from the shell."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BadRequest, SovriumError
from sovrium_tui.cli.app_file import app_and, data_dir_of, data_dir_option, find_app

if TYPE_CHECKING:
    from core.client import Client
    from core.contract.console import SqlRequest, SqlRun, SqlStatement

WINDOW = 1000
WAIT = 10.0
PLAN = ["explain_key", "explain_value"]
"""The columns of what DuckDB explains; PostgreSQL gives a row for each line."""
CANCEL_PATIENCE = 0.3
"""Seconds that Ctrl+C waits for the server to say that the statement has stopped."""


@click.command()
@app_and('"SQL"')
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Of results.",
)
@click.option("--yes", is_flag=True, help="Do not ask before statements that delete or change every row.")
@data_dir_option
def sql(words: tuple[Path | None, str], format_: str, yes: bool, data_dir: Path | None) -> int:
    """Run SQL on the database of APP; `-` reads it from stdin.

    Statements run in order until one fails. Each is a transaction of its own.
    """
    app, statements = words
    app_file = find_app(app)
    text = sys.stdin.buffer.read().decode(errors="surrogateescape") if statements == "-" else statements
    if not text.strip():
        raise BadRequest("There is no SQL to run")
    if not is_unicode(text):
        raise BadRequest("The SQL is not UTF-8 text")
    from core.contract.console import SQL_ROWS_MOST
    from sovrium_tui.cli.session import with_client

    async def work(client: "Client") -> int:
        # A table in the terminal is for reading; the others go on to other programs, which want all of it.
        run = await finished(
            client, await begin(client, text, yes, limit=None if format_ == "table" else SQL_ROWS_MOST)
        )
        for statement in run["statements"]:
            await show(client, run, statement, format_)
        return 0 if run["state"] == "done" else 1

    return with_client(app_file, data_dir_of(app_file, data_dir), "sql", work)


async def begin(client: "Client", text: str, confirmed: bool, limit: int | None) -> "SqlRun":
    """Start the run; a statement that destroys is asked about where somebody can answer. `limit`: rows of each result."""
    request: SqlRequest = {"sql": text, "confirmed": confirmed}
    if limit is not None:
        request["limit"] = limit
    try:
        return await client.run_sql(request)
    except SovriumError as error:
        if error.status == 413:
            error.hint = "run it in parts; rows come in by `sovrium-tui import`"
        if error.code != "CONFIRM_NEEDED":
            raise
        if not sys.stdin.isatty():
            error.hint = "pass --yes if that is what you want"
            raise
        click.confirm(f"{error.message}. Go on?", abort=True, err=True)
        return await client.run_sql({**request, "confirmed": True})


def is_unicode(text: str) -> bool:
    """Whether all bytes of what was typed or piped in were understood."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


async def finished(client: "Client", run: "SqlRun") -> "SqlRun":
    """The run when it has ended; Ctrl+C cancels it."""
    try:
        while run["state"] == "running":
            run = await client.sql(run["id"], wait=WAIT)
    except BaseException:
        import asyncio

        with suppress(TimeoutError, SovriumError):
            async with asyncio.timeout(CANCEL_PATIENCE):  # the server goes on stopping it when nobody waits any more
                await client.cancel_sql(run["id"])
        raise
    return run


async def show(client: "Client", run: "SqlRun", statement: "SqlStatement", format_: str) -> None:
    """The result or the problem of one statement."""
    from sovrium_tui.cli import result
    from sovrium_tui.cli.progress import counted

    problem = statement.get("problem")
    if problem is not None:
        where = f" (line {problem['line']}, column {problem.get('column', 1)})" if "line" in problem else ""
        click.echo(f"error: {result.one_line(problem['message'])}{where}", err=True)
    elif format_ == "table" and [column["name"] for column in statement.get("columns", ())] == PLAN:
        await show_plan(client, run["id"], statement["index"])
    elif "columns" in statement and format_ == "table":
        names = [column["name"] for column in statement["columns"]]
        numeric = [column["family"] == "number" for column in statement["columns"]]
        shown = result.Table(names, numeric)
        async for rows in windows(client, run["id"], statement):
            shown.add(rows)
        more = " (there are more: --format csv or json writes them)" if statement.get("more") else ""
        shown.close(f"{counted(statement.get('rowCount', 0))} in {statement['elapsedMs']} ms{more}")
    elif "columns" in statement:
        await pour(client, run["id"], statement["index"], format_)
        if statement.get("more"):
            click.echo(f"only the first {statement.get('rowCount', 0):,} rows were kept", err=True)
    elif statement["state"] == "done":
        changed = statement.get("changed")
        what = "done" if changed is None else f"{counted(changed)} changed"
        click.echo(f"{what} in {statement['elapsedMs']} ms", err=True)


async def show_plan(client: "Client", run: str, index: int) -> None:
    """A drawing of many lines, which a cell would make one of."""
    import json

    from sovrium_tui.cli import result
    from sovrium_tui.cli.progress import finish
    from sovrium_tui.cli.transfer import scratch_folder

    job = await finish(client, await client.export({"format": "json", "run": run, "index": index}))
    with scratch_folder() as folder:
        await client.download(job["id"], folder / "plan")
        for row in json.loads((folder / "plan").read_bytes()):
            click.echo(result.printable(row[PLAN[-1]]), nl=False)
    await client.cancel_job(job["id"])


async def windows(client: "Client", run: str, statement: "SqlStatement") -> Any:
    for start in range(0, statement.get("rowCount", 0), WINDOW):
        yield (await client.sql_window(run, statement["index"], start, WINDOW))["rows"]


async def pour(client: "Client", run: str, index: int, format_: str) -> None:
    """A result as a file on stdout: whole texts, where windows cut them."""
    from sovrium_tui.cli.progress import finish
    from sovrium_tui.cli.transfer import deliver

    job = await finish(client, await client.export({"format": format_, "run": run, "index": index}))  # type: ignore[typeddict-item]
    await deliver(client, job["id"], None)


COMMANDS = (sql,)
