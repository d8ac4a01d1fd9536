"""A server or a command that is told to end does so, whatever its database does."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from core.errors import StorageError
from sovrium_tui.process.ending import close_or_leave


async def test_a_database_that_does_not_close_keeps_no_process(caplog: pytest.LogCaptureFixture) -> None:
    let_go, left = Event(), []
    with caplog.at_level(logging.ERROR):
        await close_or_leave(let_go.wait, seconds=0.01, leave=left.append)
    let_go.set()
    await asyncio.sleep(0)
    assert left == [1]
    assert "did not close within" in caplog.text


async def test_one_that_closes_is_waited_for() -> None:
    left: list[int] = []
    closed = Event()
    await close_or_leave(closed.set, leave=left.append)
    assert (closed.is_set(), left) == (True, [])

    def fails() -> None:
        raise StorageError("The disk is gone")

    with pytest.raises(StorageError, match="disk"):
        await close_or_leave(fails, leave=left.append)


def test_a_command_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM does as Ctrl+C does: here it comes while the rows of a new app are being loaded."""
    (tmp_path / "many.csv").write_text("a,b\n" + "".join(f" {row},{row}\n" for row in range(300_000)))
    command = [sys.executable, "-P", "-m", "sovrium_tui", "init", "app", "--from", "many.csv"]
    home = {**os.environ, "TMPDIR": str(tmp_path / "scratch")}
    (tmp_path / "scratch").mkdir()
    with subprocess.Popen(command, cwd=tmp_path, env=home, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.glob("app/.sovrium/exchange/*")):
            pass
        process.terminate()
        assert process.stderr is not None
        assert (process.wait(timeout=30), process.stderr.read()) == (143, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.csv", "scratch"]
    assert list((tmp_path / "scratch").iterdir()) == []
