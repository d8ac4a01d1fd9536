"""Backups of a server in a test: made by its door, put back by the command."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.backup.archive import ArchiveWriter
from sovrium_tui.cli.main import execute
from tests.support.server import RunningServer

BACKUPS, JOBS = "/api/admin/backups", "/api/console/jobs"
APP = """
name: papers
tables:
  - name: papers
    fields:
      - { name: title, type: long-text }
      - { name: scan, type: single-attachment }
"""


def ended(client: httpx.Client, job: Any) -> Any:
    """The job when it is over."""
    end = time.monotonic() + 30
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < end, job
        job = client.get(f"{JOBS}/{job['id']}").json()
    return job


def back_up(server: RunningServer, target: Path, *, client: httpx.Client | None = None, **body: Any) -> Path:
    """Make a backup, by the owner where nobody else is named, and fetch it."""
    client = client or server.local
    answer = client.post(BACKUPS, json=body)
    assert answer.status_code == 202, answer.text
    job = ended(client, answer.json())
    assert job["state"] == "done", job
    target.write_bytes(client.get(f"{JOBS}/{job['id']}/file").content)
    return target


def put_back(archive: Path, folder: Path, *, status: int = 0) -> Path:
    """Restore into a new folder whose data is where a `RunningServer` looks for it."""
    folder.mkdir(exist_ok=True)
    assert execute(["backup", "restore", str(archive), str(folder), "--data-dir", str(folder / "data")]) == status
    return folder


class Gate:
    """Holds every backup before it writes the member `at` until it is opened."""

    def __init__(self, patch: pytest.MonkeyPatch, at: str = "app.duckdb") -> None:
        self._reached, self._open = threading.Event(), threading.Event()
        real = ArchiveWriter._put

        def put(writer: ArchiveWriter, name: str, source: Any, size: int) -> None:
            if name == at:
                self._reached.set()
                assert self._open.wait(30)
            real(writer, name, source, size)

        patch.setattr(ArchiveWriter, "_put", put)

    def reached(self) -> None:
        assert self._reached.wait(30)

    def open(self) -> None:
        self._open.set()
