"""`backup`: everything that an app keeps in one archive, and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import BadRequest
from sovrium_tui.cli.account import somebody_there
from sovrium_tui.cli.app_file import NAMES, app_argument, data_dir_of, data_dir_option, find_app, take_settings
from sovrium_tui.cli.parameter import Folder
from sovrium_tui.cli.result import json_option, printable, tell_json

if TYPE_CHECKING:
    from core.backup.archive import Archive
    from core.client import Client

VARIABLE = "BACKUP_PASSPHRASE"
file_argument = click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def backup() -> None:
    """Save everything that an app keeps, check an archive, put it back."""


@backup.command("create")
@app_argument
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="The archive, or the folder for it [default: NAME-TIME.backup.tar here].",
)
@click.option("--with-key", is_flag=True, help=f"Take the master key along, sealed with a passphrase ({VARIABLE}).")
@json_option
@data_dir_option
def create(app: Path | None, output: Path | None, with_key: bool, as_json: bool, data_dir: Path | None) -> int:
    """Save the data of APP and its app file.

    That is the database and the files of its records. Everybody works on meanwhile. What is sealed in the database needs
    the master key, which is not in the archive unless --with-key asks for it.
    """
    app_file = find_app(app)
    if output is not None and output.exists() and not output.is_dir():
        raise BadRequest(f"{output} exists", hint="name another file, or a folder")
    if output is not None and not output.parent.is_dir():
        raise BadRequest(f"{output.parent}: there is no such folder")
    sealing = new_passphrase() if with_key else None
    from sovrium_tui.cli.progress import finish
    from sovrium_tui.cli.session import with_client

    async def work(client: "Client") -> dict[str, Any]:
        job = await finish(client, await client.admin.back_up(sealing))
        target = output or Path()
        try:
            if target.is_dir():
                target = target / job["title"]
                if target.exists():
                    raise BadRequest(f"{target} exists", hint="wait a second, or name another file")
            size = await client.download(job["id"], target)
        finally:
            await client.cancel_job(job["id"])  # the server's copy of it goes
        return {"file": str(target), "size": size, "withKey": with_key, "note": job["note"]}

    made = with_client(app_file, data_dir_of(app_file, data_dir), "backup create", work)
    if made["note"]:
        click.echo(f"warning: {made['note']}", err=True)
    if as_json:
        tell_json(made)
    else:
        click.echo(printable(f"{made['file']} is made ({made['size']:,} bytes)"))
    return 0


@backup.command("verify")
@file_argument
@json_option
def verify(file: Path, as_json: bool) -> int:
    """Read all of an archive and say whether it is whole."""
    from core.backup.archive import Archive

    with Archive(file) as archive:
        archive.verify()
        tell_archive(archive, as_json=as_json)
    return 0


@backup.command("restore")
@file_argument
@click.argument(
    "folder",
    metavar="[DIR]",
    default=".",
    type=Folder(file_okay=False, path_type=Path),
    is_eager=True,
    callback=lambda ctx, param, value: take_settings(ctx, param, value) if value.is_dir() else value,
)
@json_option
@data_dir_option
def restore(file: Path, folder: Path, as_json: bool, data_dir: Path | None) -> int:
    """Put an archive back, where there is no database yet.

    The app file comes to DIR (by default here) unless one is there. Every byte is checked before anything is written.
    """
    if os.environ.get("DATABASE_URL"):
        raise BadRequest(
            "DATABASE_URL names the database, and an archive is put into the data folder",
            hint="restore without it, and then let it name the file",
        )
    from core.backup.archive import Archive
    from core.backup.restore import require_empty, restore, sealed_keys
    from core.secrets.ring import system_ring
    from core.secrets.store import VARIABLE as KEY
    from core.secrets.store import KeyStore
    from sovrium_tui.process.lock import DataLock, held_by
    from sovrium_tui.process.place import Place
    from sovrium_tui.process.record import read_record
    from sovrium_tui.server import own_record

    with Archive(file) as archive:
        folder = Path(os.path.abspath(folder))
        app_file = app_file_in(folder, archive)
        place = data_dir_of(app_file, data_dir)
        if (holder := read_record(Place(place).record)) is not None:
            raise held_by(holder)
        require_empty(place)
        archive.verify()
        keys = sealed_keys(archive, passphrase)
        with DataLock(Place(place), own_record("command", app_file, "sovrium-tui backup restore")):
            store = KeyStore(place, os.environ, system_ring)
            done = restore(archive, place, keys, store, None if app_file.exists() else folder)
    if as_json:
        told = {"dataDir": str(place), "appFile": str(app_file), "written": [str(each) for each in done.app_files]}
        tell_json({**told, "needsKey": done.needs_key})
        return 0
    if done.needs_key is not None:
        note = (
            f"the master key {done.needs_key} is needed: put it into {place / 'master.key'} (mode 0600), or into {KEY}"
        )
        click.echo(printable(f"warning: {note}"), err=True)
    app = f"{app_file} is the app file" if done.app_files else f"{app_file} was there and stays as it is"
    click.echo(printable(f"Restored into {place}; {app}"))
    return 0


def app_file_in(folder: Path, archive: "Archive") -> Path:
    """The app file that the data belongs to: the one of the folder, else the one that comes with the archive."""
    there = [folder / name for name in NAMES if (folder / name).is_file()]
    if there:
        return there[0]
    return folder / (archive.manifest.app_file or f"app/{NAMES[0]}").partition("/")[2]


def tell_archive(archive: "Archive", *, as_json: bool) -> None:
    from core.backup.manifest import SEALED_KEY

    manifest, has_key = archive.manifest, archive.has(SEALED_KEY)
    if as_json:
        told = {"app": manifest.app, "createdAt": manifest.created_at, "product": manifest.product}
        counts = {"members": len(manifest.members), "bytes": archive.size, "missing": list(manifest.missing)}
        tell_json({**told, **counts, "withKey": has_key})
        return
    key = "with the master key, sealed" if has_key else "without the master key"
    click.echo(
        printable(
            f"{archive.path.name} is whole: {manifest.app} of {manifest.created_at}, {len(manifest.members):,} files,"
            f" {archive.size:,} bytes, {key}"
        )
    )
    if manifest.missing:
        click.echo(f"{len(manifest.missing):,} files of records were not there when it was made", err=True)


def new_passphrase() -> str:
    """A passphrase that is long enough, typed twice. Raises BadRequest."""
    from core.secrets.passphrase import check_passphrase

    found = passphrase(again=True)
    check_passphrase(found)
    return found


def passphrase(*, again: bool = False) -> str:
    """The passphrase of the environment, or typed without being seen. Raises BadRequest where nobody is there."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    somebody_there("type the passphrase", f"set {VARIABLE}")
    typed: str = click.prompt(
        "Passphrase", hide_input=True, confirmation_prompt="Once more" if again else False, err=True
    )
    return typed


COMMANDS = (backup,)
