"""Forms without JSON, emptying the trash, files of every format (R-039, R-048, R-097, R-098), on both databases."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from core.records import workbook as workbook_module
from core.records.workbook import workbook
from tests.support.server import RunningServer

PARTS = "/api/tables/Spare%20Parts"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def make(server: RunningServer, **fields: object) -> str:
    answer = server.http.post(f"{PARTS}/records", json={"fields": fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_forms_change_and_delete(server: RunningServer) -> None:
    """R-039: fields as texts; 302 to a local path, JSON without; nothing is done when the path is foreign."""
    server.empty()
    id_ = make(server, part_no="M8", stock=4)
    path = f"{PARTS}/records/{id_}"
    answer = server.http.post(f"{path}/update", data={"stock": "5", "state": "", "_redirect": "/done?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/done?x=1")
    assert server.http.get(path).json()["stock"] == 5
    plain = server.http.post(f"{path}/update", data={"price": "1.5", "tested": "true"})
    assert (plain.status_code, plain.json()["fields"]["price"]) == (200, "1.5")
    for foreign in ("https://evil.test", "//evil.test", "/\\evil.test", "done", "/a b", "/\r\nx: y"):
        refused = server.http.post(f"{path}/update", data={"stock": "9", "_redirect": foreign})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "_redirect")
    assert server.http.get(path).json()["stock"] == 5
    assert server.http.post(f"{path}/update", data={"stock": "many"}).status_code == 400
    assert server.http.post(f"{path}/update", content=b"\xff\xfe").status_code == 400
    assert server.http.post(f"{PARTS}/records/999999/update", data={"stock": "1"}).status_code == 404
    gone = server.http.post(f"{path}/delete", data={"_redirect": "/list"})
    assert (gone.status_code, gone.headers["location"]) == (302, "/list")
    assert server.http.post(f"{path}/delete").status_code == 404


def test_forms_change_and_delete_many(server: RunningServer) -> None:
    """R-039 §10.8: `_ids` and `_data` as JSON, all or none."""
    server.empty()
    ids = [make(server, part_no=f"p{n}", stock=n) for n in range(3)]
    sent = {"_ids": json.dumps(ids[:2]), "_data": json.dumps({"stock": 8}), "_redirect": "/ok"}
    assert server.http.post(f"{PARTS}/records/bulk-update", data=sent).status_code == 302
    stocks = [each["fields"]["stock"] for each in server.http.get(f"{PARTS}/records").json()["records"]]
    assert sorted(stocks) == [2, 8, 8]
    bad = {"_ids": json.dumps(ids), "_data": json.dumps({"stock": -1})}
    assert server.http.post(f"{PARTS}/records/bulk-update", data=bad).status_code == 400
    for broken in ({"_ids": "x"}, {"_ids": "{}"}, {}, {"_ids": "[true]"}, {"_ids": "[]"}):
        assert server.http.post(f"{PARTS}/records/bulk-delete", data=broken).status_code == 400
        update = {"_data": json.dumps({"stock": 9}), **broken}
        assert server.http.post(f"{PARTS}/records/bulk-update", data=update).status_code == 400
    done = server.http.post(f"{PARTS}/records/bulk-delete", data={"_ids": json.dumps(ids)})
    assert done.json() == {"success": True, "deleted": 3}


def test_the_trash_is_emptied(server: RunningServer) -> None:
    """R-048 R-044: what is older goes for good and leaves its last values in the history; what others need stays."""
    server.empty()
    acme = server.http.post("/api/tables/suppliers/records", json={"name": "Acme"}).json()["id"]
    beta = server.http.post("/api/tables/suppliers/records", json={"name": "Beta"}).json()["id"]
    part = make(server, part_no="M8", supplier=int(acme))
    for each in (acme, beta):
        server.http.delete(f"/api/tables/suppliers/records/{each}")
    assert server.http.post("/api/tables/suppliers/trash/empty?olderThanDays=1").json() == {"deleted": 0, "kept": 0}
    assert server.http.post("/api/tables/suppliers/trash/empty?olderThanDays=-1").status_code == 400
    answer = server.http.post("/api/tables/suppliers/trash/empty")
    assert answer.status_code == 200, answer.text
    assert answer.json()["deleted"] >= 1
    left = server.http.get("/api/tables/suppliers/trash").json()["pagination"]["total"]
    assert left == answer.json()["kept"]
    history = server.http.get(f"/api/tables/suppliers/records/{beta}/history").json()["history"]
    assert (history[-1]["action"], history[-1]["changes"]["before"]["name"]) == ("permanent_delete", "Beta")
    assert server.http.get(f"{PARTS}/records/{part}").status_code == 200


def export(server: RunningServer, **params: str) -> bytes:
    answer = server.http.get(f"{PARTS}/export", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    return answer.content


def test_exports_of_every_format(server: RunningServer) -> None:
    """R-097: csv, json, lines of JSON and spreadsheets hold the same; only some records, fields, or what a filter finds."""
    server.empty()
    first = make(server, part_no="M8", stock=4, price="1.5", bought="2026-02-01", tested=True, notes={"a": [1]})
    make(server, part_no="M6 <&>", stock=7, state="used")
    third = make(server, part_no="M9", stock=4)
    lines = [json.loads(line) for line in export(server, format="ndjson").splitlines()]
    assert lines == json.loads(export(server, format="json"))
    assert lines[0]["notes"] == {"a": [1]}
    chosen = export(server, format="csv", recordIds=f"{third},{first}", fields="part_no").decode()
    assert chosen == "part_no\nM8\nM9\n"
    assert export(server, format="csv", filterField="stock", filterValue="4", fields="part_no").decode() == chosen
    assert export(server, format="csv", recordIds="", fields="part_no").decode() == "part_no\n"
    assert server.http.get(f"{PARTS}/export?format=csv&recordIds=x").status_code == 404
    assert server.http.get(f"{PARTS}/export?format=csv&filterField=nope&filterValue=1").status_code == 400
    assert server.http.get(f"{PARTS}/export?format=docx").status_code == 400
    rows = sheet(export(server, format="xlsx"))
    names = rows[0]
    found = [dict(zip(names, row, strict=True)) for row in rows[1:]]
    assert names == list(lines[0])
    assert [row["part_no"] for row in found] == ["M8", "M6 <&>", "M9"]
    assert (found[0]["stock"], found[0]["price"], found[0]["tested"]) == ("4", "1.5", "1")
    assert found[0]["bought"] == str((date(2026, 2, 1) - date(1899, 12, 30)).days)
    assert found[1]["price"] == ""


def test_cells_are_no_formulas(server: RunningServer) -> None:
    """R-098: with `safe=true` texts that a program would run get an apostrophe; numbers stay numbers."""
    server.empty()
    for number, text in enumerate(("=1+1", "+x", "-x", "@x", "plain", "'x")):
        make(server, part_no=text, price=str(-number))
    rows = list(csv.reader(io.StringIO(export(server, format="csv", safe="true", fields="part_no,price").decode())))
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+x", "'-x", "'@x", "plain", "'x"]
    assert [row[1] for row in rows[1:]] == ["0", "-1", "-2", "-3", "-4", "-5"]
    raw = list(csv.reader(io.StringIO(export(server, format="csv", fields="part_no").decode())))
    assert raw[1] == ["=1+1"]


def sheet(content: bytes, number: int = 1) -> list[list[str]]:
    """The texts of a sheet's cells, by an XML reader of its own."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        tree = ElementTree.fromstring(package.read(f"xl/worksheets/sheet{number}.xml"))
        for name in package.namelist():
            ElementTree.fromstring(package.read(name))
    return [["".join(cell.itertext()) for cell in row] for row in tree.iter(f"{SHEET}row")]


def test_a_workbook_holds_what_a_spreadsheet_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """R-097: long numbers and odd signs stay texts, old dates too; what does not fit one sheet goes to the next."""
    moment = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
    values = [
        Decimal("12345678901234567.5"),
        2**60,
        1.5,
        float("nan"),
        "a\x00b\ud83d",
        True,
        moment,
        date(1850, 1, 1),
        None,
    ]
    content = b"".join(part for part, _ in workbook(["n"] * 9, iter([[values]])))
    assert sheet(content)[1] == [
        *("12345678901234567.5", str(2**60), "1.5", "nan", "ab", "1", "46054.5000000000", "1850-01-01", "")
    ]
    monkeypatch.setattr(workbook_module, "ROWS_MOST", 3)
    parts = list(workbook(["n"], iter([[[1], [2], [3]], [[4], [5]]])))
    content = b"".join(part for part, _ in parts)
    assert sum(count for _, count in parts) == 5
    assert [sheet(content, n) for n in (1, 2, 3)] == [[["n"], ["1"], ["2"]], [["n"], ["3"], ["4"]], [["n"], ["5"]]]


def test_an_export_of_a_view(server: RunningServer) -> None:
    """R-097: `view` is known to the door; one that is not there is 404."""
    assert server.http.get(f"{PARTS}/export?format=csv&view=none").status_code == 404


def test_a_formula_filters_lists_and_exports(server: RunningServer) -> None:
    """§10.4 `filterByFormula`: the parameter reaches lists and exports; a mistake is 400."""
    server.empty()
    for number in range(4):
        make(server, part_no=f"p{number}", stock=number)
    params = {"filterByFormula": "AND({stock}>=2, {part_no}!='p3')"}
    listed = server.http.get(f"{PARTS}/records", params=params).json()["records"]
    assert [each["fields"]["part_no"] for each in listed] == ["p2"]
    assert export(server, format="csv", fields="part_no", **params).decode() == "part_no\np2\n"
    assert server.http.get(f"{PARTS}/records", params={"filterByFormula": "AND("}).status_code == 400


def test_a_batch_takes_bare_fields_beside_ids(server: RunningServer) -> None:
    """R-003 §10.8: `{id, stock}` changes as `{id, fields: {stock}}` does."""
    server.empty()
    id_ = make(server, part_no="a", stock=1)
    answer = server.http.patch(f"{PARTS}/records/batch", json={"records": [{"id": id_, "stock": 9}]})
    assert answer.json() == {"updated": 1}
    assert server.http.get(f"{PARTS}/records/{id_}").json()["stock"] == 9
