"""What can be wrong with a database file or its disk: each case one clear error, and a way on."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import Damaged, DiskFull, Locked, SovriumError, StorageError
from core.storage.database import Call, Database, Settings
from core.storage.engine import open_database

ROOT = Path(__file__).parents[2]


def test_a_locked_file_names_its_holder(tmp_path: Path) -> None:
    url = f"duckdb:///{tmp_path / 'app.duckdb'}"
    holder = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.reliability.writer_process", url, "1"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert holder.stdout is not None
    with holder.stdout:
        holder.stdout.readline()
        with pytest.raises(Locked) as caught:
            open_database(Settings(url=url))
        holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert caught.value.pid == holder.pid
    assert "python" in str(caught.value.program)
    assert caught.value.exit_code == 3
    open_database(Settings(url=url)).close()


@pytest.mark.parametrize("content", [b"not a database at all, just some text" * 300, b"\0" * 20_000])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "app.duckdb"
    file.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        open_database(Settings(url=f"duckdb:///{file}"))
    assert str(file) in caught.value.message
    assert file.read_bytes() == content


def test_a_file_with_a_flipped_byte(tmp_path: Path) -> None:
    file = tmp_path / "app.duckdb"
    database = open_database(Settings(url=f"duckdb:///{file}"))
    database.submit_write(
        Call(lambda tx: tx.execute("CREATE TABLE t AS SELECT range AS x FROM range(100000)"))
    ).result()
    database.close()
    content = bytearray(file.read_bytes())
    content[12_300] ^= 0xFF
    file.write_bytes(content)

    def read_all() -> None:
        damaged = open_database(Settings(url=f"duckdb:///{file}"))
        try:
            damaged.submit_read(Call(lambda r: r.rows("SELECT sum(x) FROM t"))).result()
        finally:
            damaged.close()

    with pytest.raises(SovriumError):
        read_all()


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written here"):
        open_database(Settings(url=f"duckdb:///{tmp_path / 'nowhere' / 'app.duckdb'}"))


def test_an_address_of_nothing_known() -> None:
    with pytest.raises(StorageError, match="neither duckdb"):
        open_database(Settings(url="mysql://localhost/app"))


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StorageError) as caught:
        open_database(Settings(url="postgresql://me:secret@127.0.0.1:1/app"))
    assert "127.0.0.1:1" in caught.value.message
    assert "secret" not in caught.value.message


FULL = """
import resource, sys
from core.errors import DiskFull, SovriumError
from core.storage.database import Call, Settings
from core.storage.engine import open_database

database = open_database(Settings(url=sys.argv[1]))
write = lambda sql: database.submit_write(Call(lambda tx: tx.execute(sql))).result()
read = lambda: database.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM t")), lane="scan").result()
write("CREATE TABLE t (x INTEGER, y VARCHAR)")
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
done, errors = 0, []
for number in range(400):
    try:
        write(f"INSERT INTO t SELECT {number}, repeat('x', 100) || random() FROM range(100)")
        done += 1
    except SovriumError as error:
        errors.append(type(error).__name__)
        if len(errors) > 3:
            break
print(done, read(), database.health().state, errors[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
import time
deadline = time.monotonic() + 10
while time.monotonic() < deadline:
    try:
        write("INSERT INTO t SELECT -1, '' FROM range(100)")
        break
    except DiskFull:
        time.sleep(0.1)
print(read(), database.health().state)
database.close()
"""


def test_a_full_disk_refuses_writes_keeps_reads_and_heals(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    url = f"duckdb:///{tmp_path / 'app.duckdb'}"
    result = subprocess.run(
        [sys.executable, "-P", "-c", FULL, url],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    done, rows, state, error = first.split()
    assert int(rows) == int(done) * 100
    assert (state, error) == ("read-only", "DiskFull")
    assert second == f"{int(rows) + 100} ready"
    database = open_database(Settings(url=url))
    assert database.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM t"))).result() == int(rows) + 100
    database.close()


def write_until_refused(database: Database) -> None:
    """The writer looks at the disk after it has answered, so one more write may pass."""
    for _ in range(2):
        database.submit_write(Call(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))).result()


def test_a_disk_that_is_nearly_full_refuses_before_it_breaks(
    open_duckdb: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = open_duckdb()
    database.submit_write(Call(lambda tx: tx.execute("CREATE TABLE t (x INTEGER)"))).result()
    monkeypatch.setattr("core.storage.duckdb.database._free", lambda path: 1000)
    database.submit_write(
        Call(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
    ).result()  # looks at the disk behind it
    with pytest.raises(DiskFull):
        write_until_refused(database)
    assert database.health().state == "read-only"
    assert database.submit_read(Call(lambda r: r.scalar("SELECT count(*) FROM t"))).result() <= 3
    monkeypatch.undo()
    database.submit_write(Call(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))).result()
    assert database.health().state == "ready"
