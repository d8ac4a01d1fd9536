"""One function per operation behind every door: the same values are refused for the same reasons, whoever brings them."""

import json
from typing import Any

import pytest

from core.errors import SovriumError
from core.principal import OWNER
from core.storage.database import Call
from core.storage.session import WriteConflict
from core.storage.writer import PAUSES
from tests.support.server import RunningServer

TABLE = "/api/tables/Spare Parts"
Refusal = tuple[int, frozenset[str]]
"""The status, and the fields that are to blame."""

WRONG: dict[str, dict[str, Any]] = {
    "required": {"stock": 3},
    "out of range": {"part_no": "x", "stock": 1001},
    "no number": {"part_no": "x", "price": "much"},
    "no option": {"part_no": "x", "state": "odd"},
    "no day": {"part_no": "x", "bought": "2026-02-30"},
    "a link to nothing": {"part_no": "x", "supplier": 999},
    "several": {"stock": -1, "state": "odd"},
    "a duplicate": {"part_no": "taken"},
}


def told(status: int, body: Any) -> Refusal:
    named = {str(each["field"]) for each in body.get("errors", ())} | {*body.get("fields", ())}
    if isinstance(body.get("field"), str):
        named.add(body["field"])
    return status, frozenset(named)


def by_engine(server: RunningServer, fields: dict[str, Any]) -> Refusal:
    records, table = server.engine.records, server.engine.model.by_address["spare_parts"]
    try:
        server.call_in_loop(records.create(OWNER, table, {"fields": fields}))
    except SovriumError as error:
        return told(error.status, error.body())
    return 201, frozenset()


def by_http(server: RunningServer, fields: dict[str, Any]) -> Refusal:
    answer = server.http.post(f"{TABLE}/records", json={"fields": fields})
    return told(answer.status_code, answer.json() if answer.status_code >= 400 else {})


def by_batch(server: RunningServer, fields: dict[str, Any]) -> Refusal:
    answer = server.http.post(f"{TABLE}/records/batch", json={"records": [{"fields": fields}]})
    return told(answer.status_code, answer.json())


def by_grid(server: RunningServer, fields: dict[str, Any]) -> Refusal:
    """A commit is several changes, so its own status says only that it was refused; a lost version alone is 409."""
    change = {"ref": "a", "op": "create", "table": "2", "fields": fields}
    answer = server.local.post("/api/console/commit", json={"changes": [change]})
    outcome = answer.json()["outcomes"][0]
    return answer.status_code, frozenset(str(each["field"]) for each in outcome.get("errors", []))


@pytest.mark.parametrize("case", WRONG)
def test_every_door_refuses_alike(case: str, server: RunningServer) -> None:
    """T-147: the engine itself, the API, its batches, the grid over the socket; and nothing is written by any."""
    server.empty()
    assert server.local.post(f"{TABLE}/records", json={"part_no": "taken"}).status_code == 201
    fields = WRONG[case]
    wanted = by_engine(server, fields)
    assert wanted[0] in (400, 409)
    assert wanted[1]
    assert by_http(server, fields) == wanted
    assert by_batch(server, fields) == wanted
    assert by_grid(server, fields) == (400, wanted[1])
    job = server.http.post(f"{TABLE}/import", params={"format": "json"}, content=json.dumps([fields])).json()
    while job.get("state") in ("running", "queued"):
        job = server.http.get(f"/api/console/jobs/{job['id']}").json()
    assert job.get("state", "failed") == "failed"
    assert server.local.get(f"{TABLE}/records").json()["pagination"]["total"] == 1


def test_every_door_writes_alike(server: RunningServer) -> None:
    """T-147: the stored values of one record are the same, whichever way it came; a grid sends what was typed."""
    fields = {"stock": 7, "price": 1.5, "state": "new", "bought": "2026-02-03", "tested": "true", "notes": {"a": [1]}}
    server.empty()
    records, table = server.engine.records, server.engine.model.by_address["spare_parts"]
    server.call_in_loop(records.create(OWNER, table, {"fields": {**fields, "part_no": "engine"}}))
    assert by_http(server, {**fields, "part_no": "http"})[0] == 201
    assert by_batch(server, {**fields, "part_no": "batch"})[0] == 201
    assert by_grid(server, {**fields, "part_no": "grid", "stock": "7"})[0] == 200
    merged = {"records": [{"fields": {**fields, "part_no": "upsert"}}], "fieldsToMergeOn": ["part_no"]}
    assert server.http.post(f"{TABLE}/records/upsert", json=merged).status_code == 200
    found = [record["fields"] for record in server.http.get(f"{TABLE}/records").json()["records"]]
    kept = [{name: each for name, each in record.items() if name not in ("part_no", "number")} for record in found]
    assert len(kept) == 5
    assert all(each == kept[0] for each in kept)
    assert (kept[0]["stock"], kept[0]["tested"], kept[0]["notes"]) == (7, True, {"a": [1]})


def test_links_are_kept_by_the_engine(server: RunningServer) -> None:
    """S-003: no foreign key is declared on DuckDB; the engine refuses and minds links in the transaction of the write."""
    server.empty()
    if server.engine.database.dialect == "duckdb":
        sql = "SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'"
        assert server.engine.database.submit_read(Call(lambda reader: reader.scalar(sql))).result() == 0
    assert by_http(server, {"part_no": "x", "supplier": 1}) == (400, frozenset({"supplier"}))
    maker = server.local.post("/api/tables/suppliers/records", json={"name": "Acme"}).json()["id"]
    batch = [{"fields": {"part_no": "a", "supplier": maker}}, {"fields": {"part_no": "b", "supplier": 10**6}}]
    assert server.http.post(f"{TABLE}/records/batch", json={"records": batch}).status_code == 400
    assert server.local.get(f"{TABLE}/records").json()["pagination"]["total"] == 0
    assert by_http(server, {"part_no": "a", "supplier": maker})[0] == 201


@pytest.mark.parametrize(("collisions", "succeeds"), [(1, True), (len(PAUSES), True), (len(PAUSES) + 1, False)])
def test_writers_that_meet_try_again(server: RunningServer, collisions: int, succeeds: bool) -> None:
    """S-015: three times; then it is a conflict that says what it was."""
    assert len(PAUSES) == 3
    runs: list[int] = []

    def work(tx: Any) -> str:
        runs.append(1)
        tx.execute('UPDATE "spare_parts" SET stock = 1 WHERE id = -1')
        if len(runs) <= collisions:
            raise WriteConflict("Another write changed the same record at the same moment", detail="WRITE_CONFLICT")
        return "done"

    ticket = server.engine.database.submit_write(Call(work))
    if succeeds:
        assert ticket.result() == "done"
    else:
        with pytest.raises(WriteConflict) as caught:
            ticket.result()
        assert (caught.value.status, caught.value.code) == (409, "CONFLICT")
        assert "WRITE_CONFLICT" in str(caught.value.body())
    assert len(runs) == 1 + min(collisions, len(PAUSES))


def test_writers_that_meet_all_come_through(server: RunningServer) -> None:
    """S-015: many jobs that count one number up, each from what it has read: none is refused, none is lost."""
    server.empty()
    record = server.local.post(f"{TABLE}/records", json={"part_no": "a", "stock": 0}).json()["id"]

    def count(tx: Any) -> None:
        stock = tx.scalar('SELECT stock FROM "spare_parts" WHERE id = ?', [record])
        tx.execute('UPDATE "spare_parts" SET stock = ? WHERE id = ?', [stock + 1, record])

    for ticket in [server.engine.database.submit_write(Call(count)) for _ in range(200)]:
        ticket.result()
    assert server.local.get(f"{TABLE}/records/{record}").json()["fields"]["stock"] == 200
