"""T-032, T-034: the times of a table are its own."""

from pathlib import Path
from typing import Any

from tests.support.server import RunningServer

ONE = """
name: shop
tables:
  - id: 1
    name: items
    fields:
      - {id: 1, name: title, type: single-line-text}
"""
NOTES = """
  - id: 2
    name: notes
    fields:
      - {id: 1, name: text, type: long-text}
"""
MORE = "      - {id: 2, name: price, type: integer}\n"


def times(app: str, folder: Path) -> dict[str, Any]:
    with RunningServer(app, folder) as server:
        listed = server.local.get("/api/tables").json()
        for each in listed:
            one = server.local.get(f"/api/tables/{each['id']}").json()
            assert (one["createdAt"], one["updatedAt"]) == (each["createdAt"], each["updatedAt"])
    return {each["name"]: (each["createdAt"], each["updatedAt"]) for each in listed}


def test_a_table_keeps_its_times_when_another_changes(tmp_path: Path) -> None:
    first = times(ONE, tmp_path)["items"]
    assert first[0] == first[1]
    second = times(ONE + NOTES, tmp_path)
    assert second["items"] == first
    assert second["notes"][0] > first[0]
    third = times(ONE + MORE + NOTES, tmp_path)
    assert third["notes"] == second["notes"]
    assert third["items"][0] == first[0]
    assert third["items"][1] > second["notes"][0]
    assert times(ONE + MORE + NOTES, tmp_path) == third
