"""`start` on a database that cannot be had: a status that is not 0, one line that says why, nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from sovrium_tui.cli.main import execute

APP = "name: x\ntables: [{name: T, fields: [{name: a, type: integer}]}]\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    Path("app.yaml").write_text(APP)
    Path(".sovrium").mkdir()


def failure(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = execute(["start", "app.yaml"])
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return status, lines[0]


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """M-037: no database"""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/nothing")
    status, line = failure(capsys)
    assert status != 0
    assert "127.0.0.1:1" in line
    assert "secret" not in line


def test_a_file_of_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    """M-037: wrong file"""
    Path(".sovrium/app.duckdb").write_bytes(b"no database at all" * 1000)
    status, line = failure(capsys)
    assert status != 0
    assert "app.duckdb" in line
    assert Path(".sovrium/app.duckdb").read_bytes() == b"no database at all" * 1000


def test_a_file_that_somebody_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """M-037: locked file"""
    hold = (
        "import duckdb, sys; held = duckdb.connect('.sovrium/app.duckdb'); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        status, line = failure(capsys)
        holder.communicate()
    assert status == 3
    assert "app.duckdb" in line
