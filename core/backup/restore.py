"""An archive put back where nothing is.

Everything is unpacked into a folder beside its place, and the database opened there once; then the files of records are
moved, the keys kept, and the database last: until it is in its place nothing was restored, and it may be tried again.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.backup.archive import Archive
from core.backup.manifest import APP, DATABASE, FILES, LOG, SEALED_KEY, key_place
from core.errors import BadRequest, Damaged
from core.files.store import storage_error, sync_folder
from core.secrets.envelope import MasterKey
from core.secrets.passphrase import open_keys
from core.secrets.store import KeyStore, seal_of
from core.sentence import say
from core.storage.database import Call, Settings
from core.storage.engine import open_database

_BESIDE = ".restore-"


@dataclass(frozen=True, slots=True)
class Restored:
    """`needs_key` is the id of a master key that the database was sealed with and that is not here."""

    needs_key: str | None


def require_empty(data_dir: Path) -> None:
    """Raises BadRequest where a database is."""
    if (data_dir / DATABASE).exists() or (data_dir / LOG).exists():
        message = say("{folder} holds a database already", folder=str(data_dir))
        raise BadRequest(message, hint="choose another folder, or move that one away")


def sealed_keys(archive: Archive, ask: Callable[[], str]) -> list[MasterKey]:
    """The master keys in an archive, [] where there are none. `ask` gives the passphrase. Raises SecretsError."""
    if not archive.has(SEALED_KEY):
        return []
    return open_keys(archive.read(SEALED_KEY), ask(), key_place(archive.manifest.instance))


def restore(archive: Archive, data_dir: Path, keys: Sequence[MasterKey], store: KeyStore) -> Restored:
    """Put an archive that was verified into the data folder, which the caller holds.

    Raises:
        BadRequest: a database is there.
        Damaged: the database does not open, or is another than the manifest says.
        DiskFull, StorageError: it cannot be written.
        SecretsError: a key that is there already cannot be read.
    """
    require_empty(data_dir)
    try:
        with _beside(data_dir) as folder:
            for name in (DATABASE, LOG, *archive.names(FILES)):
                if archive.has(name):
                    archive.extract(name, folder / name)
            seal = _settle(folder / DATABASE)
            if (seal[0] if seal else None) != archive.manifest.instance:
                raise Damaged(f"{archive.path.name} holds the database of another instance than its manifest says")
            if seal and keys:
                store.add(seal[0], list(keys))
            needs_key = seal[1] if seal and store.find(*seal) is None else None
            targets = [data_dir / name for name in archive.names(FILES)]
            for target in targets:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.replace(folder / target.relative_to(data_dir), target)
            for each in {target.parent for target in targets}:
                sync_folder(each)
            for name in (LOG, DATABASE):
                if (folder / name).exists():
                    os.replace(folder / name, data_dir / name)
            sync_folder(data_dir)
    except OSError as error:
        raise storage_error(error) from error
    return Restored(needs_key)


def restore_app(archive: Archive, folder: Path) -> list[Path]:
    """Write the app file and what it includes below a folder; what is there stays. The files that were written."""
    targets = {name: folder / name.removeprefix(f"{APP}/") for name in archive.names(APP)}
    missing = {name: target for name, target in targets.items() if not target.exists()}
    for name, target in missing.items():
        archive.extract(name, target)
    return list(missing.values())


@contextmanager
def _beside(data_dir: Path) -> Iterator[Path]:
    """A folder on the same disk; what a killed process has left of another goes."""
    for left in data_dir.glob(f"{_BESIDE}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_BESIDE, dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settle(file: Path) -> tuple[str, str] | None:
    """Open the database, take what its log holds into it, close it. The instance and the key that it is sealed with."""
    try:
        database = open_database(Settings(url=f"duckdb:///{file}"))
    except Damaged as error:
        hint = "it was made by a newer version of sovrium-tui, or its database was damaged before"
        raise Damaged("The database in the archive does not open here", hint=hint) from error
    try:
        seal: tuple[str, str] | None = database.submit_read(Call(seal_of), deadline=None).result()
        return seal
    finally:
        database.close()
