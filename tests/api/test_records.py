"""The routes of records: what each takes and answers, on both databases."""

from datetime import datetime, timedelta, timezone

import pytest

from tests.support.server import ApiScenario, RunningServer, run

PARTS = "/api/tables/Spare%20Parts/records"
M8 = ("Spare Parts", {"part_no": "M8-20", "stock": 40, "price": "1.50", "state": "new"})
M6 = ("Spare Parts", {"part_no": "M6-10", "stock": 7, "state": "used"})
ACME = ("suppliers", {"name": "Acme"})

CREATE = [
    ApiScenario(
        name="R-007 create answers 201 with id and times",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "M8-20", "stock": 40, "price": 1.5}},
        status=201,
        json={"fields.part_no": "M8-20", "fields.stock": 40, "stock": 40, "fields.price": "1.5"},
        has=['"createdAt":"20', '"updatedAt":"20', '"id":"'],
        changes=1,
    ),
    ApiScenario(
        name="R-003 create takes the bare map of fields",
        method="POST",
        path=PARTS,
        body={"part_no": "M8-20"},
        status=201,
        json={"fields.part_no": "M8-20"},
        changes=1,
    ),
    ApiScenario(
        name="R-008 all wrong values are reported together",
        method="POST",
        path=PARTS,
        body={"fields": {"stock": "many", "state": "lost", "bought": "tomorrow-ish"}},
        status=400,
        json={"code": "VALIDATION_ERROR", "len(errors)": 4},
        has=['"field":"part_no"', '"field":"stock"', '"field":"state"', '"field":"bought"'],
    ),
    ApiScenario(
        name="R-008 a number out of range is 400",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "a", "stock": 1001}},
        status=400,
        json={"code": "VALIDATION_ERROR", "errors.0.field": "stock"},
    ),
    ApiScenario(
        name="R-008 D-08 a wrong url is 422 with error and field",
        method="POST",
        path="/api/tables/suppliers/records",
        body={"fields": {"name": "Acme", "site": "not a url"}},
        status=422,
        json={"code": "VALIDATION_ERROR", "field": "site", "errors.0.field": "site"},
        has=['"error":"'],
    ),
    ApiScenario(
        name="D-05 a duplicate is 409 and names the field",
        method="POST",
        path=PARTS,
        given=[M8],
        body={"fields": {"part_no": "M8-20"}},
        status=409,
        json={"code": "CONFLICT", "field": "part_no"},
    ),
    ApiScenario(
        name="D-06 a link to nothing is 400",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "a", "supplier": 999999}},
        status=400,
        json={"code": "VALIDATION_ERROR", "errors.0.field": "supplier"},
    ),
    ApiScenario(
        name="R-012 a link takes an id",
        method="POST",
        path=PARTS,
        given=[ACME],
        body={"fields": {"part_no": "a", "supplier": "{0}"}},
        status=201,
        changes=1,
    ),
    ApiScenario(
        name="R-011 an id in the body is 400",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "a", "id": 7}},
        status=400,
        json={"errors.0.field": "id"},
    ),
    ApiScenario(
        name="R-011 an autonumber in the body is 400",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "a", "number": 7}},
        status=400,
        json={"errors.0.field": "number"},
    ),
    ApiScenario(
        name="unknown fields are 400",
        method="POST",
        path=PARTS,
        body={"fields": {"part_no": "a", "colour": "red"}},
        status=400,
        json={"errors.0.field": "colour"},
    ),
    ApiScenario(
        name="R-009 an unknown table is 404",
        method="POST",
        path="/api/tables/nothing/records",
        body={"fields": {}},
        status=404,
        json={"code": "NOT_FOUND"},
    ),
    ApiScenario(
        name="T-035 a disabled table is 404",
        method="POST",
        path="/api/tables/hidden/records",
        body={"fields": {}},
        status=404,
        json={"code": "NOT_FOUND"},
    ),
    ApiScenario(
        name="R-005 a body that is not JSON is 400 about the body",
        method="POST",
        path=PARTS,
        body=b"{part_no: a}",
        status=400,
        json={"code": "VALIDATION_ERROR", "errors.0.field": "body"},
    ),
    ApiScenario(
        name="R-005 an empty body is 400 about the body",
        method="POST",
        path=PARTS,
        body=b"",
        status=400,
        json={"errors.0.field": "body"},
    ),
    ApiScenario(
        name="R-005 a body that is no object is 400 about the body",
        method="POST",
        path=PARTS,
        body=["a"],
        status=400,
        json={"errors.0.field": "body"},
    ),
    ApiScenario(
        name="a body above the limit is 413",
        method="POST",
        path=PARTS,
        body=b'{"part_no":"' + b"a" * 1_100_000 + b'"}',
        status=413,
        json={"code": "PAYLOAD_TOO_LARGE"},
    ),
]
READ = [
    ApiScenario(
        name="R-027 R-001 a single read has its fields at top level and a number for an id",
        path=PARTS + "/{0}",
        given=[M8],
        json={"part_no": "M8-20", "fields.part_no": "M8-20", "fields.price": "1.5"},
        has=['"id":{0},'],
    ),
    ApiScenario(name="R-001 ids=string", path=PARTS + "/{0}?ids=string", given=[M8], json={"id": "{0}"}),
    ApiScenario(name="R-027 an unknown record is 404", path=PARTS + "/999999", status=404, json={"code": "NOT_FOUND"}),
    ApiScenario(name="an id that cannot be one is 404", path=PARTS + "/abc", status=404, json={"code": "NOT_FOUND"}),
    ApiScenario(name="an id beyond 64 bits is 404", path=PARTS + "/99999999999999999999", status=404),
    ApiScenario(name="an id with an escaped slash is 404", path=PARTS + "/1%2F2", status=404),
    ApiScenario(name="an id with a NUL is 404", path=PARTS + "/1%00", status=404),
    ApiScenario(name="an id that is not UTF-8 is 400", path=PARTS + "/%ff", status=400, json={"code": "BAD_REQUEST"}),
    ApiScenario(
        name="an unknown format is 400",
        path=PARTS + "/{0}?format=pretty",
        given=[M8],
        status=400,
        json={"code": "VALIDATION_ERROR"},
    ),
    ApiScenario(
        name="R-004 unknown parameters are ignored with a warning",
        path=PARTS + "/{0}?colour=red",
        given=[M8],
        header={"warning": "colour"},
    ),
    ApiScenario(
        name="R-004 on lists too, with all of their names",
        path=PARTS + "?colour=red&limit=1&size=3",
        given=[M8, M6],
        json={"len(records)": 1},
        header={"warning": '299 - "unknown parameters ignored: colour, size"'},
    ),
    ApiScenario(
        name="R-015 R-001 a list has pages, totals and ids as text",
        path=PARTS,
        given=[M8, M6],
        json={
            "len(records)": 2,
            "records.0.id": "{0}",
            "pagination.total": 2,
            "pagination.page": 1,
            "pagination.limit": 20,
            "pagination.hasNextPage": False,
        },
    ),
    ApiScenario(
        name="R-016 limit and offset",
        path=PARTS + "?limit=1&offset=1",
        given=[M8, M6],
        json={"len(records)": 1, "records.0.fields.part_no": "M6-10", "pagination.hasPreviousPage": True},
    ),
    ApiScenario(
        name="D-10 a limit above the maximum is clamped and reported",
        path=PARTS + "?limit=5000",
        given=[M8],
        json={"pagination.limit": 100},
    ),
    ApiScenario(name="D-10 a limit that is no number is 400", path=PARTS + "?limit=ten", status=400),
    ApiScenario(name="D-10 a limit of nothing is 400", path=PARTS + "?limit=0", status=400),
    ApiScenario(
        name="R-017 sorted",
        path=PARTS + "?sort=stock:asc",
        given=[M8, M6],
        json={"records.0.fields.part_no": "M6-10"},
    ),
    ApiScenario(
        name="R-017 an unknown field to sort by is 400 about sort",
        path=PARTS + "?sort=colour",
        status=400,
        json={"errors.0.field": "sort"},
    ),
    ApiScenario(
        name="R-019 fields",
        path=PARTS + "?fields=stock",
        given=[M8],
        json={"records.0.fields": {"stock": 40}},
    ),
    ApiScenario(
        name="D-11 a filter tree",
        path=PARTS + '?filter={"and":[{"field":"stock","operator":"greaterThan","value":10}]}',
        given=[M8, M6],
        json={"len(records)": 1, "records.0.id": "{0}"},
    ),
    ApiScenario(
        name="R-113 the shorthand of a filter",
        path=PARTS + "?filter=state:used",
        given=[M8, M6],
        json={"len(records)": 1, "records.0.id": "{1}"},
    ),
    ApiScenario(
        name="D-12 an unknown operator is 400",
        path=PARTS + '?filter={"field":"stock","operator":"near","value":1}',
        status=400,
        json={"code": "BAD_REQUEST"},
    ),
    ApiScenario(name="a filter that is no JSON is 400", path=PARTS + "?filter={oops", status=400),
    ApiScenario(name="a parameter with a NUL is 400", path=PARTS + "?q=a%00b", status=400),
    ApiScenario(name="parameters that are not UTF-8 are 400", path=PARTS + "?q=%ff%fe", status=400),
    ApiScenario(name="text to look for", path=PARTS + "?q=m8", given=[M8, M6], json={"len(records)": 1}),
    ApiScenario(
        name="R-024 groups",
        path=PARTS + "?groupBy=state&aggregate=stock:sum",
        given=[M8, M6],
        json={"len(groups)": 2},
    ),
    ApiScenario(
        name="a list of another table's links",
        path="/api/tables/2/records",
        given=[M8],
        json={"len(records)": 1},
    ),
]
CHANGE = [
    ApiScenario(
        name="R-030 update changes only what is given",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {"stock": 41}},
        json={"fields.stock": 41, "fields.part_no": "M8-20"},
        has=['"id":{0},'],
        changes=1,
    ),
    ApiScenario(
        name="R-034 an update that gives nothing answers the record as it was",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {}},
        json={"record.fields.part_no": "M8-20", "fields.part_no": "M8-20"},
        changes=0,
    ),
    ApiScenario(
        name="R-038 PUT is PATCH",
        method="PUT",
        path=PARTS + "/{0}",
        given=[M8],
        body={"stock": 41},
        json={"fields.stock": 41, "fields.part_no": "M8-20"},
        changes=1,
    ),
    ApiScenario(
        name="R-032 an unknown record is 404",
        method="PATCH",
        path=PARTS + "/999999",
        body={"fields": {"stock": 41}},
        status=404,
    ),
    ApiScenario(
        name="R-031 created_at is 400",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {"created_at": "2020-01-01T00:00:00Z"}},
        status=400,
    ),
    ApiScenario(
        name="R-033 null into required is 400",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {"part_no": None}},
        status=400,
        json={"errors.0.field": "part_no"},
    ),
    ApiScenario(
        name="R-033 a duplicate is 409",
        method="PATCH",
        path=PARTS + "/{1}",
        given=[M8, M6],
        body={"fields": {"part_no": "M8-20"}},
        status=409,
        json={"code": "CONFLICT", "field": "part_no"},
    ),
    ApiScenario(
        name="R-036 a stale version is 409 with the record as it is",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {"stock": 41}, "updatedAt": "2020-01-01T00:00:00.000Z"},
        status=409,
        json={"code": "CONFLICT", "current.fields.stock": 40},
    ),
    ApiScenario(
        name="R-035 a write that changes nothing logs nothing",
        method="PATCH",
        path=PARTS + "/{0}",
        given=[M8],
        body={"fields": {"stock": 40}},
    ),
    ApiScenario(
        name="D-09 R-040 delete is 204", method="DELETE", path=PARTS + "/{0}", given=[M8], status=204, changes=1
    ),
    ApiScenario(
        name="D-09 a delete for good is 200",
        method="DELETE",
        path=PARTS + "/{0}?permanent=true",
        given=[M8],
        json={"success": True},
        changes=1,
    ),
    ApiScenario(name="R-040 deleting nothing is 404", method="DELETE", path=PARTS + "/999999", status=404),
    ApiScenario(
        name="a parameter that is neither true nor false is 400",
        method="DELETE",
        path=PARTS + "/{0}?permanent=perhaps",
        given=[M8],
        status=400,
    ),
    ApiScenario(
        name="R-042 restoring what is not deleted is 400",
        method="POST",
        path=PARTS + "/{0}/restore",
        given=[M8],
        status=400,
    ),
]
BATCH = [
    ApiScenario(
        name="R-050 R-051 a batch answers counts",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}, {"fields": {"part_no": "b"}}]},
        status=201,
        json={"created": 2},
        lacks=['"records"'],
        changes=2,
    ),
    ApiScenario(
        name="R-051 a batch answers its records when asked",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}], "returnRecords": True},
        status=201,
        json={"records.0.fields.part_no": "a"},
        changes=1,
    ),
    ApiScenario(
        name="R-050 one bad record rolls the batch back and is named",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}, {"fields": {"stock": "b"}}]},
        status=400,
        json={"errors.0.record": 1},
    ),
    ApiScenario(
        name="R-050 a duplicate inside a batch is 409",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}, {"fields": {"part_no": "a"}}]},
        status=409,
    ),
    ApiScenario(
        name="R-054 continueOnError writes the good ones",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}, {"fields": {"stock": "b"}}], "continueOnError": True},
        json={"created": 1, "errors.0.record": 1},
        changes=1,
    ),
    ApiScenario(
        name="R-052 an empty batch is 400", method="POST", path=PARTS + "/batch", body={"records": []}, status=400
    ),
    ApiScenario(name="R-052 a batch without records is 400", method="POST", path=PARTS + "/batch", body={}, status=400),
    ApiScenario(
        name="R-052 a batch above 1,000 is 413",
        method="POST",
        path=PARTS + "/batch",
        body={"records": [{"fields": {"part_no": "a"}}] * 1001},
        status=413,
        json={"code": "PAYLOAD_TOO_LARGE"},
    ),
    ApiScenario(
        name="R-055 batch update",
        method="PATCH",
        path=PARTS + "/batch",
        given=[M8, M6],
        body={"records": [{"id": "{0}", "fields": {"stock": 1}}, {"id": "{1}", "fields": {"stock": 2}}]},
        json={"updated": 2},
        changes=2,
    ),
    ApiScenario(
        name="R-055 D-16 unknown ids of a batch update are told",
        method="PATCH",
        path=PARTS + "/batch",
        given=[M8],
        body={"records": [{"id": "{0}", "fields": {"stock": 1}}, {"id": "999999", "fields": {"stock": 2}}]},
        json={"updated": 1, "errors.0.id": "999999"},
        changes=1,
    ),
    ApiScenario(
        name="R-056 batch delete",
        method="DELETE",
        path=PARTS + "/batch",
        given=[M8, M6],
        body={"ids": ["{0}", "{1}"]},
        json={"deleted": 2},
        changes=2,
    ),
    ApiScenario(
        name="R-056 batch delete by POST",
        method="POST",
        path=PARTS + "/batch/delete",
        given=[M8],
        body={"ids": ["{0}"]},
        json={"deleted": 1},
        changes=1,
    ),
    ApiScenario(
        name="R-056 an unknown id deletes nothing",
        method="DELETE",
        path=PARTS + "/batch",
        given=[M8],
        body={"ids": ["{0}", "999999"]},
        status=404,
    ),
    ApiScenario(
        name="R-058 ids that are none are 400",
        method="DELETE",
        path=PARTS + "/batch",
        body={"ids": [{"a": 1}]},
        status=400,
        json={"errors.0.field": "ids.0"},
    ),
]
SCENARIOS = [*CREATE, *READ, *CHANGE, *BATCH]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(scenario: ApiScenario, server: RunningServer) -> None:
    run(scenario, server)


def test_a_record_through_its_life(server: RunningServer) -> None:
    """R-040…R-045: created, deleted, seen in the trash, restored, and gone for good."""
    server.empty()
    http = server.http
    made = http.post(PARTS, json={"fields": {"part_no": "M8-20"}}).json()
    address = f"{PARTS}/{made['id']}"
    assert http.delete(address).status_code == 204
    assert http.get(address).status_code == 404
    assert http.delete(address).status_code == 404
    assert http.patch(address, json={"fields": {"stock": 1}}).status_code == 404
    assert http.get(PARTS).json()["records"] == []
    trash = http.get("/api/tables/Spare%20Parts/trash").json()
    assert [record["id"] for record in trash["records"]] == [made["id"]]
    assert "deleted_at" in trash["records"][0]["fields"]
    assert http.get(f"{PARTS}?deleted=true").json()["records"] == trash["records"]
    assert http.get(f"{address}?includeDeleted=true").status_code == 200
    restored = http.post(f"{address}/restore").json()
    assert restored["success"] is True
    assert restored["record"]["fields"]["part_no"] == "M8-20"
    assert http.get(address).status_code == 200
    assert http.delete(address, params={"permanent": "true"}).json() == {"success": True}
    assert http.get(f"{address}?includeDeleted=true").status_code == 404
    assert http.get("/api/tables/Spare%20Parts/trash").json()["records"] == []


@pytest.mark.parametrize("offset", [0, 2, -5])
def test_a_version_is_an_instant(server: RunningServer, offset: int) -> None:
    """R-036: what differs is the instant, not how it is written."""
    server.empty()
    made = server.http.post(PARTS, json={"fields": {"part_no": "M8-20"}}).json()
    seen = datetime.fromisoformat(made["updatedAt"]).astimezone(timezone(timedelta(hours=offset)))
    address, body = f"{PARTS}/{made['id']}", {"fields": {"stock": 1}, "updatedAt": seen.isoformat()}
    assert server.http.patch(address, json=body).status_code == 200
    assert server.http.patch(address, json=body).status_code == 409


@pytest.mark.parametrize("version", ["yesterday", "", 5, "0001-01-01T00:00:00+23:00"])
def test_what_is_no_version_is_refused(duckdb_server: RunningServer, version: object) -> None:
    """R-036 R-005: no conflict, but a body of the wrong shape."""
    duckdb_server.empty()
    made = duckdb_server.http.post(PARTS, json={"fields": {"part_no": "M8-20"}}).json()
    body = {"fields": {"stock": 1}, "updatedAt": version}
    answer = duckdb_server.http.patch(f"{PARTS}/{made['id']}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "updatedAt")


def test_batch_restore(server: RunningServer) -> None:
    """R-057"""
    server.empty()
    http = server.http
    body = {"records": [{"fields": {"part_no": name}} for name in "abc"], "returnRecords": True}
    ids = [record["id"] for record in http.post(f"{PARTS}/batch", json=body).json()["records"]]
    http.request("DELETE", f"{PARTS}/batch", json={"ids": ids[:2]})
    answer = http.post(f"{PARTS}/batch/restore", json={"ids": ids})
    assert answer.json() == {"success": True, "restored": 2}
    answer = http.post(f"{PARTS}/batch/restore", json={"ids": ["999999"]})
    assert answer.status_code == 404
    assert answer.json()["recordId"] == "999999"


def test_paging_by_cursor_sees_every_record_once(server: RunningServer) -> None:
    server.empty()
    body = {"records": [{"fields": {"part_no": f"p{n:03}", "stock": n % 3}} for n in range(25)]}
    server.http.post(f"{PARTS}/batch", json=body)
    seen, cursor = [], None
    while True:
        query = {"limit": "10", "sort": "stock:desc"} | ({"cursor": cursor} if cursor else {})
        answer = server.http.get(PARTS, params=query).json()
        seen += [record["fields"]["part_no"] for record in answer["records"]]
        cursor = answer["pagination"].get("nextCursor")
        if not cursor:
            break
    assert len(seen) == 25
    assert len(set(seen)) == 25
