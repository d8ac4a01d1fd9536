"""A backup or a restore that is killed at any moment leaves nothing that could be taken for one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sovrium_tui.cli.main import execute
from tests.support.backups import APP, back_up
from tests.support.server import RunningServer

ROUNDS = 60 if os.environ.get("SOVRIUM_TEST_FULL") else 6
RECORDS, FILES = 3_000, 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Of some megabytes."""
    (tmp_path / "first").mkdir()
    with RunningServer(APP, tmp_path / "first") as server:
        for n in range(FILES):
            upload = server.local.post(
                "/api/tables/papers/files", params={"filename": "a.txt"}, content=bytes([n]) * 300_000
            )
            fields = {"title": str(n), "scan": {"key": upload.json()["key"]}}
            assert server.local.post("/api/tables/papers/records", json={"fields": fields}).status_code == 201
        rows = [{"fields": {"title": f"{n} " + random.Random(n).randbytes(400).hex()}} for n in range(RECORDS)]
        for start in range(0, RECORDS, 500):
            batch = {"records": rows[start : start + 500]}
            assert server.local.post("/api/tables/papers/records/batch", json=batch).status_code == 201
        return back_up(server, tmp_path / "x.tar")


def command(*words: str) -> "subprocess.Popen[bytes]":
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.Popen([sys.executable, "-m", "sovrium_tui", *words], env=environ, stderr=subprocess.PIPE)


def killed(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether it was still at work by then."""
    with process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


def took(*words: str) -> float:
    """Seconds that a command takes here."""
    begun = time.monotonic()
    with command(*words) as process:
        assert process.wait(50) == 0, process.stderr and process.stderr.read()
    return time.monotonic() - begun


def counted(database: Path) -> Any:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute("select count(*) from papers").fetchone()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_restore_is_none_and_can_be_done_again(archive: Path, tmp_path: Path) -> None:
    whole = took("backup", "restore", str(archive), str(tmp_path / "whole"))
    moments = random.Random(7)
    cut = 0
    for n in range(ROUNDS):
        folder = tmp_path / f"folder{n}"
        database = folder / ".sovrium" / "app.duckdb"
        cut += killed(command("backup", "restore", str(archive), str(folder)), whole * moments.uniform(0.3, 1.0))
        if not database.exists():
            assert execute(["backup", "restore", str(archive), str(folder)]) == 0
        assert counted(database) == (RECORDS + FILES,)
        assert (folder / "app.yaml").read_text() == APP
        assert len([path for path in (folder / ".sovrium" / "files").rglob("*") if path.is_file()]) == FILES
    assert cut, "none was under way"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_backup_is_no_archive(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "whole"
    assert execute(["backup", "restore", str(archive), str(folder)]) == 0
    target = tmp_path / "made.tar"
    whole = took("backup", "create", str(folder / "app.yaml"), "--output", str(target))
    moments, cut = random.Random(11), 0
    for _ in range(ROUNDS):
        target.unlink(missing_ok=True)
        words = ("backup", "create", str(folder / "app.yaml"), "--output", str(target))
        cut += killed(command(*words), whole * moments.uniform(0.5, 1.0))
        if target.exists():
            assert execute(["backup", "verify", str(target)]) == 0
    assert cut, "none was under way"
    target.unlink(missing_ok=True)
    assert execute(["backup", "create", str(folder / "app.yaml"), "--output", str(target)]) == 0
    assert list((folder / ".sovrium" / "exchange").iterdir()) == []
    assert counted(folder / ".sovrium" / "app.duckdb") == (RECORDS + FILES,)
