"""An archive put back where nothing is.

Everything is unpacked into a folder beside its place, and the database opened there once; then the keys are kept, the files
of records and the app file moved, and the database last: until it is in its place nothing was restored, and it may be tried
again.
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
    """`needs_key` is the id of a master key that the database was sealed with and that is not here; `app_files` were
    written."""

    needs_key: str | None
    app_files: list[Path]


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


def restore(
    archive: Archive, data_dir: Path, keys: Sequence[MasterKey], store: KeyStore, app_folder: Path | None
) -> Restored:
    """Put an archive that was verified into the data folder, which the caller holds; its app file, and what that includes,
    below `app_folder`, where one is given.

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
            _move(folder / FILES, data_dir / FILES)
            app_files = [] if app_folder is None else _restore_app(archive, app_folder)
            for name in (LOG, DATABASE):
                if (folder / name).exists():
                    os.replace(folder / name, data_dir / name)
            sync_folder(data_dir)
    except OSError as error:
        raise storage_error(error) from error
    return Restored(needs_key, app_files)


def _restore_app(archive: Archive, folder: Path) -> list[Path]:
    """Write the app file and what it includes below a folder; what is there stays. The files that were written, the app file
    last: where that is, the others are."""
    written = []
    for name in sorted(archive.names(APP), key=lambda name: name == archive.manifest.app_file):
        target = folder / name.removeprefix(f"{APP}/")
        if not target.exists():
            half = target.with_name(f".{target.name}.part")
            half.unlink(missing_ok=True)
            archive.extract(name, half)
            os.replace(half, target)
            written.append(target)
    return written


def _move(source: Path, target: Path) -> None:
    """All files below a folder to their places below another one, on the disk when this returns."""
    for file in [path for path in source.rglob("*") if path.is_file()]:
        place = target / file.relative_to(source)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.replace(file, place)
    for folder in (target, *target.glob("*")):
        if folder.is_dir():
            sync_folder(folder)


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
