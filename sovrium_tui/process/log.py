"""Where the log of a server goes: to files in its data folder, and in the foreground to stderr as well.

Ten files of five megabytes at most, for this user alone. What is said on stderr goes by a thread of its own: a terminal that
was stopped (Ctrl+S), or a pipe that nobody reads, must not stop the server.
"""

import logging
import logging.handlers
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from core.logs.line import LineFormatter
from sovrium_tui.process.place import private

FILES, FILE_BYTES = 10, 5 * 1024 * 1024
WAITING_MOST = 10_000
"""Lines that wait for a terminal; further ones are in the files alone."""
LAST_WORDS = 1.0
"""Seconds that the end of a server waits for a terminal."""
OURS = ("sovrium", "sovrium_tui", "core")
"""Loggers that follow LOG_LEVEL. What others tell at `debug` holds statements with their values."""
LOG = logging.getLogger("sovrium_tui.server")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`LOG_LEVEL` and `LOG_FORMAT`, checked already by `sovrium_tui.settings`."""

    level: int
    as_json: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "LogSettings":
        level = environ.get("LOG_LEVEL", "").lower() or "info"
        return cls(logging.getLevelNamesMapping()[level.upper()], environ.get("LOG_FORMAT", "").lower() == "json")


class Quiet(logging.Handler):
    """A line that cannot be written is no reason to print over the screen."""

    def handleError(self, record: logging.LogRecord) -> None:
        pass


class LogFiles(Quiet, logging.handlers.RotatingFileHandler):
    """The newest file and nine older ones. `takes_output`: what a crash prints lands in the newest, too."""

    def __init__(self, path: Path, *, takes_output: bool = False) -> None:
        self._takes_output = takes_output
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8")

    def _open(self) -> Any:
        stream = open(self.baseFilename, self.mode, encoding=self.encoding, opener=private)  # noqa: SIM115
        if self._takes_output:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        return stream


class Terminal(Quiet, logging.StreamHandler[TextIO]):
    """Where people look."""


class Door(Quiet, logging.handlers.QueueHandler):
    """Where lines for a terminal begin to wait."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record  # it stays in this process


class Aside(logging.handlers.QueueListener):
    """Writes on a terminal for as long as it takes."""

    def __init__(self, stream: TextIO) -> None:
        self.handler = Terminal(stream)
        self.door = Door(queue.Queue(WAITING_MOST))
        super().__init__(self.door.queue, self.handler)

    def stop(self) -> None:
        thread: threading.Thread | None = getattr(self, "_thread", None)
        with suppress(queue.Full):
            self.enqueue_sentinel()
        if thread is not None:
            thread.join(LAST_WORDS)


@contextmanager
def logging_to(
    path: Path, settings: LogSettings, *, terminal: TextIO | None = None, takes_output: bool = False
) -> Iterator[None]:
    """All that is logged meanwhile goes to these files, and to `terminal` where there is one; with `takes_output` also what
    the process prints. Tracebacks go to the files; to a terminal only at level `debug`. Raises OSError."""
    files = LogFiles(path, takes_output=takes_output)
    files.setFormatter(LineFormatter(details=True, as_json=settings.as_json))
    root, aside = logging.getLogger(), None
    handlers: list[logging.Handler] = [files]
    if terminal is not None:
        aside = Aside(terminal)
        details = settings.level <= logging.DEBUG
        aside.handler.setFormatter(LineFormatter(details=details, as_json=settings.as_json))
        aside.door.addFilter(lambda record: not getattr(record, "told", False))
        handlers.append(aside.door)
        aside.start()
    before = root.handlers, root.level, threading.excepthook
    root.handlers = handlers
    root.setLevel(max(settings.level, logging.WARNING))
    for name in OURS:
        logging.getLogger(name).setLevel(settings.level)
    threading.excepthook = _tell_thread
    try:
        yield
    finally:
        root.handlers, level, threading.excepthook = before
        root.setLevel(level)
        for name in OURS:
            logging.getLogger(name).setLevel(logging.NOTSET)
        if aside is not None:
            aside.stop()
        files.close()


def _tell_thread(args: threading.ExceptHookArgs) -> None:
    """A thread that broke is told as everything else is."""
    if args.exc_value is not None and args.exc_type is not SystemExit:
        name = args.thread.name if args.thread is not None else "?"
        LOG.error("The thread %s has ended by a defect", name, exc_info=args.exc_value)
