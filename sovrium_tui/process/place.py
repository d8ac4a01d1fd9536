"""Where a server keeps what belongs to its process: `<data>/run`."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import SovriumError
from core.sentence import say

SOCKET_PATH_LIMIT = 100
"""Bytes. The kernel's limits are 108 (Linux) and 104 (macOS)."""


@dataclass(frozen=True, slots=True)
class Place:
    """The files of the process that holds `data_dir`."""

    data_dir: Path

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def lock(self) -> Path:
        """Locked by the kernel as long as the holder lives; never deleted, so that nobody locks a ghost."""
        return self.run / "server.lock"

    @property
    def starting(self) -> Path:
        """Locked by whoever is starting a server in the background."""
        return self.run / "starting.lock"

    @property
    def record(self) -> Path:
        return self.run / "server.json"

    @property
    def log(self) -> Path:
        """The newest file of the server's log; older ones have a number behind its name."""
        return self.run / "server.log"

    def prepare(self) -> None:
        """Make the folders, for this user alone. Raises SovriumError when the disk does not let us."""
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.run.mkdir(exist_ok=True, mode=0o700)
            self.run.chmod(0o700)
        except OSError as error:
            raise SovriumError(
                say("The data folder {folder} cannot be used: {reason}", folder=self.data_dir, reason=error.strerror),
                hint="choose another with --data-dir",
            ) from error

    def require_private(self) -> None:
        """A folder that has been in use and that others may look into may have been read meanwhile (A-004). Raises
        SovriumError."""
        mode = stat.S_IMODE(self.data_dir.stat().st_mode) if self.run.is_dir() else 0o700
        if mode & 0o077:
            raise SovriumError(
                say("{file} has mode {mode}, expected {wanted}", file=self.data_dir, mode=f"{mode:04o}", wanted="0700"),
                hint=say("chmod 700 {folder}, or start with --i-know", folder=self.data_dir),
            )

    def socket(self) -> Path:
        """The path of the API's Unix socket; in a private folder elsewhere where this one is too long for the kernel."""
        path = self.run / "api.sock"
        if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return runtime_dir() / f"{name}.sock"


def private(path: str, flags: int) -> int:
    """An opener: the file is for this user alone, also one that was there before."""
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def runtime_dir() -> Path:
    """A short folder that only this user may enter. Raises SovriumError when somebody else has taken its name."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    short = base is not None and len(os.fsencode(base)) < SOCKET_PATH_LIMIT - 40 and os.path.isdir(base)
    folder = Path(base, "sovrium-tui") if base and short else Path(tempfile.gettempdir(), f"sovrium-tui-{os.getuid()}")
    if len(os.fsencode(folder)) > SOCKET_PATH_LIMIT - 24:
        folder = Path("/tmp", f"sovrium-tui-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SovriumError(
            say("{folder} is not a private folder of yours", folder=folder), hint="set XDG_RUNTIME_DIR, or remove it"
        )
    return folder
