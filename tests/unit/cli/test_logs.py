"""`logs`: what a server has told, from its files."""

import json
import logging
import time
from pathlib import Path

import pytest

from core.logs import reading
from core.sql.run import SqlRuns
from sovrium_tui.cli.main import INTERRUPTED, execute
from sovrium_tui.process.log import LogSettings, logging_to
from sovrium_tui.process.place import Place

LOG = logging.getLogger("sovrium.mail")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A data folder whose server has told 300 things, 5 of them grave."""
    monkeypatch.setattr(reading, "SCAN", 4_000)
    place = Place(tmp_path)
    place.prepare()
    tell(place, range(300))
    return place


def tell(place: Place, numbers: range) -> None:
    with logging_to(place.log, LogSettings.of({})):
        for number in numbers:
            LOG.log(logging.ERROR if number % 60 == 0 else logging.INFO, "entry %d", number)


def numbers(text: str) -> list[int]:
    return [int(line.rpartition(" ")[2]) for line in text.splitlines()]


def logs(place: Place, *words: str) -> int:
    return execute(["logs", "--data-dir", str(place.data_dir), *words])


def test_the_latest_are_shown_the_newest_last(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """auth §16.2: without a server, however many files and pages that takes."""
    assert logs(place) == 0
    assert numbers(capsys.readouterr().out) == list(range(200, 300))
    assert logs(place, "--level", "error", "-n", "4") == 0
    assert numbers(capsys.readouterr().out) == [60, 120, 180, 240]
    assert logs(place, "--text", "ENTRY 12", "--json") == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["message"] for entry in shown] == ["entry 12", *(f"entry {number}" for number in range(120, 130))]
    assert shown[1].keys() == {"at", "level", "area", "message", "details"}


def test_what_comes_is_followed(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until Ctrl+C, with the same filter."""
    seen: list[list[int]] = []

    def pause(seconds: float) -> None:
        seen.append(numbers(capsys.readouterr().out))
        if len(seen) == 3:
            raise KeyboardInterrupt
        tell(place, range(300 + 60 * len(seen) - 60, 300 + 60 * len(seen)))

    monkeypatch.setattr(time, "sleep", pause)
    assert logs(place, "--follow", "--level", "warn", "-n", "1") == INTERRUPTED
    assert seen == [[240], [300], [360]]


def test_what_a_command_tells_without_a_server_is_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect is one line on the terminal, and where it broke is in the log of the data folder."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a riddle")

    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(SqlRuns, "start", broken)
    app = tmp_path / "app.yaml"
    app.write_text("name: desk\n")
    place = Place(tmp_path / "data")
    assert execute(["sql", str(app), "select 1", "--data-dir", str(place.data_dir)]) == 1
    told = capsys.readouterr().err
    assert "went wrong inside the server" in told
    assert "riddle" not in told
    assert "RuntimeError: a riddle" in place.log.read_text()
    assert logs(place, "--level", "error") == 0
    assert "POST /api/console/sql → 500" in capsys.readouterr().out


def test_where_no_server_has_run_there_is_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert logs(Place(tmp_path)) == 1
    assert "There is no log" in capsys.readouterr().err
    assert logs(Place(tmp_path), "--level", "loud") == 2
