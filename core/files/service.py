"""Files of one app: taken in, noted, read and collected."""

import base64
import binascii
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from core.clock import Clock
from core.errors import FieldError, Invalid, NotFound, SovriumError
from core.fields.attachment import AttachmentField
from core.fields.base import ValueProblem
from core.fields.model import TableModel
from core.files.kind import LOOKED_AT, kind_of
from core.files.ledger import KnownFile, enter, known_files, strike
from core.files.store import FileStore, Incoming, LocalFiles, StoredFile
from core.storage.database import Call, Commit, Database

FILE_LIMIT = 5 * 1024**3
"""Bytes of one file, whatever the app file allows."""
UNUSED_FOR = timedelta(days=1)
"""How long an upload waits for a record."""


class Upload:
    """A file on its way in, for one field or for any of the table's."""

    def __init__(self, incoming: Incoming, filename: str, field: AttachmentField | None) -> None:
        self.filename = filename
        self._incoming = incoming
        self._field = field
        self._beginning = b""
        self._size = 0

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *problem: object) -> None:
        self._incoming.forget()

    def write(self, chunk: bytes) -> None:
        """Blocks. Raises Invalid above the field's limit, TooLarge above the server's, DiskFull."""
        if len(self._beginning) < LOOKED_AT:
            self._beginning += chunk[: LOOKED_AT - len(self._beginning)]
        self._size += len(chunk)
        if self._field is not None and self._field.options.max_file_size is not None:
            checked(self._field, self.filename, "", self._size, whole=False)
        self._incoming.write(chunk)

    def finish(self) -> tuple[StoredFile, str]:
        """The file and its kind. Blocks. Raises Invalid when the field does not take it."""
        kind = kind_of(self._beginning, self.filename)
        if self._field is not None:
            checked(self._field, self.filename, kind, 0)
        return self._incoming.finish(), kind


class Files:
    """The files of an app. Blocking methods say so; `closed` ends the collecting."""

    def __init__(self, store: FileStore, database: Database, clock: Clock) -> None:
        self.store = store
        self._database = database
        self._clock = clock
        self._collector = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._asked = threading.Event()
        self._collecting = threading.Lock()
        self._keepers = 0
        """How many go through the files, and need them to stay."""
        self._closed = False

    # ── In ──

    def receive(self, filename: str, field: AttachmentField | None = None) -> Upload:
        """Begin an upload. Blocks."""
        return Upload(self.store.receive(FILE_LIMIT), filename, field)

    async def note(self, file: StoredFile, filename: str, kind: str, by: str) -> None:
        """Enter a stored file into the ledger."""
        await self._database.write(Call(lambda tx: enter(tx, file, filename, kind, by)))

    async def take_in(self, table: TableModel, raw: Mapping[str, Any], by: str) -> Mapping[str, Any]:
        """The values with the keys of files whose content stood in them (T-090). Raises Invalid."""
        import asyncio

        out = dict(raw)
        for name, value in raw.items():
            field = table.fields.get(name)
            if not isinstance(field, AttachmentField):
                continue
            items = value if isinstance(value, list) else [value]
            if not any(isinstance(each, Mapping) and "content" in each for each in items):
                continue
            taken = []
            for each in items:
                if isinstance(each, Mapping) and "content" in each:
                    filename, data = _inline(field, each)
                    file, kind = await asyncio.to_thread(self._keep, field, filename, data)
                    await self.note(file, filename, kind, by)
                    each = {"key": file.key, "filename": filename}
                taken.append(each)
            out[name] = taken if isinstance(value, list) else taken[0]
        return out

    def _keep(self, field: AttachmentField, filename: str, data: bytes) -> tuple[StoredFile, str]:
        checked(field, filename, kind_of(data[:LOOKED_AT], filename), len(data))
        with self.receive(filename, field) as upload:
            upload.write(data)
            return upload.finish()

    # ── Out ──

    async def known(self, key: str) -> KnownFile:
        """Raises NotFound."""
        found: dict[str, KnownFile] = await self._database.read(
            Call(lambda reader: known_files(reader, [key])), lane="point"
        )
        if key not in found:
            raise NotFound
        return found[key]

    # ── Collecting ──

    def begin(self) -> None:
        """Clear away what an earlier process has left, beside everything else."""
        self._collector.submit(self._sweep_once)

    def _sweep_once(self) -> None:
        with suppress(SovriumError, OSError):
            self.sweep()
            self.collect()

    def heard(self, commit: Commit) -> None:
        """A commit may have let files go. On the writer's thread."""
        if any(change.operation in ("update", "permanent-delete", "delete") for change in commit.changes):
            self.collect_soon()

    def collect_soon(self) -> None:
        if not self._closed and not self._asked.is_set():
            self._asked.set()
            with suppress(RuntimeError):  # closed meanwhile
                self._collector.submit(self._collect_once)

    def _collect_once(self) -> None:
        self._asked.clear()
        with suppress(SovriumError):  # what is left goes with the next collection
            self.collect()

    def collect(self) -> int:
        """Delete the files that nobody refers to any more; how many. Blocks."""
        before = self._clock() - UNUSED_FOR
        with self._collecting:  # who comes second finds the work done, not under way
            if self._keepers:
                return 0
            keys = self._database.submit_write(Call(lambda tx: strike(tx, before))).result()
            return sum(self.store.delete(key) for key in keys)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """No file that is known goes meanwhile; what is let go is deleted after the block."""
        with self._collecting:
            self._keepers += 1
        try:
            yield
        finally:
            with self._collecting:
                self._keepers -= 1
            self.collect_soon()

    def sweep(self) -> int:
        """What a crash has left: halves of files, and whole ones that the ledger does not know. Blocks."""
        removed = self.store.clear_unfinished() if isinstance(self.store, LocalFiles) else 0
        oldest = (self._clock() - UNUSED_FOR).timestamp()
        keys = [key for key, at in self.store.stored() if at < oldest]
        for start in range(0, len(keys), 1_000):
            removed += self._remove_unknown(keys[start : start + 1_000])
        return removed

    def _remove_unknown(self, keys: list[str]) -> int:
        known = self._database.submit_read(Call(lambda reader: known_files(reader, keys))).result()
        return sum(self.store.delete(key) for key in keys if key not in known)

    def close(self) -> None:
        self._closed = True
        self._collector.shutdown(wait=True, cancel_futures=True)


def checked(field: AttachmentField, filename: str, kind: str, size: int, *, whole: bool = True) -> None:
    """Raises Invalid when the field does not take such a file; of one that is still coming only the size is judged."""
    try:
        field.check_size(filename, size)
        if whole:
            field.check_kind(filename, kind)
    except ValueProblem as problem:
        raise _refused(field, problem) from None


def _inline(field: AttachmentField, raw: Mapping[str, Any]) -> tuple[str, bytes]:
    name, content = raw.get("name") or raw.get("filename"), raw["content"]
    if not isinstance(name, str) or not isinstance(content, str):
        raise _refused(field, ValueProblem("file.malformed", "A file in a value has `name` and `content` (base64)"))
    try:
        return plain_name(name), base64.b64decode(content.rpartition("base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        raise _refused(field, ValueProblem("file.malformed", "`content` is not base64")) from None


def plain_name(name: str) -> str:
    """A file's name without folders and without what could harm a header or a terminal."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[:255].strip(". ") or "file"


def _refused(field: AttachmentField, problem: ValueProblem) -> Invalid:
    name = field.spec.name
    return Invalid(
        problem.message, [FieldError(name, problem.code, problem.message)], field=name, status=problem.status
    )
