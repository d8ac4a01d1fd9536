"""`kill -9` under writes: no acknowledged write is lost, the file opens, change log and records agree.

SOVRIUM_KILL_ROUNDS sets the number of rounds; each goes on with the file of the one before.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.storage.database import Call, Database, Reader, Settings
from core.storage.engine import open_database

ROUNDS = int(os.environ.get("SOVRIUM_KILL_ROUNDS", "6"))


def kill_while_writing(url: str, first: int, after: int) -> set[int]:
    """Start a writer, kill it once it has acknowledged `after` writes; the numbers acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.reliability.writer_process", url, str(first)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    with process.stdout:
        while len(lines) < after:
            line = process.stdout.readline()
            assert line, "the writer ended by itself"
            lines.append(line)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
    process.wait()
    return {int(line) for line in lines if line.endswith(b"\n")}


def check(database: Database, acknowledged: set[int]) -> int:
    """Everything acknowledged is there, once, and in the change log; the highest number found."""

    def work(reader: Reader) -> tuple[list[int], list[int], list[int]]:
        records = [row[0] for row in reader.rows("SELECT id FROM item ORDER BY id")]
        logged = [int(row[0]) for row in reader.rows("SELECT record FROM system_change ORDER BY sequence")]
        numbers = [row[0] for row in reader.rows("SELECT sequence FROM system_change ORDER BY sequence")]
        return records, logged, numbers

    job: Call[tuple[list[int], list[int], list[int]]] = Call(work)
    records, logged, numbers = database.submit_read(job, lane="long", deadline=None).result()
    assert acknowledged <= set(records)
    assert sorted(logged) == records
    assert len(set(records)) == len(records)
    assert numbers == list(range(1, len(numbers) + 1))
    return max(records)


@pytest.mark.slow
@pytest.mark.timeout(60 + ROUNDS * 10)
def test_no_acknowledged_write_is_lost(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'app.duckdb'}"
    rng = random.Random(7)
    acknowledged: set[int] = set()
    first = 1
    for _ in range(ROUNDS):
        acknowledged |= kill_while_writing(url, first, rng.randrange(1, 400))
        database = open_database(Settings(url=url))
        try:
            first = check(database, acknowledged) + 1
        finally:
            database.close()
    assert len(acknowledged) >= ROUNDS
