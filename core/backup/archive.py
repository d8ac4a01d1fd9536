"""The archive itself: a tar file that any tool unpacks, written in one go, checked to its last byte before it is used."""

import hashlib
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from core.backup.manifest import MANIFEST, Manifest, Member
from core.errors import Damaged, NotFound
from core.files.store import storage_error
from core.sentence import say

BLOCK = 1024 * 1024
MANIFEST_MOST = 256 * BLOCK
Told = Callable[[int], None]
"""Hears how many bytes have been done, now and then."""


class ArchiveWriter:
    """An archive in the making. Without `finish` it is none."""

    def __init__(self, file: IO[bytes], seconds: float, told: Told) -> None:
        self._tar = tarfile.TarFile(fileobj=file, mode="w", copybufsize=BLOCK)
        self._seconds = int(seconds)
        self._told = told
        self.done = 0
        self.members: list[Member] = []

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """The first `size` bytes of `source`. Raises OSError where there are less."""
        reading = _Reading(source, self._tell)
        self._put(name, reading, size)
        self.members.append(Member(name, size, reading.sha256))

    def finish(self, manifest: Manifest) -> None:
        from io import BytesIO

        data = manifest.data()
        self._put(MANIFEST, BytesIO(data), len(data))
        self._tar.close()

    def _put(self, name: str, source: "IO[bytes] | _Reading", size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, self._seconds, 0o600
        self._tar.addfile(info, source)

    def _tell(self, count: int) -> None:
        self.done += count
        self._told(self.done)


class Archive:
    """An archive open for reading, by its manifest. Use with `with`.

    Raises Damaged for what is no whole archive of ours, NotFound for what is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except FileNotFoundError as error:
            raise NotFound(say("{file}: there is no such file", file=str(path))) from error
        try:
            self._infos = self._scan()
            self.manifest = self._read_manifest()
            self._members = {member.name: member for member in self.manifest.members}
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes of all members."""
        return sum(member.size for member in self.manifest.members)

    def has(self, name: str) -> bool:
        return name in self._members

    def names(self, folder: str) -> list[str]:
        """The members in a folder."""
        return [name for name in self._members if name.startswith(f"{folder}/")]

    def verify(self, told: Told = lambda done: None) -> None:
        """Read all of it. Raises Damaged for the first member that is not as it was written."""
        done = 0
        for member in self.manifest.members:
            self._copy(member, None)
            done += member.size
            told(done)

    def extract(self, name: str, target: Path) -> None:
        """Write a member to a new file for its owner alone, on the disk when this returns."""
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                self._copy(self._members[name], file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(error) from error

    def read(self, name: str) -> bytes:
        """A small member."""
        from io import BytesIO

        found = BytesIO()
        self._copy(self._members[name], found)
        return found.getvalue()

    def _copy(self, member: Member, target: IO[bytes] | None) -> None:
        info = self._infos[member.name]
        self._file.seek(info.offset_data)
        left, digest = member.size, hashlib.sha256()
        while left and (block := self._file.read(min(BLOCK, left))):
            digest.update(block)
            left -= len(block)
            if target is not None:
                target.write(block)
        if left or digest.hexdigest() != member.sha256:
            raise self._broken(f"{member.name} is not as it was written")

    def _scan(self) -> dict[str, tarfile.TarInfo]:
        """The members by name: files alone, none of them twice."""
        found: dict[str, tarfile.TarInfo] = {}
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                for info in tar:
                    is_file = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and info.sparse is None
                    if not is_file or info.name in found:
                        raise self._broken(f"{info.name!r} is no plain file, or is there twice")
                    found[info.name] = info
        except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
            raise self._broken("it cannot be read to its end") from error
        except OSError as error:
            raise self._broken(error.strerror or "it cannot be read") from error
        return found

    def _read_manifest(self) -> Manifest:
        info = self._infos.pop(MANIFEST, None)
        if info is None:
            raise self._broken("it has no manifest; it may have been cut short")
        if info.size > MANIFEST_MOST:
            raise self._broken("its manifest is too long")
        self._file.seek(info.offset_data)
        try:
            manifest = Manifest.read(self._file.read(info.size))
        except ValueError as error:
            raise self._broken(str(error)) from error
        sizes = {member.name: member.size for member in manifest.members}
        if sizes != {name: each.size for name, each in self._infos.items()}:
            raise self._broken("its members are not those of its manifest")
        return manifest

    def _broken(self, why: str) -> Damaged:
        return Damaged(f"{self.path.name} is no whole backup: {why}", hint="fetch or make it again")


class _Reading:
    """A file whose bytes are counted and hashed as they pass."""

    def __init__(self, source: IO[bytes], told: Told) -> None:
        self._source = source
        self._told = told
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._digest.update(data)
        self._told(len(data))
        return data
