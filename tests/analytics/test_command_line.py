"""`sovrium-tui analytics`."""

import json
from pathlib import Path

import pytest

from sovrium_tui.cli.analytics import SHOWN
from sovrium_tui.cli.main import execute
from tests.analytics.conftest import APP
from tests.analytics.traffic import Counted
from tests.support.clock import MovingClock
from tests.support.server import RunningServer


def test_visits_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A-257: reports as a table and as JSON; what is wrong, or off, is told with an exit code."""
    clock = MovingClock()
    with RunningServer(APP, tmp_path, clock=clock) as server:
        counted = Counted(server, clock)
        counted.visit("/pricing", us="letter", r="https://news.example.org/")
        reports = {show: counted.ask(show) for show in SHOWN}

    def run(*words: str) -> tuple[int, str, str]:
        status = execute(["analytics", str(tmp_path / "app.yaml"), "--data-dir", str(tmp_path / "data"), *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    time = ("--from", "2026-11-20", "--to", "2026-11-21")
    status, out, err = run(*time)
    assert status == 0
    assert [line.split() for line in out.splitlines()[2:]] == [
        ["2026-11-20", "0", "0", "0"],
        ["2026-11-21", "1", "1", "1"],
    ]
    assert " 00:00 " in run(*time, "--granularity", "hour")[1]
    assert err.startswith("1 page view, 1 visitor, 1 session of 0 s, 100 % with one page")
    status, out, err = run("--show", "referrers", *time)
    assert out.splitlines()[-1].split() == ["news.example.org", "1", "1"]
    assert json.loads(run("--json", *time, "--granularity", "month")[1])["timeSeries"][0]["period"][:7] == "2026-11"
    for show, (names, rows) in SHOWN.items():
        assert {len(row) for row in rows(reports[show])} == {len(names)}, show
    status, out, err = run("--from", "yesterday")
    assert (status, out) == (2, "")
    assert "from must be a day or an instant" in err
    (tmp_path / "app.yaml").write_text("name: shop\ntables: []\n")
    status, out, err = run()
    assert (status, out) == (4, "")
    assert "analytics: true" in err
