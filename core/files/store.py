"""Where the bytes of files are kept. `FileStore` is what buckets will take over; `LocalFiles` keeps them below the data
folder.

A key is opaque and never used twice. A file is there whole or not at all: it is written beside its place, made durable,
and moved.
"""

import errno
import hashlib
import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from core.errors import DiskFull, NotFound, StorageError, TooLarge
from core.sentence import say

KEY = re.compile(r"[a-z0-9]{26}")
"""130 random bits: nobody finds a file by guessing."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_BLOCK = 256 * 1024
_HALF = ".part"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is kept. `sha256` in hexadecimal digits."""

    key: str
    size: int
    sha256: str


class Incoming(ABC):
    """A file on its way in, used with `with`: what is not finished is forgotten. Blocks; call it in a thread."""

    @abstractmethod
    def write(self, chunk: bytes) -> None:
        """Raises TooLarge, DiskFull, StorageError."""

    @abstractmethod
    def finish(self) -> StoredFile:
        """Make it durable; from now on it can be opened by its key."""

    @abstractmethod
    def forget(self) -> None:
        """Give it up. Nothing happens once it is finished."""

    def __enter__(self) -> "Incoming":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.forget()


class FileStore(ABC):
    """Files by key. Everything blocks and is safe for any thread."""

    @abstractmethod
    def receive(self, limit: int | None = None) -> Incoming:
        """Begin a file of at most `limit` bytes."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Bytes of a file. Raises NotFound."""

    @abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """A file for reading, at its beginning; seekable. Raises NotFound."""

    @abstractmethod
    def delete(self, key: str) -> bool:
        """Forget a file; False when it was not there."""

    @abstractmethod
    def stored(self) -> Iterator[tuple[str, float]]:
        """Every key with the time of its file, in seconds since 1970: what looks for files that nobody refers to."""

    def put(self, data: bytes, limit: int | None = None) -> StoredFile:
        """Keep bytes that are in memory already."""
        with self.receive(limit) as incoming:
            incoming.write(data)
            return incoming.finish()

    def read(self, key: str, start: int = 0, size: int = -1) -> bytes:
        """A part of a file."""
        with self.open(key) as file:
            file.seek(start)
            return file.read(size)


class LocalFiles(FileStore):
    """Files in a folder, spread over its subfolders by the first letters of their keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def receive(self, limit: int | None = None) -> "LocalIncoming":
        return LocalIncoming(self, new_key(), limit)

    def size(self, key: str) -> int:
        try:
            return self.path(key).stat().st_size
        except FileNotFoundError:
            raise NotFound from None

    def open(self, key: str) -> IO[bytes]:
        try:
            return self.path(key).open("rb")
        except FileNotFoundError:
            raise NotFound from None

    def delete(self, key: str) -> bool:
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def stored(self) -> Iterator[tuple[str, float]]:
        for path in self.folder.glob("??/*"):
            if KEY.fullmatch(path.name):
                try:
                    yield path.name, path.stat().st_mtime
                except FileNotFoundError:
                    continue  # gone while we looked

    def clear_unfinished(self) -> int:
        """Remove what an earlier process left half-written; how many files."""
        left = list(self.folder.glob(f"??/*{_HALF}"))
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def path(self, key: str) -> Path:
        """Raises NotFound for what cannot be a key, so that no path is ever made of a client's text."""
        if not KEY.fullmatch(key):
            raise NotFound
        return self.folder / key[:2] / key


class LocalIncoming(Incoming):
    def __init__(self, store: LocalFiles, key: str, limit: int | None) -> None:
        self._key = key
        self._limit = limit
        self._target = store.path(key)
        self._half = self._target.with_name(key + _HALF)
        self._hash = hashlib.sha256()
        self._size = 0
        self._done = False
        try:
            self._half.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(self._half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", _BLOCK)
        except OSError as error:
            raise storage_error(error) from error

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._limit is not None and self._size > self._limit:
            raise TooLarge(say("The file has more than {most:,} bytes", most=self._limit), limit=self._limit)
        self._hash.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise storage_error(error) from error

    def finish(self) -> StoredFile:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.rename(self._half, self._target)
            sync_folder(self._target.parent)
        except OSError as error:
            raise storage_error(error) from error
        self._done = True
        return StoredFile(self._key, self._size, self._hash.hexdigest())

    def forget(self) -> None:
        if not self._done:
            try:
                self._file.close()
            except OSError:
                pass  # a full disk refuses the last block; the file goes anyway
            self._half.unlink(missing_ok=True)


def new_key() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(26))


def sync_folder(folder: Path) -> None:
    """The name of a new file survives a power cut only once its folder is written."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def storage_error(error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("No space is left for the file", hint="free some space; what was kept before is safe")
    return StorageError(say("The file cannot be kept: {reason}", reason=error.strerror))
