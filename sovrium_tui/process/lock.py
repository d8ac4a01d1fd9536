"""The right to hold a data folder. The kernel gives it to one process at a time and takes it back when that one dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import Locked, SovriumError
from core.sentence import say
from sovrium_tui.process.place import Place
from sovrium_tui.process.record import ServerRecord, read_record

PAUSE = 0.05
"""Seconds between two looks at something that another process will do soon."""


class DataLock:
    """Held from `__enter__` to `__exit__`; leaves no record and no socket behind.

    Raises Locked when another process holds the folder, naming it.
    """

    def __init__(self, place: Place, record: ServerRecord) -> None:
        self.place = place
        self.record = record
        self._descriptor = -1

    def __enter__(self) -> Self:
        self.place.prepare()
        self._descriptor = _open(self.place.lock)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise held_by(read_record(self.place.record)) from error
        self._clear()  # what a killed predecessor has left
        self.publish(self.record)
        return self

    def publish(self, record: ServerRecord) -> None:
        """Tell others how it stands."""
        self.record = record
        record.write(self.place.record)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()
        os.close(self._descriptor)

    def _clear(self) -> None:
        self.place.record.unlink(missing_ok=True)
        self.place.socket().unlink(missing_ok=True)


def held_by(record: ServerRecord | None) -> Locked:
    """The error for a folder that somebody else holds."""
    if record is None:
        return Locked("The database is held by another sovrium-tui process that is just starting or ending")
    where = f"{record.pid}, {record.tcp}" if record.tcp else str(record.pid)
    hint = "stop it with `sovrium-tui stop`" if record.role != "command" else "wait until it has finished"
    return Locked(
        say("The database is held by `{command}` (process {where})", command=record.command, where=where),
        pid=record.pid,
        program=record.command,
        hint=hint,
    )


@contextmanager
def starting(place: Place, patience: float) -> Iterator[None]:
    """Be the only one who starts a server here; waits up to `patience` seconds for another who does."""
    descriptor = _open(place.starting)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise SovriumError("Another console has been starting the server for too long") from None
                time.sleep(PAUSE)
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SovriumError(say("{file} cannot be opened: {reason}", file=str(path), reason=error.strerror)) from error
