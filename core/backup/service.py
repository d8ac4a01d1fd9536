"""Backups of an app at work, as jobs (A-047).

The database's files stand still while they are copied, and no file of a record is deleted; nobody waits for it. What goes
into the archive is named here member by member: keys, sockets, locks, logs and what is under way never do.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import IO

from core.backup.archive import ArchiveWriter
from core.backup.manifest import APP, DATABASE, SEALED_KEY, Manifest, file_name, is_ours, key_place
from core.clock import Clock, to_iso
from core.contract.console import Job
from core.errors import BadRequest, Conflict, NotFound
from core.files.ledger import all_keys
from core.files.service import Files
from core.files.store import FileStore, storage_error
from core.ids import short_id
from core.jobs.center import JobCenter, Progress, Still
from core.jobs.transfer import kept_when_whole
from core.principal import Principal
from core.schema.model import App
from core.secrets.envelope import Secrets
from core.secrets.passphrase import check_passphrase, seal_keys
from core.secrets.store import seal_of
from core.storage.database import Call, Database, Reader, StillFile

Parts = AbstractContextManager[Sequence[StillFile]]
MISSING = "Some files of records were not there to be saved; the manifest names them"


class Backups:
    """The backups of one app. `files` are at work where a table has a field for them; `store` is where they are kept, and
    `secrets` what its accounts seal with."""

    def __init__(
        self,
        app: App,
        database: Database,
        jobs: JobCenter,
        exchange: Path,
        clock: Clock,
        *,
        store: FileStore,
        files: Files | None,
        secrets: Secrets | None,
    ) -> None:
        self._app = app
        self._database = database
        self._jobs = jobs
        self._exchange = exchange
        self._clock = clock
        self._store = store
        self._files = files
        self._secrets = secrets

    def start(
        self,
        principal: Principal,
        product: str,
        passphrase: str | None,
        note: Callable[[], Awaitable[None]],
        *,
        still: Still | None = None,
    ) -> Job:
        """Begin one; its file is the archive. `product` is our version; with a passphrase the master key is in it, sealed.
        `note` is waited for before anything is read.

        Raises:
            DialectLimit: the database is saved by other means.
            Conflict: one is being made.
            BadRequest: the passphrase is too short, or there is no key.
        """
        parts = self._database.still()
        if passphrase is not None:
            check_passphrase(passphrase)
            if self._secrets is None:
                raise BadRequest("An app without accounts has no master key to take along")
        self._make_room(principal)
        target = self._exchange / f"{short_id('backup')}.tar"
        title = archive_name(self._app.name, self._clock)

        async def work(progress: Progress) -> None:
            await note()
            await asyncio.to_thread(self._make, target, parts, product, passphrase, progress)
            progress.keep(target, title)

        return self._jobs.start("backup", title, work, unit="bytes", principal=principal, still=still)

    def _make_room(self, principal: Principal) -> None:
        """Archives are large: one is made at a time, and one is kept for each caller. Raises Conflict."""
        if any(job["kind"] == "backup" and job["state"] == "running" for job in self._jobs.list()):
            raise Conflict("A backup is being made already", hint="wait for it to end, or cancel it")
        for job in self._jobs.list(principal):
            if job["kind"] == "backup":
                self._jobs.cancel(job["id"], principal)

    def _make(self, target: Path, parts: Parts, product: str, passphrase: str | None, progress: Progress) -> None:
        """Blocks. Raises Cancelled, DiskFull, StorageError."""
        try:
            with kept_when_whole(target), create(target) as file:
                self._write(file, parts, product, passphrase, progress)
        except OSError as error:
            raise storage_error(error) from error

    def _write(self, file: IO[bytes], parts: Parts, product: str, passphrase: str | None, progress: Progress) -> None:
        now, app = self._clock(), app_members(self._app)
        archive = ArchiveWriter(file, now.timestamp(), progress.report)
        with self._files.kept() if self._files is not None else nullcontext(), parts as standing:
            instance, keys = self._database.submit_read(Call(_facts), lane="long", deadline=None).result()
            sizes = {key: size for key in keys if (size := self._size(key)) is not None}
            total = sum(part.size for part in standing) + sum(sizes.values())
            progress.report(0, total + sum(path.stat().st_size for path in app.values()))
            for part in standing:
                with part.path.open("rb") as source:
                    archive.add(f"{DATABASE}{part.suffix}", source, part.size)
            for key, size in sizes.items():
                with self._store.open(key) as source:
                    archive.add(file_name(key), source, size)
        for name, path in app.items():
            content = path.read_bytes()
            archive.add(name, BytesIO(content), len(content))
        if passphrase is not None and self._secrets is not None:
            sealed = seal_keys(self._secrets.keys, passphrase, key_place(instance))
            archive.add(SEALED_KEY, BytesIO(sealed), len(sealed))
        manifest = Manifest(
            product=product,
            app=self._app.name,
            app_file=next((name for name, path in app.items() if path == self._app.files[0]), None),
            created_at=to_iso(now),
            instance=instance,
            dialect=self._database.dialect,
            missing=tuple(key for key in keys if key not in sizes),
            members=tuple(archive.members),
        )
        archive.finish(manifest)
        progress.report(archive.done, note=MISSING if manifest.missing else "")  # the last moment to be cancelled in

    def _size(self, key: str) -> int | None:
        try:
            return self._store.size(key)
        except NotFound:
            return None


def _facts(reader: Reader) -> tuple[str | None, list[str]]:
    """The instance, and the keys of all files."""
    seal = seal_of(reader)
    return seal[0] if seal else None, all_keys(reader)


def app_members(app: App) -> dict[str, Path]:
    """The app file and what it includes, by members that lie to each other as the files do. They are for people to
    read: one that has gone since, or whose name no archive may hold, is left out."""
    root = os.path.commonpath([path.parent for path in app.files]) if app.files else ""
    named = {f"{APP}/{path.relative_to(root).as_posix()}": path for path in app.files}
    return {name: path for name, path in named.items() if is_ours(name) and path.is_file()}


def archive_name(app: str, clock: Clock) -> str:
    """`crm-20260201T080000Z.backup.tar`."""
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', app)}-{clock():%Y%m%dT%H%M%SZ}.backup.tar"


def create(target: Path) -> IO[bytes]:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
