"""Imports of rows that are there already: created again, passed over, or written upon (R-059), on both databases."""

import threading
from typing import Any

from tests.support.server import RunningServer

PARTS = "/api/tables/Spare%20Parts"


def bring(server: RunningServer, text: str, **params: str) -> dict[str, Any]:
    answer = server.http.post(f"{PARTS}/import", params={"format": "csv", **params}, content=text.encode())
    assert answer.status_code == 202, answer.text
    id_ = answer.json()["id"]
    for _ in range(500):
        job: dict[str, Any] = server.http.get(f"/api/console/jobs/{id_}").json()
        if job["state"] not in ("queued", "running"):
            return job
        threading.Event().wait(0.02)
    raise AssertionError(job)


def stocks(server: RunningServer) -> dict[str, Any]:
    listed = server.http.get(f"{PARTS}/records?limit=100").json()["records"]
    return {each["fields"]["part_no"]: (each["fields"]["stock"], each["fields"]["state"]) for each in listed}


def test_what_is_there_is_skipped_or_overwritten(server: RunningServer) -> None:
    """R-059: by a unique field; empty cells leave what is there; twice in the file counts as there."""
    server.empty()
    server.http.post(f"{PARTS}/records", json={"part_no": "a", "stock": 1, "state": "new"})
    text = "part_no,stock,state\na,5,\nb,6,used\nb,7,\n"
    skipped = bring(server, text, duplicates="skip", key="part_no")
    assert (skipped["state"], skipped["rows"]) == ("done", 1)
    assert stocks(server) == {"a": (1, "new"), "b": (6, "used")}
    over = bring(server, text + "c,8,\n", duplicates="overwrite", key="part_no")
    assert (over["state"], over["rows"]) == ("done", 4)
    assert stocks(server) == {"a": (5, "new"), "b": (7, "used"), "c": (8, None)}
    refused = bring(server, text)
    assert refused["state"] == "failed"


def test_rows_that_do_not_fit_are_told_or_left_out(server: RunningServer) -> None:
    """R-059: all or none unless asked otherwise; the lines that were refused are told."""
    server.empty()
    server.http.post(f"{PARTS}/records", json={"part_no": "a", "stock": 1})
    text = "part_no,stock\na,2\nb,5000\n,3\nc,4\n"
    failed = bring(server, text, duplicates="overwrite", key="part_no")
    assert (failed["state"], failed["refused"]) == ("failed", 2)
    rows = server.http.get(f"/api/console/jobs/{failed['id']}/file").text.splitlines()
    assert [row.split(",")[:3] for row in rows] == [["part_no", "stock", "_line"], ["b", "5000", "3"], ["", "3", "4"]]
    assert stocks(server) == {"a": (1, None)}
    done = bring(server, text, duplicates="overwrite", key="part_no", onError="skip")
    assert (done["state"], done["rows"]) == ("done", 2)
    assert [each["line"] for each in done["rejected"]] == [3, 4]
    assert stocks(server) == {"a": (2, None), "c": (4, None)}


def test_only_a_unique_field_tells_records(server: RunningServer) -> None:
    """R-059: else 400, and the upload leaves nothing behind."""
    kept = len(list(server.engine.exchange.iterdir()))  # rows that were refused before
    for key in ("stock", "nope", ""):
        answer = server.http.post(
            f"{PARTS}/import", params={"format": "csv", "duplicates": "skip", "key": key}, content=b"part_no\na\n"
        )
        assert answer.status_code == 400, answer.text
    assert len(list(server.engine.exchange.iterdir())) == kept
