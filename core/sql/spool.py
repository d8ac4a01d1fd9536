"""A result kept on disk while it is looked at: any number of rows, the same little memory."""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from core.errors import DiskFull
from core.sentence import say

BLOCK = 500
"""Rows written and read together."""
SIZE_LIMIT = 256 * 1024 * 1024
"""Bytes of one result on disk."""
SIZE_MOST = 4 * 1024 * 1024 * 1024
"""The same of one that is read to be written out."""


class Spool:
    """Rows of cells in the order of the result. One thread writes, any may read what is written; nothing remains on disk
    after `close`, or after the end of the process (the file has no name)."""

    def __init__(self, limit: int, size: int = SIZE_LIMIT) -> None:
        self.limit = limit
        self.size = size
        self.count = 0
        self.more = False
        """There were more rows, or bytes, than are kept."""
        self._file = tempfile.TemporaryFile(prefix="sovrium-tui-", buffering=0)  # noqa: SIM115
        self._offsets = [0]
        self._lock = threading.Lock()

    def fill(self, blocks: Iterator[Sequence[Sequence[Any]]]) -> None:
        """Keep the rows of `blocks` up to the limits; then stop asking for more."""
        waiting: list[Sequence[Any]] = []
        for block in blocks:
            room = self.limit - self.count - len(waiting)
            waiting += block[:room]
            self.more = len(block) > room
            while len(waiting) >= BLOCK:
                self._append(waiting[:BLOCK])
                waiting = waiting[BLOCK:]
            if self.more or self._offsets[-1] > self.size:
                self.more = True
                break
        if waiting:
            self._append(waiting)

    def window(self, start: int, limit: int) -> list[list[Any]]:
        """Rows from `start`, at most `limit`, fewer at the end."""
        rows: list[list[Any]] = []
        number = max(start, 0) // BLOCK
        skip = max(start, 0) % BLOCK
        while len(rows) < limit + skip and number < len(self._offsets) - 1:
            rows += self._block(number)
            number += 1
        return rows[skip : skip + limit]

    def rows(self) -> Iterator[list[Any]]:
        """All rows."""
        for number in range(len(self._offsets) - 1):
            yield from self._block(number)

    def close(self) -> None:
        with self._lock:
            self._file.close()

    def _append(self, rows: Sequence[Sequence[Any]]) -> None:
        data = orjson.dumps([list(row) for row in rows])
        with self._lock:
            try:
                self._file.seek(self._offsets[-1])
                written = self._file.write(data)
            except OSError as error:
                message = say("The result cannot be kept: {reason}", reason=error.strerror)
                raise DiskFull(message, hint="ask for fewer rows") from error
            if written < len(data):
                raise DiskFull("The result cannot be kept: no space left", hint="ask for fewer rows")
            self.count += len(rows)
            self._offsets.append(self._offsets[-1] + len(data))

    def _block(self, number: int) -> list[list[Any]]:
        start, end = self._offsets[number : number + 2]
        with self._lock:
            self._file.seek(start)
            data = self._file.read(end - start)
        rows: list[list[Any]] = orjson.loads(data)
        return rows
