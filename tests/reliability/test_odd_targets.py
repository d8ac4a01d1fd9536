"""Files that are no plain files, streams that are closed: nothing is replaced, nothing hangs, no traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from sovrium_tui.cli.main import execute
from sovrium_tui.cli.progress import stop
from sovrium_tui.process.record import ServerRecord

APP = """\
name: odd
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text }
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    file = tmp_path / "app.yaml"
    file.write_text(APP)
    return file


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_an_export_replaces_no_device_and_no_folder(
    kind: str, app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "target.csv"
    os.mkfifo(target) if kind == "pipe" else target.mkdir()
    assert execute(["export", str(app), "items", str(target), "--force"]) == 1
    assert f"{target} is not a file" in capsys.readouterr().err
    assert target.is_fifo() or target.is_dir()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".target")] == []


def test_an_app_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "app.yaml"
    os.mkfifo(pipe)
    assert execute(["validate", str(pipe)]) == 2
    assert "is not a file" in capsys.readouterr().err


def test_a_part_of_an_app_that_is_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "part.yaml")
    (tmp_path / "app.yaml").write_text("name: odd\ntables:\n  - $ref: part.yaml\n")
    assert execute(["validate", str(tmp_path / "app.yaml")]) == 2
    assert "app.yaml:3:11: error: part.yaml is not a file" in capsys.readouterr().err.replace(f"{tmp_path}/", "")


def test_a_closed_stdout_ends_without_a_traceback(app: Path) -> None:
    result = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -P -m sovrium_tui validate "{app}" >&-'],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_no_folder_is_not_this_folder(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--data-dir "$UNSET"` must not put a database into the folder where the shell stands."""
    assert execute(["sql", str(app), "SELECT 1", "--data-dir", ""]) == 2
    assert "--data-dir" in capsys.readouterr().err


def test_files_of_others_in_the_exchange_folder_stay(app: Path, tmp_path: Path) -> None:
    """A data folder may be one that a person uses already."""
    folder = tmp_path / "data"
    (folder / "exchange").mkdir(parents=True)
    (folder / "exchange" / "thesis.csv").write_text("mine")
    names = ("upload_0123456789abcdef.csv", "refused_0123456789abcdef.notes", "export_0123456789abcdef.json")
    for name in names:
        (folder / "exchange" / name).write_text("half")
    assert execute(["sql", str(app), "SELECT 1", "--data-dir", str(folder)]) == 0
    assert (folder / "exchange" / "thesis.csv").read_text() == "mine"
    assert [path.name for path in (folder / "exchange").iterdir()] == ["thesis.csv"]


def test_a_full_disk_under_the_output(app: Path) -> None:
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-P", "-m", "sovrium_tui", "validate", str(app)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, "error: No space left on device\n")


def test_a_full_disk_under_the_data_folder(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(record: ServerRecord, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(ServerRecord, "write", full)
    assert execute(["sql", str(app), "SELECT 1"]) == 1
    told = capsys.readouterr().err
    assert "No space left on device" in told
    assert "unexpected" not in told


def test_the_database_of_another_program(app: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".sovrium").mkdir()
    with duckdb.connect(str(tmp_path / ".sovrium" / "app.duckdb")) as other:
        other.execute("CREATE TABLE system_change (x INTEGER)")
    assert execute(["sql", str(app), "SELECT 1"]) == 1
    assert "is the database of another program" in capsys.readouterr().err


async def test_a_stop_that_comes_too_late_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl+C during the commit of an import: its rows are in, and whoever pressed it must know."""

    class Late:
        """A server whose import is in its last step when the cancel comes."""

        state = "running"

        async def job(self, id_: str) -> dict[str, object]:
            return {"id": id_, "kind": "import", "state": self.state, "done": 0, "rows": 7}

        async def cancel_job(self, id_: str) -> None:
            self.state = "done"

    await stop(Late(), "job_1")  # type: ignore[arg-type]
    assert capsys.readouterr().err == "Too late to stop: 7 rows are in the table\n"
