"""The contract of `Database`, on DuckDB and on PostgreSQL (T-150): jobs, groups, failures, listeners, the change log."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam, func, select

from core.errors import BadRequest, Conflict, DeadlinePassed, Invalid, NotFound, SovriumError, StorageError
from core.storage.database import Call, Cancel, ChangeRow, Commit, Database, Transaction
from core.storage.duckdb import change_log
from core.storage.journal import CHANGES, prune

ITEM = Table("item", MetaData(), Column("id", BigInteger, primary_key=True), Column("name", Text), Column("note", Text))


@pytest.fixture
def db(open_db: Callable[..., Database]) -> Database:
    database = open_db()
    create_items(database)
    return database


def create_items(database: Database) -> None:
    def work(tx: Transaction) -> None:
        tx.execute("CREATE SEQUENCE seq_item_id")
        tx.execute(
            "CREATE TABLE item (id BIGINT DEFAULT nextval('seq_item_id') PRIMARY KEY, name TEXT NOT NULL, note TEXT)"
        )
        tx.execute("CREATE UNIQUE INDEX uq_item_name ON item (name)")

    database.submit_write(Call(work)).result()


def names(database: Database) -> list[str]:
    return [
        row[0] for row in database.submit_read(Call(lambda r: r.rows("SELECT name FROM item ORDER BY id"))).result()
    ]


@dataclass(slots=True)
class Create:
    """Creates one item; those that wait together are created by one statement."""

    name: Any
    log: list[int] | None = None
    group: str = "create"

    def run(self, tx: Transaction) -> int:
        return self.run_group(tx, [self])[0]

    def run_group(self, tx: Transaction, jobs: Sequence["Create"]) -> list[int]:
        if self.log is not None:
            self.log.append(len(jobs))
        rows = tx.insert(ITEM, [{"name": job.name} for job in jobs], ["id"])
        tx.log(
            [
                ChangeRow(table="item", record=str(row[0]), operation="create", after={"name": job.name})
                for row, job in zip(rows, jobs, strict=True)
            ]
        )
        return [row[0] for row in rows]


class Gate:
    """A job that holds its thread until it is opened, so that others wait together behind it."""

    group = None

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def run(self, tx: Any) -> None:
        self.entered.set()
        assert self.opened.wait(10)

    def run_group(self, tx: Any, jobs: Sequence[Any]) -> list[Any]:
        raise AssertionError("a job without a group is always alone")


@pytest.fixture
def hold_writers(db: Database) -> Iterator[Callable[[], None]]:
    """All writing threads are held; call the value to let them go."""
    gates = [Gate() for _ in db.writer.sessions]  # type: ignore[attr-defined]
    for gate in gates:
        db.submit_write(gate)
        assert gate.entered.wait(10)

    def release() -> None:
        for gate in gates:
            gate.opened.set()

    yield release
    release()


def test_a_write_is_seen_by_the_next_read(db: Database) -> None:
    key = db.submit_write(Create("one")).result()
    read = Call[list[Any]](lambda r: r.rows(select(ITEM.c.name).where(ITEM.c.id == key)))
    assert db.submit_read(read, lane="point").result() == [("one",)]
    assert db.submit_read(read, lane="scan").result() == [("one",)]
    assert db.submit_read(read, lane="long").result() == [("one",)]


def test_writes_that_wait_together_share_a_statement(db: Database, hold_writers: Callable[[], None]) -> None:
    sizes: list[int] = []
    waiting = [db.submit_write(Create(f"n{at}", sizes)) for at in range(20)]
    hold_writers()
    keys = [future.result(10) for future in waiting]
    assert names(db) == [f"n{at}" for at in range(20)]
    assert keys == sorted(keys)
    assert sum(sizes) == 20
    assert len(sizes) < 20


def test_one_bad_record_never_harms_its_neighbours(db: Database, hold_writers: Callable[[], None]) -> None:
    db_names = ["a", "b", None, "c", "a", "d"]
    waiting = [db.submit_write(Create(name)) for name in db_names]
    hold_writers()
    outcomes = [future.exception(10) for future in waiting]
    assert [type(error) for error in outcomes] == [type(None), type(None), Invalid, type(None), Conflict, type(None)]
    assert sorted(names(db)) == ["a", "b", "c", "d"]


def test_a_conflict_names_its_fields(db: Database) -> None:
    db.submit_write(Create("same")).result()
    with pytest.raises(Conflict) as caught:
        db.submit_write(Create("same")).result()
    assert caught.value.extra["fields"] == ["name"]


def test_jobs_of_other_actors_do_not_share_a_transaction_of_the_log(
    db: Database, hold_writers: Callable[[], None]
) -> None:
    waiting = [db.submit_write(Create(f"n{at}"), actor=f"u{at % 2}") for at in range(6)]
    hold_writers()
    for future in waiting:
        future.result(10)
    rows = db.submit_read(
        Call(lambda r: r.rows(select(CHANGES.c.actor, CHANGES.c.after).order_by(CHANGES.c.sequence)))
    ).result()
    assert {(after["name"], actor) for actor, after in rows} == {(f"n{at}", f"u{at % 2}") for at in range(6)}


def test_an_error_leaves_nothing_behind(db: Database) -> None:
    def work(tx: Transaction) -> None:
        tx.insert(ITEM, [{"name": "half"}])
        tx.log([ChangeRow(table="item", record="1", operation="create")])
        raise NotFound

    with pytest.raises(NotFound):
        db.submit_write(Call(work)).result()
    assert names(db) == []
    assert db.submit_read(Call(lambda r: r.scalar(select(func.count()).select_from(CHANGES)))).result() == 0


def test_what_writes_and_answers_rows_is_a_write(db: Database) -> None:
    """`… RETURNING`, as a statement or as text: committed, and taken back with what fails after it."""

    def add(tx: Transaction) -> list[Any]:
        made = tx.rows(ITEM.insert().values(name="a").returning(ITEM.c.name))
        return made + tx.rows("INSERT INTO item (name) VALUES (?) RETURNING name", ["b"])

    assert [row[0] for row in db.submit_write(Call(add)).result()] == ["a", "b"]
    assert names(db) == ["a", "b"]

    def fail(tx: Transaction) -> None:
        tx.rows(ITEM.update().values(note="x").returning(ITEM.c.id))
        raise NotFound

    with pytest.raises(NotFound):
        db.submit_write(Call(fail)).result()
    assert db.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM item WHERE note IS NOT NULL"))).result() == 0


def test_a_swallowed_error_is_never_committed(db: Database) -> None:
    """DuckDB answers success for the COMMIT of a transaction that it has thrown away."""

    def work(tx: Transaction) -> str:
        tx.insert(ITEM, [{"name": "lost"}])
        try:
            tx.insert(ITEM, [{"name": None}])
        except SovriumError:
            pass
        return "done"

    with pytest.raises(Invalid):
        db.submit_write(Call(work)).result()
    assert names(db) == []


def test_results_that_are_errors_fail_alone(db: Database, hold_writers: Callable[[], None]) -> None:
    class Picky(Create):
        def run_group(self, tx: Transaction, jobs: Sequence[Create]) -> list[Any]:
            return [NotFound() if job.name == "no" else job.name for job in jobs]

    waiting = [db.submit_write(Picky(name)) for name in ("x", "no", "y")]
    hold_writers()
    assert [future.exception(10) is None for future in waiting] == [True, False, True]


def test_a_refusal_before_any_write_does_not_roll_back_the_others(
    db: Database, hold_writers: Callable[[], None]
) -> None:
    runs: list[str] = []

    def refuse(tx: Transaction) -> None:
        raise NotFound

    def write(tx: Transaction) -> None:
        runs.append("ran")
        tx.insert(ITEM, [{"name": "kept"}])

    first, second = db.submit_write(Call(write)), db.submit_write(Call(refuse))
    hold_writers()
    assert first.exception(10) is None
    assert isinstance(second.exception(10), NotFound)
    assert runs == ["ran"]


def test_rows_come_back_in_the_order_given(db: Database) -> None:
    given = [f"{(at * 7919) % 1000:04}-{at}" for at in range(1000)]
    found = db.submit_write(
        Call(lambda tx: tx.insert(ITEM, [{"name": name} for name in given], ["name", "id"]))
    ).result()
    assert [row[0] for row in found] == given
    assert [row[1] for row in found] == sorted(row[1] for row in found)


def test_rows_without_values_take_their_defaults(db: Database) -> None:
    table = Table("counter", MetaData(), Column("id", BigInteger, primary_key=True))

    def work(tx: Transaction) -> list[Any]:
        tx.execute("CREATE SEQUENCE seq_counter")
        tx.execute("CREATE TABLE counter (id BIGINT DEFAULT nextval('seq_counter') PRIMARY KEY)")
        return tx.insert(table, [{}, {}], ["id"])

    assert db.submit_write(Call(work)).result() == [(1,), (2,)]


def test_many_rows_are_updated_by_one_statement(db: Database) -> None:
    keys = [
        row[0]
        for row in db.submit_write(
            Call(lambda tx: tx.insert(ITEM, [{"name": f"n{at}"} for at in range(5)], ["id"]))
        ).result()
    ]

    def work(tx: Transaction) -> None:
        tx.update(ITEM, "id", [{"id": key, "note": f"note {key}"} for key in (*keys[:3], -1)])
        tx.update(ITEM, "id", [{"id": keys[3], "note": "one", "name": "renamed"}])
        tx.update(ITEM, "id", [{"id": -1, "note": "nobody"}])

    db.submit_write(Call(work)).result()
    rows = db.submit_read(Call(lambda r: r.rows("SELECT note FROM item ORDER BY id"))).result()
    assert rows == [(f"note {keys[0]}",), (f"note {keys[1]}",), (f"note {keys[2]}",), ("one",), (None,)]


def test_sequences_give_numbers_that_never_come_again(db: Database) -> None:
    first = db.submit_write(Call(lambda tx: tx.next_values("seq_item_id", 3))).result()
    second = db.submit_write(Call(lambda tx: tx.next_values("seq_item_id", 2))).result()
    assert len({*first, *second}) == 5


def test_statements_take_parameters_by_name_and_by_mark(db: Database) -> None:
    db.submit_write(Create("it's ?")).result()
    kept = select(ITEM.c.name).where(ITEM.c.name == bindparam("wanted"))
    for wanted, expected in (("it's ?", [("it's ?",)]), ("other", []), ("it's ?", [("it's ?",)])):
        assert db.submit_read(Call(lambda r, w=wanted: r.rows(kept, {"wanted": w}))).result() == expected
    text = "SELECT name, '?' FROM item WHERE name = ? -- a mark? no\n AND name <> ?"
    assert db.submit_read(Call(lambda r: r.rows(text, ["it's ?", "x"]))).result() == [("it's ?", "?")]


def test_in_lists_of_any_length(db: Database) -> None:
    for name in ("a", "b", "c"):
        db.submit_write(Create(name)).result()
    for wanted in ([], ["a"], ["a", "c"], ["c", "b", "a", "z"]):
        statement = select(ITEM.c.name).where(ITEM.c.name.in_(wanted)).order_by(ITEM.c.name)
        rows = db.submit_read(Call(lambda r, s=statement: r.rows(s))).result()
        assert [row[0] for row in rows] == sorted(set(wanted) & {"a", "b", "c"})


def test_a_stream_gives_blocks(db: Database) -> None:
    sql = f"SELECT x FROM {'range(2500) AS t(x)' if db.dialect == 'duckdb' else 'generate_series(0, 2499) AS t(x)'}"
    blocks = db.submit_read(Call(lambda r: [len(block) for block in r.stream(sql, size=1000)]), lane="long").result()
    assert blocks == [1000, 1000, 500]


def test_readers_cannot_write(db: Database) -> None:
    with pytest.raises((BadRequest, StorageError)):
        db.submit_read(Call(lambda r: r.rows("INSERT INTO item (name) VALUES ('x') RETURNING id"))).result()
    assert names(db) == []


def test_a_reader_sees_one_moment(db: Database) -> None:
    """Two statements of one job answer from the same snapshot, whatever is committed between them."""
    between = threading.Event()
    written = threading.Event()

    def work(reader: Any) -> tuple[Any, Any]:
        before = reader.scalar("SELECT count(*) FROM item")
        between.set()
        assert written.wait(10)
        return before, reader.scalar("SELECT count(*) FROM item")

    future = db.submit_read(Call(work), deadline=None)
    assert between.wait(10)
    db.submit_write(Create("meanwhile")).result(10)
    written.set()
    assert future.result(10) == (0, 0)


SLOW = {
    "duckdb": "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 3",
    "postgresql": "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b WHERE a + b = 3",
}


def test_a_deadline_ends_a_read_and_the_lane_goes_on(db: Database) -> None:
    with pytest.raises(DeadlinePassed):
        db.submit_read(Call(lambda r: r.rows(SLOW[db.dialect])), lane="point", deadline=0.2).result(10)
    assert db.submit_read(Call(lambda r: r.scalar("SELECT 1")), lane="point").result(10) == 1


@pytest.mark.parametrize("lane", ["scan", "long"])
def test_a_read_can_be_cancelled(db: Database, lane: Any) -> None:
    started, cancel = threading.Event(), Cancel()

    def work(reader: Any) -> Any:
        started.set()
        return reader.rows(SLOW[db.dialect])

    future = db.submit_read(Call(work), lane=lane, deadline=None, cancel=cancel)
    assert started.wait(10)
    cancel.cancel()
    with pytest.raises(DeadlinePassed):
        future.result(10)
    assert db.submit_read(Call(lambda r: r.scalar("SELECT 1")), lane=lane).result(10) == 1


def test_a_cancelled_write_leaves_nothing(db: Database) -> None:
    started, cancel = threading.Event(), Cancel()

    def work(tx: Transaction) -> Any:
        tx.insert(ITEM, [{"name": "half"}])
        started.set()
        return tx.rows(SLOW[db.dialect])

    future = db.submit_write(Call(work), cancel=cancel)
    assert started.wait(10)
    cancel.cancel()
    with pytest.raises(DeadlinePassed):
        future.result(10)
    assert names(db) == []


def test_work_cancelled_while_it_waits_never_runs(db: Database, hold_writers: Callable[[], None]) -> None:
    cancel = Cancel()
    future = db.submit_write(Create("never"), cancel=cancel)
    cancel.cancel()
    hold_writers()
    with pytest.raises(DeadlinePassed):
        future.result(10)
    assert names(db) == []


async def test_a_group_wakes_the_loop_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Get:
        group = "get"

        def run(self, reader: Any) -> int:
            return self.run_group(reader, [self])[0]

        def run_group(self, reader: Any, jobs: Sequence[Any]) -> list[int]:
            sizes.append(len(jobs))
            return [1] * len(jobs)

    gate = Gate()
    db.submit_read(gate, lane="point", deadline=None)
    assert gate.entered.wait(10)
    loop = asyncio.get_running_loop()
    wakes = 0
    wake = loop.call_soon_threadsafe

    def counted(*args: Any, **kw: Any) -> Any:
        nonlocal wakes
        wakes += 1
        return wake(*args, **kw)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    waiting = [asyncio.ensure_future(db.read(Get(), lane="point")) for _ in range(16)]
    await asyncio.sleep(0)
    gate.opened.set()
    assert await asyncio.gather(*waiting) == [1] * 16
    assert sizes == [16]
    assert wakes == 1


async def test_what_one_turn_of_the_loop_asks_for_is_handed_over_together(db: Database) -> None:
    begun = threading.Event()
    sizes: list[int] = []

    class Told(Create):
        def run_group(self, tx: Transaction, jobs: Sequence[Create]) -> list[int]:
            begun.set()
            sizes.append(len(jobs))
            return [1] * len(jobs)

    async def late() -> int:
        assert not begun.wait(0.05)  # the writer has had the time to begin with the first alone
        return await db.write(Told("late"))

    assert await asyncio.gather(db.write(Told("first")), late()) == [1, 1]
    assert sizes == [2]


async def test_what_is_handed_over_after_the_end_is_refused(db: Database) -> None:
    waiting = asyncio.ensure_future(db.read(Call(lambda reader: reader.scalar("SELECT 1"))))
    await asyncio.sleep(0)
    db.close()
    with pytest.raises(StorageError, match="closed"):
        await waiting


async def test_a_caller_that_goes_away_stops_its_read(db: Database) -> None:
    started = threading.Event()

    def work(reader: Any) -> Any:
        started.set()
        return reader.rows(SLOW[db.dialect])

    tasks = [asyncio.ensure_future(db.read(Call(work), lane="scan", deadline=None)) for _ in range(2)]
    assert await asyncio.to_thread(started.wait, 10)
    for task in tasks:
        task.cancel()
    assert await asyncio.wait_for(db.read(Call(lambda r: r.scalar("SELECT 1")), lane="scan"), 10) == 1


def test_listeners_hear_commits_in_their_order(db: Database) -> None:
    heard: list[Commit] = []
    stop = db.listen(heard.append)
    waiting = [db.submit_write(Create(f"n{at}"), actor=f"u{at % 3}", cause="test") for at in range(40)]
    for future in waiting:
        future.result(10)
    assert sum(len(commit.changes) for commit in heard) == 40
    sequences = [commit.sequence for commit in heard]
    assert sequences == sorted(sequences)
    assert len({commit.transaction for commit in heard}) == len(heard)
    stop()
    db.submit_write(Create("unheard")).result()
    assert sum(len(commit.changes) for commit in heard) == 40


def test_a_listener_that_fails_harms_nobody(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    def fail(commit: Commit) -> None:
        raise RuntimeError("listener")

    db.listen(fail)
    db.submit_write(Create("written")).result()
    assert names(db) == ["written"]
    assert "listener" in caplog.text


def test_the_change_log_says_who_what_and_when(open_db: Callable[..., Database]) -> None:
    moment = datetime(2026, 2, 1, 8, tzinfo=UTC)
    database = open_db(clock=lambda: moment)
    create_items(database)
    key = database.submit_write(Create("it"), actor="u1", cause="form").result()
    [row] = database.submit_read(Call(lambda r: r.rows(select(CHANGES)))).result()
    assert row[2:] == (moment, "u1", "item", str(key), "create", None, {"name": "it"}, "form")


ODD = ("plain", 'a "b" \\ c', "null", "ü→𝄞", "\x01\t\n\x7f", "~", "", "[1, 2]")


def odd_changes(count: int) -> list[ChangeRow]:
    """Some of each kind, with values that texts and lists may confuse."""
    told = [
        {"text": ODD[n % 8], "none": None, "n": n / 7, "big": 2**53 + n, "of": [ODD[n % 3], {}, 1.5]}
        for n in range(count)
    ]
    return [
        ChangeRow(table="a", record="", operation="import"),
        *(ChangeRow(table="a", record=f"{ODD[n % 8]}{n}", operation="create", after=told[n]) for n in range(count)),
        *(ChangeRow(table="b", record=str(n), operation="delete", before=told[n]) for n in range(3)),
        *(
            ChangeRow(table="a", record=str(n), operation="update", before=told[n], after={"n": -n})
            for n in range(count)
        ),
    ]


@pytest.mark.parametrize("count", [5, 300, 600])
def test_the_change_log_keeps_what_it_was_told(
    open_db: Callable[..., Database], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """However many: those of a batch go to DuckDB in another form than a few, and very many in portions."""
    monkeypatch.setattr(change_log, "FOLDED_AT_MOST", 400)
    moment, told = datetime(2026, 2, 1, 8, tzinfo=UTC), odd_changes(count)
    database = open_db(clock=lambda: moment)
    for _ in range(2):
        database.submit_write(Call(lambda tx: tx.log(told)), actor="u1", cause="form").result()
    found = database.submit_read(Call(lambda r: r.rows(select(CHANGES).order_by(CHANGES.c.sequence)))).result()
    first = found[0][0]
    assert [row[0] for row in found] == list(range(first, first + 2 * len(told)))
    assert len({row[1] for row in found[: len(told)]}) == len({row[1] for row in found}) - 1 == 1
    assert {row[2:4] + row[9:] for row in found} == {(moment, "u1", "form")}
    said = [(each.table, each.record, each.operation, each.before, each.after) for each in told]
    assert [row[4:9] for row in found] == said * 2


def test_a_change_log_with_a_text_that_no_database_holds_is_refused(db: Database) -> None:
    told = [*odd_changes(300), ChangeRow(table="a", record="x", operation="create", after={"t": "a\0b"})]
    with pytest.raises(Invalid):
        db.submit_write(Call(lambda tx: tx.log([*told, *told[1:300]]))).result()
    assert db.submit_read(Call(lambda r: r.scalar(select(func.count()).select_from(CHANGES)))).result() == 0


def test_numbers_of_the_change_log_go_on_after_pruning_and_reopening(open_db: Callable[..., Database]) -> None:
    first = open_db()
    create_items(first)
    for name in ("a", "b", "c"):
        first.submit_write(Create(name)).result()
    later = datetime.now(UTC) + timedelta(days=1)
    assert first.submit_write(Call(lambda tx: prune(tx, later))).result() == 2
    first.close()
    second = open_db()
    heard: list[Commit] = []
    second.listen(heard.append)
    second.submit_write(Create("d")).result()
    assert heard[0].sequence >= 4
    count = second.submit_read(Call(lambda r: r.rows(select(CHANGES.c.sequence).order_by(CHANGES.c.sequence)))).result()
    assert len({row[0] for row in count}) == len(count) == 2


def test_a_closed_database_says_so(db: Database) -> None:
    db.close()
    db.close()
    with pytest.raises(StorageError):
        db.submit_read(Call(lambda r: r.scalar("SELECT 1")))


def test_closing_finishes_what_waits(open_db: Callable[..., Database]) -> None:
    database = open_db()
    create_items(database)
    waiting = [database.submit_write(Create(f"n{at}")) for at in range(30)]
    database.close()
    assert all(future.done() and future.exception() is None for future in waiting)
    assert len(names(open_db())) == 30


@pytest.mark.parametrize("text", ["a\0b", "half \ud800 pair"])
@pytest.mark.parametrize("rows", [1, 2])
def test_texts_that_no_database_holds_are_refused_by_name(db: Database, text: str, rows: int) -> None:
    with pytest.raises(Invalid) as caught:
        db.submit_write(Call(lambda tx: tx.insert(ITEM, [{"name": text}] * rows))).result()
    assert caught.value.errors[0].field == "name"


def test_health(db: Database) -> None:
    health = db.health()
    assert (health.state, health.dialect) == ("ready", db.dialect)
    assert health.version


def test_rows_meet_a_table_as_it_is_after_its_shape_changed(db: Database) -> None:
    """A way of writing that was prepared for the old shape must not be used for the new one, nor after a rollback."""
    number = Table("shape", MetaData(), Column("id", BigInteger, primary_key=True), Column("value", BigInteger))
    text = Table("shape", MetaData(), Column("id", BigInteger, primary_key=True), Column("value", Text))

    def shaped(kind: str) -> Callable[[Transaction], int]:
        return lambda tx: tx.execute(f"CREATE TABLE shape (id BIGINT PRIMARY KEY, value {kind})")

    def stored(table: Table, first: int, value: Any) -> None:
        rows = [{"id": first + at, "value": value} for at in range(3)]
        db.submit_write(Call(lambda tx: tx.insert(table, rows))).result()

    def turn_and_fail(tx: Transaction) -> None:
        tx.execute("DROP TABLE shape")
        shaped("TEXT")(tx)
        tx.insert(text, [{"id": at, "value": "lost"} for at in range(3)])
        raise Conflict("no")

    db.submit_write(Call(shaped("BIGINT"))).result()
    stored(number, 0, 7)
    with pytest.raises(Conflict):
        db.submit_write(Call(turn_and_fail)).result()
    stored(number, 10, 8)
    db.submit_write(Call(lambda tx: tx.execute("DROP TABLE shape"))).result()
    db.submit_write(Call(shaped("TEXT"))).result()
    stored(text, 0, "seven")
    rows = db.submit_read(Call(lambda r: r.rows("SELECT value FROM shape ORDER BY id"))).result()
    assert rows == [("seven",)] * 3
