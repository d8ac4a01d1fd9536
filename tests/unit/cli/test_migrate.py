"""`migrate` and its words: the same with a server and without one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from core.storage.database import Settings
from sovrium_tui.process import discovery
from sovrium_tui.process.discovery import ensure_server, find_server, stop_server
from sovrium_tui.process.lock import DataLock
from sovrium_tui.process.place import Place
from sovrium_tui.server import own_record
from tests.support.command import Desk

APP = """\
name: shop
tables:
  - id: 1
    name: items
    fields:
      - { id: 1, name: title, type: single-line-text }
      - { id: 2, name: price, type: integer }   # in euros
"""
NARROWER = APP.replace("      - { id: 2, name: price, type: integer }   # in euros\n", "")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    """No server runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOVRIUM_PORT", "0")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (tmp_path / "app.yaml").write_text(APP)
    return Desk(tmp_path, capfd)


@pytest.fixture(params=["with a server", "without one"])
def desk(request: pytest.FixtureRequest, alone: Desk) -> Iterator[Desk]:
    """A server that stays (it is told that a console uses it), or none."""
    place = alone.folder / ".sovrium"
    server = None
    if request.param == "with a server":
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "sovrium_tui", "start", "app.yaml"],
            cwd=alone.folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        assert "Ready" in server.stdout.readline()
    else:
        alone("migrate", "--yes")
    yield alone
    if server is not None:
        assert find_server(place) is not None, "the server has gone on"
        stop_server(place)
        assert server.stdout is not None
        server.communicate(timeout=30)
    discovery.reap()


def sql(desk: Desk, text: str) -> list[str]:
    """By the server or, where none runs, in the file itself: the app file need not be in force."""
    place = desk.folder / ".sovrium"
    if find_server(place) is not None:
        return desk("sql", "app.yaml", text, "--format", "csv")[0].split()
    with duckdb.connect(place / "app.duckdb") as database:
        found = database.execute(text)
        names = [column[0] for column in found.description or ()]
        return [str(part) for row in (names, *found.fetchall()) for part in row]


def test_a_plan_that_cannot_be_carried_out_says_why(desk: Desk) -> None:
    """M-042"""
    sql(desk, "insert into items (title, price) values ('x', 7)")
    Path("app.yaml").write_text(APP.replace("type: integer", "type: date"))
    out, err = desk("migrate", "--plan", status=1)
    assert out == "Version 1 → 2\n"
    assert err.startswith("refused: items.price cannot change from integer to date by itself\n  hint: Add a new field")
    [refusal] = json.loads(desk("migrate", "--plan", "--json", status=1)[0])["refusals"]
    assert refusal["table"] == "items"
    assert "cannot change from integer to date" in desk("migrate", "--yes", status=1)[1]


def test_from_the_plan_to_the_rollback(desk: Desk) -> None:
    """M-039, M-042, M-044, M-047, M-049, M-052: the whole way, with exit codes."""
    assert "Nothing to do: version 1 is in force" in desk("migrate")[0]
    desk("migrate", "--expect-changes", status=3)
    sql(desk, "insert into items (title, price) values ('x', 7)")

    Path("app.yaml").write_text(NARROWER)
    out, _ = desk("migrate", "--plan")
    assert "- Drop column items.price with its values   loses data" in out
    assert "+ Keep a copy of price as system_trash_2_items" in out
    body = json.loads(desk("migrate", "--plan", "--json")[0])
    assert (body["operation"], body["before"], body["after"]) == ("migrate", 1, 2)
    assert "has changes" in desk("migrate", "status", status=1)[0]
    assert "--allow-destructive" in desk("migrate", "--yes", status=1)[1]
    assert "Version 2 is in force" in desk("migrate", "--yes", "--allow-destructive")[0]
    assert "kept copies of dropped data: system_trash_2_items" in desk("migrate", "status")[0]

    assert "no version 9" in desk("migrate", "rollback", "--to", "9", status=2)[1]
    assert "+ Add column price" in desk("migrate", "rollback", "--plan")[0]
    assert "Version 1 is in force" in desk("migrate", "rollback", "--yes", "--reason", "oops")[0]
    assert sql(desk, "select price from items") == ["price", "7"]
    assert "version 2, which was rolled back" in desk("migrate", "status", status=1)[0]
    assert "--reapply" in desk("migrate", "--yes", "--allow-destructive", status=1)[1]
    history = json.loads(desk("migrate", "history", "--json")[0])
    assert [(each["version"], each["current"], each["rolledBackAt"] is None) for each in history] == [
        (2, False, False),
        (1, True, True),
    ]
    assert "failed" in desk("migrate", "history")[1]
    assert "Version 3 is in force" in desk("migrate", "--yes", "--allow-destructive", "--reapply")[0]
    body = json.loads(desk("migrate", "rollback", "--yes", "--json")[0])
    assert (body["operation"], body["after"], body["applied"]) == ("rollback", 1, True)


def test_a_rollback_that_loses_something_needs_force(desk: Desk) -> None:
    """M-045, D-24"""
    Path("app.yaml").write_text(APP + "      - { id: 3, name: place, type: single-line-text }\n")
    desk("migrate", "--yes")
    sql(desk, "insert into items (place) values ('A')")
    _, err = desk("migrate", "rollback", "--yes", status=1)
    assert "would lose data" in err
    assert "--force" in err
    assert "Version 1 is in force" in desk("migrate", "rollback", "--yes", "--force")[0]
    assert sql(desk, "select place from system_trash_2_undone_items") == ["place", "A"]


def test_drift_is_told_and_repaired(alone: Desk) -> None:
    """M-006, M-053"""
    desk = alone
    desk("migrate", "--yes")
    sql(desk, "alter table items add column mine integer")
    assert "Column items.mine was added by hand" in desk("migrate", "status", status=1)[0]
    assert "Nothing to do" in desk("migrate", "repair")[0]
    sql(desk, "drop index idx_items_deleted_at")
    sql(desk, "alter table items drop column price")
    assert "Column items.price is missing" in desk("migrate", "status", status=1)[0]
    assert "Version 1 is in force" in desk("migrate", "repair", "--yes", "--reason", "drill")[0]
    assert "price" not in desk("migrate", "status", status=1)[0]


def test_ids_are_written_into_the_file(alone: Desk) -> None:
    """M-022: the comment stays, and the database has nothing to do."""
    alone("migrate", "--yes")
    Path("app.yaml").write_text(APP.replace("id: 1, ", "").replace("id: 2, ", "").replace("- id: 1\n    ", "- "))
    assert "Nothing to do" in alone("migrate")[0]
    out, err = alone("migrate", "--assign-ids")
    assert "3 ids written" in err
    assert "+      - { id: 2, name: price, type: integer }   # in euros" in out
    assert Path("app.yaml").read_text() == APP
    assert "has an id already" in alone("migrate", "--assign-ids")[0]
    assert "Nothing to do" in alone("migrate")[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["migrate", "--to", "1"], "--to belongs to"),
        (["migrate", "rollback", "--to", "x"], "number of a version"),
        (["migrate", "history", "--force"], "--force belongs to"),
        (["migrate", "rollback", "--reapply"], "--reapply belongs to"),
    ],
)
def test_options_in_the_wrong_place_are_told(alone: Desk, words: list[str], says: str) -> None:
    assert says in alone(*words, status=2)[1]


def test_another_command_is_waited_for(alone: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """M-040: a minute, shortened here; then it is told who keeps the database, with exit status 3."""
    monkeypatch.setattr("sovrium_tui.cli.migration_desk.LOCK_PATIENCE", 0.2)
    place = Place(alone.folder / ".sovrium")
    with DataLock(place, own_record("command", alone.folder / "app.yaml", "sovrium-tui migrate")):
        _, err = alone("migrate", status=3)
    assert "Waiting for `sovrium-tui migrate`" in err
    assert "The database is held by `sovrium-tui migrate`" in err
    assert "Version 1 is in force" in alone("migrate", "--yes")[0]


def test_a_background_server_that_nobody_uses_makes_room(alone: Desk) -> None:
    """M-040"""
    ensure_server(alone.folder / "app.yaml", alone.folder / ".sovrium")
    assert "Nothing to do" in alone("migrate", "--yes")[0]
    stop_server(alone.folder / ".sovrium")
    discovery.reap()


def test_the_data_moves_to_postgresql(
    alone: Desk, postgresql_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M-055: counted and compared; then the app works there."""
    alone("migrate", "--yes")
    sql(alone, "insert into items (title, price) values ('x', 7)")
    out, _ = alone("migrate", "--to", postgresql_settings.url)
    assert "  items: 1 rows, " in out
    assert "set DATABASE_URL" in out
    assert "holds a table" in alone("migrate", "--to", postgresql_settings.url, status=1)[1]
    monkeypatch.setenv("DATABASE_URL", postgresql_settings.url)
    assert "Nothing to do: version 1 is in force" in alone("migrate")[0]
    assert alone("sql", "app.yaml", "select price from items", "--format", "csv")[0].split() == ["price", "7"]
