"""A write-ahead log that is damaged is told, never dropped in silence; one that merely ends early opens by itself."""

import struct
from pathlib import Path

import pytest

from core.errors import Damaged
from core.storage.database import Call, Settings
from core.storage.duckdb.wal import checksum, flush_entry, inspect
from core.storage.engine import open_database
from sovrium_tui.cli.main import execute

WRITES = 20


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database whose log holds a table and twenty rows: copied while it was open, as a crash would leave it."""
    origin, copy = tmp_path / "origin" / "app.duckdb", tmp_path / "app.duckdb"
    origin.parent.mkdir()
    database = open_database(Settings(url=f"duckdb:///{origin}"))
    database.submit_write(Call(lambda tx: tx.execute("CREATE TABLE t (i INTEGER, s VARCHAR)"))).result()
    for number in range(WRITES):
        statement = f"INSERT INTO t VALUES ({number}, 'some text')"
        database.submit_write(Call(lambda tx, sql=statement: tx.execute(sql))).result()
    for suffix in ("", ".wal"):
        copy.with_name(copy.name + suffix).write_bytes(origin.with_name(origin.name + suffix).read_bytes())
    database.close()
    return copy


def log_of(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def rows(file: Path, **options: bool) -> int:
    database = open_database(Settings(url=f"duckdb:///{file}", **options))
    try:
        return database.submit_read(Call(lambda reader: reader.scalar("SELECT count(*) FROM t"))).result()
    finally:
        database.close()


def test_a_sound_log_opens_with_everything(file: Path) -> None:
    assert inspect(log_of(file).read_bytes()) is None
    assert rows(file) == WRITES


def test_our_checksum_is_that_of_the_database(file: Path) -> None:
    """Each entry of a log that DuckDB has written verifies, whatever its length."""
    data = log_of(file).read_bytes()
    at = data.index(b"\xff\xff") + 2
    lengths = set()
    while at < len(data):
        size, expected = struct.unpack_from("<QQ", data, at)
        assert checksum(data[at + 16 : at + 16 + size]) == expected
        lengths.add(size % 8)
        at += 16 + size
    assert len(lengths) > 1
    assert data.endswith(flush_entry())


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_a_flipped_byte_before_the_end_is_refused_and_nothing_is_touched(file: Path, place: float) -> None:
    data = bytearray(log_of(file).read_bytes())
    data[int(len(data) * place)] ^= 0x40
    log_of(file).write_bytes(data)
    before = file.read_bytes()
    with pytest.raises(Damaged) as refused:
        rows(file)
    assert "app.duckdb.wal" in refused.value.message
    assert "--accept-lost-wal" in str(refused.value.hint)
    assert (file.read_bytes(), log_of(file).read_bytes()) == (before, bytes(data))


def test_what_can_be_read_is_opened_when_the_loss_is_accepted(file: Path) -> None:
    """The log is kept as it was; the transactions before the damage are there."""
    data = bytearray(log_of(file).read_bytes())
    data[len(data) // 2] ^= 0x40
    log_of(file).write_bytes(data)
    found = inspect(bytes(data))
    assert found is not None
    assert 0 < rows(file, accept_lost_log=True) < WRITES
    [kept] = file.parent.glob("app.duckdb.wal.damaged-*")
    assert kept.read_bytes() == bytes(data)
    assert rows(file) > 0


@pytest.mark.parametrize("garbage", [b"\0" * 5000, b"not a log at all " * 200, b"\x64\x00\x62\xff" * 100])
def test_a_log_of_garbage_is_refused_and_can_be_put_aside(file: Path, garbage: bytes) -> None:
    log_of(file).write_bytes(garbage)
    with pytest.raises(Damaged):
        rows(file)
    database = open_database(Settings(url=f"duckdb:///{file}", accept_lost_log=True))
    database.close()
    [kept] = file.parent.glob("app.duckdb.wal.damaged-*")
    assert kept.read_bytes() == garbage


@pytest.mark.parametrize("cut", [1, 7, 20, 40])
def test_a_log_that_ends_within_its_last_transaction_opens(file: Path, cut: int) -> None:
    """What the power cut off was never acknowledged."""
    log_of(file).write_bytes(log_of(file).read_bytes()[:-cut])
    assert rows(file) == WRITES - 1


def test_the_command_line_says_how_to_mend_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`start` fails with the reason and the way out."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "app.yaml").write_text("name: shop\ntables: []\n")
    log_of(file).write_bytes(b"\0" * 5000)
    assert execute(["start", str(tmp_path / "app.yaml"), "--data-dir", str(tmp_path), "--port", "0"]) == 1
    told = capsys.readouterr().err
    assert "is damaged at byte 0 of 5,000" in told
    assert "hint: Restore a backup" in told
