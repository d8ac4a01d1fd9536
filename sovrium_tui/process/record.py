"""`<data>/run/server.json`: who holds the data folder, readable by everything that wants to attach, ask or stop.

It informs; it is the kernel's lock (`process.lock`) that decides. A record whose process is gone, or whose process
number now belongs to another program, counts as absent.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

Role = Literal["server", "background", "command"]
State = Literal["starting", "ready", "stopping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """The process that holds a data folder."""

    pid: int
    started: str
    """When the process began, in the system's own form: tells it from a later one with the same number."""
    version: str
    role: Role = "server"
    state: State = "starting"
    command: str = "sovrium-tui start"
    """What a person would call it."""
    socket: str | None = None
    tcp: str | None = None
    app_file: str | None = None
    checksum: str = ""
    files: dict[str, list[int]] = field(default_factory=dict)
    """The app's files → [mtime in ns, size], by which a change is noticed without reading them."""
    consoles: int = 0
    """Open event streams."""

    def is_alive(self) -> bool:
        return process_start(self.pid) == self.started

    def app_changed(self) -> bool:
        """A file of the app is another one than when the server read it."""
        return any(file_stamp(Path(path)) != stamp for path, stamp in self.files.items())

    def write(self, path: Path) -> None:
        """Replace the file at once: readers see the old or the new record, nothing between."""
        beside = path.with_name(f".{path.name}.{self.pid}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        os.replace(beside, path)


def read_record(path: Path) -> ServerRecord | None:
    """The record of a living process; None when there is none (a stale or unreadable one counts as none)."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(ServerRecord)}
        record = ServerRecord(**{key: value for key, value in found.items() if key in known})
        return record if record.is_alive() else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def file_stamp(path: Path) -> list[int]:
    """[mtime in ns, size]; [] for a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_mtime_ns, found.st_size]


def process_start(pid: int) -> str | None:
    """When a living process began; None when there is no such process."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # The name in brackets may hold spaces and brackets; the fields after it may not.
        state, *rest = stat.rpartition(")")[2].split()
        return None if state in "ZX" else f"{_boot_id()}:{rest[18]}"
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
