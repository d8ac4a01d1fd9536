"""What is DuckDB's alone: the locked settings, checkpoints, opening again after a failure of the engine."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.errors import Busy, SovriumError
from core.storage.database import Call, Database, Settings
from core.storage.duckdb.errors import translate, translate_open

CREATE = "CREATE TABLE t (x INTEGER, y VARCHAR)"


def write(database: Database, sql: str) -> int:
    job: Call[int] = Call(lambda tx: tx.execute(sql))
    return database.submit_write(job).result()


def count(database: Database, lane: Any = "scan") -> int:
    job: Call[int] = Call(lambda reader: reader.scalar("SELECT count(*) FROM t"))
    return database.submit_read(job, lane=lane).result()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '/tmp/never.csv'",
        "ATTACH '/tmp/never.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
    ],
)
def test_sql_reaches_neither_files_nor_settings(open_duckdb: Callable[..., Database], sql: str) -> None:
    database = open_duckdb()
    with pytest.raises(SovriumError):
        database.submit_write(Call(lambda tx: tx.execute(sql))).result()
    assert not Path("/tmp/never.csv").exists()


def test_the_exchange_folder_alone_is_open(open_duckdb: Callable[..., Database], tmp_path: Path) -> None:
    exchange, secret = tmp_path / "exchange", tmp_path / "secret.csv"
    exchange.mkdir()
    secret.write_text("a\n1\n")
    (exchange / "in.csv").write_text("a\n1\n2\n")
    database = open_duckdb(Settings(url=f"duckdb:///{tmp_path / 'app.duckdb'}", exchange=str(exchange)))
    read = "SELECT count(*) FROM read_csv(?)"
    job: Call[int] = Call(lambda reader: reader.scalar(read, [str(exchange / "in.csv")]))
    assert database.submit_read(job).result() == 2
    for path in (secret, exchange / ".." / "secret.csv"):
        with pytest.raises(SovriumError):
            database.submit_read(Call(lambda reader, p=path: reader.scalar(read, [str(p)]))).result()


def test_a_database_in_memory(open_duckdb: Callable[..., Database]) -> None:
    database = open_duckdb(Settings(url="duckdb:///:memory:"))
    write(database, CREATE)
    write(database, "INSERT INTO t VALUES (1, 'a')")
    assert [count(database, lane) for lane in ("point", "scan", "long")] == [1, 1, 1]


def test_the_log_is_checkpointed_when_it_is_long(
    open_duckdb: Callable[..., Database], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("core.storage.duckdb.database.CHECKPOINT_AT", 100_000)
    database = open_duckdb()
    write(database, CREATE)
    wal = tmp_path / "app.duckdb.wal"
    sizes = []
    for _ in range(6):
        write(database, "INSERT INTO t SELECT range, 'text ' || random() FROM range(3000)")
        write(database, "INSERT INTO t VALUES (1, 'a')")
        sizes.append(wal.stat().st_size if wal.exists() else 0)
    assert min(sizes) < 1_000
    assert count(database) == 6 * 3001


def test_a_reader_does_not_block_a_checkpoint_nor_see_it(
    open_duckdb: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_duckdb()
    write(database, CREATE)
    write(database, "INSERT INTO t SELECT range, '' FROM range(1000)")
    monkeypatch.setattr("core.storage.duckdb.database.CHECKPOINT_AT", 1)
    between, done = threading.Event(), threading.Event()

    def work(reader: Any) -> tuple[int, int]:
        before = reader.scalar("SELECT count(*) FROM t")
        between.set()
        assert done.wait(10)
        return before, reader.scalar("SELECT count(*) FROM t")

    job: Call[tuple[int, int]] = Call(work)
    future = database.submit_read(job, deadline=None)
    assert between.wait(10)
    write(database, "INSERT INTO t SELECT range, '' FROM range(1000)")
    write(database, "INSERT INTO t SELECT range, '' FROM range(1000)")
    done.set()
    assert future.result(10) == (1000, 1000)
    assert database.health().state == "ready"


@pytest.mark.parametrize("beside_readers", [True, False])
def test_both_kinds_of_checkpoint_fold_the_log_into_the_file(
    open_duckdb: Callable[..., Database], tmp_path: Path, beside_readers: bool
) -> None:
    database = open_duckdb()
    write(database, "CREATE TABLE t (x INTEGER PRIMARY KEY, y VARCHAR)")
    write(database, "INSERT INTO t SELECT range, 'text ' || range FROM range(3000)")
    database.submit_write(Call(lambda tx: None)).result()  # the writer is done with the one before
    session = database.writer.sessions[0]  # type: ignore[attr-defined]
    with session.lock:
        database._checkpoint(session, beside_readers=beside_readers)  # type: ignore[attr-defined]
    wal = tmp_path / "app.duckdb.wal"
    assert database.health().note == ""
    assert not wal.exists() or wal.stat().st_size < 1_000
    write(database, "DELETE FROM t WHERE x % 3 = 0")
    assert count(database) == 2000
    database.close()
    assert count(open_duckdb()) == 2000


def test_after_a_failure_of_the_engine_the_file_is_opened_again(open_duckdb: Callable[..., Database]) -> None:
    """Every session goes on with a new cursor, whatever it was doing, and nothing acknowledged is missing."""
    database = open_duckdb()
    write(database, CREATE)
    write(database, "INSERT INTO t VALUES (1, 'a')")
    sessions = [database.writer.sessions[0], database._lanes["scan"].sessions[0]]  # type: ignore[attr-defined]
    for session in sessions:
        session._lost = True
        database._recover(session)  # type: ignore[attr-defined]
        assert not session.is_lost
        assert [count(database, lane) for lane in ("point", "scan", "long")] == [1, 1, 1]
    assert database.health().state == "read-only"
    write(database, "INSERT INTO t VALUES (2, 'b')")
    assert (count(database), database.health().state) == (2, "ready")


def test_a_full_queue_says_busy(open_duckdb: Callable[..., Database], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.storage.writer.WAITING_AT_MOST", 3)
    database = open_duckdb()
    entered, opened = threading.Event(), threading.Event()

    def hold(tx: Any) -> bool:
        entered.set()
        return opened.wait(10)

    held = database.submit_write(Call(hold))
    assert entered.wait(10)
    waiting = [database.submit_write(Call(lambda tx: None)) for _ in range(3)]
    with pytest.raises(Busy):
        database.submit_write(Call(lambda tx: None))
    opened.set()
    assert held.result(10)
    assert [future.result(10) for future in waiting] == [None] * 3


def test_readings_go_on_beside_a_checkpoint(open_duckdb: Callable[..., Database]) -> None:
    """What begins while the checkpoint runs is answered before it ends; the other kind lets nobody in."""
    database = open_duckdb()
    write(database, "CREATE TABLE t (x INTEGER, y VARCHAR)")
    write(database, "INSERT INTO t SELECT range, 'text ' || range FROM range(200000)")
    write(database, "UPDATE t SET y = 'new ' || x WHERE x % 3 = 0")
    database.submit_write(Call(lambda tx: None)).result()
    session = database.writer.sessions[0]  # type: ignore[attr-defined]
    answered = []
    with session.lock:
        working = threading.Thread(target=database._checkpoint, args=(session,), kwargs={"beside_readers": True})  # type: ignore[attr-defined]
        working.start()
        while working.is_alive():
            job: Call[int] = Call(lambda reader: reader.scalar("SELECT x FROM t LIMIT 1"))
            database.submit_read(job, lane="point").result()
            answered.append(working.is_alive())
        working.join()
    assert sum(answered) >= 2
    assert database.health().note == ""


def test_ctrl_c_is_not_an_error_of_the_database() -> None:
    """What the driver raises where a signal ends a statement of the main thread is RuntimeError, with a text of its own."""
    pressed = RuntimeError("Query interrupted")
    with pytest.raises(KeyboardInterrupt):
        translate(pressed)
    with pytest.raises(KeyboardInterrupt):
        translate_open(pressed, "app.duckdb")
    assert translate(duckdb.InterruptException("INTERRUPT Error: Interrupted!")).status >= 400
