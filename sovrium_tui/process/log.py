"""The log of a background server: one file and one older one, so that it never fills a disk."""

import contextlib
import logging
import logging.handlers
import os
from pathlib import Path

from core.errors import BadRequest

LEVELS = ("debug", "info", "warn", "warning", "error")
SIZE_LIMIT = 1024 * 1024
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def rotate(path: Path) -> None:
    """Begin a new file when the old one has grown too big. Raises nothing: a log is not worth a failed start."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > SIZE_LIMIT:
            os.replace(path, path.with_name(path.name + ".1"))


class ServerLog(logging.handlers.RotatingFileHandler):
    """Rotates, and takes stdout and stderr along: what a crash prints lands in the current file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=SIZE_LIMIT, backupCount=1, encoding="utf-8")
        self.setFormatter(logging.Formatter(FORMAT))

    def doRollover(self) -> None:
        super().doRollover()
        if self.stream is not None:
            os.dup2(self.stream.fileno(), 1)
            os.dup2(self.stream.fileno(), 2)


def write_to(path: Path, level: str) -> None:
    """Send all loggers to a rotating file. Raises BadRequest for a level that does not exist."""
    if level.lower() not in LEVELS:
        raise BadRequest(f"LOG_LEVEL must be one of {', '.join(LEVELS)}")
    logging.basicConfig(level=level.upper(), handlers=[ServerLog(path)], force=True)
