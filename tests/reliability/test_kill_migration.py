"""A migration that is cut off, by a cancel or by the death of its process, has not happened; then it succeeds."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from core.errors import DeadlinePassed
from core.migrations import plan, run, status
from core.migrations.run import Progress, log
from core.storage.database import Call, Cancel, Database, Settings
from tests.support.apps import app_model

ROWS = 600
APP = """
tables:
  - id: 1
    name: big
    fields:
      - { id: 1, name: n, type: single-line-text }
      - { id: 2, name: s, type: single-line-text, indexed: true }
"""
NEXT = APP.replace("name: n, type: single-line-text", "name: n, type: integer")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("core.migrations.run"), "ROWS_AT_A_TIME", 100)


def fill(database: Database) -> None:
    run(database, plan(database, app_model(APP)))
    rows = ", ".join(f"('{at}', 'row {at}')" for at in range(ROWS))
    database.submit_write(Call(lambda tx: tx.execute(f"INSERT INTO big (n, s) VALUES {rows}"))).result()


def read(database: Database, sql: str) -> list[Any]:
    return database.submit_read(Call(lambda reader: reader.rows(sql))).result()


def check_untouched(database: Database) -> None:
    assert read(database, "SELECT count(*), min(n), max(s) FROM big") == [(ROWS, "0", "row 99")]
    assert status(database, app_model(APP)).is_current
    assert status(database, app_model(APP)).drift == ()


def check_success(database: Database) -> None:
    run(database, plan(database, app_model(NEXT)))
    assert read(database, "SELECT count(*), sum(n), max(s) FROM big") == [(ROWS, sum(range(ROWS)), "row 99")]
    assert status(database, app_model(NEXT)).drift == ()


def test_a_cancelled_migration_has_not_happened(open_db: Callable[..., Database]) -> None:
    """M-041: stopped at any report, it leaves the rows, the indexes and the version; the log tells of it."""
    database = open_db()
    fill(database)
    reports: list[Progress] = []
    planned = plan(database, app_model(NEXT))
    for stop_at in range(3):
        cancel = Cancel()
        reports.clear()

        def report(how: Progress, cancel: Cancel = cancel, stop_at: int = stop_at) -> None:
            reports.append(how)
            if len(reports) > stop_at:
                cancel.cancel()

        with pytest.raises(DeadlinePassed):
            run(database, planned, report=report, cancel=cancel)
        check_untouched(database)
        assert (log(database)[0].status, log(database)[0].reason) == ("ROLLBACK", "Cancelled")
    check_success(database)


def test_progress_counts_the_rows(open_duckdb: Callable[..., Database]) -> None:
    """M-041"""
    database = open_duckdb()
    fill(database)
    told: list[Progress] = []
    run(database, plan(database, app_model(NEXT)), report=told.append)
    assert [each.done for each in told if each.total] == [100, 200, 300, 400, 500, 600]
    assert {each.total for each in told if each.total} == {ROWS}


@pytest.mark.parametrize("die_at", [0, 1])
def test_a_killed_migration_has_not_happened(
    open_db: Callable[..., Database], database_settings: Settings, die_at: int
) -> None:
    """M-036, M-041: kill -9 at the first step, and in the middle of the copy (DuckDB; PostgreSQL alters in one piece)."""
    database = open_db()
    fill(database)
    database.close()
    is_duckdb = database_settings.url.startswith("duckdb")
    words = ["-m", "tests.reliability.migrating_process", database_settings.url, NEXT, str(die_at if is_duckdb else 0)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == -9, done.stderr
    database = open_db()
    check_untouched(database)
    check_success(database)
