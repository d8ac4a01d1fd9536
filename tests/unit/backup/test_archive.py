"""Archives that are damaged, cut short or made to harm: each is refused before anything is written."""

import io
import json
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from core.backup.archive import Archive, ArchiveWriter
from core.backup.manifest import Manifest, file_name, is_ours
from core.backup.restore import restore
from core.errors import BadRequest, Damaged, NotFound, SecretsError
from core.secrets.envelope import MasterKey
from core.secrets.passphrase import open_keys, seal_keys
from core.secrets.store import KeyStore
from sovrium_tui.cli.main import execute

KEY = "abcdefghijklmnopqrstuvwxyz"
GOOD = {"app.duckdb": b"the database" * 1000, file_name(KEY): b"a file", "app/app.yaml": b"name: x"}


def write(path: Path, members: dict[str, bytes] = GOOD) -> Path:
    """An archive as we write them."""
    with path.open("wb") as file:
        archive = ArchiveWriter(file, 1_700_000_000, lambda done: None)
        for name, content in members.items():
            archive.add(name, io.BytesIO(content), len(content))
        archive.finish(
            Manifest(
                product="1.0",
                app="x",
                app_file="app/app.yaml",
                created_at="2026-02-01T08:00:00.000Z",
                instance=None,
                dialect="duckdb",
                missing=(),
                members=tuple(archive.members),
            )
        )
    return path


def manifest_of(members: dict[str, bytes], **other: Any) -> bytes:
    listed = [{"name": name, "size": len(data), "sha256": sha256(data).hexdigest()} for name, data in members.items()]
    facts = {"product": "1", "app": "x", "app_file": None, "created_at": "2026", "instance": None, "dialect": "duckdb"}
    return json.dumps({"format": 1, **facts, "missing": [], "members": listed, **other}).encode()


def forge(path: Path, members: dict[str, bytes], *more: tarfile.TarInfo, manifest: bytes | None = None) -> Path:
    """An archive as somebody else may write one."""
    with tarfile.open(path, "w") as tar:
        for info in more:
            tar.addfile(info)
        for name, data in {**members, "manifest.json": manifest or manifest_of(members)}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refused(path: Path, folder: Path) -> str:
    """By the library and by the command, which leaves nothing behind."""
    with pytest.raises(Damaged) as caught, Archive(path) as archive:
        archive.verify()
    assert execute(["backup", "restore", str(path), str(folder / "new")]) == 1
    assert not (folder / "new").exists()
    assert execute(["backup", "verify", str(path)]) == 1
    return caught.value.message


def test_a_whole_one_is_read_to_its_last_byte(tmp_path: Path) -> None:
    told: list[int] = []
    with Archive(write(tmp_path / "x.tar")) as archive:
        archive.verify(told.append)
        assert told[-1] == archive.size == sum(map(len, GOOD.values()))
        archive.extract(file_name(KEY), tmp_path / "out" / "file")
    assert (tmp_path / "out" / "file").read_bytes() == b"a file"
    assert (tmp_path / "out" / "file").stat().st_mode & 0o777 == 0o600
    with pytest.raises(NotFound, match="no such file"):
        Archive(tmp_path / "nothing.tar")


def test_any_tool_unpacks_it(tmp_path: Path) -> None:
    with tarfile.open(write(tmp_path / "x.tar")) as tar:
        assert [info.name for info in tar] == [*GOOD, "manifest.json"]


def test_cut_short_anywhere_it_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "x.tar").read_bytes()
    with tarfile.open(tmp_path / "x.tar") as tar:
        needed = tar.getmember("manifest.json").offset_data + tar.getmember("manifest.json").size
    cut = tmp_path / "cut.tar"
    for size in (0, 1, 511, 512, 513, 5_000, *range(1024, needed, 997), needed - 1):
        cut.write_bytes(whole[:size])
        with pytest.raises(Damaged), Archive(cut) as archive:
            archive.verify()
    cut.write_bytes(whole[: needed - 1])
    assert "no whole backup" in refused(cut, tmp_path)


def test_one_changed_byte_of_a_member_is_seen(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "x.tar").read_bytes())
    with tarfile.open(tmp_path / "x.tar") as tar:
        places = {info.name: (info.offset_data, info.size) for info in tar if info.name != "manifest.json"}
    changed = tmp_path / "changed.tar"
    for name, (begin, size) in places.items():
        for at in (begin, begin + size // 2, begin + size - 1):
            whole[at] ^= 1
            changed.write_bytes(whole)
            assert refused(changed, tmp_path).endswith(f"{name} is not as it was written")
            whole[at] ^= 1


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "out of the folder": lambda path: forge(path, GOOD | {"../evil": b"x"}),
    "out of the folder of files": lambda path: forge(path, GOOD | {f"files/../../{KEY}": b"x"}),
    "another folder of files": lambda path: forge(path, GOOD | {f"files/zz/{KEY}": b"x"}),
    "absolute": lambda path: forge(path, GOOD | {"/tmp/evil": b"x"}),
    "beside the app file": lambda path: forge(path, GOOD | {"app/.env": b"x"}),
    "hidden beside the app file": lambda path: forge(path, GOOD | {"app/.git/config.yaml": b"x"}),
    "a folder up beside the app file": lambda path: forge(path, GOOD | {"app/../evil.yaml": b"x"}),
    "with backslashes": lambda path: forge(path, GOOD | {"app\\evil.yaml": b"x"}),
    "a key in clear": lambda path: forge(path, GOOD | {"master.key": b"x"}),
    "a socket's place": lambda path: forge(path, GOOD | {"run/server.json": b"x"}),
    "not in the manifest": lambda path: forge(path, GOOD | {"app/b.yaml": b"x"}, manifest=manifest_of(GOOD)),
    "only in the manifest": lambda path: forge(path, GOOD, manifest=manifest_of(GOOD | {"app/b.yaml": b"x"})),
    "a symbolic link": lambda path: forge(path, GOOD, special("app/b.yaml", tarfile.SYMTYPE, "/etc/passwd")),
    "a link": lambda path: forge(path, GOOD, special("app/b.yaml", tarfile.LNKTYPE, "app.duckdb")),
    "a folder": lambda path: forge(path, GOOD, special("app", tarfile.DIRTYPE)),
    "a device": lambda path: forge(path, GOOD, special("app/b.yaml", tarfile.CHRTYPE)),
    "a file with holes": lambda path: forge(path, GOOD, special("app/b.yaml", tarfile.GNUTYPE_SPARSE)),
    "a pipe": lambda path: forge(path, GOOD, special("app/b.yaml", tarfile.FIFOTYPE)),
    "the same name twice": lambda path: forge(path, GOOD, special("app.duckdb", tarfile.REGTYPE)),
    "a manifest that is none": lambda path: forge(path, GOOD, manifest=b"[1]"),
    "a manifest that is no JSON": lambda path: forge(path, GOOD, manifest=b"{"),
    "a manifest of the future": lambda path: forge(path, GOOD, manifest=manifest_of(GOOD, format=2)),
    "a manifest that lacks something": lambda path: forge(path, GOOD, manifest=b'{"format": 1}'),
    "a manifest with numbers for names": lambda path: forge(path, GOOD, manifest=manifest_of(GOOD, app=1)),
    "an app file that is not there": lambda path: forge(path, GOOD, manifest=manifest_of(GOOD, app_file="app/z.yaml")),
    "without a database": lambda path: forge(path, {"app/app.yaml": b"x"}),
    "compressed": lambda path: compressed(path),
    "no archive": lambda path: path.write_bytes(b"x" * 10_000) and path,  # type: ignore[func-returns-value]
}


def compressed(path: Path) -> Path:
    """It could be small, and large when it is unpacked."""
    import gzip

    path.write_bytes(gzip.compress(write(path).read_bytes()))
    return path


@pytest.mark.parametrize("about", HOSTILE)
def test_whoever_made_it_it_leads_nowhere_else(about: str, tmp_path: Path) -> None:
    assert "is no whole backup: " in refused(HOSTILE[about](tmp_path / "x.tar"), tmp_path)


def test_a_database_that_was_damaged_before_is_not_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = tmp_path / "new"
    assert execute(["backup", "restore", str(write(tmp_path / "x.tar")), str(folder)]) == 1
    assert "The database in the archive does not open here" in capfd.readouterr().err
    assert [path.name for path in folder.rglob("*")] == [".sovrium", "run", "server.lock"]


def test_a_database_that_has_come_meanwhile_stays(tmp_path: Path) -> None:
    """It is looked for once more when the folder is held."""
    (tmp_path / "app.duckdb").write_bytes(b"somebody's")
    with Archive(write(tmp_path / "x.tar")) as archive, pytest.raises(BadRequest, match="holds a database already"):
        restore(archive, tmp_path, [], KeyStore(tmp_path, {}, lambda: None), None)
    assert (tmp_path / "app.duckdb").read_bytes() == b"somebody's"


def test_a_passphrase_is_the_same_however_it_is_typed() -> None:
    """Composed and decomposed accents, as different systems give them."""
    key = MasterKey(b"k" * 32)
    sealed = seal_keys([key], "caf\u00e9 au lait, s'il", "here")
    assert [each.value for each in open_keys(sealed, "cafe\u0301 au lait, s'il", "here")] == [key.value]
    for phrase, place, text in (
        ("cafe au lait, s'il", "here", sealed),
        ("caf\u00e9 au lait, s'il", "elsewhere", sealed),
        ("caf\u00e9 au lait, s'il", "here", sealed.replace(b'"format":1', b'"format":2')),
        ("caf\u00e9 au lait, s'il", "here", b"[]"),
        ("caf\u00e9 au lait, s'il", "here", b"\xff"),
        ("caf\u00e9 au lait, s'il", "here", b'{"format": 1, "salt": "", "sealed": ""}'),
    ):
        with pytest.raises(SecretsError):
            open_keys(text, phrase, place)


def test_what_we_write_is_ours() -> None:
    for name in ("app.duckdb", "app.duckdb.wal", "master.key.sealed", file_name(KEY), "app/app.yaml", "app/a b/ü.json"):
        assert is_ours(name), name
    for name in ("", "app", "app/", "app/x.sh", "files", f"files/ab/{KEY}/x", f"files/{KEY}", "manifest.json", "a\0b"):
        assert not is_ours(name), name
