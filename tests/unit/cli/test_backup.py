"""`backup create`, `verify`, `restore`: with a running server and without one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import ensure_server, find_server, stop_server
from sovrium_tui.process.lock import DataLock
from sovrium_tui.process.place import Place
from sovrium_tui.server import own_record
from tests.support.command import Desk

APP = """\
name: shop
tables:
  - $ref: tables/items.yaml
"""
ITEMS = """\
id: 1
name: items
fields:
  - { id: 1, name: title, type: single-line-text }
"""
COUNT = "select count(*) as n from items"


class Shop(Desk):
    """With a look into its table."""

    def rows(self, *where: str) -> int:
        return int(json.loads(self("sql", *where, COUNT, "--format", "json")[0])[0]["n"])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shop:
    folder = tmp_path / "shop"
    (folder / "tables").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("BACKUP_PASSPHRASE", raising=False)
    (folder / "app.yaml").write_text(APP)
    (folder / "tables" / "items.yaml").write_text(ITEMS)
    return Shop(folder, capfd)


@pytest.fixture(params=["with a server", "without one"])
def desk(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Shop]:
    with_server = request.param == "with a server"
    if with_server:
        ensure_server(shop.folder / "app.yaml", shop.folder / ".sovrium")
    yield shop
    assert (find_server(shop.folder / ".sovrium") is not None) == with_server
    stop_server(shop.folder / ".sovrium")
    discovery.reap()


def test_out_and_back(desk: Shop) -> None:
    Path("rows.csv").write_text("title\nchair\nlamp\n")
    desk("import", "items", "rows.csv")
    Path("saved").mkdir()
    out, _ = desk("backup", "create", "--output", "saved", "--json")
    made = json.loads(out)
    file = Path(made["file"])
    assert file.parent == Path("saved")
    assert file.name.startswith("shop-")
    assert file.name.endswith("Z.backup.tar")
    assert (file.stat().st_size, file.stat().st_mode & 0o777) == (made["size"], 0o600)
    assert list(Path("saved").iterdir()) == [file]
    assert list(Path(".sovrium/exchange").iterdir()) == []
    assert "exists" in desk("backup", "create", "--output", str(file), status=2)[1]
    assert "no such folder" in desk("backup", "create", "--output", "nowhere/x.tar", status=2)[1]
    assert "is whole: shop of 20" in desk("backup", "verify", str(file))[0]
    told = json.loads(desk("backup", "verify", str(file), "--json")[0])
    assert (told["app"], told["withKey"], told["missing"]) == ("shop", False, [])

    desk("sql", "insert into items (title) values ('later')")
    again = desk.folder.parent / "again"
    out, err = desk("backup", "restore", str(file), str(again))
    assert out == f"Restored into {again / '.sovrium'}; {again / 'app.yaml'} is the app file\n"
    assert err == "", "nothing is sealed in it"
    assert (again / "app.yaml").read_text() == APP
    assert (again / "tables" / "items.yaml").read_text() == ITEMS
    assert not [path for path in (again / ".sovrium").iterdir() if path.name.startswith(".restore")]
    assert (desk.rows(str(again)), desk.rows()) == (2, 3)
    assert "holds a database already" in desk("backup", "restore", str(file), str(again), status=2)[1]
    assert desk.rows(str(again)) == 2


def test_files_beside_the_folder_of_the_app_file_keep_their_places(shop: Shop, tmp_path: Path) -> None:
    """The data comes beside the app file, wherever that is."""
    (shop.folder / "app.yaml").write_text(APP.replace("tables/items.yaml", "../shared/items.yaml"))
    (tmp_path / "shared").mkdir()
    (shop.folder / "tables" / "items.yaml").rename(tmp_path / "shared" / "items.yaml")
    shop("backup", "create", "--output", "x.tar")
    shop("backup", "restore", "x.tar", "new")
    found = {str(path.relative_to("new")) for path in Path("new").rglob("*") if path.is_file()}
    assert found >= {"shop/app.yaml", "shared/items.yaml", "shop/.sovrium/app.duckdb"}
    assert shop.rows("new/shop") == 0
    assert "holds a database already" in shop("backup", "restore", "x.tar", "new", status=2)[1]


def test_an_app_file_that_is_there_stays(shop: Shop, tmp_path: Path) -> None:
    shop("backup", "create", "--output", "x.tar")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "app.yaml").write_text(APP + "# mine\n")
    out, _ = shop("backup", "restore", "x.tar", str(tmp_path / "other"), "--json")
    told = json.loads(out)
    assert (told["written"], told["needsKey"]) == ([], None)
    assert (tmp_path / "other" / "app.yaml").read_text() == APP + "# mine\n"
    assert not (tmp_path / "other" / "tables").exists()
    assert (tmp_path / "other" / ".sovrium" / "app.duckdb").is_file()


def test_a_folder_that_somebody_holds_is_left_alone(shop: Shop, tmp_path: Path) -> None:
    shop("backup", "create", "--output", "x.tar")
    place = tmp_path / "held"
    with DataLock(Place(place), own_record("server", shop.folder / "app.yaml", "sovrium-tui start")):
        assert "is held by" in shop("backup", "restore", "x.tar", "new", "--data-dir", str(place), status=3)[1]
        assert sorted(path.name for path in place.iterdir()) == ["run"]
    assert not Path("new").exists()


def test_a_database_elsewhere_is_not_restored_beside(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop("backup", "create", "--output", "x.tar")
    Path("new").mkdir()
    Path("new/.env").write_text("DATABASE_URL=postgresql://db.example/app\n")
    assert "DATABASE_URL" in shop("backup", "restore", "x.tar", "new", status=2)[1]
    assert [path.name for path in Path("new").iterdir()] == [".env"]


def test_a_disk_that_is_full_leaves_no_database(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop("backup", "create", "--output", "x.tar")
    real = os.fsync

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "No space is left" in shop("backup", "restore", "x.tar", "new", status=1)[1]
    monkeypatch.setattr(os, "fsync", real)
    assert [path.name for path in Path("new/.sovrium").iterdir()] == ["run"]
    shop("backup", "restore", "x.tar", "new")
    assert shop.rows("new") == 0


def test_wherever_it_was_cut_it_may_be_done_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each move into place fails once; what had been moved before stays for the next attempt."""
    shop("sql", "insert into items (title) values ('chair')")
    shop("backup", "create", "--output", "x.tar")
    real, moved = os.replace, list[str]()
    allowed = 0

    def replace(source: str | Path, target: str | Path) -> None:
        if ".restore-" in str(source) or str(source).endswith(".part"):
            if len(moved) == allowed:
                raise OSError(5, "Input/output error")
            moved.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    for allowed in (0, 1, 1):  # noqa: B007 - `replace` reads it
        shop("backup", "restore", "x.tar", "new", status=1)
        assert not Path("new/.sovrium/app.duckdb").exists()
        moved.clear()
    allowed = 3
    shop("backup", "restore", "x.tar", "new")
    assert moved == ["app.duckdb"], "the others had come before"
    assert (Path("new/app.yaml").read_text(), Path("new/tables/items.yaml").read_text()) == (APP, ITEMS)
    assert not [path for path in Path("new").rglob("*") if path.name.endswith(".part")]
    assert shop.rows("new") == 1


def test_what_a_killed_restore_has_left_is_in_nobodys_way(shop: Shop) -> None:
    shop("backup", "create", "--output", "x.tar")
    left = Path("new/.sovrium/.restore-abc")
    left.mkdir(parents=True)
    (left / "app.duckdb").write_bytes(b"half")
    shop("backup", "restore", "x.tar", "new")
    assert not left.exists()


def test_a_key_is_asked_for_with_a_passphrase(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-047."""
    assert "Nobody is there to type the passphrase" in shop("backup", "create", "--with-key", status=2)[1]
    monkeypatch.setenv("BACKUP_PASSPHRASE", "eleven char")
    assert "less than 12 characters" in shop("backup", "create", "--with-key", status=2)[1]
    monkeypatch.setenv("BACKUP_PASSPHRASE", "twelve chars")
    assert "no master key to take along" in shop("backup", "create", "--with-key", status=2)[1]
    assert list(Path().glob("*.tar")) == []
