"""A machine whose time zone is not UTC: every session of the database is in UTC all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_instants_are_right_wherever_the_machine_is(tmp_path: Path) -> None:
    """T-071: read, listed, filtered, exported, shown and asked for by SQL; a setting made for one session alone would leave
    the others in the zone of the machine."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.api.zone_process", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)},
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, second = "2026-02-01T22:30:00.000Z", "2026-02-02T08:00:00.250Z"
    assert found["machine"] == "JST"
    assert [*found["settings"], found["writer"]] == [["UTC", 1000]] * 4
    assert found["made"]["at"] == found["read"]["at"] == first
    assert found["made"]["createdAt"] == found["read"]["createdAt"]
    assert [record["fields"]["at"] for record in found["listed"]] == [second]
    assert [record["id"] for record in found["equal"]] == ["1"]
    assert found["shown"]["displayValue"] == "2/1/2026 22:30"
    assert found["csv"] == f"title,at,day\none,{first},2026-02-01\ntwo,{second},\n"
    assert [record["at"] for record in found["json"]] == [first, second]
    assert found["sql"] == [[first, "2026-02-01", True]]
