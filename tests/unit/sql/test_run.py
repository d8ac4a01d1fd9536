"""Runs of SQL on a real database: results, windows, cancel, refusals, what the change log keeps."""

import asyncio
import time
from collections.abc import AsyncIterator
from io import FileIO
from typing import Any

import pytest

from core.contract.console import SqlRequest, SqlRun
from core.errors import NotFound
from core.fields.model import AppModel
from core.migrations.run import plan
from core.migrations.run import run as migrate
from core.sql.completion import Completions
from core.sql.run import ConfirmNeeded, SqlRuns
from core.storage.database import Call, Cancel, Commit, Database, Settings
from core.storage.engine import open_database
from tests.support.apps import app_model

APP = """
tables:
  - id: 1
    name: contacts
    fields:
      - { id: 1, name: name, type: single-line-text }
      - { id: 2, name: amount, type: decimal, precision: 2 }
"""


ENDLESS = "select count(*) from generate_series(1, 1000000000) a, generate_series(1, 1000000) b"
"""One alone would not do: DuckDB counts a thousand million rows in 0.15 s."""


class Desk:
    """A database with the table `contacts` (three rows), and runs on it."""

    def __init__(self, database: Database, model: AppModel) -> None:
        self.database = database
        self.commits: list[Commit] = []
        self.schema_changes = 0
        self.runs = SqlRuns(database, model, self.note)
        self.database.listen(self.commits.append)

    def note(self) -> None:
        self.schema_changes += 1

    async def run(self, sql: str, **options: Any) -> SqlRun:
        request: SqlRequest = {"sql": sql, **options}  # type: ignore[typeddict-item]
        started = await self.runs.start(request)
        return await self.end(started)

    async def end(self, run: SqlRun) -> SqlRun:
        while run["state"] == "running":
            run = await self.runs.get(run["id"], 5)
        return run

    async def rows(self, sql: str) -> list[list[Any]]:
        run = await self.run(sql)
        assert run["state"] == "done", run
        return (await self.runs.window(run["id"], 0, 0, 1000))["rows"]


async def opened(database: Database) -> AsyncIterator[Desk]:
    def prepare(tx: Any) -> None:
        tx.execute(
            "CREATE TABLE contacts (id BIGINT PRIMARY KEY, name TEXT, amount DECIMAL(18, 2), "
            "created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ)"
        )
        tx.execute("INSERT INTO contacts (id, name, amount) VALUES (1, 'Ada', 1.5), (2, 'Bo', 2), (3, 'Cy', NULL)")

    database.submit_write(Call(prepare)).result()
    desk = Desk(database, app_model(APP))
    yield desk
    desk.runs.close()


@pytest.fixture
async def desk(db: Database) -> AsyncIterator[Desk]:
    async for desk in opened(db):
        yield desk


@pytest.fixture
async def duck(open_duckdb: Any) -> AsyncIterator[Desk]:
    async for desk in opened(open_duckdb()):
        yield desk


@pytest.fixture
async def elephant(postgresql_settings: Settings) -> AsyncIterator[Desk]:
    database = open_database(postgresql_settings)
    async for desk in opened(database):
        yield desk
    database.close()


async def test_select_with_several_results(desk: Desk) -> None:
    run = await desk.run("select id, name, amount from contacts order by id; select 42 as answer, 'x' as word")
    assert run["state"] == "done"
    first, second = run["statements"]
    assert [(c["name"], c["family"]) for c in first["columns"]] == [
        ("id", "number"),
        ("name", "text"),
        ("amount", "number"),
    ]
    assert (first["rowCount"], first["more"], first["kind"]) == (3, False, "select")
    assert (await desk.runs.window(run["id"], 0, 1, 5))["rows"] == [[2, "Bo", 2], [3, "Cy", None]]
    assert (await desk.runs.window(run["id"], 1, 0, 5))["rows"] == [[42, "x"]]
    assert second["start"] == 51
    assert (await desk.runs.window(run["id"], 0, 99, 5))["rows"] == []


async def test_values_lose_nothing(duck: Desk) -> None:
    [row] = await duck.rows(
        "select 9007199254740993::bigint, 0.1::decimal(20,19), 'nan'::double, timestamptz '2026-01-02 03:04:05.006+00', "
        "date '2026-01-02', time '03:04', {'a': 1, 'b': [date '2026-01-02']}, blob 'a\\x00', repeat('x', 300), true"
    )
    assert row[:6] == ["9007199254740993", 0.1, "nan", "2026-01-02T03:04:05.006Z", "2026-01-02", "03:04:00"]
    assert row[6:8] == ['{"a":1,"b":["2026-01-02"]}', "\\x6100"]
    assert row[8:] == [{"cut": "x" * 200, "length": 300}, True]


async def test_big_results_are_bounded(desk: Desk) -> None:
    run = await desk.run("select n from generate_series(0, 9999) as s(n)", limit=2500)
    [statement] = run["statements"]
    assert (statement["rowCount"], statement["more"]) == (2500, True)
    assert (await desk.runs.window(run["id"], 0, 2499, 10))["rows"] == [[2499]]
    exact = await desk.run("select n from generate_series(1, 2500) as s(n)", limit=2500)
    assert exact["statements"][0]["more"] is False
    assert await exported(desk, run) == (["n"], 10_000)
    numbers = "select n from generate_series(11, 19) as s(n)"
    returned = await desk.run(f"insert into contacts (id) {numbers} returning id", limit=5)
    assert await exported(desk, returned) == (["id"], 5)
    tried = await desk.run(numbers, limit=5, transaction="try")
    assert await exported(desk, tried) == (["n"], 5)


async def exported(desk: Desk, run: SqlRun) -> tuple[list[str], int]:
    """What an export has of the first result: all of what can be read again, else what was kept."""
    columns, rows = desk.runs.result(run["id"], 0)
    async with rows(Cancel()) as found:
        return [column["name"] for column in columns], sum(1 for _ in found)


async def test_it_stops_at_the_first_failure_and_says_where(desk: Desk) -> None:
    run = await desk.run("select 1;\nselect 2,\n  nofunc(3);\nselect 4")
    states = [statement["state"] for statement in run["statements"]]
    assert (run["state"], states) == ("failed", ["done", "failed", "skipped"])
    problem = run["statements"][1]["problem"]
    assert (problem["line"], problem["column"]) == (3, 3)
    assert "nofunc" in problem["message"]
    with pytest.raises(NotFound):
        await desk.runs.window(run["id"], 1, 0, 1)


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("selec 1", (1, 1)),
        ("select 1;  select )", (1, 19)),
        ("select 'open", (1, 8)),
        ("\n\n select * from nope", (3, 16)),
    ],
)
async def test_place_of_errors(desk: Desk, sql: str, place: tuple[int, int]) -> None:
    run = await desk.run(sql)
    problem = run["statements"][-1]["problem"]
    assert (problem.get("line"), problem.get("column")) == place, problem


async def test_writes_are_recorded(desk: Desk) -> None:
    run = await desk.run("update contacts set name = upper(name) where id < 3")
    assert run["statements"][0]["changed"] == 2
    [commit] = desk.commits
    assert [(c.table, c.record, c.operation) for c in commit.changes] == [
        ("contacts", "1", "sql"),
        ("contacts", "2", "sql"),
    ]
    log = await desk.rows("select record, operation, cause, actor from system_change order by sequence")
    assert log[0] == ["1", "sql", "sql: update contacts set name = upper(name) where id < 3", "owner"]
    stamped = await desk.rows("select id, updated_at is not null from contacts order by id")
    assert stamped == [[1, True], [2, True], [3, False]]


async def test_insert_delete_returning_and_nothing(desk: Desk) -> None:
    run = await desk.run(
        "insert into contacts (id, name) values (4, 'Di') returning id, name; delete from contacts where id = 4;"
        "delete from contacts where id = 99; insert into contacts (id) select n from generate_series(10, 1509) as s(n)"
    )
    assert run["state"] == "done", run
    assert [statement["changed"] for statement in run["statements"]] == [1, 1, 0, 1500]
    assert (await desk.runs.window(run["id"], 0, 0, 9))["rows"] == [[4, "Di"]]
    last = desk.commits[-1].changes
    assert [(c.table, c.record, c.after) for c in last] == [("contacts", "*", {"rows": 1500})]


async def test_failed_write_leaves_nothing(desk: Desk) -> None:
    run = await desk.run("insert into contacts (id) values (7), (1)")
    assert run["state"] == "failed"
    assert await desk.rows("select count(*) from contacts") == [[3]]
    assert desk.commits == []
    run = await desk.run("insert into contacts (name) values ('Di')")
    assert run["statements"][0]["problem"]["message"].startswith("id is required; ")


async def refused(desk: Desk, sql: str) -> None:
    run = await desk.run(sql, confirmed=True)
    assert run["state"] == "failed", run
    assert run["statements"][0]["problem"]["message"]
    assert await desk.rows("select count(*) from contacts") == [[3]]


@pytest.mark.parametrize(
    "sql",
    [
        "with d as (delete from contacts returning *) select * from d",
        "explain analyze delete from contacts where true",
        "update system_change set actor = 'x' where true",
        "drop table contacts",
        "copy contacts to 'out.csv'",
        "execute p",
        "select nextval('system_change_number')",
        "select ?",
    ],
)
async def test_what_must_not_run_does_not(desk: Desk, sql: str) -> None:
    await refused(desk, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "attach ':memory:' as other",
        "set threads = 1",
        "pragma memory_limit='1GB'",
        "select * from query('delete from contacts')",
    ],
)
async def test_nor_does_it_on_duckdb(duck: Desk, sql: str) -> None:
    await refused(duck, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "do $$ begin delete from contacts; end $$",
        "set session_replication_role = replica",
        "select set_config('transaction_read_only', 'off', true), query_to_xml('delete from contacts', true, true, '')",
    ],
)
async def test_nor_on_postgresql(elephant: Desk, sql: str) -> None:
    run = await elephant.run(sql, confirmed=True)
    assert await elephant.rows("select count(*) from contacts") == [[3]], run


async def test_values_of_postgresql(elephant: Desk) -> None:
    run = await elephant.run(
        "select array[1, 2] as a, '{\"x\": 1}'::jsonb as j, 1.10::numeric as n, interval '1 day' as i, "
        "timestamptz '2026-01-02 03:04:05+00' as t, true as b, gen_random_uuid() as u, int4range(1, 5) as r; show time zone"
    )
    assert run["state"] == "done", run
    told = [(c["type"], c["family"]) for c in run["statements"][0]["columns"]]
    assert told[:4] == [("int4[]", "json"), ("jsonb", "json"), ("numeric", "number"), ("interval", "text")]
    [row] = (await elephant.runs.window(run["id"], 0, 0, 1))["rows"]
    assert row[:6] == ["[1,2]", '{"x":1}', 1.1, "1 day, 0:00:00", "2026-01-02T03:04:05.000Z", True]
    assert run["statements"][1]["rowCount"] == 1


async def test_loss_is_asked_about_first(desk: Desk) -> None:
    with pytest.raises(ConfirmNeeded, match="every row of contacts") as refused:
        await desk.run("select 1; delete from contacts")
    assert (refused.value.code, refused.value.status) == ("CONFIRM_NEEDED", 409)
    run = await desk.run("delete from contacts", confirmed=True)
    assert run["statements"][0]["changed"] == 3


async def test_cancel_is_quick(desk: Desk) -> None:
    started = await desk.runs.start(
        {"sql": "select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000000) b; select 1"}
    )
    await desk.runs.get(started["id"], 5)  # it has begun
    asked = time.monotonic()
    waiting = asyncio.create_task(desk.runs.get(started["id"], 10))
    await asyncio.sleep(0)
    await desk.runs.cancel(started["id"])
    assert time.monotonic() - asked < 1.0  # the aim is 0.5 s on a free machine
    run = await waiting
    assert (run["state"], [s["state"] for s in run["statements"]]) == ("cancelled", ["cancelled", "skipped"])
    with pytest.raises(NotFound):
        await desk.runs.get(started["id"])


async def test_scratch_tables_and_completion(desk: Desk) -> None:
    completions = Completions(desk.database)
    before = await completions.get()
    assert await completions.get() is before
    assert {"contacts": "table", "system_change": "system"}.items() <= {
        t["name"]: t["kind"] for t in before["tables"]
    }.items()
    columns = next(t["columns"] for t in before["tables"] if t["name"] == "contacts")
    assert [name for name, _ in columns][:3] == ["id", "name", "amount"]
    assert {"count", "lower"} <= set(before["functions"])
    assert "SELECT" in before["keywords"]
    run = await desk.run("create view big as select * from contacts where amount > 1; select * from big")
    assert run["state"] == "done", run
    assert desk.schema_changes == 1
    completions.forget()
    after = await completions.get()
    assert after["version"] > before["version"]
    assert {t["name"]: t["kind"] for t in after["tables"]}["big"] == "view"


async def test_reading_statements_of_duckdb(duck: Desk) -> None:
    for sql in (
        "describe contacts",
        "show tables",
        "summarize contacts",
        "pragma table_info('contacts')",
        "from contacts",
        "pivot contacts on name using sum(amount)",
        "explain select 1",
        "table contacts",
        "values (1)",
    ):
        run = await duck.run(sql)
        assert run["state"] == "done", run
        assert run["statements"][0]["rowCount"] >= 1


async def test_runs_expire(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await desk.run("select 1")
    monkeypatch.setattr("core.sql.run.EXPIRES", -1.0)
    await desk.run("select 2")
    with pytest.raises(NotFound):
        await desk.runs.get(old["id"])


async def test_a_full_disk_is_told(duck: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: FileIO("/dev/full", "r+"))
    run = await duck.run("select 1")
    assert run["state"] == "failed"
    assert "cannot be kept" in run["statements"][0]["problem"]["message"]
    monkeypatch.undo()
    assert await duck.rows("select 1") == [[1]]


async def changes(desk: Desk) -> list[tuple[str, Any, Any]]:
    return [(c.record, c.before, c.after) for commit in desk.commits for c in commit.changes]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "update contacts set name = upper(name) where id < 3",
            [("1", {"name": "Ada"}, {"name": "ADA"}), ("2", {"name": "Bo"}, {"name": "BO"})],
        ),
        (
            "update contacts as c set amount = 9 from (values (3)) as v(n) where c.id = v.n -- three",
            [("3", {"amount": None}, {"amount": "9.00"})],
        ),
        (
            "with few as (select 1 as n) delete from contacts where id in (select n from few)",
            [("1", {"name": "Ada", "amount": "1.50"}, None)],
        ),
        (
            "delete from contacts c using (values (2)) v(n) where c.id = n",
            [("2", {"name": "Bo", "amount": "2.00"}, None)],
        ),
        ("delete from contacts where id = 3 returning name", [("3", {"name": "Cy"}, None)]),
        ("insert into contacts (id, name) values (7, 'Gil')", [("7", None, {"name": "Gil"})]),
        (
            "insert into contacts (id, name) values (1, 'Eve') on conflict (id) do update set name = excluded.name",
            [("1", None, {"name": "Eve", "amount": "1.50"})],
        ),
        (
            "update contacts set name = 'x' where name is distinct from 'Bo' and id = 1",
            [("1", {"name": "Ada"}, {"name": "x"})],
        ),
        ("delete from contacts where id = 99", []),
    ],
)
async def test_what_rows_held_is_recorded(desk: Desk, sql: str, told: list[Any]) -> None:
    """R-087 the change log keeps the statement, the records and what they held before and after, on both databases."""
    run = await desk.run(sql)
    assert run["state"] == "done", run
    found = sorted(await changes(desk))
    assert found == told
    causes = await desk.rows("select distinct cause, operation from system_change")
    assert causes == ([[f"sql: {' '.join(sql.split(' --')[0].split())}", "sql"]] if told else [])


async def test_truncate_is_recorded(desk: Desk) -> None:
    """R-087"""
    run = await desk.run("truncate contacts", confirmed=True)
    assert run["state"] == "done", run
    assert [(record, before["name"]) for record, before, _ in sorted(await changes(desk), key=lambda c: c[0])] == [
        ("1", "Ada"),
        ("2", "Bo"),
        ("3", "Cy"),
    ]


async def test_too_many_rows_are_recorded_as_one(desk: Desk) -> None:
    """R-087 more than a thousand records: how many, without what they held."""
    await desk.run("insert into contacts (id) select n from generate_series(10, 1509) as s(n)")
    desk.commits.clear()
    await desk.run("update contacts set name = 'x' where id >= 10")
    assert await changes(desk) == [("*", None, {"rows": 1500})]
    assert await desk.rows("select count(*) from contacts where updated_at is not null") == [[1500]]


async def test_versions_grow_whatever_the_statement_looks_like(desk: Desk) -> None:
    await desk.run("update contacts set name = 'a' where id = 1 returning id")
    await desk.run("update contacts set name = 'b' where id = 1")
    assert await desk.rows("select count(*) from contacts where updated_at is not null") == [[1]]


@pytest.mark.parametrize(
    "sql",
    [
        "update system_change set actor = 'x' where true",
        "delete from main.system_migration_log where true",
        'insert into "system_change" (sequence) values (1)',
        "drop table auth_user",
        "create index i on auth_user (id)",
        "with a as (select 1) delete from public.auth_session where true",
        "truncate system_change",
        'update U&"system\\005fchange" set actor = null where true',
    ],
)
async def test_tables_of_the_server_can_only_be_read(desk: Desk, sql: str) -> None:
    """M-054 `system_*` and `auth_*` are read-only, and the refusal says so."""
    run = await desk.run(sql, confirmed=True)
    problem = run["statements"][0]["problem"]
    assert problem["code"] == "SQL_REFUSED"
    assert "can only be read" in problem["message"] or "escapes" in problem["message"]
    assert await desk.rows("select count(*) from system_change") == [[0]]


async def test_public_is_the_schema_of_the_tables(duck: Desk) -> None:
    """`public.` is `main.` on DuckDB, at any depth; what is only called so is left alone; problems keep their place."""
    rows = await duck.rows(
        'select p.name from public.contacts p join "public".contacts q on p.id = q.id where p.id = 2'
    )
    assert rows == [["Bo"]]
    assert (await duck.run("update public.contacts set name = 'Bea' where id = 2"))["state"] == "done"
    assert await duck.rows("select public.name from contacts as public where public.id = 2") == [["Bea"]]
    run = await duck.run("select name, nope from public.contacts")
    assert (run["statements"][0]["problem"]["line"], run["statements"][0]["problem"]["column"]) == (1, 14)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from contacts",
        "explain analyze delete from contacts",
        "with gone as (delete from contacts returning id) select * from gone",
        "create table beside (id int)",
        "create policy p on contacts using (true)",
    ],
)
async def test_nothing_is_written_where_only_reading_was_asked_for(desk: Desk, sql: str) -> None:
    """By itself, in a transaction that is tried, and in one that is committed; what reads runs."""
    for transaction in ({}, {"transaction": "try"}, {"transaction": "commit"}):
        run = await desk.run(f"select 1; {sql}", readOnly=True, **transaction)
        assert run["state"] == "failed", run
        assert run["statements"][1]["problem"]["code"] == "READ_ONLY"
        assert run["statements"][1]["problem"]["column"] == 11
    assert await desk.rows("select count(*) from contacts") == [[3]]
    assert (await desk.run("select name from contacts", readOnly=True))["state"] == "done"


async def test_a_try_shows_and_leaves_nothing(desk: Desk) -> None:
    tried = await desk.run("delete from contacts where id = 1; select count(*) from contacts", transaction="try")
    assert tried["state"] == "done", tried
    assert tried["statements"][0]["changed"] == 1
    assert (await desk.runs.window(tried["id"], 1, 0, 9))["rows"] == [[2]]
    assert await desk.rows("select count(*) from contacts") == [[3]]
    assert desk.commits == []
    later = await desk.run(
        "select name from contacts order by id; select 1",
        transaction="try",
        earlier="delete from contacts where id = 1; update contacts set name = 'B' where id = 2",
    )
    assert (await desk.runs.window(later["id"], 0, 0, 9))["rows"] == [["B"], ["Cy"]]
    assert (await desk.runs.window(later["id"], 1, 0, 9))["rows"] == [[1]]


async def test_a_commit_is_one_transaction(desk: Desk) -> None:
    sql = "delete from contacts where id = 1; update contacts set name = 'B' where id = 2"
    run = await desk.run(sql, transaction="commit", expected=[1, 1])
    assert run["state"] == "done", run
    assert await desk.rows("select id, name from contacts order by id") == [[2, "B"], [3, "Cy"]]
    [commit] = desk.commits
    assert [(c.record, c.before) for c in commit.changes] == [
        ("1", {"name": "Ada", "amount": "1.50"}),
        ("2", {"name": "Bo"}),
    ]


async def test_a_commit_of_other_rows_than_were_tried_is_refused(desk: Desk) -> None:
    await desk.run("insert into contacts (id, name) values (4, 'Di')")  # another console, meanwhile
    run = await desk.run("delete from contacts where id > 1", transaction="commit", expected=[2])
    problem = run["statements"][0]["problem"]
    assert (run["state"], problem["code"]) == ("failed", "CONFLICT")
    assert "changed 2 rows when it was tried and would change 3 now" in problem["message"]
    assert await desk.rows("select count(*) from contacts") == [[4]]


async def test_a_transaction_that_fails_leaves_nothing_and_says_where(desk: Desk) -> None:
    sql = "delete from contacts where id = 1;\nupdate contacts set nope = 1 where id = 2;\nselect 1"
    run = await desk.run(sql, transaction="commit")
    assert [s["state"] for s in run["statements"]] == ["skipped", "failed", "skipped"]
    assert run["statements"][1]["problem"]["line"] == 2
    assert await desk.rows("select count(*) from contacts") == [[3]]
    earlier = await desk.run("select 1", transaction="try", earlier="update contacts set nope = 1 where id = 2")
    assert (earlier["state"], "nope" in earlier["statements"][0]["problem"]["message"]) == ("failed", True)


@pytest.mark.parametrize(
    "sql",
    [
        "create table scratch (a int)",
        "update system_change set actor = null where true",
        "with d as (delete from contacts returning *) select * from d",
        "commit",
        "set threads = 1",
    ],
)
async def test_what_a_transaction_does_not_take(desk: Desk, sql: str) -> None:
    run = await desk.run(f"delete from contacts where id = 1; {sql}", transaction="commit", confirmed=True)
    assert run["statements"][1]["problem"]["code"] == "SQL_REFUSED", run
    assert await desk.rows("select count(*) from contacts") == [[3]]


async def test_nobody_waits_long_for_a_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try that takes too long is rolled back, and a write that waited behind it goes on."""
    monkeypatch.setattr("core.sql.run.TRY_SECONDS", 0.2)
    endless = f"update contacts set name = 'x' where ({ENDLESS}) > 0"
    tried = await desk.runs.start({"sql": endless, "transaction": "try"})
    other = await desk.run("update contacts set name = 'Bea' where id = 2")
    assert other["state"] == "done", other
    run = await desk.end(tried)
    assert (run["state"], run["statements"][0]["problem"]["code"]) == ("failed", "DEADLINE_PASSED")
    assert "rolled back after 0.2 s" in run["statements"][0]["problem"]["message"]


async def test_a_try_is_cancelled(desk: Desk) -> None:
    endless = f"update contacts set name = 'x' where ({ENDLESS}) > 0"
    tried = await desk.runs.start({"sql": endless, "transaction": "try"})
    waiting = asyncio.create_task(desk.runs.get(tried["id"], 10))
    await asyncio.sleep(0)
    await desk.runs.cancel(tried["id"])
    assert (await waiting)["state"] in ("cancelled", "running")
    assert await desk.rows("select name from contacts where id = 1") == [["Ada"]]


async def test_a_failed_write_takes_its_neighbours_not_along(duck: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try shares the writer with other writes: theirs are kept, its own are not."""
    runs = [
        await duck.runs.start({"sql": f"update contacts set name = 'n{number}' where id = 3", "transaction": "try"})
        if number % 2
        else await duck.runs.start({"sql": f"insert into contacts (id) values ({100 + number})"})
        for number in range(6)
    ]
    assert {(await duck.end(run))["state"] for run in runs} == {"done"}
    assert await duck.rows("select name from contacts where id = 3") == [["Cy"]]
    assert await duck.rows("select count(*) from contacts where id >= 100") == [[3]]


async def test_what_a_statement_may_leave_out(db: Database) -> None:
    """T-010: moments of records are filled in whatever their fields are called; for the rest it is said what to do."""
    model = app_model(
        """
        tables:
          - name: visits
            fields:
              - {name: place, type: single-line-text}
              - {name: created_at, type: datetime, required: true, default: NOW()}
              - {name: noted, type: created-at}
              - {name: rank, type: integer, default: 3, required: true}
        """
    )
    migrate(db, plan(db, model))
    desk = Desk(db, model)
    whole = await desk.run("insert into visits (place, rank) values ('pier', 1)")
    assert whole["state"] == "done", whole
    assert await desk.rows("select count(*) from visits where created_at = noted and updated_at = noted") == [[1]]
    lacking = await desk.run("insert into visits (place) values ('pier')")
    assert lacking["statements"][0]["problem"]["message"].startswith("rank is required; give it a value: SQL fills in")
    desk.runs.close()
