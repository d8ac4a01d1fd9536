"""Files into tables and out of them, on both databases."""

import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.storage.catalog import read_catalog
from core.storage.database import Call
from tests.support.server import ApiScenario, RunningServer, check_envelope, run

TABLE = "/api/tables/Spare%20Parts"
M8 = ("Spare Parts", {"part_no": "M8-20", "stock": 40, "price": "1.50", "state": "new", "notes": {"a": [1]}})
ODD = ("Spare Parts", {"part_no": 'an "odd", one', "stock": 1, "notes": {"b": "two\nlines"}})

SCENARIOS = [
    ApiScenario(
        name="R-097 an export without a format is a csv file",
        path=f"{TABLE}/export?fields=part_no",
        has=["part_no\n"],
        header={"content-type": "text/csv"},
    ),
    ApiScenario(name="an export of an unknown format", path=f"{TABLE}/export?format=xls", status=400),
    ApiScenario(name="an export of an unknown table", path="/api/tables/x/export?format=csv", status=404),
    ApiScenario(name="an export of an unknown field", path=f"{TABLE}/export?format=csv&fields=colour", status=400),
    ApiScenario(
        name="R-097 an empty table is a header",
        path=f"{TABLE}/export?format=csv",
        has=["part_no,stock,price,state,bought,supplier,number,notes,tested\n"],
        header={"content-disposition": 'attachment; filename="spare_parts-', "content-type": "text/csv"},
    ),
    ApiScenario(name="R-097 an empty table is an empty array", path=f"{TABLE}/export?format=json", has=["[]"]),
    ApiScenario(
        name="an export of what a filter leaves",
        path=f"{TABLE}/export?format=csv&fields=part_no&filter=state:new",
        given=[M8, ODD],
        has=["part_no\nM8-20\n"],
        lacks=["odd"],
    ),
    ApiScenario(name="an import without a format", method="POST", path=f"{TABLE}/import", body=b"a", status=400),
    ApiScenario(
        name="an import into an unknown table",
        method="POST",
        path="/api/tables/x/import?format=csv",
        body=b"a",
        status=404,
    ),
    ApiScenario(
        name="an import with a mapping that is none",
        method="POST",
        path=f"{TABLE}/import?format=csv&mapping=[1]",
        body=b"a",
        status=400,
        json={"errors.0.field": "mapping"},
    ),
    ApiScenario(name="an unknown job", path="/api/console/jobs/job_x", status=404),
    ApiScenario(name="the file of an unknown job", path="/api/console/jobs/job_x/file", status=404),
    ApiScenario(
        name="an export of nothing", method="POST", path="/api/console/exports", body={"format": "csv"}, status=400
    ),
    ApiScenario(
        name="an export of an unknown view",
        method="POST",
        path="/api/console/exports",
        body={"format": "csv", "view": "view_x"},
        status=404,
    ),
    ApiScenario(
        name="a preview suggests fields by the names of columns",
        method="POST",
        path="/api/console/tables/2/import-preview?format=csv",
        body=b"Part No,St ock,Else\nM8,4,x\nM6",
        json={"columns.0.field": "part_no", "columns.1.field": "stock", "columns.2.field": None},
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: ApiScenario, server: RunningServer) -> None:
    run(scenario, server)
    assert exchanged(server) == []


def exchanged(server: RunningServer) -> list[str]:
    """What lies in the exchange folder."""
    return [path.name for path in server.engine.exchange.iterdir()]


def finished(server: RunningServer, job: Any) -> Any:
    end = time.monotonic() + 20
    while job["state"] in ("queued", "running"):
        assert time.monotonic() < end, job
        job = server.http.get(f"/api/console/jobs/{job['id']}").json()
    return job


def upload(server: RunningServer, content: bytes, **query: str) -> Any:
    answer = server.http.post(f"{TABLE}/import", params={"format": "csv", **query}, content=content)
    assert answer.status_code == 202, answer.text
    return finished(server, answer.json())


def test_a_table_goes_out_and_comes_back(server: RunningServer) -> None:
    """R-097: quoting, line ends, nested values."""
    server.empty()
    for table, fields in (M8, ODD):
        server.http.post(f"/api/tables/{table}/records", json={"fields": fields})
    out = server.http.get(f"{TABLE}/export", params={"format": "csv", "fields": "part_no,stock,price,state,notes"})
    assert b"\r" not in out.content
    rows = list(csv.DictReader(io.StringIO(out.text)))
    assert [row["part_no"] for row in rows] == ["M8-20", 'an "odd", one']
    assert json.loads(rows[0]["notes"]) == {"a": [1]}
    listed = json.loads(server.http.get(f"{TABLE}/export", params={"format": "json"}).text)
    assert [record["stock"] for record in listed] == [40, 1]
    server.empty()
    job = upload(server, out.content)
    assert (job["state"], job["rows"]) == ("done", 2), job
    records = server.http.get(f"{TABLE}/records").json()["records"]
    assert [record["fields"]["part_no"] for record in records] == [row["part_no"] for row in rows]
    assert [record["fields"]["notes"] for record in records] == [{"a": [1]}, {"b": "two\nlines"}]
    assert exchanged(server) == []


@pytest.mark.parametrize("format_", ["csv", "json"])
def test_an_export_is_a_stream(server: RunningServer, format_: str) -> None:
    """R-097: sent while it is made, so its size is not known; a name with the day."""
    server.empty()
    with server.http.stream("GET", f"{TABLE}/export", params={"format": format_}) as answer:
        assert "content-length" not in answer.headers
        named = answer.headers["content-disposition"]
        assert re.match(rf'attachment; filename="spare_parts-\d{{4}}-\d\d-\d\d\.{format_}";', named)
        assert answer.read() in (b"[]\n", b"part_no,stock,price,state,bought,supplier,number,notes,tested\n")
    assert exchanged(server) == []


def test_one_bad_row_stops_an_import_or_is_left_out(server: RunningServer) -> None:
    server.empty()
    content = b"part_no,stock\nM8,1\nM6,many\nM4,3\n"
    job = upload(server, content)
    assert job["state"] == "failed"
    assert job["error"]
    assert server.http.get(f"{TABLE}/records").json()["pagination"]["total"] == 0
    job = upload(server, content, onError="skip")
    assert (job["state"], job["rows"]) == ("done", 2), job
    assert job["rejected"][0]["field"] == "stock"
    answer = server.http.get(f"/api/console/jobs/{job['id']}/file")
    head, *rows = answer.text.splitlines()
    assert head == "part_no,stock,_line,_error"
    assert len(rows) == 1
    assert rows[0].startswith("M6,many,3,")
    assert "stock" in rows[0]
    assert answer.headers["content-disposition"].split('"')[1].startswith("spare_parts-refused-")
    for each in server.http.get("/api/console/jobs").json()["jobs"]:
        server.http.delete(f"/api/console/jobs/{each['id']}")
    assert exchanged(server) == []


def test_a_mapping_names_fields(server: RunningServer) -> None:
    server.empty()
    job = upload(server, b"Teil;x\n", mapping='{"Nummer":"part_no"}')
    assert job["state"] == "failed"
    job = upload(server, b"Nummer,Rest\nM8,x\n", mapping='{"Nummer":"part_no"}')
    assert (job["state"], job["rows"]) == ("done", 1), job


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_an_sql_result_is_exported(server: RunningServer, format_: str, tmp_path: Path) -> None:
    server.empty()
    run_ = server.http.post(
        "/api/console/sql", json={"sql": "SELECT 1 AS a, '007' AS b, 2 AS a UNION ALL SELECT 3, NULL, 4"}
    )
    found = run_.json()
    while found["state"] == "running":
        found = server.http.get(f"/api/console/sql/{found['id']}", params={"wait": "1000"}).json()
    body = {"format": format_, "run": found["id"], "index": 0}
    job = finished(server, server.http.post("/api/console/exports", json=body).json())
    assert (job["state"], job["rows"]) == ("done", 2), job
    file = server.http.get(f"/api/console/jobs/{job['id']}/file")
    assert len(file.content) == job["size"]
    if format_ == "csv":
        assert sorted(file.text.splitlines()) == sorted(["a,b,a_2", "1,007,2", "3,,4"])
    elif format_ == "json":
        assert {"a": 1, "b": "007", "a_2": 2} in json.loads(file.text)
    else:
        (tmp_path / "result.parquet").write_bytes(file.content)
        found = duckdb.sql(f"FROM '{tmp_path}/result.parquet' ORDER BY a")
        assert (found.columns, found.fetchall()) == (["a", "b", "a_2"], [(1, "007", 2), (3, None, 4)])
    assert server.http.delete(f"/api/console/jobs/{job['id']}").status_code == 204
    assert exchanged(server) == []


def test_chosen_rows_of_a_view_are_exported(server: RunningServer) -> None:
    """R-059: by their keys, in the order of the view; a key that is none is refused, and so are too many."""
    server.empty()
    keys = [server.http.post(f"{TABLE}/records", json={"part_no": name}).json()["id"] for name in "abc"]
    spec = {"table": "spare_parts", "sort": [{"field": "part_no", "direction": "desc"}]}
    view = server.http.post("/api/console/views", json=spec).json()["id"]
    body = {"format": "csv", "view": view, "fields": ["part_no"], "keys": [str(keys[0]), str(keys[2])]}
    job = finished(server, server.http.post("/api/console/exports", json=body).json())
    assert (job["state"], job["rows"]) == ("done", 2), job
    assert server.http.get(f"/api/console/jobs/{job['id']}/file").text.split() == ["part_no", "c", "a"]
    assert server.http.post("/api/console/exports", json={**body, "keys": ["x y"]}).status_code in (400, 404)
    assert server.http.post("/api/console/exports", json={**body, "keys": ["1"] * 10_001}).status_code == 413
    assert server.http.delete(f"/api/console/jobs/{job['id']}").status_code == 204


def test_a_column_that_somebody_took_away_is_told_in_our_words(server: RunningServer) -> None:
    """R-006, M-006: by answers, not by a file that ends where it began."""

    def rename(old: str, new: str) -> None:
        sql = f"ALTER TABLE spare_parts RENAME COLUMN {old} TO {new}"
        server.engine.database.submit_write(Call(lambda tx: tx.execute(sql))).result()

    server.empty()
    server.http.post(f"{TABLE}/records", json={"part_no": "M8"})
    indexes = server.engine.database.submit_read(Call(read_catalog)).result().tables["spare_parts"].indexes.values()
    drops = [f'DROP INDEX "{index.name}"' for index in indexes]
    server.engine.database.submit_write(Call(lambda tx: [tx.execute(each) for each in drops])).result()
    rename("notes", "away")
    try:
        for path in ("records", "export?format=csv", "export?format=ndjson", "export?format=json"):
            answer = server.http.get(f"{TABLE}/{path}")
            assert answer.status_code == 503, path
            assert answer.json()["message"] == "The tables are not as the app file says"
            assert "notes" not in answer.text
    finally:
        rename("away", "notes")
        again = [index.definition for index in indexes]
        server.engine.database.submit_write(Call(lambda tx: [tx.execute(each) for each in again])).result()


def test_an_upload_that_breaks_leaves_nothing(server: RunningServer) -> None:
    def broken() -> Any:
        yield b"part_no\n" + b"x\n" * 1000
        raise ConnectionAbortedError

    before = len(server.http.get("/api/console/jobs").json()["jobs"])
    with pytest.raises(ConnectionAbortedError):
        server.http.post(f"{TABLE}/import", params={"format": "csv"}, content=broken())
    end = time.monotonic() + 5
    while exchanged(server):
        assert time.monotonic() < end
        server.http.get("/api/health")
    assert len(server.http.get("/api/console/jobs").json()["jobs"]) == before


def test_an_upload_above_the_limit_is_413(server: RunningServer) -> None:
    content = b"part_no\n" + b"x" * (5 * 1024 * 1024)
    answer = server.http.post("/api/console/tables/2/import-preview", params={"format": "csv"}, content=content)
    assert answer.status_code == 413
    check_envelope(answer)
    assert exchanged(server) == []
